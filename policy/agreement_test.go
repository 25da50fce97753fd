package policy_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/policy"
)

// The compiled table and casbin give the same answer to every question of every generated policy, NULLs included.
func TestTableAgreesWithCasbin(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	allowed, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		table := mustCompile(t, rules, inherits)
		judge, err := table.Enforcer(tenantA)
		if err != nil {
			t.Fatal(err)
		}
		p := drawPrincipal(t, rules)
		rights := table.Bind(p, org, noon)
		for range 25 {
			row := drawRow(t)
			for _, q := range questionsOf(rules) {
				got := rights.Decide(q.obj, q.act, row)
				want, err := judge.Enforce(p, org, noon, q.obj, q.act, row)
				if err != nil {
					t.Fatal(err)
				}
				if got.Allow != want {
					t.Fatalf("%s %s: table %+v, casbin %v\nrow %+v", q.act, q.obj, got, want, row)
				}
				if got.Allow != (got.Reason == policy.ReasonAllowed) || (got.Allow && got.Rule() == nil) {
					t.Fatalf("%s %s: decision contradicts itself: %+v", q.act, q.obj, got)
				}
				if want {
					allowed++
				} else {
					denied++
				}
			}
		}
	})
	if allowed == 0 || denied == 0 {
		t.Fatalf("the generator is one-sided: %d allowed, %d denied", allowed, denied)
	}
	t.Logf("%d decisions agree, %d of them allowed", allowed+denied, allowed)
}

// Every shipped role, question and kind of row: table and casbin agree on what is shipped, too.
func TestShippedTableAgreesWithCasbin(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	table := mustCompile(t, policy.ShippedRules(), policy.ShippedInherits())
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	me := staffIDs[1]
	row := func(change func(*policy.Row)) *policy.Row {
		r := &policy.Row{ID: uid('x', 1), Client: uid('x', 1)}
		change(r)
		return r
	}
	rows := []*policy.Row{
		row(func(*policy.Row) {}),
		row(func(r *policy.Row) { r.Owner, r.Staff, r.DistributedTo = me, me, departmentIDs[1:2] }),
		row(func(r *policy.Row) { r.Owner, r.Staff, r.OnTeam = staffIDs[2], staffIDs[2], true }),
		row(func(r *policy.Row) {
			r.Company, r.Department, r.State, r.Grade = companyIDs[0], departmentIDs[1], "review", "VIP"
		}),
		row(func(r *policy.Row) { r.Granted, r.Kinds = policy.AllClasses, []string{"KEY"} }),
	}
	agreed := 0
	for _, role := range policy.ShippedRoles() {
		p := &policy.Principal{Tenant: tenantA, Staff: me, Bindings: []policy.Binding{{Role: role.Key}}}
		rights := table.Bind(p, org, noon)
		for _, e := range catalogue {
			for _, q := range everyQuestion(e) {
				for i, row := range rows {
					want, err := judge.Enforce(p, org, noon, q.obj, q.act, row)
					if err != nil {
						t.Fatal(err)
					}
					if got := rights.Decide(q.obj, q.act, row); got.Allow != want {
						t.Errorf("%s %s %s row %d: table %+v, casbin %v", role.Key, q.act, q.obj, i, got, want)
					}
					agreed++
				}
			}
		}
	}
	t.Logf("%d decisions compared", agreed)
}

func everyQuestion(e policy.Entity) []question {
	out := []question{{e.Object, policy.Read}, {e.Object, policy.Count}}
	for _, a := range e.Acts {
		out = append(out, question{e.Object, a.Action})
	}
	for _, g := range e.Groups {
		for _, a := range []policy.Action{policy.Peek, policy.Reveal, policy.Write, policy.Filter} {
			out = append(out, question{g.Object, a})
		}
	}
	return out
}

// Order and repetition of rules mean nothing, nor does it to take a role apart into two that it inherits from; a Deny never adds
// access, an Allow never removes it.
func TestPolicyIsASet(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		p := drawPrincipal(t, rules)
		extra := drawRule(t, 1000, []string{rules[0].Role})
		bind := func(rules []policy.Rule) *policy.Rights { return mustCompile(t, rules, inherits).Bind(p, org, noon) }

		base := bind(rules)
		permuted := bind(rapid.Permutation(rules).Draw(t, "order"))
		doubled := bind(append(slices.Clone(rules), rules...))
		more := bind(append(slices.Clone(rules), extra))
		parts, parents := split(rules, inherits)
		apart := mustCompile(t, parts, parents).Bind(p, org, noon)
		for range 6 {
			row := drawRow(t)
			for _, q := range questionsOf(append(slices.Clone(rules), extra)) {
				want := base.Decide(q.obj, q.act, row).Allow
				if permuted.Decide(q.obj, q.act, row).Allow != want {
					t.Fatalf("%v: the order of rules matters", q)
				}
				if doubled.Decide(q.obj, q.act, row).Allow != want {
					t.Fatalf("%v: repeating rules matters", q)
				}
				if apart.Decide(q.obj, q.act, row).Allow != want {
					t.Fatalf("%v: taking roles apart matters", q)
				}
				got := more.Decide(q.obj, q.act, row).Allow
				if extra.Effect == policy.Deny && got && !want {
					t.Fatalf("%v: a Deny added access: %+v", q, extra)
				}
				if extra.Effect == policy.Allow && !got && want {
					t.Fatalf("%v: an Allow removed access: %+v", q, extra)
				}
			}
		}
	})
}

// split gives every other rule of a role to one of two new roles, and has the role inherit from both.
func split(rules []policy.Rule, inherits [][2]string) (parts []policy.Rule, parents [][2]string) {
	parts, parents = slices.Clone(rules), slices.Clone(inherits)
	seen := map[string]bool{}
	for i := range parts {
		role := parts[i].Role
		if !seen[role] {
			parents = append(parents, [2]string{role, role + "_x"}, [2]string{role, role + "_y"})
		}
		seen[role] = true
		parts[i].Role = role + []string{"_x", "_y"}[i%2]
	}
	return parts, parents
}

// Between two boundaries nothing changes: rights bound now answer as rights bound at any instant before ValidUntil.
func TestRightsHoldUntilTheNextBoundary(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		table := mustCompile(t, rules, inherits)
		p := drawPrincipal(t, rules)
		rights := table.Bind(p, org, noon)
		last := noon.Add(1000 * time.Hour)
		if !rights.ValidUntil.IsZero() {
			if !rights.ValidUntil.After(noon) || rights.ValidAt(rights.ValidUntil) {
				t.Fatalf("rights bound at %v are valid until %v", noon, rights.ValidUntil)
			}
			last = rights.ValidUntil.Add(-time.Nanosecond)
		}
		later := table.Bind(p, org, last)
		row := drawRow(t)
		for _, q := range questionsOf(rules) {
			if a, b := rights.Decide(q.obj, q.act, row), later.Decide(q.obj, q.act, row); a.Allow != b.Allow {
				t.Fatalf("%v: %v at %v, but %v at %v", q, a, noon, b, last)
			}
		}
	})
}
