package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Operation is a finished GraphQL operation. Its name is the caller's: it goes to the span, never to a metric's label.
type Operation struct {
	Kind, Via string // "query" …; "http", "sse", "ws"
	Name      string
	Cost      int
	Codes     []string // of its errors
	Duration  time.Duration
}

// Operation tells of a finished operation: a span of its length below the request's, and metrics.
func (t *Telemetry) Operation(ctx context.Context, o Operation) {
	labels := metric.WithAttributes(attribute.String("kind", o.Kind), attribute.String("via", o.Via), attribute.Bool("failed", len(o.Codes) > 0))
	t.duration.Record(ctx, o.Duration.Seconds(), labels)
	t.cost.Record(ctx, int64(o.Cost), labels)
	for _, code := range o.Codes {
		t.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("code", code), attribute.String("kind", o.Kind)))
	}
	now := time.Now()
	_, span := t.tracer.Start(ctx, "graphql "+o.Kind, trace.WithTimestamp(now.Add(-o.Duration)), trace.WithAttributes(
		attribute.String("graphql.operation.type", o.Kind), attribute.String("graphql.operation.name", o.Name), attribute.Int("clientele.cost", o.Cost)))
	if len(o.Codes) > 0 {
		span.SetStatus(codes.Error, o.Codes[0])
	}
	span.End(trace.WithTimestamp(now))
}

// Pool is a snapshot of the application's connections.
type Pool struct{ Busy, Idle, Most int64 }

// WatchPool publishes the figures of a connection pool.
func (t *Telemetry) WatchPool(read func() Pool) error {
	meter := t.meters.Meter(scope)
	gauge, err := meter.Int64ObservableGauge("clientele.database.connections", metric.WithDescription("Connections of the application's pool by state"))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		p := read()
		o.ObserveInt64(gauge, p.Busy, metric.WithAttributes(attribute.String("state", "busy")))
		o.ObserveInt64(gauge, p.Idle, metric.WithAttributes(attribute.String("state", "idle")))
		o.ObserveInt64(gauge, p.Most, metric.WithAttributes(attribute.String("state", "most")))
		return nil
	}, gauge)
	return err
}
