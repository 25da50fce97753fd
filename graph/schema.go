package graph

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/sdl"
)

// Schema gives the public schema. It is shared: nobody may change it.
func Schema() *ast.Schema { return parsedSchema }

// SDL prints the public schema, as committed in graph/schema.graphql. Diagnostic fields are never part of it.
func SDL() []byte { return sdl.Print(parsedSchema) }
