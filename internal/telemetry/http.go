package telemetry

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"
)

// unmatched is the route of a request that no pattern answers.
const unmatched = "unmatched"

// Route names a request by the pattern of the mux that answers it, without its method: "/graphql", "/auth/{...}" for whatever
// lies below a pattern that ends in a slash, "unmatched" for what no pattern answers.
func Route(mux *http.ServeMux) func(*http.Request) string {
	return func(r *http.Request) string {
		if r.Method == http.MethodConnect {
			return unmatched // the mux gives the caller's path for a pattern
		}
		_, pattern := mux.Handler(r)
		if _, path, ok := strings.Cut(pattern, " "); ok {
			pattern = path
		}
		switch pattern = strings.TrimSuffix(pattern, "{$}"); {
		case pattern == "":
			return unmatched
		case len(pattern) > 1 && strings.HasSuffix(pattern, "/"):
			return pattern + "{...}"
		}
		return pattern
	}
}

type askedKey struct{}

// HTTP measures a handler's answers and, where something is traced, puts a span around each. route says in a word of the
// server's own what was asked for; see Route.
//
// SECURITY: a caller may write anything into path, query, host, method and headers, a phone number or a token too, and each
// new value would be a new series of every metric. Labels are made of the route, a method that HTTP defines and the status;
// the instrumentation never sees the request: it is handed one that has the route for a path and nothing of the caller's but
// the address of the connection and a trace's id.
func (t *Telemetry) HTTP(next http.Handler, route func(*http.Request) string) http.Handler {
	if _, off := t.tracers.(noop.TracerProvider); !off {
		next = t.spanned(next, route)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		asked := answer{method: method(r.Method), route: route(r)}
		defer func() {
			asked.status = s.status
			t.requests.Record(context.Background(), time.Since(start).Seconds(), t.answers.of(asked)...)
		}()
		next.ServeHTTP(s, r)
	})
}

func (t *Telemetry) spanned(next http.Handler, route func(*http.Request) string) http.Handler {
	instrumented := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, told *http.Request) {
		asked, _ := told.Context().Value(askedKey{}).(*http.Request)
		r := asked.WithContext(told.Context())
		r.Body = told.Body // counts what is read
		next.ServeHTTP(w, r)
	}), "http", otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, told *http.Request) string { return told.Method + " " + told.Pattern }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := r.WithContext(context.WithValue(r.Context(), askedKey{}, r))
		told.Pattern = route(r)
		told.URL = &url.URL{Path: told.Pattern}
		told.Method = method(r.Method)
		told.Host, told.RequestURI = "clientele", told.Pattern
		told.Header = http.Header{}
		if parent := r.Header.Get("Traceparent"); parent != "" {
			told.Header.Set("Traceparent", parent) // ids alone; what is not of their form is passed over
		}
		instrumented.ServeHTTP(w, told)
	})
}

// method is one of those that HTTP defines, or "OTHER".
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "OTHER"
}

// statusWriter notes the status. What else a writer can do, http.ResponseController finds behind Unwrap.
type statusWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

// Unwrap is for http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (s *statusWriter) WriteHeader(status int) {
	if !s.sent {
		s.status, s.sent = status, status >= http.StatusOK || status == http.StatusSwitchingProtocols
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *statusWriter) Write(b []byte) (int, error) {
	s.sent = true
	return s.ResponseWriter.Write(b)
}

// Flush implements http.Flusher: compressors ask for it by name, and an event stream that is not flushed is never seen.
func (s *statusWriter) Flush() { _ = s.FlushError() }

// FlushError is what http.ResponseController prefers.
func (s *statusWriter) FlushError() error {
	s.sent = true
	return http.NewResponseController(s.ResponseWriter).Flush()
}

type answer struct {
	method, route string
	status        int
}

func answerLabels(a answer) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("http.request.method", a.method), attribute.String("http.route", a.route), attribute.Int("http.response.status_code", a.status),
	}
}

// options keeps the labels of measurements that have been made: to sort and compare them anew costs more than to measure.
type options[K comparable] struct {
	labels func(K) []attribute.KeyValue

	mu   sync.RWMutex
	made map[K][]metric.RecordOption
}

func newOptions[K comparable](labels func(K) []attribute.KeyValue) *options[K] {
	return &options[K]{labels: labels, made: map[K][]metric.RecordOption{}}
}

func (o *options[K]) of(key K) []metric.RecordOption {
	o.mu.RLock()
	found, ok := o.made[key]
	o.mu.RUnlock()
	if ok {
		return found
	}
	found = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(o.labels(key)...))}
	o.mu.Lock()
	o.made[key] = found
	o.mu.Unlock()
	return found
}
