package product_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/clientele/clientele/internal/id"
)

const openDocument = `mutation OpenClient($input: ClientOpenInput!, $key: String!) {
	clientOpen(input: $input, idempotencyKey: $key) { client { id name } userErrors { code } } }`

// A trace shows where the time of a request went: statements hang below the act or the read that sent them, and these
// below the operation. Nothing that a caller sent or a person is called stands in it.
func TestTracesNestAndHoldNoData(t *testing.T) {
	t.Parallel()
	x := newTraced(t, nil)
	const name, phone, legal, source = "华东极光电子有限公司", "13912345678", "欧阳致远", "展会名片"
	key := x.Key()
	open := func(name string) string {
		b, err := json.Marshal(map[string]any{"query": openDocument, "variables": map[string]any{"key": key, "input": map[string]any{
			"name": name, "kinds": []string{"KEY"}, "departmentId": id.Encode(id.Department, x.Department), "source": source,
			"profile": map[string]any{"phone": phone, "legalRepresentative": legal},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	wants := func(body, part string) {
		t.Helper()
		if !strings.Contains(body, part) {
			t.Errorf("%s does not say %s", body, part)
		}
	}
	opened, body := x.send("POST", "", open(name))
	wants(body, `"userErrors":[]`)
	var answer struct {
		Data struct {
			ClientOpen struct{ Client struct{ ID string } }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Data.ClientOpen.Client.ID == "" {
		t.Fatal(err, body)
	}
	client := answer.Data.ClientOpen.Client.ID
	again, body := x.send("POST", "", open(name))
	wants(body, client)
	other, body := x.send("POST", "", open(legal))
	wants(body, "IDEMPOTENCY_MISMATCH")
	variables, err := json.Marshal(map[string]string{"id": client, "search": name})
	if err != nil {
		t.Fatal(err)
	}
	asked, body := x.send("GET", "?"+url.Values{"variables": {string(variables)}, "query": {
		`query Found($id: ID!, $search: String!) { client(id: $id) { name } clients(filter: {search: $search}, first: 3) { nodes { name team { nodes { staff { name } } } } } }`,
	}}.Encode(), "")
	wants(body, x.person.Name)
	literal, body := x.send("POST", "", `{"query":"query Tel`+phone+` { clients(filter: {search: \"`+name+`\"}, first: 3) { nodes { name } } }"}`)
	wants(body, name)
	wrong, body := x.send("POST", "", `{"query":"query Wrong { client(id: \"`+phone+`\") { name } }"}`)
	wants(body, "errors")

	traces := x.finished()
	http := "POST /graphql"
	mutation, query := "graphql mutation OpenClient", "graphql query Found"
	act, sql := " > act client.open > SQL", " > SQL"
	for name, c := range map[string]struct {
		spans []sdktrace.ReadOnlySpan
		want  []string
	}{
		"mutation":          {traces[opened], []string{http + sql, http + " > " + mutation + act, http + " > " + mutation + " > read > SQL"}},
		"replayed mutation": {traces[again], []string{http + " > " + mutation + act, http + " > " + mutation + " > read > SQL"}},
		"refused mutation":  {traces[other], []string{http + " > " + mutation + act}},
		"query":             {traces[asked], []string{"GET /graphql > " + query + " > read > SQL"}},
		"unnameable query":  {traces[literal], []string{http + " > graphql query > read > SQL"}},
	} {
		if d := cmp.Diff(c.want, chains(c.spans)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}

	tenant := " clientele.tenant=" + x.ID.String()
	for _, c := range []struct {
		spans []sdktrace.ReadOnlySpan
		name  string
		want  string
	}{
		{traces[opened], mutation, `Unset "" clientele.cost=21 clientele.via=http graphql.operation.name=OpenClient graphql.operation.type=mutation`},
		{traces[opened], "act client.open", `Unset "" clientele.act=client.open clientele.outcome=DONE clientele.replayed=false` + tenant},
		{traces[again], "act client.open", `Unset "" clientele.act=client.open clientele.outcome=DONE clientele.replayed=true` + tenant},
		{traces[other], "act client.open", `Error "IDEMPOTENCY_MISMATCH" clientele.act=client.open clientele.outcome=IDEMPOTENCY_MISMATCH clientele.replayed=false` + tenant},
		{traces[opened], "read", `Unset "" clientele.read.levels=1 clientele.read.statements=1`},
		{traces[asked], "read", `Unset "" clientele.read.levels=2 clientele.read.statements=3`},
		{traces[wrong], "graphql query Wrong", `Error "INVALID_INPUT" clientele.codes=["INVALID_INPUT"] clientele.cost=1 clientele.via=http graphql.operation.name=Wrong graphql.operation.type=query`},
	} {
		if d := cmp.Diff([]string{c.want}, described(c.spans, c.name)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}

	secrets := []string{name, phone, legal, source, x.token, x.person.Name, key, client, "user1"}
	for _, u := range []uuid.UUID{x.person.Account, x.person.Staff, x.Department} {
		secrets = append(secrets, u.String(), strings.TrimPrefix(id.Encode("x", u), "x_"))
	}
	for _, spans := range traces {
		for _, l := range leaks(spans, secrets) {
			t.Error(l)
		}
	}
}

// The look for data finds it wherever a span can hold it.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	const secret = "13912345678"
	held := []attribute.KeyValue{attribute.StringSlice("list", []string{"a", "tel " + secret})}
	stubs := tracetest.SpanStubs{
		{Name: "query " + secret},
		{Name: "status", Status: sdktrace.Status{Code: codes.Error, Description: errors.New("bad " + secret).Error()}},
		{Name: "attribute", Attributes: held},
		{Name: "event", Events: []sdktrace.Event{{Name: "exception", Attributes: held}}},
		{Name: "link", Links: []sdktrace.Link{{Attributes: held}}},
		{Name: "nothing", Attributes: []attribute.KeyValue{attribute.Int("n", 1)}},
	}
	if got := leaks(stubs.Snapshots(), []string{secret}); len(got) != len(stubs)-1 || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "nothing") }) {
		t.Error(got)
	}
}
