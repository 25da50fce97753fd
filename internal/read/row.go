package read

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// row is a row of a type in a statement: its data (of then), its current form, and the anchor that rights look at.
type row struct {
	*query
	t                     *Type
	n                     int
	data, current, anchor string
	anchored              bool
	elsewhere             bool   // the anchor is brought in by somebody else
	found                 string // alias of a subquery that has found out the facts of side tables once
	probed                bool   // rights are asked row by row, of few rows: nothing is read for them beforehand but lists of ids
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
	if w.anchored && w.anchor != w.current && !w.elsewhere {
		s += " JOIN " + w.t.anchor.Table + " " + w.anchor + " ON " + w.anchor + ".tenant_id = $1 AND " + w.anchor + "." + w.t.anchor.Key + " = " + w.current + "." + w.t.AnchorKey
	}
	return s
}

// side is the subquery of the facts that live in side tables, as far as text uses them. client names the row's client.
func (w *row) side(text, client string) string {
	if w.found == "" {
		return ""
	}
	team, _, granted := policy.FactsOf(policy.Columns{Tenant: "$1", Client: client, Now: transactionTime}, w.constant(w.rights.Reach(w.t.anchor.Entity, policy.Read).Me))
	cols := ""
	if strings.Contains(text, w.found+".team") {
		cols = team + " AS team"
	}
	if strings.Contains(text, w.found+".granted") {
		if cols != "" {
			cols += ", "
		}
		cols += "(" + granted + ")::smallint AS granted"
	}
	if cols == "" {
		return ""
	}
	return " CROSS JOIN LATERAL (SELECT " + cols + " OFFSET 0) " + w.found // OFFSET 0: once for the row
}

func (w *row) facts() policy.Columns {
	f := w.t.anchor.Facts
	f.Tenant, f.Now = "$1", transactionTime
	for _, p := range []*string{&f.Company, &f.Department, &f.Owner, &f.Staff, &f.Client, &f.Original, &f.FieldClass, &f.Grade, &f.Kind, &f.Stage, &f.State, &f.Important, &f.Suspended, &f.Amount} {
		*p = strings.ReplaceAll(*p, "{}", w.anchor)
	}
	if w.found != "" {
		f.Team, f.Granted = w.found+".team", w.found+".granted"
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
	if w.probed {
		return "((" + unjoined(policy.SQL(r, w.facts(), w.listed)) + ") IS TRUE)"
	}
	return "(" + policy.SQL(r, w.facts(), w.constant) + ")"
}

// listed is a constant; ids too many to be compared one after the other become a subquery, which is hashed once. Predicates name
// lists of ids by = ANY(…) only.
func (w *row) listed(v any) string {
	holder := w.constant(v)
	if ids, ok := v.([]uuid.UUID); ok && len(ids) >= quickFrom {
		return "SELECT unnest(" + holder + "::uuid[])"
	}
	return holder
}

// unjoined keeps every EXISTS a look-up for one row: the planner would otherwise read all that might be looked up, for OFFSET 0 it
// does not.
func unjoined(predicate string) string {
	const begin = "EXISTS ("
	var b strings.Builder
	for {
		i := strings.Index(predicate, begin)
		if i < 0 {
			return b.String() + predicate
		}
		end, depth := i+len(begin), 1
		for ; depth > 0; end++ {
			switch predicate[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		b.WriteString(predicate[:end-1] + " OFFSET 0)")
		predicate = predicate[end:]
	}
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
	case a == no || a == b:
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
	case a == yes || a == b:
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

// holds tells whether a predicate is true of every row that visible lets through.
func (w *row) holds(p string) bool {
	if p == yes {
		return true
	}
	return p != no && !w.t.Public && w.own() == "" && (p == w.can(w.t.anchor.Entity, policy.Read) || p == w.covered())
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
