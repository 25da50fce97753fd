package isolation

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
)

// prefixes are the prefixes that internal/id declares, read from its source.
func prefixes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../id/id.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, v := range spec.Values {
			lit, ok := v.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !spec.Names[i].IsExported() {
				continue
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, text)
		}
		return true
	})
	return found
}

// missing are the prefixes that no object stands for.
func missing(declared []string, have []object) (out []string) {
	for _, p := range declared {
		if !slices.ContainsFunc(have, func(o object) bool { return o.prefix == p }) {
			out = append(out, p)
		}
	}
	return out
}

// The run over node is as whole as its list: every prefix is in it, and there are as many as types of Node. An event is no
// node: it leaves by streams alone.
func TestObjectsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	declared := slices.DeleteFunc(prefixes(t), func(p string) bool { return p == id.Event })
	schema := graph.Schema()
	if types := schema.GetPossibleTypes(schema.Types["Node"]); len(types) != len(declared) || len(types) == 0 {
		t.Errorf("%d types of Node, %d prefixes: %v", len(types), len(declared), declared)
	}
	if none := missing(declared, objects()); len(none) > 0 {
		t.Errorf("no object stands for %v", none)
	}
	without := slices.DeleteFunc(objects(), func(o object) bool { return o.prefix == id.Grant })
	if none := missing(declared, without); !slices.Equal(none, []string{id.Grant}) {
		t.Errorf("an object that is left out is not noticed: %v", none)
	}
	known := map[string]bool{}
	for _, o := range objects() {
		if known[o.kind] {
			t.Errorf("%s is listed twice", o.kind)
		}
		known[o.kind] = true
		if !slices.Contains(declared, o.prefix) {
			t.Errorf("%s has a prefix that nobody declares: %s", o.kind, o.prefix)
		}
	}
}
