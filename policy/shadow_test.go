package policy

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
)

var (
	shadowTenant = uuid.UUID{'t', 1}
	shadowStaff  = uuid.UUID{'s', 1}
)

// shadowed are rights by one policy with casbin judging by another: the disagreement that must never be.
func shadowed(t testing.TB, every uint32, compiled, judged []Rule) (*Rights, *Shadow, *[]Disagreement) {
	t.Helper()
	compile := func(rules []Rule) *Table {
		table, err := Compile(7, rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	table, other := compile(compiled), compile(judged)
	org, err := NewOrg(shadowTenant, 1, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var told []Disagreement
	s := table.Shadow(shadowTenant, every, func(d Disagreement) { told = append(told, d) })
	s.table = other
	p := &Principal{Tenant: shadowTenant, Staff: shadowStaff, Bindings: []Binding{{Role: "rep"}}}
	return table.Bind(p, org, time.Now()).Watched(s), s, &told
}

func shadowRule(o Object, a Action, sc Scope) Rule {
	return Rule{Seq: 1, Role: "rep", Object: o, Action: a, Scope: sc, Effect: Allow}
}

func TestShadowRefusesWhereTheJudgesDiffer(t *testing.T) {
	t.Parallel()
	read, count, open := shadowRule(OnClient, Read, Tenant), shadowRule(OnClient, Count, Tenant), shadowRule(OnClient, ClientOpen, Self)
	r, s, told := shadowed(t, 1, []Rule{read, count}, []Rule{count, open})
	row := &Row{Owner: shadowStaff}
	if d := r.Decide(OnClient, Count, row); !d.Allow || s.Tripped() || len(*told) != 0 {
		t.Fatalf("both allow it: %+v, told %v", d, *told)
	}
	if d := r.Decide(OnClient, "client.nothing", row); d.Reason != ReasonUnknown || s.Tripped() {
		t.Fatalf("neither knows it: %+v", d)
	}
	if r.Reach(OnClient, Read).None {
		t.Fatal("the list is closed before anything differed")
	}
	d := r.Decide(OnClient, Read, row)
	if d.Allow || !s.Tripped() || len(*told) != 1 || (*told)[0] != (Disagreement{Version: 7, Object: OnClient, Action: Read, Compiled: true}) {
		t.Fatalf("only the table allows it: %+v, told %+v", d, *told)
	}
	// From here on casbin decides, both ways; lists of the question are closed, others are not.
	if d := r.Decide(OnClient, ClientOpen, row); d.Allow { // the version in force has no rule to name for it
		t.Errorf("allowed without a rule: %+v", d)
	}
	if d := r.Decide(OnClient, Read, row); d.Allow {
		t.Errorf("casbin denies it: %+v", d)
	}
	if d := r.Decide(OnClient, Count, row); !d.Allow || d.Rule() == nil {
		t.Errorf("casbin allows it: %+v", d)
	}
	if !r.Reach(OnClient, Read).None || r.Reach(OnClient, Count).None {
		t.Error("the list of the question, and no other, is closed")
	}
	if len(*told) != 1 {
		t.Errorf("told %d times", len(*told))
	}
}

func TestShadowFindsADifferenceBySampling(t *testing.T) {
	t.Parallel()
	r, s, _ := shadowed(t, 100, []Rule{shadowRule(OnClient, Read, Tenant)}, []Rule{shadowRule(OnClient, Count, Tenant)})
	row, allowed := &Row{}, 0
	for range 100_000 { // one in e^1000 runs finds nothing
		if r.Decide(OnClient, Read, row).Allow {
			allowed++
		}
		if s.Tripped() {
			break
		}
	}
	if !s.Tripped() {
		t.Fatal("never sampled")
	}
	if r.Decide(OnClient, Read, row).Allow {
		t.Error("allowed after the difference was found")
	}
	none, s, _ := shadowed(t, 0, []Rule{shadowRule(OnClient, Read, Tenant)}, []Rule{shadowRule(OnClient, Count, Tenant)})
	for range 10_000 {
		if !none.Decide(OnClient, Read, row).Allow || s.Tripped() {
			t.Fatal("sampled, though nothing should be")
		}
	}
}

func TestCertainRightsAreJudgedAlways(t *testing.T) {
	t.Parallel()
	r, s, told := shadowed(t, 0, []Rule{shadowRule(OnPolicy, RoleBind, Tenant)}, []Rule{shadowRule(OnClient, Read, Tenant)})
	if d := r.Certain().Decide(OnPolicy, RoleBind, &Row{}); d.Allow || !s.Tripped() || len(*told) != 1 {
		t.Errorf("%+v, told %v", d, *told)
	}
	same, s, _ := shadowed(t, 0, []Rule{shadowRule(OnPolicy, RoleBind, Tenant)}, []Rule{shadowRule(OnPolicy, RoleBind, Tenant)})
	if d := same.Certain().Decide(OnPolicy, RoleBind, &Row{}); !d.Allow || s.Tripped() {
		t.Errorf("both allow it: %+v", d)
	}
	var none *Rights
	if none.Certain().Decide(OnPolicy, RoleBind, &Row{}).Allow {
		t.Error("no rights allow")
	}
}

func TestAJudgeThatCannotJudgeRefuses(t *testing.T) {
	t.Parallel()
	r, s, told := shadowed(t, 1, []Rule{shadowRule(OnClient, Read, Tenant)}, []Rule{shadowRule(OnClient, Read, Tenant)})
	s.tenant = uuid.Nil // of nobody
	if d := r.Decide(OnClient, Read, &Row{}); d.Allow || len(*told) != 1 || !errors.Is((*told)[0].Err, ErrIncomplete) {
		t.Errorf("%+v, told %v", d, *told)
	}
}

func TestWatchedDecisionsAllocateNothing(t *testing.T) {
	r, _, _ := shadowed(t, 1<<31, []Rule{shadowRule(OnClient, Read, Self)}, []Rule{shadowRule(OnClient, Read, Self)})
	if n := testing.AllocsPerRun(1000, func() {
		row := Row{Owner: shadowStaff}
		if !r.Decide(OnClient, Read, &row).Allow {
			t.Fatal("denied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
