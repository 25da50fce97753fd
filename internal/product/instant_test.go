package product_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// query asks over an open socket and gives the data.
func query(t *testing.T, c *websocket.Conn, n int, document string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"id": fmt.Sprint(n), "type": "subscribe", "payload": map[string]any{"query": document}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(t.Context(), websocket.MessageText, b); err != nil {
		t.Fatal(err)
	}
	for data := ""; ; {
		_, b, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			ID, Type string
			Payload  struct{ Data json.RawMessage }
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.ID != fmt.Sprint(n):
		case m.Type == "next":
			data = string(m.Payload.Data)
		case m.Type == "complete":
			return data
		default:
			t.Fatalf("%s", b)
		}
	}
}

// What a receiver gets over an open stream ends at the instant at which his right does, by time alone: no job runs, no row changes, no event is
// there. A grant, a binding and a loan are over for the next question on the same socket, and the stream says so then; with his credential the
// stream itself is over, and what happens after that instant is told to nobody.
func TestAnOpenStreamEndsAtTheInstantOfItsRight(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	rep := x.Person(x.Department, "ka_sales_rep")
	r, err := archive.New(w.Runner).ClientOpen(t.Context(), rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: x.Department, Source: "展会"}, x.Key())
	if err != nil {
		t.Fatal(err)
	}
	client := id.Encode(id.Client, r.Subject.ID)
	const hour = time.Hour
	begun := time.Now()
	// One has the archive by a grant, the other by a binding; both until an hour from now. Their sessions and an API token last longer, or as long.
	granted, bound := x.Person(x.Sibling, "tech_engineer"), x.Person(x.Sibling, "general_manager")
	x.Exec(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, granted_by, valid_from, valid_until, created_at, updated_at)
		VALUES ($1, gen_random_uuid(), $2, $3, 7, '项目', $4, now() - interval '1 hour', $5, now(), now())`, granted.Staff, r.Subject.ID, rep.Staff, begun.Add(hour))
	x.Exec(`UPDATE role_bindings SET valid_until = $2 WHERE tenant_id = $1 AND account_id = $3`, begun.Add(hour), bound.Account)
	tokens := map[string]string{"grant": sessionToken(t, x, granted), "binding": sessionToken(t, x, bound), "session": sessionToken(t, x, rep), "token": apiToken(t, x, rep, "read")}
	x.Exec(`UPDATE sessions SET expires_at = $2 WHERE tenant_id = $1 AND expires_at < now() + interval '1 day'`, begun.Add(3*hour))
	x.Exec(`UPDATE sessions SET expires_at = $2 WHERE tenant_id = $1 AND account_id = $3 AND expires_at < now() + interval '1 day'`, begun.Add(2*hour), rep.Account)
	x.Exec(`UPDATE api_tokens SET expires_at = $2 WHERE tenant_id = $1`, begun.Add(2*hour))
	streams, sockets := map[string]stream{}, map[string]*websocket.Conn{}
	for who, token := range tokens {
		for how, l := range s.both(token) {
			l.item()
			streams[who+" "+how] = l
		}
		c := s.socket(token)
		if _, b, err := c.Read(t.Context()); err != nil || !strings.Contains(string(b), "connection_ack") {
			t.Fatal(string(b), err)
		}
		sockets[who] = c
	}
	ask := func(who string, n int, want string) {
		t.Helper()
		if got := query(t, sockets[who], n, fmt.Sprintf(`{ client(id: %q) { name } }`, client)); got != want {
			t.Errorf("%s: %s, want %s", who, got, want)
		}
	}
	const shown, gone = `{"client":{"name":"长安汽车"}}`, `{"client":null}`
	rows := func() string {
		return x.Text(`SELECT (SELECT count(*) FROM events WHERE tenant_id = $1), (SELECT md5(string_agg(g::text, '')) FROM access_grants g WHERE g.tenant_id = $1),
			(SELECT md5(string_agg(b::text, '' ORDER BY b.id)) FROM role_bindings b WHERE b.tenant_id = $1), (SELECT md5(e::text) FROM tenant_epochs e WHERE e.tenant_id = $1)`)
	}
	before := rows()
	for who := range sockets {
		ask(who, 1, shown)
	}
	w.Clock.SetOffset(hour - time.Since(begun) - time.Minute)
	for who := range sockets {
		ask(who, 2, shown)
	}
	w.Clock.SetOffset(hour)
	for who, want := range map[string]string{"grant": gone, "binding": gone, "session": shown, "token": shown} {
		ask(who, 3, want)
	}
	for _, how := range []string{" socket", " events"} {
		for _, who := range []string{"grant", "binding"} { // the versions are those of before: nothing has moved but time
			streams[who+how].item()
		}
	}
	if after := rows(); after != before {
		t.Errorf("something ran:\n%s\n%s", before, after)
	}

	w.Clock.SetOffset(2 * hour)
	x.Exec(`UPDATE companies SET name = name || '改' WHERE tenant_id = $1`) // of which those are not told any more
	for who, over := range map[string]bool{"session": true, "token": true, "grant": false} {
		for how, l := range map[string]stream{"socket": streams[who+" socket"], "events": streams[who+" events"]} {
			payload, ok, why := l.next()
			if ok == over {
				t.Errorf("%s, %s: told %s, ended %s", who, how, payload, why)
			}
			if want := map[string]string{"socket": "4403", "events": "UNAUTHENTICATED"}[how]; over && !strings.Contains(why, want) {
				t.Errorf("%s, %s: ended by %s, want %s", who, how, why, want)
			}
		}
	}
	if a := s.ask(tokens["session"], `{ viewer { __typename } }`, nil); a.status != http.StatusUnauthorized {
		t.Errorf("the session asks on: %d %s", a.status, a.body)
	}
}
