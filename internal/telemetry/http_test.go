package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/clientele/clientele/internal/telemetry"
)

// spans keeps what is exported.
type spans struct {
	mu  sync.Mutex
	all []sdktrace.ReadOnlySpan
}

func (s *spans) ExportSpans(_ context.Context, all []sdktrace.ReadOnlySpan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, all...)
	return nil
}

func (s *spans) Shutdown(context.Context) error { return nil }

// said is everything that a span holds, in one text.
func said(s sdktrace.ReadOnlySpan) string {
	text := s.Name() + " " + s.Status().Description + " " + s.SpanContext().TraceState().String() + " " + s.Parent().TraceState().String()
	for _, a := range s.Attributes() {
		text += " " + string(a.Key) + "=" + a.Value.String()
	}
	for _, e := range s.Events() {
		text += fmt.Sprint(" ", e.Name, e.Attributes)
	}
	return text
}

const hostile = "13912345678"

// hostileRequests carry the text wherever a caller can put it.
func hostileRequests() []*http.Request {
	var all []*http.Request
	for _, path := range []string{
		"/graphql", "/graphql/" + hostile, "/graphql?q=" + hostile, "/" + hostile, "//" + hostile + "/../graphql", "/auth/" + hostile, "/auth/x/%2e%2e/" + hostile,
		"/auth", "/healthz/" + hostile, "/%00" + hostile, "/" + strings.Repeat(hostile, 500), "/%F0%9F%92%A9" + hostile + "%0a%0dGET", "/console/../" + hostile, "/console/" + hostile, "/",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodConnect, "X" + hostile} {
			r := httptest.NewRequest(method, "http://example.com"+path, strings.NewReader("body "+hostile))
			r.Host = "h" + hostile + ".example.com:8443"
			r.Header.Set("User-Agent", "Agent "+hostile)
			r.Header.Set("X-Forwarded-For", hostile)
			r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
			r.Header.Set("Tracestate", "vendor=x"+hostile)
			r.Header.Set("Baggage", "user="+hostile)
			all = append(all, r)
		}
	}
	return all
}

// What is told of a request is in words of the server's own, whatever the caller wrote.
func TestNothingOfTheCallersStandsInSpansAndMetrics(t *testing.T) {
	t.Parallel()
	var kept spans
	tel := start(t, telemetry.Config{Spans: &kept, Ratio: 1})
	mux := http.NewServeMux()
	var seen []string
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.URL.RawQuery+" "+r.Host+" "+r.UserAgent()+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
	})
	mux.Handle("/graphql", echo)
	mux.Handle("/auth/", echo)
	mux.Handle("/{$}", echo)
	mux.Handle("/console/", echo)
	mux.Handle("GET /healthz", echo)
	h := tel.HTTP(mux, telemetry.Route(mux))
	for _, r := range hostileRequests() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	_, metrics := get(tel.Metrics(), "/metrics")
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := "POST /graphql q=" + hostile + " h" + hostile + ".example.com:8443 Agent " + hostile + " body " + hostile; !slices.Contains(seen, want) {
		t.Errorf("the handler did not see the request itself: %q", seen)
	}
	var names []string
	for _, s := range kept.all {
		names = append(names, s.Name())
		if text := said(s); strings.Contains(text, hostile) {
			t.Error(text)
		}
		if got := s.SpanContext().TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("the caller's trace is not followed: %s", got)
		}
	}
	slices.Sort(names)
	want := []string{
		"CONNECT unmatched", "GET /", "GET /auth/{...}", "GET /console/{...}", "GET /graphql", "GET unmatched", "OTHER /", "OTHER /auth/{...}", "OTHER /console/{...}",
		"OTHER /graphql", "OTHER unmatched", "POST /", "POST /auth/{...}", "POST /console/{...}", "POST /graphql", "POST unmatched",
	}
	if d := cmp.Diff(want, slices.Compact(names)); d != "" {
		t.Error(d)
	}
	if strings.Contains(metrics, hostile) || !strings.Contains(metrics, `http_route="/graphql"`) {
		t.Error(metrics)
	}
}

// The look for the caller's text finds it in a span that says the path.
func TestTheCallersTextIsFound(t *testing.T) {
	t.Parallel()
	var kept spans
	tel := start(t, telemetry.Config{Spans: &kept, Ratio: 1})
	h := tel.HTTP(http.NotFoundHandler(), func(r *http.Request) string { return r.URL.Path })
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+hostile, nil))
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(kept.all) != 1 || !strings.Contains(said(kept.all[0]), hostile) {
		t.Error("not found")
	}
}

// Compressors look for http.Flusher and not behind Unwrap: what is flushed through the measured handler arrives before it ends.
func TestWhatIsFlushedArrives(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	end := make(chan struct{})
	server := httptest.NewServer(tel.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-end
	}), func(*http.Request) string { return "/" }))
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer close(end)
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Errorf("%q %v", first, err)
	}
}
