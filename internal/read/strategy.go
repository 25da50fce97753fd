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
	walk way = iota + 1 // the ordering's covering index, or whatever the predicate of one id leads to
	each                // the first rows for each of a few ids, by (column, order) indexes
	team                // clients through the actor's team memberships
	lent                // clients through the actor's grants
)

// branch is one statement of a union.
type branch struct {
	reach  policy.Reach
	way    way
	column string
	ids    []uuid.UUID
}

const (
	// eachAtMost: beyond this many ids one ordered walk is cheaper than as many index descents (policy-design.md 5).
	eachAtMost = 150
	// branchesAtMost: beyond this many alternatives the whole predicate is walked once.
	branchesAtMost = 6
)

// branches chooses the ways for a reach over rows with an owner and a department. side is set when side tables (team,
// grants) name the row itself.
func branches(reach policy.Reach, side bool) []branch {
	whole := []branch{{reach: reach, way: walk}}
	if reach.All || reach.None || len(reach.Allow) <= 1 && !splits(reach, side) {
		return whole
	}
	var out []branch
	rest := reach
	rest.Allow = nil
	for _, t := range reach.Allow {
		b := branch{reach: reach, way: walk}
		b.reach.Allow = []policy.Term{t}
		switch t.Scope {
		case policy.Self, policy.Subordinates:
			b.column, b.ids = "owner_id", t.IDs
		case policy.Dept, policy.DeptTree:
			b.column, b.ids = "department_id", t.IDs
		case policy.ClientTeam:
			if side {
				b.way = team
			}
		case policy.Granted:
			if side {
				b.way = lent
			}
		}
		switch n := len(b.ids); {
		case n > 1 && n <= eachAtMost:
			b.way = each
		case n == 1 || b.way != walk:
		default: // an ordered walk: all of them together are one
			rest.Allow = append(rest.Allow, t)
			continue
		}
		out = append(out, b)
	}
	if len(rest.Allow) > 0 {
		out = append(out, branch{reach: rest, way: walk})
	}
	if len(out) > branchesAtMost {
		return whole
	}
	return out
}

// bare tells whether the one term asks for nothing but its scope: then the way to the rows is the whole predicate.
func (b *branch) bare() bool {
	return len(b.reach.Allow) == 1 && len(b.reach.Deny) == 0 && len(b.reach.Allow[0].Cond) == 0 && b.reach.Allow[0].Until.IsZero()
}

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

// splits tells whether the only alternative has a better way than a walk.
func splits(reach policy.Reach, side bool) bool {
	if len(reach.Allow) != 1 {
		return false
	}
	switch t := reach.Allow[0]; t.Scope {
	case policy.Self, policy.Subordinates, policy.Dept, policy.DeptTree:
		return len(t.IDs) > 1 && len(t.IDs) <= eachAtMost
	case policy.ClientTeam, policy.Granted:
		return side
	}
	return false
}
