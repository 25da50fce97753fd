package read

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// collected is one response key of a selection with everything that is selected below it.
type collected struct {
	field *ast.Field // the first of those merged; the others have equal names and arguments
	sels  []ast.SelectionSet
}

// collect merges fields by response key, through fragments that apply to the type, and leaves out what @skip and
// @include leave out.
func (g *Gate) collect(typ string, sels []ast.SelectionSet, vars map[string]any) []collected {
	c := collector{gate: g, typ: typ, vars: vars}
	for _, s := range sels {
		c.add(s)
	}
	return c.out
}

type collector struct {
	gate *Gate
	typ  string
	vars map[string]any
	out  []collected
}

func (c *collector) add(sel ast.SelectionSet) {
	for _, s := range sel {
		switch s := s.(type) {
		case *ast.Field:
			if !included(s.Directives, c.vars) {
				continue
			}
			c.merge(s)
		case *ast.InlineFragment:
			if included(s.Directives, c.vars) && (s.TypeCondition == "" || c.applies(s.TypeCondition)) {
				c.add(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if included(s.Directives, c.vars) && s.Definition != nil && c.applies(s.Definition.TypeCondition) {
				c.add(s.Definition.SelectionSet)
			}
		}
	}
}

func (c *collector) merge(f *ast.Field) {
	for i := range c.out {
		if c.out[i].field.Alias == f.Alias {
			c.out[i].sels = append(c.out[i].sels, f.SelectionSet)
			return
		}
	}
	c.out = append(c.out, collected{field: f, sels: []ast.SelectionSet{f.SelectionSet}})
}

// applies tells whether a fragment on cond speaks of the type.
func (c *collector) applies(cond string) bool {
	if cond == c.typ {
		return true
	}
	for _, d := range c.gate.schema.PossibleTypes[cond] {
		if d.Name == c.typ {
			return true
		}
	}
	return false
}

func included(ds ast.DirectiveList, vars map[string]any) bool {
	for _, d := range ds {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		a := d.Arguments.ForName("if")
		if a == nil {
			continue
		}
		v, err := a.Value.Value(vars)
		b, _ := v.(bool)
		if err != nil || b == (d.Name == "skip") {
			return false
		}
	}
	return true
}
