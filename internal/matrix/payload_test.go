package matrix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/policy"
)

// payloads changes some rows for good, as everybody who may, and holds what comes back with the act to what may be seen of it.
func (x *town) payloads(t *testing.T, s sheet) {
	t.Helper()
	compared, nothing := 0, 0
	for _, m := range []struct{ name, object, typ, table, input string }{
		{"clientChangeProfile", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", profile: {address: "%s"}, source: "x"`},
		{"clientChangeList", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", region: "%s", source: "x"`},
		{"clientChangeCredit", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", creditNote: "%s", source: "x"`},
		{"clientRecordChange", "clientChange", "ClientChange", "", `clientId: %q, field: "address", newValue: "%s%s", source: "x"`},
		{"contactChange", "contact", "Contact", "contacts", `contactId: %q, expectedVersion: "%s", title: "%s"`},
		{"contractRevise", "contract", "Contract", "contracts", `contractId: %q, expectedVersion: "%s", title: "%s", changeNote: "x"`},
	} {
		acts, _ := actsOf(graph.Schema().Mutation.Fields.ForName(m.name))
		q := acts[0]
		for _, p := range x.people {
			if !s.ever(q, p) {
				continue
			}
			j := x.judge(s, p)
			for _, spot := range x.spotsFor(p, true) {
				client := x.clients[spot]
				row, gid := client, x.gid("Client", client)
				switch m.typ {
				case "Contact":
					row, gid = x.contacts[client], x.gid("Contact", x.contacts[client])
				case "Contract":
					row, gid = x.contracts[spot], x.gid("Contract", x.contracts[spot])
				}
				if !j.sees(x.rows[gid]) || !s.may(q, p, x.rows[gid].facts) {
					continue
				}
				version := ""
				if m.table != "" {
					version = x.Text(`SELECT version FROM `+m.table+` WHERE tenant_id = $1 AND id = $2`, row)
				}
				query := fmt.Sprintf("mutation { m: %s(input: {"+m.input+"}, idempotencyKey: %q) { %s { %s } userErrors { code reason field } } }",
					m.name, gid, version, x.mark(), x.Key(), m.object, whole(j.schema, m.typ))
				got, err := x.ask(p, query, nil)
				if err != nil || got.data == nil || len(got.data["m"].(map[string]any)["userErrors"].([]any)) > 0 {
					t.Errorf("%s %s at %s: %v %.300s", p.role, m.name, spot, err, got.text)
					continue
				}
				payload := got.data["m"].(map[string]any)[m.object]
				if m.typ == "ClientChange" { // a row that nobody placed: seen or not
					want := s.may(question{policy.OnClient, policy.Read}, p, x.clientFacts[client]) && j.level(policy.ClientDealings, &placed{facts: x.clientFacts[client]}) > hidden
					if (payload != nil) != want {
						t.Errorf("%s %s at %s: the record is shown %v, the sheets say %v", p.role, m.name, spot, payload != nil, want)
					}
					nothing++
					break
				}
				truth, err := x.ask(x.observer, "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on "+m.typ+" { "+whole(j.schema, m.typ)+" } } }", map[string]any{"ids": []string{gid}})
				if err != nil {
					t.Fatal(err)
				}
				x.noteNew()
				want := j.expect(truth.data["nodes"].([]any)[0], nil)
				if d := difference(m.name, canonical(payload), canonical(want)); d != "" {
					t.Errorf("%s at %s: %s", p.role, spot, d)
				}
				compared++
				break // one row each
			}
			for _, f := range j.faults {
				t.Error(f)
			}
		}
	}
	t.Logf("%d payloads compared, %d records shown or not", compared, nothing)
	if compared < 30 || nothing < 2 {
		t.Error("that shows little")
	}
}

// noteNew places the rows that acts have written below clients and contracts since.
func (x *town) noteNew() {
	for typ, sql := range map[string]string{
		"ClientChange": `SELECT id, client_id, field_class FROM client_changes WHERE tenant_id = $1`, "Contact": `SELECT id, client_id, 0 FROM contacts WHERE tenant_id = $1`,
		"ContractRevision": `SELECT id, contract_id, 0 FROM contract_revisions WHERE tenant_id = $1`, "Obligation": `SELECT id, contract_id, 0 FROM obligations WHERE tenant_id = $1`,
	} {
		for _, line := range strings.Split(x.Text(sql), ";") {
			parts := strings.Split(line, "|")
			of := uuid.MustParse(parts[1])
			f := x.clientFacts[of]
			if f == nil {
				f = x.contractFacts[of]
			}
			x.rows[x.gid(typ, uuid.MustParse(parts[0]))] = &placed{typ: typ, facts: f, class: policy.Class(parts[2][0] - '0')}
		}
	}
}
