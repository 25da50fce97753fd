package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/graph/diagnostics"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// execution is one operation on its way: what its parts bring is gathered here.
type execution struct {
	e      *engine
	s      *tenancy.Session
	o      *operation
	errs   []error
	masked []read.MaskedField
	more   bool // there are more masked fields than masked, which holds at most read.MaxMasked, lists
}

// run executes a query or mutation. It always gives an answer: a panic becomes a masked error beside null data.
func (e *engine) run(ctx context.Context, s *tenancy.Session, o *operation) (a *answer) {
	ctx, cancel := context.WithTimeout(ctx, e.Limits.Operation)
	defer cancel()
	x := &execution{e: e, s: s, o: o}
	defer func() {
		if v := recover(); v != nil {
			x.errs = append(x.errs, e.recovered(ctx, v))
			a = x.answer(ctx, nil)
		}
	}()
	if o.op.Operation == ast.Mutation {
		return x.answer(ctx, x.generated(ctx, o.op.SelectionSet))
	}
	return x.answer(ctx, x.query(ctx))
}

// operation is what generated code and the collecting of fields want to know.
func (x *execution) operation(op *ast.OperationDefinition) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery: x.o.text, Variables: x.o.vars, OperationName: x.o.name, Doc: x.o.doc, Operation: op, Extensions: x.o.ext,
		DisableIntrospection: x.e.Production,
		RecoverFunc:          x.e.recovered,
		ResolverMiddleware:   func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			return next(ctx)
		},
	}
}

// collect gives the roots of an operation whose conditions hold.
func (x *execution) collect(root *ast.Definition) []graphql.CollectedField {
	if fields, plain := x.o.from.roots[x.o.op]; plain {
		return fields
	}
	return graphql.CollectFields(x.operation(x.o.op), x.o.op.SelectionSet, []string{root.Name})
}

// context gives resolvers and payloads what they look for.
func (x *execution) context(ctx context.Context, op *ast.OperationDefinition) context.Context {
	ctx = WithSession(ctx, x.s)
	ctx = graphql.WithOperationContext(ctx, x.operation(op))
	return read.WithRenderer(ctx, func(ctx context.Context, ref read.Ref, sel ast.SelectionSet) ([]byte, error) {
		a, err := x.e.Reader.Render(ctx, x.s, ref.Type, ref.ID, sel, x.o.doc, x.o.vars)
		if len(a.Masked) > 0 {
			at := graphql.GetPath(ctx)
			for i, m := range a.Masked {
				a.Masked[i].Path = append(at[:len(at):len(at)], m.Path...)
			}
		}
		x.hidden(a)
		return a.Data, err
	})
}

// hidden notes the masked fields of one part. All parts of an answer together list so many; that there are more is told.
func (x *execution) hidden(a read.Answer) {
	room := read.MaxMasked - len(x.masked)
	if x.more = x.more || a.MaskedMore; len(a.Masked) > room {
		a.Masked, x.more = a.Masked[:room], true
	}
	x.masked = append(x.masked, a.Masked...)
}

// generated has generated code answer some of the roots.
func (x *execution) generated(ctx context.Context, roots ast.SelectionSet) []byte {
	op := *x.o.op
	op.SelectionSet = roots
	ctx = x.context(ctx, &op)
	// errors keep their cause here; what callers see of them is decided once, for all parts, by present
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, x.e.recovered)
	resp := x.e.Exec.Exec(ctx)(ctx)
	for _, g := range graphql.GetErrors(ctx) {
		x.errs = append(x.errs, g)
	}
	if resp == nil {
		return nil
	}
	for _, g := range resp.Errors {
		x.errs = append(x.errs, g)
	}
	return resp.Data
}

// query shares the roots out: those of the gate in one call, those of generated code in another, and joins the parts
// in the document's order of response keys.
func (x *execution) query(ctx context.Context) []byte {
	fields := x.collect(x.e.schema.Query)
	var gate []*ast.Field
	var rest ast.SelectionSet
	parts := map[string]json.RawMessage{}
	for _, f := range fields {
		merged := x.o.from.whole(f)
		switch {
		case f.Name == "__typename":
			parts[f.Alias] = json.RawMessage(`"` + x.e.schema.Query.Name + `"`)
		case diagnostics.Is(f.Name):
			b, err := diagnostics.Answer(ctx, merged, x.o.vars)
			if err != nil {
				x.errs = append(x.errs, gqlerror.WrapPath(ast.Path{ast.PathName(f.Alias)}, err))
				b = json.RawMessage("null")
			}
			parts[f.Alias] = b
		case strings.HasPrefix(f.Name, "__") || !x.e.Gate(f.Name):
			rest = append(rest, merged)
		default:
			gate = append(gate, merged)
		}
	}
	var fromGate []byte
	if len(gate) > 0 {
		a, err := x.e.Reader.Query(ctx, x.s, x.o.doc, x.o.op, x.o.vars, gate)
		if err != nil {
			x.errs = append(x.errs, err)
			return nil
		}
		x.errs = append(x.errs, widen(a.Errors)...)
		x.hidden(a)
		if len(gate) == len(fields) {
			return a.Data
		}
		fromGate = a.Data
	}
	var fromCode []byte
	if len(rest) > 0 {
		if fromCode = x.generated(ctx, rest); len(rest) == len(fields) {
			return fromCode
		}
	}
	return x.join(fields, parts, gate, fromGate, rest, fromCode)
}

func (x *execution) join(fields []graphql.CollectedField, parts map[string]json.RawMessage, gate []*ast.Field, fromGate []byte, rest ast.SelectionSet, fromCode []byte) []byte {
	for _, part := range []struct {
		asked bool
		data  []byte
	}{{len(gate) > 0, fromGate}, {len(rest) > 0, fromCode}} {
		if !part.asked {
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(part.data, &object); err != nil || object == nil {
			return nil // a required root field of the part is null, so the whole is
		}
		for k, v := range object {
			parts[k] = v
		}
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(f.Alias)
		b.Write(key)
		b.WriteByte(':')
		if v := parts[f.Alias]; v != nil {
			b.Write(v)
		} else {
			b.WriteString("null")
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (x *execution) answer(ctx context.Context, data []byte) *answer {
	if len(data) == 0 || string(data) == "null" {
		data = nil
		if len(x.errs) == 0 { // never null without a reason
			x.errs = append(x.errs, fault.Masked())
		}
	}
	a := &answer{data: data, masked: x.masked, more: x.more}
	if len(x.errs) > 0 {
		a.errs = x.e.present(ctx, x.errs, x.s.Language)
	}
	if x.o.op.Operation != ast.Subscription {
		a.cost, a.limit = x.o.cost, x.e.Limits.Cost
	}
	return a
}

// bytes is the response as every transport sends it.
func (a *answer) bytes() []byte {
	var b bytes.Buffer
	b.Grow(len(a.data) + 128)
	b.WriteByte('{')
	if len(a.errs) > 0 {
		errs, err := json.Marshal(a.errs)
		if err != nil {
			errs = []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
		}
		b.WriteString(`"errors":`)
		b.Write(errs)
		b.WriteByte(',')
	}
	b.WriteString(`"data":`)
	if a.data == nil {
		b.WriteString("null")
	} else {
		b.Write(a.data)
	}
	a.extensions(&b)
	b.WriteByte('}')
	return b.Bytes()
}

// extensions writes cost and masked fields, where there are any. They are in every answer: no encoder is asked for the cost.
func (a *answer) extensions(b *bytes.Buffer) {
	open := `,"extensions":{`
	entry := func(key string) {
		b.WriteString(open)
		b.WriteString(key)
		open = ","
	}
	if a.limit > 0 {
		entry(`"cost":{"limit":`)
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(a.limit), 10))
		b.WriteString(`,"requested":`)
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(a.cost), 10))
		b.WriteByte('}')
	}
	if len(a.masked) > 0 {
		entry(`"masked":[`)
		for i, m := range a.masked {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(m.AppendJSON(b.AvailableBuffer()))
		}
		b.WriteByte(']')
	}
	if a.more {
		entry(`"maskedMore":true`)
	}
	if open == "," {
		b.WriteByte('}')
	}
}

// rejection is the response to a request error: it has no data entry.
func rejection(errs gqlerror.List) []byte {
	b, err := json.Marshal(map[string]any{"errors": errs})
	if err != nil {
		return []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)
	}
	return b
}
