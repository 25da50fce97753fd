package policyadmin_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/policy"
)

// Assertions are tried on a draft that nobody has saved: what would leak is told with its row, its person and the line that leaks it.
func TestADraftIsTriedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	s := service(x.Tenant)
	stored := x.neverReadsB(t)
	role := "ka_sales_rep"
	given := policyadmin.PolicyTestAdd{Name: "给定", Expectation: "NEVER", RoleKey: &role, StaffDepartment: &x.a, Object: "client#credit", Action: "reveal", RowDepartment: &x.c}
	reads := func(department uuid.UUID, allow bool) policyadmin.Case {
		return policyadmin.Case{Name: "一例", Allow: allow, Question: policyadmin.Question{
			Staff: &x.rep.Staff, Object: policy.ClientCredit, Action: policy.Reveal, About: &policyadmin.Object{Type: "Client", ID: x.client[department]},
		}}
	}
	draft := &policyadmin.PolicyDraft{BaseNumber: 1, Reason: "试", Add: []policyadmin.Rule{
		{RoleKey: "list_reader", Object: "audit", Action: "read", Scope: "TENANT", Effect: "allow"},
		{RoleKey: "ka_sales_rep", Object: "client", Action: "read", Scope: "COMPANY", Effect: "allow"}, credit("COMPANY"),
	}}
	before := x.Footprint(t)
	// the administrator drafts, and sees no client: he is told the person and the line, not the row
	results, err := s.PolicyTestRun(t.Context(), x.Admin.Session, policyadmin.Trial{Draft: draft, Tests: []policyadmin.PolicyTestAdd{given}, Cases: []policyadmin.Case{reads(x.b, false), reads(x.c, true)}})
	if err != nil || len(results) != 4 {
		t.Fatalf("%+v %v", results, err)
	}
	for i, want := range []policyadmin.TestResult{
		{Test: stored, Given: -1, Staff: x.rep.Staff, Rows: 1, Added: 2}, {Given: 0, Staff: x.rep.Staff, Rows: 1, Added: 2}, {Given: 1, Staff: x.rep.Staff, Rows: 1, Added: 2}, {Given: 2, Passed: true, Added: -1},
	} {
		got := results[i]
		if got.Passed != want.Passed && got.Message.ZH == "" || got.Name == "" || got.Rule != uuid.Nil {
			t.Errorf("%d: %+v", i, got)
		}
		got.Name, got.Message, got.Rule = "", policy.Text{}, uuid.Nil
		if got != want {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if strings.Contains(results[0].Message.ZH, "乙部的客户") || !strings.Contains(results[0].Message.ZH, "员工 rep") || !strings.Contains(results[2].Message.EN, "ought not to be") {
		t.Errorf("%s\n%s", results[0].Message.ZH, results[2].Message.EN)
	}
	x.Unchanged(t, before, 0)

	// a version, by somebody who sees the rows; and the one in force, where all is well
	wide := drafted(t, x.Tenant, 1, draft.Add)
	before = x.Footprint(t)
	results, err = s.PolicyTestRun(t.Context(), x.Manager.Session, policyadmin.Trial{Version: &wide, Tests: []policyadmin.PolicyTestAdd{given}, Cases: []policyadmin.Case{reads(x.b, false)}})
	if err != nil || len(results) != 3 || results[1].Row.ID != x.client[x.c] || results[2].Row.ID != x.client[x.b] || results[1].Rule == uuid.Nil || results[1].Added != -1 {
		t.Errorf("%+v %v", results, err)
	}
	results, err = s.PolicyTestRun(t.Context(), x.Manager.Session, policyadmin.Trial{Tests: []policyadmin.PolicyTestAdd{given}, Cases: []policyadmin.Case{reads(x.b, false), reads(x.b, true)}})
	if err != nil || len(results) != 4 || !results[0].Passed || !results[1].Passed || !results[2].Passed || results[3].Passed || results[3].Row.ID != x.client[x.b] {
		t.Errorf("%+v %v", results, err)
	}
	x.Unchanged(t, before, 0)
}

func TestWhatIsRefusedOfATrial(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	s := service(x.Tenant)
	before := x.Footprint(t)
	role, nobody, wide := "ka_sales_rep", "nobody_made_it", uuid.New()
	test := policyadmin.PolicyTestAdd{Name: "x", Expectation: "NEVER", RoleKey: &role, Object: "client", Action: "read"}
	unknown := test
	unknown.RoleKey = &nobody
	malformed := test
	malformed.Action = "raed"
	one := policyadmin.Case{Name: "x", Question: policyadmin.Question{Staff: &x.rep.Staff, Object: policy.OnClient, Action: policy.Read}}
	about := func(typ string, u uuid.UUID) policyadmin.Case {
		c := one
		c.About = &policyadmin.Object{Type: typ, ID: u}
		return c
	}
	stranger := one
	stranger.Staff = &wide
	draft := &policyadmin.PolicyDraft{BaseNumber: 1, Reason: "试", Add: []policyadmin.Rule{allow()}}
	bad := *draft
	bad.Add = []policyadmin.Rule{{RoleKey: "list_reader", Object: "clinet", Action: "read", Scope: "TENANT", Effect: "allow"}}
	stale := *draft
	stale.BaseNumber = 7
	for what, c := range map[string]struct {
		by   identitytest.Person
		in   policyadmin.Trial
		want string
	}{
		"both":                        {x.Admin, policyadmin.Trial{Version: &wide, Draft: draft}, "INVALID_INPUT VERSION_OR_DRAFT draft"},
		"no such version":             {x.Admin, policyadmin.Trial{Version: &wide}, "NOT_FOUND NOT_FOUND"},
		"a base that is not in force": {x.Admin, policyadmin.Trial{Draft: &stale}, "INVALID_INPUT NOT_FOUND draft.baseNumber"},
		"a rule of no object":         {x.Admin, policyadmin.Trial{Draft: &bad}, "INVALID_INPUT OBJECT_UNKNOWN draft.add.0.object"},
		"an empty draft":              {x.Admin, policyadmin.Trial{Draft: &policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x"}}, "INVALID_INPUT NOTHING_CHANGES draft.add"},
		"who may not draft":           {x.Manager, policyadmin.Trial{Draft: draft}, "FORBIDDEN NO_ROLE"},
		"who may not read rules":      {x.Nobody, policyadmin.Trial{}, "FORBIDDEN NO_ROLE"},
		"a test of nobody":            {x.Admin, policyadmin.Trial{Tests: []policyadmin.PolicyTestAdd{test, unknown}}, "INVALID_INPUT NOT_FOUND tests.1.roleKey"},
		"a test of nothing":           {x.Admin, policyadmin.Trial{Tests: []policyadmin.PolicyTestAdd{malformed}}, "INVALID_INPUT POLICY_TEST_INVALID tests.0.action"},
		"a case about nobody":         {x.Admin, policyadmin.Trial{Cases: []policyadmin.Case{one, stranger}}, "NOT_FOUND NOT_FOUND cases.1.staffId"},
		"a case about no row":         {x.Admin, policyadmin.Trial{Cases: []policyadmin.Case{about("Client", wide)}}, "NOT_FOUND NOT_FOUND cases.0.objectId"},
		"a case about another kind":   {x.Admin, policyadmin.Trial{Cases: []policyadmin.Case{about("Staff", x.rep.Staff)}}, "INVALID_INPUT OBJECT_OF_ANOTHER_KIND cases.0.objectId"},
		"too many tests":              {x.Admin, policyadmin.Trial{Tests: make([]policyadmin.PolicyTestAdd, 101)}, "INVALID_INPUT TOO_MANY tests"},
		"too many cases":              {x.Admin, policyadmin.Trial{Cases: make([]policyadmin.Case, 201)}, "INVALID_INPUT TOO_MANY cases"},
	} {
		_, err := s.PolicyTestRun(t.Context(), c.by.Session, c.in)
		list, _ := fault.As(err)
		if len(list) == 0 || strings.TrimSpace(string(list[0].Code)+" "+list[0].Reason+" "+list[0].Field) != c.want || list[0].Message.ZH == "" || list[0].Message.EN == "" {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	if after := x.Footprint(t); !maps.Equal(after.Tables, before.Tables) {
		t.Error("a refused trial wrote something")
	}
}
