package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/clientele/clientele/internal/telemetry"
)

// exported keeps spans; only the shutdown writes to it.
type exported []sdktrace.ReadOnlySpan

func (e *exported) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	*e = append(*e, spans...)
	return nil
}

func (*exported) Shutdown(context.Context) error { return nil }

// The server quotes what it was sent in its messages; a span tells the SQLSTATE and no more.
func TestFailedStatementsTellNoTexts(t *testing.T) {
	t.Parallel()
	var spans exported
	tel := start(t, telemetry.Config{Spans: &spans, Ratio: 1})
	ctx, above := tel.Tracer().Start(t.Context(), "above")
	failure := fmt.Errorf("read: %w", &pgconn.PgError{Severity: "ERROR", Code: "22P02", Message: `invalid input syntax for type bigint: "x13912345678"`})
	sql := tel.SQL()
	sql.TraceQueryEnd(sql.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: "SELECT $1::bigint", Args: []any{"x13912345678"}}), nil, pgx.TraceQueryEndData{Err: failure})
	batch, ok := sql.(pgx.BatchTracer)
	if !ok {
		t.Fatal("batches are not traced")
	}
	in := batch.TraceBatchStart(ctx, nil, pgx.TraceBatchStartData{Batch: &pgx.Batch{}})
	batch.TraceBatchQuery(in, nil, pgx.TraceBatchQueryData{SQL: "SELECT $1::bigint", Args: []any{"x13912345678"}, Err: failure})
	batch.TraceBatchEnd(in, nil, pgx.TraceBatchEndData{Err: errors.New("x13912345678")})
	above.End()
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	names := map[[8]byte]string{}
	for _, s := range spans {
		names[s.SpanContext().SpanID()] = s.Name()
	}
	var got []string
	for _, s := range spans {
		if s.Name() == "above" {
			continue
		}
		line := fmt.Sprintf("%s under %s: %q %d events", s.Name(), names[s.Parent().SpanID()], s.Status().Description, len(s.Events()))
		for _, a := range s.Attributes() {
			line += fmt.Sprintf(" %s=%s", a.Key, a.Value.String())
		}
		if s.Status().Code != codes.Error {
			t.Errorf("%s did not fail", s.Name())
		}
		got = append(got, line)
	}
	want := []string{
		`SELECT under above: "" 0 events db.system.name=postgresql db.query.text=SELECT $1::bigint db.operation.name=SELECT pgx.sql_state=22P02`,
		`SELECT under batch start: "" 0 events db.system.name=postgresql db.query.text=SELECT $1::bigint db.operation.name=SELECT pgx.sql_state=22P02`,
		`batch start under above: "" 0 events db.system.name=postgresql db.operation.batch.size=0`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
