package approval_test

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// AC-09: the custodian, and from class L4 on the head; each in his turn, and nobody else.
func TestABorrowingGoesItsWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	low := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 3, "低"))
	f.steps("custodian|active|false", low)
	f.stands(low, approval.Custodian, false)
	f.refused("a step that this chain does not have", "INVALID_STATE STEP_NOT_ACTIVE", f.kam, low, approval.DepartmentHead)
	f.approves(f.keeper, low, approval.Custodian, true)
	f.stands(low, "", true)

	high := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "高"))
	f.steps("custodian|active|false;department_head|waiting|false", high)
	f.refused("the second step first", "INVALID_STATE STEP_NOT_ACTIVE", f.kam, high, approval.DepartmentHead)
	f.refused("who sees the list", "NOT_FOUND NOT_FOUND", f.reader, high, approval.Custodian)
	f.refused("the one who may approve and not lend", "FORBIDDEN NO_ROLE", f.boss, high, approval.Custodian)
	f.approves(f.keeper, high, approval.Custodian, false)
	f.steps("custodian|approved|true;department_head|active|false", high)
	f.stands(high, approval.DepartmentHead, false)
	f.refused("a custodian at the head's step", "FORBIDDEN NO_ROLE", f.second, high, approval.DepartmentHead)
	f.refused("the first step again", "INVALID_STATE STEP_NOT_ACTIVE", f.second, high, approval.Custodian)
	f.approves(f.kam, high, approval.DepartmentHead, true)
	f.steps("custodian|approved|true;department_head|approved|true", high)
	f.stands(high, "", true)
	f.refused("after the end", "INVALID_STATE STEP_NOT_ACTIVE", f.boss, high, approval.DepartmentHead)
}

// AC-10: the head of the owning department, then the key account manager.
func TestAnAccessRequestGoesItsWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.start(f.reader, f.subject(approval.AccessRequest, f.reader, 0, "查阅"))
	f.steps("department_head|active|false;key_account_manager|waiting|false", s)
	f.refused("the last step first", "INVALID_STATE STEP_NOT_ACTIVE", f.kam, s, approval.KeyAccountManager)
	f.refused("another department's head", "NOT_FOUND NOT_FOUND", f.Person(f.OtherDepartment, "dept_manager"), s, approval.DepartmentHead)
	f.refused("a custodian", "NOT_FOUND NOT_FOUND", f.keeper, s, approval.DepartmentHead)
	f.approves(f.head, s, approval.DepartmentHead, false)
	f.refused("the head at the last step", "FORBIDDEN NO_ROLE", f.head, s, approval.KeyAccountManager)
	f.approves(f.kam, s, approval.KeyAccountManager, true)
	f.stands(s, "", true)
	other := f.World.Tenant("beta")
	foreign := other.Person(other.Department, "kam_manager", "archive_custodian")
	f.refused("another tenant's", "INVALID_STATE STEP_NOT_ACTIVE", foreign, f.start(f.rep, f.subject(approval.Borrowing, f.rep, 3, "x")), approval.Custodian)
}

// Nobody decides what he asked for, whatever his roles; nobody decides twice; and only people decide.
func TestDutiesStayApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	both := f.Person(f.Department, "archive_custodian", "kam_manager", "general_manager")
	own := f.start(both, f.subject(approval.Borrowing, both, 5, "自己"))
	f.refused("his own, first step", "DUTY_CONFLICT OWN_REQUEST", both, own, approval.Custodian)
	f.approves(f.keeper, own, approval.Custodian, false)
	f.refused("his own, second step", "DUTY_CONFLICT OWN_REQUEST", both, own, approval.DepartmentHead)
	request := f.start(f.kam, f.subject(approval.AccessRequest, f.kam, 0, "自己"))
	f.refused("his own request for access", "DUTY_CONFLICT OWN_REQUEST", f.kam, request, approval.DepartmentHead)

	s := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 5, "一"))
	f.approves(both, s, approval.Custodian, false)
	f.refused("a second step", "DUTY_CONFLICT DECIDED_BEFORE", both, s, approval.DepartmentHead)
	f.approves(f.kam, s, approval.DepartmentHead, true)

	app := f.keeper
	session := &tenancy.Session{Tenant: app.Session.Tenant, Actor: app.Session.Actor, RequestID: "test", Language: "en"}
	session.Actor.Staff = uuid.Nil
	app.Session = session
	f.refused("no member of staff", "FORBIDDEN STAFF_ONLY", app, f.start(f.rep, f.subject(approval.Borrowing, f.rep, 1, "二")), approval.Custodian)
	// The table keeps it, too, whatever a program forgets.
	for what, sql := range map[string]string{
		"his own":        `UPDATE approval_steps SET state = 'approved', decided_by = requester_staff_id, decided_at = now() WHERE tenant_id = $1 AND subject_id = $2 AND seq = 2`,
		"twice":          `UPDATE approval_steps SET decided_by = (SELECT decided_by FROM approval_steps p WHERE p.tenant_id = $1 AND p.subject_id = $2 AND p.seq = 1) WHERE tenant_id = $1 AND subject_id = $2 AND seq = 2`,
		"by nobody":      `UPDATE approval_steps SET decided_by = NULL WHERE tenant_id = $1 AND subject_id = $2`,
		"before it ends": `UPDATE approval_steps SET state = 'active' WHERE tenant_id = $1 AND subject_id = $2`,
	} {
		err := f.DB.InTx(t.Context(), f.keeper.Session, func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, sql, f.ID, s.ID)
			return err
		})
		if err == nil {
			t.Errorf("decided %s", what)
		}
	}
	f.steps("custodian|approved|true;department_head|approved|true", s)
}

// A decision is about a content: of another one nothing is decided, and what was approved does not count for it.
func TestADecisionBindsItsContent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "原文"))
	changed := s
	sum := sha256.Sum256([]byte("改过"))
	changed.Hash = sum[:]
	f.refused("changed before the first step", "INVALID_STATE CONTENT_CHANGED", f.keeper, changed, approval.Custodian)
	f.approves(f.keeper, s, approval.Custodian, false)
	f.refused("changed before the second step", "INVALID_STATE CONTENT_CHANGED", f.kam, changed, approval.DepartmentHead)
	f.approves(f.kam, s, approval.DepartmentHead, true)
	f.stands(s, "", true)
	f.stands(changed, "", false)
	lower := s // the chain that it needs now is another one than it went
	row := *s.Row
	row.FieldClass = 3
	lower.Row = &row
	f.stands(lower, "", false)
	f.stands(f.subject(approval.Borrowing, f.rep, 4, "原文"), "", false) // one that never began
}

// A refusal at any step ends the rest; so does the end of the subject.
func TestRefusalAndVoid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "一"))
	if done, err := f.decide(f.keeper, first, approval.Custodian, false); err != nil || done {
		t.Fatal(done, err)
	}
	f.steps("custodian|refused|true;department_head|void|false", first)
	second := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "二"))
	f.approves(f.keeper, second, approval.Custodian, false)
	if done, err := f.decide(f.kam, second, approval.DepartmentHead, false); err != nil || done {
		t.Fatal(done, err)
	}
	f.steps("custodian|approved|true;department_head|refused|true", second)
	third := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "三"))
	f.approves(f.keeper, third, approval.Custodian, false)
	if err := f.within(f.rep, func(ctx context.Context, w *act.Work) error { return approval.Fixed{}.Void(ctx, w, third) }); err != nil {
		t.Fatal(err)
	}
	f.steps("custodian|approved|true;department_head|void|false", third)
	for _, s := range []approval.Subject{first, second, third} {
		f.stands(s, "", false)
		f.refused("after the end", "INVALID_STATE STEP_NOT_ACTIVE", f.boss, s, approval.DepartmentHead)
	}
}

// Fifty at once: one decides. The same person fifty times decides once; a refusal and approvals at once leave one of the two.
func TestOneDecisionOfFifty(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var keepers []world.Person
	for range 50 {
		keepers = append(keepers, f.Person(f.Sibling, "archive_custodian"))
	}
	all := func(s approval.Subject, who func(int) world.Person, approve func(int) bool) map[string]int {
		var acts []func() error
		for i := range 50 {
			acts = append(acts, func() error {
				_, err := f.decide(who(i), s, approval.Custodian, approve(i))
				return err
			})
		}
		return together(acts...)
	}
	yes, mixed := func(int) bool { return true }, func(i int) bool { return i%2 == 0 }
	each, one := func(i int) world.Person { return keepers[i] }, func(int) world.Person { return f.keeper }
	s := f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "一"))
	if got := all(s, each, yes); got["<nil>"] != 1 || got["INVALID_STATE STEP_NOT_ACTIVE"] != 49 {
		t.Errorf("%v", got)
	}
	f.steps("custodian|approved|true;department_head|active|false", s)
	s = f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "二"))
	if got := all(s, one, yes); got["<nil>"] != 1 || got["DUTY_CONFLICT DECIDED_BEFORE"] != 49 {
		t.Errorf("%v", got)
	}
	s = f.start(f.rep, f.subject(approval.Borrowing, f.rep, 4, "三"))
	if got := all(s, each, mixed); got["<nil>"] != 1 || got["INVALID_STATE STEP_NOT_ACTIVE"] != 49 {
		t.Errorf("%v", got)
	}
	decided := f.Text(`SELECT count(*) FILTER (WHERE decided_by IS NOT NULL), max(version) FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2`, s.ID)
	if decided != "1|2" {
		t.Error(decided)
	}
}
