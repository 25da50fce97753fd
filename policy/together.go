package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Together gives what several people reach between them: a row lies in it iff it lies in one of theirs. All of them must be
// about the same question and have equal denials (DenialKey); nobody reaches nothing.
func Together(reaches []Reach) Reach {
	out := Reach{None: true}
	for i := range reaches {
		r := &reaches[i]
		if r.None {
			continue
		}
		if r.All {
			return Reach{All: true, Entity: r.Entity}
		}
		if out.None {
			out = Reach{Entity: r.Entity, Deny: r.Deny, Me: r.Me}
		}
		for _, t := range r.Allow {
			if personal(t.Scope) {
				if r.Me == uuid.Nil {
					continue
				}
				t.Who = []uuid.UUID{r.Me}
			}
			out.Allow = joinTerm(out.Allow, t)
		}
	}
	if len(out.Allow) == 0 {
		return Reach{None: true}
	}
	return out
}

// personal scopes depend on who asks in a way that no list of ids says.
func personal(s Scope) bool { return s == ClientTeam || s == Granted }

func joinTerm(terms []Term, t Term) []Term {
	for i := range terms {
		o := &terms[i]
		if o.Scope != t.Scope || !o.Until.Equal(t.Until) || !sameCondition(o.Cond, t.Cond) || o.Classes != t.Classes {
			continue
		}
		o.IDs = sortedIDs(append(slices.Clone(o.IDs), t.IDs...))
		o.Who = sortedIDs(append(slices.Clone(o.Who), t.Who...))
		return terms
	}
	return append(terms, t)
}

// DenialKey is equal for two reaches of one question when the same rows are denied to both.
func (r *Reach) DenialKey() string {
	var b strings.Builder
	for i := range r.Deny {
		t := &r.Deny[i]
		fmt.Fprintf(&b, "%d %v %q %d %v;", t.Scope, t.IDs, canonical(t.Cond), t.Classes, t.Until)
		if personal(t.Scope) {
			fmt.Fprint(&b, r.Me)
		}
	}
	return b.String()
}

// Key is equal for two reaches of one question that are equal for every row.
func (r *Reach) Key() string {
	if r.All || r.None {
		return fmt.Sprint(r.All)
	}
	parts := make([]string, len(r.Allow))
	me := false
	for i := range r.Allow {
		t := &r.Allow[i]
		parts[i] = fmt.Sprintf("%d %v %q %d %v", t.Scope, t.IDs, canonical(t.Cond), t.Classes, t.Until)
		me = me || personal(t.Scope)
	}
	slices.Sort(parts)
	key := strings.Join(parts, ";") + "!" + r.DenialKey()
	if me {
		key += r.Me.String()
	}
	return key
}

// Within leaves of a reach what can have rows in the given departments, or outside of them: terms of departments that are
// disjoint from it go, and so need not be looked for in the database. It may keep more than it must, never less.
func (r Reach) Within(departments []uuid.UUID, inside bool) Reach {
	if r.None || r.All {
		return r
	}
	allow := make([]Term, 0, len(r.Allow))
	for _, t := range r.Allow {
		if t.Scope == Dept || t.Scope == DeptTree {
			t.IDs = slices.DeleteFunc(slices.Clone(t.IDs), func(u uuid.UUID) bool { return slices.Contains(departments, u) != inside })
			if len(t.IDs) == 0 {
				continue
			}
		}
		allow = append(allow, t)
	}
	r.Allow = allow
	r.None = len(allow) == 0
	return r
}

// HasAll tells whether a reach has every row of the given departments, whatever the row: by departments alone, without
// condition, denial or end. False means that the database has to be asked.
func (r *Reach) HasAll(departments []uuid.UUID) bool {
	if len(r.Deny) > 0 || len(departments) == 0 {
		return false
	}
	return !slices.ContainsFunc(departments, func(d uuid.UUID) bool {
		return !slices.ContainsFunc(r.Allow, func(t Term) bool {
			return (t.Scope == Dept || t.Scope == DeptTree) && len(t.Cond) == 0 && t.Until.IsZero() && slices.Contains(t.IDs, d)
		})
	})
}

// Meets gives the reach of all rows that meet a condition on the object's fields; an error names what is wrong with it.
func Meets(object Object, condition string) (Reach, error) {
	e, ok := words.entities[object]
	if !ok {
		return Reach{}, fmt.Errorf("unknown object %q", object)
	}
	cond, err := ParseCondition(e.Object, condition)
	if err != nil {
		return Reach{}, err
	}
	if len(cond) == 0 {
		return Reach{All: true, Entity: e.Object}, nil
	}
	return Reach{Entity: e.Object, Allow: []Term{{Scope: Tenant, Cond: cond}}}, nil
}

// Includes tells whether a role is the other one or inherits from it.
func (t *Table) Includes(role, other string) bool {
	if role == other {
		return true
	}
	n, known := t.role(role)
	m, there := t.role(other)
	return known && there && t.above(n).has(uint16(m))
}
