package read

import (
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// judge decides about the orders and filters of every list of a plan, whether or not a row will lead to it.
func (r *renderer) judge(p *Plan) {
	for i, s := range p.sites {
		if s.list == nil {
			continue
		}
		if r.out.orders[i], r.out.refused[i] = r.effectiveOrder(s); r.out.refused[i] == nil {
			r.out.refused[i] = r.refusedFilter(s)
		}
	}
}

// effectiveOrder is the order that rows have under the actor's rights. One that was asked for needs its group's filter
// right. A default order on a group that the actor may not see falls back to the order by id; where the right differs
// per row, rows sort by the key as far as it may be seen.
//
// SECURITY: positions and cursors would tell hidden values otherwise.
func (r *renderer) effectiveOrder(s *site) (Order, *fault.Error) {
	o := s.order
	if o.Expr == "" || o.Group == Open {
		return o, nil
	}
	if s.chosen {
		if r.never(s.target, o.Group, policy.Filter) {
			return o, forbidden(string(o.Group)).At("orderBy")
		}
		return o, nil
	}
	switch reach := r.rights.Reach(o.Group, policy.Reveal); {
	case reach.All:
	case r.never(s.target, o.Group, policy.Reveal):
		return byID(), nil
	default:
		o.Nullable = true
	}
	return o, nil
}

// never tells whether no row of the type can have the right.
func (r *renderer) never(t *Type, group policy.Object, act policy.Action) bool {
	reach := r.rights.Reach(group, act)
	return (reach.None || !reach.All && len(reach.Allow) == 0) && t.Own.Column == ""
}

// refusedFilter names the first filter that the actor may use on no row.
func (r *renderer) refusedFilter(s *site) *fault.Error {
	for i, f := range s.filters {
		path := "filter." + f.Name
		if s.filterArg[i] {
			path = f.Name
		}
		if f.Kind == FilterSearch {
			if r.noSearch() {
				return forbidden(string(policy.OnClient)).At(path)
			}
			continue
		}
		if f.Group != Open && r.never(s.target, f.Group, policy.Filter) {
			return forbidden(string(f.Group)).At(path)
		}
	}
	return nil
}

func (r *renderer) noSearch() bool {
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnClient {
			continue
		}
		for _, g := range e.Groups {
			if reach := r.rights.Reach(g.Object, policy.Filter); reach.All || len(reach.Allow) > 0 {
				return false
			}
		}
	}
	return true
}
