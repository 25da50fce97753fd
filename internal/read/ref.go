package read

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Ref stands in a mutation's payload for an object that the gate reads: its GraphQL type and its id. It marshals
// itself through the renderer found in the operation's context, with the caller's selection and rights of now.
type Ref struct {
	Type string
	ID   uuid.UUID
}

// Answer is what the gate makes of root fields.
type Answer struct {
	Data   []byte        // one JSON object that holds the given roots under their response keys
	Errors gqlerror.List // paths start at the root field's response key
	Masked []MaskedField // fields that are null because the caller may not see them
	// MaskedMore is set when there are more masked fields than Masked lists.
	MaskedMore bool
}

// MaskedField names a field that is null for want of a right, by its response path, and why.
type MaskedField struct {
	Path   ast.Path `json:"path"`
	Reason string   `json:"reason"`
}

// AppendJSON writes it as JSON: it stands in many answers, often many times. Names of GraphQL and reason codes need no escapes.
func (m MaskedField) AppendJSON(b []byte) []byte {
	b = append(b, `{"path":[`...)
	for i, e := range m.Path {
		if i > 0 {
			b = append(b, ',')
		}
		switch e := e.(type) {
		case ast.PathName:
			b = append(append(append(b, '"'), e...), '"')
		case ast.PathIndex:
			b = strconv.AppendInt(b, int64(e), 10)
		}
	}
	return append(append(append(b, `],"reason":"`...), m.Reason...), `"}`...)
}

// Renderer writes one object as JSON ("null" when the caller may not see it).
type Renderer func(ctx context.Context, ref Ref, sel ast.SelectionSet) ([]byte, error)

type rendererKey struct{}

// WithRenderer gives payloads marshalled under ctx their way to the gate.
func WithRenderer(ctx context.Context, r Renderer) context.Context {
	return context.WithValue(ctx, rendererKey{}, r)
}

var errNoRenderer = errors.New("read: no renderer in the operation's context")

// MarshalGQLContext writes the object, or nothing and an error: what fails to render becomes null.
func (r Ref) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	render, _ := ctx.Value(rendererKey{}).(Renderer)
	field := graphql.GetFieldContext(ctx)
	if render == nil || field == nil {
		return errNoRenderer
	}
	b, err := render(ctx, r, field.Field.Selections)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// UnmarshalGQLContext always fails: objects are no inputs.
func (*Ref) UnmarshalGQLContext(context.Context, any) error {
	return errors.New("read: an object is no input")
}
