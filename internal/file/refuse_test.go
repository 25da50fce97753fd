package file

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// recorded holds the refusals since the last look to those that are wanted, and makes sure that nothing was opened, stored or changed.
func (x *fixture) recorded(what string, f File, before string, want ...string) {
	x.t.Helper()
	if got := x.refusals(); !slices.Equal(got, want) {
		x.t.Errorf("%s: recorded %q, want %q", what, got, want)
	}
	if x.row(f.ID) != before || len(x.told()) != 0 {
		x.t.Errorf("%s: %s, told %q", what, x.row(f.ID), x.told())
	}
}

// Every upload that is refused to somebody who is known is recorded, under his name; what is nobody's, and what succeeds, is not.
func TestRefusedUploadsAreRecorded(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	colleague := x.signIn(x.Tenant)
	stranger := x.signIn(x.World.Tenant("beta"))
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	pdf, pdfSecret := x.mustTicket("a.pdf", "application/pdf", []byte("no paper at all"))
	before := x.row(f.ID)
	line := func(f File, reason string, by caller) string {
		return fmt.Sprintf("file.receive %s %s by %s", reason, id.Encode(id.File, f.ID), by.Account)
	}
	flipped := bytes.Replace(text, []byte("minutes"), []byte("minutez"), 1)
	x.put(x.person, f.ID, secret, flipped)
	x.recorded("another hash", f, before, line(f, "FILE_HASH_MISMATCH", x.person))
	x.put(x.person, f.ID, secret, append(bytes.Clone(text), 'x'))
	x.recorded("too large", f, before, line(f, "FILE_SIZE_MISMATCH", x.person))
	x.put(x.person, pdf.ID, pdfSecret, []byte("no paper at all"))
	x.recorded("another type", f, before, line(pdf, "FILE_TYPE_MISMATCH", x.person))
	x.put(colleague, f.ID, secret, text)
	x.recorded("somebody else's ticket", f, before, line(f, "UPLOAD_TICKET", colleague))
	x.put(stranger, f.ID, secret, text)
	x.recorded("another tenant's", f, before, line(f, "NOT_FOUND", stranger))
	x.do("PUT", pathOf(f.ID)+"?ticket="+secret, bytes.NewReader(text), "Authorization", "Bearer "+x.person.token, TicketHeader, secret)
	x.recorded("a secret in the URL", f, before, line(f, "CREDENTIAL_IN_URL", x.person))
	x.do("PUT", pathOf(f.ID), bytes.NewReader(text), TicketHeader, secret)
	x.recorded("nobody", f, before)
	x.Clock.SetOffset(11 * time.Minute)
	x.put(x.person, f.ID, secret, text)
	x.recorded("run out", f, before, line(f, "UPLOAD_TICKET", x.person))
	x.Clock.SetOffset(0)
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	after := x.row(f.ID)
	x.recorded("received", f, after)
	x.put(x.person, f.ID, secret, text)
	x.recorded("used twice", f, after, line(f, "UPLOAD_TICKET_USED", x.person))
}

// A click that is refused is recorded once for each link and reason, under the name of the link's owner; a link in another's hands under
// the name of the one who shows himself.
func TestRefusedClicksAreRecorded(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	other, stranger := x.signIn(x.Tenant), x.signIn(x.World.Tenant("beta"))
	f := x.clean("a.txt", "text/plain", text)
	before := x.row(f.ID)
	x.refusals()
	line := func(reason string, by caller) string {
		return fmt.Sprintf("file.open %s %s by %s", reason, id.Encode(id.File, f.ID), by.Account)
	}
	refused := func(what, link, want, reason string, by caller, header ...string) {
		t.Helper()
		for range 3 {
			if a := x.do("GET", link, nil, header...); a.reason() != want || bytes.Contains(a.body, text) {
				t.Errorf("%s: %s, want %s", what, a.reason(), want)
			}
		}
		x.recorded(what, f, before, line(reason, by))
	}
	link := x.link(x.person, f.ID, "")
	for _, c := range []caller{other, stranger} { // each time it is somebody who says who he is
		a := x.do("GET", link, nil, "Authorization", "Bearer "+c.token)
		if a.reason() != "403 FORBIDDEN LINK_OF_ANOTHER" || bytes.Contains(a.body, text) {
			t.Errorf("another's link: %d %s", a.status, a.body)
		}
		x.recorded("another's link", f, before, line("LINK_OF_ANOTHER", c))
	}
	if a := x.do("GET", link, nil, "Authorization", "Bearer nonsense"); a.status != http.StatusUnauthorized || bytes.Contains(a.body, text) {
		t.Errorf("a bad credential beside a good link: %d", a.status)
	}
	x.do("GET", pathOf(f.ID)+"?link=cll_nonsense", nil)
	x.recorded("nobody's", f, before)

	x.Clock.SetOffset(2 * time.Minute)
	refused("expired", link, "403 FORBIDDEN LINK_EXPIRED", "LINK_EXPIRED", x.person)
	x.Clock.SetOffset(0)
	x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
	refused("outdated", link, "403 FORBIDDEN LINK_OUTDATED", "LINK_OUTDATED", x.person)
	link = x.link(x.person, f.ID, "")
	x.deciding(func(context.Context, *tenancy.Tx, Click) (Terms, error) {
		return Terms{}, fault.Forbidden("OUT_OF_SCOPE", fault.Text{ZH: "无", EN: "no"}, "G04", fault.Text{})
	})
	refused("no right", link, "403 FORBIDDEN OUT_OF_SCOPE", "OUT_OF_SCOPE", x.person)
	x.deciding(lend(5)) // a text cannot be marked
	refused("not to be marked", link, "403 FORBIDDEN UNMARKABLE", "UNMARKABLE", x.person)
	x.deciding(nil)
	x.Exec(`UPDATE files SET state = 'quarantined' WHERE tenant_id = $1 AND id = $2`, f.ID)
	before = x.row(f.ID)
	refused("in quarantine", link, "409 INVALID_STATE FILE_NOT_SCANNED", "FILE_NOT_SCANNED", x.person)
	x.Exec(`UPDATE files SET state = 'infected' WHERE tenant_id = $1 AND id = $2`, f.ID)
	before = x.row(f.ID)
	refused("infected", link, "409 INVALID_STATE FILE_INFECTED", "FILE_INFECTED", x.person)
	x.Exec(`UPDATE files SET state = 'clean' WHERE tenant_id = $1 AND id = $2`, f.ID)
	before = x.row(f.ID)
	x.Exec(`UPDATE sessions SET revoked_at = now() WHERE tenant_id = $1 AND id = $2`, x.person.credential)
	refused("revoked", link, "403 FORBIDDEN LINK_REVOKED", "LINK_REVOKED", x.person)
}

// Whoever brings about refusals is held back and fills no trail; nobody else is held back with him, and what he may do he may do again later.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Limits.Refusals, c.Limits.Forgiven = 5, 1.0/3600 })
	other := x.signIn(x.Tenant)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	before := x.row(f.ID)
	statuses := map[int]int{}
	for range 40 {
		statuses[x.put(other, f.ID, secret, text).status]++
	}
	if statuses[http.StatusForbidden] != 5 || statuses[http.StatusTooManyRequests] != 35 {
		t.Errorf("%v", statuses)
	}
	if got := x.refusals(); len(got) != 5 || x.row(f.ID) != before {
		t.Errorf("%d recorded, %s", len(got), x.row(f.ID))
	}
	a := x.put(other, f.ID, secret, text)
	if a.reason() != "429 RATE_LIMITED REFUSALS" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", a.reason(), a.header)
	}
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusCreated {
		t.Errorf("somebody else is held back: %d %s", a.status, a.body)
	}
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	for range 20 { // what is served costs nothing
		if a := x.do("GET", x.link(x.person, f.ID, ""), nil); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	// A dead link in many hands is one refusal, and its owner is not held back for it.
	link := x.link(x.person, f.ID, "")
	x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
	for range 20 {
		if a := x.do("GET", link, nil); a.reason() != "403 FORBIDDEN LINK_OUTDATED" {
			t.Fatal(a.reason())
		}
	}
	if got := strings.Join(x.refusals(), ";"); strings.Count(got, "LINK_OUTDATED") != 1 {
		t.Error(got)
	}
	if a := x.do("GET", x.link(x.person, f.ID, ""), nil); a.status != http.StatusOK {
		t.Errorf("the owner is held back: %d %s", a.status, a.body)
	}
}
