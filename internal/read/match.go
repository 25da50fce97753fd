package read

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/readside"
)

// matches holds the type table to the SDL, in both directions: every type, field, root, filter and order of one has its
// counterpart in the other. What is missing in the table would have no rule; what is missing in the SDL is dead.
func (t *Table) matches(schema *ast.Schema) error {
	var bad []error
	fail := func(format string, args ...any) { bad = append(bad, fmt.Errorf("read: "+format, args...)) }
	for _, name := range readside.Types(schema) {
		def := schema.Types[name]
		if def.Kind != ast.Object || isPageType(schema, name) {
			continue
		}
		x := t.byName[name]
		if x == nil {
			fail("type %s is not in the type table", name)
			continue
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			if x.byName[f.Name] == nil {
				fail("%s.%s is not in the type table", name, f.Name)
				continue
			}
			if err := t.matchField(schema, x.byName[f.Name], f); err != nil {
				fail("%s.%s: %w", name, f.Name, err)
			}
		}
		for i := range x.Fields {
			if def.Fields.ForName(x.Fields[i].Name) == nil {
				fail("%s.%s is not in the SDL", name, x.Fields[i].Name)
			}
		}
	}
	for _, x := range t.Types {
		if schema.Types[x.Name] == nil {
			fail("type %s is not in the SDL", x.Name)
		}
	}
	served := readside.Roots(schema)
	for _, name := range served {
		r := t.roots[name]
		if r == nil {
			fail("Query.%s is not in the table of roots", name)
			continue
		}
		if r.List != nil {
			if err := t.matchList(schema, r.List, schema.Query.Fields.ForName(name)); err != nil {
				fail("Query.%s: %w", name, err)
			}
		}
	}
	for _, r := range t.Roots {
		if !slices.Contains(served, r.Name) {
			fail("Query.%s is not in the SDL", r.Name)
		}
	}
	return errors.Join(bad...)
}

// isPageType tells the types that belong to others' fields: connections, edges, pageInfo, counts, money, viewer.
func isPageType(schema *ast.Schema, name string) bool {
	switch name {
	case "PageInfo", "Count", "Money", "Viewer":
		return true
	}
	for _, suffix := range []string{"Connection", "Edge"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && schema.Types[base] != nil {
			return true
		}
	}
	return false
}

func (t *Table) matchField(schema *ast.Schema, f *Field, def *ast.FieldDefinition) error {
	named := def.Type.Name()
	want := map[Kind]string{
		KindID: "ID", KindObjectID: "ID", KindText: "String", KindInt: "Int", KindBigInt: "BigInt", KindTime: "DateTime", KindDate: "Date",
		KindBool: "Boolean", KindMoney: "Money", KindJSON: "JSON", KindHex: "String", KindOne: f.Target,
	}[f.Kind]
	switch f.Kind {
	case KindEnum:
		if d := schema.Types[named]; named != "String" && (d == nil || d.Kind != ast.Enum) {
			return fmt.Errorf("%s is no enum", named)
		}
	case KindText:
		if d := schema.Types[named]; d != nil && d.Kind == ast.Enum {
			return nil
		}
		if named != "String" {
			return fmt.Errorf("%s is no text", named)
		}
	case KindTexts:
		if def.Type.Elem == nil {
			return errors.New("it is no list in the SDL")
		}
	case KindMany:
		return t.matchList(schema, f.List, def)
	default:
		if named != want {
			return fmt.Errorf("the SDL says %s, the table %s", named, want)
		}
	}
	// A field that can be masked must be able to be null.
	if def.Type.NonNull && f.Group != Open {
		return errors.New("it can be masked but not null")
	}
	return nil
}

func (t *Table) matchList(schema *ast.Schema, l *List, def *ast.FieldDefinition) error {
	if want := l.Target + "Connection"; def.Type.Name() != want {
		return fmt.Errorf("the SDL says %s, the table %s", def.Type.Name(), want)
	}
	known := []string{"first", "after", "last", "before", "asOf"}
	for _, a := range l.Args {
		known = append(known, a.Name)
		if def.Arguments.ForName(a.Name) == nil {
			return fmt.Errorf("argument %s is not in the SDL", a.Name)
		}
	}
	for _, a := range def.Arguments {
		switch a.Name {
		case "filter":
			if err := sameNames(schema.Types[a.Type.Name()].Fields, l.Filter); err != nil {
				return err
			}
		case "orderBy":
			values := schema.Types[schema.Types[a.Type.Name()].Fields.ForName("field").Type.Name()].EnumValues
			if len(values) != len(l.Orders) {
				return errors.New("the offered orders differ")
			}
			for _, o := range l.Orders {
				if values.ForName(o.Name) == nil {
					return fmt.Errorf("order %s is not in the SDL", o.Name)
				}
			}
		default:
			if !slices.Contains(known, a.Name) {
				return fmt.Errorf("argument %s is not in the table", a.Name)
			}
		}
	}
	if len(l.Filter) > 0 && def.Arguments.ForName("filter") == nil || len(l.Orders) > 0 && def.Arguments.ForName("orderBy") == nil {
		return errors.New("filter or orderBy is not in the SDL")
	}
	return nil
}

func sameNames(defs ast.FieldList, filters []Filter) error {
	if len(defs) != len(filters) {
		return errors.New("the fields of filter differ")
	}
	for _, f := range filters {
		if defs.ForName(f.Name) == nil {
			return fmt.Errorf("filter %s is not in the SDL", f.Name)
		}
	}
	return nil
}
