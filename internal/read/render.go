package read

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

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
	weight  uint32         // bytes that it holds, roughly
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

type renderer struct {
	gate   *Gate
	table  *Table
	rights *policy.Rights
	out    *rendered
}

// render makes the statements of a plan under rights.
func (g *Gate) render(p *Plan, rights *policy.Rights) *rendered {
	r := &renderer{gate: g, table: g.table, rights: rights, out: &rendered{
		refused: make([]*fault.Error, len(p.sites)), orders: make([]Order, len(p.sites)),
	}}
	r.judge(p)
	r.out.planOnce = r.planOnce(p)
	for i := range p.roots {
		root := &p.roots[i]
		rp := rootProgram{rootPlan: root}
		switch root.kind {
		case RootByID, RootTenant:
			rp.one = r.lookup(root.one, root.site)
			rp.one.program.always = rp.one.program.always && root.key != nil // a payload was not asked for by id
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
	r.out.weight = 1024
	for i, s := range r.out.stmts {
		s.index = i
		r.out.weight += uint32(2*len(s.sql)) + 512
		for len(r.out.levels) <= s.level {
			r.out.levels = append(r.out.levels, nil)
		}
		r.out.levels[s.level] = append(r.out.levels[s.level], s)
	}
	return r.out
}

// planOnce tells whether the best way to every row is the same whatever values a request brings. Ids and rights lead to them by the
// same indexes always, and so do cursors of a root list whose order has an index, filters that an index has before the order's key,
// and those that leave one row. With another filter the best way can differ from value to value.
func (r *renderer) planOnce(p *Plan) bool {
	for i, s := range p.sites {
		if len(s.filters) == 0 && !s.after && !s.before || s.unique() {
			continue
		}
		root := s.single != nil && s.target.indexed() && !s.asOf
		if !root || len(s.filters) > 0 && !(s.led(r.out.orders[i]) && len(s.filters) == len(r.out.orders[i].Leads)) {
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
	with    string // what stands before SELECT
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

// constant is a value of the rights; ids take the form that the driver encodes without a detour through text.
func (q *query) constant(v any) string {
	switch x := v.(type) {
	case string:
		// The planner knows how many rows have a value that it sees.
		// SECURITY: nothing but words of a closed vocabulary can become part of the text.
		if word.MatchString(x) {
			return "'" + x + "'"
		}
	case uuid.UUID:
		v = [16]byte(x)
	case []uuid.UUID:
		plain := make(idKeys, len(x))
		for i := range x {
			plain[i] = idKey(x[i])
		}
		v = plain
	}
	return q.arg(argument{kind: argConst, value: v})
}

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

// now is the time that the rows are of.
func (q *query) now() string {
	if q.asOf {
		return q.arg(argument{kind: argAsOf, site: q.top}) + "::timestamptz"
	}
	return transactionTime
}

// expand fills a template.
func (q *query) expand(template, alias string) string {
	s := strings.ReplaceAll(template, "{}", alias)
	if strings.Contains(s, "@") {
		if strings.Contains(s, "@now") {
			s = strings.ReplaceAll(s, "@now", q.now())
		}
		for _, c := range childTables() {
			if strings.Contains(s, "@"+c.name) {
				s = strings.ReplaceAll(s, "@"+c.name, q.source(c.name, true))
			}
		}
	}
	return s
}

// lookup renders an object by id.
func (r *renderer) lookup(o *object, s *site) *lookup {
	q := r.query(s)
	b := q.block(o.typ)
	b.top = true
	b.findOnce()
	p := b.program(o)
	p.always = o.typ.Name == "Client"
	st := &stmt{kind: stmtLookup, site: s, typ: o.typ, keyCol: -1, limit: maxIDs}
	seen := b.visible()
	st.ordCol = len(b.cols)
	keys := q.arg(argument{kind: argKeys})
	st.sql = "SELECT " + strings.Join(b.cols, ", ") + ", i.o FROM unnest(" + keys + "::uuid[]) WITH ORDINALITY i(id, o) JOIN " +
		q.source(o.typ.Table, o.typ.Twin) + " " + b.data + " ON " + b.data + ".tenant_id = $1 AND " + b.data + "." + o.typ.Key + " = i.id" + b.from(seen) +
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

var (
	placeholder = regexp.MustCompile(`\$[0-9]+`)
	word        = regexp.MustCompile(`\A[A-Za-z_]{1,40}\z`)
)

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
