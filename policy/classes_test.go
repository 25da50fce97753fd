package policy_test

import (
	"errors"
	"testing"

	"github.com/clientele/clientele/policy"
)

// A group's shipped class is its name in stored rows (search terms, change records): no two groups of the client may share one.
func TestEveryGroupOfTheClientHasAShippedClassOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[policy.Class]policy.Object{}
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnClient {
			continue
		}
		for _, g := range e.Groups {
			if other, taken := seen[g.Class]; taken {
				t.Errorf("%s and %s are both %s", g.Object, other, g.Class)
			}
			seen[g.Class] = g.Object
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d groups", len(seen))
	}
}

func TestRulesForClassesFollowTheTenantsOwn(t *testing.T) {
	t.Parallel()
	classes := policy.Classes{policy.ClientContacts: 4, policy.ClientCredit: 1, policy.ContractTerms: 7}
	table, err := policy.CompileWith(1, policy.ShippedRules(), policy.ShippedInherits(), classes)
	if err != nil {
		t.Fatal(err)
	}
	org := worldOrg(t)
	me := staffIDs[1]
	full := func(role string, group policy.Object, row *policy.Row) bool {
		rights := table.Bind(&policy.Principal{Tenant: tenantA, Staff: me, Bindings: []policy.Binding{{Role: role}}}, org, noon)
		level, _ := rights.Field(group, row)
		if class, _ := rights.ClassOf(group); classes[group] != 0 && class != classes[group] {
			t.Errorf("%s has class %s", group, class)
		}
		return level == policy.Full
	}
	team := &policy.Row{ID: uid('x', 1), Client: uid('x', 1), OnTeam: true, Owner: me}
	for _, x := range []struct {
		role  string
		group policy.Object
		want  bool
	}{
		{"ka_sales_rep", policy.ClientContacts, false}, // L0–L3 of the team, and contacts are L4 now
		{"ka_sales_rep", policy.ClientCredit, true},
		{"ka_sales_rep", policy.ClientDealings, true},
		{"general_manager", policy.ClientContacts, true}, // L0–L6
		{"general_manager", policy.ContractTerms, false}, // nobody is shipped L7
		{"list_reader", policy.ClientCredit, false},
	} {
		if got := full(x.role, x.group, team); got != x.want {
			t.Errorf("%s sees %s: %v", x.role, x.group, got)
		}
	}
	// A grant of L4 opens what has L4 now, and one of L2 nothing of a client any more.
	for mask, want := range map[policy.ClassSet]bool{policy.Class(4).Set(): true, policy.Class(2).Set(): false} {
		if got := full("tech_engineer", policy.ClientContacts, &policy.Row{ID: uid('x', 2), Client: uid('x', 2), Granted: mask}); got != (want && false) {
			t.Errorf("granted %v: %v", mask, got) // a technical engineer has L0–L2 of what is granted
		}
		if got := full("ka_sales_rep", policy.ClientContacts, &policy.Row{ID: uid('x', 2), Client: uid('x', 2), Granted: mask}); got != want {
			t.Errorf("granted %v: %v", mask, got)
		}
	}
}

// The compiled version and casbin agree under classes of the tenant's own.
func TestTableAgreesWithCasbinUnderOwnClasses(t *testing.T) {
	t.Parallel()
	classes := policy.Classes{policy.ClientContacts: 4, policy.ClientDealings: 2, policy.ClientCredit: 0, policy.ContractSummary: 5, policy.StaffDirectory: 6}
	table, err := policy.CompileWith(1, policy.ShippedRules(), policy.ShippedInherits(), classes)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	org, agreed := worldOrg(t), 0
	for _, role := range []string{"ka_sales_rep", "kam_manager", "finance_officer", "tech_engineer", "archive_custodian", "reviewer_finance", "general_manager"} {
		p := &policy.Principal{Tenant: tenantA, Staff: staffIDs[1], Bindings: []policy.Binding{{Role: role}}}
		rights := table.Bind(p, org, noon)
		for _, e := range policy.Catalogue() {
			for _, q := range everyQuestion(e) {
				for mask := policy.ClassSet(0); mask <= policy.AllClasses; mask = mask*2 + 1 {
					row := &policy.Row{ID: uid('x', 1), Client: uid('x', 1), OnTeam: mask&2 != 0, Granted: mask, Company: companyIDs[0], Department: departmentIDs[1]}
					want, err := judge.Enforce(p, org, noon, q.obj, q.act, row)
					if err != nil {
						t.Fatal(err)
					}
					if got := rights.Decide(q.obj, q.act, row); got.Allow != want {
						t.Errorf("%s %s %s granted %v: table %v, casbin %v", role, q.act, q.obj, mask, got.Allow, want)
					}
					agreed++
				}
			}
		}
	}
	t.Logf("%d decisions compared", agreed)
}

func TestClassesThatNoVersionMayKeep(t *testing.T) {
	t.Parallel()
	for object, class := range map[policy.Object]policy.Class{"client": 1, "client#nothing": 1, policy.ClientList: 8} {
		_, err := policy.CompileWith(1, policy.ShippedRules(), policy.ShippedInherits(), policy.Classes{object: class})
		var bad *policy.CompileError
		if !errors.As(err, &bad) || len(bad.Problems) != 1 || bad.Problems[0].Field != "classes" {
			t.Errorf("%s at %d: %v", object, class, err)
		}
	}
	back := policy.Classes{policy.ClientContacts: 4}.With(policy.Classes{policy.ClientContacts: 2, policy.ClientCredit: 5})
	if len(back) != 1 || back[policy.ClientCredit] != 5 {
		t.Errorf("%v", back)
	}
}
