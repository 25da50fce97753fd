package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/policy"
)

// keeper is somebody who may be given originals to keep.
func (x *town) keeper() uuid.UUID {
	return x.people[slices.IndexFunc(x.people, func(p *person) bool { return p.role == "archive_custodian" })].staff
}

// custodyPayloads changes originals and asks for loans and access, as everybody who may, and holds what comes back to what may be seen of it.
func (x *town) custodyPayloads(t *testing.T, s sheet) {
	t.Helper()
	compared := map[string]int{}
	because := `, reason: "x"`
	for _, m := range []struct {
		name, object, on, table string
		input                   func(at target, version string) string
	}{
		{"originalChangeCustodian", "original", "original", "originals", func(at target, version string) string {
			return fmt.Sprintf(`originalId: %q, expectedVersion: %q, location: %q, custodianId: %q`, at.gid, version, x.mark(), x.gid("Staff", x.keeper())) + because
		}},
		{"originalReportIncident", "incident", "original", "originals", func(at target, version string) string {
			return fmt.Sprintf(`originalId: %q, expectedVersion: %q, kind: DAMAGED, note: %q`, at.gid, version, x.mark())
		}},
		{"borrowingRequest", "borrowing", "client and original", "", func(at target, _ string) string {
			return fmt.Sprintf(`clientId: %q, originalIds: [%q], purpose: %q`, at.gid, at.other, x.mark())
		}},
		{"borrowingWithdraw", "borrowing", "approved loan", "borrowings", func(at target, version string) string {
			return fmt.Sprintf(`borrowingId: %q, expectedVersion: %q`, at.gid, version) + because
		}},
		{"accessRequestSubmit", "accessRequest", "client for oneself", "", func(at target, _ string) string {
			return fmt.Sprintf(`clientId: %q, classes: [1], purpose: %q, wantedUntil: %q`, at.gid, x.mark(), x.Clock.Now().AddDate(0, 0, 30).Format("2006-01-02T15:04:05Z"))
		}},
	} {
		acts, _ := actsOf(graph.Schema().Mutation.Fields.ForName(m.name))
		for _, p := range x.people {
			if !s.ever(acts[0], p) {
				continue
			}
			j := x.judge(s, p)
			typ := map[string]string{"original": "Original", "incident": "CustodyIncident", "borrowing": "Borrowing", "accessRequest": "AccessRequest"}[m.object]
			for _, at := range x.payloadTargets(m.on, p) {
				if !j.sees(at.seen) || at.also != nil && !j.sees(at.also) || !s.may(acts[0], p, at.facts) {
					continue
				}
				version := ""
				if m.table != "" {
					version = x.Text(`SELECT version FROM `+m.table+` WHERE tenant_id = $1 AND id = $2`, x.uuids[at.gid])
				}
				query := fmt.Sprintf("mutation { m: %s(input: {%s}, idempotencyKey: %q) { %s { %s } userErrors { code reason field } } }", m.name, m.input(at, version), x.Key(), m.object, whole(j.schema, typ))
				got, err := x.ask(p, query, nil)
				if err != nil || got.data == nil || len(got.data["m"].(map[string]any)["userErrors"].([]any)) > 0 {
					t.Errorf("%s %s at %s: %v %.300s", p.role, m.name, at.name, err, got.text)
					continue
				}
				payload := got.data["m"].(map[string]any)[m.object]
				x.noteCustody()
				truth, err := x.ask(x.observer, "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on "+typ+" { "+whole(j.schema, typ)+" } } }", map[string]any{"ids": []string{idOf(payload)}})
				if err != nil {
					t.Fatal(err)
				}
				if truth.data["nodes"].([]any)[0] == nil {
					t.Errorf("%s %s at %s: nothing came back: %.300s", p.role, m.name, at.name, got.text)
					continue
				}
				want := j.expect(truth.data["nodes"].([]any)[0], nil)
				if d := difference(m.name, canonical(payload), canonical(want)); d != "" {
					t.Errorf("%s at %s: %s", p.role, at.name, d)
				}
				if found := leaked(got.text, asText(want), query); len(found) > 0 {
					t.Errorf("%s %s at %s: the answer has %v", p.role, m.name, at.name, found)
				}
				compared[m.name]++
				break // one row each
			}
			for _, f := range j.faults {
				t.Error(f)
			}
		}
		if compared[m.name] < 3 {
			t.Errorf("%s: %d payloads compared", m.name, compared[m.name])
		}
	}
	t.Logf("payloads of custody compared: %v", compared)
}

// payloadTargets are rows that no other trial relies on the state of.
func (x *town) payloadTargets(on string, p *person) []target {
	switch on {
	case "approved loan":
		row := x.row("Borrowing", x.loans["approved of "+p.role])
		return []target{{name: on, gid: x.gid("Borrowing", x.loans["approved of "+p.role]), facts: row.facts, seen: row}}
	case "original":
		return x.custodyTargets(trial{on: on}, p, true)
	}
	return x.targets(trial{on: on}, p, true)
}

// noteCustody places the rows that acts have written below clients since.
func (x *town) noteCustody() {
	of := func(f facts, person uuid.UUID, class string) *facts {
		f.person = person
		if class != "-" {
			f.class, f.classed = policy.Class(class[0]-'0'), true
		}
		return &f
	}
	for _, c := range []struct{ typ, sql string }{
		{"Borrowing", `SELECT id, client_id, borrower_staff_id, top_class FROM borrowings WHERE tenant_id = $1`},
		{"BorrowingItem", `SELECT i.id, b.client_id, b.borrower_staff_id, b.top_class FROM borrowing_items i JOIN borrowings b ON b.tenant_id = i.tenant_id AND b.id = i.borrowing_id WHERE i.tenant_id = $1`},
		{"AccessRequest", `SELECT id, client_id, requester_staff_id, NULL FROM access_requests WHERE tenant_id = $1`},
		{"ApprovalStep", `SELECT id, client_id, requester_staff_id, NULL FROM approval_steps WHERE tenant_id = $1`},
	} {
		for _, line := range strings.Split(x.Text(c.sql), ";") {
			parts := strings.Split(line, "|")
			if gid := x.gid(c.typ, uuid.MustParse(parts[0])); x.rows[gid] == nil {
				x.rows[gid] = &placed{typ: c.typ, facts: of(*x.clientFacts[uuid.MustParse(parts[1])], uuid.MustParse(parts[2]), parts[3])}
			}
		}
	}
	for _, line := range strings.Split(x.Text(`SELECT id, original_id FROM custody_incidents WHERE tenant_id = $1`), ";") {
		parts := strings.Split(line, "|")
		if gid := x.gid("CustodyIncident", uuid.MustParse(parts[0])); x.rows[gid] == nil {
			x.rows[gid] = &placed{typ: "CustodyIncident", facts: x.row("Original", uuid.MustParse(parts[1])).facts}
		}
	}
}
