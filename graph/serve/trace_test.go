package serve_test

import (
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/graph/servetest"
)

// A caller's text is the name of a span only where somebody has read it before, or where it is no more than a word.
func TestOperationSpans(t *testing.T) {
	t.Parallel()
	const registered = "query Tel_13912345678 { tenant { id } }"
	for _, c := range []struct{ text, span, failed string }{
		{"query Good { tenant { id } }", "graphql query Good", ""},
		{"query Page12 { tenant { id } }", "graphql query Page12", ""},
		{"{ tenant { id } }", "graphql query", ""},
		{registered, "graphql query Tel_13912345678", ""},
		{registered + " ", "graphql query", ""},
		{"query Tel13912345678 { tenant { id } }", "graphql query", ""},
		{"query T139T1234T5678 { tenant { id } }", "graphql query", ""},
		{"query clt_abcdefgh { tenant { id } }", "graphql query", ""},
		{"query abcdefghijklmnopqrstuvwxyzabcdefghijklmno { tenant { id } }", "graphql query", ""},
		{"query Bad { diagnosticError }", "graphql query Bad", "INTERNAL"},
	} {
		recorder := tracetest.NewSpanRecorder()
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
		s := servetest.Start(t, func(o *graph.Options) { o.Tracer, o.Registered = tracer, serve.Registered{"one": registered} })
		post(t, s, c.text, nil, nil)
		s.Close() // waits for the end of the request
		spans := recorder.Ended()
		if len(spans) != 1 || spans[0].Name() != c.span {
			t.Errorf("%s: %v", c.text, spans)
			continue
		}
		status := spans[0].Status()
		if (status.Code == codes.Error) != (c.failed != "") || status.Description != c.failed {
			t.Errorf("%s: %v", c.text, status)
		}
	}
}
