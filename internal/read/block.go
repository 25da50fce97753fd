package read

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clientele/clientele/policy"
)

// block is a row with the columns that are selected of it.
type block struct {
	*row
	cols   []string
	ones   string
	top    bool // the row that the statement is about, not one that it joins
	grants map[policy.Object]*grant
	checks []string
	proves func(policy.Reach) bool // whether the way to the row gives a right; nil: none leads to it
}

// grant is what may be seen of a group: a code known beforehand, or the column that holds it.
// Codes: 0 hidden, 1 masked, 2 in full, 3 in full as one's own.
type grant struct {
	code   int16
	reason string
	col    int // -1: code
}

func (q *query) block(t *Type) *block {
	b := &block{row: q.row(t), grants: map[policy.Object]*grant{}}
	b.col(b.data + "." + t.Key)
	return b
}

func (b *block) col(expr string) int {
	for i, c := range b.cols {
		if c == expr {
			return i
		}
	}
	b.cols = append(b.cols, expr)
	return len(b.cols) - 1
}

// from is everything after FROM but the data's own source and condition; where is what else refers to the row.
func (b *block) from(where string) string {
	text, side := b.text()+where, ""
	if !b.elsewhere {
		side = b.side(text, b.facts().Client)
	}
	b.anchored = strings.Contains(text+side, b.anchor+".")
	return b.joins() + side + b.guards()
}

// text is all that the block selects.
func (b *block) text() string {
	return strings.Join(b.cols, " ") + strings.Join(b.checks, " ") + b.ones
}

// guards are the access codes and the rows that are joined under them.
func (b *block) guards() string {
	s := ""
	if len(b.checks) > 0 {
		// OFFSET 0 keeps the planner from writing the predicates out once for every column that they guard.
		s += " CROSS JOIN LATERAL (SELECT "
		for i, expr := range b.checks {
			if i > 0 {
				s += ", "
			}
			s += "(" + expr + ")::smallint AS g" + strconv.Itoa(i)
		}
		s += " OFFSET 0) x" + strconv.Itoa(b.n)
	}
	return s + b.ones
}

// findOnce has the facts of side tables found out once for each row, where the type has such facts.
func (b *block) findOnce() {
	if b.t.anchor.Facts.Client != "" {
		b.found = "f" + strconv.Itoa(b.n)
	}
}

func (b *block) access(group policy.Object) *grant {
	if g := b.grants[group]; g != nil {
		return g
	}
	g := &grant{col: -1}
	b.grants[group] = g
	if group == byFieldClass {
		expr := "CASE " + b.data + ".field_class"
		for _, e := range policy.Catalogue() {
			if e.Object != b.t.anchor.Entity {
				continue
			}
			for _, x := range e.Groups {
				if p := b.can(x.Object, policy.Reveal); p != no {
					expr += fmt.Sprintf(" WHEN %d THEN CASE WHEN %s THEN 2 ELSE 0 END", x.Class, p)
				}
			}
		}
		if !strings.Contains(expr, "WHEN") {
			g.reason = reasonOutOfScope
			return g
		}
		g.col = b.check(expr + " ELSE 0 END")
		return g
	}
	own := b.own()
	reveal := b.can(group, policy.Reveal)
	peek := yes
	if reveal != yes {
		peek = b.can(group, policy.Peek)
	}
	if own == "" && (b.holds(reveal) || b.proves != nil && b.proves(b.rights.Reach(group, policy.Reveal))) { // the row would not be there without it
		reveal = yes
	}
	class, _ := b.rights.ClassOf(group)
	switch {
	case reveal == yes && (own == "" || class < openingClass):
		g.code = 2
	case own == "" && reveal == no && peek == no:
		g.reason = string(b.rights.Decide(group, policy.Reveal, &policy.Row{}).Reason)
	case own == "" && reveal == no && peek == yes:
		g.code, g.reason = 1, reasonMaskedOnly
	default:
		expr := "CASE"
		if own != "" {
			expr += " WHEN " + own + " THEN 3"
		}
		if reveal != no {
			expr += " WHEN " + reveal + " THEN 2"
		}
		if peek != no && peek != reveal {
			expr += " WHEN " + peek + " THEN 1"
		}
		g.col = b.check(expr + " ELSE 0 END")
	}
	return g
}

// check adds an access code to those that are computed once per row.
func (b *block) check(expr string) int {
	n := slices.Index(b.checks, expr)
	if n < 0 {
		n, b.checks = len(b.checks), append(b.checks, expr)
	}
	return b.col("x" + strconv.Itoa(b.n) + ".g" + strconv.Itoa(n))
}

// openingClass is the least class whose reading is recorded.
const openingClass policy.Class = 4

// program renders a selection; every column it needs is added to the block.
func (b *block) program(o *object) *program {
	p := &program{typ: b.t}
	opened := map[policy.Object]bool{}
	for i := range o.fields {
		s := &o.fields[i]
		it := item{key: s.key, alias: s.alias, code: -1}
		if s.field == nil {
			it.op, it.lit = itemLiteral, s.lit
			p.items = append(p.items, it)
			continue
		}
		f := s.field
		g := &grant{code: 2, col: -1}
		if f.Group != Open {
			g = b.access(f.Group)
			if class, ok := b.rights.ClassOf(f.Group); ok && class >= openingClass && !opened[f.Group] && (g.col >= 0 || g.code == 2) {
				opened[f.Group] = true
				p.opens = append(p.opens, openGroup{f.Group, g.col})
			}
		}
		need := int16(2)
		if f.Mask != "" || f.Kind == KindMany {
			need = 1
		}
		// SECURITY: the column of a hidden group is not part of the statement.
		if g.col < 0 && g.code < need {
			it.op, it.reason = itemHidden, g.reason
			p.items = append(p.items, it)
			continue
		}
		if g.col >= 0 {
			it.code, it.need = g.col, need
		}
		b.field(&it, s, g)
		p.items = append(p.items, it)
	}
	return p
}

// guarded is an expression whose value leaves the database only if the code allows it.
func (b *block) guarded(g *grant, expr, mask string, least int) string {
	if g.col >= 0 {
		code := b.cols[g.col]
		if mask != "" {
			return "CASE WHEN " + code + " >= 2 THEN " + expr + " WHEN " + code + " = 1 THEN " + fmt.Sprintf(mask, expr) + " END"
		}
		return "CASE WHEN " + code + " >= " + strconv.Itoa(least) + " THEN " + expr + " END"
	}
	if g.code == 1 && mask != "" {
		return fmt.Sprintf(mask, expr)
	}
	return expr
}

func (b *block) field(it *item, s *selected, g *grant) {
	f := s.field
	switch f.Kind {
	case KindOne:
		it.op = itemOne
		b.one(it, s, g)
	case KindMany:
		it.op = itemMany
		it.many = &connProgram{conn: s.many, column: b.col(b.guarded(g, b.data+"."+b.t.Key, "", 1)), own: b.top}
		b.pending = append(b.pending, it.many)
	case KindMoney:
		it.op, it.money = itemMoney, s.money
		it.first = b.col(b.guarded(g, b.expand(f.Expr, b.data), "", 2))
		it.second = b.col(b.guarded(g, b.expand(f.Second, b.data), "", 2))
	default:
		it.op, it.kind, it.prefix = itemScalar, f.Kind, f.Prefix
		it.first = b.col(b.guarded(g, b.expand(f.Expr, b.data), f.Mask, 2))
		if f.Second != "" {
			it.second = b.col(b.guarded(g, b.expand(f.Second, b.data), "", 2))
		}
	}
}

// one joins the row that a to-one field names, under that row's own predicate.
func (b *block) one(it *item, s *selected, g *grant) {
	pending := len(b.pending)
	sub := b.query.block(s.one.typ)
	it.sub = sub.program(s.one)
	seen := sub.visible()
	if seen == no {
		b.pending = b.pending[:pending]
		it.op, it.lit, it.sub = itemLiteral, []byte("null"), nil
		if it.code >= 0 { // a hidden field is told from an absent row
			it.op = itemScalar
			it.kind, it.first = KindText, b.col("NULL::text")
		}
		return
	}
	where := sub.data + ".tenant_id = $1 AND " + sub.data + "." + sub.t.Key + " = " + b.guarded(g, b.expand(s.field.Expr, b.data), s.field.Mask, 2)
	if seen != yes {
		where += " AND " + seen
	}
	alias := "j" + strconv.Itoa(sub.n)
	exports := make([]string, len(sub.cols))
	base := len(b.cols)
	for i, c := range sub.cols {
		name := "c" + strconv.Itoa(i)
		exports[i] = c + " AS " + name
		b.cols = append(b.cols, alias+"."+name)
	}
	it.sub.shift(base)
	b.ones += " LEFT JOIN LATERAL (SELECT " + strings.Join(exports, ", ") + " FROM " + b.source(sub.t.Table, sub.t.Twin) + " " + sub.data + sub.from(where) +
		" WHERE " + where + ") " + alias + " ON true"
}
