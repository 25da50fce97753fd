package read

import (
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
	if p.conn.count > 0 {
		st := base
		st.kind = stmtCount
		p.count = &st
		q := r.query(s)
		q.perParent(&st, "(SELECT count(*) FROM ("+q.count(p.conn, order, parent != nil)+") z)")
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
	b.proves = q.proven(p.conn, order, st.nested)
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
