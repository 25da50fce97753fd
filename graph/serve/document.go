package serve

import (
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// maxMerged bounds the copies of one document; conditions by variables may ask for many.
const maxMerged = 32

// document is a parsed and validated text. It is shared by all who send the text, so nothing in it changes but the
// list of copies.
type document struct {
	ast        *ast.QueryDocument
	registered bool

	mu     sync.Mutex
	merged []merged
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
