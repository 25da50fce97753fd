package act

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// outcomeDone is the outcome of an act that succeeded; any other outcome is the code of its first refusal.
const outcomeDone = "DONE"

// traced puts a span around an act: "act client.open", with tenant, outcome and whether it was replayed.
//
// SECURITY: neither input, key, actor nor the text of an error goes into it: each may hold personal data.
func (r *Runner) traced(ctx context.Context, s *tenancy.Session, spec Spec, run func(context.Context) (Result, error)) (Result, error) {
	ctx, span := r.tracer.Start(ctx, "act "+spec.Name)
	outcome, replayed := string(fault.Internal), false // of a panic
	// Not span.End alone: called by defer itself it would record the panic's text.
	defer func() {
		if span.IsRecording() {
			span.SetAttributes(attribute.String("clientele.act", spec.Name), attribute.String("clientele.tenant", s.Tenant.String()),
				attribute.String("clientele.outcome", outcome), attribute.Bool("clientele.replayed", replayed))
			if outcome != outcomeDone {
				span.SetStatus(codes.Error, outcome)
			}
		}
		span.End()
	}()
	result, err := run(ctx)
	if outcome, replayed = outcomeDone, result.Replayed; err != nil {
		outcome = string(fault.CodeOf(err))
	}
	if err == nil && spec.Sensitive && !replayed && r.hint != nil {
		r.hint(s.Tenant)
	}
	return result, err
}
