package telemetry

import (
	"context"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// SQL traces statements by their text, which has parameters as $n and never their values; of a failure it tells the
// SQLSTATE. nil when nothing is traced.
func (t *Telemetry) SQL() pgx.QueryTracer {
	if _, off := t.tracers.(noop.TracerProvider); off {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(quietProvider{t.tracers}), otelpgx.WithMeterProvider(t.meters),
		otelpgx.WithDisableConnectionDetailsInAttributes())
}

// quietProvider makes spans that keep no texts of errors.
//
// SECURITY: the server quotes values in its messages (invalid input syntax for type uuid: "…"), so none goes into a span.
type quietProvider struct{ trace.TracerProvider }

func (p quietProvider) Tracer(name string, o ...trace.TracerOption) trace.Tracer {
	return quietTracer{p.TracerProvider.Tracer(name, o...)}
}

type quietTracer struct{ trace.Tracer }

func (t quietTracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := t.Tracer.Start(ctx, name, o...)
	span = quietSpan{span}
	return trace.ContextWithSpan(ctx, span), span
}

type quietSpan struct{ trace.Span }

func (quietSpan) RecordError(error, ...trace.EventOption) {}

func (s quietSpan) SetStatus(c codes.Code, _ string) { s.Span.SetStatus(c, "") }
