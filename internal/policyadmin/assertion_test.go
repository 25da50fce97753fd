package policyadmin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// house is a tenant with departments A, B and C, one client in each, and sales representatives.
type house struct {
	*identitytest.Tenant
	a, b, c uuid.UUID
	client  map[uuid.UUID]uuid.UUID // by department
	rep     identitytest.Person     // of A
}

func newHouse(t *testing.T) *house {
	t.Helper()
	x := &house{Tenant: identitytest.New(t).Tenant(t, "home"), client: map[uuid.UUID]uuid.UUID{}}
	for name, d := range map[string]*uuid.UUID{"甲部": &x.a, "乙部": &x.b, "丙部": &x.c} {
		r, err := x.Organisation.DepartmentOpen(t.Context(), x.Admin.Session, organisation.DepartmentOpen{Company: x.Company, Name: name, Kind: "DEPARTMENT"}, identitytest.Key())
		if err != nil {
			t.Fatal(err)
		}
		*d = r.Subject.ID
		client := x.IDs.New()
		x.client[*d] = client
		x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
				x.ID.UUID(), client, x.Company, *d, "C"+client.String()[24:], name+"的客户", tx.Now())
			return err
		})
	}
	x.rep = x.Person(t, "rep", "ka_sales_rep")
	x.move(t, x.rep, x.a)
	return x
}

func (x *house) transfer(p identitytest.Person, department uuid.UUID) call {
	return func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error) {
		var version int64
		if err := x.DB.InTx(ctx, s, func(ctx context.Context, tx *tenancy.Tx) error {
			return tx.QueryRow(ctx, `SELECT version FROM staff WHERE tenant_id = $1 AND id = $2`, x.ID.UUID(), p.Staff).Scan(&version)
		}); err != nil {
			return act.Result{}, err
		}
		return x.Organisation.StaffTransfer(ctx, s, organisation.StaffTransfer{Staff: p.Staff, ExpectedVersion: version, Department: department}, key)
	}
}

func (x *house) move(t *testing.T, p identitytest.Person, department uuid.UUID) {
	t.Helper()
	if _, err := x.transfer(p, department)(t.Context(), x.Admin.Session, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
}

// neverReadsB is the assertion of the tests: a representative of A never reads the credit file of a client of B.
func (x *house) neverReadsB(t *testing.T) uuid.UUID {
	t.Helper()
	role := "ka_sales_rep"
	r, err := service(x.Tenant).PolicyTestAdd(t.Context(), x.Admin.Session, policyadmin.PolicyTestAdd{
		Name: "甲部代表不看乙部信用", Expectation: "NEVER", RoleKey: &role, StaffDepartment: &x.a, Object: "client#credit", Action: "reveal", RowDepartment: &x.b, Clause: "F10",
	}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}

// blocked: the act fails by the assertion, says what it must to whom it may, and leaves nothing.
func (x *house) blocked(t *testing.T, what string, by identitytest.Person, do call, says ...string) {
	t.Helper()
	before := x.Footprint(t)
	_, err := do(t.Context(), by.Session, identitytest.Key())
	list, _ := fault.As(err)
	if len(list) != 1 || list[0].Code != fault.InvalidState || list[0].Reason != "POLICY_TEST_FAILED" || list[0].Clause != "F10" {
		t.Errorf("%s: %v", what, err)
		return
	}
	t.Logf("%s: %s", what, list[0].Message.ZH)
	for _, s := range says {
		if !strings.Contains(list[0].Message.ZH, s) {
			t.Errorf("%s does not say %q: %s", what, s, list[0].Message.ZH)
		}
	}
	x.Unchanged(t, before, 0)
}

func (x *house) passes(t *testing.T, what string, by identitytest.Person, do call) {
	t.Helper()
	if _, err := do(t.Context(), by.Session, identitytest.Key()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func credit(scope string) policyadmin.Rule {
	return policyadmin.Rule{RoleKey: "ka_sales_rep", Object: "client", Action: "reveal", Scope: scope, Effect: "allow", Classes: []int{4}}
}

func TestAnAssertionBlocksEveryWayToBreakIt(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	s := service(x.Tenant)
	x.neverReadsB(t)
	publish := func(version uuid.UUID) call {
		return of(s.PolicyPublish, policyadmin.PolicyPublish{PolicyVersion: version, ExpectedVersion: 1})
	}
	wide := drafted(t, x.Tenant, 1, []policyadmin.Rule{credit("COMPANY")})
	results, err := s.PolicyTestRun(t.Context(), x.Manager.Session, policyadmin.Trial{Version: &wide})
	if err != nil || len(results) != 1 || results[0].Passed || results[0].Staff != x.rep.Staff || results[0].Row.ID != x.client[x.b] || results[0].Rows != 1 || results[0].Rule == uuid.Nil {
		t.Errorf("%+v %v", results, err)
	}
	x.blocked(t, "publishing", x.Manager, publish(wide), "员工 rep", "乙部的客户", "共 1 个", "规则 ")
	narrow := drafted(t, x.Tenant, 1, []policyadmin.Rule{credit("DEPT_TREE")})
	if results, err = s.PolicyTestRun(t.Context(), x.Manager.Session, policyadmin.Trial{Version: &narrow}); err != nil || len(results) != 1 || !results[0].Passed {
		t.Errorf("%+v %v", results, err)
	}
	x.passes(t, "publishing what is narrower", x.Manager, publish(narrow))

	// a binding: it waits and gives nothing, until somebody endorses it
	wait := func(p identitytest.Person, role string, department *uuid.UUID) act.Subject {
		r, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: p.Account, RoleKey: role, Department: department}, identitytest.Key())
		if err != nil {
			t.Fatal(err)
		}
		return r.Subject
	}
	endorse := func(b act.Subject) call {
		return of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: b.ID, ExpectedVersion: b.Version})
	}
	x.blocked(t, "a binding", x.Manager, endorse(wait(x.rep, "finance_officer", nil)), "员工 rep", "乙部的客户")
	x.passes(t, "a binding that sees no credit", x.Manager, endorse(wait(x.rep, "branch_reporter", nil)))
	later := time.Now().Add(48 * time.Hour)
	r, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: x.rep.Account, RoleKey: "sales_manager", Department: &x.b, ValidFrom: &later}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	x.blocked(t, "a binding of the day after tomorrow", x.Manager, endorse(r.Subject), "员工 rep", "乙部的客户")

	// a department moves below A, whose tree the representatives see
	under := func(parent uuid.UUID) call {
		in := organisation.DepartmentChange{Department: x.b, ExpectedVersion: 1}
		in.Parent.Given, in.Parent.Value = true, &parent
		return of(x.Organisation.DepartmentChange, in)
	}
	x.blocked(t, "a department that moves", x.Admin, under(x.a), "员工 rep", "客户 1 个")
	x.passes(t, "a department that moves elsewhere", x.Admin, under(x.c))

	// a transfer: he may see B from C, but not as a representative of A
	other := x.Person(t, "other")
	x.move(t, other, x.c)
	x.passes(t, "a binding at B of somebody in C", x.Manager, endorse(wait(other, "ka_sales_rep", &x.b)))
	x.blocked(t, "a transfer", x.Admin, x.transfer(other, x.a), "员工 other", "客户 1 个")
	x.passes(t, "a transfer elsewhere", x.Admin, x.transfer(other, x.b))

	// a grant
	grant := func(client uuid.UUID, classes ...int) call {
		return of(x.Identity.AccessGrantGive, identity.AccessGrantGive{Grantee: x.rep.Staff, Client: client, Classes: classes, Purpose: "查阅", ValidUntil: time.Now().Add(24 * time.Hour)})
	}
	x.blocked(t, "a grant", x.Manager, grant(x.client[x.b], 4), "员工 rep", "乙部的客户")
	x.passes(t, "a grant of another class", x.Manager, grant(x.client[x.b], 2))
	x.passes(t, "a grant on another department's client", x.Manager, grant(x.client[x.c], 4))
}

// An assertion that is broken already would stop every change of rights: it is refused. One that rows have broken since can
// be taken away.
func TestAssertionsThatDoNotHold(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	s := service(x.Tenant)
	add := func(in policyadmin.PolicyTestAdd) call {
		if in.Name == "" {
			in.Name = "总经理不看信用"
		}
		in.Clause = "F10"
		return of(s.PolicyTestAdd, in)
	}
	manager := "general_manager"
	x.blocked(t, "an assertion that is broken already", x.Admin, add(policyadmin.PolicyTestAdd{Expectation: "NEVER", RoleKey: &manager, Object: "client#credit", Action: "reveal", RowDepartment: &x.b}), "员工 manager", "客户 1 个")
	x.passes(t, "its opposite", x.Admin, add(policyadmin.PolicyTestAdd{Expectation: "ALWAYS", RoleKey: &manager, Object: "client#credit", Action: "reveal", RowDepartment: &x.b}))
	x.blocked(t, "always, of one who never does", x.Admin, add(policyadmin.PolicyTestAdd{Name: "代表总看乙部", Expectation: "ALWAYS", Staff: &x.rep.Staff, Object: "client", Action: "read", RowDepartment: &x.b}), "将不可")
	x.passes(t, "own and others' department", x.Admin, add(policyadmin.PolicyTestAdd{Name: "代表不改他部", Expectation: "NEVER", Staff: &x.rep.Staff, Object: "client", Action: "client.changeProfile", RowOwn: "OTHERS"}))
	_, err := s.PolicyTestAdd(t.Context(), x.Admin.Session, policyadmin.PolicyTestAdd{Name: "x", Expectation: "SOMETIMES", Object: "client", Action: "raed", RowOwn: "MINE"}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT VALUE_UNKNOWN input.expectation", "INVALID_INPUT VALUE_UNKNOWN input.rowOwn", "INVALID_INPUT POLICY_TEST_INVALID input.action")
	nobody := uuid.New()
	_, err = s.PolicyTestAdd(t.Context(), x.Admin.Session, policyadmin.PolicyTestAdd{Name: "x", Expectation: "NEVER", Staff: &nobody, Object: "client", Action: "read"}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT NOT_FOUND input.staffId")
	_, err = s.PolicyTestAdd(t.Context(), x.Admin.Session, policyadmin.PolicyTestAdd{Name: "x", Expectation: "NEVER", Staff: &x.rep.Staff, Object: "policy", Action: "policy.publish", RowDepartment: &x.a}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT POLICY_TEST_INVALID input.object")

	test := x.neverReadsB(t)
	// past every act: a client of B is put on the representative's list, and he may see credit there
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 16, 'x', $5, $5::timestamptz + interval '1 day', $5, $5)`, x.ID.UUID(), x.IDs.New(), x.rep.Staff, x.client[x.b], tx.Now())
		return err
	})
	hire := of(x.Organisation.StaffHire, organisation.StaffHire{Number: "N9", Name: "新人", Department: x.Department})
	x.blocked(t, "an act that has no part in it", x.Admin, hire, "员工 rep")
	retire := policyadmin.PolicyTestRetire{PolicyTest: test, ExpectedVersion: 1, Reason: "改由借阅管理"}
	x.passes(t, "retiring it", x.Admin, of(s.PolicyTestRetire, retire))
	x.passes(t, "the act afterwards", x.Admin, hire)
	retire.ExpectedVersion = 2
	_, err = s.PolicyTestRetire(t.Context(), x.Admin.Session, retire, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE ALREADY_RETIRED")
	_, err = s.PolicyTestRun(t.Context(), x.Nobody.Session, policyadmin.Trial{})
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
}

func TestDutyConflictsBelongToTheVersion(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	s := service(x)
	draft := func(in policyadmin.PolicyDraft) uuid.UUID {
		t.Helper()
		in.Reason = "调整互斥"
		r, err := s.PolicyDraft(t.Context(), x.Admin.Session, in, identitytest.Key())
		if err != nil {
			t.Fatal(err)
		}
		return r.Subject.ID
	}
	teams := policyadmin.Conflict{Key: "teams", ActionA: "client.assignTeam", ActionB: "contract.return", NameZH: "指派与退回", NameEN: "assigning and returning", Clause: "J07"}
	// the general manager does both: the version that forbids it is not published
	_, err := s.PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: draft(policyadmin.PolicyDraft{BaseNumber: 1, AddConflicts: []policyadmin.Conflict{teams}}), ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "DUTY_CONFLICT DUTIES_IN_ONE_HAND")
	if list, _ := fault.As(err); !strings.Contains(list[0].Message.EN, "general_manager → client.assignTeam; general_manager → contract.return") || list[0].Clause != "J07" {
		t.Errorf("%v", err)
	}
	desk := policyadmin.Conflict{Key: "desk", ActionA: "client.recordChange", ActionB: "client.changeCredit", NameZH: "登记与授信", NameEN: "recording and credit"}
	version := draft(policyadmin.PolicyDraft{BaseNumber: 1, AddConflicts: []policyadmin.Conflict{desk}, RemoveConflicts: []string{"disposal", "price"}})
	c, err := s.PolicyCompare(t.Context(), x.Admin.Session, 1, 3)
	if err != nil || strings.Join(c.ConflictsAdded, " ") != "desk" || strings.Join(c.ConflictsRemoved, " ") != "price disposal" || len(c.Added)+len(c.Removed) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	published(t, x, version)
	var n int
	x.Scan(t, `SELECT count(*) FROM policy_conflicts WHERE tenant_id = $1 AND policy_version_id = $2`, []any{version}, &n)
	if want := len(policy.ShippedDutyConflicts()) - 1; n != want {
		t.Errorf("%d conflicts, want %d", n, want)
	}
	p := x.Person(t, "clerk", "roster_clerk_market")
	_, err = x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: p.Account, RoleKey: "finance_officer"}, identitytest.Key())
	identitytest.Refused(t, err, "DUTY_CONFLICT DUTIES_IN_ONE_HAND input.roleKey")
	_, err = s.PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{
		BaseNumber: 3, Reason: "x", RemoveConflicts: []string{"nothing"},
		AddConflicts: []policyadmin.Conflict{desk, {Key: "odd", ActionA: "client.open", ActionB: "client.open", NameZH: "甲", NameEN: "a"}, {Key: "odd2", ActionA: "client.opened", ActionB: "client.open", NameZH: "甲", NameEN: "a"}},
	}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT SAME_ACTION input.addConflicts.1.actionB", "INVALID_INPUT ACTION_UNKNOWN input.addConflicts.2.actionA")
	_, err = s.PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 3, Reason: "x", RemoveConflicts: []string{"nothing"}, AddConflicts: []policyadmin.Conflict{desk}}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT CONFLICT_NOT_IN_BASE input.removeConflicts.0", "INVALID_INPUT CONFLICT_KEY_TAKEN input.addConflicts.0.key")
	// going back brings the former conflicts back
	r, err := s.PolicyRollback(t.Context(), x.Admin.Session, policyadmin.PolicyRollback{ToNumber: 1, Reason: "恢复"}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	published(t, x, r.Subject.ID)
	if c, err = s.PolicyCompare(t.Context(), x.Admin.Session, 1, 4); err != nil || len(c.ConflictsAdded)+len(c.ConflictsRemoved) != 0 {
		t.Errorf("%+v %v", c, err)
	}
}
