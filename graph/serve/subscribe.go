package serve

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/diagnostics"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// each executes any operation and hands every answer to emit, which may wait for room. Before the first answer and
// between answers an error ends it; the caller says so in its transport's way.
func (e *engine) each(ctx context.Context, s *tenancy.Session, o *operation, via string, emit func([]byte) error) (err error) {
	var codes []string
	ctx, end := e.begin(ctx, o, via)
	defer func() { end(codes) }()
	if o.op.Operation != ast.Subscription {
		a := e.run(ctx, s, o)
		codes = codesOf(a.errs)
		return emit(a.bytes())
	}
	defer func() {
		if v := recover(); v != nil {
			err = e.recovered(ctx, v)
		}
	}()
	x := &execution{e: e, s: s, o: o}
	ctx, cancel := context.WithCancelCause(x.context(ctx, o.op))
	defer cancel(nil)
	late := time.AfterFunc(e.Limits.Operation, func() { cancel(context.DeadlineExceeded) })
	stream, err := e.open(ctx, x)
	if !late.Stop() && err == nil {
		stream.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		next, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// SECURITY: nothing is told from the instant on at which the credential ends, however long ago it was looked at.
		if expired(s, e.Now()) {
			return fault.SignIn()
		}
		x.errs, x.masked, x.more = widen(next.Errors), nil, false
		x.hidden(next)
		if err := emit(x.answer(ctx, next.Data).bytes()); err != nil {
			return err
		}
	}
}

func (e *engine) open(ctx context.Context, x *execution) (Stream, error) {
	fields := x.collect(e.schema.Subscription)
	if len(fields) != 1 || fields[0].Name == "__typename" {
		return nil, fault.Invalid("query", "SUBSCRIPTION_ROOTS",
			fault.Text{ZH: "订阅必须且只能有一个根字段", EN: "a subscription has exactly one root field"}, fault.Text{})
	}
	root := x.o.from.whole(fields[0])
	if diagnostics.Is(root.Name) {
		return diagnostics.NewTicks(root, x.o.vars), nil
	}
	if e.Streams == nil {
		return nil, fault.Down("NO_SUBSCRIPTIONS", nil)
	}
	return e.Streams.Subscribe(ctx, x.s, x.o.doc, x.o.op, x.o.vars, root)
}
