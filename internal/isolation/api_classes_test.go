package isolation

import (
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// Contacts that a tenant moves to L4 are shown, searched and recorded as L4: nothing shows more than the rights on the group.
func TestAReclassifiedGroupIsShownSearchedAndRecordedByItsNewClass(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a := newSide(w, "alpha")
	e := serveOn(t, w, w.DB)
	manager, rep := a.Person(a.Department, "sales_manager"), a.Person(a.Department, "ka_sales_rep")
	a.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at) VALUES ($1, gen_random_uuid(), $2, $3, 'CO_OWNER', now(), now(), now())`, a.ids["client"], rep.Staff)
	a.Exec(`INSERT INTO client_search_terms (tenant_id, field_class, term, client_id) VALUES ($1, 2, '5678', $2), ($1, 0, 'zz', $2) ON CONFLICT DO NOTHING`, a.ids["client"])
	byManager, _ := a.signIn(t, manager.Account)
	byRep, _ := a.signIn(t, rep.Account)
	client := id.Encode(id.Client, a.ids["client"])
	shown := func(token string) bool {
		return strings.Contains(e.ask(token, `query ($id: ID!) { client(id: $id) { contacts(first: 3) { nodes { name phone } } } }`, map[string]any{"id": client}).body, `"phone":"`)
	}
	found := func(token string) bool {
		return strings.Contains(e.ask(token, `{ clients(first: 5, filter: { search: "5678" }) { nodes { id } } }`, nil).body, client)
	}
	recorded := func() string {
		return a.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'opening' AND act = 'reveal' AND detail::text LIKE '%client#contacts%'`)
	}
	for name, token := range map[string]string{"manager": byManager, "rep": byRep} {
		if !shown(token) || !found(token) {
			t.Fatalf("%s before: shown %v, found %v", name, shown(token), found(token))
		}
	}
	if got := recorded(); got != "0" {
		t.Errorf("%s openings of L2 are recorded", got)
	}
	a.Exec(`INSERT INTO policy_classes (tenant_id, id, policy_version_id, object, field_class) SELECT $1, gen_random_uuid(), id, 'client#contacts', 4 FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`)
	if shown(byRep) || found(byRep) {
		t.Errorf("L0–L3 reach contacts of L4: shown %v, found %v", shown(byRep), found(byRep))
	}
	if got := recorded(); got != "0" {
		t.Errorf("%s openings recorded, and nobody has opened anything", got)
	}
	if !shown(byManager) || !found(byManager) {
		t.Error("L0–L5 do not reach contacts of L4")
	}
	if got := recorded(); got == "0" {
		t.Error("contacts of L4 were opened, and nothing is recorded")
	}
}
