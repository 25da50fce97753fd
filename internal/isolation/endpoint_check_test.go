package isolation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// What the runs look with must see: an answer with something of a side, an id that was sent and one that was not, a row that
// changed, and nothing where only a credential was used.
func TestTheRunsSee(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, b := serveOn(t, w, w.DB), newSide(w, foreignMark)
	token, own := b.caller(t), id.Encode(id.Client, b.ids["client"])
	before, acts := b.state(false), b.state(true)
	named := e.ask(token, fmt.Sprintf(`{ client(id: "%s") { name } }`, own), nil)
	bare := e.ask(token, fmt.Sprintf(`{ client(id: "%s") { id } }`, own), nil)
	if b.leaks(named.String()) != "its mark" || b.leaks(bare.String()) != "the id of its client" || b.leaks(bare.same(own)) != "" {
		t.Errorf("%s: %q; %s: %q, without the id %q", named, b.leaks(named.String()), bare, b.leaks(bare.String()), b.leaks(bare.same(own)))
	}
	if b.leaks(`{"id":"`+b.ids["contact"].String()+`"}`) != "the id of its contact" {
		t.Error("a UUID as it is stored is not noticed")
	}
	if got := changed(before, b.state(false)); !strings.HasPrefix(got, "audit_records ") || strings.Contains(got, ", ") {
		t.Errorf("two openings are on record, and the whole state shows %q", got)
	}
	if got := changed(acts, b.state(true)); got != "" {
		t.Errorf("nothing was done, and the state of acts shows %q", got)
	}
	b.Exec(`UPDATE sessions SET last_seen_at = now() + interval '1 minute' WHERE tenant_id = $1`)
	if got := changed(acts, b.state(true)); got != "" {
		t.Errorf("credentials were used, and the state shows %q", got)
	}
	b.Exec(`UPDATE contacts SET title = 'x' WHERE tenant_id = $1`)
	if got := changed(acts, b.state(true)); !strings.Contains(got, "contacts ") || !strings.Contains(got, "contacts_history ") {
		t.Errorf("a contact changed, and the state shows %q", got)
	}
}
