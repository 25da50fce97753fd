package read

import (
	"strconv"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/policy"
)

// writer turns the rows of one request into JSON, and notes what was masked and what was opened.
type writer struct {
	*request
	out      []byte
	path     []step
	masked   []MaskedField
	more     bool
	openings []Opening
	opened   map[openingKey]int
	absent   []Ref
	err      error
}

// step is a part of a response path.
type step struct {
	name  string
	index int // of a list when name is empty
}

type openingKey struct {
	typ string
	id  [16]byte
}

func (w *writer) push(name string) { w.path = append(w.path, step{name: name}) }
func (w *writer) at(i int)         { w.path = append(w.path, step{index: i}) }
func (w *writer) pop()             { w.path = w.path[:len(w.path)-1] }
func (w *writer) text(s string)    { w.out = append(w.out, s...) }

func (w *writer) comma(i int) {
	if i > 0 {
		w.out = append(w.out, ',')
	}
}

// mask writes null and notes why.
func (w *writer) mask(reason string) {
	w.text("null")
	if len(w.masked) == MaxMasked {
		w.more = true
		return
	}
	p := make(ast.Path, len(w.path))
	for i, s := range w.path {
		if s.name != "" {
			p[i] = ast.PathName(s.name)
		} else {
			p[i] = ast.PathIndex(s.index)
		}
	}
	w.masked = append(w.masked, MaskedField{Path: p, Reason: reason})
}

func (w *writer) open(typ string, key []byte, group policy.Object, byID bool) {
	k := openingKey{typ, [16]byte(key)}
	i, ok := w.opened[k]
	if !ok {
		if w.opened == nil {
			w.opened = map[openingKey]int{}
		}
		i = len(w.openings)
		w.opened[k] = i
		w.openings = append(w.openings, Opening{Type: typ, ID: uuid.UUID(k.id)})
	}
	o := &w.openings[i]
	o.ByID = o.ByID || byID
	if group == "" {
		return
	}
	for _, g := range o.Groups {
		if g == group {
			return
		}
	}
	o.Groups = append(o.Groups, group)
}

// roots writes the whole answer.
func (w *writer) roots() {
	w.out = append(w.out, '{')
	for i := range w.rendered.roots {
		w.comma(i)
		r := &w.rendered.roots[i]
		w.out = append(w.out, r.key...)
		if r.lit != nil {
			w.out = append(w.out, r.lit...)
			continue
		}
		w.push(r.alias)
		switch r.kind {
		case RootByID, RootTenant:
			if !w.lookup(r.one, 1) && r.kind == RootByID {
				w.missing(r.site, r.one.stmt.typ, 1)
			}
		case RootNode:
			w.node(r, 0)
		case RootNodes:
			w.nodes(r)
		case RootViewer:
			w.viewer(r)
		case RootList:
			w.connection(r.many, 1)
		}
		w.pop()
	}
	w.out = append(w.out, '}')
}

// lookup writes the object asked for by id, or null and false.
func (w *writer) lookup(l *lookup, ord int) bool {
	set := &w.sets[l.stmt.index]
	from, to := set.rows(ord)
	if !set.done || from == to {
		w.text("null")
		return false
	}
	if l.program.always {
		w.open(l.program.typ.Name, set.cell(from, l.program.id), "", true)
	}
	w.object(l.program, l.stmt, set, from)
	return true
}

// missing notes an object that was asked for by a well-formed id and is absent, or looks so.
func (w *writer) missing(s *site, t *Type, ord int) {
	if keys := w.bounds[s.index].ids[t]; ord <= len(keys) {
		w.absent = append(w.absent, Ref{Type: t.Name, ID: uuid.UUID(keys[ord-1])})
	}
}

func (w *writer) node(r *rootProgram, i int) {
	at := w.bounds[r.site.index].at
	if i < len(at) && at[i].typ != nil {
		for _, l := range r.nodes {
			if l.stmt.typ == at[i].typ {
				if !w.lookup(l, at[i].ord) {
					w.missing(r.site, l.stmt.typ, at[i].ord)
				}
				return
			}
		}
	}
	w.text("null")
}

func (w *writer) nodes(r *rootProgram) {
	b := &w.bounds[r.site.index]
	if b.failed {
		w.text("null")
		return
	}
	w.out = append(w.out, '[')
	for i := range b.at {
		w.comma(i)
		w.at(i)
		w.node(r, i)
		w.pop()
	}
	w.out = append(w.out, ']')
}

func (w *writer) viewer(r *rootProgram) {
	w.out = append(w.out, '{')
	for i := range r.rootPlan.view {
		w.comma(i)
		part := &r.rootPlan.view[i]
		w.out = append(w.out, part.key...)
		if part.lit != nil {
			w.out = append(w.out, part.lit...)
			continue
		}
		w.push(part.alias)
		w.lookup(r.view[i], 1)
		w.pop()
	}
	w.out = append(w.out, '}')
}

// object writes a row by a program.
func (w *writer) object(p *program, st *stmt, set *rowset, row int) {
	for i := range p.opens {
		if o := &p.opens[i]; o.code < 0 || set.code(row, o.code) == 2 {
			w.open(p.typ.Name, set.cell(row, p.id), o.group, false)
		}
	}
	w.out = append(w.out, '{')
	for i := range p.items {
		it := &p.items[i]
		w.comma(i)
		w.out = append(w.out, it.key...)
		if it.op == itemLiteral {
			w.out = append(w.out, it.lit...)
			continue
		}
		if it.op == itemScalar && it.code < 0 {
			w.scalar(it, set, row)
			continue
		}
		w.push(it.alias)
		w.item(it, st, set, row)
		w.pop()
	}
	w.out = append(w.out, '}')
}

func (w *writer) scalar(it *item, set *rowset, row int) {
	var second []byte
	if it.kind == KindObjectID {
		second = set.cell(row, it.second)
	}
	var err error
	if w.out, err = w.gate.table.appendScalar(w.out, it.kind, it.prefix, set.cell(row, it.first), second); err != nil {
		w.err = err
	}
}

func (w *writer) item(it *item, st *stmt, set *rowset, row int) {
	if it.op == itemHidden {
		w.mask(it.reason)
		return
	}
	if it.code >= 0 {
		if code := set.code(row, it.code); code < it.need {
			if code == 1 {
				w.mask(reasonMaskedOnly)
			} else {
				w.mask(reasonOutOfScope)
			}
			return
		}
	}
	switch it.op {
	case itemScalar:
		w.scalar(it, set, row)
	case itemMoney:
		w.money(it, set, row)
	case itemOne:
		if set.cell(row, it.sub.id) == nil {
			w.text("null")
			return
		}
		w.object(it.sub, st, set, row)
	case itemMany:
		w.connection(it.many, w.ordinal(it.many, row))
	}
}

func (w *writer) money(it *item, set *rowset, row int) {
	minor, currency := set.cell(row, it.first), set.cell(row, it.second)
	if minor == nil {
		w.text("null")
		return
	}
	w.out = append(w.out, '{')
	for i := range it.money {
		m := &it.money[i]
		w.comma(i)
		w.out = append(w.out, m.key...)
		switch {
		case m.lit != nil:
			w.out = append(w.out, m.lit...)
		case m.currency:
			w.out = appendString(w.out, currency)
		default:
			w.out = strconv.AppendInt(append(w.out, '"'), integer(minor), 10)
			w.out = append(w.out, '"')
		}
	}
	w.out = append(w.out, '}')
}

// ordinal of a parent's row in the statements of a connection; they were all sent with the same ids.
func (w *writer) ordinal(p *connProgram, row int) int {
	for _, st := range [4]*stmt{p.page, p.count, p.next, p.prev} {
		if st != nil && row < len(w.sets[st.index].of) {
			return int(w.sets[st.index].of[row])
		}
	}
	return 0
}

// connection writes a page; ord is the ordinal of its parent.
func (w *writer) connection(p *connProgram, ord int) {
	s := p.conn.site
	if w.rendered.refused[s.index] != nil || w.bounds[s.index].failed {
		w.text("null")
		return
	}
	var pg page
	if p.page != nil {
		pg.set = &w.sets[p.page.index]
		pg.from, pg.to = pg.set.rows(ord)
		pg.more = pg.to-pg.from > p.page.limit
		if pg.more {
			pg.to = pg.from + p.page.limit
		}
		pg.backward = s.backward
	}
	w.out = append(w.out, '{')
	for i := range p.conn.fields {
		f := &p.conn.fields[i]
		w.comma(i)
		w.out = append(w.out, f.key...)
		w.push(f.alias)
		switch f.kind {
		case connLit:
			w.out = append(w.out, f.lit...)
		case connNodes:
			w.out = append(w.out, '[')
			for n := range pg.to - pg.from {
				w.comma(n)
				w.at(n)
				w.object(p.programs[f.node], p.page, pg.set, pg.row(n))
				w.pop()
			}
			w.out = append(w.out, ']')
		case connEdges:
			w.edges(p, f, &pg)
		case connPage:
			w.pageInfo(p, f, &pg, ord)
		case connCount:
			w.count(p, f, ord)
		}
		w.pop()
	}
	w.out = append(w.out, '}')
}

// page is a range of rows, in the order of the answer.
type page struct {
	set      *rowset
	from, to int
	more     bool // beyond the end that was read towards
	backward bool
}

func (p *page) row(n int) int {
	if p.backward {
		return p.to - 1 - n
	}
	return p.from + n
}

func (w *writer) cursor(p *connProgram, pg *page, row int) {
	var key []byte
	if p.page.keyCol >= 0 {
		key = pg.set.cell(row, p.page.keyCol)
	}
	// Column 0 of a page is the row's id.
	w.out = w.gate.appendCursor(w.out, w.session.Tenant, p.ordering, pg.set.cell(row, 0), key)
}

func (w *writer) edges(p *connProgram, f *connField, pg *page) {
	w.out = append(w.out, '[')
	for n := range pg.to - pg.from {
		w.comma(n)
		w.at(n)
		w.out = append(w.out, '{')
		for i := range f.sub {
			s := &f.sub[i]
			w.comma(i)
			w.out = append(w.out, s.key...)
			switch s.kind {
			case subLit:
				w.out = append(w.out, s.lit...)
			case subCursor:
				w.cursor(p, pg, pg.row(n))
			case subNode:
				w.push(s.alias)
				w.object(p.programs[s.node], p.page, pg.set, pg.row(n))
				w.pop()
			}
		}
		w.out = append(w.out, '}')
		w.pop()
	}
	w.out = append(w.out, ']')
}

func (w *writer) pageInfo(p *connProgram, f *connField, pg *page, ord int) {
	next, prev := w.flag(p.next, ord), w.flag(p.prev, ord)
	if pg.backward {
		prev = prev || pg.more
	} else {
		next = next || pg.more
	}
	w.out = append(w.out, '{')
	for i := range f.sub {
		s := &f.sub[i]
		w.comma(i)
		w.out = append(w.out, s.key...)
		switch s.kind {
		case subLit:
			w.out = append(w.out, s.lit...)
		case subNext:
			w.out = strconv.AppendBool(w.out, next)
		case subPrev:
			w.out = strconv.AppendBool(w.out, prev)
		case subStart, subEnd:
			switch {
			case pg.from == pg.to:
				w.text("null")
			case s.kind == subStart:
				w.cursor(p, pg, pg.row(0))
			default:
				w.cursor(p, pg, pg.row(pg.to-pg.from-1))
			}
		}
	}
	w.out = append(w.out, '}')
}

// flag is the answer of a statement whether there is more.
func (w *writer) flag(st *stmt, ord int) bool {
	if st == nil {
		return false
	}
	set := &w.sets[st.index]
	from, to := set.rows(ord)
	if from == to {
		return false
	}
	b := set.cell(from, 0)
	return len(b) == 1 && b[0] != 0
}

func (w *writer) count(p *connProgram, f *connField, ord int) {
	var n int64
	set := &w.sets[p.count.index]
	if from, to := set.rows(ord); from < to {
		n = integer(set.cell(from, 0))
	}
	most := int64(f.most)
	capped := n > most
	n = min(n, most)
	w.out = append(w.out, '{')
	for i := range f.sub {
		s := &f.sub[i]
		w.comma(i)
		w.out = append(w.out, s.key...)
		switch s.kind {
		case subLit:
			w.out = append(w.out, s.lit...)
		case subCapped:
			w.out = strconv.AppendBool(w.out, capped)
		default:
			w.out = strconv.AppendInt(w.out, n, 10)
		}
	}
	w.out = append(w.out, '}')
}
