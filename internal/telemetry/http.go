package telemetry

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
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

// HTTP puts a span and metrics around a handler. route says in a word of the server's own what was asked for; see Route.
//
// SECURITY: a caller may write anything into path, query, host, method and headers, a phone number or a token too, and each
// new value would be a new series of every metric. The instrumentation therefore never sees the request: it is handed one that
// has the route for a path and nothing of the caller's but the address of the connection and a trace's id.
func (t *Telemetry) HTTP(next http.Handler, route func(*http.Request) string) http.Handler {
	instrumented := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, told *http.Request) {
		asked, _ := told.Context().Value(askedKey{}).(*http.Request)
		r := asked.WithContext(told.Context())
		r.Body = told.Body // counts what is read
		next.ServeHTTP(w, r)
	}), "http", otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(t.meters), otelhttp.WithPropagators(propagation.TraceContext{}),
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
