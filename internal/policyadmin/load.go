package policyadmin

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/policyversion"
	"github.com/clientele/clientele/ent/db/role"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// versionToChange is a version that the actor may act on, at the version of the row that he has seen.
func versionToChange(ctx context.Context, w *act.Work, id uuid.UUID, expected int64) (*entdb.PolicyVersion, error) {
	v, err := versionByID(ctx, w.Tx, id)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, w.Absent(typeVersion, id)
	}
	if err := require(w, act.Subject{Type: typeVersion, ID: v.ID, Version: v.Version}, &policy.Row{ID: v.ID, State: v.State}); err != nil {
		return nil, err
	}
	return v, stale(expected, v.Version)
}

// versionByID is nil when the tenant has no such version.
func versionByID(ctx context.Context, tx *tenancy.Tx, id uuid.UUID) (*entdb.PolicyVersion, error) {
	v, err := tx.Ent().PolicyVersion.Query().Where(policyversion.TenantID(tx.Session().Tenant.UUID()), policyversion.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	return v, wrap("version", err)
}

// versionNumbered is nil when the tenant has no such version.
func versionNumbered(ctx context.Context, tx *tenancy.Tx, number int64) (*entdb.PolicyVersion, error) {
	v, err := tx.Ent().PolicyVersion.Query().Where(policyversion.TenantID(tx.Session().Tenant.UUID()), policyversion.Number(number)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	return v, wrap("version", err)
}

func versionInForce(ctx context.Context, tx *tenancy.Tx) (*entdb.PolicyVersion, error) {
	v, err := tx.Ent().PolicyVersion.Query().Where(policyversion.TenantID(tx.Session().Tenant.UUID()), policyversion.State(stateInForce)).Only(ctx)
	return v, wrap("version in force", err)
}

// rolesByKey gives all roles of the tenant, retired ones too.
func rolesByKey(ctx context.Context, tx *tenancy.Tx) (map[string]*entdb.Role, error) {
	rows, err := tx.Ent().Role.Query().Where(role.TenantID(tx.Session().Tenant.UUID())).All(ctx)
	out := make(map[string]*entdb.Role, len(rows))
	for _, r := range rows {
		out[r.Key] = r
	}
	return out, wrap("roles", err)
}

// compiled is a version with the roles of now.
func compiled(ctx context.Context, tx *tenancy.Tx, v *entdb.PolicyVersion) (*policy.Table, []policy.Rule, error) {
	rules, err := access.Rules(ctx, tx, v.ID)
	if err != nil {
		return nil, nil, err
	}
	inherits, err := access.Inherits(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	classes, err := access.Classes(ctx, tx, v.ID)
	if err != nil {
		return nil, nil, err
	}
	table, err := policy.CompileWith(v.Number, rules, inherits, classes)
	return table, rules, wrap("compile", err)
}

// question is what somebody asks: its name in the audit trail, "" for what the program asks on his behalf, and the object that
// it is about, if any.
type question struct {
	name  string
	about Object
}

// asking is the transaction of a question about policy, with the rights of the one who asks. A refused question is audited as
// a refused act is.
func (s *Service) asking(ctx context.Context, session *tenancy.Session, q question, fn func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error) error {
	err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := s.access.For(ctx, tx)
		if err != nil {
			return err
		}
		return fn(ctx, tx, rights)
	})
	if err == nil || q.name == "" {
		return err
	}
	told := err
	if q.about.Type != "" {
		told = act.About(act.Subject{Type: q.about.Type, ID: q.about.ID}, err)
	}
	s.runner.Refused(ctx, session, q.name, told)
	return err
}

// mayReadRules refuses those who may not see rule lines.
//
// SECURITY: a version's lines show whom a tenant trusts with what.
func mayReadRules(rights *policy.Rights) error {
	row := &policy.Row{}
	for _, q := range []struct {
		object policy.Object
		action policy.Action
	}{{policy.OnPolicy, policy.Read}, {policy.OnPolicy, policy.PolicyRead}, {policy.PolicyRules, policy.Reveal}} {
		if d := rights.Decide(q.object, q.action, row); !d.Allow {
			return fault.Forbidden(string(d.Reason), fault.Text(d.Reason.Label()), "", fault.Text(d.Reason.Remedy()))
		}
	}
	return nil
}
