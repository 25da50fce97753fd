package policy_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// A sales representative on a client's team: one decision, one field group, and the predicate of the list.
func Example() {
	tenant, company, department, rep := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}, uuid.UUID{4}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	org, err := policy.NewOrg(tenant, 1, []policy.OrgCompany{{ID: company}}, []policy.OrgDepartment{{ID: department, Company: company}},
		[]policy.OrgEmployment{{Staff: rep, Company: company, Department: department, From: now.AddDate(-1, 0, 0)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := policy.Compile(1, policy.ShippedRules(), policy.ShippedInherits())
	if err != nil {
		fmt.Println(err)
		return
	}
	rights := table.Bind(&policy.Principal{Tenant: tenant, Staff: rep, Bindings: []policy.Binding{{Role: "ka_sales_rep"}}}, org, now)

	client := &policy.Row{ID: uuid.UUID{9}, Client: uuid.UUID{9}, OnTeam: true}
	change := rights.Decide(policy.OnClient, policy.ClientChangeProfile, client)
	fmt.Println(change.Allow, change.Reason, change.Rule().Clause)

	credit, why := rights.Field(policy.ClientCredit, client)
	fmt.Println(credit == policy.Hidden, why.Reason, "-", rights.Explain(policy.ClientCredit, policy.Reveal, client).Remedy.EN)

	n := 2
	fmt.Println(policy.SQL(rights.Reach(policy.OnClient, policy.ClientSuspend), policy.Columns{Tenant: "$1", Now: "$2", Client: "t.id"},
		func(any) string { n++; return fmt.Sprintf("$%d", n) }))
	// Output:
	// true ALLOWED L261
	// true OUT_OF_SCOPE - Ask the owning department's head for a grant
	// (EXISTS (SELECT 1 FROM client_team_members m WHERE m.tenant_id = $1 AND m.client_id = t.id AND m.staff_id = $3 AND m.valid_from <= $2 AND (m.valid_until IS NULL OR m.valid_until > $2)))
}
