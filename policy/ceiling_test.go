package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// give is a small tenant: two companies, the second below the first; two departments and a section in the first, one in the
// second; everybody works in the section's department but where a test says otherwise.
type give struct {
	tenant, top, sub, sales, section, market, far uuid.UUID
	org                                           *policy.Org
	table                                         *policy.Table
	now                                           time.Time
}

func newGive(t *testing.T, rules []policy.Rule, people map[uuid.UUID]uuid.UUID, superior map[uuid.UUID]uuid.UUID) *give {
	t.Helper()
	g := &give{now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	for i, u := range []*uuid.UUID{&g.tenant, &g.top, &g.sub, &g.sales, &g.section, &g.market, &g.far} {
		*u = uuid.UUID{1, byte(i + 1)}
	}
	place := map[uuid.UUID]uuid.UUID{g.sales: g.top, g.section: g.top, g.market: g.top, g.far: g.sub}
	var employed []policy.OrgEmployment
	for staff, d := range people {
		employed = append(employed, policy.OrgEmployment{Staff: staff, Company: place[d], Department: d, Superior: superior[staff]})
	}
	var err error
	g.org, err = policy.NewOrg(g.tenant, 1, []policy.OrgCompany{{ID: g.top}, {ID: g.sub, Parent: g.top}}, []policy.OrgDepartment{
		{ID: g.sales, Company: g.top}, {ID: g.section, Parent: g.sales, Company: g.top}, {ID: g.market, Company: g.top}, {ID: g.far, Company: g.sub},
	}, employed)
	if err != nil {
		t.Fatal(err)
	}
	if g.table, err = policy.Compile(1, rules, policy.ShippedInherits()); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *give) principal(staff uuid.UUID, bindings ...policy.Binding) *policy.Principal {
	return &policy.Principal{Tenant: g.tenant, Staff: staff, Account: staff, Kind: "staff", Bindings: bindings}
}

func (g *give) rights(staff uuid.UUID, roles ...string) *policy.Rights {
	var b []policy.Binding
	for _, r := range roles {
		b = append(b, policy.Binding{Role: r})
	}
	return g.table.Bind(g.principal(staff, b...), g.org, g.now)
}

// The administrator and the general manager of a new tenant can give every shipped role that is bound at all: what neither
// holds, nobody could ever be given.
func TestEveryShippedRoleCanBeGiven(t *testing.T) {
	t.Parallel()
	admin, manager, other := uuid.UUID{9, 1}, uuid.UUID{9, 2}, uuid.UUID{9, 3}
	section := uuid.UUID{1, 5}
	g := newGive(t, policy.ShippedRules(), map[uuid.UUID]uuid.UUID{admin: section, manager: section, other: section}, nil)
	by := g.rights(admin, "tenant_admin")
	both := []policy.Backer{{Rights: by}, {Rights: g.rights(manager, "general_manager"), Directs: true}}
	alone := []string{}
	for _, role := range policy.ShippedRoles() {
		if role.Base || role.Holder == "OPERATOR" {
			continue
		}
		who := g.principal(other)
		if role.Holder == "APP" {
			who.Staff = uuid.Nil
		}
		for _, e := range by.Exceeding(who, policy.Binding{Role: role.Key}, both...) {
			t.Errorf("%s: neither administrator nor general manager holds %s %s (%s)", role.Key, e.Object, e.Action, policy.RuleSentence(&e.Rule).EN)
		}
		if len(by.Exceeding(who, policy.Binding{Role: role.Key}, both[:1]...)) == 0 {
			alone = append(alone, role.Key)
		}
	}
	if want := []string{"tenant_admin"}; !slices.Equal(alone, want) {
		t.Errorf("the administrator alone gives %v, want %v", alone, want)
	}
	if got := g.table.ExceedingRules(policy.ShippedRules(), nil, both...); len(got) != 1 || got[0].Rule.Role != "platform_operator" {
		t.Errorf("%d shipped rules are beyond administrator and general manager: %v", len(got), got)
	}
}

func TestWhatLiesWithinAReach(t *testing.T) {
	t.Parallel()
	giver, grantee, below := uuid.UUID{9, 1}, uuid.UUID{9, 2}, uuid.UUID{9, 3}
	g := newGive(t, policy.ShippedRules(), nil, nil) // ids only
	day := 24 * time.Hour
	type side struct {
		scope     policy.Scope
		anchor    policy.Binding
		condition string
		until     time.Duration // 0: no end
		object    policy.Object
		action    policy.Action
	}
	rule := func(role string, s side) policy.Rule {
		object, action := s.object, s.action
		if object == "" {
			object, action = policy.OnContract, policy.Read
		}
		return policy.Rule{Seq: 1, Role: role, Object: object, Action: action, Scope: s.scope, Condition: s.condition, Effect: policy.Allow}
	}
	at := func(company, department uuid.UUID) policy.Binding {
		return policy.Binding{Company: company, Department: department}
	}
	for _, tt := range []struct {
		name   string
		holds  side
		gives  side
		within bool
	}{
		{"tenant in tenant", side{scope: policy.Tenant}, side{scope: policy.Tenant}, true},
		{"tenant in company", side{scope: policy.Company}, side{scope: policy.Tenant}, false},
		{"team in tenant", side{scope: policy.Tenant}, side{scope: policy.ClientTeam}, true},
		{"team in team", side{scope: policy.ClientTeam}, side{scope: policy.ClientTeam}, false},
		{"grants in company", side{scope: policy.Company}, side{scope: policy.Granted}, false},
		{"partnership in company", side{scope: policy.Company}, side{scope: policy.Partnership}, false},
		{"own colleagues", side{scope: policy.Dept}, side{scope: policy.Dept}, true},
		{"another department", side{scope: policy.Dept}, side{scope: policy.Dept, anchor: at(uuid.Nil, g.market)}, false},
		{"section below", side{scope: policy.DeptTree, anchor: at(uuid.Nil, g.sales)}, side{scope: policy.Dept, anchor: at(uuid.Nil, g.section)}, true},
		{"department above", side{scope: policy.DeptTree, anchor: at(uuid.Nil, g.section)}, side{scope: policy.DeptTree, anchor: at(uuid.Nil, g.sales)}, false},
		{"department of the company", side{scope: policy.Company}, side{scope: policy.DeptTree, anchor: at(uuid.Nil, g.market)}, true},
		{"department of another company", side{scope: policy.Company}, side{scope: policy.DeptTree, anchor: at(uuid.Nil, g.far)}, false},
		{"subsidiary", side{scope: policy.CompanyTree}, side{scope: policy.Company, anchor: at(g.sub, uuid.Nil)}, true},
		{"parent company", side{scope: policy.Company, anchor: at(g.sub, uuid.Nil)}, side{scope: policy.Company}, false},
		{"a superior for his subordinate", side{scope: policy.Subordinates}, side{scope: policy.Self}, true},
		{"a subordinate's subordinates", side{scope: policy.Subordinates}, side{scope: policy.Subordinates}, true},
		{"somebody else's own", side{scope: policy.Self}, side{scope: policy.Self}, false},
		{"distributed to the section", side{scope: policy.Distributed}, side{scope: policy.Distributed}, true},
		{"condition kept", side{scope: policy.Tenant, condition: "state = review"}, side{scope: policy.Dept, condition: "state = review"}, true},
		{"condition dropped", side{scope: policy.Tenant, condition: "state = review"}, side{scope: policy.Dept}, false},
		{"condition narrowed", side{scope: policy.Tenant, condition: "amount <= 500"}, side{scope: policy.Tenant, condition: "amount < 500 & state = draft"}, true},
		{"condition widened", side{scope: policy.Tenant, condition: "amount <= 500"}, side{scope: policy.Tenant, condition: "amount <= 501"}, false},
		{"a missing amount is no small one", side{scope: policy.Tenant, condition: "amount <= 500"}, side{scope: policy.Tenant, condition: "amount != 600"}, false},
		{"ends with it", side{scope: policy.Tenant, until: 2 * day}, side{scope: policy.Tenant, until: 2 * day}, true},
		{"ends after it", side{scope: policy.Tenant, until: 2 * day}, side{scope: policy.Tenant, until: 3 * day}, false},
		{"never ends", side{scope: policy.Tenant, until: 2 * day}, side{scope: policy.Tenant}, false},
		{"one's own file", side{scope: policy.Self, object: policy.OnStaff, action: policy.Read}, side{scope: policy.Self, object: policy.OnStaff, action: policy.Read}, true},
		{"a colleague's file", side{scope: policy.Self, object: policy.OnStaff, action: policy.Read}, side{scope: policy.Company, object: policy.OnStaff, action: policy.Read}, false},
		{"a control act not held", side{scope: policy.Tenant, object: policy.OnPolicy, action: policy.RoleBind}, side{scope: policy.Tenant, object: policy.OnPolicy, action: policy.RoleUnbind}, false},
		{"an archive act not held", side{scope: policy.Tenant}, side{scope: policy.Dept, object: policy.OnContract, action: policy.ContractReturn}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			people := map[uuid.UUID]uuid.UUID{giver: g.section, grantee: g.section, below: g.section}
			x := newGive(t, []policy.Rule{rule("giver", tt.holds), rule("gift", tt.gives)}, people, map[uuid.UUID]uuid.UUID{grantee: giver, below: grantee})
			end := func(b policy.Binding, role string, s side) policy.Binding {
				b.Role = role
				if s.until > 0 {
					b.Until = x.now.Add(s.until)
				}
				return b
			}
			by := x.table.Bind(x.principal(giver, end(tt.holds.anchor, "giver", tt.holds)), x.org, x.now)
			got := by.Exceeding(x.principal(grantee), end(tt.gives.anchor, "gift", tt.gives), policy.Backer{Rights: by})
			if (len(got) == 0) != tt.within {
				t.Errorf("beyond: %v", got)
			}
		})
	}
}

func TestDirectingStandsForActsOnTheArchiveOnly(t *testing.T) {
	t.Parallel()
	giver, grantee := uuid.UUID{9, 1}, uuid.UUID{9, 2}
	add := func(role string, o policy.Object, a policy.Action, s policy.Scope) policy.Rule {
		return policy.Rule{Role: role, Object: o, Action: a, Scope: s, Effect: policy.Allow}
	}
	rules := []policy.Rule{
		add("sees", policy.OnContract, policy.Read, policy.Tenant), add("sees", policy.ContractSummary, policy.Reveal, policy.Tenant),
		add("returns", policy.OnContract, policy.ContractReturn, policy.Company), add("revises", policy.OnContract, policy.ContractRevise, policy.Company),
		add("binds", policy.OnPolicy, policy.RoleBind, policy.Company), add("writes", policy.ContractSummary, policy.Write, policy.Company),
		add("reads", policy.OnContract, policy.Count, policy.Company),
	}
	x := newGive(t, rules, map[uuid.UUID]uuid.UUID{giver: {1, 5}, grantee: {1, 5}}, nil)
	by := x.rights(giver, "sees")
	for role, within := range map[string][2]bool{ // alone, directing
		"returns": {false, true}, "writes": {false, true}, "revises": {false, false}, "binds": {false, false}, "reads": {false, false},
	} {
		for i, directs := range []bool{false, true} {
			if got := by.Exceeding(x.principal(grantee), policy.Binding{Role: role}, policy.Backer{Rights: by, Directs: directs}); (len(got) == 0) != within[i] {
				t.Errorf("%s, directing %v: beyond %v", role, directs, got)
			}
		}
	}
}

func TestADenialOfTheGiverIsNotEscaped(t *testing.T) {
	t.Parallel()
	giver, grantee := uuid.UUID{9, 1}, uuid.UUID{9, 2}
	r := func(role string, s policy.Scope, e policy.Effect) policy.Rule {
		return policy.Rule{Role: role, Object: policy.OnContract, Action: policy.Read, Scope: s, Effect: e}
	}
	rules := []policy.Rule{r("holds", policy.Tenant, policy.Allow), r("barred", policy.Dept, policy.Deny), r("gift", policy.Company, policy.Allow)}
	x := newGive(t, rules, map[uuid.UUID]uuid.UUID{giver: {1, 5}, grantee: {1, 5}}, nil)
	by := x.rights(giver, "holds", "barred")
	gift := policy.Binding{Role: "gift"}
	if len(by.Exceeding(x.principal(grantee), gift, policy.Backer{Rights: by})) != 1 {
		t.Error("what the giver is denied was given")
	}
	if got := by.Exceeding(x.principal(grantee, policy.Binding{Role: "barred"}), gift, policy.Backer{Rights: by}); len(got) != 0 {
		t.Errorf("the one who is denied the same: %v", got)
	}
	if got := x.table.ExceedingRules(nil, rules[1:2], policy.Backer{Rights: x.rights(giver, "holds")}); len(got) != 0 {
		t.Errorf("a denial lifted by one who reaches all: %v", got)
	}
	if got := x.table.ExceedingRules(nil, rules[1:2], policy.Backer{Rights: x.rights(grantee, "gift")}); len(got) != 1 {
		t.Error("a denial was lifted by one who reaches a company")
	}
}

// What a role has from the roles that it inherits from counts on both sides: what is given by it, and what denies it to the giver.
func TestInheritedRulesCountForTheCeiling(t *testing.T) {
	t.Parallel()
	giver, grantee := uuid.UUID{9, 1}, uuid.UUID{9, 2}
	r := func(role string, s policy.Scope, e policy.Effect) policy.Rule {
		return policy.Rule{Role: role, Object: policy.OnContract, Action: policy.Read, Scope: s, Effect: e}
	}
	people := map[uuid.UUID]uuid.UUID{giver: {1, 5}, grantee: {1, 5}}
	gift := policy.Binding{Role: "list_reader"} // inherits from staff
	x := newGive(t, []policy.Rule{r(policy.BaseStaff, policy.Company, policy.Allow), r("holds", policy.Dept, policy.Allow)}, people, nil)
	by := x.rights(giver, "holds")
	if got := by.Exceeding(x.principal(grantee), gift, policy.Backer{Rights: by}); len(got) != 1 || got[0].Rule.Role != policy.BaseStaff {
		t.Errorf("what the role inherits was given by one who has less: %v", got)
	}
	x = newGive(t, []policy.Rule{r(policy.BaseStaff, policy.Dept, policy.Deny), r("holds", policy.Tenant, policy.Allow), r("gift", policy.Tenant, policy.Allow)}, people, nil)
	by = x.rights(giver, "holds", "list_reader")
	if got := by.Exceeding(x.principal(grantee), policy.Binding{Role: "gift"}, policy.Backer{Rights: by}); len(got) != 1 {
		t.Errorf("what the giver is denied by inheritance was given: %v", got)
	}
	if got := by.Exceeding(x.principal(grantee, gift), policy.Binding{Role: "gift"}, policy.Backer{Rights: by}); len(got) != 0 {
		t.Errorf("the one who inherits the same denial: %v", got)
	}
}

// A rule is published question by question: whoever holds one of the field groups that it opens holds not the others. Only a denial
// of the role itself that reaches every row stands for one of the giver's.
func TestARuleIsHeldInEveryPart(t *testing.T) {
	t.Parallel()
	giver := uuid.UUID{9, 1}
	reveal := func(role string, o policy.Object, classes policy.ClassSet) policy.Rule {
		return policy.Rule{Role: role, Object: o, Action: policy.Reveal, Scope: policy.Tenant, Classes: classes, Effect: policy.Allow}
	}
	both := reveal("gift", policy.OnClient, policy.ClassRange(0, 1))
	x := newGive(t, []policy.Rule{reveal("one", policy.ClientList, 0), reveal("two", policy.ClientStandard, 0), both}, map[uuid.UUID]uuid.UUID{giver: {1, 5}}, nil)
	for _, c := range []struct {
		roles  []string
		beyond int
	}{{[]string{"one"}, 1}, {[]string{"two"}, 1}, {[]string{"one", "two"}, 0}} {
		by := policy.Backer{Rights: x.rights(giver, c.roles...)}
		if got := x.table.ExceedingRules([]policy.Rule{both}, nil, by); len(got) != c.beyond {
			t.Errorf("published by %v: %v", c.roles, got)
		}
		if got := by.Rights.Exceeding(x.principal(uuid.UUID{9, 2}), policy.Binding{Role: "gift"}, by); len(got) != c.beyond {
			t.Errorf("bound by %v: %v", c.roles, got)
		}
	}

	read := func(role string, s policy.Scope, e policy.Effect) policy.Rule {
		return policy.Rule{Role: role, Object: policy.OnContract, Action: policy.Read, Scope: s, Effect: e}
	}
	gift := read("gift", policy.Tenant, policy.Allow)
	for scope, beyond := range map[policy.Scope]int{policy.Self: 1, policy.Dept: 1, policy.Company: 1, policy.Tenant: 0} {
		x := newGive(t, []policy.Rule{read("holds", policy.Tenant, policy.Allow), read("barred", policy.Company, policy.Deny), read("gift", scope, policy.Deny), gift}, map[uuid.UUID]uuid.UUID{giver: {1, 5}}, nil)
		if got := x.table.ExceedingRules([]policy.Rule{gift}, nil, policy.Backer{Rights: x.rights(giver, "holds", "barred")}); len(got) != beyond {
			t.Errorf("a role that denies by %s, published by one who is denied his company: %v", scope, got)
		}
	}
}

// Whenever one set of conditions is said to imply another, no row meets the first and not the second.
func TestImpliedConditionsHoldOnRows(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	one := func() string {
		switch random.IntN(5) {
		case 0:
			return "kind " + pick("=", "!=") + " " + pick("SALES", "QA")
		case 1:
			return "clientKind " + pick("=", "!=") + " " + pick("KEY", "DEALER")
		case 2:
			return "clientImportant " + pick("=", "!=") + " " + pick("true", "false")
		}
		return fmt.Sprint("amount ", pick("=", "!=", "<", "<=", ">", ">="), " ", random.IntN(4))
	}
	var rows []*policy.Row
	for _, kind := range []string{"", "SALES", "QA"} {
		for _, kinds := range [][]string{nil, {"KEY"}, {"KEY", "DEALER"}} {
			for _, important := range []bool{true, false} {
				for n := range 6 {
					rows = append(rows, &policy.Row{Kind: kind, Kinds: kinds, Important: important, AmountSet: n > 0, Amount: int64(n - 1)})
				}
			}
		}
	}
	giver, grantee := uuid.UUID{9, 1}, uuid.UUID{9, 2}
	implied, refused := 0, 0
	for range 3000 {
		given, wanted := one(), one()
		if random.IntN(2) == 0 {
			given += " & " + one()
		}
		rule := func(role, condition string) policy.Rule {
			return policy.Rule{Role: role, Object: policy.OnContract, Action: policy.Read, Scope: policy.Tenant, Condition: condition, Effect: policy.Allow}
		}
		x := newGive(t, []policy.Rule{rule("holds", wanted), rule("gift", given)}, nil, nil)
		by, to := x.rights(giver, "holds"), x.rights(grantee, "gift")
		if len(by.Exceeding(x.principal(grantee), policy.Binding{Role: "gift"}, policy.Backer{Rights: by})) > 0 {
			refused++
			continue
		}
		implied++
		for _, row := range rows {
			if to.Decide(policy.OnContract, policy.Read, row).Allow && !by.Decide(policy.OnContract, policy.Read, row).Allow {
				t.Fatalf("%q is said to imply %q, and does not on %+v", given, wanted, row)
			}
		}
	}
	t.Logf("%d implied, %d not shown", implied, refused)
	if implied < 300 || refused < 300 {
		t.Error("the run shows little")
	}
}
