package read

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/tenancy"
)

// WithGate gives payloads marshalled under ctx this gate and session: a Ref then writes itself with the rights of now.
// The document and its variables are those of gqlgen's operation context.
func WithGate(ctx context.Context, g *Gate, s *tenancy.Session) context.Context {
	return WithRenderer(ctx, func(ctx context.Context, ref Ref, sel ast.SelectionSet) ([]byte, error) {
		op := graphql.GetOperationContext(ctx)
		a, err := g.Render(ctx, s, ref.Type, ref.ID, sel, op.Doc, op.Variables)
		return a.Data, err
	})
}
