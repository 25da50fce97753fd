package read

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// reasonOf the first error at a path.
func reasonOf(t *testing.T, a Answer, path string) string {
	t.Helper()
	for _, e := range a.Errors {
		if e.Path.String() == path {
			return fmt.Sprint(e.Extensions["code"], "/", e.Extensions["reason"])
		}
	}
	t.Fatalf("no error at %s: %v", path, a.Errors)
	return ""
}

func TestHiddenGroupIsNotSelected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.tenants[0], 0, without(everything(), policy.ClientCredit, policy.Reveal))
	query := `{ clients(first: 3) { nodes { name creditNote creditLimit { amount } } } }`
	w.seen.take()
	a := w.ask(s, query, nil)
	sql, batches := w.seen.take()
	if strings.Contains(sql, "credit_") {
		t.Errorf("a hidden column was asked for:\n%s", sql)
	}
	if batches != 1 || !strings.HasPrefix(sql, "begin isolation level repeatable read, read only") {
		t.Errorf("%d round trips:\n%s", batches, sql)
	}
	if len(a.Masked) != 6 || a.Masked[0].Path.String() != "clients.nodes[0].creditNote" || a.Masked[0].Reason != "NO_ROLE" {
		t.Errorf("masked: %v", a.Masked)
	}
	if get(t, a, "clients", "nodes", 0, "creditNote") != nil || get(t, a, "clients", "nodes", 0, "name") == nil {
		t.Errorf("%s", a.Data)
	}
	if len(w.opened) != 0 {
		t.Errorf("opened: %v", w.opened)
	}
	// The check can fail: with the right, the column is asked for and the reading noted.
	w.ask(w.session(w.tenants[0], 0, everything()), query, nil)
	if sql, _ := w.seen.take(); !strings.Contains(sql, "credit_note") || len(w.opened) != 3 {
		t.Errorf("with the right: %d openings\n%s", len(w.opened), sql)
	}
}

func TestValuesAreMaskedInTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	rules := append(without(everything(), policy.ClientContacts, policy.Reveal, policy.Filter), allow(policy.ClientContacts, policy.Peek, policy.Tenant),
		policy.Rule{Role: "some_role", Object: policy.ClientContacts, Action: policy.Reveal, Scope: policy.Tenant, Condition: "grade = VIP", Effect: policy.Allow})
	s := w.session(m, 0, rules)
	var ids []any
	for _, c := range m.ids["contacts"] {
		ids = append(ids, gid("cnt", c))
	}
	a := w.ask(s, `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Contact { phone email client { grade } } } }`, map[string]any{"ids": ids[:min(100, len(ids))]})
	sql, _ := w.seen.take()
	if !strings.Contains(sql, "CASE WHEN x1.g0 >= 2 THEN t1.email END") || !strings.Contains(sql, "left(t1.phone, 3) || '****'") {
		t.Errorf("values leave the database unguarded:\n%s", sql)
	}
	masked, full := 0, 0
	for i := range ids {
		phone, _ := get(t, a, "nodes", i, "phone").(string)
		vip := get(t, a, "nodes", i, "client", "grade") == "VIP"
		switch {
		case phone == "":
		case vip != !strings.Contains(phone, "****"):
			t.Errorf("VIP %v, phone %s", vip, phone)
		case vip:
			full++
		default:
			masked++
		}
		if !vip && get(t, a, "nodes", i, "email") != nil {
			t.Error("an e-mail address was shown to one who may only peek")
		}
	}
	if masked == 0 || full == 0 {
		t.Fatalf("%d masked, %d in full: the case was not met", masked, full)
	}
	for _, p := range a.Masked {
		if p.Reason != reasonMaskedOnly {
			t.Errorf("%v", p)
		}
	}
}

func TestOneRoundTripPerLevel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.tenants[0], 0, everything())
	w.seen.take()
	w.ask(s, `{
		a: clients(first: 5) { totalCount { value } nodes { owner { name department { name } } contracts { nodes { obligations { nodes { title } } revisions { totalCount { value } } } } contacts { nodes { name } } } }
		b: contracts(first: 5) { nodes { number parties { nodes { name } } } }
		viewer { account { sessions { nodes { id } } } } }`, nil)
	if sql, batches := w.seen.take(); batches != 3 {
		t.Errorf("%d round trips:\n%s", batches, sql)
	}
}

func TestErrorsOfArguments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	s := w.session(m, 0, everything())
	for query, want := range map[string]string{
		`{ x: client(id: "nonsense") { id } }`:                                                              "INVALID_INPUT/INVALID_ID",
		`{ x: client(id: "` + gid("con", m.ids["contracts"][0]) + `") { id } }`:                             "INVALID_INPUT/INVALID_ID",
		`{ x: node(id: "evt_01h455vb4pex5vsknk084sn02q") { id } }`:                                          "INVALID_INPUT/INVALID_ID",
		`{ x: clients(first: 1, last: 1) { nodes { id } } }`:                                                "INVALID_INPUT/FIRST_AND_LAST",
		`{ x: clients(first: 0) { nodes { id } } }`:                                                         "INVALID_INPUT/PAGE_SIZE",
		`{ x: clients(last: 101) { nodes { id } } }`:                                                        "INVALID_INPUT/PAGE_SIZE",
		`{ x: clients(after: "") { nodes { id } } }`:                                                        "INVALID_INPUT/INVALID_CURSOR",
		`{ x: clients(before: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") { nodes { id } } }`:           "INVALID_INPUT/INVALID_CURSOR",
		`{ x: clients(filter: {ownerIds: ["x"]}) { nodes { id } } }`:                                        "INVALID_INPUT/INVALID_ID",
		`{ x: clients(filter: {ownerIds: ["` + gid("cli", m.ids["clients"][0]) + `"]}) { nodes { id } } }`:  "INVALID_INPUT/INVALID_ID",
		`{ x: clients(filter: {nextContactOnOrBefore: "2026-02-30"}) { nodes { id } } }`:                    "INVALID_INPUT/INVALID_DATE",
		`{ x: clients(filter: {updatedAfter: "2026-02-01"}) { nodes { id } } }`:                             "INVALID_INPUT/INVALID_DATE_TIME",
		`{ x: contracts(filter: {amountAtLeast: "007"}) { nodes { id } } }`:                                 "INVALID_INPUT/INVALID_AMOUNT",
		`{ x: client(id: "` + gid("cli", m.ids["clients"][0]) + `", asOf: "yesterday") { id } }`:            "INVALID_INPUT/INVALID_DATE_TIME",
		`{ x: nodes(ids: [` + strings.Repeat(`"`+gid("cli", m.ids["clients"][0])+`",`, 101) + `]) { id } }`: "LIMIT_EXCEEDED/TOO_MANY_IDS",
		`{ x: clients(filter: {code: "a\u0000b"}) { nodes { id } } }`:                                       "INVALID_INPUT/INVALID_TEXT",
	} {
		a := w.ask(s, query, nil)
		if got := reasonOf(t, a, "x"); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
		if v := get(t, a, "x"); v != nil {
			t.Errorf("%s: %s", query, a.Data)
		}
	}
	a := w.ask(s, `{ nodes(ids: ["`+gid("cli", m.ids["clients"][0])+`", "x", "`+gid("cli", w.tenants[1].ids["clients"][0])+`"]) { id } }`, nil)
	if reasonOf(t, a, "nodes[1]") != "INVALID_INPUT/INVALID_ID" || get(t, a, "nodes", 0, "id") == nil || get(t, a, "nodes", 1) != nil || get(t, a, "nodes", 2) != nil {
		t.Errorf("%s %v", a.Data, a.Errors)
	}
	// Below another field the page is null, and the rest is there.
	a = w.ask(s, `{ clients(first: 1) { nodes { id contacts(first: 200) { nodes { id } } } } }`, nil)
	if reasonOf(t, a, "clients.nodes.contacts") != "INVALID_INPUT/PAGE_SIZE" || get(t, a, "clients", "nodes", 0, "contacts") != nil || get(t, a, "clients", "nodes", 0, "id") == nil {
		t.Errorf("%s %v", a.Data, a.Errors)
	}
}

func TestCursorsBelongToOneOrderingAndTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.session(w.tenants[0], 0, everything()), w.session(w.tenants[1], 0, everything())
	a := w.ask(s, `{ clients(orderBy: {field: NAME}) { pageInfo { endCursor } } }`, nil)
	c := get(t, a, "clients", "pageInfo", "endCursor").(string)
	query := func(order, cursor string) string {
		return `{ clients(orderBy: ` + order + `, after: "` + cursor + `") { nodes { id } } }`
	}
	if a := w.ask(s, query(`{field: NAME}`, c), nil); len(a.Errors) != 0 {
		t.Errorf("its own ordering: %v", a.Errors)
	}
	flipped := []byte(c)
	flipped[3] ^= 1
	for _, x := range []struct {
		who   *tenancy.Session
		query string
	}{{s, query(`{field: CODE}`, c)}, {s, query(`{field: NAME, direction: DESC}`, c)}, {other, query(`{field: NAME}`, c)}, {s, query(`{field: NAME}`, string(flipped))}, {s, query(`{field: NAME}`, c+"A")}} {
		if got := reasonOf(t, w.ask(x.who, x.query, nil), "clients"); got != "INVALID_INPUT/INVALID_CURSOR" {
			t.Errorf("%s: %s", x.query, got)
		}
	}
}

// TestPagesCoverTheListOnce walks every offered ordering page by page, both ways, with ties and masked keys among them.
func TestPagesCoverTheListOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	partly := append(without(everything(), policy.StaffDirectory, policy.Reveal), allow(policy.StaffDirectory, policy.Reveal, policy.Dept))
	for _, x := range []struct {
		root, order string
		rules       []policy.Rule
		rows        int
	}{
		{"clients", "NAME", everything(), 36},
		{"clients", "CODE", everything(), 36},
		{"clients", "CREATED_AT", everything(), 36},
		{"clients", "UPDATED_AT", everything(), 36},
		{"clients", "", everything(), 36},
		{"staffMembers", "NAME", everything(), 12},
		{"staffMembers", "", everything(), 12},
		{"staffMembers", "", partly, 12},
		{"contracts", "NUMBER", everything(), len(w.tenants[0].ids["contracts"])},
		{"auditRecords", "", everything(), 20},
		{"policyVersions", "", everything(), 3},
	} {
		for _, dir := range []string{"ASC", "DESC"} {
			s := w.session(w.tenants[0], 1, x.rules)
			order := ""
			if x.order != "" {
				order = `orderBy: {field: ` + x.order + `, direction: ` + dir + `}, `
			}
			forward := w.walkPages(t, s, x.root, order, false)
			backward := w.walkPages(t, s, x.root, order, true)
			slices.Reverse(backward)
			if len(forward) != x.rows || !slices.Equal(forward, backward) {
				t.Errorf("%s %s %s: %d rows forward, %d backward, want %d\n%v\n%v", x.root, x.order, dir, len(forward), len(backward), x.rows, forward, backward)
			}
			seen := map[string]bool{}
			for _, id := range forward {
				if seen[id] {
					t.Errorf("%s %s: %s comes twice", x.root, x.order, id)
				}
				seen[id] = true
			}
		}
	}
}

func (w *world) walkPages(t *testing.T, s *tenancy.Session, root, order string, backward bool) []string {
	t.Helper()
	var out []string
	cursor := ""
	for range 30 {
		args := order + "first: 5"
		if backward {
			args = order + "last: 5"
		}
		if cursor != "" {
			args += map[bool]string{false: `, after: "`, true: `, before: "`}[backward] + cursor + `"`
		}
		a := w.ask(s, `{ `+root+`(`+args+`) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, nil)
		nodes, _ := get(t, a, root, "nodes").([]any)
		var page []string
		for _, n := range nodes {
			page = append(page, n.(map[string]any)["id"].(string))
		}
		info := get(t, a, root, "pageInfo").(map[string]any)
		ahead, behind := info["hasNextPage"].(bool), info["hasPreviousPage"].(bool)
		next := info["endCursor"]
		if backward {
			slices.Reverse(page)
			ahead, behind, next = behind, ahead, info["startCursor"]
		}
		if behind != (cursor != "") {
			t.Fatalf("%s(%s): more behind is %v", root, args, behind)
		}
		out = append(out, page...)
		if !ahead {
			return out
		}
		cursor = next.(string)
	}
	t.Fatalf("%s: the pages do not end", root)
	return nil
}

func TestCountIsCapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	w.grow(m, 10_001-36)
	s := w.session(m, 0, everything())
	query := `query($limit: CountLimit!) { clients(first: 1) { some: totalCount { value capped } totalCount(limit: TEN_THOUSAND) { value capped } }
		asked: clients(first: 1) { totalCount(limit: $limit) { value capped } } none: clients(first: 1, filter: {code: "none"}) { totalCount { value capped } } }`
	some, none := `{"value":1000,"capped":true}`, `{"value":0,"capped":false}`
	want := func(limit, asked, all string) {
		t.Helper()
		a := w.ask(s, query, map[string]any{"limit": limit})
		if want := `{"clients":{"some":` + some + `,"totalCount":` + all + `},"asked":{"totalCount":` + asked + `},"none":{"totalCount":` + none + `}}`; string(a.Data) != want {
			t.Errorf("%s\n%s", a.Data, want)
		}
	}
	want("THOUSAND", some, `{"value":10000,"capped":true}`)
	want("TEN_THOUSAND", `{"value":10000,"capped":true}`, `{"value":10000,"capped":true}`)
	_, err := w.conn.Exec(context.Background(), `DELETE FROM clients WHERE tenant_id = $1 AND code = 'G1'`, m.id.UUID())
	must(t, err)
	want("TEN_THOUSAND", `{"value":10000,"capped":false}`, `{"value":10000,"capped":false}`)
	w.seen.take()
	w.ask(s, `{ clients(first: 1) { nodes { id } } }`, nil)
	if sql, _ := w.seen.take(); strings.Contains(sql, "count(") {
		t.Error("counted without being asked to")
	}
}

// grow adds clients that look like the others.
func (w *world) grow(m *made, n int) {
	w.t.Helper()
	ctx := context.Background()
	_, err := w.conn.Exec(ctx, `SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	must(w.t, err)
	_, err = w.conn.Exec(ctx, `INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, sort_key, created_at, updated_at, recorded_from)
		SELECT $1, gen_random_uuid(), d.company_id, d.id, s.id, 'G' || n, '客户' || n, 'k' || n, $2::timestamptz + n * interval '1 second', $2::timestamptz + n * interval '1 second', $2
		FROM generate_series(1, $3::int) n
		JOIN (SELECT id, company_id, row_number() OVER (ORDER BY id) - 1 AS k FROM departments WHERE tenant_id = $1) d ON d.k = n % 8
		JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM staff WHERE tenant_id = $1) s ON s.k = n % 12`, m.id.UUID(), start, n)
	must(w.t, err)
	_, err = w.conn.Exec(ctx, `ANALYZE clients`)
	must(w.t, err)
}

func TestRightsAreThoseOfTheSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.tenants[0], 0, everything())
	d := w.parse(`{ clients(first: 1) { nodes { id } } }`, nil)
	ask := func() (Answer, error) {
		return w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots)
	}
	w.source.stale = 1
	if a, err := ask(); err != nil || get(t, a, "clients", "nodes", 0) == nil || w.source.loads != 1 {
		t.Errorf("stale once: %v, %d loads", err, w.source.loads)
	}
	w.source.stale, w.source.loads = 2, 0
	if a, err := ask(); fault.CodeOf(err) != fault.Unavailable || a.Data != nil || w.source.loads != 1 {
		t.Errorf("stale twice: %v, %s, %d loads", err, a.Data, w.source.loads)
	}
	w.source.stale, w.source.loadErr = 1, fault.Down("POLICY_UNREADABLE", nil)
	if a, err := ask(); fault.CodeOf(err) != fault.Unavailable || a.Data != nil {
		t.Errorf("rights that cannot be read: %v, %s", err, a.Data)
	}
	w.source.loadErr = nil
	kept := w.source.rights[s.Actor.Account]
	w.source.rights[s.Actor.Account] = nil
	if a, err := ask(); fault.CodeOf(err) != fault.Unavailable || a.Data != nil {
		t.Errorf("no rights at all: %v, %s", err, a.Data)
	}
	w.source.rights[s.Actor.Account] = kept
	// Rights whose validity has ended are not those of the snapshot either, whatever the epochs say.
	w.source.loadErr = nil
	rights := *w.rightsOf(s)
	rights.ValidUntil = time.Now().Add(-time.Minute)
	w.source.rights[s.Actor.Account] = &rights
	if a, err := ask(); fault.CodeOf(err) != fault.Unavailable || a.Data != nil {
		t.Errorf("rights that have ended: %v, %s", err, a.Data)
	}
}

func TestOpeningsAreRecordedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	s := w.session(m, 0, everything())
	c := m.ids["clients"][0]
	query := `{ client(id: "` + gid("cli", c) + `") { name creditNote } viewer { account { login } } }`
	w.ask(s, query, nil)
	if len(w.opened) != 1 || w.opened[0].ID != c || !w.opened[0].ByID || !slices.Equal(w.opened[0].Groups, []policy.Object{policy.ClientCredit}) {
		t.Errorf("%+v", w.opened)
	}
	d := w.parse(query, nil)
	w.gate.cfg.Opened = func(context.Context, *tenancy.Session, []Opening) error {
		return errors.New("the record cannot be written")
	}
	if a, err := w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots); err == nil || a.Data != nil {
		t.Errorf("answered without a record: %s", a.Data)
	}
	// What opens nothing needs no record.
	w.ask(s, `{ clients { nodes { name } } }`, nil)
	if get(t, w.ask(s, `{ client(id: "`+gid("cli", w.tenants[1].ids["clients"][0])+`") { name } }`, nil), "client") != nil {
		t.Error("another tenant's client was found")
	}
}

func TestObjectsAskedForByIDAndAbsentAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.tenants[0], 0, everything())
	mine, theirs := w.tenants[0].ids["clients"][0], w.tenants[1].ids["clients"][0]
	var absent []Ref
	w.gate.cfg.Refused = func(_ context.Context, _ *tenancy.Session, refs []Ref) error {
		absent = append(absent, refs...)
		return nil
	}
	query := `{ a: client(id: "` + gid("cli", theirs) + `") { name } b: client(id: "` + gid("cli", mine) + `") { name }
		nodes(ids: ["` + gid("cli", mine) + `", "` + gid("con", theirs) + `"]) { id } }`
	w.ask(s, query, nil)
	if want := []Ref{{"Client", theirs}, {"Contract", theirs}}; !slices.Equal(absent, want) {
		t.Errorf("recorded %v, want %v", absent, want)
	}
	d := w.parse(query, nil)
	w.gate.cfg.Refused = func(context.Context, *tenancy.Session, []Ref) error {
		return errors.New("the record cannot be written")
	}
	if a, err := w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots); err == nil || a.Data != nil {
		t.Errorf("answered without a record: %s", a.Data)
	}
}

func TestMaskedListIsCapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.tenants[0], 0, without(everything(), policy.ClientDealings, policy.Reveal))
	a := w.ask(s, `{ clients(first: 36) { nodes { policyNote attitude nextContactOn changes { nodes { id } } } } }`, nil)
	if len(a.Masked) != MaxMasked || !a.MaskedMore {
		t.Errorf("%d listed, more: %v", len(a.Masked), a.MaskedMore)
	}
	if a := w.ask(s, `{ clients(first: 5) { nodes { policyNote } } }`, nil); len(a.Masked) != 5 || a.MaskedMore {
		t.Errorf("%d listed, more: %v", len(a.Masked), a.MaskedMore)
	}
}

func TestRenderWritesOneObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	d := w.parse(`query($n: Int = 2) { client(id: "cli_00000000000000000000000000") { name contacts(first: $n) { nodes { name } } creditNote } }`, nil)
	sel := d.roots[0].SelectionSet
	render := func(s *tenancy.Session, u uuid.UUID) (string, []MaskedField) {
		a, err := w.gate.Render(context.Background(), s, "Client", u, sel, d.doc, d.vars)
		must(t, err)
		if !json.Valid(a.Data) {
			t.Fatalf("%s", a.Data)
		}
		return string(a.Data), a.Masked
	}
	s := w.session(m, 0, without(everything(), policy.ClientCredit, policy.Reveal))
	b, masked := render(s, m.ids["clients"][0])
	if !strings.HasPrefix(b, `{"name":"`) || !strings.HasSuffix(b, `"creditNote":null}`) || len(masked) != 1 || masked[0].Path.String() != "creditNote" {
		t.Errorf("%s %v", b, masked)
	}
	if len(w.opened) != 0 {
		t.Errorf("a payload was taken for a reading by id: %v", w.opened)
	}
	if b, _ := render(s, w.tenants[1].ids["clients"][0]); b != "null" {
		t.Errorf("another tenant's: %s", b)
	}
	if b, _ := render(w.session(m, 1, []policy.Rule{allow(policy.OnStaff, policy.Read, policy.Tenant)}), m.ids["clients"][0]); b != "null" {
		t.Errorf("without the right: %s", b)
	}
	if _, err := w.gate.Render(context.Background(), s, "Nothing", uuid.Nil, sel, d.doc, d.vars); err == nil {
		t.Error("an unknown type was rendered")
	}
}

func TestPlansAreSharedByShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	query := `query($id: ID!, $yes: Boolean!, $f: ClientFilter) { client(id: $id) { id name @include(if: $yes) } clients(filter: $f) { nodes { id } } }`
	d := w.parse(query, map[string]any{"id": gid("cli", w.tenants[0].ids["clients"][0]), "yes": true})
	ask := func(m *made, vars map[string]any) string {
		a, err := w.gate.Query(context.Background(), w.session(m, 0, everything()), d.doc, d.op, vars, d.roots)
		must(t, err)
		return string(a.Data)
	}
	plans := func() int { w.gate.plans.CleanUp(); return w.gate.plans.EstimatedSize() }
	for _, m := range w.tenants {
		for _, c := range m.ids["clients"][:5] {
			if got := ask(m, map[string]any{"id": gid("cli", c), "yes": true}); !strings.Contains(got, gid("cli", c)) {
				t.Errorf("%s", got)
			}
		}
	}
	if n := plans(); n != 1 {
		t.Errorf("%d plans of one shape", n)
	}
	m := w.tenants[0]
	first := gid("cli", m.ids["clients"][0])
	if got := ask(m, map[string]any{"id": first, "yes": false}); strings.Contains(got, `"name"`) {
		t.Errorf("%s", got)
	}
	ask(m, map[string]any{"id": first, "yes": true, "f": map[string]any{"code": "C001"}})
	ask(m, map[string]any{"id": first, "yes": true, "f": map[string]any{"code": "C002"}})
	ask(m, map[string]any{"id": first, "yes": true, "f": nil})
	if n := plans(); n != 4 {
		t.Errorf("%d plans of four shapes", n)
	}
}

// TestComparisonCanFail gives the gate and the reference different rights: the property's comparison must notice.
func TestComparisonCanFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	d := w.parse(`{ clients { nodes { id creditNote } } }`, nil)
	s := w.session(m, 0, everything())
	loaded := w.load(m)
	got, err := w.compiled(s, d)
	must(t, err)
	if diff := got.differs(w.reference(loaded, s, d)); diff != "" {
		t.Fatalf("equal rights: %s", diff)
	}
	for _, rules := range [][]policy.Rule{without(everything(), policy.ClientCredit, policy.Reveal), append(everything(), policy.Rule{
		Role: "some_role", Object: policy.OnClient, Action: policy.Read, Scope: policy.Tenant, Condition: "important = true", Effect: policy.Deny,
	})} {
		s := w.session(m, 0, rules)
		if got.differs(w.reference(loaded, s, d)) == "" {
			t.Error("the difference went unnoticed")
		}
	}
}
