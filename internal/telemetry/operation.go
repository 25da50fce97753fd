package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Operation is a finished GraphQL operation. Its name is the caller's, so it is no metric's label and not here.
type Operation struct {
	Kind, Via string // "query" …; "http", "sse", "ws"
	Cost      int
	Codes     []string // of its errors
	Duration  time.Duration
}

// Operation counts a finished operation. Its span is the serving layer's own, begun before it was executed.
func (t *Telemetry) Operation(ctx context.Context, o Operation) {
	labels := t.finished.of(finished{o.Kind, o.Via, len(o.Codes) > 0})
	t.duration.Record(ctx, o.Duration.Seconds(), labels...)
	t.cost.Record(ctx, int64(o.Cost), labels...)
	for _, code := range o.Codes {
		t.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("code", code), attribute.String("kind", o.Kind)))
	}
}

// WatchSealing publishes the age of the oldest audit record that is not sealed yet, in seconds; 0 when all are.
func (t *Telemetry) WatchSealing(age func() time.Duration) error {
	meter := t.meters.Meter(scope)
	gauge, err := meter.Float64ObservableGauge("clientele.audit.unsealed.age", metric.WithUnit("s"), metric.WithDescription("Age of the oldest audit record that no worker has sealed yet"))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(gauge, age().Seconds())
		return nil
	}, gauge)
	return err
}

// finished is what operations are counted by: closed sets all.
type finished struct {
	kind, via string
	failed    bool
}

func finishedLabels(f finished) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("kind", f.kind), attribute.String("via", f.via), attribute.Bool("failed", f.failed)}
}

// Disagreement counts a decision on which the compiled policy and casbin differed, by its question.
func (t *Telemetry) Disagreement(object, action string) {
	t.differing.Add(context.Background(), 1, metric.WithAttributes(attribute.String("object", object), attribute.String("action", action)))
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
