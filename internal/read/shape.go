package read

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
)

// A plan depends on the document and on the shape of its variables: which are given, which booleans and enum values,
// which page sizes, which fields of inputs, which types the ids name. Values that are merely compared are no part of it.

// planKey names a plan. It holds no tenant and no rights: those come with each request.
type planKey struct {
	op    *ast.OperationDefinition // a parsed document is never changed
	roots string                   // response keys; each stands for all fields of the operation that share it
	shape string

	// For one object: its selection.
	first, last ast.Selection
	n           int
	typ         string
}

// shapeOf encodes the shape of the variables that the definitions declare.
func (g *Gate) shapeOf(defs ast.VariableDefinitionList, vars map[string]any) string {
	if len(defs) == 0 {
		return ""
	}
	buf := make([]byte, 0, 64)
	for _, d := range defs {
		v, ok := vars[d.Variable]
		buf = g.appendShape(buf, d.Type, v, ok)
	}
	return string(buf)
}

func (g *Gate) appendShape(buf []byte, t *ast.Type, v any, ok bool) []byte {
	if !ok {
		return append(buf, '-')
	}
	if v == nil {
		return append(buf, '0')
	}
	if t.Elem != nil {
		if len(list(v)) == 1 {
			buf = append(buf, 'u')
		} else {
			buf = append(buf, 'l')
		}
		if t.Elem.NamedType == "ID" { // which types a list of ids names
			for _, x := range list(v) {
				buf = appendIDShape(buf, x)
			}
		}
		return append(buf, ';')
	}
	switch def := g.schema.Types[t.NamedType]; {
	case def == nil:
		return append(buf, '?')
	case def.Kind == ast.Enum:
		s, _ := v.(string)
		return append(append(append(buf, 'e'), s...), ';')
	case def.Kind == ast.InputObject:
		m, _ := v.(map[string]any)
		buf = append(buf, '{')
		for _, f := range def.Fields {
			x, has := m[f.Name]
			if f.Name == "search" {
				s, _ := x.(string)
				terms, blank := g.searchTerms(s)
				buf = append(buf, 's')
				if !blank {
					buf = strconv.AppendInt(buf, int64(len(terms)), 10)
				}
				continue
			}
			buf = g.appendShape(buf, f.Type, x, has)
		}
		return append(buf, '}')
	case t.NamedType == "Boolean":
		if b, _ := v.(bool); b {
			return append(buf, 't')
		}
		return append(buf, 'f')
	case t.NamedType == "Int":
		n, err := whole(v)
		if err != nil || n < 0 || n > maxPage {
			return append(buf, 'o')
		}
		return append(strconv.AppendInt(append(buf, 'i'), int64(n), 10), ';')
	case t.NamedType == "ID":
		return appendIDShape(append(buf, 'd'), v)
	}
	return append(buf, '1')
}

func appendIDShape(buf []byte, v any) []byte {
	s, _ := v.(string)
	if prefix, _, err := id.Decode(s); err == nil {
		buf = append(buf, prefix...)
	}
	return append(buf, ',')
}

// list makes a list of what GraphQL takes for one: a single value stands for a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	}
	return []any{v}
}

// whole reads an Int in whatever form the transport left it.
func whole(v any) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case int32:
		return int(v), nil
	case int64:
		return int(v), nil
	case float64:
		return int(v), nil
	case json.Number:
		n, err := v.Int64()
		return int(n), err
	}
	return 0, strconv.ErrSyntax
}

// searchTerms of a search text; a blank one sets no condition. A text without terms, of punctuation alone, finds nothing.
func (g *Gate) searchTerms(s string) (terms []string, blank bool) {
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	if g.cfg.QueryTerms != nil {
		terms = g.cfg.QueryTerms(s)
	}
	return terms[:min(len(terms), maxTerms)], false
}
