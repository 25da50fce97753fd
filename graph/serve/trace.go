package serve

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// begin starts an operation's span: what its execution does with the returned context hangs below it. The returned
// function ends the operation with the codes of its errors and tells the observer.
func (e *engine) begin(ctx context.Context, o *operation, via string) (context.Context, func(failed []string)) {
	name := o.spanName()
	ctx, span := e.Tracer.Start(ctx, strings.TrimSuffix("graphql "+string(o.op.Operation)+" "+name, " "))
	if span.IsRecording() {
		// SECURITY: neither the text of the document, which may hold literals, nor variables, nor messages of errors.
		span.SetAttributes(attribute.String("graphql.operation.type", string(o.op.Operation)), attribute.String("clientele.via", via))
		if name != "" {
			span.SetAttributes(attribute.String("graphql.operation.name", name))
		}
	}
	return ctx, func(failed []string) {
		if span.IsRecording() {
			span.SetAttributes(attribute.Int("clientele.cost", o.cost))
			if len(failed) > 0 {
				span.SetStatus(codes.Error, failed[0])
				each := slices.Clone(failed)
				slices.Sort(each)
				span.SetAttributes(attribute.StringSlice("clientele.codes", slices.Compact(each)))
			}
		}
		span.End()
		if e.Observe != nil {
			e.Observe(ctx, Observation{Name: o.op.Name, Kind: o.op.Operation, Via: via, Cost: o.cost, Errors: failed, Duration: e.Now().Sub(o.start)})
		}
	}
}

const (
	longestName = 40 // letters of a name that anybody may send
	mostDigits  = 3
)

// spanName is the operation's name where it may stand in a trace, else "".
//
// SECURITY: a caller may write anything into the name, a phone number or a token too. The names of registered operations
// were read by whoever registered them; of the others, only short ones of letters with up to three digits at the end pass.
func (o *operation) spanName() string {
	if o.from.registered {
		return o.op.Name
	}
	letters := strings.TrimRight(o.op.Name, "0123456789")
	if len(letters) > longestName || len(o.op.Name)-len(letters) > mostDigits {
		return ""
	}
	for _, c := range []byte(letters) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return ""
		}
	}
	return o.op.Name
}
