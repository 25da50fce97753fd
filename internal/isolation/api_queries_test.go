package isolation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// ways are the ways of asking one root for an id: as it is, and as of a time at which everything was there already.
func ways(root *ast.FieldDefinition, at time.Time, query string) map[string]string {
	begin := "{ " + root.Name + "("
	small := ""
	if root.Arguments.ForName("first") != nil {
		small = "first: 3, "
	}
	if root.Name == "explainAccess" { // what it asks about besides the id
		small = `object: "client", action: "read", `
	}
	out := map[string]string{"": strings.Replace(query, begin, begin+small, 1)}
	if root.Arguments.ForName("asOf") != nil {
		out[" as of then"] = strings.Replace(query, begin, begin+small+`asOf: "`+at.Format(time.RFC3339Nano)+`", `, 1)
	}
	return out
}

// plainCursors are cursors of B's own lists, by root.
func plainCursors(e *endpoint, token string) map[string]string {
	out := map[string]string{}
	for _, root := range graph.Schema().Query.Fields {
		if !strings.HasSuffix(root.Type.Name(), "Connection") {
			continue
		}
		if _, rest, ok := strings.Cut(e.ask(token, "{ "+root.Name+"(first: 2) { edges { cursor } } }", nil).body, `"cursor":"`); ok {
			out[root.Name], _, _ = strings.Cut(rest, `"`)
		}
	}
	return out
}

// apiQueryRun asks every root of the SDL with every id exchanged for B's of the same kind, and for one of nobody.
func apiQueryRun(t *testing.T, w *world.World, e *endpoint, a, b *side, aside func(func())) {
	q := newAsker(t, w)
	q.self = id.Encode(id.Staff, a.person.Staff)
	at := w.Clock.Now().UTC().Truncate(time.Microsecond)
	var cursors map[string]string
	aside(func() { cursors = plainCursors(e, b.caller(t)) })
	before := b.state(false)
	tried, shown, pages := 0, 0, 0
	// The trail is asked first: a read by id that is refused is on A's own record, with the id that was sent.
	roots := slices.Clone(graph.Schema().Query.Fields)
	slices.SortStableFunc(roots, func(x, y *ast.FieldDefinition) int {
		return strings.Compare(fmt.Sprint(x.Name != "auditRecords"), fmt.Sprint(y.Name != "auditRecords"))
	})
	for _, root := range roots {
		if strings.HasPrefix(root.Name, "__") {
			continue
		}
		token, sel := a.caller(t), q.selection(root.Type.Name(), 1)
		clean := func(what string, r reply, sent string) {
			t.Helper()
			if found := b.leaks(r.same(sent)); found != "" {
				t.Errorf("%s: the answer has %s: %s", what, found, r)
			}
		}
		try := func(s site) {
			prefix := prefixOf(t, s.kind)
			foreign, nobody, own := id.Encode(prefix, b.ids[s.kind]), id.Encode(prefix, w.IDs.New()), id.Encode(prefix, a.ids[s.kind])
			for way, query := range ways(root, at, s.query("SENT")) {
				ask := func(u string) reply { return e.ask(token, strings.Replace(query, "SENT", u, 1), nil) }
				x, y := ask(foreign), ask(nobody)
				if x.same(foreign) != y.same(nobody) {
					t.Errorf("%s%s: another tenant's %s is answered %s\nan id of nobody %s", s.name, way, s.kind, x, y)
				}
				clean(s.name+way, x, foreign)
				mine := ask(own)
				clean(s.name+way, mine, own)
				if mine.same(own) != y.same(nobody) {
					shown++
				} else {
					t.Logf("%s%s: one's own %s is answered as one of nobody: %.150s", s.name, way, s.kind, mine)
				}
				tried++
			}
		}
		if root.Name == "node" || root.Name == "nodes" {
			for _, o := range objects() {
				try(site{root.Name + " of a " + o.kind, o.kind, func(v string) string {
					if root.Name == "nodes" {
						return `{ nodes(ids: ["` + v + `"]) ` + q.nodeSelection() + ` }`
					}
					return `{ node(id: "` + v + `") ` + q.nodeSelection() + ` }`
				}})
			}
			continue
		}
		for _, s := range q.sites(root, sel) {
			try(s)
		}
		connection := strings.HasSuffix(root.Type.Name(), "Connection")
		if !connection && len(root.Arguments) > 0 {
			continue
		}
		small := ""
		if connection {
			small = "(first: 3)"
		}
		whole := e.ask(token, "{ "+root.Name+small+" "+sel+" }", nil)
		clean(root.Name, whole, "-")
		if strings.Contains(whole.body, `"errors"`) || connection && !strings.Contains(whole.body, `"cursor":"`) {
			t.Errorf("%s of one's own: %s", root.Name, whole)
		}
		if !connection {
			continue
		}
		if _, rest, ok := strings.Cut(whole.body, `"cursor":"`); ok {
			cursor, _, _ := strings.Cut(rest, `"`)
			if r := e.ask(token, "{ "+root.Name+`(first: 3, after: "`+cursor+`") `+sel+" }", nil); strings.Contains(r.body, `"errors"`) {
				t.Errorf("%s after one's own cursor: %s", root.Name, r)
			}
		}
		// A cursor of another tenant is told from one that nobody made by nothing.
		theirs, ok := cursors[root.Name]
		if !ok {
			t.Errorf("the other tenant has no cursor of %s", root.Name)
			continue
		}
		for _, side := range []string{"first: 3, after", "last: 3, before"} {
			ask := func(cursor string) reply {
				return e.ask(token, "{ "+root.Name+"("+side+`: "`+cursor+`") `+sel+" }", nil)
			}
			made := theirs[:len(theirs)-6] + "AAAAAA"
			x, y := ask(theirs), ask(made)
			if x.same(theirs) != y.same(made) || !strings.Contains(x.body, "INVALID_INPUT") {
				t.Errorf("%s %s: another tenant's cursor is answered %s\none of nobody %s", root.Name, side, x, y)
			}
			clean(root.Name+" with a cursor", x, theirs)
			pages++
		}
	}
	if after := b.state(false); after != before {
		t.Errorf("a query changed something of the other tenant: %s", changed(before, after))
	}
	t.Logf("%d places of ids tried, %d of them answer differently for one's own; %d cursors", tried, shown, pages)
	if tried < 100 || shown < tried*2/3 || pages < 20 {
		t.Error("the run shows little")
	}
}

// The walls as they ship; then row-level security alone, for every statement behind a request: sign-in, reading, the record.
func TestEveryQueryOfTheAPIWithAnotherTenantsIds(t *testing.T) {
	t.Parallel()
	rec := &recorder{sent: map[string][][]any{}}
	w := world.New(t, func(c *tenancy.Config) { c.Tracer = rec })
	e, a, b := serveOn(t, w, w.DB), newSide(w, "alpha"), newSide(w, foreignMark)
	a.fillForQueries()
	b.fillForQueries()
	rec.watch(b)
	rec.tenants.Store(a.ID, true)
	apiQueryRun(t, w, e, a, b, rec.aside)
	otherForms(t, w, e, a, b)
	// A's own record names the ids of B that were sent and refused.
	a.Exec(`DELETE FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal'`)
	rec.replay(t, w, b)
}

func TestEveryQueryOfTheAPIBehindPredicatesAlone(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a, b := serveOn(t, w, w.DB), newSide(w, "alpha"), newSide(w, foreignMark)
	a.fillForQueries()
	b.fillForQueries()
	openWalls(t, w)
	apiQueryRun(t, w, e, a, b, func(ask func()) { ask() })
}

// otherForms asks for one client by GET and by the hash that clients of persisted operations send, with a variable; and for
// one's own client with the other tenant's cursor inside.
func otherForms(t *testing.T, w *world.World, e *endpoint, a, b *side) {
	t.Helper()
	token := a.caller(t)
	const query = `query ($id: ID!) { client(id: $id) { id code name contacts { nodes { name } } } }`
	sum := sha256.Sum256([]byte(query))
	extensions := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hex.EncodeToString(sum[:])}}
	text := func(v any) string {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for name, ask := range map[string]func(u string) reply{
		"GET": func(u string) reply {
			values := url.Values{"query": {query}, "variables": {text(map[string]any{"id": u})}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"?"+values.Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return e.do(token, req)
		},
		"GET with a hash": func(u string) reply {
			values := url.Values{"query": {query}, "variables": {text(map[string]any{"id": u})}, "extensions": {text(extensions)}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"?"+values.Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return e.do(token, req)
		},
		"POST with a hash": func(u string) reply {
			return e.raw(token, []byte(text(map[string]any{"query": query, "variables": map[string]any{"id": u}, "extensions": extensions})))
		},
	} {
		foreign, nobody, own := id.Encode(id.Client, b.ids["client"]), id.Encode(id.Client, w.IDs.New()), id.Encode(id.Client, a.ids["client"])
		x, y, z := ask(foreign), ask(nobody), ask(own)
		if x.same(foreign) != y.same(nobody) || !strings.Contains(x.body, `{"client":null}`) {
			t.Errorf("%s: another tenant's client is answered %s\nan id of nobody %s", name, x, y)
		}
		if what := b.leaks(x.same(foreign)); what != "" {
			t.Errorf("%s: the answer has %s", name, what)
		}
		if !strings.Contains(z.body, `"name":"alpha"`) {
			t.Errorf("%s: one's own client: %s", name, z)
		}
	}
	theirs := e.ask(b.caller(t), fmt.Sprintf(`{ client(id: "%s") { contacts { edges { cursor } } } }`, id.Encode(id.Client, b.ids["client"])), nil)
	_, rest, ok := strings.Cut(theirs.body, `"cursor":"`)
	cursor, _, _ := strings.Cut(rest, `"`)
	own := id.Encode(id.Client, a.ids["client"])
	inside := e.ask(token, fmt.Sprintf(`{ client(id: "%s") { contacts(after: "%s") { nodes { name } } } }`, own, cursor), nil)
	if !ok || !strings.Contains(inside.body, "INVALID_INPUT") || b.leaks(inside.same(cursor)) != "" {
		t.Errorf("a cursor of another tenant inside: %s (%s)", inside, theirs)
	}
}
