package file

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.clean("合同 \"A\"; 100%.txt", "text/plain", text)
	a := x.do("GET", x.link(x.person, f.ID, "bor_1"), nil)
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Content-Length": fmt.Sprint(len(text)), "Etag": `"` + f.Hash() + `"`, "Accept-Ranges": "bytes", "Cache-Control": "private, no-store",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox", "Referrer-Policy": "no-referrer",
		"Content-Disposition": `attachment; filename="__ _A__ 100_.txt"; filename*=UTF-8''%E5%90%88%E5%90%8C%20%22A%22%3B%20100%25.txt`,
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if a.status != 200 || !bytes.Equal(a.body, text) {
		t.Errorf("%d %q", a.status, a.body)
	}
	if _, params, err := mime.ParseMediaType(a.header.Get("Content-Disposition")); err != nil || params["filename"] != f.Name {
		t.Errorf("%v %v", params, err)
	}
	if got, want := fmt.Sprint(x.told()), fmt.Sprintf("[original %s bor_1 by %s %s]", f.Name, x.person.Name, x.person.Account); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	body := bytes.Repeat(text, 1000)
	f := x.clean("a.txt", "text/plain", body)
	link, tag, n := x.link(x.person, f.ID, ""), `"`+f.Hash()+`"`, len(body)
	for _, c := range []struct {
		header []string
		status int
		ranged string
		body   []byte
	}{
		{[]string{"Range", "bytes=0-0"}, 206, fmt.Sprintf("bytes 0-0/%d", n), body[:1]},
		{[]string{"Range", "bytes=100-199"}, 206, fmt.Sprintf("bytes 100-199/%d", n), body[100:200]},
		{[]string{"Range", "bytes=-10"}, 206, fmt.Sprintf("bytes %d-%d/%d", n-10, n-1, n), body[n-10:]},
		{[]string{"Range", fmt.Sprintf("bytes=%d-", n-1)}, 206, fmt.Sprintf("bytes %d-%d/%d", n-1, n-1, n), body[n-1:]},
		{[]string{"Range", fmt.Sprintf("bytes=%d-", n)}, 416, fmt.Sprintf("bytes */%d", n), nil},
		{[]string{"Range", "bytes=9-3"}, 416, "", nil},
		{[]string{"Range", "nonsense"}, 416, "", nil},
		{[]string{"Range", "bytes=0-9", "If-Range", tag}, 206, fmt.Sprintf("bytes 0-9/%d", n), body[:10]},
		{[]string{"Range", "bytes=0-9", "If-Range", `"other"`}, 200, "", body},
		{[]string{"If-None-Match", tag}, 304, "", []byte{}},
		{[]string{"Range", "bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", 5000), ",")}, 200, "", body},
		{[]string{"Range", fmt.Sprintf("bytes=0-%d,0-%d,0-%d", n, n, n)}, 200, "", body},
	} {
		a := x.do("GET", link, nil, c.header...)
		if a.status != c.status || a.header.Get("Content-Range") != c.ranged || c.body != nil && !bytes.Equal(a.body, c.body) {
			t.Errorf("%.60q: %d %q, %d bytes", c.header, a.status, a.header.Get("Content-Range"), len(a.body))
		}
	}
	a := x.do("GET", link, nil, "Range", "bytes=0-3,10-13")
	_, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	must(t, err)
	parts := multipart.NewReader(bytes.NewReader(a.body), params["boundary"])
	for _, want := range [][]byte{body[:4], body[10:14]} {
		p, err := parts.NextPart()
		must(t, err)
		if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q %v", got, err)
		}
	}
	head := x.do("HEAD", link, nil)
	if head.status != 200 || head.header.Get("Content-Length") != fmt.Sprint(n) || len(head.body) != 0 {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	if len(x.told()) != 1 {
		t.Errorf("one link was told of %d times", len(x.told()))
	}
}

func TestNothingLeavesThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.clean("a.txt", "text/plain", text)
	link := x.link(x.person, f.ID, "")
	x.mu.Lock()
	x.fail = fault.Down("AUDIT_NOT_WRITTEN", errors.New("the trail is closed"))
	x.mu.Unlock()
	for _, method := range []string{"GET", "HEAD"} {
		if a := x.do(method, link, nil); a.status != 503 || bytes.Contains(a.body, text) || a.header.Get("Etag") != "" {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	x.mu.Lock()
	x.fail = nil
	x.mu.Unlock()
	if a := x.do("GET", link, nil); a.status != 200 || len(x.told()) != 1 {
		t.Errorf("%d %q", a.status, x.told())
	}
}

// What ends a link: time, its credential, a change of policy or organisation; what it is not good for: anything else.
func TestLinksEnd(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, g := x.clean("a.txt", "text/plain", text), x.clean("b.txt", "text/plain", text)
	refused := func(what, path, want string) {
		t.Helper()
		before := len(x.told())
		for _, method := range []string{"GET", "HEAD"} {
			a := x.do(method, path, nil)
			if a.status != 403 || method == "GET" && a.reason() != want || bytes.Contains(a.body, text) {
				t.Errorf("%s: %s %d %s, want %s", what, method, a.status, a.reason(), want)
			}
		}
		if len(x.told()) != before {
			t.Errorf("%s: told as an opening", what)
		}
	}
	link := x.link(x.person, f.ID, "bor_1")
	served := func(what, path string) {
		t.Helper()
		if a := x.do("GET", path, nil); a.status != 200 {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	served("fresh", link)
	served("again", link)
	path, token, _ := strings.Cut(link, "?link=")
	refused("another file", pathOf(g.ID)+"?link="+token, "403 FORBIDDEN LINK_INVALID")
	refused("none", path, "403 FORBIDDEN LINK_INVALID")
	refused("empty", path+"?link=", "403 FORBIDDEN LINK_INVALID")
	refused("two", link+"&link="+token, "403 FORBIDDEN LINK_INVALID")
	refused("cut", link[:len(link)-1], "403 FORBIDDEN LINK_INVALID")
	refused("longer", link+"AA", "403 FORBIDDEN LINK_INVALID")
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "cll_"))
	must(t, err)
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if _, _, ok := x.s.read("cll_"+base64.RawURLEncoding.EncodeToString(changed), f.ID); ok {
			t.Errorf("a link with byte %d changed is read", i)
		}
	}
	other, err := New(Config{DB: x.DB, Run: x.Runner, IDs: x.IDs, Store: x.s.store, Log: x.s.log, Key: bytes.Repeat([]byte{8}, 32)})
	must(t, err)
	defer other.Close()
	if _, _, ok := other.read(token, f.ID); ok {
		t.Error("a link of another key is read")
	}

	x.Exec(`UPDATE tenant_epochs SET revocation_version = revocation_version + 1 WHERE tenant_id = $1`)
	served("after somebody else's credential ended", link)
	x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
	refused("after a policy came into force", link, "403 FORBIDDEN LINK_OUTDATED")
	link = x.link(x.person, f.ID, "")
	x.Exec(`UPDATE tenant_epochs SET org_version = org_version + 1 WHERE tenant_id = $1`)
	refused("after a change of the organisation", link, "403 FORBIDDEN LINK_OUTDATED")

	link = x.link(x.person, f.ID, "")
	x.Clock.SetOffset(59 * time.Second)
	served("before its end", link)
	x.Clock.SetOffset(61 * time.Second)
	refused("after its end", link, "403 FORBIDDEN LINK_EXPIRED")
	link = x.link(x.person, f.ID, "")
	x.Exec(`UPDATE sessions SET revoked_at = now() WHERE tenant_id = $1 AND id = $2`, x.person.credential)
	refused("after the session was revoked", link, "403 FORBIDDEN LINK_REVOKED")
	second := x.signIn(x.Tenant)
	link = x.link(second, f.ID, "")
	x.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, second.Account)
	refused("after the account was suspended", link, "403 FORBIDDEN LINK_REVOKED")
	x.Exec(`UPDATE tenants SET state = 'suspended' WHERE tenant_id = $1`)
	refused("after the tenant was suspended", x.forge(second, f.ID), "403 FORBIDDEN TENANT_NOT_ACTIVE")
}

// forge makes a link without asking whether one may be made.
func (x *fixture) forge(p caller, f uuid.UUID) string {
	x.t.Helper()
	var epochs tenancy.Epochs
	if _, err := fmt.Sscan(strings.ReplaceAll(x.Text(`SELECT policy_version, org_version, revocation_version FROM tenant_epochs WHERE tenant_id = $1`), "|", " "), &epochs.Policy, &epochs.Org, &epochs.Revocation); err != nil {
		x.t.Fatal(err)
	}
	return pathOf(f) + "?link=" + x.s.sign(claim{tenant: p.Session.Tenant, file: f, actor: p.Session.Actor, epochs: epochs, until: x.Clock.Now().Add(time.Minute)})
}

// A link is of one tenant, whatever file of whom it is asked with.
func TestLinksOfAnotherTenant(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.clean("a.txt", "text/plain", text)
	stranger := x.signIn(x.World.Tenant("beta"))
	if _, err := x.tryLink(stranger, f.ID, ""); fault.CodeOf(err) != fault.NotFoundCode {
		t.Errorf("%v", err)
	}
	// Even with a link that this server signed for the other tenant and this file: there is none there.
	if a := x.do("GET", x.forge(stranger, f.ID), nil); a.reason() != "403 FORBIDDEN LINK_OUTDATED" && a.reason() != "404 NOT_FOUND NOT_FOUND" {
		t.Error(a.reason())
	}
	if len(x.told()) != 0 {
		t.Errorf("told %q", x.told())
	}
}

// The caller's rules are asked at the click, in a transaction of the one the link is for.
func TestClicksAreDecidedAnew(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.clean("a.txt", "text/plain", text)
	link := x.link(x.person, f.ID, "bor_1")
	var asked string
	x.deciding(func(_ context.Context, tx *tenancy.Tx, c Click) (Terms, error) {
		asked = fmt.Sprint(tx.Session().Tenant, tx.Session().Actor.Staff, tx.Session().Actor.Kind, c.Purpose, c.File.Name, c.File.State)
		return Terms{}, fault.Forbidden("BORROWING_ENDED", fault.Text{ZH: "借阅已结束", EN: "the borrowing has ended"}, "G04", fault.Text{})
	})
	a := x.do("GET", link, nil, "Accept-Language", "en")
	if a.reason() != "403 FORBIDDEN BORROWING_ENDED" || !bytes.Contains(a.body, []byte("the borrowing has ended")) || len(x.told()) != 0 {
		t.Errorf("%s %q", a.body, x.told())
	}
	if want := fmt.Sprint(tenancy.TenantID(x.ID), x.person.Staff, tenancy.StaffActor, "bor_1", "a.txt", Clean); asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	x.deciding(func(context.Context, *tenancy.Tx, Click) (Terms, error) {
		return Terms{}, errors.New("the rules are broken")
	})
	if a := x.do("GET", link, nil); a.reason() != "500 INTERNAL INTERNAL" || bytes.Contains(a.body, []byte("broken")) {
		t.Errorf("%s", a.body)
	}
	x.deciding(func(context.Context, *tenancy.Tx, Click) (Terms, error) { return Terms{Act: "print"}, nil })
	if a := x.do("GET", link, nil); a.status != 200 || len(x.told()) != 1 || !strings.HasPrefix(x.told()[0], "print ") {
		t.Errorf("%d %q", a.status, x.told())
	}
}

func TestBrowsersOfOtherOriginsAreToldNothing(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	preflight := func(origin, method, headers string) answer {
		return x.do(http.MethodOptions, pathOf(x.Nowhere), nil, "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	if a := preflight("https://app.example.com", "PUT", "authorization,upload-ticket"); a.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || a.status != 204 {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := preflight("https://evil.example.com", "PUT", "authorization,upload-ticket"); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}
