package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// The holes of stock casbin, each shown to be there (so that the day casbin closes one is noticed) and to be closed here.

const plainModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
`

func stock(t *testing.T, lines ...[]any) *casbin.Enforcer {
	t.Helper()
	m, err := model.NewModelFromString(plainModel)
	if err != nil {
		t.Fatal(err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if _, err := e.AddPolicy(l...); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestCasbinHoleEmptyPolicyAllowsEmptyRequest(t *testing.T) {
	t.Parallel()
	if ok, err := stock(t).Enforce("", "", ""); err != nil || !ok {
		t.Fatalf("stock casbin answers %v, %v: the hole is gone, simplify", ok, err)
	}
	_, err := policy.Compile(1, nil, nil)
	wantProblem(t, err, "POLICY_EMPTY")
	var none policy.Table
	if _, err := none.Enforcer(tenantA); !errors.Is(err, policy.ErrIncomplete) {
		t.Errorf("an empty table gives an enforcer: %v", err)
	}
}

func TestCasbinHoleTypoInEffectNeverApplies(t *testing.T) {
	t.Parallel()
	e := stock(t, []any{"rep", "client", "read", "allow"}, []any{"rep", "client", "read", "dney"})
	if ok, err := e.Enforce("rep", "client", "read"); err != nil || !ok {
		t.Fatalf("stock casbin answers %v, %v: the hole is gone, simplify", ok, err)
	}
	if _, err := policy.ParseEffect("dney"); err == nil {
		t.Error("a misspelt effect was read")
	}
	_, err := policy.Compile(1, []policy.Rule{{Role: "rep", Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Effect: 3}}, nil)
	wantProblem(t, err, "EFFECT_UNKNOWN")
}

func TestCasbinHoleDeepRolesAreDeniedInSilence(t *testing.T) {
	t.Parallel()
	chain := func(steps int) (pairs [][2]string) {
		for n := range steps {
			pairs = append(pairs, [2]string{roleKeys[n], roleKeys[n+1]})
		}
		return pairs
	}
	e := stock(t, []any{roleKeys[11], "client", "read", "allow"})
	for _, p := range chain(11) {
		if _, err := e.AddGroupingPolicy(p[0], p[1]); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := e.Enforce(roleKeys[0], "client", "read"); err != nil || ok {
		t.Fatalf("stock casbin answers %v, %v: the hole is gone, simplify", ok, err)
	}
	rule := func(role string) []policy.Rule {
		return []policy.Rule{{Role: role, Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow}}
	}
	_, err := policy.Compile(1, rule(roleKeys[11]), chain(11))
	wantProblem(t, err, "ROLE_DEPTH")

	// Ten steps are the most that both can do, and both do them.
	table := mustCompile(t, rule(roleKeys[10]), chain(10))
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	p, org, row := person(staffIDs[0], roleKeys[0]), worldOrg(t), &policy.Row{}
	if ok, err := judge.Enforce(p, org, noon, policy.OnClient, policy.Read, row); err != nil || !ok {
		t.Errorf("casbin at ten steps: %v, %v", ok, err)
	}
	if d := table.Bind(p, org, noon).Decide(policy.OnClient, policy.Read, row); !d.Allow {
		t.Errorf("table at ten steps: %+v", d)
	}
}

func person(staff uuid.UUID, roles ...string) *policy.Principal {
	p := &policy.Principal{Tenant: tenantA, Staff: staff}
	for _, r := range roles {
		p.Bindings = append(p.Bindings, policy.Binding{ID: uuid.New(), Role: r})
	}
	return p
}

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	var ce *policy.CompileError
	if !errors.As(err, &ce) {
		t.Fatalf("got %v, want a refusal with %s", err, code)
	}
	if !slices.ContainsFunc(ce.Problems, func(p policy.Problem) bool { return p.Code == code && p.Message.ZH != "" && p.Message.EN != "" }) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	good := policy.Rule{Seq: 5, Role: "rep", Object: policy.OnClient, Action: policy.Read, Scope: policy.Dept, Effect: policy.Allow}
	tests := []struct {
		name, code string
		change     func(*policy.Rule)
	}{
		{"no role", "ROLE_INVALID", func(r *policy.Rule) { r.Role = "" }},
		{"role with a comma", "ROLE_INVALID", func(r *policy.Rule) { r.Role = "a,b" }},
		{"no object", "OBJECT_UNKNOWN", func(r *policy.Rule) { r.Object = "" }},
		{"misspelt object", "OBJECT_UNKNOWN", func(r *policy.Rule) { r.Object = "client#credits" }},
		{"no action", "ACTION_UNKNOWN", func(r *policy.Rule) { r.Action = "" }},
		{"another object's action", "ACTION_UNKNOWN", func(r *policy.Rule) { r.Action = policy.ContractSubmit }},
		{"row verb on a group", "ACTION_UNKNOWN", func(r *policy.Rule) { r.Object = policy.ClientList }},
		{"no scope", "SCOPE_NOT_APPLICABLE", func(r *policy.Rule) { r.Scope = 0 }},
		{"unknown scope", "SCOPE_NOT_APPLICABLE", func(r *policy.Rule) { r.Scope = 200 }},
		{"scope that means nothing", "SCOPE_NOT_APPLICABLE", func(r *policy.Rule) { r.Object, r.Scope = policy.OnTenant, policy.Self }},
		{"deny by partnership", "SCOPE_NOT_APPLICABLE", func(r *policy.Rule) { r.Effect, r.Scope = policy.Deny, policy.Partnership }},
		{"no effect", "EFFECT_UNKNOWN", func(r *policy.Rule) { r.Effect = 0 }},
		{"field verb without classes", "CLASSES_EMPTY", func(r *policy.Rule) { r.Action = policy.Reveal }},
		{"classes without a group", "CLASSES_EMPTY", func(r *policy.Rule) { r.Action, r.Classes = policy.Reveal, policy.Class(7).Set() }},
		{"classes that mean nothing", "CLASSES_NOT_APPLICABLE", func(r *policy.Rule) { r.Classes = 1 }},
		{"unknown class", "CLASS_UNKNOWN", func(r *policy.Rule) { r.Classes = 1 << 9 }},
		{"unknown field", "CONDITION_INVALID", func(r *policy.Rule) { r.Condition = "colour = RED" }},
		{"ends before it begins", "VALIDITY_EMPTY", func(r *policy.Rule) { r.ValidFrom, r.ValidUntil = noon, noon }},
	}
	if _, err := policy.Compile(1, []policy.Rule{good}, nil); err != nil {
		t.Fatalf("the rule that the cases spoil is itself refused: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := good
			tt.change(&bad)
			_, err := policy.Compile(1, []policy.Rule{good, bad}, nil)
			wantProblem(t, err, tt.code)
		})
	}
	t.Run("cycle", func(t *testing.T) {
		t.Parallel()
		_, err := policy.Compile(1, []policy.Rule{good}, [][2]string{{"a1", "b1"}, {"b1", "c1"}, {"c1", "a1"}})
		wantProblem(t, err, "ROLE_CYCLE")
		_, err = policy.Compile(1, []policy.Rule{good}, [][2]string{{"a1", "a1"}})
		wantProblem(t, err, "ROLE_CYCLE")
	})
	t.Run("all problems at once", func(t *testing.T) {
		t.Parallel()
		a, b := good, good
		a.Effect, b.Scope = 0, 0
		_, err := policy.Compile(1, []policy.Rule{a, b}, nil)
		wantProblem(t, err, "EFFECT_UNKNOWN")
		wantProblem(t, err, "SCOPE_NOT_APPLICABLE")
	})
}

// Everything irregular is denied, by the table and by the reference, with a reason.
func TestIrregularRequestsAreDenied(t *testing.T) {
	t.Parallel()
	org, row := worldOrg(t), &policy.Row{Owner: staffIDs[0], Client: uid('x', 1)}
	rules := []policy.Rule{
		{Role: "gm", Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow},
		{Role: "gm", Object: policy.OnClient, Action: policy.ClientOpen, Scope: policy.Tenant, Effect: policy.Allow},
	}
	table := mustCompile(t, rules, nil)
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := policy.NewOrg(tenantB, 1, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*policy.Principal)) *policy.Principal {
		p := person(staffIDs[0], "gm")
		change(p)
		return p
	}
	same := func(*policy.Principal) {}
	tests := []struct {
		name string
		p    *policy.Principal
		org  *policy.Org
		obj  policy.Object
		act  policy.Action
		row  *policy.Row
		want policy.Reason
	}{
		{"regular", with(same), org, policy.OnClient, policy.Read, row, policy.ReasonAllowed},
		{"no principal", nil, org, policy.OnClient, policy.Read, row, policy.ReasonIncomplete},
		{"no organisation", with(same), nil, policy.OnClient, policy.Read, row, policy.ReasonIncomplete},
		{"no tenant", with(func(p *policy.Principal) { p.Tenant = uuid.Nil }), org, policy.OnClient, policy.Read, row, policy.ReasonIncomplete},
		{"foreign tenant", with(func(p *policy.Principal) { p.Tenant = tenantB }), org, policy.OnClient, policy.Read, row, policy.ReasonForeignTenant},
		{"foreign organisation", with(same), foreign, policy.OnClient, policy.Read, row, policy.ReasonForeignTenant},
		{"no row", with(same), org, policy.OnClient, policy.Read, nil, policy.ReasonIncomplete},
		{"empty object", with(same), org, "", policy.Read, row, policy.ReasonUnknown},
		{"empty action", with(same), org, policy.OnClient, "", row, policy.ReasonUnknown},
		{"unknown action", with(same), org, policy.OnClient, "client.explode", row, policy.ReasonUnknown},
		{"suspended", with(func(p *policy.Principal) { p.Suspended = true }), org, policy.OnClient, policy.Read, row, policy.ReasonSuspended},
		{"no role", with(func(p *policy.Principal) { p.Bindings = nil }), org, policy.OnClient, policy.Read, row, policy.ReasonNoRole},
		{"unknown role", with(func(p *policy.Principal) { p.Bindings[0].Role = "ghost" }), org, policy.OnClient, policy.Read, row, policy.ReasonNoRole},
		{"ended binding", with(func(p *policy.Principal) { p.Bindings[0].Until = noon }), org, policy.OnClient, policy.Read, row, policy.ReasonNoRole},
		{"future binding", with(func(p *policy.Principal) { p.Bindings[0].From = noon.Add(1) }), org, policy.OnClient, policy.Read, row, policy.ReasonNoRole},
		{"reading token reads", with(func(p *policy.Principal) { p.Scopes = []string{"read"} }), org, policy.OnClient, policy.Read, row, policy.ReasonAllowed},
		{"reading token opens", with(func(p *policy.Principal) { p.Scopes = []string{"read"} }), org, policy.OnClient, policy.ClientOpen, row, policy.ReasonToken},
		{"writing token reads", with(func(p *policy.Principal) { p.Scopes = []string{"write"} }), org, policy.OnClient, policy.Read, row, policy.ReasonToken},
		{"token of one act", with(func(p *policy.Principal) { p.Scopes = []string{"client.open"} }), org, policy.OnClient, policy.ClientOpen, row, policy.ReasonAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rights := table.Bind(tt.p, tt.org, noon)
			d := rights.Decide(tt.obj, tt.act, tt.row)
			if d.Reason != tt.want || d.Allow != (tt.want == policy.ReasonAllowed) {
				t.Errorf("got %+v, want %s", d, tt.want)
			}
			if ok, _ := judge.Enforce(tt.p, tt.org, noon, tt.obj, tt.act, tt.row); ok != d.Allow {
				t.Errorf("casbin says %v", ok)
			}
			if tt.row != nil && !d.Allow && !rights.Reach(tt.obj, tt.act).None {
				t.Error("the reach is not empty")
			}
			if e := rights.Explain(tt.obj, tt.act, tt.row); e.Decision != d || (!d.Allow && e.Remedy == policy.Text{}) {
				t.Errorf("the explanation is of another decision or has no remedy: %+v", e)
			}
		})
	}
	var zero policy.Rights
	if d := zero.Decide(policy.OnClient, policy.Read, row); d.Allow || !zero.Reach(policy.OnClient, policy.Read).None {
		t.Errorf("zero rights allow: %+v", d)
	}
	var none *policy.Rights
	if d := none.Decide(policy.OnClient, policy.Read, row); d.Allow || !none.Reach(policy.OnClient, policy.Read).None {
		t.Errorf("nil rights allow: %+v", d)
	}
}

// The rules a caller handed in may change afterwards; decisions do not.
func TestTableOwnsItsRules(t *testing.T) {
	t.Parallel()
	rules := []policy.Rule{{Role: "gm", Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow}}
	rights := mustCompile(t, rules, nil).Bind(person(staffIDs[0], "gm"), worldOrg(t), noon)
	rules[0].Scope, rules[0].Effect = policy.Self, policy.Deny
	if d := rights.Decide(policy.OnClient, policy.Read, &policy.Row{}); !d.Allow || d.Rule().Effect != policy.Allow {
		t.Errorf("a change from outside reached the table: %+v", d)
	}
}

func TestOrgRefusesBrokenTrees(t *testing.T) {
	t.Parallel()
	c, d := companyIDs, departmentIDs
	for name, build := range map[string]func() error{
		"no tenant": func() error { _, err := policy.NewOrg(uuid.Nil, 1, nil, nil, nil); return err },
		"company cycle": func() error {
			_, err := policy.NewOrg(tenantA, 1, []policy.OrgCompany{{ID: c[0], Parent: c[1]}, {ID: c[1], Parent: c[0]}}, nil, nil)
			return err
		},
		"dangling parent": func() error {
			_, err := policy.NewOrg(tenantA, 1, []policy.OrgCompany{{ID: c[0]}}, []policy.OrgDepartment{{ID: d[0], Company: c[0], Parent: d[1]}}, nil)
			return err
		},
		"unknown company": func() error {
			_, err := policy.NewOrg(tenantA, 1, nil, []policy.OrgDepartment{{ID: d[0], Company: c[0]}}, nil)
			return err
		},
		"employment nowhere": func() error {
			_, err := policy.NewOrg(tenantA, 1, []policy.OrgCompany{{ID: c[0]}}, nil, []policy.OrgEmployment{{Staff: staffIDs[0], Company: c[0], Department: d[0]}})
			return err
		},
	} {
		if build() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestGrantAndBindingEndAtTheirInstant(t *testing.T) {
	t.Parallel()
	table := mustCompile(t, []policy.Rule{{Role: "gm", Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow}}, nil)
	p, org := person(staffIDs[0], "gm"), worldOrg(t)
	end := noon.Add(time.Second)
	p.Bindings[0].Until = end
	for _, tt := range []struct {
		at   time.Time
		want bool
	}{{end.Add(-time.Microsecond), true}, {end, false}, {end.Add(time.Microsecond), false}} {
		if d := table.Bind(p, org, tt.at).Decide(policy.OnClient, policy.Read, &policy.Row{}); d.Allow != tt.want {
			t.Errorf("at %v: %+v, want %v", tt.at, d, tt.want)
		}
	}
	rights := table.Bind(p, org, noon)
	if !rights.ValidUntil.Equal(end) || rights.ValidAt(end) || !rights.ValidAt(end.Add(-1)) {
		t.Errorf("valid until %v, want %v", rights.ValidUntil, end)
	}
	reach := rights.Reach(policy.OnClient, policy.Read)
	sql := policy.SQL(reach, policy.Columns{Tenant: "$1", Now: "$2"}, func(any) string { return "$3" })
	if sql != "($2 < $3)" || !strings.Contains(fmt.Sprint(reach.Allow), end.Format("15:04:05")) {
		t.Errorf("the end is not in the predicate: %s", sql)
	}
}

// FuzzLoader feeds what a damaged table could hold to the loader and the compiler: it is refused with reasons, or it means the same
// to the table and to casbin. Nothing panics, and nothing that was not said is allowed.
func FuzzLoader(f *testing.F) {
	f.Add("rep", "client", "read", "TENANT", "allow", "", uint16(0), "rep", "boss")
	f.Add("rep", "client#list", "reveal", "GRANTED", "deny", "grade = VIP & kind != KEY", uint16(1), "rep", "rep")
	f.Add("rep", "contract", "reveal", "SELF", "allow", "amount <= 99999999999999999999", uint16(255), "", "boss")
	f.Add("", "", "", "", "", "", uint16(0), "", "")
	f.Add("rep,x", "client\n", "read ", "tenant", "dney", "grade = ", uint16(1<<9), "a", "b")
	f.Add("rep", "client", "read", "PARTNERSHIP", "allow", "suspended = true & suspended = false", uint16(0), "rep", "r)")
	f.Fuzz(func(t *testing.T, role, object, action, scope, effect, condition string, classes uint16, child, parent string) {
		r := policy.Rule{Seq: 1, Role: role, Object: policy.Object(object), Action: policy.Action(action), Condition: condition, Classes: policy.ClassSet(classes)}
		var err error
		if r.Scope, err = policy.ParseScope(scope); err != nil && r.Scope != 0 {
			t.Fatalf("an unknown scope gives %v", r.Scope)
		}
		if r.Effect, err = policy.ParseEffect(effect); err != nil && r.Effect != 0 {
			t.Fatalf("an unknown effect gives %v", r.Effect)
		}
		table, err := policy.Compile(1, []policy.Rule{r}, [][2]string{{child, parent}})
		if err != nil {
			var ce *policy.CompileError
			if !errors.As(err, &ce) || len(ce.Problems) == 0 {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		judge, err := table.Enforcer(tenantA)
		if err != nil {
			t.Fatalf("compiled, and casbin does not take it: %v", err)
		}
		org := worldOrg(t)
		for _, p := range []*policy.Principal{person(staffIDs[1], role), person(staffIDs[1], child), person(staffIDs[1], "nobody")} {
			rights := table.Bind(p, org, noon)
			for _, row := range []*policy.Row{{}, {Owner: staffIDs[1], Grade: "VIP", Kinds: []string{"KEY"}, Granted: policy.AllClasses, OnTeam: true}} {
				for _, o := range append(r.Targets(), r.Object) {
					d := rights.Decide(o, r.Action, row)
					want, _ := judge.Enforce(p, org, noon, o, r.Action, row)
					if d.Allow != want || d.Allow && (r.Effect != policy.Allow || p.Bindings[0].Role == "nobody") {
						t.Fatalf("%+v: table %+v, casbin %v", r, d, want)
					}
				}
			}
		}
	})
}
