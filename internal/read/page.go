package read

import (
	"slices"
	"strconv"
	"strings"

	"github.com/clientele/clientele/policy"
)

// connection renders the statements of a page: its rows, its count, and whether there is more on either side.
func (r *renderer) connection(p *connProgram, parent *stmt) {
	s := p.conn.site
	if r.out.refused[s.index] != nil {
		return
	}
	order := r.out.orders[s.index]
	p.ordering = s.ordering(order)
	base := stmt{parent: parent, parentCol: p.column, site: s, keyCol: -1, ordCol: -1, limit: s.limit, nested: parent != nil}
	if parent != nil {
		base.early = p.own && parent.kind == stmtLookup
		base.level = parent.level + 1
		if base.early {
			base.level = parent.level
		}
	}
	if p.conn.needs.page {
		st := base
		st.kind = stmtPage
		p.page = &st
		r.page(p, order)
	}
	if p.conn.needs.count {
		st := base
		st.kind = stmtCount
		p.count = &st
		q := r.query(s)
		limit := " LIMIT " + strconv.Itoa(maxCount+1)
		texts, plain := q.ways(p.conn, order, parent != nil, func(l *listing, extra []string) string {
			where := l.where(extra)
			return "SELECT " + l.w.data + "." + l.w.t.Key + " AS id FROM " + l.from() + " WHERE " + where + limit
		})
		inner := texts[0]
		if !plain { // a part that was cut off is as long as the whole may count
			inner = "SELECT 1 FROM ((" + strings.Join(texts, ") UNION (") + ")) u" + limit
		}
		q.perParent(&st, "(SELECT count(*) FROM ("+inner+") z)")
		r.add(&st, q)
	}
	exists := func(side bool, needed, given bool) *stmt {
		if !needed || !given {
			return nil
		}
		st := base
		st.kind = stmtExists
		q := r.query(s)
		l := q.listing(p.conn, order, parent != nil)
		where := l.where([]string{l.beyond(side)})
		inner := "SELECT 1 FROM " + l.from() + " WHERE " + where
		q.perParent(&st, "EXISTS ("+inner+")")
		r.add(&st, q)
		return &st
	}
	p.prev = exists(false, p.conn.needs.prev, s.after)
	p.next = exists(true, p.conn.needs.next, s.before)
}

// perParent makes a statement of one expression, for each parent where there are parents.
func (q *query) perParent(st *stmt, expr string) {
	if !st.nested {
		st.sql = q.with + "SELECT " + expr
		return
	}
	st.ordCol = 1
	st.sql = "SELECT e.v, i.o FROM unnest(" + q.arg(argument{kind: argKeys}) + "::uuid[]) WITH ORDINALITY i(id, o) CROSS JOIN LATERAL (SELECT " + expr + " AS v) e ORDER BY i.o"
}

// page renders the rows of a page: ids by the ordering first, then the rows that belong to them.
func (r *renderer) page(p *connProgram, order Order) {
	s, st := p.conn.site, p.page
	q := r.query(s)
	b := q.block(p.conn.target)
	if st.nested && !q.asOf {
		r.below(p, order, q, b)
		return
	}
	b.findOnce()
	for _, o := range p.conn.nodes {
		p.programs = append(p.programs, b.program(o))
	}
	ids := q.ids(p.conn, order, st.nested)
	cols := strings.Join(b.cols, ", ")
	n := len(b.cols)
	from := "(" + ids + ") p"
	sorted := ""
	if order.Expr != "" {
		cols += ", p.k"
		st.keyCol = n
		n++
		sorted = "p.k" + direction(order.Desc != s.backward) + ", "
	}
	sorted += "p.id" + direction(order.IDDesc != s.backward)
	if st.nested {
		cols += ", i.o"
		st.ordCol = n
		from = "unnest(" + q.arg(argument{kind: argKeys}) + "::uuid[]) WITH ORDINALITY i(id, o) CROSS JOIN LATERAL " + from
		sorted = "i.o, " + sorted
	}
	st.sql = q.with + "SELECT " + cols + " FROM " + from + " JOIN " + q.source(b.t.Table, b.t.Twin) + " " + b.data + " ON " + b.data + ".tenant_id = $1 AND " +
		b.data + "." + b.t.Key + " = p.id" + b.from("") + " ORDER BY " + sorted
	r.add(st, q)
}

// below renders the pages below the rows of a parent: for each of them the first rows, whole. What rights ask of the parent, when
// it is the row that decides about those below it, or of its side tables, is found out once for each parent.
func (r *renderer) below(p *connProgram, order Order, q *query, b *block) {
	s, st, t := p.conn.site, p.page, p.conn.target
	by := s.list.By
	l := q.listing(p.conn, order, true)
	hoisted := t.anchor != t && t.AnchorKey == by && t.Own.Column == ""
	switch {
	case hoisted:
		b.findOnce()
		l.w.anchor, l.w.elsewhere, b.elsewhere, l.decided = b.anchor, true, true, true
	case t.anchor == t && t.anchor.Facts.Client == "{}."+by:
		b.findOnce()
		b.elsewhere = true // its own row is its anchor: only the side tables are looked at elsewhere
	}
	l.w.found = b.found
	l.sortKey()
	for _, o := range p.conn.nodes {
		p.programs = append(p.programs, b.program(o))
	}
	cols := strings.Join(b.cols, ", ")
	n := len(b.cols)
	inner, sorted := "SELECT "+l.w.data+".*", "i.o, "
	if order.Expr != "" {
		inner += ", " + l.key + " AS k9"
		cols += ", " + b.data + ".k9"
		st.keyCol = n
		n++
		sorted += b.data + ".k9" + direction(order.Desc != s.backward) + ", "
	}
	sorted += b.data + "." + t.Key + direction(order.IDDesc != s.backward)
	st.ordCol = n
	inner = l.first(inner)
	where, decider := "", ""
	if hoisted {
		seen := b.visible()
		if !st.early && t.anchor.Own.Column == "" && !t.anchor.Public { // the parent's own statement has shown it under its read right
			seen = b.covered()
			if seen == b.can(t.anchor.Entity, policy.Read) {
				seen = yes
			}
		}
		if seen != yes {
			where = " WHERE " + seen
		}
	}
	text := b.text() + inner + where
	client := "i.id"
	if hoisted {
		client = b.facts().Client
	}
	side := ""
	if b.elsewhere {
		side = b.side(text, client)
	}
	if hoisted && strings.Contains(text+side, b.anchor+".") {
		decider = " JOIN " + t.anchor.Table + " " + b.anchor + " ON " + b.anchor + ".tenant_id = $1 AND " + b.anchor + "." + t.anchor.Key + " = i.id"
	}
	after := b.guards()
	if !b.elsewhere {
		after = b.from(where)
	}
	st.sql = "SELECT " + cols + ", i.o FROM unnest(" + q.arg(argument{kind: argKeys}) + "::uuid[]) WITH ORDINALITY i(id, o)" + decider + side +
		" CROSS JOIN LATERAL (" + inner + ") " + b.data + after + where + " ORDER BY " + sorted
	r.add(st, q)
}

// first cuts a selection of the listing's rows to one row more than a page has, in order.
func (l *listing) first(selection string, extra ...string) string {
	s := l.c.site
	for _, side := range []bool{true, false} {
		if side && s.after || !side && s.before {
			extra = append(extra, l.past(side))
		}
	}
	where := l.where(extra)
	sorted := l.w.data + "." + l.w.t.Key + direction(l.order.IDDesc != s.backward)
	if l.order.Expr != "" {
		sorted = l.key + direction(l.order.Desc != s.backward) + ", " + sorted
	}
	return selection + " FROM " + l.from() + " WHERE " + where + " ORDER BY " + sorted + " LIMIT " + strconv.Itoa(s.limit+1)
}

// ids is the statement that finds the page: id and sort key of one row more than asked for.
func (q *query) ids(c *connection, order Order, nested bool) string {
	s := c.site
	limit := " LIMIT " + strconv.Itoa(s.limit+1)
	one := func(l *listing, extra []string) string {
		cols := l.w.data + "." + l.w.t.Key + " AS id"
		if order.Expr != "" {
			cols += ", " + l.key + " AS k"
		}
		return l.first("SELECT "+cols, extra...)
	}
	texts, plain := q.ways(c, order, nested, one)
	if plain {
		return texts[0]
	}
	sorted := "u.id" + direction(order.IDDesc != s.backward)
	cols := "u.id"
	if order.Expr != "" {
		cols, sorted = "u.id, u.k", "u.k"+direction(order.Desc != s.backward)+", "+sorted
	}
	return "SELECT " + cols + " FROM ((" + strings.Join(texts, ") UNION (") + ")) u ORDER BY " + sorted + limit
}

// ways has one render a statement for each way to the rows of a list, with the conditions that lead there. plain: there is
// but one and it needs no union around it.
func (q *query) ways(c *connection, order Order, nested bool, one func(l *listing, extra []string) string) (texts []string, plain bool) {
	indexed := c.target.Entity == policy.OnClient || c.target.Entity == policy.OnContract
	if nested || q.asOf || !indexed {
		return []string{one(q.listing(c, order, nested), nil)}, true
	}
	parts := branches(q.rights.Reach(c.target.Entity, policy.Read), c.target.Entity == policy.OnClient)
	if rare := q.rare(c.site); rare != "" { // the terms lead where one of them is rare, the order or the scope where none is
		q.with = "WITH rare9 AS MATERIALIZED (" + rare + ") "
		each := one
		one = func(l *listing, extra []string) string {
			of := func(way string) string { return each(l, append(extra[:len(extra):len(extra)], way)) }
			return "SELECT * FROM ((" + of(l.w.data+".id = ANY((SELECT ids FROM rare9)::uuid[])") + ") UNION ALL (" + of("(SELECT ids FROM rare9) IS NULL") + ")) r9"
		}
		defer func() { plain = false }()
	}
	for _, br := range parts {
		l := q.listing(c, order, false)
		l.reach = &br.reach
		switch br.way {
		case each:
			l.decided = br.bare() // a row of one of these ids is all that the term asks for
			inner := one(l, []string{l.w.data + "." + br.column + " = u9.id"})
			texts = append(texts, "SELECT b9.* FROM unnest("+q.constant(br.ids)+"::uuid[]) u9(id) CROSS JOIN LATERAL ("+inner+") b9")
		case team, lent:
			l.decided = br.bare()
			texts = append(texts, one(l, []string{l.w.data + ".id = ANY(ARRAY(" + q.throughSide(&br) + "))"}))
		default:
			l.walked = br.long()
			texts = append(texts, one(l, nil))
		}
	}
	return texts, len(texts) == 1 && parts[0].way != each
}

const (
	rareAtMost  = 3000 // hits of a term that may lead
	leadersMost = 8    // terms that are looked at for a leader
)

// rare is the ids of the clients that have the rarest of the terms searched for, in whatever class; NULL when each has more than
// may lead. Empty for lists that search nothing.
//
// SECURITY: it only leads to candidates; every term is then looked for in classes that the actor may filter by.
func (q *query) rare(s *site) string {
	if s.terms == 0 {
		return ""
	}
	value := 0
	var terms []string
	for _, f := range s.filters {
		if f.Kind != FilterSearch {
			value++
			continue
		}
		for n := range min(s.terms, leadersMost) {
			terms = append(terms, q.arg(argument{kind: argFilter, n: value + n, site: s})+"::text")
		}
		value += s.terms
	}
	return "SELECT z9.ids FROM unnest(ARRAY[" + strings.Join(terms, ", ") + "]) q9(term) CROSS JOIN LATERAL (SELECT COALESCE(array_agg(y9.client_id), '{}'::uuid[]) AS ids, count(*) AS n" +
		" FROM (SELECT s9.client_id FROM client_search_terms s9 WHERE s9.tenant_id = $1 AND s9.field_class = ANY('{0,1,2,3,4,5,6,7}'::smallint[]) AND s9.term = q9.term LIMIT " +
		strconv.Itoa(rareAtMost+1) + ") y9) z9 WHERE z9.n <= " + strconv.Itoa(rareAtMost) + " ORDER BY z9.n LIMIT 1"
}

// throughSide selects the clients that the actor is on the team of, or has a grant of, as the one term of a branch has it.
func (q *query) throughSide(br *branch) string {
	c, me := policy.Columns{Tenant: "$1", Now: transactionTime}, q.constant(br.reach.Me)
	if br.way == team {
		return "SELECT m.client_id FROM " + policy.TeamsOf(c, me)
	}
	return "SELECT g.client_id FROM " + policy.GrantsOf(c, me) + " AND g.class_mask & " + q.constant(int32(br.reach.Allow[0].Classes)) + " <> 0"
}

// listing is the candidates of a list: what may be seen, under the filters.
type listing struct {
	w      *row
	c      *connection
	order  Order
	nested bool
	key    string
	reach  *policy.Reach // replaces the read right's own reach: a part of it
	walked bool          // the predicate must not lead to an index: the ordering's own is walked
	// decided: whether rows are seen is decided outside, by the way to them or for all rows of a parent together.
	decided bool
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
	for _, f := range l.c.site.filters {
		var cond string
		if f.Kind == FilterSearch {
			cond, value = l.search(value)
		} else {
			holder := w.arg(argument{kind: argFilter, n: value, site: l.c.site})
			if f.Kind == FilterMine {
				cond = l.mine(holder)
			} else {
				cond = strings.ReplaceAll(w.expand(f.SQL, w.data), "?", holder)
			}
			value++
		}
		parts = append(parts, cond)
		if f.Kind != FilterSearch {
			parts = l.demand(parts, f.Group)
		}
	}
	if l.c.site.chosen {
		parts = l.demand(parts, l.order.Group)
	}
	return strings.Join(parts, " AND ")
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
	var classes []int16
	var each []string
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnClient {
			continue
		}
		for _, g := range e.Groups {
			switch p := w.can(g.Object, policy.Filter); p {
			case yes:
				classes = append(classes, int16(g.Class))
			case no:
			default:
				each = append(each, "s9.field_class = "+strconv.Itoa(int(g.Class))+" AND "+p)
			}
		}
	}
	if len(classes) > 0 {
		each = append([]string{"s9.field_class = ANY(" + w.constant(classes) + "::smallint[])"}, each...)
	}
	var parts []string
	for range l.c.site.terms {
		holder := w.arg(argument{kind: argFilter, n: value, site: l.c.site})
		value++
		// A scalar subquery, unlike EXISTS, is never turned into a join that reads all hits of a frequent term.
		parts = append(parts, "(SELECT true FROM client_search_terms s9 WHERE s9.tenant_id = $1 AND s9.client_id = "+w.current+".id AND s9.term = "+holder+
			"::text AND ("+strings.Join(each, " OR ")+") LIMIT 1)")
	}
	return strings.Join(parts, " AND "), value
}

// past is the keyset condition: rows after the cursor "after" (side true) or before the cursor "before".
func (l *listing) past(after bool) string { return l.keyset(after, after, false) }

// beyond is the opposite, for whether there is more: rows up to and including "after" (side false), or from "before" on.
func (l *listing) beyond(before bool) string { return l.keyset(!before, before, true) }

// keyset compares rows with a cursor: forward means later in the ordering.
func (l *listing) keyset(cursorIsAfter, forward, inclusive bool) string {
	s := l.c.site
	idKind, keyKind := argBeforeID, argBeforeKey
	if cursorIsAfter {
		idKind, keyKind = argAfterID, argAfterKey
	}
	col := l.w.data + "." + l.w.t.Key
	at := l.w.arg(argument{kind: idKind, site: s}) + "::uuid"
	idOp := "<"
	if forward != l.order.IDDesc {
		idOp = ">"
	}
	if inclusive {
		idOp += "="
	}
	if l.order.Expr == "" {
		return col + " " + idOp + " " + at
	}
	key := l.w.arg(argument{kind: keyKind, site: s}) + keyCast(l.order.Kind)
	greater := forward != l.order.Desc
	op := "<"
	if greater {
		op = ">"
	}
	if !l.order.Nullable {
		if l.order.Desc == l.order.IDDesc {
			if inclusive {
				op += "="
			}
			return "(" + l.key + ", " + col + ") " + op + " (" + key + ", " + at + ")"
		}
		return "(" + l.key + " " + op + " " + key + " OR " + l.key + " = " + key + " AND " + col + " " + idOp + " " + at + ")"
	}
	// NULL sorts as if it were larger than everything.
	ties := "(" + l.key + " = " + key + " AND " + col + " " + idOp + " " + at + ")"
	nulls := "(" + l.key + " IS NULL AND " + col + " " + idOp + " " + at + ")"
	if greater {
		return "CASE WHEN " + key + " IS NULL THEN " + nulls + " ELSE " + l.key + " IS NULL OR " + l.key + " > " + key + " OR " + ties + " END"
	}
	return "CASE WHEN " + key + " IS NULL THEN " + l.key + " IS NOT NULL OR " + nulls + " ELSE " + l.key + " < " + key + " OR " + ties + " END"
}

func keyCast(k Kind) string {
	switch k {
	case KindTime:
		return "::timestamptz"
	case KindDate:
		return "::date"
	case KindBool:
		return "::boolean"
	case KindInt, KindBigInt:
		return "::bigint"
	}
	return "::text"
}

func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return ""
}
