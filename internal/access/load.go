package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

const (
	rulesOf = `SELECT r.id, r.seq, r.role_key, r.object, r.action, r.data_scope, r.class_mask, r.condition, r.effect,
		r.valid_from, r.valid_until, r.clause, r.note, v.number
		FROM policy_versions v JOIN policy_rules r ON r.tenant_id = v.tenant_id AND r.policy_version_id = v.id
		WHERE v.tenant_id = $1 AND `
	selectRules    = rulesOf + `v.state = 'in_force' ORDER BY r.seq`
	selectRulesOf  = rulesOf + `v.id = $2 ORDER BY r.seq`
	selectInherits = `SELECT r.key, p.key FROM roles r JOIN roles p ON p.tenant_id = r.tenant_id AND p.id = r.parent_id
		WHERE r.tenant_id = $1 AND r.state = 'active' AND p.state = 'active' ORDER BY r.key`
	classesOf         = `SELECT k.object, k.field_class FROM policy_versions v JOIN policy_classes k ON k.tenant_id = v.tenant_id AND k.policy_version_id = v.id WHERE v.tenant_id = $1 AND `
	selectClasses     = classesOf + `v.state = 'in_force'`
	selectClassesOf   = classesOf + `v.id = $2`
	selectCompanies   = `SELECT id, COALESCE(parent_id, '00000000-0000-0000-0000-000000000000') FROM companies WHERE tenant_id = $1`
	selectDepartments = `SELECT id, COALESCE(parent_id, '00000000-0000-0000-0000-000000000000'), company_id, kind FROM departments WHERE tenant_id = $1`
	selectEmployments = `SELECT staff_id, company_id, department_id, COALESCE(superior_id, '00000000-0000-0000-0000-000000000000'), valid_from, valid_until
		FROM employments WHERE tenant_id = $1`
	selectBindings = `SELECT b.id, r.key, COALESCE(b.company_id, '00000000-0000-0000-0000-000000000000'),
		COALESCE(b.department_id, '00000000-0000-0000-0000-000000000000'), b.valid_from, LEAST(b.valid_until, b.review_due_at)
		FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
		WHERE b.tenant_id = $1 AND b.account_id = $2 AND b.revoked_at IS NULL AND NOT b.awaits_endorsement AND r.state = 'active' ORDER BY b.id`
)

// load reads policy and organisation; what old has at the same version is taken from it.
func load(ctx context.Context, tenant tenancy.TenantID, epochs tenancy.Epochs, old *snapshot, send sender) (*snapshot, error) {
	snap := &snapshot{tenant: tenant, epochs: epochs, rights: map[rightsKey]*known{}}
	if old != nil && old.epochs.Policy == epochs.Policy {
		snap.table = old.table
	}
	if old != nil && old.epochs.Org == epochs.Org {
		snap.org = old.org
	}
	b := &pgx.Batch{}
	if snap.table == nil {
		b.Queue(selectRules, tenant.UUID())
		b.Queue(selectInherits, tenant.UUID())
		b.Queue(selectClasses, tenant.UUID())
	}
	if snap.org == nil {
		b.Queue(selectCompanies, tenant.UUID())
		b.Queue(selectDepartments, tenant.UUID())
		b.Queue(selectEmployments, tenant.UUID())
	}
	err := send(ctx, b, func(br pgx.BatchResults) error {
		if snap.table == nil {
			table, err := readTable(br)
			if err != nil {
				return err
			}
			snap.table = table
		}
		if snap.org == nil {
			org, err := readOrg(br, tenant, epochs.Org)
			if err != nil {
				return err
			}
			snap.org = org
		}
		return nil
	})
	return snap, err
}

func readTable(br pgx.BatchResults) (*policy.Table, error) {
	rows, err := br.Query()
	if err != nil {
		return nil, err
	}
	rules, number, err := readRules(rows)
	if err != nil {
		return nil, err
	}
	if rows, err = br.Query(); err != nil {
		return nil, err
	}
	inherits, err := pgx.CollectRows(rows, scanPair)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, errors.New("access: no policy version is in force")
	}
	if rows, err = br.Query(); err != nil {
		return nil, err
	}
	classes, err := readClasses(rows)
	if err != nil {
		return nil, err
	}
	table, err := policy.CompileWith(number, rules, inherits, classes)
	if err != nil {
		return nil, fmt.Errorf("access: policy version %d: %w", number, err)
	}
	return table, nil
}

func scanPair(row pgx.CollectableRow) (pair [2]string, err error) {
	return pair, row.Scan(&pair[0], &pair[1])
}

// readRules reads the rules of one policy version and its number; 0 when there are none.
func readRules(rows pgx.Rows) (rules []policy.Rule, number int64, err error) {
	defer rows.Close()
	for rows.Next() {
		var r policy.Rule
		var scope, effect string
		var classes int16
		var from, until *time.Time
		if err := rows.Scan(&r.ID, &r.Seq, &r.Role, &r.Object, &r.Action, &scope, &classes, &r.Condition, &effect, &from, &until, &r.Clause, &r.Note, &number); err != nil {
			return nil, 0, err
		}
		if r.Scope, err = policy.ParseScope(scope); err != nil {
			return nil, 0, err
		}
		if r.Effect, err = policy.ParseEffect(effect); err != nil {
			return nil, 0, err
		}
		r.Classes = policy.ClassSet(classes)
		r.ValidFrom, r.ValidUntil = instant(from).UTC(), instant(until).UTC() // the content hash of a version must not depend on the server's zone
		rules = append(rules, r)
	}
	return rules, number, rows.Err()
}

func readOrg(br pgx.BatchResults, tenant tenancy.TenantID, version int64) (*policy.Org, error) {
	rows, err := br.Query()
	if err != nil {
		return nil, err
	}
	companies, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c policy.OrgCompany, err error) {
		return c, row.Scan(&c.ID, &c.Parent)
	})
	if err != nil {
		return nil, err
	}
	if rows, err = br.Query(); err != nil {
		return nil, err
	}
	departments, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d policy.OrgDepartment, err error) {
		return d, row.Scan(&d.ID, &d.Parent, &d.Company, &d.Kind)
	})
	if err != nil {
		return nil, err
	}
	if rows, err = br.Query(); err != nil {
		return nil, err
	}
	employments, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e policy.OrgEmployment, err error) {
		var until *time.Time
		err = row.Scan(&e.Staff, &e.Company, &e.Department, &e.Superior, &e.From, &until)
		e.Until = instant(until)
		return e, err
	})
	if err != nil {
		return nil, err
	}
	return policy.NewOrg(tenant.UUID(), version, companies, departments, employments)
}

// loadPrincipal reads the bindings of the session's account.
func loadPrincipal(ctx context.Context, s *tenancy.Session, send sender) (*policy.Principal, error) {
	p := &policy.Principal{Tenant: s.Tenant.UUID(), Staff: s.Actor.Staff, Account: s.Actor.Account, Kind: string(s.Actor.Kind)}
	b := &pgx.Batch{}
	b.Queue(selectBindings, s.Tenant.UUID(), s.Actor.Account)
	err := send(ctx, b, func(br pgx.BatchResults) error {
		rows, err := br.Query()
		if err != nil {
			return err
		}
		p.Bindings, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x policy.Binding, err error) {
			var until *time.Time
			err = row.Scan(&x.ID, &x.Role, &x.Company, &x.Department, &x.From, &until)
			x.Until = instant(until)
			return x, err
		})
		return err
	})
	return p, err
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
