package isolation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// answer is a reply to be looked into.
type answer struct {
	Data       map[string]any
	Errors     []any
	Extensions struct {
		Masked []struct {
			Path   []any
			Reason string
		}
	}
}

func (r reply) decode(t *testing.T) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return a
}

// masked are "path reason" of the fields that were not shown, in order.
func (a answer) masked() []string {
	var out []string
	for _, m := range a.Extensions.Masked {
		var path []string
		for _, p := range m.Path {
			path = append(path, fmt.Sprint(p))
		}
		out = append(out, strings.Join(path, ".")+" "+m.Reason)
	}
	slices.Sort(out)
	return out
}

// One client, asked for by people of different roles with one document.
func TestDeniedRowsLookAbsentAndDeniedFieldsAreMasked(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	caller := func(role string) (string, world.Person) {
		p := a.Person(a.Department, role)
		token, _ := a.signIn(t, p.Account)
		return token, p
	}
	client, nobody := id.Encode(id.Client, a.ids["client"]), id.Encode(id.Client, w.IDs.New())
	const document = `query ($id: ID!) { client(id: $id) { id code name region phone attitude creditNote creditLimit { amount } contacts(first: 5) { nodes { name } } } }`
	const list = `{ clients(first: 10) { nodes { id name } totalCount { value } } }`
	ask := func(token, of string) reply { return e.ask(token, document, map[string]any{"id": of}) }
	fields := func(r reply) map[string]any {
		shown, _ := r.decode(t).Data["client"].(map[string]any)
		maps.DeleteFunc(shown, func(_ string, v any) bool { return v == nil })
		return shown
	}
	names := func(m map[string]any) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }

	reader, _ := caller("list_reader")
	r := ask(reader, client)
	if got := names(fields(r)); got != "code id name region" {
		t.Errorf("a list_reader sees %q: %s", got, r)
	}
	if got := r.decode(t).masked(); len(got) != 5 || strings.Join(got, "; ") != "client.attitude "+tail(got[0])+"; client.contacts "+tail(got[0])+"; client.creditLimit "+tail(got[0])+"; client.creditNote "+tail(got[0])+"; client.phone "+tail(got[0]) || tail(got[0]) == "" {
		t.Errorf("masked from a list_reader: %q", got)
	}
	if got := ask(reader, nobody); strings.Contains(got.body, "masked") || !strings.Contains(got.body, `{"client":null}`) {
		t.Errorf("an absent client: %s", got)
	}

	// A representative who is not of the team, and an administrator, cannot tell it from one that there is not.
	outsider, _ := caller("ka_sales_rep")
	admin, _ := caller("tenant_admin")
	for role, token := range map[string]string{"a rep outside the team": outsider, "a tenant_admin": admin} {
		x, y := ask(token, client), ask(token, nobody)
		if x.same(client) != y.same(nobody) || !strings.Contains(x.body, `{"client":null}`) {
			t.Errorf("%s: a denied row %s\nan absent one %s", role, x, y)
		}
		if got := e.ask(token, list, nil); !strings.Contains(got.body, `"nodes":[]`) || strings.Contains(got.body, a.mark) {
			t.Errorf("%s lists %s", role, got)
		}
		node := `{ node(id: "%s") { id ... on Client { name } } nodes(ids: ["%[1]s"]) { id } }`
		x, y = e.ask(token, fmt.Sprintf(node, client), nil), e.ask(token, fmt.Sprintf(node, nobody), nil)
		if x.same(client) != y.same(nobody) || !strings.Contains(x.body, `"node":null,"nodes":[null]`) {
			t.Errorf("%s: a denied row %s\nan absent one %s", role, x, y)
		}
		// With the filter right and without it, the id in the filter makes no difference.
		contracts := `{ contracts(filter: { clientIds: ["%s"] }) { nodes { id } totalCount { value } } }`
		x, y = e.ask(token, fmt.Sprintf(contracts, client), nil), e.ask(token, fmt.Sprintf(contracts, nobody), nil)
		if x.same(client) != y.same(nobody) || !strings.Contains(x.body, `"nodes":[]`) && !strings.Contains(x.body, `"FILTER_RIGHT_MISSING"`) {
			t.Errorf("%s: contracts of a denied row %s\nof an absent one %s", role, x, y)
		}
		x, y = rename(t, w, e, a, token, client), rename(t, w, e, a, token, nobody)
		if x.same(client) != y.same(nobody) || !strings.Contains(x.body, `"code":"NOT_FOUND"`) {
			t.Errorf("%s changes a denied row %s\nan absent one %s", role, x, y)
		}
	}

	member, rep := caller("ka_sales_rep")
	a.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, 'SERVICE', now(), now(), now())`, w.IDs.New(), a.ids["client"], rep.Staff)
	r = ask(member, client)
	if got := names(fields(r)); got != "attitude code contacts id name phone region" {
		t.Errorf("a rep of the team sees %q: %s", got, r)
	}
	if got := r.decode(t).masked(); len(got) != 2 || strings.Join(got, "; ") != "client.creditLimit "+tail(got[0])+"; client.creditNote "+tail(got[0]) || tail(got[0]) == "" {
		t.Errorf("masked from a rep of the team: %q", got)
	}
	// What he sees but may not change is refused as such, and nothing happens.
	before := a.state(true)
	if r := rename(t, w, e, a, member, client); !strings.Contains(r.body, `"code":"FORBIDDEN"`) || !strings.Contains(r.body, `"client":null`) {
		t.Errorf("a rep who does not own the client: %s", r)
	}
	if after := a.state(true); after != before {
		t.Errorf("refused, and changed: %s", changed(before, after))
	}
}

func tail(text string) string {
	_, reason, _ := strings.Cut(text, " ")
	return reason
}

func rename(t *testing.T, w *world.World, e *endpoint, a *side, token, client string) reply {
	t.Helper()
	x := mutation(t, w, "clientChangeList", a)
	x.input()["clientId"] = client
	return x.send(e, token)
}

// Who reads what is on record before the answer leaves, and only an auditor reads the record.
func TestReadsAreOnRecord(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	people := map[string]world.Person{}
	caller := func(role string) string {
		people[role] = a.Person(a.Department, role)
		token, _ := a.signIn(t, people[role].Account)
		return token
	}
	rep, manager, auditor := caller("ka_sales_rep"), caller("general_manager"), caller("policy_auditor")
	a.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, 'SERVICE', now(), now(), now())`, w.IDs.New(), a.ids["client"], people["ka_sales_rep"].Staff)
	client, nobody := id.Encode(id.Client, a.ids["client"]), id.Encode(id.Client, w.IDs.New())
	records := func(token, object string) []string {
		t.Helper()
		r := e.ask(token, `query ($ids: [ID!]) { auditRecords(first: 50, filter: { objectIds: $ids }) { nodes { kind act actorId objectType objectId reason detail } } }`, map[string]any{"ids": []string{object}}).decode(t)
		var out []string
		connection, _ := r.Data["auditRecords"].(map[string]any)
		nodes, ok := connection["nodes"].([]any)
		if !ok {
			t.Fatalf("%v", r)
		}
		for _, n := range nodes {
			m := n.(map[string]any)
			who := "nobody"
			for role, p := range people {
				if m["actorId"] == id.Encode(id.Account, p.Account) {
					who = role
				}
			}
			if m["objectId"] != object {
				t.Errorf("the record of another object: %v", m)
			}
			groups, _ := json.Marshal(m["detail"])
			out = append(out, fmt.Sprintf("%v %v %v by %s %v %s", m["kind"], m["act"], m["objectType"], who, m["reason"], groups))
		}
		slices.Reverse(out) // oldest first
		return out
	}
	if got := records(auditor, client); len(got) != 0 {
		t.Errorf("before anything was read: %q", got)
	}
	for _, q := range []struct{ token, query string }{
		{rep, `{ client(id: "` + client + `") { name } }`},
		{rep, `{ clients(first: 5) { nodes { name phone } } }`},                    // a list of L0 and L1 opens nothing
		{rep, `{ client(id: "` + nobody + `") { name } }`},                         // absent
		{manager, `{ clients(first: 5) { nodes { name creditNote } } }`},           // L4 of every client in the list
		{manager, `{ node(id: "` + client + `") { ... on Client { name } } }`},     // by id, whichever way
		{auditor, `{ client(id: "` + client + `") { name creditNote phone } }`},    // seen in the list, its credit masked
		{auditor, `{ nodes(ids: ["` + nobody + `"]) { ... on Client { name } } }`}, // absent
	} {
		if r := e.ask(q.token, q.query, nil); strings.Contains(r.body, `"errors"`) {
			t.Errorf("%s: %s", q.query, r)
		}
	}
	for object, want := range map[string][]string{
		client: {
			`OPENING read Client by ka_sales_rep`, `OPENING reveal Client by general_manager`, `OPENING read Client by general_manager`, `OPENING read Client by policy_auditor`,
		},
		nobody: {`REFUSAL read Client by ka_sales_rep NOT_FOUND`, `REFUSAL read Client by policy_auditor NOT_FOUND`},
	} {
		got := records(auditor, object)
		if len(got) != len(want) {
			t.Errorf("on record: %q, want %q", got, want)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], want[i]) || strings.Contains(got[i], "client#credit") != strings.Contains(got[i], "reveal") {
				t.Errorf("on record: %q, want %q", got[i], want[i])
			}
		}
	}
	for role, token := range map[string]string{"a rep": rep, "a list_reader": caller("list_reader"), "a tenant_admin": caller("tenant_admin")} {
		const all = `{ auditRecords(first: 50) { nodes { id act objectId detail } totalCount { value } } }`
		if r := e.ask(token, all, nil); !strings.Contains(r.body, `{"nodes":[],"totalCount":{"value":0}}`) {
			t.Errorf("%s reads the record: %s", role, r)
		}
		for _, object := range []string{client, nobody} {
			r := e.ask(token, `{ auditRecords(filter: { objectIds: ["`+object+`"] }) { nodes { id act } } }`, nil)
			if !strings.Contains(r.body, `"FILTER_RIGHT_MISSING"`) || !strings.Contains(r.body, `"data":null`) {
				t.Errorf("%s filters the record: %s", role, r)
			}
		}
	}
}
