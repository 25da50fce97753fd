package read

import (
	"slices"
	"strconv"
	"strings"

	"github.com/clientele/clientele/policy"
)

// listing is the candidates of a list: what may be seen, under the filters.
type listing struct {
	w      *row
	c      *connection
	order  Order
	nested bool
	key    string
	reach  *policy.Reach // replaces the read right's own reach: a part of it
	among  string        // the ids that all candidates are looked up by
	walked bool          // the predicate must not lead to an index: the ordering's own is walked
	// decided: whether rows are seen is decided outside, by the way to them or for all rows of a parent together.
	decided bool
	// proven are the groups that every candidate may be filtered by: see rightsAsked.
	proven []policy.Object
}

func (q *query) listing(c *connection, order Order, nested bool) *listing {
	l := &listing{w: q.row(c.target), c: c, order: order, nested: nested}
	l.sortKey()
	return l
}

// sortKey makes the key that rows are sorted by: what may be seen of it, see effectiveOrder.
func (l *listing) sortKey() {
	if l.order.Expr == "" {
		return
	}
	l.key = l.w.expand(l.order.Expr, l.w.data)
	if l.order.Nullable && l.order.Group != Open {
		seen := l.w.orOwn(l.w.can(l.order.Group, policy.Reveal))
		if l.nested && l.w.holds(seen) { // a part of the rights, as ways take it, proves less
			return
		}
		l.key = "CASE WHEN " + seen + " THEN " + l.key + " END"
	}
}

// from is called after every predicate was made: see row.joins.
func (l *listing) from() string {
	if l.among != "" {
		// OFFSET 0: by nothing but their ids. An index that has the id behind other columns would be read as often as there are ids.
		return "(SELECT " + l.w.data + ".* FROM " + l.w.t.Table + " " + l.w.data + " WHERE " + l.w.data + ".tenant_id = $1 AND " + l.w.data + "." + l.w.t.Key + " = ANY(" + l.among + ") OFFSET 0) " +
			l.w.data + l.w.joins()
	}
	return l.w.source(l.w.t.Table, l.w.t.Twin) + " " + l.w.data + l.w.joins()
}

func (l *listing) where(extra []string) string {
	w := l.w
	parts := []string{w.data + ".tenant_id = $1"}
	if l.nested {
		parts = append(parts, w.data+"."+l.c.site.list.By+" = i.id")
	}
	parts = append(parts, extra...)
	var seen string
	switch {
	case l.decided:
		seen = yes
	case l.reach != nil:
		seen = w.reach(*l.reach)
	default:
		seen = w.visible()
	}
	if l.walked {
		seen = "(" + seen + ") IS TRUE"
	}
	if seen != yes {
		parts = append(parts, seen)
	}
	value := 0
	for i, f := range l.c.site.filters {
		if f.Kind == FilterSearch {
			var cond string
			cond, value = l.search(value)
			parts = append(parts, cond)
			continue
		}
		parts = l.demand(append(parts, l.filter(i, value)), f.Group)
		value++
	}
	if l.c.site.chosen {
		parts = l.demand(parts, l.order.Group)
	}
	return strings.Join(parts, " AND ")
}

// filter is the condition of one filter, whose value has the given number.
func (l *listing) filter(i, value int) string {
	f := l.c.site.filters[i]
	holder := l.w.arg(argument{kind: argFilter, n: value, site: l.c.site})
	if f.Kind == FilterMine {
		return l.mine(holder)
	}
	sql := f.SQL
	if l.c.site.alone[i] { // an index can be walked in order below one value, not below several
		sql = strings.NewReplacer("ANY(?::text[])", "(?::text[])[1]", "ANY(?::uuid[])", "(?::uuid[])[1]").Replace(sql)
	}
	return strings.ReplaceAll(l.w.expand(sql, l.w.data), "?", holder)
}

// filters are the conditions of the filters of these names.
func (l *listing) filters(names []string) (conditions []string) {
	value := 0
	for i, f := range l.c.site.filters {
		if slices.Contains(names, f.Name) {
			conditions = append(conditions, l.filter(i, value))
		}
		if value++; f.Kind == FilterSearch {
			value += l.c.site.terms - 1
		}
	}
	return conditions
}

// picked selects what a page is found by.
func (l *listing) picked() string {
	cols := l.w.data + "." + l.w.t.Key + " AS id"
	if l.order.Expr != "" {
		cols += ", " + l.key + " AS k"
	}
	return "SELECT " + cols
}

// sorted is the order of rows by a key and an id.
func (l *listing) sorted(key, id string) string {
	s := id + direction(l.order.IDDesc != l.c.site.backward)
	if l.order.Expr != "" {
		s = key + direction(l.order.Desc != l.c.site.backward) + ", " + s
	}
	return s
}

// cursors are the conditions of the cursors that are given.
func (l *listing) cursors() (conditions []string) {
	for _, side := range []bool{true, false} {
		if side && l.c.site.after || !side && l.c.site.before {
			conditions = append(conditions, l.past(side))
		}
	}
	return conditions
}

// first cuts a selection of the listing's rows to one row more than a page has, in order.
func (l *listing) first(selection string, extra ...string) string {
	return l.head(selection, l.c.site.limit+1, extra...)
}

func (l *listing) head(selection string, n int, extra ...string) string {
	where := l.where(append(extra[:len(extra):len(extra)], l.cursors()...))
	return selection + " FROM " + l.from() + " WHERE " + where + " ORDER BY " + l.sorted(l.key, l.w.data+"."+l.w.t.Key) + " LIMIT " + strconv.Itoa(n)
}

// demand adds the filter right on a group, unless it is there already or the rows could not be here without it.
func (l *listing) demand(parts []string, group policy.Object) []string {
	if group == Open || l.proves(group, policy.Filter) {
		return parts
	}
	right := l.w.orOwn(l.w.can(group, policy.Filter))
	if right == yes || slices.Contains(parts, right) {
		return parts
	}
	return append(parts, right)
}

// proves tells whether the rights by which the rows are here give the other right too.
func (l *listing) proves(obj policy.Object, act policy.Action) bool {
	if l.w.t.Public || l.w.t.Own.Column != "" {
		return false
	}
	if act == policy.Filter && slices.Contains(l.proven, obj) {
		return true
	}
	base := l.w.rights.Reach(l.w.t.anchor.Entity, policy.Read)
	if l.reach != nil {
		base = *l.reach
	}
	return covers(base, l.w.rights.Reach(obj, act))
}

// search demands every term, in classes that the actor may filter by.
//
// SECURITY: a hit on a phone number's tail would tell the number to those who may not see it.
func (l *listing) search(value int) (string, int) {
	w := l.w
	if l.c.site.terms == 0 {
		return no, value
	}
	right := l.classes()
	var parts []string
	for range l.c.site.terms {
		holder := w.arg(argument{kind: argFilter, n: value, site: l.c.site})
		value++
		// A scalar subquery, unlike EXISTS, is never turned into a join that reads all hits of a frequent term.
		parts = append(parts, "(SELECT true FROM client_search_terms s9 WHERE s9.tenant_id = $1 AND s9.client_id = "+w.current+".id AND s9.term = "+holder+"::text AND ("+right+") LIMIT 1)")
	}
	return strings.Join(parts, " AND "), value
}

// classes is the condition that a hit s9 is of a class that the actor may filter the row by.
func (l *listing) classes() string {
	w := l.w
	var classes []int16
	var each []string
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnClient {
			continue
		}
		for _, g := range e.Groups {
			switch p := w.can(g.Object, policy.Filter); {
			case p == yes, l.proves(g.Object, policy.Filter):
				classes = append(classes, int16(g.Class))
			case p == no:
			default:
				each = append(each, "s9.field_class = "+strconv.Itoa(int(g.Class))+" AND "+p)
			}
		}
	}
	if len(classes) > 0 {
		each = append([]string{"s9.field_class = ANY(" + w.constant(classes) + "::smallint[])"}, each...)
	}
	return strings.Join(each, " OR ")
}
