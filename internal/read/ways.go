package read

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clientele/clientele/policy"
)

const (
	leadersMost = 8 // terms that are looked at for a leader
	// quickTimes: for each row of a page so many of the order's first rows are looked at before the ways are gone.
	quickTimes = 16
	sideTimes  = 8
)

// turns are where one way becomes dearer than another.
type turns struct {
	rare  int // hits of a term that may lead
	sides int // from so many clients on that side tables name, sideTimes as many of the order's first rows cost less than to look them up
}

func ordinaryTurns() turns { return turns{rare: 3000, sides: 500} }

// ids is the statement that finds the page: id and sort key of one row more than asked for.
func (q *query) ids(c *connection, order Order, nested bool) string {
	parts := q.parts(c, nested)
	rare := q.rare(c.site)
	if len(rare) == 0 && len(parts) == 1 && parts[0].way == walk {
		return q.part(c, order, nested, &parts[0])
	}
	var texts []string
	var taken []string // why the ways are not gone any more
	if rare != "" {
		q.cte("rare9", rare)
		l := q.listing(c, order, false)
		l.among = "(SELECT ids FROM rare9)::uuid[]"
		texts = append(texts, l.first(l.picked()))
		taken = append(taken, "(SELECT ids FROM rare9) IS NULL")
	}
	if sides := len(parts) == 1 && parts[0].way == side; sides || quickPays(parts) {
		named := ""
		if sides {
			q.cte("side9", "SELECT "+q.throughSide(&parts[0], q.asked(c.site, order, &parts[0]))+" AS ids")
			named = "side9"
		}
		if quick := q.quick(c, order, taken, &parts[0], named); quick != "" {
			q.cte("quick9", quick)
			texts = append(texts, "SELECT * FROM quick9 WHERE (SELECT count(*) FROM quick9) > "+strconv.Itoa(c.site.limit))
			taken = append(taken, "(SELECT count(*) FROM quick9) <= "+strconv.Itoa(c.site.limit))
		}
	}
	each := make([]string, len(parts))
	for i := range parts {
		each[i] = q.part(c, order, nested, &parts[i])
	}
	all := "(" + strings.Join(each, ") UNION (") + ")"
	if len(taken) > 0 {
		all = "SELECT * FROM (" + all + ") w9 WHERE " + strings.Join(taken, " AND ")
		all = "(" + strings.Join(append(texts, all), ") UNION ALL (") + ")"
	}
	cols, sorted := "u.id", "u.id"+direction(order.IDDesc != c.site.backward)
	if order.Expr != "" {
		cols, sorted = "u.id, u.k", "u.k"+direction(order.Desc != c.site.backward)+", "+sorted
	}
	return "SELECT " + cols + " FROM (" + all + ") u ORDER BY " + sorted + " LIMIT " + strconv.Itoa(c.site.limit+1)
}

// parts are the ways to the rows of a list.
func (q *query) parts(c *connection, nested bool) []branch {
	reach := q.rights.Reach(c.target.Entity, policy.Read)
	if nested || q.asOf || !c.target.indexed() || c.site.unique() {
		return []branch{{way: walk}}
	}
	return branches(reach, c.target.Entity == policy.OnClient)
}

// proven tells which rights the only way to the rows of a list gives.
func (q *query) proven(c *connection, order Order, nested bool) func(policy.Reach) bool {
	parts := q.parts(c, nested)
	if len(parts) != 1 || parts[0].way != side {
		return nil
	}
	asked := q.asked(c.site, order, &parts[0])
	return func(right policy.Reach) bool { return asked.gives(&parts[0], right) }
}

// indexed types have indexes for the ways of strategy.go.
func (t *Type) indexed() bool { return t.Entity == policy.OnClient || t.Entity == policy.OnContract }

// cte adds a part that the statement finds out once.
func (q *query) cte(name, text string) {
	if q.with == "" {
		q.with = "WITH "
	} else {
		q.with = strings.TrimSuffix(q.with, " ") + ", "
	}
	q.with += name + " AS MATERIALIZED (" + text + ") "
}

// part is the statement of one way: the first rows of a page that it leads to.
func (q *query) part(c *connection, order Order, nested bool, br *branch) string {
	l := q.listing(c, order, nested)
	if br.way == walk && br.reach.Entity == "" { // the rows' own predicate
		return l.first(l.picked())
	}
	l.reach = &br.reach
	switch br.way {
	case each, offices:
		l.decided = br.bare() // a row of one of these ids is all that the term asks for
		found := l.first(l.picked(), l.w.data+"."+br.column+" = u9.id")
		source := q.named(br, "u9")
		if br.way == offices || len(br.ids) >= 2*(c.site.limit+1) {
			// A page has rows of those ids at most whose own first rows are before the first rows of all others.
			source = "(SELECT v9.id FROM " + q.named(br, "v9") + " CROSS JOIN LATERAL (" + l.head(l.picked(), 1, l.w.data+"."+br.column+" = v9.id") + ") h9 ORDER BY " +
				l.sorted("h9.k", "h9.id") + " LIMIT " + strconv.Itoa(c.site.limit+1) + ") u9"
		}
		return "SELECT b9.* FROM " + source + " CROSS JOIN LATERAL (" + found + ") b9"
	case side:
		asked := q.asked(c.site, order, br)
		l.decided, l.among, l.proven = br.bare(), q.throughSide(br, asked), asked.groups
		if strings.Contains(q.with, "side9 AS ") {
			l.among = "(SELECT ids FROM side9)::uuid[]"
		}
		return l.first(l.picked())
	}
	l.walked = br.long()
	return l.first(l.picked())
}

// named are the ids of a branch as rows.
//
// SECURITY: a row lies in the company that its department lies in: the tables' foreign keys say so (tenant_id, company_id,
// department_id). The departments of a company therefore lead to all of its rows and to no others.
func (q *query) named(br *branch, as string) string {
	if br.way == offices {
		return "(SELECT d9.id FROM departments d9 WHERE d9.tenant_id = $1 AND d9.company_id = ANY(" + q.constant(br.ids) + "::uuid[])) " + as
	}
	return "unnest(" + q.constant(br.ids) + "::uuid[]) " + as + "(id)"
}

var qualified = regexp.MustCompile(`\bt[0-9]+\.[a-z0-9_]+`)

// quick is the page, if it is among the order's first rows; empty when nothing leads to these in order. It is shorter than a page
// otherwise, and the ways have to be gone.
//
// Where the side tables lead, to ids that sides names, as many first rows are looked at as pays for their number.
func (q *query) quick(c *connection, order Order, taken []string, br *branch, sides string) string {
	s := c.site
	l := q.listing(c, order, false)
	l.w.probed = true
	if order.Expr == "" || l.key != l.w.expand(order.Expr, l.w.data) {
		return ""
	}
	most := strconv.Itoa(quickTimes * (s.limit + 1))
	var extra []string
	if sides != "" {
		l.reach, l.decided, l.proven = &br.reach, br.bare(), q.asked(s, order, br).groups
		extra = []string{"(" + l.w.data + ".id = ANY(SELECT unnest(ids) FROM " + sides + ")) IS TRUE"}
		most = fmt.Sprintf("(SELECT CASE WHEN cardinality(ids) >= %d THEN %d * cardinality(ids) ELSE 0 END FROM %s)", q.gate.turns.sides, sideTimes, sides)
	}
	text := l.first(l.picked(), extra...)
	near := []string{l.w.data + ".tenant_id = $1"}
	if s.led(order) {
		near = append(near, l.filters(order.Leads)...)
	}
	near = append(append(near, l.cursors()...), taken...)
	var cols []string
	for _, col := range qualified.FindAllString(text, -1) {
		if strings.HasPrefix(col, l.w.data+".") && !slices.Contains(cols, col) {
			cols = append(cols, col)
		}
	}
	from := " FROM " + l.from() + " WHERE "
	return strings.Replace(text, from, " FROM (SELECT "+strings.Join(cols, ", ")+from+strings.Join(near, " AND ")+
		" ORDER BY "+l.sorted(l.key, l.w.data+"."+l.w.t.Key)+" LIMIT "+most+") "+l.w.data+" WHERE ", 1)
}

// count is the statement of the rows that are counted, one more than are told.
func (q *query) count(c *connection, order Order, nested bool) string {
	limit := " LIMIT " + strconv.Itoa(c.count+1)
	one := func(l *listing, extra ...string) string {
		where := l.where(extra)
		return "SELECT 1 FROM " + l.from() + " WHERE " + where + limit
	}
	parts := q.parts(c, nested)
	rare := q.rare(c.site)
	var texts []string
	for i := range parts {
		br := &parts[i]
		l := q.listing(c, order, nested)
		if br.reach.Entity != "" {
			l.reach = &br.reach
		}
		var apart []string // from what the parts before count
		for _, before := range parts[:i] {
			allowed := before.reach
			allowed.Deny = nil
			apart = append(apart, l.w.reach(allowed)+" IS NOT TRUE")
		}
		switch {
		case br.way == side:
			asked := q.asked(c.site, order, br)
			l.decided, l.among, l.proven = br.bare(), q.throughSide(br, asked), asked.groups
			texts = append(texts, one(l, apart...))
		case (br.way == each || br.way == offices) && !c.site.narrowed():
			l.decided = br.bare()
			texts = append(texts, "SELECT 1 FROM "+q.named(br, "u9")+" CROSS JOIN LATERAL ("+one(l, append(apart, l.w.data+"."+br.column+" = u9.id")...)+") b9")
		default: // a filter may lead as well
			l.w.probed = len(br.ids) >= quickFrom && c.site.led(order)
			texts = append(texts, one(l, apart...))
		}
	}
	if rare == "" && len(texts) == 1 && parts[0].way != each && parts[0].way != offices {
		return texts[0]
	}
	all := "(" + strings.Join(texts, ") UNION ALL (") + ")"
	if rare != "" {
		q.cte("rare9", rare)
		l := q.listing(c, order, false)
		if hits := l.hits(); hits != "" {
			all = "(" + hits + limit + ")"
		}
		l.among = "(SELECT ids FROM rare9)::uuid[]"
		all = "(" + one(l) + ") UNION ALL (SELECT 1 FROM (" + all + ") w9 WHERE (SELECT ids FROM rare9) IS NULL)"
	}
	return "SELECT 1 FROM (" + all + ") u" + limit
}

// hits are the clients that have every term searched for, where that is all that is asked: whoever sees every client, and may search
// by the same classes everywhere, needs to look at no client. Empty otherwise.
func (l *listing) hits() string {
	right := l.classes()
	if l.c.site.narrowed() || l.c.site.chosen || l.w.visible() != yes || strings.Contains(right, l.w.data+".") || strings.Contains(right, "EXISTS") {
		return ""
	}
	var where []string
	for n := range l.c.site.terms {
		term := " = " + l.w.arg(argument{kind: argFilter, n: n, site: l.c.site}) + "::text"
		if n == 0 {
			where = append(where, "s9.tenant_id = $1", "s9.term"+term, "("+right+")")
			continue
		}
		more := "s" + strconv.Itoa(9+n)
		where = append(where, "(SELECT true FROM client_search_terms "+more+" WHERE "+more+".tenant_id = $1 AND "+more+".client_id = s9.client_id AND "+more+".term"+term+
			" AND ("+strings.ReplaceAll(right, "s9.", more+".")+") LIMIT 1)")
	}
	return "SELECT DISTINCT s9.client_id FROM client_search_terms s9 WHERE " + strings.Join(where, " AND ")
}

// rare is the ids of the clients that have the rarest of the terms searched for, in whatever class; NULL when each has more than
// may lead. Empty for lists that search nothing.
//
// SECURITY: it only leads to candidates; every term is then looked for in classes that the actor may filter by.
func (q *query) rare(s *site) string {
	if s.terms == 0 || q.asOf || s.single == nil { // ids lead to the rows of now
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
		" FROM (SELECT s9.client_id FROM client_search_terms s9 WHERE s9.tenant_id = $1 AND s9.term = q9.term LIMIT " +
		strconv.Itoa(q.gate.turns.rare+1) + ") y9) z9 WHERE z9.n <= " + strconv.Itoa(q.gate.turns.rare) + " ORDER BY z9.n LIMIT 1"
}
