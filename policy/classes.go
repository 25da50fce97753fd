package policy

import (
	"maps"
	"slices"
)

// Classes are the field classes of groups that a tenant's policy version keeps at another class than the shipped one. Rules
// written for classes reach the groups that have these classes in their own version. A nil map is the shipped classification.
//
// Stored rows that name a class to say what they are made of (client_search_terms, client_changes) mean the shipped class,
// which names exactly one group of the client: the rights on that group decide, whatever class it has now.
type Classes map[Object]Class

// Of gives the class of a group in this version; false for entities and unknown names.
func (c Classes) Of(group Object) (Class, bool) {
	g, ok := words.groups[group]
	if !ok {
		return 0, false
	}
	if own, ok := c[group]; ok {
		return own, true
	}
	return g.Class, true
}

// With gives the classification with changes; a group that gets its shipped class back is left out.
func (c Classes) With(changes Classes) Classes {
	out := maps.Clone(c)
	if out == nil {
		out = Classes{}
	}
	for group, class := range changes {
		if shipped, ok := ClassOf(group); ok && shipped == class {
			delete(out, group)
			continue
		}
		out[group] = class
	}
	return out
}

// Groups lists the reclassified groups in order.
func (c Classes) Groups() []Object { return slices.Sorted(maps.Keys(c)) }

// check refuses what no version may keep.
func (c Classes) check() (bad []Problem) {
	for _, group := range c.Groups() {
		if _, ok := words.groups[group]; !ok {
			bad = append(bad, Problem{-1, "classes", "OBJECT_UNKNOWN", Text{"没有字段组 " + string(group), "there is no field group " + string(group)}})
		} else if c[group] >= NumClasses {
			bad = append(bad, Problem{-1, "classes", "CLASS_UNKNOWN", Text{"字段密级为 0 至 7", "field classes are 0 to 7"}})
		}
	}
	return bad
}

// ClassOf gives the class of a group under the version that these rights were bound to.
func (r *Rights) ClassOf(group Object) (Class, bool) {
	if r == nil || r.table == nil {
		return ClassOf(group)
	}
	return r.table.classes.Of(group)
}

// Targets gives the objects that a rule speaks of in this version: itself, or the field groups of its classes.
func (t *Table) Targets(r *Rule) []Object { return t.Classes().Targets(r) }

// Targets gives the objects that a rule speaks of under this classification.
func (c Classes) Targets(r *Rule) []Object {
	e, ok := words.entities[r.Object]
	if !ok {
		return nil
	}
	out, p := targetsOf(nil, e, r, c)
	if p != nil {
		return nil
	}
	return out
}

// Classes gives the classification of the version; not to be changed.
func (t *Table) Classes() Classes {
	if t == nil {
		return nil
	}
	return t.classes
}
