package policy

import (
	"slices"

	"github.com/google/uuid"
)

// Decide answers whether the person may do the action on the row. It allocates nothing. Any Deny that is met wins; no
// Allow that is met denies; so does every irregularity: nil rights or row, unknown object or action, a suspended account.
// Watched rights have a sample of their answers judged by casbin, too.
func (r *Rights) Decide(obj Object, act Action, row *Row) Decision {
	d := r.decide(obj, act, row)
	if r != nil && r.shadow != nil && (r.certain || r.shadow.chosen()) {
		return r.shadow.judge(r, obj, act, row, d)
	}
	return d
}

func (r *Rights) decide(obj Object, act Action, row *Row) Decision {
	c, reason := r.cell(obj, act)
	if reason == "" && row == nil {
		reason = ReasonIncomplete
	}
	if reason != "" {
		return Decision{Reason: reason, Version: r.Version()}
	}
	entity := words.entities[obj].Object
	for i := c.deny; i < c.allow; i++ {
		t := &r.terms[i]
		if t.reaches(entity, r.principal.Staff, row) && t.holds(row, true) {
			return Decision{Reason: ReasonDenied, Rule: t.rule, Version: r.table.version}
		}
	}
	reason = ReasonOutOfScope
	if c.allow == c.end {
		reason = ReasonNoRole
	}
	for i := c.allow; i < c.end; i++ {
		t := &r.terms[i]
		if !t.reaches(entity, r.principal.Staff, row) {
			continue
		}
		if t.holds(row, false) {
			return Decision{Allow: true, Reason: ReasonAllowed, Rule: t.rule, Version: r.table.version}
		}
		reason = ReasonCondition
	}
	return Decision{Reason: reason, Version: r.table.version}
}

// cell finds the terms of a question, or the reason why nothing is allowed whatever the row.
func (r *Rights) cell(obj Object, act Action) (*boundCell, Reason) {
	if r == nil {
		return nil, ReasonIncomplete
	}
	if r.refused != "" {
		return nil, r.refused
	}
	n, known := words.cells[cellKey{obj, act}]
	if !known {
		return nil, ReasonUnknown
	}
	if n >= len(r.cells) { // never bound
		return nil, ReasonIncomplete
	}
	c := &r.cells[n]
	if c.token {
		return nil, ReasonToken
	}
	return c, ""
}

// reaches tells whether the row lies in the term's scope. A missing fact (nil UUID) lies in no scope but the tenant's.
func (t *boundTerm) reaches(entity Object, me uuid.UUID, row *Row) bool {
	switch t.rule.Scope {
	case Self, Subordinates:
		return t.ids.has(personOf(entity, row))
	case ClientTeam:
		return row.OnTeam && me != uuid.Nil
	case Dept, DeptTree:
		return t.ids.has(row.Department)
	case Distributed:
		return slices.ContainsFunc(row.DistributedTo, t.ids.has)
	case Company, CompanyTree:
		return t.ids.has(row.Company)
	case Tenant:
		return true
	case Granted:
		if entity == OnOriginal {
			return row.Borrowed && me != uuid.Nil
		}
		return row.Granted&t.mask != 0 && me != uuid.Nil
	}
	return false // Partnership: nothing is disclosed by rows
}

func (t *boundTerm) holds(row *Row, unanswered bool) bool {
	for i := range t.cond {
		if !t.cond[i].holds(row, unanswered) {
			return false
		}
	}
	return true
}

// FieldAccess is what may be seen of a field group.
type FieldAccess uint8

// The accesses.
const (
	Hidden FieldAccess = iota // null and the decision's reason
	Masked                    // the group's masked form
	Full
)

// Field answers what may be seen of a field group of a row. The decision is the one that gave the access; when the
// group is hidden, it is the refusal of Reveal.
func (r *Rights) Field(group Object, row *Row) (FieldAccess, Decision) {
	full := r.Decide(group, Reveal, row)
	if full.Allow {
		return Full, full
	}
	if masked := r.Decide(group, Peek, row); masked.Allow {
		return Masked, masked
	}
	return Hidden, full
}
