package policyadmin

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// The verification passes for one version judged twice and fails when the judge knows other rules.
func TestTheVerificationCanFail(t *testing.T) {
	t.Parallel()
	tenant, company, department, person := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	org, err := policy.NewOrg(tenant, 1, []policy.OrgCompany{{ID: company}}, []policy.OrgDepartment{{ID: department, Company: company, Kind: "DEPARTMENT"}},
		[]policy.OrgEmployment{{Staff: person, Company: company, Department: department}})
	if err != nil {
		t.Fatal(err)
	}
	compile := func(rules []policy.Rule) *policy.Table {
		table, err := policy.Compile(2, rules, policy.ShippedInherits())
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	shipped := policy.ShippedRules()
	line := policy.Rule{Seq: len(shipped) + 1, Role: "list_reader", Object: "client", Action: policy.Reveal, Classes: policy.ClassRange(1, 2), Scope: policy.Dept, Effect: policy.Allow}
	changed := append(append([]policy.Rule{}, shipped...), line)
	r := &review{after: compile(changed), oldRules: shipped, newRules: changed, org: org, now: time.Now(), tenant: tenant}
	r.ids.companies, r.ids.departments, r.ids.staff = []uuid.UUID{company}, []uuid.UUID{department}, []uuid.UUID{person}
	if err := r.verify(); err != nil {
		t.Fatal(err)
	}
	other, err := compile(shipped).Enforcer(tenant)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.agree(other); !errors.Is(err, errDisagrees) {
		t.Fatalf("a judge who never saw the new line agrees: %v", err)
	}
}
