package limit

import (
	"strconv"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// mostPrices bounds what is kept of one operation; callers may ask for any sizes.
const mostPrices = 64

// Prices keeps the points of one validated operation by the sizes that its variables ask for: most requests ask for the same
// ones. It is safe for concurrent use.
type Prices struct {
	sizes []string // variables that are the size of a page or the length of a list
	far   []string // variables that say how far rows are counted
	mixed bool     // a variable that has a size stands inside of a literal: nothing is kept

	mu    sync.RWMutex
	known map[string]int
}

// NewPrices finds out what the price of an operation depends on.
func NewPrices(doc *ast.QueryDocument, op *ast.OperationDefinition) *Prices {
	p := &Prices{known: map[string]int{}}
	p.set(op.SelectionSet, op)
	for _, f := range doc.Fragments {
		p.set(f.SelectionSet, op)
	}
	return p
}

func (p *Prices) set(set ast.SelectionSet, op *ast.OperationDefinition) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				p.argument(s, a, op)
			}
			p.set(s.SelectionSet, op)
		case *ast.InlineFragment:
			p.set(s.SelectionSet, op)
		}
	}
}

func (p *Prices) argument(f *ast.Field, a *ast.Argument, op *ast.OperationDefinition) {
	if a.Value.Kind != ast.Variable {
		p.mixed = p.mixed || sized(a.Value, op)
		return
	}
	paging := a.Name == "first" || a.Name == "last"
	switch def := f.Definition.Arguments.ForName(a.Name); {
	case paging || def != nil && isList(def.Type):
		p.sizes = append(p.sizes, a.Value.Raw)
	case def != nil && def.Type.Name() == countLimit:
		p.far = append(p.far, a.Value.Raw)
	}
}

// sized tells whether a literal contains a variable that is a list or an object.
func sized(v *ast.Value, op *ast.OperationDefinition) bool {
	if v.Kind == ast.Variable {
		def := op.VariableDefinitions.ForName(v.Raw)
		return def == nil || isList(def.Type) || def.Definition == nil || def.Definition.Kind == ast.InputObject
	}
	for _, c := range v.Children {
		if sized(c.Value, op) {
			return true
		}
	}
	return false
}

// key names the sizes that the variables ask for; false where they are none that is kept.
func (p *Prices) key(b []byte, vars map[string]any) ([]byte, bool) {
	if p.mixed {
		return b, false
	}
	for _, name := range p.sizes {
		switch v := vars[name].(type) {
		case nil:
			b = append(b, '-')
		case []any:
			b = append(strconv.AppendInt(append(b, 'l'), int64(len(v)), 10), ';')
		default:
			n, ok := number(v)
			if !ok {
				return b, false
			}
			b = append(strconv.AppendInt(append(b, 'n'), n, 10), ';')
		}
	}
	for _, name := range p.far {
		limit, _ := vars[name].(string)
		b = append(append(b, limit...), ';')
	}
	return b, true
}

// Price is Limits.Price of the operation that the prices are of. What is refused is not kept.
func (p *Prices) Price(l Limits, s *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any) (int, error) {
	var room [64]byte
	key, kept := p.key(room[:0], vars)
	if kept {
		p.mu.RLock()
		points, ok := p.known[string(key)]
		p.mu.RUnlock()
		if ok {
			return points, l.inputs(s, op, vars)
		}
	}
	points, err := l.Price(s, doc, op, vars)
	if err == nil && kept {
		p.mu.Lock()
		if len(p.known) < mostPrices {
			p.known[string(key)] = points
		}
		p.mu.Unlock()
	}
	return points, err
}
