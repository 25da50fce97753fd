package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/policy"
)

func labelled(t policy.Text) bool { return t.ZH != "" && t.EN != "" && t.ZH != t.EN }

// Everything people see has a name in both languages, and nothing is named twice.
func TestCatalogueIsLabelledAndUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	once := func(name string, label policy.Text) {
		t.Helper()
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		if !labelled(label) {
			t.Errorf("%s lacks a label: %+v", name, label)
		}
	}
	for _, e := range catalogue {
		once(string(e.Object), e.Label)
		groups := map[policy.Object]bool{}
		for _, g := range e.Groups {
			once(string(g.Object), g.Label)
			groups[g.Object] = true
			if !strings.HasPrefix(string(g.Object), string(e.Object)+"#") {
				t.Errorf("%s is no group of %s", g.Object, e.Object)
			}
			if class, ok := policy.ClassOf(g.Object); !ok || class != g.Class {
				t.Errorf("%s: class %v, %v", g.Object, class, ok)
			}
		}
		for _, a := range e.Acts {
			once(string(a.Action), a.Label)
			for _, w := range a.Writes {
				if !groups[w] {
					t.Errorf("%s writes %s, which is no group of %s", a.Action, w, e.Object)
				}
			}
		}
		for _, q := range everyQuestion(e) {
			if _, ok := policy.ActionLabel(q.act); !ok || !policy.Known(q.obj, q.act) {
				t.Errorf("%s %s is not known by name", q.obj, q.act)
			}
			if entity, ok := policy.EntityOf(q.obj); !ok || entity != e.Object {
				t.Errorf("%s belongs to %s", q.obj, entity)
			}
			if _, ok := policy.LabelOf(q.obj); !ok {
				t.Errorf("%s has no label", q.obj)
			}
		}
		for _, f := range e.Fields {
			if !labelled(f.Label) {
				t.Errorf("%s.%s lacks a label", e.Object, f.Name)
			}
		}
	}
	for _, s := range policy.Scopes() {
		once("scope "+s.String(), s.Label())
		if back, err := policy.ParseScope(s.String()); err != nil || back != s {
			t.Errorf("%s reads back as %v, %v", s, back, err)
		}
	}
	for c := policy.Class(0); c < policy.NumClasses; c++ {
		once("class "+c.String(), c.Label())
		if back, err := policy.ParseClass(c.String()); err != nil || back != c {
			t.Errorf("%s reads back as %v, %v", c, back, err)
		}
	}
	for _, r := range policy.ShippedRoles() {
		once("role "+r.Key, r.Name)
		if !labelled(r.About) || r.Source == "" {
			t.Errorf("role %s lacks its sentence or source", r.Key)
		}
	}
	for _, r := range policy.Reasons() {
		once("reason "+string(r), r.Label())
		if r != policy.ReasonAllowed && !labelled(r.Remedy()) {
			t.Errorf("reason %s lacks a remedy", r)
		}
	}
	for _, bad := range []string{"", "self", "Tenant", "DEPT TREE"} {
		if s, err := policy.ParseScope(bad); err == nil {
			t.Errorf("%q was read as scope %v", bad, s)
		}
	}
}

// Shipped rules cite their source and name shipped roles; every role but the base has rules of its own.
func TestShippedRulesAreWellKept(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for i, r := range policy.ShippedRules() {
		has[r.Role] = true
		if r.Clause == "" || r.Seq != i+1 || r.Effect != policy.Allow {
			t.Errorf("rule %+v lacks a clause, or is out of order", r)
		}
		if _, ok := policy.RoleLabel(r.Role); !ok {
			t.Errorf("rule %d is for unknown role %s", r.Seq, r.Role)
		}
		if r.Classes.Has(7) {
			t.Errorf("rule %d ships L7", r.Seq)
		}
		if text := policy.RuleSentence(&r); !labelled(text) {
			t.Errorf("rule %d has no sentence", r.Seq)
		}
	}
	for _, r := range policy.ShippedRoles() {
		if !has[r.Key] {
			t.Errorf("role %s has no rule", r.Key)
		}
	}
}

// Whoever may do an act may write what the act changes, on the same row.
func TestActsComeWithTheirWrites(t *testing.T) {
	t.Parallel()
	placed := shippedPlacements(t, policy.ShippedRules())
	for _, e := range catalogue {
		for _, a := range e.Acts {
			for role, scopes := range placed[question{e.Object, a.Action}] {
				for _, group := range a.Writes {
					for _, scope := range scopes {
						got := placed[question{group, policy.Write}][role]
						if !slices.Contains(got, scope) && !slices.Contains(got, "TENANT") {
							t.Errorf("%s may %s in %s, but write %s only in %v", role, a.Action, scope, group, got)
						}
					}
				}
			}
		}
	}
}

// The administrators' roles hold no client data whatever happens to be granted.
func TestAdministratorsSeeNoClients(t *testing.T) {
	t.Parallel()
	table, org := mustCompile(t, policy.ShippedRules(), policy.ShippedInherits()), worldOrg(t)
	row := &policy.Row{
		Owner: staffIDs[1], Staff: staffIDs[1], Company: companyIDs[0], Department: departmentIDs[1], OnTeam: true, Granted: policy.AllClasses,
		DistributedTo: departmentIDs, Kinds: []string{"KEY"}, Grade: "VIP", State: "review",
	}
	for _, role := range []string{"tenant_admin", "hr_officer", "platform_operator", "staff", "partner_app", "partner_approver"} {
		rights := table.Bind(person(staffIDs[1], role), org, noon)
		for _, e := range catalogue {
			for _, q := range everyQuestion(e) {
				if d := rights.Decide(q.obj, q.act, row); d.Allow && (e.Object == policy.OnClient || e.Object == policy.OnContract) {
					t.Errorf("%s may %s %s by rule %+v", role, q.act, q.obj, d.Rule())
				}
			}
		}
	}
}

func TestDutyConflicts(t *testing.T) {
	t.Parallel()
	conflicts := policy.ShippedDutyConflicts()
	if len(conflicts) != 6 {
		t.Fatalf("%d conflicts, the domain names six", len(conflicts))
	}
	table := mustCompile(t, policy.ShippedRules(), policy.ShippedInherits())
	for _, r := range policy.ShippedRoles() {
		if got := table.DutyBreaches(conflicts, []string{r.Key}); len(got) > 0 {
			t.Errorf("%s alone breaches %+v", r.Key, got)
		}
	}
	got := table.DutyBreaches(conflicts, []string{"list_reader", "tenant_admin", "general_manager"})
	if len(got) != 1 || got[0].Conflict.Key != "policy" || got[0].RoleA != "tenant_admin" || got[0].RoleB != "general_manager" {
		t.Errorf("got %+v, want the policy conflict between the administrator and the general manager", got)
	}
	// Inheritance counts: a role made from both breaches alone.
	made := mustCompile(t, policy.ShippedRules(), append(policy.ShippedInherits(), [2]string{"boss", "tenant_admin"}, [2]string{"boss", "policy_auditor"}))
	if got := made.DutyBreaches(conflicts, []string{"boss"}); len(got) != 1 || got[0].RoleA != "boss" || got[0].RoleB != "boss" {
		t.Errorf("got %+v, want one breach by inheritance", got)
	}
}

func TestFieldAccess(t *testing.T) {
	t.Parallel()
	table, org := mustCompile(t, policy.ShippedRules(), policy.ShippedInherits()), worldOrg(t)
	finance := table.Bind(person(staffIDs[1], "finance_officer"), org, noon)
	here, elsewhere := &policy.Row{Company: companyIDs[0]}, &policy.Row{Company: companyIDs[2]}
	for _, tt := range []struct {
		group  policy.Object
		row    *policy.Row
		want   policy.FieldAccess
		reason policy.Reason
	}{
		{policy.ClientCredit, here, policy.Full, policy.ReasonAllowed},
		{policy.ClientContacts, here, policy.Masked, policy.ReasonAllowed},
		{policy.ClientStandard, here, policy.Hidden, policy.ReasonNoRole},
		{policy.ClientCredit, elsewhere, policy.Hidden, policy.ReasonOutOfScope},
		{"client#unheard", here, policy.Hidden, policy.ReasonUnknown},
	} {
		if got, d := finance.Field(tt.group, tt.row); got != tt.want || d.Reason != tt.reason {
			t.Errorf("%s: got %v for %s, want %v for %s", tt.group, got, d.Reason, tt.want, tt.reason)
		}
	}
}
