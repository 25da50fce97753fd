package limit

import "github.com/vektah/gqlparser/v2/ast"

// measure is what one selection set amounts to with its fragments expanded.
type measure struct {
	depth, fields, roots, aliases, directives, same int
	value, list                                     int
	deferred                                        bool
}

func (m *measure) add(o measure) {
	m.depth, m.same = max(m.depth, o.depth), max(m.same, o.same)
	m.value, m.list = max(m.value, o.value), max(m.list, o.list)
	m.fields, m.roots = add(m.fields, o.fields), add(m.roots, o.roots)
	m.aliases, m.directives = add(m.aliases, o.aliases), add(m.directives, o.directives)
	m.deferred = m.deferred || o.deferred
}

// walker visits every node of a document once.
type walker struct {
	doc       *ast.QueryDocument
	limits    Limits
	fragments map[string]*measure // nil while a fragment is being measured
}

func (w *walker) fragment(name string) measure {
	if m, ok := w.fragments[name]; ok {
		if m == nil {
			return measure{} // a cycle: the validator reports it
		}
		return *m
	}
	w.fragments[name] = nil
	def := w.doc.Fragments.ForName(name)
	if def == nil {
		return measure{} // unknown: the validator reports it
	}
	m := w.set(def.SelectionSet, map[string]int{})
	w.directives(def.Directives, &m)
	w.fragments[name] = &m
	return m
}

// set measures one selection set; names counts response keys and spreads of the place, across inline fragments.
func (w *walker) set(set ast.SelectionSet, names map[string]int) measure {
	var total measure
	for _, s := range set {
		var m measure
		switch s := s.(type) {
		case *ast.Field:
			m = w.set(s.SelectionSet, map[string]int{})
			m.depth++
			m.fields = add(m.fields, 1)
			m.roots = 1
			if s.Alias != s.Name {
				m.aliases = add(m.aliases, 1)
			}
			names[s.Alias]++
			m.same = max(m.same, names[s.Alias])
			for _, a := range s.Arguments {
				w.value(a.Value, 0, &m)
			}
			w.directives(s.Directives, &m)
		case *ast.InlineFragment:
			m = w.set(s.SelectionSet, names)
			w.directives(s.Directives, &m)
		case *ast.FragmentSpread:
			m = w.fragment(s.Name)
			names["..."+s.Name]++
			m.same = max(m.same, names["..."+s.Name])
			w.directives(s.Directives, &m)
		}
		total.add(m)
	}
	return total
}

func (w *walker) directives(list ast.DirectiveList, m *measure) {
	m.directives = add(m.directives, len(list))
	for _, d := range list {
		m.deferred = m.deferred || d.Name == "defer" || d.Name == "stream"
		for _, a := range d.Arguments {
			w.value(a.Value, 0, m)
		}
	}
}

func (w *walker) value(v *ast.Value, depth int, m *measure) {
	if v == nil || depth > w.limits.ValueDepth+1 {
		return
	}
	m.value = max(m.value, depth)
	if v.Kind == ast.ListValue {
		m.list = max(m.list, len(v.Children))
	}
	for _, c := range v.Children {
		w.value(c.Value, depth+1, m)
	}
}
