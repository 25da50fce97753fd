package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/fault"
)

var text = []byte("会议纪要 minutes of the meeting\n")

func TestUploadIsReceivedScannedAndServed(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("纪要.txt", "text/plain", text)
	if !strings.HasPrefix(secret, "clu_") || len(secret) != 44 {
		t.Errorf("secret %q", secret)
	}
	if stored := x.Text(`SELECT octet_length(ticket_hash), ticket_until - created_at FROM files WHERE tenant_id = $1 AND id = $2`, f.ID); !strings.HasPrefix(stored, "32|") {
		t.Error(stored)
	}
	if _, err := x.tryLink(x.person, f.ID, ""); reasonIn(err) != "INVALID_STATE FILE_NOT_RECEIVED" {
		t.Error(err)
	}
	a := x.put(x.person, f.ID, secret, text)
	want := fmt.Sprintf(`{"file":{"id":"%s","name":"纪要.txt","mediaType":"text/plain","size":%d,"sha256":"%s","state":"QUARANTINED"}}`+"\n", strings.TrimPrefix(pathOf(f.ID), "/files/"), len(text), f.Hash())
	if a.status != http.StatusCreated || string(a.body) != want {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := x.blobs(); got != x.ID.String()+"/"+f.ID.String() {
		t.Errorf("the store has %q", got)
	}
	if _, err := x.tryLink(x.person, f.ID, ""); reasonIn(err) != "INVALID_STATE FILE_NOT_SCANNED" {
		t.Error(err)
	}
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "clean|-|3" {
		t.Error(got)
	}
	a = x.do(http.MethodGet, x.link(x.person, f.ID, "bor_1"), nil)
	if a.status != http.StatusOK || !bytes.Equal(a.body, text) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	events := x.Text(`SELECT type, actor_kind FROM events WHERE tenant_id = $1 ORDER BY seq`)
	if events != "test.ticket.v1|staff;file.received.v1|staff;file.scanned.v1|system" {
		t.Error(events)
	}
	if audits := x.Text(`SELECT act, actor_kind, actor_name FROM audit_records WHERE tenant_id = $1 AND object_id = $2 ORDER BY occurred_at, id`, f.ID); audits != "test.ticket|staff|员工1;file.receive|staff|员工1;file.scan|system|files" {
		t.Error(audits)
	}
}

func reasonIn(err error) string {
	list, ok := fault.As(err)
	if !ok {
		return fmt.Sprint(err)
	}
	return string(list[0].Code) + " " + list[0].Reason
}

// Every refusal is typed, and leaves neither bytes nor a changed row; the ticket is still good afterwards.
func TestUploadsThatAreRefusedLeaveNothing(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	other := x.World.Tenant("beta")
	stranger, colleague := x.signIn(other), x.signIn(x.Tenant)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	before := x.row(f.ID)
	flipped := bytes.Replace(text, []byte("minutes"), []byte("minutez"), 1)
	pdf, pdfSecret := x.mustTicket("a.pdf", "application/pdf", []byte("no paper at all"))
	binary, binarySecret := x.mustTicket("b.txt", "text/plain", []byte("text\x00with a zero"))
	for _, c := range []struct {
		what string
		got  answer
		want string
	}{
		{"another hash", x.put(x.person, f.ID, secret, flipped), "400 INVALID_INPUT FILE_HASH_MISMATCH"},
		{"shorter", x.put(x.person, f.ID, secret, text[:10]), "400 INVALID_INPUT FILE_SIZE_MISMATCH"},
		{"longer", x.put(x.person, f.ID, secret, append(bytes.Clone(text), 'x')), "400 INVALID_INPUT FILE_SIZE_MISMATCH"},
		{"empty", x.put(x.person, f.ID, secret, nil), "400 INVALID_INPUT FILE_SIZE_MISMATCH"},
		{"no PDF", x.put(x.person, pdf.ID, pdfSecret, []byte("no paper at all")), "400 INVALID_INPUT FILE_TYPE_MISMATCH"},
		{"no text", x.put(x.person, binary.ID, binarySecret, []byte("text\x00with a zero")), "400 INVALID_INPUT FILE_TYPE_MISMATCH"},
		{"another secret", x.put(x.person, f.ID, secret[:43]+"x", text), "403 FORBIDDEN UPLOAD_TICKET"},
		{"no secret", x.put(x.person, f.ID, "", text), "403 FORBIDDEN UPLOAD_TICKET"},
		{"another file's secret", x.put(x.person, f.ID, pdfSecret, text), "403 FORBIDDEN UPLOAD_TICKET"},
		{"a colleague", x.put(colleague, f.ID, secret, text), "403 FORBIDDEN UPLOAD_TICKET"},
		{"another tenant", x.put(stranger, f.ID, secret, text), "404 NOT_FOUND NOT_FOUND"},
		{"no such file", x.put(x.person, x.Nowhere, secret, text), "404 NOT_FOUND NOT_FOUND"},
		{"no id", x.do("PUT", "/files/..%2f..%2fetc%2fpasswd", bytes.NewReader(text), "Authorization", "Bearer "+x.person.token, TicketHeader, secret), "404 NOT_FOUND NOT_FOUND"},
		{"nobody", x.do("PUT", pathOf(f.ID), bytes.NewReader(text), TicketHeader, secret), "401 UNAUTHENTICATED UNAUTHENTICATED"},
		{"ticket as the bearer", x.do("PUT", pathOf(f.ID), bytes.NewReader(text), "Authorization", "Bearer "+secret), "401 UNAUTHENTICATED UNAUTHENTICATED"},
		{"ticket in the URL", x.do("PUT", pathOf(f.ID)+"?ticket="+secret, bytes.NewReader(text), "Authorization", "Bearer "+x.person.token, TicketHeader, secret), "400 INVALID_INPUT CREDENTIAL_IN_URL"},
		{"a form", x.put(x.person, f.ID, secret, text, "Content-Type", "multipart/form-data; boundary=x"), "415 INVALID_INPUT UNSUPPORTED_MEDIA_TYPE"},
		{"compressed", x.put(x.person, f.ID, secret, text, "Content-Encoding", "gzip"), "415 INVALID_INPUT UNSUPPORTED_MEDIA_TYPE"},
		{"without a length", x.do("PUT", pathOf(f.ID), io.MultiReader(bytes.NewReader(text)), "Authorization", "Bearer "+x.person.token, TicketHeader, secret), "411 INVALID_INPUT LENGTH_REQUIRED"},
	} {
		if c.got.reason() != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.what, c.got.reason(), c.want, c.got.body)
		}
	}
	if after := x.row(f.ID); after != before || x.blobs() != "" {
		t.Errorf("left behind: %s, %q", after, x.blobs())
	}
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusCreated {
		t.Errorf("the ticket is no longer good: %s", a.body)
	}
	if a := x.put(x.person, f.ID, secret, text); a.reason() != "409 INVALID_STATE UPLOAD_TICKET_USED" {
		t.Errorf("a second use: %s", a.reason())
	}
}

func TestTicketRunsOut(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	x.Clock.SetOffset(10*time.Minute - 5*time.Second)
	if a := x.put(x.person, f.ID, secret, text[:5]); a.reason() != "400 INVALID_INPUT FILE_SIZE_MISMATCH" {
		t.Error(a.reason())
	}
	x.Clock.SetOffset(10 * time.Minute)
	if a := x.put(x.person, f.ID, secret, text); a.reason() != "403 FORBIDDEN UPLOAD_TICKET" {
		t.Error(a.reason())
	}
}

func TestRevokedSessionUploadsNothing(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	x.Exec(`UPDATE sessions SET revoked_at = now() WHERE tenant_id = $1 AND id = $2`, x.person.credential)
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusUnauthorized || x.blobs() != "" {
		t.Errorf("%d %q", a.status, x.blobs())
	}
}

// The session ends while the bytes come in: what was received is taken away again.
func TestSessionRevokedDuringAnUpload(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	body := &hooked{Reader: bytes.NewReader(text), before: func() {
		x.Exec(`UPDATE sessions SET revoked_at = now() WHERE tenant_id = $1 AND id = $2`, x.person.credential)
	}}
	_, err := x.s.Receive(t.Context(), x.person.Session, f.ID, secret, body, int64(len(text)))
	if fault.CodeOf(err) != fault.Unauthenticated || x.blobs() != "" || x.row(f.ID) != "awaiting|-|1" {
		t.Errorf("%v %q %s", err, x.blobs(), x.row(f.ID))
	}
}

// hooked does something before its first byte.
type hooked struct {
	io.Reader
	once   sync.Once
	before func()
}

func (h *hooked) Read(p []byte) (int, error) {
	h.once.Do(h.before)
	return h.Reader.Read(p)
}

func TestOneOfManyUploadsWins(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	body := bytes.Repeat(text, 10_000)
	f, secret := x.mustTicket("a.txt", "text/plain", body)
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a := x.put(x.person, f.ID, secret, body)
			mu.Lock()
			defer mu.Unlock()
			got[fmt.Sprint(a.status)+" "+strings.TrimPrefix(a.reason(), "409 ")]++
		})
	}
	all.Wait()
	if got["201 201"] != 1 || got["409 INVALID_STATE UPLOAD_TICKET_USED"] != 7 {
		t.Errorf("%v", got)
	}
	if ok, err := x.s.Verify(t.Context(), f); !ok || err != nil || x.row(f.ID) != "quarantined|-|2" {
		t.Errorf("%v %v %s", ok, err, x.row(f.ID))
	}
}

// Between the bytes and the row a process may die: the next upload of the same bytes takes over what is there.
func TestUploadAfterACrash(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	must(t, x.s.store.Put(t.Context(), f.key(), bytes.NewReader(text), f.Size))
	if a := x.put(x.person, f.ID, secret, bytes.Replace(text, []byte("m"), []byte("n"), 1)); a.reason() != "400 INVALID_INPUT FILE_HASH_MISMATCH" {
		t.Errorf("other bytes: %s", a.reason())
	}
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusCreated || x.row(f.ID) != "quarantined|-|2" {
		t.Errorf("%s %s", a.body, x.row(f.ID))
	}
}

// A client that stops, or trickles, or goes away keeps nothing and no place.
func TestSlowAndBrokenClients(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Limits = Limits{Idle: 300 * time.Millisecond, Rate: 1 << 20} })
	body := bytes.Repeat(text, 1000)
	f, secret := x.mustTicket("a.txt", "text/plain", body)
	begin := func(send int) (net.Conn, *bufio.Reader) { return x.begin(f, secret, body, send) }
	_, stopped := begin(100)
	resp, err := http.ReadResponse(stopped, nil)
	must(t, err)
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(b), "UPLOAD_TOO_SLOW") {
		t.Errorf("stopped: %d %s", resp.StatusCode, b)
	}
	trickling, answers := begin(0)
	go func() {
		for i := 0; ; i++ {
			if _, err := trickling.Write(body[i : i+1]); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	if resp, err = http.ReadResponse(answers, nil); err != nil || resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("trickling: %v %v", resp, err)
	}
	_ = trickling.Close()
	gone, _ := begin(100)
	_ = gone.Close()
	until(t, "places are free and nothing is left", func() bool { return len(x.s.uploads) == 0 && x.blobs() == "" })
	if a := x.put(x.person, f.ID, secret, body); a.status != http.StatusCreated {
		t.Errorf("afterwards: %s", a.body)
	}
}

// begin sends the head of an upload and the first bytes of its body.
func (x *fixture) begin(f File, secret string, body []byte, send int) (net.Conn, *bufio.Reader) {
	x.t.Helper()
	conn, err := net.Dial("tcp", x.server.Listener.Addr().String())
	must(x.t, err)
	x.t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n", pathOf(f.ID), x.person.token, TicketHeader, secret, len(body))
	_, err = conn.Write(body[:send])
	must(x.t, err)
	return conn, bufio.NewReader(conn)
}

func TestPlacesForUploadsAreCounted(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Limits = Limits{Uploads: 2} })
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	first, _ := x.begin(f, secret, text, 10)
	second, _ := x.begin(f, secret, text, 10)
	until(t, "two are at it", func() bool { return len(x.s.uploads) == 2 })
	if a := x.put(x.person, f.ID, secret, text); a.reason() != "429 RATE_LIMITED UPLOADS" || a.header.Get("Retry-After") != "5" {
		t.Errorf("a third one: %s", a.reason())
	}
	_, _ = first.Close(), second.Close()
	until(t, "places are free and nothing is left", func() bool { return len(x.s.uploads) == 0 && x.blobs() == "" })
	if a := x.put(x.person, f.ID, secret, text); a.status != http.StatusCreated {
		t.Errorf("afterwards: %s", a.body)
	}
}

// A body that is far too long is refused before it is read.
func TestOversizedBodyIsNotRead(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	conn, err := net.Dial("tcp", x.server.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s: %s\r\nContent-Length: 1099511627776\r\nExpect: 100-continue\r\n\r\n", pathOf(f.ID), x.person.token, TicketHeader, secret)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), "FILE_SIZE_MISMATCH") {
		t.Errorf("%d %s", resp.StatusCode, b)
	}
}

// full is a store without room.
type full struct{ blob.Store }

func (full) Put(context.Context, string, io.Reader, int64) error {
	return fmt.Errorf("%w: %w", blob.ErrFull, errors.New("ENOSPC"))
}

func TestFullStoreIsSaid(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Store = full{c.Store} })
	f, secret := x.mustTicket("a.txt", "text/plain", text)
	if a := x.put(x.person, f.ID, secret, text); a.reason() != "507 UNAVAILABLE STORAGE_FULL" || x.row(f.ID) != "awaiting|-|1" {
		t.Errorf("%s %s", a.reason(), x.row(f.ID))
	}
}

func TestWhatMayBeWanted(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Limits.Size = 1000 })
	good := wantOf("a.txt", "text/plain", text)
	change := func(f func(*Want)) Want { w := good; f(&w); return w }
	for _, c := range []struct {
		want Want
		says string
	}{
		{good, ""},
		{change(func(w *Want) { w.Size = 1000 }), ""},
		{change(func(w *Want) { w.SHA256 = strings.ToUpper(w.SHA256) }), ""},
		{change(func(w *Want) { w.Size = 1001 }), "input.file.size FILE_SIZE"},
		{change(func(w *Want) { w.Size = 0 }), "input.file.size FILE_SIZE"},
		{change(func(w *Want) { w.Size = -1 }), "input.file.size FILE_SIZE"},
		{change(func(w *Want) { w.SHA256 = "" }), "input.file.sha256 FILE_HASH"},
		{change(func(w *Want) { w.SHA256 = w.SHA256[2:] }), "input.file.sha256 FILE_HASH"},
		{change(func(w *Want) { w.SHA256 = strings.Repeat("x", 64) }), "input.file.sha256 FILE_HASH"},
		{change(func(w *Want) { w.MediaType = "text/html" }), "input.file.mediaType UNSUPPORTED_MEDIA_TYPE"},
		{change(func(w *Want) { w.MediaType = "image/svg+xml" }), "input.file.mediaType UNSUPPORTED_MEDIA_TYPE"},
		{change(func(w *Want) { w.MediaType = "application/zip" }), "input.file.mediaType UNSUPPORTED_MEDIA_TYPE"},
		{change(func(w *Want) { w.MediaType = "" }), "input.file.mediaType UNSUPPORTED_MEDIA_TYPE"},
		{Want{}, "input.file.name FILE_NAME_EMPTY; input.file.mediaType UNSUPPORTED_MEDIA_TYPE; input.file.size FILE_SIZE; input.file.sha256 FILE_HASH"},
	} {
		list, _ := fault.As(x.s.Validate(c.want, "input.file"))
		var says []string
		for _, e := range list {
			says = append(says, e.Field+" "+e.Reason)
		}
		if got := strings.Join(says, "; "); got != c.says {
			t.Errorf("%+v: %q, want %q", c.want, got, c.says)
		}
	}
	if _, _, err := x.ticket(x.person, Want{}); fault.CodeOf(err) != fault.InvalidInput || x.Text(`SELECT count(*) FROM files WHERE tenant_id = $1`) != "0" {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"合同.pdf": "合同.pdf", " a b.pdf ": "a b.pdf", "../../etc/passwd": "passwd", `C:\Users\x\a.pdf`: "a.pdf", "/a.pdf": "a.pdf", "a/../b.pdf": "b.pdf",
		"..": "FILE_NAME_EMPTY", ".": "FILE_NAME_EMPTY", "": "FILE_NAME_EMPTY", "a/": "FILE_NAME_EMPTY", "  ": "FILE_NAME_EMPTY",
		"a\x00.pdf": "FILE_NAME_CHARACTERS", "a\n.pdf": "FILE_NAME_CHARACTERS", "a\r\nSet-Cookie: x": "FILE_NAME_CHARACTERS", "a\u202efdp.exe": "FILE_NAME_CHARACTERS", "a\u2066b": "FILE_NAME_CHARACTERS",
		"a\u200fb": "FILE_NAME_CHARACTERS", "a\u2028b": "FILE_NAME_CHARACTERS", "\xff.pdf": "FILE_NAME_CHARACTERS", "a\u0085b": "FILE_NAME_CHARACTERS", "a\ufeffb": "FILE_NAME_CHARACTERS",
		strings.Repeat("字", 200): strings.Repeat("字", 200), strings.Repeat("字", 201): "FILE_NAME_LENGTH", "e\u0301.txt": "é.txt",
	} {
		got, bad := cleanName(in)
		if bad != nil {
			got = bad.Reason
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
