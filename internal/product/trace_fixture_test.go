package product_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// memory keeps the spans that are exported to it, also after the shutdown that sends the last of them.
type memory struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (m *memory) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spans = append(m.spans, spans...)
	return nil
}

func (m *memory) Shutdown(context.Context) error { return nil }

// traced is the product with every request traced.
type traced struct {
	*world.Tenant
	t      *testing.T
	token  string
	person world.Person
	tel    *telemetry.Telemetry
	spans  memory
	server *httptest.Server

	services *product.Services
	logs     lines
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newTraced starts the product; files is nil for one that keeps none.
func newTraced(t *testing.T, files *product.Files) *traced {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	x := &traced{t: t}
	var err error
	x.tel, err = telemetry.Start(t.Context(), telemetry.Config{LogFormat: "text", LogLevel: slog.LevelDebug, LogTo: io.MultiWriter(t.Output(), &x.logs), Spans: &x.spans, Ratio: 1})
	must(err)
	w := world.New(t, func(c *tenancy.Config) { c.Tracer = x.tel.SQL() })
	x.Tenant = w.Tenant("alpha")
	s, err := product.NewServices(w.DB, w.Clock, w.Clock.Now, rand.Reader, x.tel.Log, x.tel.Tracer(), files)
	must(err)
	x.services = s
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "audit.key"))
	must(err)
	trail, err := product.StartTrail(s, key, x.tel.Log)
	must(err)
	api, err := product.NewAPI(s, product.Settings{CursorKey: bytes.Repeat([]byte{7}, 32)}, x.tel, telemetry.NewHealth(w.DB.Ready), trail)
	must(err)
	x.server = httptest.NewServer(api)
	t.Cleanup(func() {
		api.Shutdown()
		x.server.Close()
		api.Close()
		trail.Close()
	})
	x.person = x.Person(x.Department, "kam_manager")
	x.token = sessionToken(t, x.Tenant, x.person)
	return x
}

// send makes one request with a trace id of its own and gives back that id and the body.
func (x *traced) send(method, query, body string) (trace.TraceID, string) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), method, x.server.URL+"/graphql"+query, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	id := trace.TraceID(uuid.New())
	req.Header.Set("Traceparent", fmt.Sprintf("00-%s-00000000000000a1-01", id))
	req.Header.Set("Authorization", "Bearer "+x.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return id, string(b)
}

const sqlScope = "github.com/exaring/otelpgx"

// finished ends the telemetry and gives the spans of each trace.
func (x *traced) finished() map[trace.TraceID][]sdktrace.ReadOnlySpan {
	x.t.Helper()
	x.server.Close() // waits for the ends of requests
	if err := x.tel.Shutdown(context.Background()); err != nil {
		x.t.Fatal(err)
	}
	x.spans.mu.Lock()
	defer x.spans.mu.Unlock()
	out := map[trace.TraceID][]sdktrace.ReadOnlySpan{}
	for _, s := range x.spans.spans {
		out[s.SpanContext().TraceID()] = append(out[s.SpanContext().TraceID()], s)
	}
	return out
}

// chains are the distinct ways from a trace's root to its statements: the names of all spans above one that the driver did
// not make, "SQL" for the statement. One whose parent is missing begins with "?".
func chains(spans []sdktrace.ReadOnlySpan) []string {
	byID := map[trace.SpanID]sdktrace.ReadOnlySpan{}
	for _, s := range spans {
		byID[s.SpanContext().SpanID()] = s
	}
	var out []string
	for _, s := range spans {
		if !slices.ContainsFunc(s.Attributes(), func(a attribute.KeyValue) bool { return a.Key == "db.query.text" }) {
			continue
		}
		chain := "SQL"
		for p := s.Parent(); !p.IsRemote(); {
			above := byID[p.SpanID()]
			if above == nil {
				chain = "? > " + chain
				break
			}
			if above.InstrumentationScope().Name != sqlScope {
				chain = above.Name() + " > " + chain
			}
			p = above.Parent()
		}
		out = append(out, chain)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// described are the product's own attributes and the status of every span with the name.
func described(spans []sdktrace.ReadOnlySpan, name string) []string {
	var out []string
	for _, s := range spans {
		if s.Name() != name {
			continue
		}
		attrs := slices.Clone(s.Attributes())
		slices.SortFunc(attrs, func(a, b attribute.KeyValue) int { return strings.Compare(string(a.Key), string(b.Key)) })
		line := fmt.Sprintf("%s %q", s.Status().Code, s.Status().Description)
		for _, a := range attrs {
			line += fmt.Sprintf(" %s=%s", a.Key, a.Value.String())
		}
		out = append(out, line)
	}
	return out
}

// leaks tells of every place in a span where one of the texts stands.
func leaks(spans []sdktrace.ReadOnlySpan, secrets []string) []string {
	var out []string
	look := func(where, text string) {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				out = append(out, where+": "+text)
			}
		}
	}
	attrs := func(where string, list []attribute.KeyValue) {
		for _, a := range list {
			look(where+" "+string(a.Key), string(a.Key)+"="+a.Value.String())
		}
	}
	for _, s := range spans {
		look("name", s.Name())
		look("status", s.Status().Description)
		attrs(s.Name(), s.Attributes())
		attrs(s.Name()+" resource", s.Resource().Attributes())
		for _, e := range s.Events() {
			look(s.Name()+" event", e.Name)
			attrs(s.Name()+" event "+e.Name, e.Attributes)
		}
		for _, l := range s.Links() {
			attrs(s.Name()+" link", l.Attributes)
		}
	}
	return out
}
