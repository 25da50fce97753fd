package read

import (
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// effectiveOrder is the order that rows have under the actor's rights. One that was asked for needs its group's filter
// right. A default order on a group that the actor may not see falls back to the order by id; where the right differs
// per row, rows sort by the key as far as it may be seen.
//
// SECURITY: positions and cursors would tell hidden values otherwise.
func (r *renderer) effectiveOrder(c *connection) (Order, *fault.Error) {
	o := c.site.order
	if o.Expr == "" || o.Group == Open {
		return o, nil
	}
	if c.site.chosen {
		if r.never(c.target, o.Group, policy.Filter) {
			return o, forbidden(string(o.Group)).At("orderBy")
		}
		return o, nil
	}
	switch reach := r.rights.Reach(o.Group, policy.Reveal); {
	case reach.All:
	case r.never(c.target, o.Group, policy.Reveal):
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
func (r *renderer) refusedFilter(c *connection) *fault.Error {
	for i, f := range c.site.filters {
		path := "filter." + f.Name
		if c.site.filterArg[i] {
			path = f.Name
		}
		if f.Kind == FilterSearch {
			if r.noSearch() {
				return forbidden(string(policy.OnClient)).At(path)
			}
			continue
		}
		if f.Group != Open && r.never(c.target, f.Group, policy.Filter) {
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
