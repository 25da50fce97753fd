package policy

import (
	"strings"

	"github.com/google/uuid"
)

// Columns are the SQL expressions of the facts of Row for the row in question, e.g. Owner: "t0.owner_id". An empty
// expression stands for NULL: the type has no such fact. Tenant and Now must not be empty.
type Columns struct {
	Tenant string // tenant of the row, "t0.tenant_id" or the tenant's parameter
	Now    string // time of the transaction (timestamptz), usually a parameter; never now()

	Company, Department, Owner, Staff string // uuid
	Client                            string // uuid; for a client its own id
	Original                          string // uuid of the original, where rows are originals
	Grade, Kind, Stage, State         string // text
	Important, Suspended              string // boolean
	Amount                            string // bigint, minor units
	FieldClass                        string // smallint

	// Team (boolean) and Granted (smallint) are the answers of FactsOf where a statement has found them out once for the row;
	// empty: each predicate looks for itself.
	Team, Granted string
}

// SQL renders a Reach as a boolean expression; arg registers a parameter and returns its placeholder.
//
// The expression may be NULL where it means false: use it in WHERE, or select it as "(…) IS TRUE". Every comparison is
// by an operator PostgreSQL knows to be leakproof (uuid, text, bigint, timestamptz, boolean), so that indexes stay
// usable under row-level security. Reach.All gives TRUE and Reach.None gives FALSE.
func SQL(reach Reach, cols Columns, arg func(any) string) string {
	if reach.All {
		return "TRUE"
	}
	if reach.None || len(reach.Allow) == 0 {
		return "FALSE"
	}
	w := sqlWriter{cols: cols.orNull(), reach: &reach, arg: arg}
	allow := w.any(reach.Allow, false)
	if len(reach.Deny) == 0 {
		return allow
	}
	// SECURITY: IS NOT TRUE, not NOT: a NULL inside a Deny must not remove rows that Decide would show, nor show others.
	return allow + " AND " + w.any(reach.Deny, true) + " IS NOT TRUE"
}

type sqlWriter struct {
	cols  Columns
	reach *Reach
	arg   func(any) string
	me    string // placeholder of the person, registered when first needed
}

func (c Columns) orNull() Columns {
	for _, e := range []struct {
		expr *string
		null string
	}{
		{&c.Company, "NULL::uuid"},
		{&c.Department, "NULL::uuid"},
		{&c.Owner, "NULL::uuid"},
		{&c.Staff, "NULL::uuid"},
		{&c.Client, "NULL::uuid"},
		{&c.Grade, "NULL::text"},
		{&c.Kind, "NULL::text"},
		{&c.Stage, "NULL::text"},
		{&c.State, "NULL::text"},
		{&c.Important, "NULL::boolean"},
		{&c.Suspended, "NULL::boolean"},
		{&c.Original, "NULL::uuid"},
		{&c.Amount, "NULL::bigint"},
		{&c.FieldClass, "NULL::smallint"},
	} {
		if *e.expr == "" {
			*e.expr = e.null
		}
	}
	return c
}

// any joins terms by OR, in parentheses.
func (w *sqlWriter) any(terms []Term, deny bool) string {
	parts := make([]string, len(terms))
	for i := range terms {
		parts[i] = w.term(&terms[i], deny)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// term joins scope, conditions and the end of validity by AND.
func (w *sqlWriter) term(t *Term, deny bool) string {
	parts := make([]string, 0, 2+len(t.Cond))
	if s := w.scope(t); s != "TRUE" {
		parts = append(parts, s)
	}
	for i := range t.Cond {
		parts = append(parts, w.comparison(&t.Cond[i], deny))
	}
	if !t.Until.IsZero() {
		parts = append(parts, w.cols.Now+" < "+w.arg(t.Until))
	}
	switch len(parts) {
	case 0:
		return "TRUE"
	case 1:
		return parts[0]
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

func (w *sqlWriter) scope(t *Term) string {
	switch t.Scope {
	case Self, Subordinates:
		if selfIsOwner(w.reach.Entity) {
			return w.oneOf(w.cols.Owner, t.IDs)
		}
		return w.oneOf(w.cols.Staff, t.IDs)
	case Dept, DeptTree:
		return w.oneOf(w.cols.Department, t.IDs)
	case Company, CompanyTree:
		return w.oneOf(w.cols.Company, t.IDs)
	case Tenant:
		return "TRUE"
	case ClientTeam:
		if w.reach.Me == uuid.Nil && len(t.Who) == 0 {
			return "FALSE"
		}
		if w.cols.Team != "" && len(t.Who) == 0 {
			return w.cols.Team
		}
		return "EXISTS (SELECT 1 FROM " + teamFrom(w.cols, w.person(t)) + ")"
	case Distributed:
		return "EXISTS (SELECT 1 FROM " + distributionFrom(w.cols) + " AND " + w.oneOf("d.department_id", t.IDs) + ")"
	case Granted:
		if w.reach.Me == uuid.Nil && len(t.Who) == 0 {
			return "FALSE"
		}
		if w.reach.Entity == OnOriginal {
			return "EXISTS (SELECT 1 FROM " + borrowedFrom(w.cols, w.person(t)) + ")"
		}
		if w.cols.Granted != "" && len(t.Who) == 0 {
			return "(" + w.cols.Granted + " & " + w.arg(int32(t.Classes)) + ") <> 0"
		}
		return "EXISTS (SELECT 1 FROM " + grantFrom(w.cols, w.person(t)) + " AND g.class_mask & " + w.arg(int32(t.Classes)) + " <> 0)"
	}
	return "FALSE"
}

// The facts that live in tables of their own, in one place for predicates and for Facts.

func teamFrom(c Columns, me string) string { return teams(c, me, "m.client_id = "+c.Client+" AND ") }

func grantFrom(c Columns, me string) string { return grants(c, me, "g.client_id = "+c.Client+" AND ") }

// TeamsOf and GrantsOf are what follows FROM for the memberships m and the grants g that a person has now, of any client: for
// statements that come to the rows through them. The person's staff id is the expression me.
func TeamsOf(c Columns, me string) string { return teams(c, me, "") }

// GrantsOf: see TeamsOf.
func GrantsOf(c Columns, me string) string { return grants(c, me, "") }

// DistributionsOf is the same for the distributions d to the departments that the expression ids (uuid[]) gives.
func DistributionsOf(c Columns, ids string) string {
	return distributions(c, "d.department_id = ANY("+ids+") AND ")
}

func teams(c Columns, me, client string) string {
	return "client_team_members m WHERE m.tenant_id = " + c.Tenant + " AND " + client + "m.staff_id = " + me +
		" AND m.valid_from <= " + c.Now + " AND (m.valid_until IS NULL OR m.valid_until > " + c.Now + ")"
}

func grants(c Columns, me, client string) string {
	return "access_grants g WHERE g.tenant_id = " + c.Tenant + " AND g.grantee_staff_id = " + me + " AND " + client +
		"g.valid_from <= " + c.Now + " AND g.valid_until > " + c.Now + " AND g.revoked_at IS NULL" +
		" AND (g.review_due_at IS NULL OR g.review_due_at > " + c.Now + ")" // an access review that nobody answered in time
}

func distributionFrom(c Columns) string {
	return distributions(c, "d.client_id = "+c.Client+" AND ")
}

func distributions(c Columns, of string) string {
	return "client_distributions d WHERE d.tenant_id = " + c.Tenant + " AND " + of + "d.valid_from <= " + c.Now + " AND (d.valid_until IS NULL OR d.valid_until > " + c.Now + ")"
}

// borrowedFrom is the right that ends by itself: no job and no flag stands between its end and the next question.
func borrowedFrom(c Columns, me string) string {
	return "borrowing_items b WHERE b.tenant_id = " + c.Tenant + " AND b.borrower_staff_id = " + me + " AND b.original_id = " + c.Original +
		" AND b.valid_from <= " + c.Now + " AND b.valid_until > " + c.Now + " AND b.ended_at IS NULL"
}

// Facts gives select expressions for Row.OnTeam (boolean), Row.DistributedTo (uuid[]) and Row.Granted (integer) of the
// row, for those who load a row to call Decide.
func (r *Rights) Facts(cols Columns, arg func(any) string) (onTeam, distributedTo, granted string) {
	return FactsOf(cols, arg(r.principal.Staff))
}

// FactsOf is Facts of the person whose staff id the expression me gives, for statements that go out before rights are known.
func FactsOf(cols Columns, me string) (onTeam, distributedTo, granted string) {
	c := cols.orNull()
	return "EXISTS (SELECT 1 FROM " + teamFrom(c, me) + ")",
		"ARRAY(SELECT d.department_id FROM " + distributionFrom(c) + ")",
		"COALESCE((SELECT bit_or(g.class_mask)::int FROM " + grantFrom(c, me) + "), 0)"
}

// Borrowed gives a select expression for Row.Borrowed (boolean) of the original, for those who load one to call Decide.
func (r *Rights) Borrowed(cols Columns, arg func(any) string) string {
	return "EXISTS (SELECT 1 FROM " + borrowedFrom(cols.orNull(), arg(r.principal.Staff)) + ")"
}

// person is what the staff member of a team or grant is compared with.
func (w *sqlWriter) person(t *Term) string {
	if len(t.Who) > 0 {
		return "ANY(" + w.arg(t.Who) + ")"
	}
	if w.me == "" {
		w.me = w.arg(w.reach.Me)
	}
	return w.me
}

func (w *sqlWriter) oneOf(expr string, ids []uuid.UUID) string {
	switch len(ids) {
	case 0:
		return "FALSE"
	case 1:
		return expr + " = " + w.arg(ids[0])
	}
	return expr + " = ANY(" + w.arg(ids) + ")"
}

// comparison mirrors Comparison.holds, missing values included.
func (w *sqlWriter) comparison(c *Comparison, deny bool) string {
	equal := c.Op == "="
	text := func(expr string) string {
		if equal {
			return expr + " = " + w.arg(c.Text)
		}
		return expr + " IS DISTINCT FROM " + w.arg(c.Text)
	}
	boolean := func(expr string) string {
		if c.Bool == equal {
			return expr + " IS TRUE"
		}
		return expr + " IS NOT TRUE"
	}
	switch c.Field.fact {
	case factGrade:
		return text(w.cols.Grade)
	case factKind:
		return text(w.cols.Kind)
	case factStage:
		return text(w.cols.Stage)
	case factState:
		return text(w.cols.State)
	case factImportant:
		return boolean(w.cols.Important)
	case factSuspended:
		return boolean(w.cols.Suspended)
	case factKinds:
		has := "EXISTS (SELECT 1 FROM client_kinds k WHERE k.tenant_id = " + w.cols.Tenant + " AND k.client_id = " + w.cols.Client +
			" AND k.kind = " + w.arg(c.Text) + ")"
		if equal {
			return has
		}
		return "NOT " + has
	case factAmount:
		return w.number(c, w.cols.Amount, c.Int, deny)
	case factClass:
		return w.number(c, w.cols.FieldClass, int16(c.Int), deny)
	}
	return "FALSE"
}

func (w *sqlWriter) number(c *Comparison, expr string, constant any, deny bool) string {
	switch {
	case c.Op == "=":
		return expr + " = " + w.arg(constant)
	case c.Op == "!=":
		return expr + " IS DISTINCT FROM " + w.arg(constant)
	case deny: // unanswered counts as met
		return "(" + expr + " " + c.Op + " " + w.arg(constant) + ") IS NOT FALSE"
	}
	return expr + " " + c.Op + " " + w.arg(constant)
}
