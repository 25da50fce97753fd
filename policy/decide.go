package policy

import "github.com/google/uuid"

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
	n, reason := r.cell(obj, act)
	if reason == "" && row == nil {
		reason = ReasonIncomplete
	}
	if reason != "" {
		return Decision{Reason: reason, Version: r.Version()}
	}
	t, entity := r.table, words.on[n]
	reason = ReasonNoRole
	for _, term := range r.terms[r.starts[n]:r.starts[n+1]] {
		l := t.lines[term.line]
		rule := &t.rules[l]
		deny := rule.deny()
		switch {
		case !r.reaches(rule, n, r.sets[term.set], entity, row):
			if !deny && reason == ReasonNoRole {
				reason = ReasonOutOfScope
			}
		case !holds(t.cond(rule), row, deny):
			if !deny {
				reason = ReasonCondition
			}
		case deny: // denies come first: nothing was allowed before
			return Decision{Reason: ReasonDenied, Version: t.version, table: t, by: int32(l) + 1}
		default:
			return Decision{Allow: true, Reason: ReasonAllowed, Version: t.version, table: t, by: int32(l) + 1}
		}
	}
	return Decision{Reason: reason, Version: t.version}
}

// cell finds the number of a question, or the reason why nothing is allowed whatever the row.
func (r *Rights) cell(obj Object, act Action) (int, Reason) {
	if r == nil {
		return 0, ReasonIncomplete
	}
	if r.refused != "" {
		return 0, r.refused
	}
	n, known := words.cells[cellKey{obj, act}]
	if !known {
		return 0, ReasonUnknown
	}
	if n+1 >= len(r.starts) { // never bound
		return 0, ReasonIncomplete
	}
	if len(r.principal.Scopes) > 0 && !r.principal.tokenAllows(act) {
		return 0, ReasonToken
	}
	return n, ""
}

// reaches tells whether the row lies in a rule's scope, which stands for these ids. A missing fact (nil UUID) lies in no scope but
// the tenant's.
func (r *Rights) reaches(rule *packed, cell int, ids []uuid.UUID, entity Object, row *Row) bool {
	switch rule.scope() {
	case Self, Subordinates:
		return hasID(ids, personOf(entity, row))
	case ClientTeam:
		return row.OnTeam && r.principal.Staff != uuid.Nil
	case Dept, DeptTree:
		return hasID(ids, row.Department)
	case Distributed:
		for _, d := range row.DistributedTo {
			if hasID(ids, d) {
				return true
			}
		}
		return false
	case Company, CompanyTree:
		return hasID(ids, row.Company)
	case Tenant:
		return true
	case Granted:
		if entity == OnOriginal {
			return row.Borrowed && r.principal.Staff != uuid.Nil
		}
		return row.Granted&r.table.mask(cell, rule) != 0 && r.principal.Staff != uuid.Nil
	}
	return false // Partnership: nothing is disclosed by rows
}

func holds(cond []Comparison, row *Row, unanswered bool) bool {
	for i := range cond {
		if !cond[i].holds(row, unanswered) {
			return false
		}
	}
	return true
}

// Rule is the rule that allowed or denied, unpacked for who asks; nil when none was met.
func (d Decision) Rule() *Rule {
	if d.by == 0 {
		return nil
	}
	return d.table.rule(uint16(d.by - 1))
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
