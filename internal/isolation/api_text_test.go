package isolation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/testkit/world"
)

const marked = "MARKED-VALUE"

// sent are JSON values as they stand in a body, in place of the marked one: what a decoder could quietly change, what the
// database cannot hold, and what has no end.
func sent() map[string]string {
	return map[string]string{
		"half a character": `"a\ud800b"`, "the other half": `"\udc00"`, "halves the wrong way round": `"\ude00\ud83d"`, "NUL": `"a\u0000"`, "malformed UTF-8": "\"a\xff\"",
		"an overlong text": `"` + strings.Repeat("x", 300_000) + `"`, "a number beyond 2^53": "9007199254740993", "a number beyond 2^64": "123456789012345678901234567890",
		"an infinite number": "1e400", "a number with a thousand digits": strings.Repeat("9", 1000),
	}
}

// written are the same as literals of a document.
func written() map[string]string {
	return map[string]string{
		"half a character": `"a\ud800b"`, "NUL": `"a\u0000"`, "half a character in braces": `"\u{D800}"`, "an overlong text": `"` + strings.Repeat("x", 20_000) + `"`, // a document is paid for by its length
		"a number beyond 2^53": "9007199254740993", "an infinite number": "1e400", "a block with NUL": "\"\"\"a\x00b\"\"\"",
	}
}

// literal writes a value of a type as a document has it; the marked one becomes raw.
func literal(t *ast.Type, v any, raw string) string {
	if v == nil {
		return "null"
	}
	if list, ok := v.([]any); ok {
		var parts []string
		for _, m := range list {
			parts = append(parts, literal(t.Elem, m, raw))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	def := graph.Schema().Types[t.Name()]
	if object, ok := v.(map[string]any); ok && def.Kind == ast.InputObject {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			parts = append(parts, name+": "+literal(def.Fields.ForName(name).Type, object[name], raw))
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	text, isText := v.(string)
	switch {
	case text == marked:
		return raw
	case isText && def.Kind != ast.Enum:
		return strconv.Quote(text)
	}
	return fmt.Sprint(v)
}

// Whatever is put in place of any value of any mutation, in variables and in literals: it is refused by its type or its field,
// or taken as it is. Nothing of it is ever a fault of the program, and nothing is half done.
func TestNoTextIsAFaultOfTheProgram(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	e.refusing = true
	tried, taken := 0, map[string]bool{}
	for _, f := range graph.Schema().Mutation.Fields {
		x, token := mutation(t, w, f.Name, a), a.caller(t)
		x.document, _, _ = strings.Cut(x.document, ") {")
		ask := "{ userErrors { code field reason } } }"
		byVariable := x.document + fmt.Sprintf(") { %s(input: $input idempotencyKey: $idempotencyKey) ", f.Name) + ask
		input := f.Arguments.ForName("input").Type
		judge := func(l leaf, what, how string, body []byte) {
			t.Helper()
			tried++
			r := e.raw(token, body)
			switch {
			case strings.Contains(r.body, `"code":"INVALID_INPUT"`), strings.Contains(r.body, `"code":"LIMIT_EXCEEDED"`):
			case strings.HasPrefix(what, "a number") && slices.Contains([]string{"BigInt", "MinorUnits", "ID"}, l.typ) && !strings.Contains(r.body, `"code":"INTERNAL"`):
				taken[l.typ] = true // 64 bits hold it: another rule judges
			default:
				t.Errorf("%s %s (%s) = %s, as a %s: %.300s", f.Name, l.path, l.typ, what, how, r)
			}
		}
		for _, l := range x.leaves {
			if l.typ == "Boolean" {
				continue
			}
			before := ""
			if !slices.Contains([]string{"BigInt", "MinorUnits"}, l.typ) {
				before = a.state(true)
			}
			l.set(marked)
			x.variables["idempotencyKey"] = w.Key()
			whole, err := json.Marshal(map[string]any{"query": byVariable, "variables": x.variables})
			if err != nil {
				t.Fatal(err)
			}
			for what, raw := range sent() {
				judge(l, what, "variable", []byte(strings.Replace(string(whole), `"`+marked+`"`, raw, 1)))
			}
			for what, raw := range written() {
				if what == "an overlong text" && strings.HasSuffix(l.path, ".terms") {
					continue // 100,000 characters
				}
				document := fmt.Sprintf("mutation { %s(input: %s idempotencyKey: %q) ", f.Name, literal(input, x.input(), raw), w.Key()) + ask
				body, err := json.Marshal(map[string]any{"query": document})
				if err != nil {
					t.Fatal(err)
				}
				judge(l, what, "literal", body)
			}
			l.set(l.was)
			if before != "" {
				if after := a.state(true); after != before {
					t.Errorf("%s %s: something was done: %s", f.Name, l.path, changed(before, after))
				}
			}
			token = a.caller(t)
		}
	}
	t.Logf("%d requests; numbers of 64 bits were taken by %v", tried, slices.Sorted(maps.Keys(taken)))
	if tried < 2000 {
		t.Error("the run shows little")
	}
}

// What is taken is stored as it was sent: 64 bits whole, and every character that there is.
func TestWhatIsTakenIsStoredIntact(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	token := a.caller(t)
	x := mutation(t, w, "contractDraft", a)
	x.document, _, _ = strings.Cut(x.document, ") {")
	x.document += ") { contractDraft(input: $input idempotencyKey: $idempotencyKey) { contract { title amount { amount } } userErrors { code field reason } } }"
	x.input()["amount"] = map[string]any{"amount": marked, "currency": "CNY"}
	x.input()["title"] = marked + "title"
	x.variables["idempotencyKey"] = w.Key()
	body, err := json.Marshal(map[string]any{"query": x.document, "variables": x.variables})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(body), `"`+marked+`"`, `"9007199254740993"`, 1)
	text = strings.Replace(text, marked+"title", `\ud83d\ude00 \u4e2d𠮷\uffff \\ud800 \"`, 1)
	r := e.raw(token, []byte(text))
	if want := `"amount":"9007199254740993"`; !strings.Contains(r.body, want) || !strings.Contains(r.body, `"userErrors":[]`) {
		t.Fatalf("%s does not say %s", r, want)
	}
	want := "😀 中𠮷\uffff \\ud800 \"|9007199254740993"
	if got := a.Text(`SELECT title, amount_minor FROM contracts WHERE tenant_id = $1 AND amount_minor = 9007199254740993`); got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}
