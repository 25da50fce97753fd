package access

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// What those who keep the policy need besides the rights of the one who asks: any version's rules, and everybody's bindings.
// Nothing here is cached, and everything is read in the caller's transaction.

const selectHolders = `SELECT a.id, a.login, a.kind, COALESCE(a.staff_id, '00000000-0000-0000-0000-000000000000'), a.state,
	b.id, COALESCE(r.key, ''), COALESCE(b.company_id, '00000000-0000-0000-0000-000000000000'),
	COALESCE(b.department_id, '00000000-0000-0000-0000-000000000000'), COALESCE(b.valid_from, 'epoch'), LEAST(b.valid_until, b.review_due_at)
	FROM accounts a LEFT JOIN (role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id AND r.state = 'active')
		ON b.tenant_id = a.tenant_id AND b.account_id = a.id AND b.revoked_at IS NULL AND NOT b.awaits_endorsement
	WHERE a.tenant_id = $1 AND ($2::uuid IS NULL OR a.staff_id = $2) AND ($3::uuid IS NULL OR a.id = $3) ORDER BY a.id, b.id`

// Holder is an account as policy sees it. Bindings that lie ahead or behind are among its bindings; those that await
// endorsement give nothing and are not.
type Holder struct {
	policy.Principal
	Login string
}

// Rules reads the rules of one policy version, in order.
func Rules(ctx context.Context, tx *tenancy.Tx, version uuid.UUID) ([]policy.Rule, error) {
	rows, err := tx.Query(ctx, selectRulesOf, tx.Session().Tenant.UUID(), version)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	rules, _, err := readRules(rows)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return rules, nil
}

const selectConflicts = `SELECT c.key, c.action_a, c.action_b, c.name_zh, c.name_en, c.clause
	FROM policy_versions v JOIN policy_conflicts c ON c.tenant_id = v.tenant_id AND c.policy_version_id = v.id
	WHERE v.tenant_id = $1 AND ($2::uuid IS NULL AND v.state = 'in_force' OR v.id = $2) ORDER BY c.seq`

// Conflicts reads the duty conflicts of one policy version, in order; nil: of the one in force.
func Conflicts(ctx context.Context, tx *tenancy.Tx, version *uuid.UUID) ([]policy.DutyConflict, error) {
	rows, err := tx.Query(ctx, selectConflicts, tx.Session().Tenant.UUID(), version)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c policy.DutyConflict, err error) {
		return c, row.Scan(&c.Key, &c.A, &c.B, &c.Label.ZH, &c.Label.EN, &c.Source)
	})
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return all, nil
}

// Inherits gives the inheritance between active roles as pairs {role, parent}.
func Inherits(ctx context.Context, tx *tenancy.Tx) ([][2]string, error) {
	rows, err := tx.Query(ctx, selectInherits, tx.Session().Tenant.UUID())
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	pairs, err := pgx.CollectRows(rows, scanPair)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return pairs, nil
}

// Organisation reads the organisation as decisions see it.
func Organisation(ctx context.Context, tx *tenancy.Tx) (org *policy.Org, err error) {
	tenant := tx.Session().Tenant
	b := &pgx.Batch{}
	b.Queue(selectCompanies, tenant.UUID())
	b.Queue(selectDepartments, tenant.UUID())
	b.Queue(selectEmployments, tenant.UUID())
	br := tx.SendBatch(ctx, b)
	org, err = readOrg(br, tenant, tx.Epochs().Org)
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return org, nil
}

// Holders reads the accounts of the tenant with their bindings, or those of one staff member.
func Holders(ctx context.Context, tx *tenancy.Tx, staff *uuid.UUID) ([]Holder, error) {
	return holders(ctx, tx, selectHolders, []any{tx.Session().Tenant.UUID(), staff, nil})
}

// HolderOf reads one account with its bindings; nil when the tenant has none of that id.
func HolderOf(ctx context.Context, tx *tenancy.Tx, account uuid.UUID) (*Holder, error) {
	all, err := holders(ctx, tx, selectHolders, []any{tx.Session().Tenant.UUID(), nil, account})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func holders(ctx context.Context, tx *tenancy.Tx, sql string, args []any) ([]Holder, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	var all []Holder
	h := Holder{Principal: policy.Principal{Tenant: tx.Session().Tenant.UUID()}}
	var state string
	var binding *uuid.UUID
	var bd policy.Binding
	var until *time.Time
	_, err = pgx.ForEachRow(rows, []any{&h.Account, &h.Login, &h.Kind, &h.Staff, &state, &binding, &bd.Role, &bd.Company, &bd.Department, &bd.From, &until}, func() error {
		if n := len(all); n == 0 || all[n-1].Account != h.Account {
			h.Suspended = state != "active"
			all = append(all, h)
		}
		if binding != nil {
			bd.ID, bd.Until = *binding, instant(until)
			last := &all[len(all)-1]
			last.Bindings = append(last.Bindings, bd)
		}
		return nil
	})
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return all, nil
}
