package read

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// ---- arguments, judged before any row

func (r *reference) checkRoot(c collected) (dead bool) {
	path := c.field.Alias
	args := c.field.ArgumentMap(r.vars)
	r.setAsOf(args)
	switch name := c.field.Name; name {
	case "__typename", "viewer", "tenant":
		r.walkRoot(c, path)
	case "node", "nodes":
		ids := append(list(args["id"]), list(args["ids"])...)
		if name == "nodes" && len(ids) > 100 {
			r.fail(path, "LIMIT_EXCEEDED", "TOO_MANY_IDS")
			dead = true
		} else {
			for i, v := range ids {
				if t, _ := r.parse(v); t == nil {
					at := path
					if name == "nodes" {
						at += fmt.Sprintf(".%d", i)
					}
					r.fail(at, "INVALID_INPUT", "INVALID_ID")
				}
			}
		}
		seen := map[*Type]bool{}
		for _, v := range ids {
			if t, _ := r.parse(v); t != nil && !seen[t] {
				seen[t] = true
				r.walk(t, c.sels, path)
			}
		}
	default:
		root := r.g.table.roots[name]
		bad := false
		if v := args["asOf"]; v != nil && r.asOf == nil {
			r.fail(path, "INVALID_INPUT", "INVALID_DATE_TIME")
			bad = true
		}
		if root.Kind == RootByID {
			t := r.g.table.byName[root.Type]
			if got, _ := r.parse(args["id"]); got != t {
				r.fail(path, "INVALID_INPUT", "INVALID_ID")
				bad = true
			}
			r.bad[path] = bad
			r.walk(t, c.sels, path)
			return false
		}
		bad = r.checkList(c, root.List, path, bad) || bad
		r.bad[path] = bad
		dead = bad
		r.walkPage(r.g.table.byName[root.Type], c.sels, path)
	}
	return dead
}

func (r *reference) setAsOf(args map[string]any) {
	r.asOf = nil
	if s, ok := args["asOf"].(string); ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			r.asOf = &t
		}
	}
}

func (r *reference) walkRoot(c collected, path string) {
	switch c.field.Name {
	case "tenant":
		r.walk(r.g.table.byName["Tenant"], c.sels, path)
	case "viewer":
		for _, x := range r.g.collect("Viewer", c.sels, r.vars) {
			if t := map[string]string{"account": "Account", "staff": "Staff"}[x.field.Name]; t != "" {
				r.walk(r.g.table.byName[t], x.sels, path+"."+x.field.Alias)
			}
		}
	}
}

// walk judges the arguments of every list below a selection.
func (r *reference) walk(t *Type, sels []ast.SelectionSet, path string) {
	for _, c := range r.g.collect(t.Name, sels, r.vars) {
		f := t.byName[c.field.Name]
		at := path + "." + c.field.Alias
		switch {
		case f == nil:
		case f.Kind == KindOne:
			r.walk(r.g.table.byName[f.Target], c.sels, at)
		case f.Kind == KindMany:
			r.bad[at] = r.checkList(c, f.List, at, false)
			r.walkPage(r.g.table.byName[f.List.Target], c.sels, at)
		}
	}
}

func (r *reference) walkPage(t *Type, sels []ast.SelectionSet, path string) {
	for _, c := range r.g.collect(t.Name+"Connection", sels, r.vars) {
		at := path + "." + c.field.Alias
		switch c.field.Name {
		case "nodes":
			r.walk(t, c.sels, at)
		case "edges":
			for _, e := range r.g.collect(t.Name+"Edge", c.sels, r.vars) {
				if e.field.Name == "node" {
					r.walk(t, e.sels, at+"."+e.field.Alias)
				}
			}
		}
	}
}

func (r *reference) parse(v any) (*Type, uuid.UUID) {
	s, _ := v.(string)
	prefix, u, err := id.Decode(s)
	if err != nil {
		return nil, u
	}
	return r.g.table.byPre[prefix], u
}

func (r *reference) checkList(c collected, l *List, path string, bad bool) bool {
	args := c.field.ArgumentMap(r.vars)
	if args["first"] != nil && args["last"] != nil {
		r.fail(path, "INVALID_INPUT", "FIRST_AND_LAST")
		bad = true
	}
	for _, n := range []string{"first", "last"} {
		if v := args[n]; v != nil {
			if x, err := whole(v); err != nil || x < 1 || x > 100 {
				r.fail(path, "INVALID_INPUT", "PAGE_SIZE")
				bad = true
			}
		}
	}
	t := r.g.table.byName[l.Target]
	filters := r.filters(args, l)
	refused := false
	_, order := r.order(args, l, t)
	if o, chosen := r.chosenOrder(args, l, c); chosen && o.Group != Open && r.never(t, o.Group, policy.Filter) {
		refused = true
	}
	for _, f := range slices.Concat(l.Filter, l.Args) {
		v, given := filters[f.Name]
		if !given {
			continue
		}
		switch f.Kind {
		case FilterID, FilterIDs, FilterAnyIDs:
			for _, x := range list(v) {
				got, _ := r.parse(x)
				if s, _ := x.(string); f.Kind == FilterAnyIDs {
					if _, _, err := id.Decode(s); err == nil {
						continue
					}
				}
				if got == nil || got.Prefix != f.Prefix {
					r.fail(path, "INVALID_INPUT", "INVALID_ID")
					bad = true
					break
				}
			}
		case FilterSearch:
			any := false
			for _, g := range clientGroups() {
				any = any || !r.none(r.rights.Reach(g, policy.Filter))
			}
			refused = refused || !any
			continue
		}
		if f.Group != Open && r.never(t, f.Group, policy.Filter) {
			refused = true
		}
	}
	if refused {
		r.fail(path, "FORBIDDEN", "FILTER_RIGHT_MISSING")
		return true
	}
	if bad {
		return true
	}
	for _, n := range []string{"after", "before"} {
		if v := args[n]; v != nil {
			if _, ok := r.g.decodeCursor(v.(string), r.s.Tenant, (&site{list: l}).ordering(order), order); !ok {
				r.fail(path, "INVALID_INPUT", "INVALID_CURSOR")
				bad = true
			}
		}
	}
	return bad
}

func clientGroups() []policy.Object {
	return []policy.Object{policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit}
}

func (r *reference) filters(args map[string]any, l *List) map[string]any {
	out := map[string]any{}
	given, _ := args["filter"].(map[string]any)
	for _, f := range l.Filter {
		if v := given[f.Name]; v != nil {
			if f.Kind == FilterSearch && strings.TrimSpace(v.(string)) == "" {
				continue
			}
			out[f.Name] = v
		}
	}
	for _, f := range l.Args {
		if v := args[f.Name]; v != nil {
			out[f.Name] = v
		}
	}
	return out
}

func (r *reference) chosenOrder(args map[string]any, l *List, c collected) (Order, bool) {
	by, _ := args["orderBy"].(map[string]any)
	if by == nil {
		return Order{}, false
	}
	for _, o := range l.Orders {
		if o.Name == by["field"] {
			dir, ok := by["direction"].(string)
			if !ok {
				dir = map[string]string{"Client": "ASC", "Staff": "ASC", "Contract": "DESC"}[l.Target]
			}
			o.Desc = dir == "DESC"
			o.IDDesc = o.Desc
			return o, true
		}
	}
	return Order{}, false
}

// order gives the order in effect, and whether its key is masked per row.
func (r *reference) order(args map[string]any, l *List, t *Type) (masked bool, o Order) {
	if o, chosen := r.chosenOrder(args, l, collected{}); chosen {
		return false, o
	}
	o = l.Default
	switch {
	case o.Expr == "" || o.Group == Open || r.rights.Reach(o.Group, policy.Reveal).All:
		return false, o
	case r.never(t, o.Group, policy.Reveal):
		return false, Order{}
	}
	o.Nullable = true
	return true, o
}

func (r *reference) none(x policy.Reach) bool { return x.None || !x.All && len(x.Allow) == 0 }

func (r *reference) never(t *Type, g policy.Object, a policy.Action) bool {
	return t.Own.Column == "" && r.none(r.rights.Reach(g, a))
}
