package policyadmin

import (
	"context"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/role"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// roleInUse tells whether bindings that have not ended and active roles below keep a role alive.
const roleInUse = `SELECT
	EXISTS (SELECT FROM role_bindings WHERE tenant_id = $1 AND role_id = $2 AND revoked_at IS NULL AND COALESCE(LEAST(valid_until, review_due_at) > $3, true)),
	EXISTS (SELECT FROM roles WHERE tenant_id = $1 AND parent_id = $2 AND state = 'active')`

// RoleRetire: permission role.retire. The key is never used again. INVALID_STATE ROLE_RETIRED, ROLE_HELD while somebody holds
// it now or later, ROLE_HAS_CHILDREN while another active role inherits from it.
func (s *Service) RoleRetire(ctx context.Context, session *tenancy.Session, in RoleRetire, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, roleRetire(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.ID(in.Role)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeRole, in.Role)
		}
		if err != nil {
			return act.Result{}, wrap("role", err)
		}
		row := &policy.Row{ID: r.ID, State: r.State}
		if r.CompanyID != nil {
			row.Company = *r.CompanyID
		}
		subject := act.Subject{Type: typeRole, ID: r.ID, Version: r.Version + 1}
		if err := require(w, subject, row); err != nil {
			return act.Result{}, err
		}
		if err := stale(in.ExpectedVersion, r.Version); err != nil {
			return act.Result{}, err
		}
		if r.State != stateActive {
			return act.Result{}, fault.State("ROLE_RETIRED", fault.Text{ZH: "该角色已停用", EN: "the role is retired"}, fault.Text{})
		}
		var held, children bool
		if err := w.QueryRow(ctx, roleInUse, w.Tenant(), r.ID, w.Now()).Scan(&held, &children); err != nil {
			return act.Result{}, wrap("use", err)
		}
		if held {
			return act.Result{}, fault.State("ROLE_HELD", fault.Text{ZH: "仍有人持有该角色", EN: "somebody holds the role"}, fault.Text{ZH: "请先收回授予", EN: "unbind it first"})
		}
		if children {
			return act.Result{}, fault.State("ROLE_HAS_CHILDREN", fault.Text{ZH: "仍有角色继承该角色", EN: "another role inherits from it"}, fault.Text{ZH: "请先停用下级角色", EN: "retire those roles first"})
		}
		u := w.Ent().Role.Update().Where(role.TenantID(w.Tenant()), role.ID(r.ID), role.Version(r.Version)).SetState(stateRetired).AddVersion(1).SetUpdatedAt(w.Now())
		if staff := w.Staff(); staff != nil {
			u.SetUpdatedBy(*staff)
		} else {
			u.ClearUpdatedBy()
		}
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		r.State, r.Version = stateRetired, r.Version+1
		return act.Result{
			Subject: subject, Snapshot: roleSnapshot(r),
			Changes: []act.Change{{Field: "state", Old: stateActive, New: stateRetired}, {Field: "reason", New: in.Reason}},
		}, nil
	})
}
