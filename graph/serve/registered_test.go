package serve_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/graph/servetest"
)

func TestReadRegistered(t *testing.T) {
	t.Parallel()
	want := serve.Registered{"a": "{ __typename }", "b": "query B { __typename }"}
	for _, text := range []string{
		`{"a":"{ __typename }","b":"query B { __typename }"}`,
		`{"format":"x","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"{ __typename }"},{"id":"b","body":"query B { __typename }"}]}`,
	} {
		got, err := serve.ReadRegistered(strings.NewReader(text))
		if err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%v %v", got, err)
		}
	}
	for _, text := range []string{``, `[]`, `{"a":1}`, `{"a":""}`, `{"operations":[{"body":"x"}]}`} {
		if got, err := serve.ReadRegistered(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRegisteredOperations(t *testing.T) {
	t.Parallel()
	const text, other = "{ a: __typename }", "{ b: __typename }"
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	apollo := func(id, query string) string {
		q := ""
		if query != "" {
			q = fmt.Sprintf(`"query":%q,`, query)
		}
		return fmt.Sprintf(`{%s"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, q, id)
	}
	for _, only := range []bool{false, true} {
		s := servetest.Start(t, func(o *graph.Options) {
			o.Registered, o.RegisteredOnly = serve.Registered{sum(text): text, "card": text}, only
		})
		refused := map[bool]string{true: "OPERATION_NOT_REGISTERED"}[only]
		for name, c := range map[string]struct{ body, data, reason string }{
			"by hash":                    {apollo(sum(text), ""), `{"a":"Query"}`, ""},
			"by hash and text":           {apollo(sum(text), text), `{"a":"Query"}`, ""},
			"by id":                      {`{"documentId":"card"}`, `{"a":"Query"}`, ""},
			"unknown hash":               {apollo(sum(other), ""), "", map[bool]string{true: "OPERATION_NOT_REGISTERED", false: "PERSISTED_QUERY_NOT_FOUND"}[only]},
			"unknown hash with its text": {apollo(sum(other), other), map[bool]string{false: `{"b":"Query"}`}[only], refused},
			"known hash with other text": {apollo(sum(text), other), "", map[bool]string{true: "OPERATION_NOT_REGISTERED", false: "PERSISTED_QUERY_MISMATCH"}[only]},
			"text alone":                 {`{"query":"{ b: __typename }"}`, map[bool]string{false: `{"b":"Query"}`}[only], refused},
			"registered text without id": {`{"query":"{ a: __typename }"}`, map[bool]string{false: `{"a":"Query"}`}[only], refused},
		} {
			r := do(t, "POST", s.URL, c.body, nil)
			if string(r.json.Data) != c.data || r.reason() != c.reason {
				t.Errorf("%s, only %v: %s", name, only, r.body)
			}
		}
		if r := do(t, "GET", s.URL+"?documentId=card", "", nil); string(r.json.Data) != `{"a":"Query"}` {
			t.Errorf("GET by id: %s", r.body)
		}
		q := url.Values{"extensions": {fmt.Sprintf(`{"persistedQuery":{"version":1,"sha256Hash":%q}}`, sum(text))}}
		if r := do(t, "GET", s.URL+"?"+q.Encode(), "", nil); string(r.json.Data) != `{"a":"Query"}` {
			t.Errorf("GET by hash: %s", r.body)
		}
		// what was sent is not kept
		if r := do(t, "POST", s.URL, apollo(sum(other), ""), nil); len(r.json.Errors) == 0 {
			t.Errorf("a caller registered an operation: %s", r.body)
		}
	}
}

func TestAWrongRegisteredOperationIsFoundAtStart(t *testing.T) {
	t.Parallel()
	for _, set := range []serve.Registered{{"x": "{ nothing }"}, {}} {
		s, err := servetest.New("127.0.0.1:0", func(o *graph.Options) { o.Registered, o.RegisteredOnly = set, true })
		if err == nil {
			s.Close()
			t.Errorf("%v was accepted", set)
		}
	}
}
