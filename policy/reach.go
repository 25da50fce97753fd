package policy

import "slices"

// Reach answers for all rows at once what Decide answers for one: a row lies in the Reach iff Decide allows it.
func (r *Rights) Reach(obj Object, act Action) Reach {
	n, reason := r.cell(obj, act)
	if reason != "" || r.shadow.shut(obj, act) {
		return Reach{None: true}
	}
	out := Reach{Entity: words.on[n], Me: r.principal.Staff}
	for _, term := range r.terms[r.starts[n]:r.starts[n+1]] {
		t, deny := r.export(term, n)
		switch {
		case deny && t.unconditional():
			return Reach{None: true}
		case deny:
			out.Deny = addTerm(out.Deny, t)
		case t.Scope == Partnership:
		case t.unconditional():
			out.Allow = []Term{t}
			out.All = len(out.Deny) == 0
			if out.All {
				out.Allow = nil
			}
			return out
		default:
			out.Allow = addTerm(out.Allow, t)
		}
	}
	if len(out.Allow) == 0 {
		return Reach{None: true}
	}
	return out
}

func (r *Rights) export(term boundTerm, cell int) (t Term, deny bool) {
	rule, s := &r.table.rules[r.table.lines[term.line]], &r.spans[term.span]
	t = Term{Scope: rule.scope(), IDs: r.sets[term.set], Cond: r.table.cond(rule), From: s.from, Until: s.until}
	if t.Scope == Granted {
		t.Classes = r.table.mask(cell, rule)
	}
	return t, rule.deny()
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
