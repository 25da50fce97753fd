package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/telemetry"
)

func start(t *testing.T, c telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	if c.LogTo == nil {
		c.LogTo = io.Discard
	}
	c.Build = telemetry.ReadBuild()
	tel, err := telemetry.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func get(h http.Handler, path string) (int, string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

// What must not stand in a log is taken out wherever it comes from: keys, texts, errors of others.
func TestLogsCarryNoPersonalData(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		tel := start(t, telemetry.Config{LogFormat: format, LogTo: &out})
		secrets := []string{"hunter2horse", "13812345678", "clt_abcdefgh12345678", "cls_abcdefgh12345678", "li@example.com", "s3cretpw"}
		tel.Log.Info("signed in", slog.String("password", secrets[0]), slog.String("contact_phone", "x"+secrets[1]), slog.Group("r", slog.String("authorization", "Bearer "+secrets[2])))
		tel.Log.Error("failed", slog.Any("error", fmt.Errorf("call of %s with %s by %s: %w", secrets[1], secrets[3], secrets[4], errors.New("postgres://app:s3cretpw@db/x"))))
		tel.Log.Error("long", slog.Any("error", errors.New(strings.Repeat("长", 5000))), slog.String("quoted", strings.Repeat("x", 90_000)))
		if out.Len() > 6000 {
			t.Errorf("%s: a text of any length is logged: %d bytes", format, out.Len())
		}
		tel.Log.With(slog.String("note", "tel 86 13812345678.")).WithGroup("g").Warn("kept")
		for _, s := range secrets {
			if strings.Contains(out.String(), s) {
				t.Errorf("%s: %s is in the log: %s", format, s, out.String())
			}
		}
		for _, s := range []string{"signed in", "failed", "kept", "[phone]", "[token]", "[mail]", "[removed]"} {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s: %q is missing: %s", format, s, out.String())
			}
		}
	}
	if _, err := telemetry.Start(t.Context(), telemetry.Config{LogFormat: "xml", LogTo: io.Discard}); err == nil {
		t.Error("an unknown format was accepted")
	}
}

func TestMetricsForPrometheus(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	if tel.SQL() != nil {
		t.Error("statements are traced without a collector")
	}
	if err := tel.WatchPool(func() telemetry.Pool { return telemetry.Pool{Busy: 3, Idle: 2, Most: 16} }); err != nil {
		t.Fatal(err)
	}
	tel.Operation(t.Context(), telemetry.Operation{Kind: "query", Via: "http", Cost: 12, Codes: []string{"FORBIDDEN"}, Duration: time.Millisecond})
	teapot := tel.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), func(*http.Request) string { return "/teapot" })
	for range 2 {
		if code, _ := get(teapot, "/"); code != http.StatusTeapot {
			t.Fatal(code)
		}
	}
	_, text := get(tel.Metrics(), "/metrics")
	for _, want := range []string{
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="418",http_route="/teapot"} 2`,
		`clientele_build_info{`, `clientele_operation_duration_seconds_count{failed="true",kind="query",via="http"} 1`,
		`clientele_operation_errors_total{code="FORBIDDEN",kind="query"} 1`, `clientele_database_connections{state="busy"} 3`, `go_goroutines`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing:\n%s", want, text)
		}
	}
}

// With a collector, spans and metrics arrive over OTLP, and a log record names its trace.
func TestTracesReachACollector(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]string{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got[r.URL.Path] += string(body)
		mu.Unlock()
	}))
	defer collector.Close()
	var out bytes.Buffer
	tel := start(t, telemetry.Config{LogFormat: "json", LogTo: &out, OTLP: collector.URL, Ratio: 1})
	if tel.SQL() == nil {
		t.Error("statements are not traced")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", func(_ http.ResponseWriter, r *http.Request) {
		tel.Log.InfoContext(r.Context(), "inside")
		_, span := tel.Tracer().Start(r.Context(), "graphql query Clients")
		span.End()
		tel.Operation(r.Context(), telemetry.Operation{Kind: "query", Via: "http", Cost: 1})
	})
	h := tel.HTTP(mux, telemetry.Route(mux))
	if code, _ := get(h, "/graphql?secret=hunter2horse"); code != http.StatusOK {
		t.Fatal(code)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"GET /graphql", "graphql query Clients"} {
		if !strings.Contains(got["/v1/traces"], want) {
			t.Errorf("no span says %q", want)
		}
	}
	if !strings.Contains(got["/v1/metrics"], "clientele.operation.duration") {
		t.Error("no metrics arrived")
	}
	if strings.Contains(got["/v1/traces"], "hunter2horse") {
		t.Error("a query string is in a span")
	}
	if !strings.Contains(out.String(), `"trace_id":"`) {
		t.Errorf("the record names no trace: %s", out.String())
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var broken error
	h := telemetry.NewHealth(func(context.Context) error { return broken })
	mux := http.NewServeMux()
	h.Register(mux)
	for _, c := range []struct {
		change func()
		path   string
		code   int
		text   string
	}{
		{func() {}, "/healthz", 200, `"alive":true`},
		{func() {}, "/readyz", 200, `"ready":true`},
		{func() { broken = errors.New("dial tcp 10.0.0.7: secret") }, "/readyz", 503, `"database":"unavailable"`},
		{func() { broken = nil; h.Drain() }, "/readyz", 503, `"draining":true`},
		{func() {}, "/healthz", 200, `"alive":true`},
	} {
		c.change()
		if code, text := get(mux, c.path); code != c.code || !strings.Contains(text, c.text) || strings.Contains(text, "10.0.0.7") {
			t.Errorf("%s: %d %s", c.path, code, text)
		}
	}
}
