package resolver_test

import (
	"strings"
	"testing"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/resolver"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
)

func TestPolicyFromDraftToForce(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	service := policyadmin.New(x.Runner, x.DB, x.Access)
	acts, ask := resolver.Policy{Service: service}, resolver.PolicyQuestions{Service: service}
	ctx := graph.WithSession(t.Context(), x.Admin.Session)
	line := &model.PolicyRuleInput{RoleKey: "list_reader", Object: "client", Action: "reveal", DataScope: model.DataScopeDept, Classes: []int{1}, Effect: model.PolicyEffectAllow}
	wrong := *line
	colour := "colour = RED"
	wrong.Condition = &colour
	in := model.PolicyDraftInput{BaseNumber: 1, Reason: "x", Add: []*model.PolicyRuleInput{line, &wrong}}
	bad, err := acts.PolicyDraft(ctx, in, identitytest.Key())
	if err != nil || bad.PolicyVersion != nil || bad.Warnings != nil || len(bad.UserErrors) != 1 || *bad.UserErrors[0].Field != "input.add.1.condition" {
		t.Fatalf("%+v %v", bad, err)
	}
	in.Add = []*model.PolicyRuleInput{line, line}
	key := identitytest.Key()
	for range 2 { // a replay has the warnings too
		good, err := acts.PolicyDraft(ctx, in, key)
		if err != nil || good.PolicyVersion == nil || len(good.UserErrors) != 0 || len(good.Warnings) != 1 || good.Warnings[0].Code != "DUPLICATE" || good.Warnings[0].Rule.Type != "PolicyRule" {
			t.Fatalf("%+v %v", good, err)
		}
		bad = good
	}
	version := id.Encode(id.PolicyVersion, bad.PolicyVersion.ID)
	c, err := ask.PolicyCompare(ctx, 1, 2)
	if err != nil || len(c.Added) != 2 || len(c.Removed) != 0 || !strings.Contains(c.Added[0].Zh, "一览表查阅人") {
		t.Fatalf("%+v %v", c, err)
	}
	if lint, err := ask.PolicyLint(ctx, version); err != nil || len(lint) != 1 || lint[0].Message == "" {
		t.Fatalf("%+v %v", lint, err)
	}
	sim, err := ask.PolicySimulate(ctx, version)
	if err != nil || len(sim.Effects) != 0 || len(sim.OverCeiling) != 2 || sim.Base.Type != "PolicyVersion" { // there is no client whose profile somebody could gain
		t.Fatalf("%+v %v", sim, err)
	}
	published, err := acts.PolicyPublish(graph.WithSession(t.Context(), x.Manager.Session), model.PolicyPublishInput{PolicyVersionID: version, ExpectedVersion: 1}, identitytest.Key())
	if err != nil || len(published.UserErrors) != 0 {
		t.Fatalf("%+v %v", published, err)
	}
	nobody, department := id.Encode(id.Staff, x.Nobody.Staff), id.Encode(id.Department, x.Department)
	e, err := ask.ExplainAccess(ctx, &nobody, "policy", "policy.publish", nil, nil, nil)
	if err != nil || e.Allow || e.Reason != "NO_ROLE" || *e.Way != model.AccessWayRole || len(e.Lines) == 0 || e.PolicyVersion != 2 || e.Remedy == nil {
		t.Fatalf("%+v %v", e, err)
	}
	field := "name"
	e, err = ask.ExplainAccess(ctx, nil, "organisation", "reveal", &department, &field, nil)
	if err != nil || !e.Allow || e.Binding == nil || *e.Role != "tenant_admin" || *e.Scope != model.DataScopeTenant {
		t.Fatalf("%+v %v", e, err)
	}
	field = "nothing"
	if _, err = ask.ExplainAccess(ctx, nil, "organisation", "reveal", &department, &field, nil); fault.CodeOf(err) != fault.InvalidInput {
		t.Fatal(err)
	}
	group, first := "organisation#list", 2
	who, err := ask.WhoCanSee(ctx, department, &group, &first, nil)
	if err != nil || len(who.Paths) != 2 || !who.More || who.Paths[0].Access != model.FieldAccessFull || who.Paths[0].Staff.Type != "Staff" {
		t.Fatalf("%+v %v", who, err)
	}
	if _, err = ask.WhoCanSee(t.Context(), department, nil, nil, nil); fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatal(err)
	}
}
