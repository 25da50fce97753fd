// Package telemetry owns logs, traces, metrics, health and the build's description. It does not own what is worth telling:
// those who call it say so, without names, phone numbers, tokens or passwords.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "github.com/clientele/clientele"

// Config says where telemetry goes.
type Config struct {
	LogFormat string     // "json" or "text"
	LogLevel  slog.Level // least level that is written
	LogTo     io.Writer
	// OTLP is the URL of a collector that speaks OTLP over HTTP, e.g. "http://127.0.0.1:4318"; empty: no traces are made and
	// metrics are for Prometheus alone.
	OTLP string
	// Spans takes traces too, with or without a collector; nil: nobody but the collector does.
	Spans sdktrace.SpanExporter
	// Ratio of requests traced when the caller has not decided, 0 to 1.
	Ratio float64
	Build Build
}

// Telemetry is what the program tells about itself. Shutdown sends what is waiting.
type Telemetry struct {
	Log *slog.Logger

	registry  *prometheus.Registry
	tracers   trace.TracerProvider
	meters    metric.MeterProvider
	tracer    trace.Tracer
	requests  metric.Float64Histogram
	answers   *options[answer]
	duration  metric.Float64Histogram
	finished  *options[finished]
	cost      metric.Int64Histogram
	refusals  metric.Int64Counter
	differing metric.Int64Counter
	shutdowns []func(context.Context) error
}

// Start sets up logs, metrics and, with a collector, traces. Nothing global is set.
func Start(ctx context.Context, c Config) (*Telemetry, error) {
	log, err := newLogger(c)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{
		Log: log, registry: prometheus.NewRegistry(), tracers: noop.NewTracerProvider(),
		answers: newOptions(answerLabels), finished: newOptions(finishedLabels),
	}
	res := resource.NewSchemaless(semconv.ServiceName("clientele"), semconv.ServiceVersion(c.Build.Version))
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), c.Build.collector())
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("telemetry: prometheus: %w", err)
	}
	options := []sdkmetric.Option{sdkmetric.WithReader(reader), sdkmetric.WithResource(res)}
	var spans []sdktrace.TracerProviderOption
	if c.Spans != nil {
		spans = append(spans, sdktrace.WithBatcher(c.Spans))
	}
	if c.OTLP != "" {
		collector, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.OTLP+"/v1/traces"))
		if err != nil {
			return nil, fmt.Errorf("telemetry: traces: %w", err)
		}
		spans = append(spans, sdktrace.WithBatcher(collector))
		figures, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(c.OTLP+"/v1/metrics"))
		if err != nil {
			return nil, fmt.Errorf("telemetry: metrics: %w", err)
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(figures)))
	}
	if len(spans) > 0 {
		provider := sdktrace.NewTracerProvider(append(spans, sdktrace.WithResource(res),
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))))...)
		t.tracers = provider
		t.shutdowns = append(t.shutdowns, provider.Shutdown)
	}
	meters := sdkmetric.NewMeterProvider(options...)
	t.meters = meters
	t.shutdowns = append(t.shutdowns, meters.Shutdown)
	t.tracer = t.tracers.Tracer(scope)
	return t, t.instruments()
}

func (t *Telemetry) instruments() error {
	meter := t.meters.Meter(scope)
	var errs [5]error
	t.requests, errs[4] = meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"), metric.WithDescription("Time of one HTTP request"),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	t.duration, errs[0] = meter.Float64Histogram("clientele.operation.duration", metric.WithUnit("s"), metric.WithDescription("Time of one GraphQL operation"),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	t.cost, errs[1] = meter.Int64Histogram("clientele.operation.cost", metric.WithUnit("{point}"), metric.WithDescription("Cost of one GraphQL operation"),
		metric.WithExplicitBucketBoundaries(1, 10, 50, 100, 250, 500, 1000, 2500, 5000))
	t.refusals, errs[2] = meter.Int64Counter("clientele.operation.errors", metric.WithDescription("Errors of GraphQL operations by code"))
	t.differing, errs[3] = meter.Int64Counter("clientele.policy.disagreements", metric.WithDescription("Decisions on which the compiled policy and casbin differed"))
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	t.differing.Add(context.Background(), 0) // an alarm needs a series before the first of them
	return nil
}

// Metrics answers Prometheus.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// Tracer makes the product's own spans: operations, acts, reads. It does nothing when nothing is traced.
func (t *Telemetry) Tracer() trace.Tracer { return t.tracer }

// Shutdown sends what is waiting, for at most as long as ctx.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var errs []error
	for _, f := range t.shutdowns {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}
