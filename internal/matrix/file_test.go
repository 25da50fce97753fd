package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// Bytes have two ways beside GraphQL: in by a ticket, out by a link.

// answered is what came back over HTTP.
type answered struct {
	status int
	text   string
}

// over sends a request to a path below the API's address.
func (x *town) over(method, path, token string, headers map[string]string, body []byte) answered {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), method, strings.TrimSuffix(x.url, "/graphql")+path, bytes.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return answered{res.StatusCode, string(text)}
}

// stored is a file whose bytes are kept, and what they are.
type stored struct {
	file uuid.UUID
	text string
}

// upload sends a text by a ticket that the custodian was given.
func (x *town) upload(custodian *person) (s stored, gid, secret string) {
	x.t.Helper()
	s.text = "the content is " + x.mark()
	sum := sha256.Sum256([]byte(s.text))
	a, err := x.ask(custodian, fmt.Sprintf(`mutation { m: originalUpload(input: {originalId: %q, file: {name: "a.txt", mediaType: "text/plain", size: "%d", sha256: "%s"}}, idempotencyKey: %q)
		{ ticket { fileId secret } userErrors { code reason } } }`, x.gid("Original", x.originals["elsewhere"]), len(s.text), hex.EncodeToString(sum[:]), x.Key()), nil)
	if err != nil {
		x.t.Fatal(err)
	}
	ticket, ok := a.data["m"].(map[string]any)["ticket"].(map[string]any)
	if !ok {
		x.t.Fatalf("no ticket: %s", a.text)
	}
	gid, secret = ticket["fileId"].(string), ticket["secret"].(string)
	if s.file, err = id.Parse(id.File, gid); err != nil {
		x.t.Fatal(err)
	}
	return s, gid, secret
}

// keep makes what was uploaded the first version of an original, as if it had been scanned and filed.
func (x *town) keep(s stored, original uuid.UUID) {
	x.Exec(`UPDATE files SET state = 'clean', scanned_at = now(), original_id = $3, version = version + 1 WHERE tenant_id = $1 AND id = $2`, s.file, original)
	x.Exec(`UPDATE original_versions SET file_id = $3 WHERE tenant_id = $1 AND original_id = $2 AND seq = 1`, original, s.file)
}

// ticketsAreOfOne: whoever got hold of somebody's ticket sends nothing by it, and is told nothing of the file.
func (x *town) ticketsAreOfOne(t *testing.T) {
	t.Helper()
	custodian := x.somebody("archive_custodian")
	s, gid, secret := x.upload(custodian)
	refusals := 0
	for _, p := range x.people {
		if p == custodian {
			continue
		}
		got := x.over(http.MethodPut, "/files/"+gid, p.token, map[string]string{"Upload-Ticket": secret, "Content-Type": "text/plain"}, []byte(s.text))
		if got.status != http.StatusForbidden && got.status != http.StatusNotFound || strings.Contains(got.text, "a.txt") {
			t.Errorf("%s sent a file by another's ticket: %+v", p.role, got)
		}
		refusals++
	}
	if got := x.over(http.MethodPut, "/files/"+gid, "", map[string]string{"Upload-Ticket": secret}, []byte(s.text)); got.status != http.StatusUnauthorized {
		t.Errorf("nobody sent a file: %+v", got)
	}
	if got := x.over(http.MethodPut, "/files/"+gid, custodian.token, map[string]string{"Upload-Ticket": "clu_" + strings.Repeat("0", 40)}, []byte(s.text)); got.status != http.StatusForbidden {
		t.Errorf("a ticket that never was: %+v", got)
	}
	if state := x.Text(`SELECT state FROM files WHERE tenant_id = $1 AND id = $2`, s.file); state != "awaiting" {
		t.Errorf("what was refused left the file %s", state)
	}
	if got := x.over(http.MethodPut, "/files/"+gid, custodian.token, map[string]string{"Upload-Ticket": secret, "Content-Type": "text/plain"}, []byte(s.text)); got.status != http.StatusCreated {
		t.Errorf("his own ticket: %+v", got)
	}
	t.Logf("%d people sent nothing by another's ticket", refusals)
}

// opened are the originals that everybody tries to open, beside what was lent to him. The current version of department L6 is in quarantine.
func opened() []string {
	return []string{"department L7", "department L6", "section below L6", "company L6", "company KEY L6", "company KEY L7", "elsewhere L6", "elsewhere L7", "elsewhere KEY L6", "elsewhere KEY L7"}
}

// fillStore keeps bytes for what is tried to be opened.
func (x *town) fillStore() map[uuid.UUID]stored {
	custodian, out := x.somebody("archive_custodian"), map[uuid.UUID]stored{}
	names := opened()
	for _, p := range x.people {
		names = append(names, "held by "+p.role)
	}
	for _, name := range names {
		s, gid, secret := x.upload(custodian)
		got := x.over(http.MethodPut, "/files/"+gid, custodian.token, map[string]string{"Upload-Ticket": secret, "Content-Type": "text/plain"}, []byte(s.text))
		if got.status != http.StatusCreated {
			x.t.Fatalf("%+v", got)
		}
		x.keep(s, x.originals[name])
		out[x.originals[name]] = s
	}
	return out
}

// bytesOut tries to open everything that one person might, follows the links that he gets, and again after what was lent to him ended.
func (j *judge) bytesOut(kept map[uuid.UUID]stored, counts map[string]int) {
	names := append(opened(), "held by "+j.who.role, "overdue of "+j.who.role, j.lender(j.who))
	for part := range slices.Chunk(names, 7) {
		j.open(part, kept, counts)
	}
}

func (j *judge) open(names []string, kept map[uuid.UUID]stored, counts map[string]int) {
	content := question{policy.OriginalContent, policy.Reveal}
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, "m%d: originalOpen(input: {originalId: %q}, idempotencyKey: %q) { original { id } link { path } userErrors { code reason } } ", i, j.gid("Original", j.originals[name]), j.Key())
	}
	a, err := j.ask(j.who, "mutation { "+b.String()+"}", nil)
	if err != nil || len(a.errors) > 0 {
		j.fail("%s opens: %v %.300s", j.who.role, err, a.text)
		return
	}
	for i, name := range names {
		row := j.row("Original", j.originals[name])
		answer := a.data[fmt.Sprintf("m%d", i)].(map[string]any)
		path := ""
		if link, ok := answer["link"].(map[string]any); ok {
			path = link["path"].(string)
		}
		code, reason := "", ""
		if errs := answer["userErrors"].([]any); len(errs) > 0 {
			code, reason = fmt.Sprint(errs[0].(map[string]any)["code"]), fmt.Sprint(errs[0].(map[string]any)["reason"])
		}
		want := "done"
		s, isKept := kept[j.originals[name]]
		switch {
		case !j.sees(row):
			want = "NOT_FOUND"
		case !j.sheet.may(content, j.who, row.facts):
			want = "FORBIDDEN"
		case name == "department L6":
			want = "INVALID_STATE FILE_NOT_SCANNED"
		case !isKept: // whatever else stands in the way
			counts["not kept"]++
			if code == "NOT_FOUND" || code == "FORBIDDEN" {
				j.fail("%s opens %s: refused, the sheets say that he may", j.who.role, name)
			}
			continue
		}
		got := strings.TrimSpace(code + " " + reason)
		if code == "" {
			got = "done"
		}
		if !strings.HasPrefix(got, want) || (path != "") != (want == "done") {
			j.fail("%s opens %s: answered %q, want %q", j.who.role, name, got, want)
			continue
		}
		counts[strings.Fields(want)[0]]++
		if want == "done" {
			j.follow(name, row, path, s.text, counts)
		}
	}
}

// follow follows a link. What leaves for a borrower carries his name, from L4 on or not at all: nothing can be marked here.
func (j *judge) follow(name string, row *placed, path, text string, counts map[string]int) {
	byRole := *row.facts
	byRole.holder = uuid.Nil
	lent := !j.sheet.may(question{policy.OriginalContent, policy.Reveal}, j.who, &byRole)
	got := j.over(http.MethodGet, path, "", nil, nil)
	switch {
	case lent && row.facts.class >= 4:
		if got.status != http.StatusForbidden || strings.Contains(got.text, text) {
			j.fail("%s follows the link to %s, which is lent: %+v", j.who.role, name, got)
		}
		counts["unmarkable"]++
	case got.status != http.StatusOK || got.text != text:
		j.fail("%s follows the link to %s: %+v, want the bytes", j.who.role, name, got)
	default:
		counts["bytes"]++
	}
	if !lent {
		return
	}
	// The link is as good as the loan.
	j.Exec(`UPDATE borrowing_items SET ended_at = now() WHERE tenant_id = $1 AND borrowing_id = $2`, j.loans[name])
	got = j.over(http.MethodGet, path, "", nil, nil)
	j.Exec(`UPDATE borrowing_items SET ended_at = NULL WHERE tenant_id = $1 AND borrowing_id = $2`, j.loans[name])
	want := http.StatusNotFound
	if j.sheet.may(question{policy.OnOriginal, policy.Read}, j.who, &byRole) {
		want = http.StatusForbidden
	}
	if got.status != want || strings.Contains(got.text, text) {
		j.fail("%s follows the link to %s after the loan: %+v, want %d", j.who.role, name, got, want)
	}
	counts["after the loan"]++
}

// bytesAreOfTheSheets holds every way of bytes to the sheets, for everybody, and sees that a wrong sheet is noticed.
func (x *town) bytesAreOfTheSheets(t *testing.T, s sheet) {
	t.Helper()
	x.ticketsAreOfOne(t)
	kept, counts := x.fillStore(), map[string]int{}
	for _, p := range x.people {
		j := x.judge(s, p)
		j.bytesOut(kept, counts)
		for _, f := range j.faults {
			t.Error(f)
		}
	}
	t.Logf("originals opened by %d roles: %v", len(x.people), counts)
	for _, way := range []string{"done", "NOT_FOUND", "FORBIDDEN", "INVALID_STATE", "bytes", "unmarkable", "after the loan"} {
		if counts[way] == 0 {
			t.Errorf("no original was answered %q", way)
		}
	}
	content := question{policy.OriginalContent, policy.Reveal}
	for _, wrong := range []struct {
		role string
		ways []alternative
	}{
		{"list_reader", nil},
		{"list_reader", []alternative{{scope: "TENANT"}}},
		{"sales_manager", []alternative{{scope: "GRANTED"}, {scope: "COMPANY"}}},
		{"general_manager", []alternative{{scope: "GRANTED"}, {scope: "TENANT"}}},
		{"kam_manager", slices.DeleteFunc(slices.Clone(s[content]["kam_manager"]), func(a alternative) bool { return a.scope == "TENANT" })},
	} {
		j := x.judge(s.with(content, wrong.role, wrong.ways), x.somebody(wrong.role))
		if wrong.role == "list_reader" && wrong.ways != nil { // content of rows that are not there shows nothing
			j.sheet = j.sheet.with(question{policy.OnOriginal, policy.Read}, wrong.role, wrong.ways)
		}
		if j.bytesOut(kept, map[string]int{}); len(j.faults) == 0 {
			t.Errorf("%s with %+v: the answers would be found right", wrong.role, wrong.ways)
		}
	}
}
