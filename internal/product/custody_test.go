package product_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	running "github.com/clientele/clientele/internal/testkit/served"
	"github.com/clientele/clientele/internal/testkit/world"
)

// lending is the served product with a client and those who lend and borrow.
type lending struct {
	*world.Tenant
	t      *testing.T
	url    string
	client string
	tokens map[string]string
}

func (l *lending) ask(who, query string, args ...any) (data map[string]any, masked string) {
	l.t.Helper()
	body, err := json.Marshal(map[string]string{"query": fmt.Sprintf(query, args...)})
	if err != nil {
		l.t.Fatal(err)
	}
	_, text := l.send(who, http.MethodPost, l.url, body, "Content-Type", "application/json")
	var a struct {
		Data       map[string]any
		Errors     []any
		Extensions struct{ Masked json.RawMessage }
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || len(a.Errors) > 0 {
		l.t.Fatalf("%s: %s", query, text)
	}
	return a.Data, string(a.Extensions.Masked)
}

func (l *lending) send(who, method, url string, body []byte, headers ...string) (int, string) {
	l.t.Helper()
	status, answer := running.Send(l.t, l.tokens[who], method, url, body, append([]string{"Accept-Language", "en"}, headers...)...)
	return status, string(answer)
}

// do carries out a mutation and gives its payload, with the refusals' reasons as the second.
func (l *lending) do(who, name, input, selection string) (payload map[string]any, refused string) {
	l.t.Helper()
	data, _ := l.ask(who, `mutation { m: %s(input: {%s}, idempotencyKey: %q) { %s userErrors { code reason } } }`, name, input, l.Key(), selection)
	payload = data["m"].(map[string]any)
	for _, e := range payload["userErrors"].([]any) {
		refused += fmt.Sprint(e.(map[string]any)["code"], " ", e.(map[string]any)["reason"])
	}
	return payload, refused
}

func (l *lending) must(who, name, input, selection string) map[string]any {
	l.t.Helper()
	p, refused := l.do(who, name, input, selection)
	if refused != "" {
		l.t.Fatalf("%s: %s", name, refused)
	}
	return p
}

func at(v any, path ...string) any {
	for _, step := range path {
		v = v.(map[string]any)[step]
	}
	return v
}

// A loan from outside: the file goes up, is borrowed, read while it lasts, and is not read at the next request after it was due, by field or by
// link, though nothing ran in between.
func TestALoanOverHTTP(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	l := &lending{Tenant: w.Tenant("alpha"), t: t, url: running.Start(t, w, w.DB), tokens: map[string]string{}}
	rep := l.Person(l.Department, "ka_sales_rep")
	for who, p := range map[string]world.Person{"rep": rep, "keeper": l.Person(l.Sibling, "archive_custodian"), "kam": l.Person(l.Department, "kam_manager"), "reader": l.Person(l.Sibling, "list_reader")} {
		l.tokens[who], _ = running.SignIn(t, l.Tenant, p.Account)
	}
	r, err := archive.New(w.Runner).ClientOpen(t.Context(), rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: l.Department, Source: "展会"}, l.Key())
	if err != nil {
		t.Fatal(err)
	}
	l.client = id.Encode(id.Client, r.Subject.ID)

	content := []byte("原件正文\n第二行\n")
	hash := sha256.Sum256(content)
	filed := l.must("keeper", "originalFile", fmt.Sprintf(`clientId: %q, kind: CONTRACT, title: "备忘录", fieldClass: 3, provenance: "客户", file: {name: "a.txt", mediaType: "text/plain", size: "%d", sha256: "%x"}`, l.client, len(content), hash),
		`original { id versionSeq } ticket { fileId secret }`)
	original, file := at(filed, "original", "id").(string), at(filed, "ticket", "fileId").(string)
	origin := strings.TrimSuffix(l.url, "/graphql")
	if status, text := l.send("keeper", http.MethodPut, origin+"/files/"+file, content, "Content-Type", "text/plain", "Upload-Ticket", at(filed, "ticket", "secret").(string)); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	if _, refused := l.do("keeper", "originalAddVersion", fmt.Sprintf(`originalId: %q, expectedVersion: "1", fileId: %q`, original, file), "original { id }"); refused != "INVALID_STATE FILE_NOT_CLEAN" {
		t.Error(refused)
	}
	fileID, err := id.Parse(id.File, file)
	if err != nil {
		t.Fatal(err)
	}
	l.Exec(`UPDATE files SET state = 'clean', version = version + 1 WHERE tenant_id = $1 AND id = $2`, fileID)
	l.must("keeper", "originalAddVersion", fmt.Sprintf(`originalId: %q, expectedVersion: "1", fileId: %q`, original, file), "original { versionSeq }")

	shown := func(who string) (hash any, masked string) {
		data, masked := l.ask(who, `{ original(id: %q) { title versions { nodes { seq contentHash } } } }`, original)
		if data["original"] == nil {
			return "absent", masked
		}
		return at(at(data, "original", "versions").(map[string]any)["nodes"].([]any)[0], "contentHash"), masked
	}
	open := func(who string) (string, string) {
		p, refused := l.do(who, "originalOpen", fmt.Sprintf("originalId: %q", original), "link { path }")
		if p["link"] == nil {
			return "", refused
		}
		return at(p, "link", "path").(string), refused
	}
	expect := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	sum := hex.EncodeToString(hash[:])
	got, masked := shown("rep")
	expect("the register is there, its content is not", got, nil)
	expect("and says why", strings.Contains(masked, "contentHash") && strings.Contains(masked, "OUT_OF_SCOPE"), true)
	got, _ = shown("reader")
	expect("who sees the list", got, "absent")
	got, _ = shown("kam")
	expect("who holds the originals", got, sum)
	_, refused := open("rep")
	expect("opened unborrowed", refused, "FORBIDDEN OUT_OF_SCOPE")

	loan := at(l.must("rep", "borrowingRequest", fmt.Sprintf(`clientId: %q, originalIds: [%q], purpose: "核对"`, l.client, original), "borrowing { id }"), "borrowing", "id")
	waiting := func(who string) int {
		data, _ := l.ask(who, `{ approvalSteps(mine: true) { nodes { key state borrowing { id } accessRequest { id } } } }`)
		return len(at(data, "approvalSteps", "nodes").([]any))
	}
	for who, n := range map[string]int{"keeper": 1, "kam": 1, "rep": 0, "reader": 0} {
		expect("steps that wait for the "+who, waiting(who), n)
	}
	l.must("keeper", "borrowingEndorse", fmt.Sprintf(`borrowingId: %q, expectedVersion: "1"`, loan), "borrowing { state }")
	expect("steps left", waiting("kam"), 0)
	out := l.must("keeper", "borrowingHandOut", fmt.Sprintf(`borrowingId: %q, expectedVersion: "2"`, loan), "borrowing { state items { nodes { original { title state } validFrom } } steps { nodes { key decidedBy { name } } } }")
	expect("state", at(out, "borrowing", "state"), "OUT")
	got, _ = shown("rep")
	expect("borrowed", got, sum)
	path, refused := open("rep")
	expect("opened", refused, "")
	status, text := l.send("", http.MethodGet, origin+path, nil)
	expect("followed", fmt.Sprint(status, text == string(content)), "200 true")
	expect("openings on record", l.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND (act = 'original.open' AND kind = 'change' OR object_type = 'File' AND kind = 'opening')`), "2")

	fresh, _ := open("rep")
	w.Clock.SetOffset(7*24*time.Hour - 30*time.Second) // the link has half a minute left, and so has the loan
	again, refused := open("rep")
	expect("before it is due", refused, "")
	w.Clock.SetOffset(7 * 24 * time.Hour)
	got, masked = shown("rep")
	expect("past due", got, nil)
	expect("past due, and says why", strings.Contains(masked, "OUT_OF_SCOPE"), true)
	_, refused = open("rep")
	expect("opened past due", refused, "FORBIDDEN OUT_OF_SCOPE")
	for _, p := range []string{fresh, again} {
		status, text = l.send("", http.MethodGet, origin+p, nil)
		expect("followed past due", fmt.Sprint(status, strings.Contains(text, string(content))), "403 false")
	}
	expect("nobody has touched the loan", l.Text(`SELECT state, version FROM borrowings WHERE tenant_id = $1`), "out|3")
	then, _ := l.ask("kam", `{ borrowing(id: %q, asOf: %q) { state } }`, loan, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	expect("an hour ago there was none", then["borrowing"], nil)
}
