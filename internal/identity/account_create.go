package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// AccountCreate lets a staff member sign in, or makes the account of a partner app (no staff member, a display name).
type AccountCreate struct {
	Staff       *uuid.UUID
	DisplayName *string
	Login       string
	Password    *string `json:"-"`
}

// Validate trims texts and reports all field errors at once.
func (in *AccountCreate) Validate() error {
	var c input.Checks
	in.DisplayName = c.OptionalLine("input.displayName", in.DisplayName, 100)
	if in.Staff == nil && in.DisplayName == nil {
		c.Refuse("input.displayName", "REQUIRED", "应用账号须有显示名称", "an app's account has a display name")
	}
	checkLogin(&c, "input.login", in.Login)
	switch {
	case in.Password != nil:
		checkPassword(&c, "input.password", *in.Password, in.Login)
	case in.Staff != nil:
		c.Refuse("input.password", "REQUIRED", "员工账号须有初始密码", "a staff member's account has a first password")
	}
	return c.Err()
}

// AccountCreate: permission account.create where the staff member is employed (tenant-wide for an app). A password set by
// somebody else must be changed at the first sign-in. CONFLICT when the login is taken or the staff member has an account.
func (s *Service) AccountCreate(ctx context.Context, session *tenancy.Session, in AccountCreate, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	hash, bound, err := s.protect(ctx, session, key, in.Password)
	if err != nil {
		return act.Result{}, err
	}
	bind := struct {
		AccountCreate
		Password []byte
	}{in, bound}
	return s.runner.Run(ctx, session, accountCreate(), key, bind, func(ctx context.Context, w *act.Work) (act.Result, error) {
		row, kind, name := &policy.Row{}, kindApp, ""
		if in.Staff != nil {
			member, err := referStaff(ctx, w, "input.staffId", *in.Staff)
			if err != nil {
				return act.Result{}, err
			}
			row, kind, name = staffRow(member), kindStaff, member.Name
		}
		if in.DisplayName != nil {
			name = *in.DisplayName
		}
		if err := require(w, act.Subject{Type: typeAccount}, row, policy.AccountAdmin); err != nil {
			return act.Result{}, err
		}
		a, err := w.Ent().Account.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetKind(kind).SetNillableStaffID(in.Staff).SetLogin(in.Login).
			SetDisplayName(name).SetNillablePasswordHash(hash).SetMustChangePassword(hash != nil && kind == kindStaff).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err == nil {
			err = listLogin(ctx, w, a.Login, a.ID)
		}
		if err != nil {
			return act.Result{}, accountTaken(err)
		}
		return act.Result{
			Subject: act.Subject{Type: typeAccount, ID: a.ID, Version: a.Version}, Snapshot: accountSnapshot(a),
			Changes: []act.Change{{Field: "login", New: a.Login}, {Field: "displayName", New: a.DisplayName}, {Field: "kind", New: a.Kind}},
		}, nil
	})
}

func accountTaken(err error) error {
	switch unique(err) {
	case "accounts_tenant_id_login_key", "auth_directory_pkey":
		return fault.Conflicts("input.login", "LOGIN_TAKEN", fault.Text{ZH: "该登录名已被使用", EN: "the login is taken"}, fault.Text{ZH: "请换一个登录名", EN: "choose another one"}).Because(err)
	case "accounts_staff":
		return fault.Conflicts("input.staffId", "STAFF_HAS_ACCOUNT", fault.Text{ZH: "该员工已有账号", EN: "the staff member has an account"}, fault.Text{}).Because(err)
	}
	return wrap("write account", err)
}

// protect hashes a password, and gives what binds the idempotency key to it: a key that is used again with another
// password is found out, and nothing is kept that is cheaper to guess than the hash.
func (s *Service) protect(ctx context.Context, session *tenancy.Session, key string, password *string) (hash *string, bound []byte, err error) {
	if password == nil {
		return nil, nil, nil
	}
	phc, err := s.hasher.HashPassword(ctx, *password)
	if err != nil {
		return nil, nil, err
	}
	bound, err = s.hasher.Fingerprint(ctx, *password, session.Tenant.String()+"/"+session.Actor.Account.String()+"/"+key)
	return &phc, bound, err
}
