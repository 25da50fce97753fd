package read

import (
	"slices"
	"strings"

	"github.com/clientele/clientele/policy"
)

// rightsAsked are rights to filter by groups that are decided together with the way through side tables: classes has for each group
// those of which a client must carry one by some grant, unless the team or a distribution brings it.
type rightsAsked struct {
	groups  []policy.Object
	classes []policy.ClassSet
}

// asked finds the filter rights of a list that the side tables decide as they decide the branch: they are the same terms, and differ in
// the classes of grants alone. Every other right is asked for row by row.
func (q *query) asked(s *site, order Order, br *branch) (out rightsAsked) {
	if !br.bare() {
		return out
	}
	groups := make([]policy.Object, 0, len(s.filters)+1)
	for _, f := range s.filters {
		if f.Kind != FilterSearch {
			groups = append(groups, f.Group)
		}
	}
	if s.chosen {
		groups = append(groups, order.Group)
	}
	for _, g := range groups {
		if g == Open || slices.Contains(out.groups, g) {
			continue
		}
		if classes, ok := besides(br.reach, q.rights.Reach(g, policy.Filter)); ok {
			out.groups, out.classes = append(out.groups, g), append(out.classes, classes)
		}
	}
	return out
}

// gives tells whether whoever reaches a client by the branch, with these rights asked besides, has another right on it too. A grant
// gives it when a class that the client must carry by grants, for the branch or for what is asked, is one of the right's.
//
// SECURITY: it says no where it does not know; the right is then asked for row by row.
func (a rightsAsked) gives(br *branch, right policy.Reach) bool {
	classes, ok := besides(br.reach, right)
	if !ok || !br.bare() {
		return false
	}
	if slices.ContainsFunc(a.classes, func(c policy.ClassSet) bool { return c&^classes == 0 }) {
		return true
	}
	return !slices.ContainsFunc(br.reach.Allow, func(t policy.Term) bool { return t.Scope == policy.Granted && t.Classes&^classes != 0 })
}

// besides tells whether a right is that of a branch but for the classes of grants, and gives these.
//
// SECURITY: each of the branch's terms without classes must be one of the right's, so that it gives the right; and each of the right's
// one of the branch's, so that no row is lost that another way would give it to. It says no where it does not know.
func besides(branch, right policy.Reach) (classes policy.ClassSet, ok bool) {
	if right.All || right.None || len(right.Deny) > 0 || right.Me != branch.Me || right.Entity != branch.Entity {
		return 0, false
	}
	for _, t := range right.Allow {
		if !bareTerm(t) || len(t.Who) > 0 || !slices.ContainsFunc(branch.Allow, func(b policy.Term) bool { return alike(b, t) }) {
			return 0, false
		}
		if t.Scope == policy.Granted {
			classes |= t.Classes
		}
	}
	for _, b := range branch.Allow {
		if len(b.Who) > 0 || b.Scope != policy.Granted && !slices.ContainsFunc(right.Allow, func(t policy.Term) bool { return alike(b, t) }) {
			return 0, false
		}
	}
	return classes, true
}

// alike: of one scope, and over the same ids.
func alike(a, b policy.Term) bool { return a.Scope == b.Scope && slices.Equal(a.IDs, b.IDs) }

// throughSide selects the clients that the actor is on the team of, has a grant of, or that are distributed to his departments, as the
// terms of a branch and the rights that are asked besides have it.
func (q *query) throughSide(br *branch, asked rightsAsked) string {
	c, me := policy.Columns{Tenant: "$1", Now: transactionTime}, q.constant(br.reach.Me)
	var of []string
	for _, t := range br.reach.Allow {
		switch t.Scope {
		case policy.ClientTeam:
			of = append(of, "SELECT m.client_id FROM "+policy.TeamsOf(c, me))
		case policy.Distributed:
			of = append(of, "SELECT d.client_id FROM "+policy.DistributionsOf(c, q.constant(t.IDs)+"::uuid[]"))
		default:
			grants := "SELECT g.client_id FROM " + policy.GrantsOf(c, me)
			if len(asked.classes) == 0 {
				of = append(of, grants+" AND g.class_mask & "+q.constant(int32(t.Classes))+" <> 0")
				continue
			}
			grants += " GROUP BY g.client_id HAVING bit_or(g.class_mask)::int & " + q.constant(int32(t.Classes)) + " <> 0"
			for _, classes := range asked.classes {
				grants += " AND bit_or(g.class_mask)::int & " + q.constant(int32(classes)) + " <> 0"
			}
			of = append(of, grants)
		}
	}
	return "ARRAY(" + strings.Join(of, " UNION ") + ")"
}
