package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/internal/fault"
)

// refusals turns one error that callers may not have caused into what they may see. path and locations come from the
// *gqlerror.Error that the executor wraps every error in; what the error is, is decided by what that one wraps:
// nothing (the message was meant for the caller: validation, scalars), a fault, or something foreign to be masked.
//
// SECURITY: errors.As for *gqlerror.Error would match every error and mask nothing.
func (e *engine) refusals(ctx context.Context, err error, language string) gqlerror.List {
	var outer *gqlerror.Error
	cause := err
	if g, ok := err.(*gqlerror.Error); ok {
		outer, cause = g, errors.Unwrap(g)
	}
	var inner *gqlerror.Error
	list, known := fault.As(err)
	switch {
	case known:
	case outer != nil && cause == nil:
		return gqlerror.List{e.deliberate(ctx, outer)}
	case errors.As(cause, &inner) && errors.Unwrap(inner) == nil:
		g := *inner
		if g.Path == nil && outer != nil {
			g.Path = outer.Path
		}
		return gqlerror.List{e.deliberate(ctx, &g)}
	case errors.Is(err, context.DeadlineExceeded):
		f := fault.Down("TIMEOUT", err)
		f.Message = fault.Text{ZH: "操作超时", EN: "the operation took too long"}
		list = fault.List{f}
	case errors.Is(err, context.Canceled):
		list = fault.List{fault.Down("CANCELLED", err)}
	default:
		e.Log.ErrorContext(ctx, "operation failed", slog.String("request_id", RequestID(ctx)), slog.String("error", err.Error()))
		list = fault.List{fault.Masked()}
	}
	var out gqlerror.List
	for _, f := range list {
		g := fromFault(ctx, f, language)
		if outer != nil {
			g.Path, g.Locations = outer.Path, outer.Locations
		}
		out = append(out, g)
	}
	return out
}

// deliberate is an error whose message was written for the caller; its code is brought into the closed set.
func (e *engine) deliberate(ctx context.Context, g *gqlerror.Error) *gqlerror.Error {
	c := *g
	c.Extensions = maps.Clone(g.Extensions)
	if c.Extensions == nil {
		c.Extensions = map[string]any{}
	}
	code, _ := c.Extensions["code"].(string)
	if !slices.Contains(fault.Codes(), fault.Code(code)) {
		if code != "" {
			c.Extensions["reason"] = code
		}
		c.Extensions["code"] = string(fault.InvalidInput)
	}
	if id := RequestID(ctx); id != "" {
		c.Extensions["requestId"] = id
	}
	return &c
}

func fromFault(ctx context.Context, f *fault.Error, language string) *gqlerror.Error {
	ext := map[string]any{"code": string(f.Code)}
	for k, v := range f.Current {
		if _, taken := ext[k]; !taken {
			ext[k] = v
		}
	}
	for k, v := range map[string]string{"reason": f.Reason, "field": f.Field, "clause": f.Clause, "remedy": f.Remedy.In(language), "requestId": RequestID(ctx)} {
		if v != "" {
			ext[k] = v
		}
	}
	return &gqlerror.Error{Message: f.Message.In(language), Extensions: ext}
}

// present maps a whole list and cuts it.
func (e *engine) present(ctx context.Context, errs []error, language string) gqlerror.List {
	var out gqlerror.List
	for _, err := range errs {
		if out = append(out, e.refusals(ctx, err, language)...); len(out) > e.Limits.Errors {
			f := fault.Limit("ERRORS", fault.Text{
				ZH: fmt.Sprintf("仅列出前 %d 个错误", e.Limits.Errors),
				EN: fmt.Sprintf("only the first %d errors are listed", e.Limits.Errors),
			})
			return append(out[:e.Limits.Errors-1:e.Limits.Errors-1], fromFault(ctx, f, language))
		}
	}
	return out
}

// recovered is what becomes of a panic: one log record with the stack, one masked error.
func (e *engine) recovered(ctx context.Context, v any) error {
	e.Log.ErrorContext(ctx, "panic in an operation", slog.String("request_id", RequestID(ctx)),
		slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
	return fault.Masked()
}

func widen(list gqlerror.List) []error {
	errs := make([]error, len(list))
	for i, g := range list {
		errs[i] = g
	}
	return errs
}
