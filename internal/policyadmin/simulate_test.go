package policyadmin_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// What the simulation foretells is, row for row, what everybody's own rights reach after publishing and did not before.
func TestTheForecastIsWhatPublishingDoes(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin, manager := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "general_manager")
	x.people = append(x.people, admin, manager)
	line := func(role, object, action, scope, effect, condition string, classes ...int) policyadmin.Rule {
		return policyadmin.Rule{RoleKey: role, Object: object, Action: action, Scope: scope, Effect: effect, Condition: condition, Classes: classes}
	}
	remove := map[string]int{}
	for i, r := range policy.ShippedRules() { // the world numbers them in their order
		if r.Role == "sales_manager" && r.Object == policy.OnClient && r.Action == policy.Read {
			remove["read"] = i + 1
		}
	}
	// the superfluous third line changes nothing for anybody who sees all there is
	draft, err := x.service.PolicyDraft(t.Context(), admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "调整", Remove: slices.Collect(maps.Values(remove)), Add: []policyadmin.Rule{
		line("tech_engineer", "client", "read", "COMPANY", "allow", "grade = VIP"),
		line("ka_sales_rep", "client", "reveal", "DEPT", "allow", "", 1, 4),
		line("general_manager", "client", "read", "DEPT", "allow", ""),
		line("staff", "contract", "read", "TENANT", "deny", "amount > 1000"),
		line("vip_officer", "audit", "read", "TENANT", "allow", ""),
	}}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.service.PolicySimulate(t.Context(), x.auditor.Session, draft.Subject.ID)
	if err != nil || s.More || len(s.Duties) != 0 {
		t.Fatalf("%+v %v", s, err)
	}
	if len(s.OverCeiling) != 1 { // neither administrator nor auditor sees more than the list of clients; the deny gives nothing
		t.Errorf("over the ceiling: %+v", s.OverCeiling)
	}
	before := x.snapshot(t)
	if _, err := x.service.PolicyPublish(t.Context(), manager.Session, policyadmin.PolicyPublish{PolicyVersion: draft.Subject.ID, ExpectedVersion: 1}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	after := x.snapshot(t)
	observed := map[string]string{}
	for key, now := range after {
		gained, lost := less(now, before[key]), less(before[key], now)
		if gained+lost > 0 {
			observed[key] = fmt.Sprint(gained, " ", lost)
		}
	}
	foretold, other := map[string]string{}, 0
	for _, e := range s.Effects {
		if !e.Rows {
			other++
			if e.Object != policy.OnAudit || e.Change != "GAINED" || !slices.Contains(e.Roles, "vip_officer") {
				t.Errorf("%+v", e)
			}
			continue
		}
		key := fmt.Sprint(e.Staff, e.Object, e.Action)
		foretold[key] = fmt.Sprint(e.Gained, " ", e.Lost)
		for _, row := range e.Sample {
			if before[key][row.ID] == after[key][row.ID] {
				t.Errorf("%s: the sample row %s did not change", key, row.ID)
			}
		}
	}
	if !maps.Equal(foretold, observed) {
		t.Errorf("foretold %v\nobserved %v", foretold, observed)
	}
	t.Logf("%d effects on rows, %d on other rights", len(foretold), other)
	if len(foretold) < 6 || other != 1 {
		t.Error("the run shows little")
	}
	_, err = x.service.PolicySimulate(t.Context(), x.people[0].Session, uuid.New())
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	_, err = x.service.PolicySimulate(t.Context(), x.people[6].Session, draft.Subject.ID)
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
}

func TestTheForecastNamesDutiesInOneHand(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	write := policyadmin.Rule{RoleKey: "general_manager", Object: "policy", Action: "policy.write", Scope: "TENANT", Effect: "allow"}
	s, err := service(x).PolicySimulate(t.Context(), x.Admin.Session, drafted(t, x, 1, []policyadmin.Rule{write}))
	if err != nil || len(s.Duties) != 1 || len(s.OverCeiling) != 0 || len(s.Effects) != 1 || s.Effects[0].Change != "GAINED" || s.Effects[0].Staff != x.Manager.Staff {
		t.Fatalf("%+v %v", s, err)
	}
}

// snapshot is what everybody's own rights reach, per question that the draft speaks of.
func (x *town) snapshot(t *testing.T) map[string]map[uuid.UUID]bool {
	t.Helper()
	out := map[string]map[uuid.UUID]bool{}
	for _, p := range append([]world.Person{x.auditor}, x.people...) {
		for _, k := range kinds() {
			if k.typ != "Client" && k.typ != "Contract" {
				continue
			}
			out[fmt.Sprint(p.Staff, k.object, k.action)] = x.reached(t, p, k)
		}
	}
	return out
}

// less is how many of a are not in b.
func less(a, b map[uuid.UUID]bool) (n int) {
	for u := range a {
		if !b[u] {
			n++
		}
	}
	return n
}
