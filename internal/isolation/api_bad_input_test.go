package isolation

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// bad are values that no field of the type takes.
func bad() map[string][]any {
	return map[string][]any{
		"String":     {"nul \x00 inside", "reversed \u202e text\u2028", 7, []any{map[string]any{}}},
		"ID":         {"", "x", "cli_", "cli_zzzzzzzzzzzzzzzzzzzzzzzzzz", "cli_\x00", strings.Repeat("x", 10_000), "evt_01h455vb4pex5vsknk084sn02q", true},
		"Date":       {"2026-02-30", "2026-13-01", "2025-02-29", "20260101", "9999-12-31", "2026-01-01T00:00:00Z", 20260101},
		"DateTime":   {"2026-02-30T00:00:00Z", "2026-01-01T24:30:00Z", "2026-01-01", "2026-01-01T00:00:00"},
		"MinorUnits": {"9223372036854775808", "-1", "1.5", 1.5, "1e3", "", strings.Repeat("9", 10_000)},
		"BigInt":     {"9223372036854775808", "-9223372036854775809", "x", "", 0.5},
		"Int":        {2147483648, -2147483649, "1", 1.5},
		"Boolean":    {"true", 1},
	}
}

// long are the texts that may have 10,000 characters: newValue may be one of businessScope.
func long() map[string]bool {
	return map[string]bool{"terms": true, "businessScope": true, "duties": true, "newValue": true}
}

// secrets are the texts that may have any character that can be stored.
func secrets() map[string]bool { return map[string]bool{"password": true, "newPassword": true} }

// Every value of every input of the SDL, exchanged for one that its type does not have: refused, and nothing half done.
func TestEveryBadValueIsRefused(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	e.refusing = true
	tried := 0
	for _, f := range graph.Schema().Mutation.Fields {
		x, token := mutation(t, w, f.Name, a), a.caller(t)
		before := a.state(true)
		x.document, _, _ = strings.Cut(x.document, ") {")
		x.document += fmt.Sprintf(") { %s(input: $input idempotencyKey: $idempotencyKey) { userErrors { code field reason } } }", f.Name)
		refused := func(l leaf, v any) {
			t.Helper()
			tried++
			l.set(v)
			r := x.send(e, token)
			l.set(l.was)
			if !strings.Contains(r.body, `"code":"INVALID_INPUT"`) && !strings.Contains(r.body, `"code":"LIMIT_EXCEEDED"`) || strings.Contains(r.body, `"userErrors":[]`) {
				t.Errorf("%s %s = %.80q: %.500s", f.Name, l.path, fmt.Sprint(v), r)
			}
		}
		for _, l := range x.leaves {
			values, ok := bad()[l.typ]
			if graph.Schema().Types[l.typ].EnumValues != nil {
				values, ok = []any{"NO_SUCH_VALUE", "", 1, "nul\x00"}, true
			}
			if !ok {
				t.Errorf("no bad value of %s is known", l.typ)
			}
			name := l.path[strings.LastIndex(l.path, ".")+1:]
			for _, v := range values {
				if text, _ := v.(string); !secrets()[name] || !strings.HasPrefix(text, "reversed") {
					refused(l, v)
				}
			}
			if l.typ == "String" && !long()[name] {
				refused(l, strings.Repeat("长", 10_000))
			}
		}
		if after := a.state(true); after != before {
			t.Errorf("%s: something was done: %s", f.Name, changed(before, after))
		}
	}
	t.Logf("%d bad values", tried)
	if tried < 900 {
		t.Error("the run shows little")
	}
}

// What no single value is to blame for, and requests that are no text.
func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a, b := serveOn(t, w, w.DB), newSide(w, "alpha"), newSide(w, foreignMark)
	e.refusing = true
	token := a.caller(t)
	com, dep, stf := func(k string) string { return id.Encode(id.Company, a.ids[k]) }, id.Encode(id.Department, a.Department), id.Encode(id.Staff, a.person.Staff)
	a.Exec(`UPDATE companies SET parent_id = $2 WHERE tenant_id = $1 AND id = $3`, a.Company, a.ids["company without anything"])
	a.Exec(`UPDATE departments SET parent_id = $2 WHERE tenant_id = $1 AND id = $3`, a.Section, a.ids["department without anything"])
	a.Exec(`UPDATE employments SET superior_id = $2 WHERE tenant_id = $1 AND staff_id = $3`, a.person.Staff, a.ids["grantee"])
	before := a.state(true)
	const credit = "91350100M000100Y43" // a published code; its last character checks the others
	for what, c := range map[string]struct {
		name  string
		with  map[string]any
		wants string
	}{
		"a credit code with a wrong check digit": {"companyOpen", map[string]any{"unifiedCreditCode": credit[:17] + "4"}, "CREDIT_CODE_CHECK_DIGIT"},
		"a client's credit code":                 {"clientChangeProfile", map[string]any{"profile": map[string]any{"unifiedCreditCode": credit[:17] + "4"}}, "CREDIT_CODE_CHECK_DIGIT"},
		"a company below itself":                 {"companyChange", map[string]any{"companyId": com("company"), "parentId": com("company")}, "CYCLE"},
		"a company below its child":              {"companyChange", map[string]any{"companyId": com("company"), "parentId": com("company without anything")}, "CYCLE"},
		"a department below itself":              {"departmentChange", map[string]any{"departmentId": dep, "parentId": dep, "headId": nil}, "CYCLE"},
		"a department below its grandchild":      {"departmentChange", map[string]any{"departmentId": dep, "parentId": id.Encode(id.Department, a.ids["department without anything"]), "headId": nil}, "CYCLE"},
		"one's own superior":                     {"staffChangeSuperior", map[string]any{"staffId": stf, "superiorId": stf}, "CYCLE"},
		"a superior from below":                  {"staffChangeSuperior", map[string]any{"staffId": stf, "superiorId": id.Encode(id.Staff, a.ids["grantee"])}, "CYCLE"},
		"a superior of another tenant":           {"staffChangeSuperior", map[string]any{"superiorId": id.Encode(id.Staff, b.ids["staff"])}, "NOT_FOUND"},
		"a contract that ends before it begins":  {"contractDraft", map[string]any{"startsOn": "2026-05-02", "endsOn": "2026-05-01"}, "ENDS_BEFORE_START"},
		"two owners":                             {"clientAssignTeam", map[string]any{"members": []any{map[string]any{"staffId": stf, "duty": "OWNER"}, map[string]any{"staffId": id.Encode(id.Staff, a.ids["staff"]), "duty": "OWNER"}}}, "INVALID_INPUT"},
		"a field that there is not":              {"clientLift", map[string]any{"tenantId": id.Encode(id.Tenant, b.ID)}, "INVALID_INPUT"},
	} {
		x := mutation(t, w, c.name, a)
		for k, v := range c.with {
			x.input()[k] = v
		}
		r := x.send(e, token)
		if !strings.Contains(r.body, `"`+c.wants+`"`) || strings.Contains(r.body, `"userErrors":[]`) {
			t.Errorf("%s: %s", what, r)
		}
		if found := b.leaks(strings.ReplaceAll(r.String(), id.Encode(id.Staff, b.ids["staff"]), "")); found != "" {
			t.Errorf("%s: the answer has %s: %s", what, found, r)
		}
	}
	x := mutation(t, w, "clientOpen", a)
	for what, key := range map[string]string{"no key": "", "a short key": "1234567", "a long key": strings.Repeat("k", 10_000), "a key with NUL": "12345678\x00", "a key with letters of Chinese": "幂等键幂等键幂等键"} {
		x.variables["idempotencyKey"] = key
		if r := e.ask(token, x.document, x.variables); !strings.Contains(r.body, `"INVALID_INPUT"`) || strings.Contains(r.body, `"userErrors":[]`) {
			t.Errorf("%s: %s", what, r)
		}
	}
	x.variables["idempotencyKey"] = w.Key()
	x.input()["name"] = "MARKED"
	body, err := json.Marshal(map[string]any{"query": x.document, "variables": x.variables})
	if err != nil {
		t.Fatal(err)
	}
	literal, err := json.Marshal(map[string]any{"query": `{ clients(first: 1, filter: { code: "a` + "\x00" + `" }) { nodes { id } } }`})
	if err != nil {
		t.Fatal(err)
	}
	for what, sent := range map[string]string{
		"malformed UTF-8":           strings.Replace(string(body), "MARKED", "\xff\xfe", 1),
		"half a character":          strings.Replace(string(body), "MARKED", "\xe5\xad", 1),
		"an overlong NUL":           strings.Replace(string(body), "MARKED", "\xc0\x80", 1),
		"a surrogate in UTF-8":      strings.Replace(string(body), "MARKED", "\xed\xa0\x80", 1),
		"an escaped NUL":            strings.Replace(string(body), "MARKED", `\u0000`, 1),
		"a NUL as it is":            strings.Replace(string(body), "MARKED", "\x00", 1),
		"two requests in one":       string(body) + string(body),
		"half a request":            string(body[:len(body)/2]),
		"a list of requests":        "[" + string(body) + "]",
		"NUL inside the document":   string(literal),
		"UTF-16 without its length": "\xfe\xff\x00{",
	} {
		if r := e.raw(token, []byte(sent)); !strings.Contains(r.body, `"INVALID_INPUT"`) || strings.Contains(r.body, `"userErrors":[]`) {
			t.Errorf("%s: %s", what, r)
		}
	}
	if after := a.state(true); after != before {
		t.Errorf("something was done: %s", changed(before, after))
	}
}
