// Package policytest owns the tenant's assertions about its own policy: what they mean, and whether a state of rights keeps them.
// It does not own how they are written down (policyadmin), nor when they run: act runs them in every act that changes rights.
package policytest

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// What an assertion expects, and whose rows it speaks of, as stored.
const (
	Never  = "NEVER"  // none of the persons may do it on any of the rows
	Always = "ALWAYS" // each of them may do it on every row

	AnyRows = "ANY"
	Own     = "OWN"    // of the person's own departments and below
	Others  = "OTHERS" // outside of them; rows of no department too
)

// Test is one assertion. Zero ids and empty texts narrow nothing; RoleKey, Staff and StaffDepartment must all hold of a person.
type Test struct {
	ID                        uuid.UUID
	Name, Expectation         string
	RoleKey                   string
	Staff, StaffDepartment    uuid.UUID
	Object                    policy.Object
	Action                    policy.Action
	RowCompany, RowDepartment uuid.UUID
	RowCondition, RowOwn      string
	Clause                    string
}

const none = "'00000000-0000-0000-0000-000000000000'::uuid"

const selectActive = `SELECT id, name, expectation, COALESCE(role_key, ''), COALESCE(staff_id, ` + none + `), COALESCE(staff_department_id, ` + none + `), object, action,
	COALESCE(row_company_id, ` + none + `), COALESCE(row_department_id, ` + none + `), row_condition, row_own, clause
	FROM policy_tests WHERE tenant_id = $1 AND state = 'active' ORDER BY id`

// Active reads the assertions of the tenant that are not retired.
func Active(ctx context.Context, tx *tenancy.Tx) ([]Test, error) {
	rows, err := tx.Query(ctx, selectActive, tx.Session().Tenant.UUID())
	if err != nil {
		return nil, wrap("tests", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Test, err error) {
		return t, row.Scan(&t.ID, &t.Name, &t.Expectation, &t.RoleKey, &t.Staff, &t.StaffDepartment, &t.Object, &t.Action,
			&t.RowCompany, &t.RowDepartment, &t.RowCondition, &t.RowOwn, &t.Clause)
	})
	return all, wrap("tests", err)
}

// rowType is the type whose rows the test speaks of; "" for objects that the database is not asked about, of which a right
// is had or not.
func (t *Test) rowType() string {
	entity, _ := policy.EntityOf(t.Object)
	return map[policy.Object]string{policy.OnClient: "Client", policy.OnContract: "Contract", policy.OnStaff: "Staff", policy.OnOrganisation: "Department"}[entity]
}

// Narrows tells whether the test speaks of some rows only.
func (t *Test) narrows() bool {
	return t.RowCompany != uuid.Nil || t.RowDepartment != uuid.Nil || t.RowCondition != "" || t.RowOwn != AnyRows && t.RowOwn != ""
}

// Problems tells what is wrong with an assertion, by the names of its fields in the API.
func (t *Test) Problems() map[string]fault.Text {
	bad := map[string]fault.Text{}
	if !policy.Known(t.Object, t.Action) {
		bad["action"] = fault.Text{ZH: "该对象没有此动作", EN: "the object has no such action"}
		return bad
	}
	if t.rowType() == "" && t.narrows() {
		bad["object"] = fault.Text{ZH: "该对象的用例不能限定数据范围", EN: "an assertion about this object cannot speak of some rows only"}
	}
	if _, err := policy.Meets(t.Object, t.RowCondition); err != nil {
		bad["rowCondition"] = fault.Text{ZH: "条件无效", EN: "invalid condition: " + err.Error()}
	}
	if t.RoleKey == "" && t.Staff == uuid.Nil && t.StaffDepartment == uuid.Nil {
		bad["roleKey"] = fault.Text{ZH: "须指明角色、员工或部门", EN: "say whom it is about: a role, a person or a department"}
	}
	return bad
}

// Broken is an assertion that a state of rights does not keep: the first person and row found.
type Broken struct {
	Test  Test
	Staff uuid.UUID // zero for an app
	Type  string    // of the row; "" when the right is had without one
	Row   uuid.UUID
	Rows  int          // at most MostRows
	Rule  *policy.Rule // that allows it; nil for ALWAYS
}

// MostRows is where counting ends.
const MostRows = 100

// Run gives the assertions that a policy version does not keep with the organisation, people and bindings that the transaction
// sees; version is nil for the one in force. Bindings, rules, grants and employments that begin later count from then on.
func Run(ctx context.Context, tx *tenancy.Tx, version *uuid.UUID, tests []Test) ([]Broken, error) {
	if len(tests) == 0 {
		return nil, nil
	}
	s, err := load(ctx, tx, version)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, tx, tests)
}

// Draft is a policy that is no version: what it says, before it is saved.
type Draft struct {
	Rules   []policy.Rule
	Classes policy.Classes
}

// RunDraft is Run of a policy that is no version. *policy.CompileError when it does not compile with the roles that the transaction sees.
func RunDraft(ctx context.Context, tx *tenancy.Tx, draft Draft, tests []Test) ([]Broken, error) {
	if len(tests) == 0 {
		return nil, nil
	}
	s, err := draft.load(ctx, tx)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, tx, tests)
}

// Check refuses what the transaction has done so far when it leaves an assertion broken: INVALID_STATE POLICY_TEST_FAILED for
// each, with the person, the rule and the row. asker is who is told: what he may not see is left out; nil sees nothing.
//
// SECURITY: rights are computed from the rows that this transaction sees, its own writes among them, and from no cache.
func Check(ctx context.Context, tx *tenancy.Tx, asker *policy.Rights) error {
	tests, err := Active(ctx, tx)
	if err != nil {
		return err
	}
	broken, err := Run(ctx, tx, nil, tests)
	if err != nil {
		return err
	}
	var refused fault.List
	for i := range broken {
		if len(refused) == 5 {
			break
		}
		text, err := Say(ctx, tx, asker, &broken[i])
		if err != nil {
			return err
		}
		e := fault.State("POLICY_TEST_FAILED", text, fault.Text{ZH: "请先更正使其成立，或由管理员停用该策略用例", EN: "make it hold first, or have the assertion retired by those who keep the policy"})
		e.Clause = broken[i].Test.Clause
		refused = append(refused, e)
	}
	return refused.Err()
}

// state is what rights are computed from.
type state struct {
	table   *policy.Table
	org     *policy.Org
	holders []access.Holder
	trees   map[uuid.UUID][]uuid.UUID // of departments, as they are asked for
	begins  begins
}

func load(ctx context.Context, tx *tenancy.Tx, version *uuid.UUID) (*state, error) {
	of := version
	if of == nil {
		var u uuid.UUID
		if err := tx.QueryRow(ctx, `SELECT id FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`, tx.Session().Tenant.UUID()).Scan(&u); err != nil {
			return nil, wrap("version", err)
		}
		of = &u
	}
	rules, err := access.Rules(ctx, tx, *of)
	if err != nil {
		return nil, err
	}
	classes, err := access.Classes(ctx, tx, *of)
	if err != nil {
		return nil, err
	}
	return Draft{rules, classes}.load(ctx, tx)
}

func (d Draft) load(ctx context.Context, tx *tenancy.Tx) (*state, error) {
	s := &state{trees: map[uuid.UUID][]uuid.UUID{}}
	inherits, err := access.Inherits(ctx, tx)
	if err != nil {
		return nil, err
	}
	if s.table, err = policy.CompileWith(0, d.Rules, inherits, d.Classes); err != nil {
		return nil, wrap("compile", err)
	}
	if s.org, err = access.Organisation(ctx, tx); err != nil {
		return nil, err
	}
	if s.holders, err = access.Holders(ctx, tx, nil); err != nil {
		return nil, err
	}
	return s, s.begins.load(ctx, tx, d.Rules)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("policytest: %s: %w", what, err)
}
