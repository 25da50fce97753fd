package serve

import (
	"errors"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/graph/scalar"
)

// literals checks every scalar that stands in a validated document, so that the gate and generated code see the same
// values and nothing is executed before all are good.
func literals(doc *ast.QueryDocument) gqlerror.List {
	var errs gqlerror.List
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			errs = append(errs, literal(v.DefaultValue)...)
		}
		errs = append(errs, inSet(op.SelectionSet)...)
	}
	for _, f := range doc.Fragments {
		errs = append(errs, inSet(f.SelectionSet)...)
	}
	return errs
}

func inSet(set ast.SelectionSet) gqlerror.List {
	var errs gqlerror.List
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				errs = append(errs, literal(a.Value)...)
			}
			errs = append(errs, inSet(s.SelectionSet)...)
		case *ast.InlineFragment:
			errs = append(errs, inSet(s.SelectionSet)...)
		}
	}
	return errs
}

func literal(v *ast.Value) gqlerror.List {
	if v == nil || v.Kind == ast.Variable || v.Kind == ast.NullValue {
		return nil
	}
	if v.Kind == ast.ListValue || v.Kind == ast.ObjectValue {
		var errs gqlerror.List
		for _, c := range v.Children {
			errs = append(errs, literal(c.Value)...)
		}
		return errs
	}
	if v.Definition == nil || v.Definition.Kind != ast.Scalar {
		return nil
	}
	if g := halvedLiteral(v); g != nil {
		return placed(g, nil, v.Position)
	}
	plain, err := v.Value(nil)
	if err == nil {
		err = scalar.Check(v.Definition.Name, plain)
	}
	return placed(err, nil, v.Position)
}

// inputs checks the coerced variables of one request in the same way.
func (e *engine) inputs(op *ast.OperationDefinition, vars map[string]any) gqlerror.List {
	var errs gqlerror.List
	for _, def := range op.VariableDefinitions {
		errs = append(errs, e.input(def.Type, vars[def.Variable], place{{name: "variable"}, {name: def.Variable}}, def.Position)...)
	}
	return errs
}

// place is where a value stands; it is made a path only for what is refused.
type place []step

type step struct {
	name  string // empty: an element of a list
	index int
}

func (p place) path() ast.Path {
	path := make(ast.Path, len(p))
	for i, s := range p {
		if path[i] = ast.PathName(s.name); s.name == "" {
			path[i] = ast.PathIndex(s.index)
		}
	}
	return path
}

func (e *engine) input(t *ast.Type, v any, here place, at *ast.Position) gqlerror.List {
	if v == nil || len(here) > e.Limits.ValueDepth+2 {
		return nil // the depth is refused with the price
	}
	var errs gqlerror.List
	if t.Elem != nil {
		list, ok := v.([]any)
		if !ok {
			return e.input(t.Elem, v, here, at)
		}
		for i, m := range list {
			errs = append(errs, e.input(t.Elem, m, append(here, step{index: i}), at)...)
		}
		return errs
	}
	def := e.schema.Types[t.NamedType]
	switch {
	case def == nil:
	case def.Kind == ast.InputObject:
		object, _ := v.(map[string]any)
		for _, f := range def.Fields {
			if m, given := object[f.Name]; given {
				errs = append(errs, e.input(f.Type, m, append(here, step{name: f.Name}), at)...)
			}
		}
	case def.Kind == ast.Scalar:
		if err := scalar.Check(def.Name, v); err != nil {
			return placed(err, here.path(), at)
		}
	}
	return errs
}

// placed gives a scalar's refusal its place; nil stays nil.
func placed(err error, path ast.Path, at *ast.Position) gqlerror.List {
	if err == nil {
		return nil
	}
	var g *gqlerror.Error
	if !errors.As(err, &g) {
		g = gqlerror.Errorf("%s", err.Error())
	}
	if path != nil {
		g.Path = path
	}
	if at != nil {
		g.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return gqlerror.List{g}
}
