package read

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// transactionTime is the time that validity is judged by: known to the first pipeline before it is known here.
const transactionTime = "(SELECT current_setting('app.now')::timestamptz)"

// Why a field is null, besides the reasons of policy.
const (
	reasonMaskedOnly = "MASKED_ONLY"
	reasonOutOfScope = string(policy.ReasonOutOfScope)
)

// rendered is a plan under one actor's rights: the statements to send and the programs that write their rows. It is
// immutable. Values of the rights (ids of departments …) are among the statements' arguments.
type rendered struct {
	roots   []rootProgram
	stmts   []*stmt
	levels  [][]*stmt
	refused []*fault.Error // by site
	orders  []Order        // by site
	// planOnce: the values of no statement's arguments matter for how it is best run.
	planOnce bool
}

type rootProgram struct {
	*rootPlan
	one   *lookup
	nodes []*lookup
	many  *connProgram
	view  []*lookup
}

// lookup is an object found by id.
type lookup struct {
	stmt    *stmt
	program *program
}

type stmtKind uint8

const (
	stmtLookup stmtKind = iota + 1
	stmtPage
	stmtCount
	stmtExists
)

// stmt is one statement of a pipeline.
type stmt struct {
	index, level int
	kind         stmtKind
	sql          string
	args         []argument
	parent       *stmt // whose rows it continues; nil at roots
	parentCol    int   // column of the parent with the id
	site         *site
	typ          *Type // of a lookup
	ordCol       int   // -1: all rows belong together
	keyCol       int   // sort key; -1 none
	limit        int
	nested       bool
	early        bool // the parent's ids are known beforehand: sent beside it, not after it
}

type argKind uint8

const (
	argTenant argKind = iota + 1
	argConst          // of the rights
	argAccount
	argStaff
	argKeys   // ids of the parent's rows, or those looked up
	argFilter // site.values[n]
	argAsOf
	argAfterKey
	argAfterID
	argBeforeKey
	argBeforeID
)

type argument struct {
	kind  argKind
	value any
	n     int
	site  *site
}

// program writes the rows of one selection.
type program struct {
	typ    *Type
	id     int
	items  []item
	opens  []openGroup
	always bool // reading by id is an opening
}

// openGroup is a selected group of class L4 or above; its reading in full is an opening.
type openGroup struct {
	group policy.Object
	code  int // column with the access; -1: always in full
}

type itemOp uint8

const (
	itemLiteral itemOp = iota + 1
	itemHidden
	itemScalar
	itemMoney
	itemOne
	itemMany
)

type item struct {
	key           []byte
	alias         string
	op            itemOp
	kind          Kind
	prefix        string
	first, second int // columns
	code          int // column with the access; -1: no check
	need          int16
	lit           []byte
	reason        string
	money         []moneyPart
	sub           *program
	many          *connProgram
}

// connProgram writes a page.
type connProgram struct {
	conn       *connection
	column     int  // of the parent: its id, or NULL when the field is hidden
	own        bool // the column is the id of the very row that a statement looks up
	page       *stmt
	count      *stmt
	next, prev *stmt
	programs   []*program
	ordering   string
	dead       bool // nothing can be in it
}

// shift moves a program into a block that holds the columns of its own from base on.
func (p *program) shift(base int) {
	p.id += base
	for i := range p.opens {
		if p.opens[i].code >= 0 {
			p.opens[i].code += base
		}
	}
	for i := range p.items {
		it := &p.items[i]
		it.first += base
		it.second += base
		if it.code >= 0 {
			it.code += base
		}
		if it.sub != nil {
			it.sub.shift(base)
		}
		if it.many != nil {
			it.many.column += base
		}
	}
}

type renderer struct {
	gate   *Gate
	table  *Table
	rights *policy.Rights
	out    *rendered
}

// render makes the statements of a plan under rights.
func (g *Gate) render(p *Plan, rights *policy.Rights) *rendered {
	r := &renderer{gate: g, table: g.table, rights: rights, out: &rendered{
		refused: make([]*fault.Error, len(p.sites)), orders: make([]Order, len(p.sites)), planOnce: planOnce(p),
	}}
	r.judge(p)
	for i := range p.roots {
		root := &p.roots[i]
		rp := rootProgram{rootPlan: root}
		switch root.kind {
		case RootByID, RootTenant:
			rp.one = r.lookup(root.one, root.site)
		case RootNode, RootNodes:
			for _, o := range root.nodes {
				rp.nodes = append(rp.nodes, r.lookup(o, root.site))
			}
		case RootViewer:
			for _, part := range root.view {
				var l *lookup
				if part.one != nil {
					l = r.lookup(part.one, part.site)
					l.program.always = false
				}
				rp.view = append(rp.view, l)
			}
		case RootList:
			rp.many = &connProgram{conn: root.many, column: -1}
			r.connection(rp.many, nil)
		}
		r.out.roots = append(r.out.roots, rp)
	}
	for i, s := range r.out.stmts {
		s.index = i
		for len(r.out.levels) <= s.level {
			r.out.levels = append(r.out.levels, nil)
		}
		r.out.levels[s.level] = append(r.out.levels[s.level], s)
	}
	return r.out
}

// planOnce tells whether no list is narrowed by values that a request brings. With a filter or a cursor the best way to the
// rows can differ from value to value; ids and rights lead to them by the same indexes always.
func planOnce(p *Plan) bool {
	for _, s := range p.sites {
		if len(s.filters) > 0 || s.after || s.before {
			return false
		}
	}
	return true
}

// query is one statement in the making.
type query struct {
	*renderer
	args    []argument
	aliases int
	asOf    bool
	top     *site // whose asOf holds
	pending []*connProgram
}

func (r *renderer) query(s *site) *query {
	q := &query{renderer: r, args: []argument{{kind: argTenant}}}
	if s != nil && s.scoped != nil && s.scoped.asOf {
		q.asOf, q.top = true, s.scoped
	}
	return q
}

func (q *query) arg(a argument) string {
	for i, x := range q.args {
		if x.kind == a.kind && x.n == a.n && x.site == a.site && (x.kind != argConst || reflect.DeepEqual(x.value, a.value)) {
			return "$" + strconv.Itoa(i+1)
		}
	}
	q.args = append(q.args, a)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *query) constant(v any) string { return q.arg(argument{kind: argConst, value: v}) }

// source of the rows of a table: the table, or with asOf its rows of then.
func (q *query) source(table string, twin bool) string {
	if !q.asOf || !twin {
		return table
	}
	at := q.arg(argument{kind: argAsOf, site: q.top}) + "::timestamptz"
	cols := q.table.columns[table]
	return "(SELECT " + cols + " FROM " + table + " WHERE tenant_id = $1 AND recorded_from <= " + at +
		" UNION ALL SELECT " + cols + " FROM " + table + "_history WHERE tenant_id = $1 AND recorded_from <= " + at + " AND recorded_to > " + at + ")"
}

// expand fills a template.
func (q *query) expand(template, alias string) string {
	s := strings.ReplaceAll(template, "{}", alias)
	if strings.Contains(s, "@") {
		for _, c := range childTables() {
			if strings.Contains(s, "@"+c.name) {
				s = strings.ReplaceAll(s, "@"+c.name, q.source(c.name, true))
			}
		}
	}
	return s
}

// row is a row of a type in a statement: its data (of then), its current form, and the anchor that rights look at.
type row struct {
	*query
	t                     *Type
	n                     int
	data, current, anchor string
	anchored              bool
}

func (q *query) row(t *Type) *row {
	q.aliases++
	n := strconv.Itoa(q.aliases)
	w := &row{query: q, t: t, n: q.aliases, data: "t" + n}
	w.current = w.data
	if q.asOf && t.Twin {
		w.current = "c" + n
	}
	w.anchor = w.current
	if t.anchor != t {
		w.anchor = "a" + n
	}
	return w
}

// joins brings in the current form and the anchor, as far as they are needed.
func (w *row) joins() string {
	s := ""
	if w.current != w.data {
		s += " JOIN " + w.t.Table + " " + w.current + " ON " + w.current + ".tenant_id = $1 AND " + w.current + "." + w.t.Key + " = " + w.data + "." + w.t.Key
	}
	if w.anchored && w.anchor != w.current {
		s += " JOIN " + w.t.anchor.Table + " " + w.anchor + " ON " + w.anchor + ".tenant_id = $1 AND " + w.anchor + "." + w.t.anchor.Key + " = " + w.current + "." + w.t.AnchorKey
	}
	return s
}

func (w *row) facts() policy.Columns {
	f := w.t.anchor.Facts
	f.Tenant, f.Now = "$1", transactionTime
	for _, p := range []*string{&f.Company, &f.Department, &f.Owner, &f.Staff, &f.Client, &f.Grade, &f.Kind, &f.Stage, &f.State, &f.Important, &f.Suspended, &f.Amount} {
		*p = strings.ReplaceAll(*p, "{}", w.anchor)
	}
	return f
}

const (
	yes = "TRUE"
	no  = "FALSE"
)

// can is the predicate of a right on the row: yes, no, or an expression.
func (w *row) can(obj policy.Object, act policy.Action) string {
	return w.reach(w.rights.Reach(obj, act))
}

func (w *row) reach(r policy.Reach) string {
	switch {
	case r.All:
		return yes
	case r.None || len(r.Allow) == 0:
		return no
	}
	w.anchored = true
	return "(" + policy.SQL(r, w.facts(), w.constant) + ")"
}

// own is the condition that makes the row the actor's own; empty when there is none.
func (w *row) own() string {
	switch o := w.t.Own; {
	case o.Column == "":
		return ""
	case o.Staff:
		return w.current + "." + o.Column + " = " + w.arg(argument{kind: argStaff}) + "::uuid"
	default:
		return w.current + "." + o.Column + " = " + w.arg(argument{kind: argAccount}) + "::uuid"
	}
}

func either(a, b string) string {
	switch {
	case a == yes || b == yes:
		return yes
	case a == no:
		return b
	case b == no:
		return a
	}
	return "(" + a + " OR " + b + ")"
}

func both(a, b string) string {
	switch {
	case a == no || b == no:
		return no
	case a == yes:
		return b
	case b == yes:
		return a
	}
	return "(" + a + " AND " + b + ")"
}

// visible is the predicate of the row being seen at all.
func (w *row) visible() string {
	if w.t.Public {
		return yes
	}
	p := both(w.can(w.t.anchor.Entity, policy.Read), w.covered())
	if p == yes {
		return yes
	}
	return w.orOwn(p)
}

func (w *row) covered() string {
	if w.t.Cover == "" {
		return yes
	}
	if reveal := w.can(w.t.Cover, policy.Reveal); reveal == yes {
		return yes
	} else {
		return either(reveal, w.can(w.t.Cover, policy.Peek))
	}
}

func (w *row) orOwn(p string) string {
	if p == yes {
		return yes
	}
	if own := w.own(); own != "" {
		return either(p, own)
	}
	return p
}

// block is a row with the columns that are selected of it.
type block struct {
	*row
	cols   []string
	ones   string
	top    bool // the row that the statement is about, not one that it joins
	grants map[policy.Object]*grant
	checks []string
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

// from is everything after FROM but the data's own source and condition.
func (b *block) from() string {
	s := b.joins()
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
	class, _ := policy.ClassOf(group)
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
		if peek != no {
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
			if class, ok := policy.ClassOf(f.Group); ok && class >= openingClass && !opened[f.Group] && (g.col >= 0 || g.code == 2) {
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
	b.ones += " LEFT JOIN LATERAL (SELECT " + strings.Join(exports, ", ") + " FROM " + b.source(sub.t.Table, sub.t.Twin) + " " + sub.data + sub.from() +
		" WHERE " + where + ") " + alias + " ON true"
}

// lookup renders an object by id.
func (r *renderer) lookup(o *object, s *site) *lookup {
	q := r.query(s)
	b := q.block(o.typ)
	b.top = true
	p := b.program(o)
	p.always = o.typ.Name == "Client"
	st := &stmt{kind: stmtLookup, site: s, typ: o.typ, keyCol: -1, limit: maxIDs}
	seen := b.visible()
	st.ordCol = len(b.cols)
	keys := q.arg(argument{kind: argKeys})
	st.sql = "SELECT " + strings.Join(b.cols, ", ") + ", i.o FROM unnest(" + keys + "::uuid[]) WITH ORDINALITY i(id, o) JOIN " +
		q.source(o.typ.Table, o.typ.Twin) + " " + b.data + " ON " + b.data + ".tenant_id = $1 AND " + b.data + "." + o.typ.Key + " = i.id" + b.from() +
		" WHERE " + seen + " ORDER BY i.o"
	r.add(st, q)
	return &lookup{stmt: st, program: p}
}

// add finishes a statement and renders the connections below it.
func (r *renderer) add(st *stmt, q *query) {
	st.sql, st.args = compact(st.sql, q.args)
	r.out.stmts = append(r.out.stmts, st)
	for _, p := range q.pending {
		r.connection(p, st)
	}
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// compact leaves out the arguments that the text does not use: PostgreSQL could not tell their types.
func compact(sql string, args []argument) (string, []argument) {
	var kept []argument
	at := make([]int, len(args))
	sql = placeholder.ReplaceAllStringFunc(sql, func(s string) string {
		n, _ := strconv.Atoi(s[1:])
		if at[n-1] == 0 {
			kept = append(kept, args[n-1])
			at[n-1] = len(kept)
		}
		return "$" + strconv.Itoa(at[n-1])
	})
	return sql, kept
}
