package serve_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/graph/servetest"
)

// patience is how long any attack may keep a request: the bombs take minutes where nothing stops them.
const patience = 5 * time.Second

func chain(levels int, body func(next string) string, leaf string) string {
	var b strings.Builder
	for i := range levels {
		next := fmt.Sprintf("...F%d", i+1)
		if i == levels-1 {
			next = leaf
		}
		fmt.Fprintf(&b, "fragment F%d on Client { %s }\n", i, body(next))
	}
	return b.String()
}

func distinct(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestEveryBombIsRefusedQuickly(t *testing.T) {
	t.Parallel()
	client := `client(id: "` + servetest.ClientID(1) + `")`
	twice := func(next string) string { return next + " " + strings.Replace(next, "...", " ...", 1) }
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = servetest.ClientID(i)
	}
	rows := make([]map[string]any, 251)
	for i := range rows {
		rows[i] = map[string]any{"side": "OURS"}
	}
	contract := `mutation($p: [ContractPartyInput!]) { contractDraft(idempotencyKey: "k", input: {clientId: "a", companyId: "b", kind: SUPPLY, title: "t", terms: "x", parties: $p}) { contract { id } } }`
	for name, c := range map[string]struct {
		query  string
		vars   any
		reason string
	}{
		"10 000 equal names":           {"{" + strings.Repeat(" __typename", 10_000) + " }", nil, "SAME_NAME"},
		"2 000 equal objects":          {"{" + strings.Repeat(" "+client+" { id }", 2_000) + " }", nil, "TOKENS"},
		"900 equal objects":            {"{" + strings.Repeat(" tenant { id }", 900) + " }", nil, "SAME_NAME"},
		"100 000 tokens":               {"{" + strings.Repeat(" a", 100_000) + " }", nil, "TOKENS"},
		"30 fragments, each twice":     {"{ " + client + " { ...F0 } }\n" + chain(30, twice, "name"), nil, "FIELDS"},
		"22 levels of two aliases":     {"{ " + client + " { ...F0 } }\n" + chain(22, func(n string) string { return "a: company { x: __typename } b: owner { y: __typename } " + n + " " + n }, "name"), nil, "ALIASES"},
		"depth":                        {"{ company(id: \"x\")" + strings.Repeat("{ parent ", 16) + "{ id }" + strings.Repeat("}", 17), nil, "DEPTH"},
		"deep introspection, mixed in": {"{ __typename __schema { types " + strings.Repeat("{ fields { type ", 3) + "{ name }" + strings.Repeat("} }", 3) + " } tenant { id } company(id: \"x\")" + strings.Repeat("{ parent ", 16) + "{ id }" + strings.Repeat("}", 17), nil, "DEPTH"},
		"aliases":                      {"{" + distinct(61, " a%d: __typename") + " }", nil, "ALIASES"},
		"fields by fragments": {"{ " + client + " {" + distinct(30, " ...F%d") + " } }" + func() string {
			var b strings.Builder
			for i := range 30 {
				fmt.Fprintf(&b, " fragment F%d on Client { %s }", i, strings.Repeat("name ", 50)+"id")
			}
			return b.String()
		}(), nil, "FIELDS"},
		"1 000 directives":          {"{ __typename" + strings.Repeat(" @a", 1_000) + " }", nil, "DIRECTIVES"},
		"201 fragments":             {"{ __typename }" + distinct(201, " fragment F%d on Query { __typename }"), nil, "FRAGMENTS"},
		"21 operations":             {distinct(21, " query Q%d { __typename }"), nil, "OPERATIONS"},
		"11 mutations":              {"mutation {" + strings.Repeat(` sessionRevoke(input: {sessionId: "x"}, idempotencyKey: "k") { session { id } }`, 11) + "}", nil, "ROOT_MUTATIONS"},
		"11 mutations in fragments": {"mutation { ...F ...G }" + " fragment F on Mutation {" + distinct(6, ` a%d: sessionRevoke(input: {sessionId: "x"}, idempotencyKey: "k") { session { id } }`) + "} fragment G on Mutation {" + distinct(6, ` b%d: sessionRevoke(input: {sessionId: "x"}, idempotencyKey: "k") { session { id } }`) + "}", nil, "ROOT_MUTATIONS"},
		"defer":                     {"{ " + client + " { ... @defer { name } } }", nil, "DEFER"},
		"page of 101":               {"{ clients(first: 101) { nodes { id } } }", nil, "PAGE"},
		"page of 2^31":              {"query($n: Int) { clients(last: $n) { nodes { id } } }", map[string]any{"n": 1 << 31}, ""},
		"page of 101, variable":     {"query($n: Int) { clients(last: $n) { nodes { id } } }", map[string]any{"n": 101}, "PAGE"},
		"pages of pages":            {"{ clients(first: 100) { nodes { contacts(first: 100) { nodes { id } } } } }", nil, "COST"},
		"101 ids":                   {"query($i: [ID!]!) { nodes(ids: $i) { id } }", map[string]any{"i": ids}, "IDS"},
		"251 rows":                  {contract, map[string]any{"p": rows}, "LIST"},
		"deep literal":              {"{ nodes(ids: " + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + ") { id } }", nil, "NESTING"},
		"nested literal":            {"{ nodes(ids: " + strings.Repeat("[", 25) + strings.Repeat("]", 25) + ") { id } }", nil, "VALUE_DEPTH"},
		"NUL in a literal":          {`{ client(id: "a\u0000") { id } }`, nil, "SCALAR_ID"},
		"NUL in a variable":         {`query($f: ClientFilter) { clients(filter: $f) { nodes { id } } }`, map[string]any{"f": map[string]any{"search": "a\x00"}}, "SCALAR_STRING"},
		"Int of 64 bits":            {"{ clients(first: 2147483648) { nodes { id } } }", nil, "SCALAR_INT"},
		"no such day":               {`{ contracts(filter: {endsBefore: "2026-02-30"}) { nodes { id } } }`, nil, "SCALAR_DATE"},
		"amount out of range":       {`{ contracts(filter: {amountAtLeast: "9223372036854775808"}) { nodes { id } } }`, nil, "SCALAR_MINORUNITS"},
		"fragment cycle":            {"{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"unused cycle":              {"{ __typename } fragment A on Query { ...A }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"201 variables":             {"query(" + distinct(201, "$v%d: Int ") + ") { __typename }", nil, "VARIABLES"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, nil)
			start := time.Now()
			r := post(t, s, c.query, c.vars, nil)
			if took := time.Since(start); took > patience {
				t.Errorf("took %v", took)
			}
			if len(r.json.Errors) == 0 || r.json.Data != nil || (c.reason != "" && r.reason() != c.reason) {
				t.Fatalf("%.300s", r.body)
			}
			if want := "LIMIT_EXCEEDED"; !strings.HasPrefix(r.reason(), "SCALAR") && !strings.HasPrefix(r.reason(), "GRAPHQL") && c.reason != "" && r.code() != want {
				t.Fatalf("%.300s", r.body)
			}
			if len(r.body) > 20_000 || len(r.json.Errors) > 20 {
				t.Fatalf("an answer of %d bytes, %d errors", len(r.body), len(r.json.Errors))
			}
		})
	}
}

// The largest documents that pass every limit must not keep the validator long either.
func TestTheWorstAllowedDocumentsAreQuick(t *testing.T) {
	t.Parallel()
	client := `client(id: "` + servetest.ClientID(1) + `")`
	for name, query := range map[string]string{
		"equal names in 29 fragments": "{ " + client + " {" + distinct(29, " ...F%d") + " } }" + distinct(29, " fragment F%d on Client {"+strings.Repeat(" name", 50)+" }"),
		"objects in objects":          "{" + strings.Repeat(" tenant {"+strings.Repeat(" id", 28)+" }", 50) + " }",
		"chains":                      "{ " + client + " { ...F0 } }\n" + chain(14, func(n string) string { return "company { parent { name } } owner { name department { name } } " + n }, "name"),
		"700 unknown fields":          "{" + distinct(700, " x%d") + " }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, nil)
			start := time.Now()
			r := post(t, s, query, nil, nil)
			if took := time.Since(start); took > patience {
				t.Errorf("took %v", took)
			} else {
				t.Log(took)
			}
			if r.code() == "LIMIT_EXCEEDED" || len(r.body) > 20_000 || len(r.json.Errors) > 20 {
				t.Fatalf("%.300s", r.body)
			}
		})
	}
}

func TestTheUsualToolsPass(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	if r := post(t, s, introspection, nil, nil); r.status != 200 || len(r.json.Errors) != 0 {
		t.Fatalf("%.500s", r.body)
	}
	page := `{ clients(first: 50) { edges { cursor node { id name owner { id name } contacts(first: 3) { nodes { name } } contracts(first: 2) { nodes { number } } } } pageInfo { hasNextPage endCursor } totalCount { value capped } } }`
	r := post(t, s, page, nil, nil)
	if cost, _ := json.Marshal(r.json.Extensions["cost"]); len(r.json.Errors) != 0 || string(cost) != `{"limit":5000,"requested":461}` {
		t.Fatalf("%s %.500s", cost, r.body)
	}
}

// introspection is as deep as the tools' own query.
const introspection = `query { __schema { description queryType { name } mutationType { name } subscriptionType { name } types { ...T }
  directives { name description isRepeatable locations args { ...I } } } }
fragment T on __Type { kind name description specifiedByURL fields(includeDeprecated: true) { name description args { ...I } type { ...R } isDeprecated deprecationReason }
  inputFields { ...I } interfaces { ...R } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...R } }
fragment I on __InputValue { name description type { ...R } defaultValue }
fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }`
