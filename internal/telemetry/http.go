package telemetry

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"
)

// HTTP counts a handler's answers by method and status and, where something is traced, puts a span around each. Only the
// route's pattern is recorded, never a query string; the Host header, which callers choose, is no label.
func (t *Telemetry) HTTP(next http.Handler) http.Handler {
	if _, off := t.tracers.(noop.TracerProvider); !off {
		next = otelhttp.NewHandler(next, "http", otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
			otelhttp.WithPropagators(propagation.TraceContext{}),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			t.requests.Record(context.Background(), time.Since(start).Seconds(), t.answers.of(answer{known(r.Method), s.status})...)
		}()
		next.ServeHTTP(s, r)
	})
}

// known keeps what callers may send out of labels.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch:
		return method
	}
	return "_OTHER"
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

type answer struct {
	method string
	status int
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

func answerLabels(a answer) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("http.request.method", a.method), attribute.Int("http.response.status_code", a.status)}
}
