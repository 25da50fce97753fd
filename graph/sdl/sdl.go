// Package sdl owns the printed form of a schema, so that the committed file and its test agree on it.
package sdl

import (
	"bytes"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// Print writes a schema as SDL with its descriptions, types in alphabetical order.
func Print(s *ast.Schema) []byte {
	var b bytes.Buffer
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(s)
	return b.Bytes()
}
