package read

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

// TestRefWritesItself marshals a payload's object the way generated code does.
func TestRefWritesItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	s := w.session(m, 0, everything())
	d := w.parse(`{ client(id: "cli_00000000000000000000000000") { id kinds } }`, nil)
	field := graphql.CollectedField{Field: d.roots[0], Selections: d.roots[0].SelectionSet}
	ctx := graphql.WithOperationContext(context.Background(), &graphql.OperationContext{Doc: d.doc, Variables: d.vars})
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: field})
	ref := Ref{Type: "Client", ID: m.ids["clients"][1]}
	var out bytes.Buffer
	if err := ref.MarshalGQLContext(ctx, &out); err == nil || out.Len() != 0 {
		t.Errorf("without a gate: %v, %s", err, out.String())
	}
	if err := ref.MarshalGQLContext(WithGate(ctx, w.gate, s), &out); err != nil || !strings.HasPrefix(out.String(), `{"id":"`+gid("cli", ref.ID)+`","kinds":[`) {
		t.Errorf("%v, %s", err, out.String())
	}
	if err := (&ref).UnmarshalGQLContext(ctx, nil); err == nil {
		t.Error("an object was taken for an input")
	}
}
