package serve_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/graph/servetest"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Path       []any
			Extensions map[string]any
		}
		Extensions map[string]any
	}
}

func (r *reply) code() string   { return r.ext("code") }
func (r *reply) reason() string { return r.ext("reason") }
func (r *reply) ext(k string) string {
	if len(r.json.Errors) == 0 {
		return ""
	}
	s, _ := r.json.Errors[0].Extensions[k].(string)
	return s
}

// do sends one request; header values of "-" remove a header.
func do(t *testing.T, method, target, body string, headers map[string]string) *reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"Authorization": "Bearer " + servetest.Token, "Accept-Encoding": "identity", "Accept-Language": "en"}
	if method == http.MethodPost {
		all["Content-Type"] = "application/json"
	}
	maps.Copy(all, headers)
	for k, v := range all {
		if k == "Transfer-Encoding" {
			req.ContentLength = -1
			continue
		}
		if v != "-" {
			req.Header.Set(k, v)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := &reply{status: resp.StatusCode, header: resp.Header}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && resp.Header.Get("Content-Encoding") == "" {
		if err := json.Unmarshal(r.body, &r.json); err != nil {
			t.Fatalf("%v: %s", err, r.body)
		}
	}
	return r
}

func post(t *testing.T, s *servetest.Server, query string, vars any, headers map[string]string) *reply {
	t.Helper()
	b, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		t.Fatal(err)
	}
	return do(t, http.MethodPost, s.URL, string(b), headers)
}

func TestRootsAreJoinedInTheDocumentsOrder(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := post(t, s, `query Q($no: Boolean = false) {
		a: __typename
		...F
		skipped: client(id: "x") @include(if: $no) { id }
		__type(name: "Client") { name }
		c1: client(id: "`+servetest.ClientID(1)+`") { id }
		... on Query { c1: client(id: "`+servetest.ClientID(1)+`") { name } }
		diagnosticSlow(milliseconds: 1)
	}
	fragment F on Query { company(id: "x") { id } b: __typename }`, nil, nil)
	want := `{"a":"Query","company":null,"b":"Query","__type":{"name":"Client"},"c1":{"id":"` + servetest.ClientID(1) + `","name":"客户 string 1"},"diagnosticSlow":true}`
	if string(r.json.Data) != want || len(r.json.Errors) != 0 || r.status != 200 {
		t.Fatalf("got  %s\nwant %s", r.body, want)
	}
}

func TestMaskedFieldsAndCostAreTold(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := post(t, s, `{ clients(first: 1) { nodes { name legalRepresentative } } }`, nil, nil)
	want := `{"cost":{"limit":5000,"requested":2},"masked":[{"path":["clients","nodes",0,"legalRepresentative"],"reason":"NOT_PERMITTED"},{"path":["clients","nodes",1,"legalRepresentative"],"reason":"NOT_PERMITTED"}]}`
	got, _ := json.Marshal(r.json.Extensions)
	if string(got) != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// What a client sees when more is masked than an answer lists: the first hundred, and that there are more; whichever part of
// the answer they are in.
func TestMaskedFieldsBeyondTheListAreTold(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Aliases, o.Limits.Fields = 500, 5000 })
	aliased := func(prefix string, n int, field string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s%d: %s ", prefix, i, field)
		}
		return b.String()
	}
	act := `clientOpen(idempotencyKey: "k", input: {name: "good", kinds: [KEY], departmentId: "d", source: "s"}) { client { %s } }`
	for name, c := range map[string]struct {
		query string
		more  any
		last  string // path of the last one listed
	}{
		"a list, as many":     {"{ clients { nodes { " + aliased("f", 50, "legalRepresentative") + "} } }", nil, `["clients","nodes",1,"f49"]`},
		"a list, one more":    {"{ clients { nodes { " + aliased("f", 50, "legalRepresentative") + "} } x: clients(first: 1) { nodes { legalRepresentative } } }", true, `["clients","nodes",1,"f49"]`},
		"payloads, as many":   {"mutation { " + aliased("m", 10, fmt.Sprintf(act, aliased("f", 10, "legalRepresentative"))) + "}", nil, `["m9","client","f9"]`},
		"payloads, many more": {"mutation { " + aliased("m", 10, fmt.Sprintf(act, aliased("f", 15, "legalRepresentative"))) + "}", true, `["m6","client","f9"]`},
	} {
		r := post(t, s, c.query, nil, nil)
		list, _ := r.json.Extensions["masked"].([]any)
		if len(list) != 100 || r.json.Extensions["maskedMore"] != c.more {
			t.Errorf("%s: %d listed, maskedMore %v: %.200s", name, len(list), r.json.Extensions["maskedMore"], r.body)
			continue
		}
		if last, _ := json.Marshal(list[99].(map[string]any)["path"]); string(last) != c.last {
			t.Errorf("%s: the last one listed is %s", name, last)
		}
	}
}

const open = `mutation($name: String!) { clientOpen(idempotencyKey: "k", input: {name: $name, kinds: [KEY], departmentId: "d", source: "s"}) {
	client { id legalRepresentative } userErrors { code message field reason remedy currentVersion } } }`

func TestMutationsRenderTheirObjectsThroughTheGate(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := post(t, s, open, map[string]any{"name": "good"}, nil)
	if want := `{"clientOpen":{"client":{"id":"` + servetest.ClientID(1) + `","legalRepresentative":null},"userErrors":[]}}`; string(r.json.Data) != want {
		t.Fatalf("got  %s\nwant %s", r.body, want)
	}
	if got, _ := json.Marshal(r.json.Extensions["masked"]); string(got) != `[{"path":["clientOpen","client","legalRepresentative"],"reason":"NOT_PERMITTED"}]` {
		t.Fatalf("masked: %s", got)
	}
}

func TestRefusalsAreUserErrorsInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	for lang, want := range map[string]string{
		"en":              `"message":"bad name","field":"input.name","reason":"NAME","remedy":"correct it","currentVersion":null`,
		"zh-CN,en;q=0.5":  `"message":"名称有误"`,
		"fr":              `"message":"名称有误"`,
		"en;q=0.3,zh;q=0": `"message":"bad name"`,
	} {
		r := post(t, s, open, map[string]any{"name": "refused"}, map[string]string{"Accept-Language": lang})
		if !strings.Contains(string(r.json.Data), want) || !strings.Contains(string(r.json.Data), `"currentVersion":"7"`) || len(r.json.Errors) != 0 {
			t.Errorf("%s: %s", lang, r.body)
		}
	}
}

func TestForeignErrorsAreMaskedAndLoggedOnceWithTheRequestID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ query, secret, data string }{
		"error of a resolver": {strings.Replace(open, "$name}", "$name}", 1), "unexpected EOF", "null"},
		"panic of a resolver": {open, "resolver panic", "null"},
		"error at a root":     {`{ diagnosticError ok: __typename }`, "10.0.0.7", `{"diagnosticError":null,"ok":"Query"}`},
		"panic at a root":     {`{ diagnosticPanic }`, "10.0.0.7", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, nil)
			vars := map[string]any{"name": map[bool]string{true: "panics", false: "broken"}[strings.HasPrefix(name, "panic")]}
			r := post(t, s, c.query, vars, nil)
			if r.status != 200 || len(r.json.Errors) != 1 || r.json.Errors[0].Message != "internal error" || r.code() != "INTERNAL" || string(r.json.Data) != c.data {
				t.Fatalf("%d %s", r.status, r.body)
			}
			id := r.header.Get("X-Request-Id")
			if r.ext("requestId") != id || id == "" || strings.Contains(string(r.body), c.secret) {
				t.Fatalf("%s", r.body)
			}
			if log := s.Log.String(); strings.Count(log, id) != 1 || !strings.Contains(log, c.secret) {
				t.Fatalf("log: %s", log)
			}
		})
	}
}

func TestUnavailableIsSaidAsSuch(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := post(t, s, open, map[string]any{"name": "unavailable"}, nil)
	if r.code() != "UNAVAILABLE" || r.reason() != "DATABASE" || strings.Contains(string(r.body), "EOF") || r.json.Errors[0].Path[0] != "clientOpen" {
		t.Fatalf("%s", r.body)
	}
}

func TestRequestErrorsHaveNoDataAndTheStatusOfTheirMediaType(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	for _, query := range []string{"{", "{ nothing }", "query A { __typename } query B { __typename }", "query($x: ID!) { client(id: $x) { id } }", "fragment F on Query { __typename }"} {
		for accept, status := range map[string]int{"application/json": 200, "application/graphql-response+json": 400, "*/*": 200, "-": 200} {
			r := post(t, s, query, nil, map[string]string{"Accept": accept})
			if r.status != status || bytes.Contains(r.body, []byte(`"data"`)) || r.code() != "INVALID_INPUT" {
				t.Errorf("%q as %s: %d %s", query, accept, r.status, r.body)
			}
		}
	}
}

func TestWhatIsNoGraphQLRequestIsRefusedByHTTP(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	long := "?query=" + strings.Repeat("x", 17<<10)
	for name, c := range map[string]struct {
		method, target, body string
		headers              map[string]string
		status               int
		reason               string
	}{
		"put":                    {"PUT", "", `{}`, nil, 405, "METHOD_NOT_ALLOWED"},
		"delete":                 {"DELETE", "", "", nil, 405, "METHOD_NOT_ALLOWED"},
		"form":                   {"POST", "", "query={__typename}", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"plain text":             {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"upload":                 {"POST", "", "--x--", map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no type":                {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Content-Type": "-"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"other charset":          {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Content-Type": "application/json; charset=utf-16"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"compressed body":        {"POST", "", `x`, map[string]string{"Content-Encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"unacceptable":           {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Accept": "text/html"}, 406, "NOT_ACCEPTABLE"},
		"unacceptable by q":      {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Accept": "application/json;q=0"}, 406, "NOT_ACCEPTABLE"},
		"array":                  {"POST", "", `[{"query":"{__typename}"}]`, nil, 400, "BATCHING_NOT_SUPPORTED"},
		"no object":              {"POST", "", `"x"`, nil, 400, "MALFORMED_REQUEST"},
		"empty":                  {"POST", "", ``, nil, 400, "MALFORMED_REQUEST"},
		"trailing":               {"POST", "", `{"query":"{__typename}"} {}`, nil, 400, "MALFORMED_REQUEST"},
		"wrong type":             {"POST", "", `{"query":"{__typename}","variables":"secret-7"}`, nil, 400, "MALFORMED_REQUEST"},
		"not utf-8":              {"POST", "", "{\"query\":\"{__typename}\xff\"}", nil, 400, "MALFORMED_REQUEST"},
		"no query":               {"POST", "", `{}`, nil, 400, "QUERY_MISSING"},
		"body":                   {"POST", "", `{"query":"` + strings.Repeat(" ", 1<<20) + `"}`, nil, 413, "BODY_SIZE"},
		"body of unknown length": {"POST", "", `{"query":"` + strings.Repeat(" ", 1<<20) + `"}`, map[string]string{"Transfer-Encoding": "chunked"}, 413, "BODY_SIZE"},
		"url":                    {"GET", long, "", nil, 414, "URL_SIZE"},
		"token in url":           {"GET", "?query={__typename}&access_token=x", "", nil, 400, "CREDENTIAL_IN_URL"},
		"mutation by get":        {"GET", "?query=" + url.QueryEscape(`mutation { clientOpen(idempotencyKey: "k", input: {name: "n", kinds: [KEY], departmentId: "d", source: "s"}) { client { id } } }`), "", nil, 405, "METHOD_NOT_ALLOWED"},
		"subscription":           {"POST", "", `{"query":"subscription { diagnosticTicks(milliseconds: 1) }"}`, map[string]string{"Accept": "application/json"}, 400, "SUBSCRIPTION_TRANSPORT"},
		"bad variables in url":   {"GET", "?query={__typename}&variables=7", "", nil, 400, "MALFORMED_REQUEST"},
		"other upgrade":          {"GET", "", "", map[string]string{"Upgrade": "h2c", "Connection": "Upgrade"}, 426, "UPGRADE_REQUIRED"},
		"foreign page":           {"POST", "", `{"query":"{__typename}"}`, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403, "CROSS_ORIGIN"},
	} {
		r := do(t, c.method, s.URL+c.target, c.body, c.headers)
		if r.status != c.status || r.reason() != c.reason || bytes.Contains(r.body, []byte(`"data"`)) || bytes.Contains(r.body, []byte("secret-7")) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if c.status == 405 && r.header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", name)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	s.Sign("late", "00000000-0000-0000-0000-00000000000a", s.Clock.Now().Add(-time.Second))
	for name, header := range map[string]string{"none": "-", "unknown": "Bearer x", "other scheme": "Basic alice", "expired": "Bearer late", "empty": "Bearer "} {
		r := post(t, s, "{ __typename }", nil, map[string]string{"Authorization": header})
		if r.status != 401 || r.code() != "UNAUTHENTICATED" || r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// holding is an authenticator that has had enough of its caller.
type holding struct{ serve.Authenticator }

func (h holding) Authenticate(ctx context.Context, bearer string, r *http.Request) (*tenancy.Session, error) {
	if bearer == "x" {
		return nil, fault.Busy("CREDENTIALS", fault.Text{ZH: "过多", EN: "too many"}).With("retryAfter", 7)
	}
	return h.Authenticator.Authenticate(ctx, bearer, r)
}

func TestACallerWhoIsHeldBackIsToldForHowLong(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Auth = holding{o.Auth} })
	for _, accept := range []string{"application/json", "application/graphql-response+json", "text/event-stream"} {
		r := post(t, s, "{ __typename }", nil, map[string]string{"Authorization": "Bearer x", "Accept": accept})
		if r.status != 429 || r.header.Get("Retry-After") != "7" {
			t.Errorf("%s: %d %v %s", accept, r.status, r.header, r.body)
		}
	}
	if r := post(t, s, "{ __typename }", nil, nil); r.status != 200 {
		t.Fatalf("a good credential: %d", r.status)
	}
}

func TestPointsAreCountedPerPrincipalAndTenant(t *testing.T) {
	t.Parallel()
	const tenantA, tenantB = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
	s := servetest.Start(t, func(o *graph.Options) {
		o.Limits.PrincipalPoints, o.Limits.PrincipalLeak, o.Limits.TenantPoints, o.Limits.TenantLeak = 30, 0.5, 45, 0.5
	})
	for token, tenant := range map[string]string{"anna": tenantA, "bert": tenantA, "carl": tenantB} {
		s.Sign(token, tenant, time.Time{})
	}
	spend := func(token string) *reply {
		return post(t, s, "{ clients(first: 19) { nodes { id } } }", nil, map[string]string{"Authorization": "Bearer " + token}) // 20 points
	}
	for _, c := range []struct {
		token  string
		status int
	}{{"anna", 200}, {"anna", 429}, {"bert", 200}, {"bert", 429}, {"alice", 429}, {"carl", 200}} {
		r := spend(c.token)
		if r.status != c.status || (c.status == 429) != (r.header.Get("Retry-After") != "") || r.header.Get("RateLimit") == "" || r.header.Get("RateLimit-Policy") != `"points";q=30;w=60` {
			t.Fatalf("%s: %d %v %s", c.token, r.status, r.header, r.body)
		}
	}
	s.Clock.SetOffset(time.Hour)
	if r := spend("anna"); r.status != 200 {
		t.Fatalf("after an hour: %d", r.status)
	}
}

func TestGetAnswersQueries(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	q := url.Values{"query": {`query A($id: ID!) { client(id: $id) { id } } query B { __typename }`}, "variables": {`{"id":"` + servetest.ClientID(4) + `"}`}, "operationName": {"A"}}
	r := do(t, "GET", s.URL+"?"+q.Encode(), "", map[string]string{"Accept": "application/graphql-response+json"})
	if r.status != 200 || string(r.json.Data) != `{"client":{"id":"`+servetest.ClientID(1)+`"}}` || !strings.HasPrefix(r.header.Get("Content-Type"), "application/graphql-response+json") {
		t.Fatalf("%d %s", r.status, r.body)
	}
}

func TestLongAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	var query strings.Builder
	for i := range 30 {
		fmt.Fprintf(&query, " a%d: client(id: %q) { name }", i, servetest.ClientID(1))
	}
	r := post(t, s, "{"+query.String()+"}", nil, map[string]string{"Accept-Encoding": "gzip", "Accept": "application/json"})
	z, err := gzip.NewReader(bytes.NewReader(r.body))
	if err != nil || r.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, r.header)
	}
	if b, err := io.ReadAll(z); err != nil || !json.Valid(b) || len(b) < 1024 {
		t.Fatalf("%v %s", err, b)
	}
	short := post(t, s, "{ __typename }", nil, map[string]string{"Accept-Encoding": "gzip"})
	if short.header.Get("Content-Encoding") != "" {
		t.Error("a short answer was compressed")
	}
}

func TestHygiene(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Origins = []string{"https://app.example.com"} })
	r := post(t, s, "{ __typename }", nil, map[string]string{"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"})
	for k, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Access-Control-Allow-Origin": "https://app.example.com",
	} {
		if got := r.header.Get(k); got != want {
			t.Errorf("%s: %q", k, got)
		}
	}
	pre := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type", "Authorization": "-"}
	if r := do(t, "OPTIONS", s.URL, "", pre); r.status/100 != 2 || r.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	pre["Origin"] = "https://evil.example"
	if r := do(t, "OPTIONS", s.URL, "", pre); r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin was allowed: %v", r.header)
	}
}

func TestAnOperationHasItsTime(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Operation = 30 * time.Millisecond })
	r := post(t, s, "{ diagnosticSlow(milliseconds: 60000) }", nil, nil)
	if r.code() != "UNAVAILABLE" || r.reason() != "TIMEOUT" {
		t.Fatalf("%s", r.body)
	}
}

func TestProductionTellsNothingOfTheSchema(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Production, o.Diagnostics = true, false })
	for _, query := range []string{"{ __schema { types { name } } }", `{ ...F } fragment F on Query { __type(name: "Client") { name } }`} {
		if r := post(t, s, query, nil, nil); r.code() != "FORBIDDEN" || r.reason() != "INTROSPECTION_DISABLED" {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	for _, query := range []string{
		"{ clientz { id } }", `{ client(idd: "x") { id } }`, "query($x: Clien) { __typename }", `{ clients(orderBy: {field: NAM}) { nodes { id } } }`,
		`{ clients(filter: {cod: "x"}) { nodes { id } } }`, "{ client(id: 1) }", "{ diagnosticPanic }",
	} {
		r := post(t, s, query, nil, nil)
		if r.code() != "INVALID_INPUT" || strings.Contains(string(r.body), "ean \\\"") || strings.Contains(strings.ToLower(string(r.body)), "did you mean") {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	if r := post(t, s, "{ __typename }", nil, nil); r.status != 200 {
		t.Errorf("__typename: %s", r.body)
	}
}
