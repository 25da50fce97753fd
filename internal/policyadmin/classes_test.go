package policyadmin_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/policy"
)

func reclassify(pairs ...any) (out []policyadmin.Class) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, policyadmin.Class{Group: pairs[i].(string), Class: pairs[i+1].(int)})
	}
	return out
}

// A reclassification alone is foretold, row for row.
func TestTheForecastOfAReclassificationIsWhatPublishingDoes(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin, manager := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "general_manager")
	x.people = append(x.people, admin, manager)
	draft, err := x.service.PolicyDraft(t.Context(), admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "收紧", Classes: reclassify("client#contacts", 4, "client#credit", 1)}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.service.PolicySimulate(t.Context(), x.auditor.Session, draft.Subject.ID)
	if err != nil || s.More {
		t.Fatalf("%+v %v", s, err)
	}
	warnings, err := x.service.PolicyLint(t.Context(), x.auditor.Session, draft.Subject.ID)
	if err != nil || !slices.ContainsFunc(warnings, func(w policyadmin.Warning) bool { return w.Code == policyadmin.WarnClassEmpty }) { // finance sees L2 masked, and nothing is L2 any more
		t.Errorf("%+v %v", warnings, err)
	}
	before := x.snapshot(t)
	if _, err := x.service.PolicyPublish(t.Context(), manager.Session, policyadmin.PolicyPublish{PolicyVersion: draft.Subject.ID, ExpectedVersion: 1}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	after := x.snapshot(t)
	observed, foretold := map[string]string{}, map[string]string{}
	for key, now := range after {
		if gained, lost := less(now, before[key]), less(before[key], now); gained+lost > 0 {
			observed[key] = fmt.Sprint(gained, " ", lost)
		}
	}
	for _, e := range s.Effects {
		key := fmt.Sprint(e.Staff, e.Object, e.Action)
		if _, asked := after[key]; asked && e.Rows {
			foretold[key] = fmt.Sprint(e.Gained, " ", e.Lost)
		}
	}
	if !maps.Equal(foretold, observed) || len(observed) == 0 {
		t.Errorf("foretold %v\nobserved %v", foretold, observed)
	}
	t.Logf("%d effects on rows, %d of them of the asked kinds", len(s.Effects), len(foretold))

	c, err := x.service.PolicyCompare(t.Context(), x.auditor.Session, 1, 2)
	want := []policyadmin.ClassChange{{Object: policy.ClientContacts, From: 2, To: 4}, {Object: policy.ClientCredit, From: 4, To: 1}}
	if err != nil || len(c.Added)+len(c.Removed) != 0 || !slices.Equal(c.Classes, want) {
		t.Errorf("%+v %v", c, err)
	}
	// Rolling back brings the shipped classes back, and a draft on top keeps those of its base.
	if _, err := x.service.PolicyRollback(t.Context(), admin.Session, policyadmin.PolicyRollback{ToNumber: 1, Reason: "恢复"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.service.PolicyDraft(t.Context(), admin.Session, policyadmin.PolicyDraft{BaseNumber: 2, Reason: "再调", Classes: reclassify("client#credit", 4)}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[int64][]policyadmin.ClassChange{3: nil, 4: {{Object: policy.ClientContacts, From: 2, To: 4}}} {
		if c, err := x.service.PolicyCompare(t.Context(), x.auditor.Session, 1, to); err != nil || !slices.Equal(c.Classes, want) {
			t.Errorf("version %d: %+v %v", to, c.Classes, err)
		}
	}
}

func TestClassesThatADraftMayNotHave(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	before := x.Footprint(t)
	_, err := service(x).PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x", Classes: reclassify("client", 1, "client#list", 8, "client#credit", 3, "client#credit", 4)}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT GROUP_UNKNOWN input.classes.0.object", "INVALID_INPUT CLASS_UNKNOWN input.classes.1.class", "INVALID_INPUT GROUP_TWICE input.classes.3.object")
	x.Unchanged(t, before, 0)
}
