package serve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/graph/servetest"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// parts is a schema of one field of each kind, answered as the test says.
type parts struct {
	gate    func([]*ast.Field) (read.Answer, error)
	code    func(ctx context.Context, roots ast.SelectionSet) string
	streams func(*ast.Field) (serve.Stream, error)
	roots   []string // that the gate was asked for
}

func (p *parts) server(t *testing.T) *servetest.Server {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: "type Query { read: Int more: T service: Int } type T { a: Int b: Int } type Subscription { tick: Int }"})
	if err != nil {
		t.Fatal(err)
	}
	s := &servetest.Server{Log: &servetest.Log{}}
	h, err := serve.New(serve.Config{
		Exec: exec{schema, p}, Reader: p, Streams: p, Auth: p, Live: p,
		Gate:   func(f string) bool { return f != "service" },
		Limits: limit.Default(), Now: clock.New().Now, Log: slog.New(slog.NewTextHandler(s.Log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(h)
	t.Cleanup(func() { h.Shutdown(); web.Close() })
	s.Handler, s.URL = h, web.URL
	return s
}

func (p *parts) Authenticate(context.Context, string, *http.Request) (*tenancy.Session, error) {
	return &tenancy.Session{Tenant: tenancy.TenantID(uuid.Nil)}, nil
}
func (p *parts) Live(context.Context, *tenancy.Session) bool { return true }

func (p *parts) Query(_ context.Context, _ *tenancy.Session, _ *ast.QueryDocument, _ *ast.OperationDefinition, _ map[string]any, roots []*ast.Field) (read.Answer, error) {
	for _, f := range roots {
		p.roots = append(p.roots, f.Alias)
	}
	return p.gate(roots)
}

func (p *parts) Render(context.Context, *tenancy.Session, string, uuid.UUID, ast.SelectionSet, *ast.QueryDocument, map[string]any) (read.Answer, error) {
	return read.Answer{}, errors.New("nothing to render")
}

func (p *parts) Subscribe(_ context.Context, _ *tenancy.Session, _ *ast.QueryDocument, _ *ast.OperationDefinition, _ map[string]any, root *ast.Field) (serve.Stream, error) {
	return p.streams(root)
}

type exec struct {
	schema *ast.Schema
	p      *parts
}

func (e exec) Schema() *ast.Schema { return e.schema }
func (exec) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (e exec) Exec(ctx context.Context) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Data: []byte(e.p.code(ctx, graphql.GetOperationContext(ctx).Operation.SelectionSet))})
}

func answers(data string) func([]*ast.Field) (read.Answer, error) {
	return func([]*ast.Field) (read.Answer, error) { return read.Answer{Data: []byte(data)}, nil }
}

func TestPartsOfAQuery(t *testing.T) {
	t.Parallel()
	five := func(context.Context, ast.SelectionSet) string { return `{"s":5}` }
	failing := func(ctx context.Context, _ ast.SelectionSet) string {
		graphql.AddError(ctx, gqlerror.WrapPath(ast.Path{ast.PathName("s")}, fault.Forbidden("NO", fault.Text{EN: "no"}, "art. 1", fault.Text{EN: "ask"})))
		return `{"s":null}`
	}
	for name, c := range map[string]struct {
		query string
		p     parts
		want  string // the body up to extensions
		roots string
	}{
		"both, in order": {"{ s: service r: read }", parts{gate: answers(`{"r":1}`), code: five}, `{"data":{"s":5,"r":1}`, "r"},
		"gate only":      {"{ read more { a } }", parts{gate: answers(`{"read":1,"more":{"a":2}}`)}, `{"data":{"read":1,"more":{"a":2}}`, "read more"},
		"code only":      {"{ s: service }", parts{code: five}, `{"data":{"s":5}`, ""},
		"gate is null":   {"{ s: service r: read }", parts{gate: answers(`null`), code: five}, `{"errors":[{"message":"internal error"`, "r"},
		"gate is masked": {"{ read }", parts{gate: func([]*ast.Field) (read.Answer, error) {
			return read.Answer{Data: []byte(`{"read":null}`), Masked: []read.MaskedField{{Path: ast.Path{ast.PathName("read")}, Reason: "R"}}, MaskedMore: true}, nil
		}}, `{"data":{"read":null},"extensions":{"cost":{"limit":5000,"requested":1},"masked":[{"path":["read"],"reason":"R"}],"maskedMore":true}}`, "read"},
		"gate has an error": {"{ read }", parts{gate: func([]*ast.Field) (read.Answer, error) {
			return read.Answer{Data: []byte(`{"read":null}`), Errors: gqlerror.List{gqlerror.WrapPath(ast.Path{ast.PathName("read")}, fault.NotFound("T"))}}, nil
		}}, `{"errors":[{"message":"T not found","path":["read"],"extensions":{"code":"NOT_FOUND"`, "read"},
		"gate fails": {
			"{ read s: service }",
			parts{gate: func([]*ast.Field) (read.Answer, error) { return read.Answer{}, errors.New("secret 10.0.0.7") }, code: five},
			`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"`, "read",
		},
		"gate is unavailable": {
			"{ read }",
			parts{gate: func([]*ast.Field) (read.Answer, error) { return read.Answer{}, fault.Down("POLICY_CHANGING", io.EOF) }},
			`{"errors":[{"message":"the service is temporarily unavailable, try again later","extensions":{"code":"UNAVAILABLE","reason":"POLICY_CHANGING"`, "read",
		},
		"a service refuses": {
			"{ s: service r: read }",
			parts{gate: answers(`{"r":1}`), code: failing},
			`{"errors":[{"message":"no","path":["s"],"extensions":{"clause":"art. 1","code":"FORBIDDEN","reason":"NO","remedy":"ask"`, "r",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.p.server(t)
			r := post(t, s, c.query, nil, nil)
			if body := string(r.body); !strings.HasPrefix(body, c.want) || strings.Contains(body, "secret") || r.status != 200 {
				t.Errorf("got  %s\nwant %s…", body, c.want)
			}
			if got := strings.Join(c.p.roots, " "); got != c.roots {
				t.Errorf("the gate was asked for %q", got)
			}
		})
	}
}

// script is a stream that gives what it was given, then an error.
type script struct {
	answers []read.Answer
	end     error
	closed  chan struct{}
}

func (s *script) Next(context.Context) (read.Answer, error) {
	if len(s.answers) == 0 {
		return read.Answer{}, s.end
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	return a, nil
}
func (s *script) Close() { close(s.closed) }

func TestStreams(t *testing.T) {
	t.Parallel()
	one := read.Answer{Data: []byte(`{"tick":null}`), Masked: []read.MaskedField{{Path: ast.Path{ast.PathName("tick")}, Reason: "R"}}}
	const next = `{"data":{"tick":null},"extensions":{"masked":[{"path":["tick"],"reason":"R"}]}}`
	for name, c := range map[string]struct {
		end  error
		last string // what follows the answer over a socket
	}{
		"in good order": {io.EOF, `{"id":"1","type":"complete"}`},
		"by a refusal":  {fault.Forbidden("NO_LONGER", fault.Text{EN: "no longer"}, "", fault.Text{}), `{"id":"1","type":"error","payload":[{"message":"no longer","extensions":{"code":"FORBIDDEN","reason":"NO_LONGER"`},
		"by a failure":  {errors.New("secret"), `{"id":"1","type":"error","payload":[{"message":"内部错误","extensions":{"code":"INTERNAL"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := &script{answers: []read.Answer{one}, end: c.end, closed: make(chan struct{})}
			s := (&parts{streams: func(*ast.Field) (serve.Stream, error) { return sc, nil }}).server(t)
			p := acknowledged(t, s, "anybody")
			p.subscribe("1", "subscription { tick }")
			p.hear(`{"id":"1","type":"next","payload":` + next + `}`)
			if got := p.next(); !strings.HasPrefix(got, c.last) {
				t.Fatalf("got %s", got)
			}
			<-sc.closed

			sc = &script{answers: []read.Answer{one}, end: c.end, closed: make(chan struct{})}
			l := listen(t, s, "anybody", "subscription { tick }")
			l.hear("next", next)
			n, d := l.event()
			if errors.Is(c.end, io.EOF) != (n == "complete") || strings.Contains(d, "secret") {
				t.Fatalf("%s %s", n, d)
			}
			if n == "next" {
				if !strings.HasPrefix(d, `{"errors":[`) {
					t.Fatalf("%s", d)
				}
				l.hear("complete", "")
			}
			<-sc.closed
		})
	}
}

func TestARefusedSubscription(t *testing.T) {
	t.Parallel()
	s := (&parts{streams: func(*ast.Field) (serve.Stream, error) { return nil, fault.NotFound("Contract") }}).server(t)
	p := acknowledged(t, s, "anybody")
	p.subscribe("1", "subscription { tick }")
	if got := p.next(); !strings.HasPrefix(got, `{"id":"1","type":"error","payload":[{"message":`) || !strings.Contains(got, `"code":"NOT_FOUND"`) {
		t.Fatalf("got %s", got)
	}
	p.subscribe("1", "subscription { __typename }")
	if got := p.next(); !strings.Contains(got, `"type":"error"`) {
		t.Fatalf("got %s", got)
	}
}
