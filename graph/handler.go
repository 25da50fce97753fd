package graph

import (
	"context"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/diagnostics"
	"github.com/clientele/clientele/graph/readside"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/tenancy"
)

// Options are what a handler is made of: the serving layer's own settings (its Exec and Gate are filled in here), the
// resolvers of mutations and service-backed queries, and whether the diagnostic fields exist.
type Options struct {
	serve.Config
	Resolvers   ResolverRoot
	Diagnostics bool
}

// NewHandler joins the generated schema with the serving layer.
func NewHandler(o Options) (*serve.Handler, error) {
	schema := parsedSchema
	if o.Diagnostics {
		var err error
		if schema, err = withDiagnostics(); err != nil {
			return nil, err
		}
	}
	o.Exec = NewExecutableSchema(Config{Schema: schema, Resolvers: o.Resolvers})
	o.Gate = func(field string) bool { return !readside.IsServiceRoot(field) }
	return serve.New(o.Config)
}

func withDiagnostics() (*ast.Schema, error) {
	all := append(make([]*ast.Source, 0, len(sources)+1), sources...)
	return gqlparser.LoadSchema(append(all, diagnostics.Source(parsedSchema))...)
}

// WithSession puts the session where resolvers find it.
func WithSession(ctx context.Context, s *tenancy.Session) context.Context {
	return serve.WithSession(ctx, s)
}

// SessionFrom gives a resolver the session of its operation.
func SessionFrom(ctx context.Context) *tenancy.Session { return serve.SessionFrom(ctx) }
