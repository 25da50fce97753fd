package serve

import (
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/limit"
)

// maxMerged bounds the copies of one document; conditions by variables may ask for many.
const maxMerged = 32

// document is a parsed and validated text. It is shared by all who send the text, so nothing in it changes but what is
// kept of it: copies of fields and prices.
type document struct {
	ast        *ast.QueryDocument
	registered bool
	prices     map[*ast.OperationDefinition]*limit.Prices
	roots      map[*ast.OperationDefinition][]graphql.CollectedField // where they are the same whatever the variables

	mu     sync.Mutex
	merged []merged
}

func newDocument(doc *ast.QueryDocument, registered bool) *document {
	d := &document{ast: doc, registered: registered, prices: map[*ast.OperationDefinition]*limit.Prices{}, roots: map[*ast.OperationDefinition][]graphql.CollectedField{}}
	for _, op := range doc.Operations {
		d.prices[op] = limit.NewPrices(doc, op)
		if fields, plain := plainRoots(op); plain {
			d.roots[op] = fields
		}
	}
	return d
}

// plainRoots are roots that no condition, fragment or second field of the same key changes.
func plainRoots(op *ast.OperationDefinition) (fields []graphql.CollectedField, plain bool) {
	keys := map[string]bool{}
	for _, s := range op.SelectionSet {
		f, ok := s.(*ast.Field)
		if !ok || len(f.Directives) > 0 || keys[f.Alias] {
			return nil, false
		}
		keys[f.Alias] = true
		fields = append(fields, graphql.CollectedField{Field: f, Selections: f.SelectionSet})
	}
	return fields, true
}

type merged struct {
	from *ast.Field
	copy *ast.Field
}

// whole is the field itself where its response key stands once, or a copy with the selections of all fields of that
// key. The same document gives the same pointer again, because the gate keeps its plans by it.
func (d *document) whole(f graphql.CollectedField) *ast.Field {
	if len(f.Selections) == len(f.Field.SelectionSet) {
		return f.Field
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.merged {
		if m.from == f.Field && slices.Equal(m.copy.SelectionSet, f.Selections) {
			return m.copy
		}
	}
	c := *f.Field
	c.SelectionSet = f.Selections
	if len(d.merged) < maxMerged {
		d.merged = append(d.merged, merged{f.Field, &c})
	}
	return &c
}
