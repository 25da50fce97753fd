package read

import (
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// The page of a root list is found by the way that costs least for the actor's scopes. A way only decides how candidates
// are reached: every branch carries the whole predicate of its terms, denials included, so no choice here can widen
// what is seen.

// way is how the candidates of a branch are reached.
type way uint8

const (
	walk    way = iota + 1 // the ordering's covering index, or whatever the predicate of one id leads to
	each                   // the first rows for each of a number of ids, by (column, order) indexes
	offices                // the same for each department of some companies
	side                   // clients through the actor's team memberships and grants, and what is distributed to departments
)

// branch is one statement of a union.
type branch struct {
	reach  policy.Reach
	way    way
	column string
	ids    []uuid.UUID
}

const (
	// eachAtMost: beyond this many ids one ordered walk is cheaper than as many index descents of 3 µs.
	eachAtMost = 1000
	// branchesAtMost: beyond this many alternatives the whole predicate is walked once.
	branchesAtMost = 6
	// quickFrom: so many ids cost more than looking at the order's first rows beforehand.
	quickFrom = 32
)

// branches chooses the ways for a reach over rows with an owner, a department and its company. beside is set when side tables
// (team, grants) name the row itself.
func branches(reach policy.Reach, beside bool) []branch {
	whole := []branch{{reach: reach, way: walk}}
	if reach.All || reach.None {
		return whole
	}
	var out []branch
	rest, through := reach, reach
	rest.Allow, through.Allow = nil, nil
	for _, t := range reach.Allow {
		b := branch{reach: reach}
		b.reach.Allow = []policy.Term{t}
		switch t.Scope {
		case policy.Self, policy.Subordinates:
			b.column, b.ids, b.way = "owner_id", t.IDs, each
		case policy.Dept, policy.DeptTree:
			b.column, b.ids, b.way = "department_id", t.IDs, each
		case policy.Company, policy.CompanyTree:
			b.column, b.ids, b.way = "department_id", t.IDs, offices
		case policy.ClientTeam, policy.Granted, policy.Distributed:
			if beside && (t.Scope != policy.Distributed || len(t.IDs) > 0) {
				if bareTerm(t) && len(reach.Deny) == 0 { // all of them together are one list of clients
					through.Allow = append(through.Allow, t)
					continue
				}
				b.way = side
			}
		}
		switch n := len(b.ids); {
		case b.way == each && n == 1:
			b.way = walk
		case b.way == each && n > 1 && n <= eachAtMost, b.way == side:
		case b.way == offices && n > 0:
		default: // an ordered walk: all of them together are one
			rest.Allow = append(rest.Allow, t)
			continue
		}
		out = append(out, b)
	}
	if len(through.Allow) > 0 {
		out = append(out, branch{reach: through, way: side})
	}
	if len(rest.Allow) > 0 {
		out = append(out, branch{reach: rest, way: walk})
	}
	if len(out) > branchesAtMost {
		return whole
	}
	return out
}

// quickPays tells whether the order's first rows are looked at before the ways are gone: where scopes are wide the page is among
// them, and going every way costs many times as much.
func quickPays(parts []branch) bool {
	for i := range parts {
		switch p := &parts[i]; p.way {
		case each:
			if len(p.ids) >= quickFrom {
				return true
			}
		case offices:
			return true
		case side: // nobody knows how many are distributed to a department
			if slices.ContainsFunc(p.reach.Allow, func(t policy.Term) bool { return t.Scope == policy.Distributed }) {
				return true
			}
		case walk:
			if len(parts) > 1 && len(p.ids) == 0 {
				return true
			}
		}
	}
	return false
}

// bare tells whether the terms ask for nothing but their scopes: then the way to the rows is the whole predicate.
func (b *branch) bare() bool {
	return len(b.reach.Deny) == 0 && !slices.ContainsFunc(b.reach.Allow, func(t policy.Term) bool { return !bareTerm(t) })
}

func bareTerm(t policy.Term) bool { return len(t.Cond) == 0 && t.Until.IsZero() }

// covers tells whether every row in a reach lies in another one for certain: each of its terms is one of the other's.
//
// SECURITY: it says no where it does not know; a right is then asked for row by row.
func covers(base, other policy.Reach) bool {
	switch {
	case other.All:
		return true
	case other.None || base.All || base.None || len(base.Allow) == 0 || !reflect.DeepEqual(base.Deny, other.Deny) || base.Me != other.Me || base.Entity != other.Entity:
		return false
	}
	for _, t := range base.Allow {
		if !slices.ContainsFunc(other.Allow, func(o policy.Term) bool { return within(t, o) }) {
			return false
		}
	}
	return true
}

// within: the same scope under the same conditions, with no more ids, classes or time.
func within(t, o policy.Term) bool {
	if t.Scope != o.Scope || !reflect.DeepEqual(t.Cond, o.Cond) || !o.Until.IsZero() && !o.Until.Equal(t.Until) || t.Classes&^o.Classes != 0 {
		return false
	}
	for _, id := range t.IDs {
		if !slices.Contains(o.IDs, id) {
			return false
		}
	}
	return true
}

// long tells whether a walk has more ids than index descents pay for.
func (b *branch) long() bool {
	for _, t := range b.reach.Allow {
		if len(t.IDs) > eachAtMost {
			return true
		}
	}
	return false
}
