package identity

import (
	"context"
	"regexp"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/pinyin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// TenantCreate is a new tenant with its first administrator.
type TenantCreate struct {
	Slug       string // part of the public sign-in name
	Name       string
	Locale     string // "zh-CN" or "en"; empty is "zh-CN"
	Timezone   string // empty is "Asia/Shanghai"
	Company    string // name of the root company; empty is Name
	Department string // name of its first department; empty is 总部

	AdminNumber   string // staff number; empty is "1"
	AdminName     string
	AdminLogin    string
	AdminPassword string `json:"-"`
}

// TenantMade says what was made, for the operator.
type TenantMade struct {
	Tenant                              tenancy.TenantID
	Company, Department, Staff, Account uuid.UUID
}

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}[a-z0-9]$`)

// Validate fills in what is left out, trims texts and reports all field errors at once.
func (in *TenantCreate) Validate() error {
	var c input.Checks
	if !slugForm.MatchString(in.Slug) {
		c.Refuse("input.slug", "SLUG_FORM", "标识须为 3 至 40 个小写字母、数字或横线，以字母开头，不以横线结尾",
			"a slug has 3 to 40 lower-case letters, digits or dashes, begins with a letter and does not end with a dash")
	}
	in.Name = c.Line("input.name", in.Name, 200)
	in.Locale = orElse(in.Locale, "zh-CN")
	c.OneOf("input.locale", in.Locale, "zh-CN", "en")
	in.Timezone = c.Line("input.timezone", orElse(in.Timezone, "Asia/Shanghai"), 64)
	in.Company = c.Line("input.company", orElse(in.Company, in.Name), 200)
	in.Department = c.Line("input.department", orElse(in.Department, "总部"), 200)
	in.AdminNumber = c.Line("input.adminNumber", orElse(in.AdminNumber, "1"), 40)
	in.AdminName = c.Line("input.adminName", in.AdminName, 100)
	checkLogin(&c, "input.adminLogin", in.AdminLogin)
	checkPassword(&c, "input.adminPassword", in.AdminPassword, in.AdminLogin)
	return c.Err()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// CreateTenant makes a tenant in one transaction: its row, epochs and counters, its sign-in entries, the root company with a
// department, the first staff member with employment and account, the shipped roles and policy, and the binding of
// tenant_admin. It is the operator's alone and no API reaches it. CONFLICT when the slug is taken.
func (s *Service) CreateTenant(ctx context.Context, ids *id.Source, in TenantCreate) (TenantMade, error) {
	if err := in.Validate(); err != nil {
		return TenantMade{}, err
	}
	hash, err := s.hasher.HashPassword(ctx, in.AdminPassword)
	if err != nil {
		return TenantMade{}, err
	}
	made := TenantMade{Tenant: tenancy.TenantID(ids.New()), Company: ids.New(), Department: ids.New(), Staff: ids.New(), Account: ids.New()}
	session := tenancy.ForSystem(made.Tenant, tenancy.SystemOperator)
	found := func(ctx context.Context, tx *tenancy.Tx) error { return foundTenant(ctx, tx, in) }
	_, err = s.runner.Found(ctx, session, tenantCreate(), "tenant-create/"+in.Slug, in, found, func(ctx context.Context, w *act.Work) (act.Result, error) {
		for _, step := range []func() error{
			func() error {
				return list(ctx, w, tenancy.DirectoryTenant, credential.SlugHash(in.Slug), w.Tenant())
			},
			func() error { return foundOrganisation(ctx, w, in, made) },
			func() error { return foundAccount(ctx, w, in, made, hash) },
			func() error { return foundPolicy(ctx, w, made.Account) },
		} {
			if err := step(); err != nil {
				return act.Result{}, err
			}
		}
		return act.Result{
			Subject: act.Subject{Type: typeTenant, ID: w.Tenant(), Version: 1},
			Snapshot: map[policy.Object]map[string]any{policy.TenantSettings: {
				"id": id.Encode(id.Tenant, w.Tenant()), "slug": in.Slug, "name": in.Name, "locale": in.Locale, "timezone": in.Timezone, "state": "ACTIVE",
			}},
			Changes: []act.Change{{Field: "slug", New: in.Slug}, {Field: "name", New: in.Name}, {Field: "adminLogin", New: in.AdminLogin}},
		}, nil
	})
	if err != nil {
		return TenantMade{}, err
	}
	return made, nil
}

// foundTenant inserts the rows on which everything else in the tenant stands.
func foundTenant(ctx context.Context, tx *tenancy.Tx, in TenantCreate) error {
	t := tx.Session().Tenant.UUID()
	_, err := tx.Exec(ctx, `INSERT INTO tenants (tenant_id, slug, name, locale, timezone, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		t, in.Slug, in.Name, in.Locale, in.Timezone, tx.Now())
	if unique(err) == "tenants_slug_key" {
		return fault.Conflicts("input.slug", "SLUG_TAKEN", fault.Text{ZH: "该标识已被使用", EN: "the slug is taken"}, fault.Text{ZH: "请换一个标识", EN: "choose another one"})
	}
	if err != nil {
		return wrap("tenant", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, t); err != nil {
		return wrap("epochs", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO tenant_counters (tenant_id) VALUES ($1)`, t)
	return wrap("counters", err)
}

func foundOrganisation(ctx context.Context, w *act.Work, in TenantCreate, made TenantMade) error {
	db, now := w.Ent(), w.Now()
	if _, err := db.Company.Create().SetID(made.Company).SetTenantID(w.Tenant()).SetName(in.Company).SetCreatedAt(now).SetUpdatedAt(now).Save(ctx); err != nil {
		return wrap("company", err)
	}
	if _, err := db.Department.Create().SetID(made.Department).SetTenantID(w.Tenant()).SetCompanyID(made.Company).SetKind("DEPARTMENT").SetName(in.Department).
		SetCreatedAt(now).SetUpdatedAt(now).Save(ctx); err != nil {
		return wrap("department", err)
	}
	if _, err := db.Staff.Create().SetID(made.Staff).SetTenantID(w.Tenant()).SetNumber(in.AdminNumber).SetName(in.AdminName).SetPinyin(pinyin.PersonKey(in.AdminName)).
		SetCompanyID(made.Company).SetDepartmentID(made.Department).SetCreatedAt(now).SetUpdatedAt(now).Save(ctx); err != nil {
		return wrap("staff", err)
	}
	_, err := db.Employment.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetStaffID(made.Staff).SetCompanyID(made.Company).SetDepartmentID(made.Department).
		SetIsPrimary(true).SetValidFrom(now).SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
	return wrap("employment", err)
}

func foundAccount(ctx context.Context, w *act.Work, in TenantCreate, made TenantMade, hash string) error {
	_, err := w.Ent().Account.Create().SetID(made.Account).SetTenantID(w.Tenant()).SetKind(kindStaff).SetStaffID(made.Staff).SetLogin(in.AdminLogin).
		SetDisplayName(in.AdminName).SetPasswordHash(hash).SetCreatedAt(w.Now()).SetUpdatedAt(w.Now()).Save(ctx)
	if err != nil {
		return wrap("account", err)
	}
	return list(ctx, w, tenancy.DirectoryLogin, credential.LoginHash(in.Slug, in.AdminLogin), made.Account)
}
