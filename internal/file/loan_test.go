package file_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/served"
	"github.com/clientele/clientele/internal/testkit/world"
)

// loan is the whole product with those who lend and borrow.
type loan struct {
	*world.Tenant
	t         *testing.T
	url       string
	tokens    map[string]string
	client    string
	originals []string
	borrowing string
	version   int
	services  *product.Services
}

func (l *loan) send(who, method, url string, body []byte, headers ...string) (int, []byte) {
	l.t.Helper()
	return served.Send(l.t, l.tokens[who], method, url, body, headers...)
}

// do carries out a mutation; what it gives is read at the dotted path. refused is the reason of the first refusal.
func (l *loan) do(who, mutation, input, selection, path string) (got, refused string) {
	l.t.Helper()
	body, err := json.Marshal(map[string]string{"query": fmt.Sprintf(`mutation { m: %s(input: {%s}, idempotencyKey: %q) { %s userErrors { code reason } } }`, mutation, input, l.Key(), selection)})
	if err != nil {
		l.t.Fatal(err)
	}
	status, text := l.send(who, http.MethodPost, l.url, body, "Content-Type", "application/json")
	var a struct {
		Data   struct{ M map[string]any }
		Errors []any
	}
	if err := json.Unmarshal(text, &a); err != nil || status != http.StatusOK || len(a.Errors) > 0 {
		l.t.Fatalf("%s: %d %s", mutation, status, text)
	}
	for _, e := range a.Data.M["userErrors"].([]any) {
		return "", e.(map[string]any)["reason"].(string)
	}
	var at any = a.Data.M
	for _, step := range strings.Split(path, ".") {
		at = at.(map[string]any)[step]
	}
	return fmt.Sprint(at), ""
}

func (l *loan) must(who, mutation, input, selection, path string) string {
	l.t.Helper()
	got, refused := l.do(who, mutation, input, selection, path)
	if refused != "" {
		l.t.Fatalf("%s: %s", mutation, refused)
	}
	return got
}

// moves takes the loan one step on.
func (l *loan) moves(who, mutation, state string) {
	l.t.Helper()
	l.version++
	if got := l.must(who, mutation, fmt.Sprintf(`borrowingId: %q, expectedVersion: "%d"`, l.borrowing, l.version), "borrowing { state }", "borrowing.state"); got != state {
		l.t.Fatalf("%s: %s", mutation, got)
	}
}

func (l *loan) origin() string { return strings.TrimSuffix(l.url, "/graphql") }

// file takes an original from its registration to its first version.
func (l *loan) file(name, media string, class int, body []byte) {
	l.t.Helper()
	const ticket = "original { id } ticket { fileId secret }"
	query := fmt.Sprintf(`clientId: %q, kind: CONTRACT, title: %q, fieldClass: %d, provenance: "客户", file: {name: %q, mediaType: %q, size: "%d", sha256: "%x"}`,
		l.client, name, class, name, media, len(body), sha256.Sum256(body))
	var made struct {
		Original struct{ ID string }
		Ticket   struct{ FileID, Secret string }
	}
	sent, err := json.Marshal(map[string]string{"query": fmt.Sprintf(`mutation { m: originalFile(input: {%s}, idempotencyKey: %q) { %s userErrors { reason } } }`, query, l.Key(), ticket)})
	if err != nil {
		l.t.Fatal(err)
	}
	_, text := l.send("keeper", http.MethodPost, l.url, sent, "Content-Type", "application/json")
	if err := json.Unmarshal(text, &struct{ Data struct{ M any } }{struct{ M any }{&made}}); err != nil || made.Ticket.Secret == "" {
		l.t.Fatalf("%v %s", err, text)
	}
	if status, text := l.send("keeper", http.MethodPut, l.origin()+"/files/"+made.Ticket.FileID, body, "Content-Type", media, file.TicketHeader, made.Ticket.Secret); status != http.StatusCreated {
		l.t.Fatal(status, string(text))
	}
	if err := l.services.File.ScanTenant(l.t.Context(), tenancy.TenantID(l.ID)); err != nil {
		l.t.Fatal(err)
	}
	l.must("keeper", "originalAddVersion", fmt.Sprintf(`originalId: %q, expectedVersion: "1", fileId: %q`, made.Original.ID, made.Ticket.FileID), "original { versionSeq }", "original.versionSeq")
	l.originals = append(l.originals, made.Original.ID)
}

// link opens an original for somebody.
func (l *loan) link(who, original string) string {
	l.t.Helper()
	return l.origin() + l.must(who, "originalOpen", fmt.Sprintf("originalId: %q", original), "link { path }", "link.path")
}

// What is borrowed goes the whole way over HTTP, and what leaves says who reads it and since when; the link is nobody else's, and at the
// due date nothing leaves any more, by time alone.
func TestABorrowerReadsMarkedCopiesUntilTheyAreDue(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	l := &loan{Tenant: w.Tenant("alpha"), t: t, tokens: map[string]string{}}
	l.url = served.StartWith(t, w, w.DB, product.Files{NoScan: true, Workshop: []string{"/proc/self/exe"}, Temp: t.TempDir()}, func(s *product.Services) { l.services = s })
	rep := l.Person(l.Department, "ka_sales_rep")
	people := map[string]world.Person{"rep": rep, "keeper": l.Person(l.Sibling, "archive_custodian"), "kam": l.Person(l.Department, "kam_manager"), "mate": l.Person(l.Department, "ka_sales_rep")}
	for who, p := range people {
		l.tokens[who], _ = served.SignIn(t, l.Tenant, p.Account)
	}
	r, err := archive.New(w.Runner).ClientOpen(t.Context(), rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: l.Department, Source: "展会"}, l.Key())
	if err != nil {
		t.Fatal(err)
	}
	l.client = id.Encode(id.Client, r.Subject.ID)
	paper, err := os.ReadFile(filepath.Join("testdata", "chromium.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	picture := file.PicturePNG(t, 600, 400)
	l.file("合同.pdf", "application/pdf", 5, paper)
	l.file("营业执照.png", "image/png", 4, picture)

	l.borrowing = l.must("rep", "borrowingRequest", fmt.Sprintf(`clientId: %q, originalIds: [%q, %q], purpose: "核对"`, l.client, l.originals[0], l.originals[1]), "borrowing { id }", "borrowing.id")
	l.moves("keeper", "borrowingEndorse", "REQUESTED")
	if _, refused := l.do("keeper", "borrowingHandOut", fmt.Sprintf(`borrowingId: %q, expectedVersion: "2"`, l.borrowing), "borrowing { state }", "borrowing.state"); refused != "BORROWING_STATE" {
		t.Errorf("L4 and above without the head: %q", refused)
	}
	l.moves("kam", "borrowingApprove", "APPROVED")
	l.moves("keeper", "borrowingHandOut", "OUT")

	lent := l.Text(`SELECT to_char(b.out_at AT TIME ZONE t.timezone, 'YYYY-MM-DD HH24:MI'), t.timezone FROM borrowings b JOIN tenants t USING (tenant_id) WHERE b.tenant_id = $1`)
	minute, zone, _ := strings.Cut(lent, "|")
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", minute, place)
	if err != nil {
		t.Fatal(err)
	}
	mark := file.Mark{Name: rep.Name, Reference: l.borrowing, At: at}
	get := func(who, link string) (int, []byte) { return l.send(who, http.MethodGet, link, nil) }
	for i, c := range []struct {
		media string
		body  []byte
	}{{"application/pdf", paper}, {"image/png", picture}} {
		link := l.link("rep", l.originals[i])
		status, got := get("", link)
		if status != http.StatusOK || bytes.Equal(got, c.body) {
			t.Fatalf("%s: %d %.200s", c.media, status, got)
		}
		if !bytes.Equal(got, file.MarkedFor(t, c.body, c.media, mark)) {
			t.Errorf("%s: not marked for %s at %s", c.media, mark.Name, minute)
		}
		for what, m := range map[string]file.Mark{
			"another name": {Name: people["mate"].Name, Reference: mark.Reference, At: at}, "another time": {Name: mark.Name, Reference: mark.Reference, At: at.Add(time.Minute)},
			"another loan": {Name: mark.Name, Reference: "bor_01h455vb4pex5vsknk084sn02q", At: at},
		} {
			if bytes.Equal(got, file.MarkedFor(t, c.body, c.media, m)) {
				t.Errorf("%s: the copy would be the same for %s", c.media, what)
			}
		}
		l.marked(c.media, got)
		if _, whole := get("", l.link("kam", l.originals[i])); !bytes.Equal(whole, c.body) {
			t.Errorf("%s: who holds the originals gets a marked copy", c.media)
		}
		if status, got := get("rep", link); status != http.StatusOK || len(got) == 0 {
			t.Errorf("%s: with his own credential: %d", c.media, status)
		}
		for _, who := range []string{"mate", "kam"} { // who may read it himself is no exception
			if status, got := get(who, link); status != http.StatusForbidden || !bytes.Contains(got, []byte("LINK_OF_ANOTHER")) {
				t.Errorf("%s: followed by %s: %d %.200s", c.media, who, status, got)
			}
		}
	}
	const openings = `SELECT actor_name, count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'opening' AND act = 'original' AND object_type = 'File' GROUP BY 1 ORDER BY 1`
	opened := l.Text(openings)
	if want := l.Text(`SELECT n, 2 FROM unnest($2::text[]) n WHERE $1::uuid IS NOT NULL ORDER BY 1`, []string{rep.Name, people["kam"].Name}); opened != want {
		t.Errorf("recorded openings: %s, want %s", opened, want)
	}
	if got := l.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'opening' AND object_type = 'File' AND actor_id = $2 AND detail->>'purpose' = $3`, rep.Account, l.borrowing); got != "2" {
		t.Errorf("%s openings name the loan", got)
	}
	if got := l.Text(`SELECT act, reason, count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal' AND object_type = 'File' GROUP BY 1, 2`); got != "file.open|LINK_OF_ANOTHER|4" {
		t.Errorf("recorded refusals: %s", got)
	}

	w.Clock.SetOffset(7*24*time.Hour - 20*time.Second)
	late := []string{l.link("rep", l.originals[0]), l.link("rep", l.originals[1])}
	if status, _ := get("", late[0]); status != http.StatusOK {
		t.Errorf("before it is due: %d", status)
	}
	opened = l.Text(openings)
	w.Clock.SetOffset(7*24*time.Hour + time.Second) // the links have a quarter of a minute left
	for _, link := range late {
		if status, got := get("", link); status != http.StatusForbidden || !bytes.Contains(got, []byte("OUT_OF_SCOPE")) {
			t.Errorf("past due: %d %.200s", status, got)
		}
	}
	for _, o := range l.originals {
		if _, refused := l.do("rep", "originalOpen", fmt.Sprintf("originalId: %q", o), "link { path }", "link.path"); refused != "OUT_OF_SCOPE" {
			t.Errorf("opened past due: %q", refused)
		}
	}
	if got := l.Text(openings); got != opened {
		t.Errorf("an opening past due is on record: %s, before %s", got, opened)
	}
	if got := l.Text(`SELECT state, version FROM borrowings WHERE tenant_id = $1`); got != "out|4" {
		t.Errorf("something ran: %s", got)
	}
}

// marked looks at the bytes themselves: red letters on a picture, two marks on every page.
func (l *loan) marked(media string, b []byte) {
	l.t.Helper()
	if media == "image/png" {
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			l.t.Fatal(err)
		}
		red := 0
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if r, g, _, _ := img.At(x, y).RGBA(); r > g+0x1800 {
					red++
				}
			}
		}
		if red < 2000 {
			l.t.Errorf("%d red points", red)
		}
		return
	}
	ctx, err := api.ReadValidateAndOptimize(bytes.NewReader(b), model.NewDefaultConfiguration())
	if err != nil {
		l.t.Fatal(err)
	}
	for page := 1; page <= ctx.PageCount; page++ {
		r, err := pdfcpu.ExtractPageContent(ctx, page)
		if err != nil {
			l.t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || bytes.Count(content, []byte("/Watermark")) != 2 {
			l.t.Errorf("page %d: %d marks, %v", page, bytes.Count(content, []byte("/Watermark")), err)
		}
	}
}
