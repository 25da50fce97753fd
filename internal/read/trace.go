package read

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/clientele/clientele/internal/fault"
)

// readSpan counts what a read sends. Its outcome is INTERNAL until it is told another one: a panic tells none.
type readSpan struct {
	span               trace.Span
	levels, statements int
	code               fault.Code
}

// begin starts the span "read": statements hang below it.
func (g *Gate) begin(ctx context.Context) (context.Context, *readSpan) {
	ctx, span := g.cfg.Tracer.Start(ctx, "read")
	return ctx, &readSpan{span: span, code: fault.Internal}
}

// outcome notes how the read ended.
func (r *readSpan) outcome(err error) error {
	r.code = fault.CodeOf(err)
	return err
}

// end writes how many levels were sent and how many statements beside those that every transaction begins with; both
// count twice what was read again under newer rights.
//
// SECURITY: neither arguments, ids nor the text of an error goes into the span.
func (r *readSpan) end() {
	if r.span.IsRecording() {
		r.span.SetAttributes(attribute.Int("clientele.read.levels", r.levels), attribute.Int("clientele.read.statements", r.statements))
		if r.code != "" {
			r.span.SetStatus(codes.Error, string(r.code))
		}
	}
	r.span.End()
}
