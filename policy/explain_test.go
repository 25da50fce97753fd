package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/policy"
)

func TestExplainNamesTheNearestTest(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	rule := func(seq int, role string, scope policy.Scope, condition string) policy.Rule {
		return policy.Rule{Seq: seq, Role: role, Object: policy.OnClient, Action: policy.Read, Scope: scope, Condition: condition, Effect: policy.Allow, Clause: "F10"}
	}
	table := mustCompile(t, []policy.Rule{
		rule(1, "general_manager", policy.Tenant, ""), rule(2, "ka_sales_rep", policy.ClientTeam, ""), rule(3, "ka_sales_rep", policy.Company, "grade = A"),
	}, nil)
	rep := table.Bind(person(staffIDs[1], "ka_sales_rep"), org, noon)
	stranger := table.Bind(person(staffIDs[1]), org, noon)
	tests := []struct {
		name   string
		rights *policy.Rights
		row    policy.Row
		seq    int
		fails  policy.Test
		remedy string
	}{
		{"condition", rep, policy.Row{Company: companyIDs[0], Grade: "B"}, 3, policy.TestCondition, "client grade is A"},
		{"scope", rep, policy.Row{Company: companyIDs[2], Grade: "A"}, 2, policy.TestScope, "client's team"},
		{"role", stranger, policy.Row{}, 1, policy.TestRole, "General manager"},
	}
	for _, tt := range tests {
		e := tt.rights.Explain(policy.OnClient, policy.Read, &tt.row)
		if e.Decision.Allow || len(e.Lines) != 3 || e.Nearest == nil {
			t.Fatalf("%s: %+v", tt.name, e)
		}
		if e.Nearest.Rule.Seq != tt.seq || e.Nearest.Fails != tt.fails || !strings.Contains(e.Remedy.EN, tt.remedy) || e.Remedy.ZH == "" {
			t.Errorf("%s: nearest rule %d fails %s, remedy %q", tt.name, e.Nearest.Rule.Seq, e.Nearest.Fails, e.Remedy.EN)
		}
	}
	met := rep.Explain(policy.OnClient, policy.Read, &policy.Row{OnTeam: true})
	if !met.Decision.Allow || met.Decision.Rule().Seq != 2 || met.Decision.Version != 3 || met.Nearest != nil || met.Lines[0].Via != "ka_sales_rep" {
		t.Errorf("allowed: %+v", met)
	}
	want := "大客户销售人员/销售代表可「查看」客户(范围:客户团队成员):符合"
	if met.Lines[0].Text.ZH != want {
		t.Errorf("got %q, want %q", met.Lines[0].Text.ZH, want)
	}
}

// Explanations are sound: without the Allow rules they cite as met, an allowed decision is refused; without the Deny
// rules they cite as met, no Deny refuses; and a refusal for want of a role is lifted by that role's rule being met.
func TestExplanationsAreSound(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	allowed, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		p := drawPrincipal(t, rules)
		p.Suspended, p.Scopes = false, nil
		rights := mustCompile(t, rules, inherits).Bind(p, org, noon)
		for range 6 {
			row := drawRow(t)
			for _, q := range questionsOf(rules) {
				e := rights.Explain(q.obj, q.act, row)
				if e.Decision != rights.Decide(q.obj, q.act, row) {
					t.Fatalf("%v: the explanation decides otherwise", q)
				}
				cited := map[int]bool{}
				for _, l := range e.Lines {
					if l.Fails == policy.TestNone && (l.Rule.Effect == policy.Allow) == e.Decision.Allow {
						cited[l.Rule.Seq] = true
					}
				}
				if e.Decision.Allow == false && e.Decision.Reason != policy.ReasonDenied {
					if e.Nearest != nil && e.Nearest.Fails == policy.TestNone {
						t.Fatalf("%v: refused, but %+v is said to be met", q, e.Nearest)
					}
					continue
				}
				rest := slices.DeleteFunc(slices.Clone(rules), func(r policy.Rule) bool { return cited[r.Seq] })
				if len(rest) == 0 {
					continue
				}
				again := mustCompile(t, rest, inherits).Bind(p, org, noon).Decide(q.obj, q.act, row)
				if e.Decision.Allow {
					allowed++
					if again.Allow {
						t.Fatalf("%v: still allowed without the cited rules %v", q, cited)
					}
				} else {
					denied++
					if again.Reason == policy.ReasonDenied {
						t.Fatalf("%v: still denied without the cited rules %v", q, cited)
					}
				}
			}
		}
	})
	if allowed == 0 || denied == 0 {
		t.Fatalf("the generator is one-sided: %d allowed, %d denied", allowed, denied)
	}
}

// What a refusal names as missing is what is missing: once the named test is met, the same rule fails a later test or none, and
// with none left the refusal has become an allowance.
func TestWhatIsNamedAsMissingIsMissing(t *testing.T) {
	t.Parallel()
	org := worldOrg(t)
	lifted, steps := 0, map[policy.Test]int{}
	order := []policy.Test{policy.TestRole, policy.TestValidity, policy.TestScope, policy.TestCondition, policy.TestNone}
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		p := drawPrincipal(t, rules)
		p.Suspended, p.Scopes = false, nil
		for range 4 {
			row := drawRow(t)
			for _, q := range questionsOf(rules) {
				e := mustCompile(t, rules, inherits).Bind(p, org, noon).Explain(q.obj, q.act, row)
				if e.Nearest == nil {
					continue
				}
				seq, failing := e.Nearest.Rule.Seq, e.Nearest.Fails
				met, holder := slices.Clone(rules), *p
				holder.Bindings = slices.Clone(p.Bindings)
				for failing != policy.TestNone {
					steps[failing]++
					i := slices.IndexFunc(met, func(r policy.Rule) bool { return r.Seq == seq })
					meet(&met[i], &holder, failing)
					again := mustCompile(t, met, inherits).Bind(&holder, org, noon).Explain(q.obj, q.act, row)
					if again.Decision.Reason == policy.ReasonDenied {
						break // the role that was given brings a denial: nothing was promised about those
					}
					if again.Decision.Allow {
						lifted++
						break
					}
					n := slices.IndexFunc(again.Lines, func(l policy.Line) bool { return l.Rule.Seq == seq })
					if slices.Index(order, again.Lines[n].Fails) <= slices.Index(order, failing) {
						t.Fatalf("%v: rule %d failed %s; that is met, and it fails %s\n%+v", q, seq, failing, again.Lines[n].Fails, met[i])
					}
					if failing = again.Lines[n].Fails; failing == policy.TestNone {
						t.Fatalf("%v: all that was named is met, and it is refused: %+v", q, again.Decision)
					}
				}
			}
		}
	})
	t.Logf("%d refusals lifted by what they named: %v", lifted, steps)
	for _, test := range order[:4] {
		if steps[test] == 0 {
			t.Errorf("%s was never what was missing", test)
		}
	}
}

// meet does what a refusal says is missing.
func meet(r *policy.Rule, p *policy.Principal, missing policy.Test) {
	switch missing {
	case policy.TestRole:
		p.Bindings = append(p.Bindings, policy.Binding{ID: uid('b', 99), Role: r.Role})
	case policy.TestValidity:
		r.ValidFrom, r.ValidUntil = time.Time{}, time.Time{}
	case policy.TestScope:
		r.Scope = policy.Tenant
		if r.Action == policy.Read {
			r.Classes = 0
		}
	case policy.TestCondition:
		r.Condition = ""
	}
}
