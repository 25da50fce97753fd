package policy

import "slices"

// Reach answers for all rows at once what Decide answers for one: a row lies in the Reach iff Decide allows it.
func (r *Rights) Reach(obj Object, act Action) Reach {
	c, reason := r.cell(obj, act)
	if reason != "" || c.allow == c.end || r.shadow.shut(obj, act) {
		return Reach{None: true}
	}
	entity := words.entities[obj].Object
	out := Reach{Entity: entity, Me: r.principal.Staff}
	for i := c.deny; i < c.allow; i++ {
		t := r.terms[i].export()
		if t.unconditional() {
			return Reach{None: true}
		}
		out.Deny = addTerm(out.Deny, t)
	}
	for i := c.allow; i < c.end; i++ {
		if r.terms[i].rule.Scope == Partnership {
			continue
		}
		t := r.terms[i].export()
		if t.unconditional() {
			out.Allow = []Term{t}
			out.All = len(out.Deny) == 0
			if out.All {
				out.Allow = nil
			}
			return out
		}
		out.Allow = addTerm(out.Allow, t)
	}
	if len(out.Allow) == 0 {
		return Reach{None: true}
	}
	return out
}

func (t *boundTerm) export() Term {
	out := Term{Scope: t.rule.Scope, Cond: t.cond, From: t.from, Until: t.until}
	if t.ids != nil {
		out.IDs = t.ids.list
	}
	if out.Scope == Granted {
		out.Classes = t.mask
	}
	return out
}

// unconditional terms hold for every row, always.
func (t *Term) unconditional() bool {
	return t.Scope == Tenant && len(t.Cond) == 0 && t.Until.IsZero()
}

// addTerm joins the term with one that differs in nothing but its ids, so that SQL gets one list instead of many.
func addTerm(terms []Term, t Term) []Term {
	for i := range terms {
		o := &terms[i]
		if o.Scope != t.Scope || !o.Until.Equal(t.Until) || !sameCondition(o.Cond, t.Cond) {
			continue
		}
		switch {
		case slices.Equal(o.IDs, t.IDs) && o.Classes == t.Classes:
		case o.Scope == Granted:
			o.Classes |= t.Classes
		default:
			o.IDs = sortedIDs(append(slices.Clone(o.IDs), t.IDs...))
		}
		return terms
	}
	return append(terms, t)
}

func sameCondition(a, b []Comparison) bool {
	return slices.EqualFunc(a, b, func(x, y Comparison) bool {
		return x.Field.Name == y.Field.Name && x.Op == y.Op && x.Text == y.Text && x.Int == y.Int && x.Bool == y.Bool
	})
}
