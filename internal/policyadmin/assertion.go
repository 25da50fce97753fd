package policyadmin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/policytest"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	assertion "github.com/clientele/clientele/internal/policytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PolicyTestAdd writes down a permanent assertion: who never, or always, may do something on which rows.
type PolicyTestAdd struct {
	Name, Expectation         string
	RoleKey                   *string
	Staff, StaffDepartment    *uuid.UUID
	Object, Action            string
	RowCompany, RowDepartment *uuid.UUID
	RowCondition, RowOwn      string // RowOwn empty: ANY
	Clause                    string
}

// Validate trims texts and reports all field errors at once.
func (in *PolicyTestAdd) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, 200)
	if in.Expectation != assertion.Never && in.Expectation != assertion.Always {
		c.Refuse("input.expectation", "VALUE_UNKNOWN", "期望须为 NEVER 或 ALWAYS", "the expectation is NEVER or ALWAYS")
	}
	if in.RowOwn == "" {
		in.RowOwn = assertion.AnyRows
	}
	if !slices.Contains([]string{assertion.AnyRows, assertion.Own, assertion.Others}, in.RowOwn) {
		c.Refuse("input.rowOwn", "VALUE_UNKNOWN", "须为 ANY、OWN 或 OTHERS", "it is ANY, OWN or OTHERS")
	}
	in.RoleKey = c.OptionalLine("input.roleKey", in.RoleKey, 63)
	if in.RowCondition = strings.TrimSpace(in.RowCondition); in.RowCondition != "" {
		in.RowCondition = c.Line("input.rowCondition", in.RowCondition, 400)
	}
	if in.Clause = strings.TrimSpace(in.Clause); in.Clause != "" {
		in.Clause = c.Line("input.clause", in.Clause, 200)
	}
	t := in.test()
	bad := t.Problems()
	for _, field := range slices.Sorted(maps.Keys(bad)) {
		c.Refuse("input."+field, "POLICY_TEST_INVALID", bad[field].ZH, bad[field].EN)
	}
	return c.Err()
}

func (in *PolicyTestAdd) test() assertion.Test {
	t := assertion.Test{
		Name: in.Name, Expectation: in.Expectation, Object: policy.Object(in.Object), Action: policy.Action(in.Action), RowCondition: in.RowCondition, RowOwn: in.RowOwn, Clause: in.Clause,
	}
	if in.RoleKey != nil {
		t.RoleKey = *in.RoleKey
	}
	for _, f := range []struct {
		from *uuid.UUID
		to   *uuid.UUID
	}{{in.Staff, &t.Staff}, {in.StaffDepartment, &t.StaffDepartment}, {in.RowCompany, &t.RowCompany}, {in.RowDepartment, &t.RowDepartment}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return t
}

// PolicyTestAdd: permission policy.write. The assertion runs at once: INVALID_STATE POLICY_TEST_FAILED when it does not hold
// already, for from then on no act that changes rights could be done. CONFLICT NAME_TAKEN.
func (s *Service) PolicyTestAdd(ctx context.Context, session *tenancy.Session, in PolicyTestAdd, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyTestAdd(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if err := require(w, act.Subject{Type: typeTest}, &policy.Row{}); err != nil {
			return act.Result{}, err
		}
		if err := referred(ctx, w.Tx, w.Rights, in); err != nil {
			return act.Result{}, err
		}
		taken, err := w.Ent().PolicyTest.Query().Where(policytest.TenantID(w.Tenant()), policytest.Name(in.Name), policytest.State(stateActive)).Exist(ctx)
		if err != nil {
			return act.Result{}, wrap("name", err)
		}
		if taken {
			return act.Result{}, fault.Conflicts("input.name", "NAME_TAKEN", fault.Text{ZH: "已有同名的策略用例", EN: "there is a policy test of this name"}, fault.Text{})
		}
		t, err := w.Ent().PolicyTest.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetName(in.Name).SetExpectation(in.Expectation).SetNillableRoleKey(in.RoleKey).
			SetNillableStaffID(in.Staff).SetNillableStaffDepartmentID(in.StaffDepartment).SetObject(in.Object).SetAction(in.Action).SetNillableRowCompanyID(in.RowCompany).
			SetNillableRowDepartmentID(in.RowDepartment).SetRowCondition(in.RowCondition).SetRowOwn(in.RowOwn).SetClause(in.Clause).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write test", err)
		}
		return act.Result{
			Subject: act.Subject{Type: typeTest, ID: t.ID, Version: t.Version}, Snapshot: testSnapshot(t),
			Changes: []act.Change{{Field: "name", New: t.Name}, {Field: "expectation", New: t.Expectation}, {Field: "object", New: t.Object}, {Field: "action", New: t.Action}},
		}, nil
	})
}

const references = `SELECT $2::text IS NULL OR EXISTS (SELECT FROM roles WHERE tenant_id = $1 AND key = $2 AND state = 'active'),
	$3::uuid IS NULL OR EXISTS (SELECT FROM staff WHERE tenant_id = $1 AND id = $3), $4::uuid IS NULL OR EXISTS (SELECT FROM departments WHERE tenant_id = $1 AND id = $4),
	$5::uuid IS NULL OR EXISTS (SELECT FROM companies WHERE tenant_id = $1 AND id = $5), $6::uuid IS NULL OR EXISTS (SELECT FROM departments WHERE tenant_id = $1 AND id = $6)`

// referred refuses what an assertion refers to and is not there. Whoever drafts policy sees the organisation and the directory.
func referred(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, in PolicyTestAdd) error {
	var there [5]bool
	err := tx.QueryRow(ctx, references, tx.Session().Tenant.UUID(), in.RoleKey, in.Staff, in.StaffDepartment, in.RowCompany, in.RowDepartment).Scan(&there[0], &there[1], &there[2], &there[3], &there[4])
	if err != nil {
		return wrap("references", err)
	}
	if rights != nil && (in.Staff != nil && !rights.Reach(policy.OnStaff, policy.Read).All || !rights.Reach(policy.OnOrganisation, policy.Read).All) {
		there[1], there[2], there[3], there[4] = in.Staff == nil, in.StaffDepartment == nil, in.RowCompany == nil, in.RowDepartment == nil
	}
	var refused fault.List
	for i, field := range []string{"roleKey", "staffId", "staffDepartmentId", "rowCompanyId", "rowDepartmentId"} {
		if !there[i] {
			refused = append(refused, absentReference("input."+field))
		}
	}
	return refused.Err()
}

// PolicyTestRetire ends an assertion.
type PolicyTestRetire struct {
	PolicyTest      uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *PolicyTestRetire) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// PolicyTestRetire: permission policy.write. INVALID_STATE ALREADY_RETIRED. It changes no right, so no assertion runs: one
// that was broken by what rows have become can always be taken away.
func (s *Service) PolicyTestRetire(ctx context.Context, session *tenancy.Session, in PolicyTestRetire, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyTestRetire(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		t, err := w.Ent().PolicyTest.Query().Where(policytest.TenantID(w.Tenant()), policytest.ID(in.PolicyTest)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeTest, in.PolicyTest)
		}
		if err != nil {
			return act.Result{}, wrap("test", err)
		}
		if err := require(w, act.Subject{Type: typeTest, ID: t.ID, Version: t.Version}, &policy.Row{ID: t.ID}); err != nil {
			return act.Result{}, err
		}
		if err := stale(in.ExpectedVersion, t.Version); err != nil {
			return act.Result{}, err
		}
		if t.State != stateActive {
			return act.Result{}, fault.State("ALREADY_RETIRED", fault.Text{ZH: "该策略用例已停用", EN: "the policy test is retired already"}, fault.Text{})
		}
		u := w.Ent().PolicyTest.Update().Where(policytest.TenantID(w.Tenant()), policytest.ID(t.ID), policytest.Version(t.Version)).
			SetState(stateRetired).AddVersion(1).SetUpdatedAt(w.Now())
		if staff := w.Staff(); staff != nil {
			u.SetUpdatedBy(*staff)
		} else {
			u.ClearUpdatedBy()
		}
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		t.State, t.Version = stateRetired, t.Version+1
		return act.Result{
			Subject: act.Subject{Type: typeTest, ID: t.ID, Version: t.Version}, Snapshot: testSnapshot(t),
			Changes: []act.Change{{Field: "state", Old: stateActive, New: stateRetired}, {Field: "reason", New: in.Reason}},
		}, nil
	})
}

func testSnapshot(t *entdb.PolicyTest) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.PolicyRules: {
		"id": id.Encode(id.PolicyTest, t.ID), "name": t.Name, "expectation": t.Expectation, "roleKey": t.RoleKey, "object": t.Object, "action": t.Action, "state": strings.ToUpper(t.State),
	}}
}
