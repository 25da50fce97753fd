package identity

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/company"
	"github.com/clientele/clientele/ent/db/department"
	"github.com/clientele/clientele/ent/db/role"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// RoleBind gives a role to an account for a time, relative to a company or department (none: where the staff member works).
type RoleBind struct {
	Account               uuid.UUID
	RoleKey               string
	Company, Department   *uuid.UUID
	ValidFrom, ValidUntil *time.Time // nil: now; no end
}

// Validate reports all field errors at once.
func (in *RoleBind) Validate() error {
	var c input.Checks
	in.RoleKey = c.Line("input.roleKey", in.RoleKey, 63)
	c.Order("input.validUntil", in.ValidFrom, in.ValidUntil)
	return c.Err()
}

// tolerance is how far in the past a beginning may lie: clocks differ, and nobody binds for yesterday.
const tolerance = 5 * time.Minute

// RoleBind: permission role.bind where the account's staff member is employed, and at the anchor. DUTY_CONFLICT SELF_BINDING
// for one's own account, DUTY_… with the path when the roles together bring two acts that must not be in one hand. What the
// role brings beyond what its giver holds makes the binding wait for RoleEndorse; until then it gives nothing.
// INVALID_INPUT ROLE_NOT_BINDABLE, ROLE_FOR_OTHER_KIND, ROLE_OF_ANOTHER_COMPANY; CONFLICT when it is bound already.
func (s *Service) RoleBind(ctx context.Context, session *tenancy.Session, in RoleBind, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, roleBind(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		from, err := beginning(w.Now(), in.ValidFrom)
		if err != nil {
			return act.Result{}, err
		}
		if in.ValidUntil != nil && !in.ValidUntil.After(from) {
			return act.Result{}, fault.Invalid("input.validUntil", "ENDS_BEFORE_START", fault.Text{ZH: "截止时间须在开始之后", EN: "the end lies after the start"}, fault.Text{})
		}
		h, err := referAccount(ctx, w, "input.accountId", in.Account)
		if err != nil {
			return act.Result{}, err
		}
		anchor, err := referAnchor(ctx, w, in.Company, in.Department)
		if err != nil {
			return act.Result{}, err
		}
		if err := require(w, act.Subject{Type: typeBinding}, h.row(), policy.PolicyRules); err != nil {
			return act.Result{}, err
		}
		if anchor != nil {
			if err := require(w, act.Subject{Type: typeBinding}, anchor, policy.PolicyRules); err != nil {
				return act.Result{}, err
			}
		}
		// SECURITY: nobody gives himself a role, whatever his rights.
		if h.ID == w.Session().Actor.Account {
			return act.Result{}, fault.Duty("SELF_BINDING", fault.Text{ZH: "不能给自己授予角色", EN: "nobody binds a role to himself"}, "F16",
				fault.Text{ZH: "请由另一名管理员授予", EN: "ask another administrator"})
		}
		r, err := bindable(ctx, w, in, h, anchor)
		if err != nil {
			return act.Result{}, err
		}
		if err := compatible(ctx, w, bound{account: h.ID, role: r.Key, company: in.Company, department: in.Department}, "input.roleKey"); err != nil {
			return act.Result{}, err
		}
		standing, err := judge(ctx, w, h, policy.Binding{Role: r.Key, Company: value(in.Company), Department: value(in.Department), From: from, Until: instantOr(in.ValidUntil)}, anchor)
		if err != nil {
			return act.Result{}, err
		}
		b, err := w.Ent().RoleBinding.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetAccountID(h.ID).SetRoleID(r.ID).
			SetNillableCompanyID(in.Company).SetNillableDepartmentID(in.Department).SetValidFrom(from).SetNillableValidUntil(in.ValidUntil).SetNillableGrantedBy(w.Staff()).SetAwaitsEndorsement(standing == waits).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write binding", err)
		}
		return act.Result{
			Subject: act.Subject{Type: typeBinding, ID: b.ID, Version: b.Version}, Snapshot: bindingSnapshot(b, r.Key),
			Changes: []act.Change{{Field: "account", New: h.Login}, {Field: "role", New: r.Key}, {Field: "validFrom", New: from}, {Field: "validUntil", New: in.ValidUntil}, {Field: "endorsement", New: standing}},
		}, nil
	})
}

// beginning is now when nothing is given or the given instant has just passed.
func beginning(now time.Time, from *time.Time) (time.Time, error) {
	switch {
	case from == nil:
		return now, nil
	case from.Before(now.Add(-tolerance)):
		return now, fault.Invalid("input.validFrom", "IN_THE_PAST", fault.Text{ZH: "开始时间不能早于现在", EN: "the start must not lie in the past"}, fault.Text{})
	case from.Before(now):
		return now, nil
	}
	return *from, nil
}

// referAnchor is the place that a binding is relative to; nil for none.
func referAnchor(ctx context.Context, w *act.Work, companyID, departmentID *uuid.UUID) (*policy.Row, error) {
	if companyID == nil && departmentID == nil {
		return nil, nil
	}
	row := &policy.Row{}
	if companyID != nil {
		c, err := w.Ent().Company.Query().Where(company.TenantID(w.Tenant()), company.ID(*companyID)).Only(ctx)
		if entdb.IsNotFound(err) || err == nil && (c.State != stateActive || !readable(w, policy.OnOrganisation, &policy.Row{ID: c.ID, Company: c.ID})) {
			return nil, absentReference("input.companyId")
		}
		if err != nil {
			return nil, wrap("company", err)
		}
		row.Company = c.ID
	}
	if departmentID != nil {
		d, err := w.Ent().Department.Query().Where(department.TenantID(w.Tenant()), department.ID(*departmentID)).Only(ctx)
		if entdb.IsNotFound(err) || err == nil && (d.State != stateActive || !readable(w, policy.OnOrganisation, &policy.Row{ID: d.ID, Company: d.CompanyID, Department: d.ID})) {
			return nil, absentReference("input.departmentId")
		}
		if err != nil {
			return nil, wrap("department", err)
		}
		if companyID != nil && d.CompanyID != *companyID {
			return nil, fault.Invalid("input.departmentId", "DEPARTMENT_OF_ANOTHER_COMPANY", fault.Text{ZH: "部门不属于所选公司", EN: "the department is one of another company"}, fault.Text{})
		}
		row.Company, row.Department = d.CompanyID, d.ID
	}
	return row, nil
}

// bindable is the role, once it is clear that this account may hold it there.
func bindable(ctx context.Context, w *act.Work, in RoleBind, h *holder, anchor *policy.Row) (*entdb.Role, error) {
	r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.Key(in.RoleKey), role.State(stateActive)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, absentReference("input.roleKey")
	}
	if err != nil {
		return nil, wrap("role", err)
	}
	wanted, base := HolderOf(r)
	if base || wanted != "STAFF" && wanted != "APP" {
		return nil, fault.Invalid("input.roleKey", "ROLE_NOT_BINDABLE", fault.Text{ZH: "该角色不能直接授予", EN: "the role is not bound to accounts"}, fault.Text{})
	}
	if (wanted == "APP") != (h.Kind == kindApp) {
		return nil, fault.Invalid("input.roleKey", "ROLE_FOR_OTHER_KIND", fault.Text{ZH: "该角色不适用于此类账号", EN: "the role is for the other kind of account"}, fault.Text{})
	}
	if r.CompanyID != nil && (anchor == nil || anchor.Company != *r.CompanyID) {
		return nil, fault.Invalid("input.companyId", "ROLE_OF_ANOTHER_COMPANY", fault.Text{ZH: "该角色只用于所属公司", EN: "the role exists in its own company only"}, fault.Text{})
	}
	return r, nil
}

// HolderOf says who may hold a role: what the shipped role says that it is or was made from; a tenant's own is for staff.
func HolderOf(r *entdb.Role) (holder string, base bool) {
	template := r.Key
	if r.Template != nil {
		template = *r.Template
	}
	all := policy.ShippedRoles()
	i := slices.IndexFunc(all, func(s policy.ShippedRole) bool { return s.Key == template })
	if i < 0 {
		return "STAFF", false
	}
	return all[i].Holder, all[i].Base && all[i].Key == r.Key
}

// Bindings that wait for endorsement count: two of them must not come into force one after the other.
const heldRoles = `SELECT r.key, b.awaits_endorsement, b.company_id IS NOT DISTINCT FROM $4 AND b.department_id IS NOT DISTINCT FROM $5
	FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
	WHERE b.tenant_id = $1 AND b.account_id = $2 AND b.revoked_at IS NULL AND COALESCE(LEAST(b.valid_until, b.review_due_at) > $3, true) AND r.state = 'active' AND b.id <> $6
	ORDER BY r.key`

// bound is a role as somebody has it, or is about to.
type bound struct {
	id, account         uuid.UUID // id: zero before it is written
	role                string
	company, department *uuid.UUID
}

// compatible refuses a role that is bound already at the same place, and one that with those held now or later brings two
// acts that must not be in one hand by the policy version in force.
func compatible(ctx context.Context, w *act.Work, b bound, field string) error {
	rows, err := w.Query(ctx, heldRoles, w.Tenant(), b.account, w.Now(), b.company, b.department, b.id)
	if err != nil {
		return wrap("roles held", err)
	}
	var held, inForce []string
	var key string
	var awaits, here, twice bool
	if _, err := pgx.ForEachRow(rows, []any{&key, &awaits, &here}, func() error {
		held = append(held, key)
		if !awaits {
			inForce = append(inForce, key)
		}
		twice = twice || here && key == b.role
		return nil
	}); err != nil {
		return wrap("roles held", err)
	}
	if twice {
		return fault.Conflicts(field, "ALREADY_BOUND", fault.Text{ZH: "该角色已授予此账号", EN: "the role is bound to the account already"}, fault.Text{})
	}
	conflicts, err := access.Conflicts(ctx, w.Tx, nil)
	if err != nil {
		return err
	}
	var refused fault.List
	// SECURITY: what is in force is judged by itself, too: a conflict with a role that only waits must not make the same
	// conflict with one in force look old.
	for _, roles := range [][]string{inForce, held} {
		before, known := w.Rights.DutyBreaches(conflicts, roles)
		if !known {
			return fault.Down("POLICY_UNREADABLE", nil)
		}
		after, _ := w.Rights.DutyBreaches(conflicts, append(slices.Clone(roles), b.role))
		for _, breach := range after {
			if slices.ContainsFunc(before, func(old policy.DutyBreach) bool { return old.Conflict.Key == breach.Conflict.Key }) ||
				slices.ContainsFunc(refused, func(e *fault.Error) bool { return e.Message == dutyRefusal(breach).Message }) {
				continue
			}
			refused = append(refused, dutyRefusal(breach).At(field))
		}
	}
	return refused.Err()
}

// dutyRefusal names the path: which role brings which act.
func dutyRefusal(b policy.DutyBreach) *fault.Error {
	path := b.RoleA + " → " + string(b.Conflict.A) + "; " + b.RoleB + " → " + string(b.Conflict.B)
	return fault.Duty("DUTIES_IN_ONE_HAND",
		fault.Text{ZH: "职责互斥（" + b.Conflict.Label.ZH + "）：" + path, EN: "duties that must not be in one hand (" + b.Conflict.Label.EN + "): " + path},
		b.Conflict.Source, fault.Text{ZH: "请将其中一个角色授予另一人", EN: "bind one of the roles to somebody else"})
}
