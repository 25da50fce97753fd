package policy

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Rights are a Table bound to one person, the organisation and an instant; immutable and safe for concurrent use.
// The zero value and nil deny everything.
type Rights struct {
	// ValidUntil is the next instant at which a binding, rule or employment begins or ends; zero when there is none.
	// From then on Bind must be asked again: see ValidAt.
	ValidUntil time.Time

	table     *Table
	org       *Org
	principal Principal
	boundAt   time.Time
	refused   Reason // why nothing at all is allowed; "" normally
	shadow    *Shadow
	certain   bool
	cells     []boundCell
	terms     []boundTerm
}

// boundCell are the terms of one question: terms[deny:allow] deny, terms[allow:end] allow.
type boundCell struct {
	deny, allow, end int32
	token            bool // the token's scopes leave this action out
}

// boundTerm is a line that one of the person's roles has, with its anchor resolved.
type boundTerm struct {
	rule        *Rule
	ids         *idSet
	mask        ClassSet
	cond        []Comparison
	from, until time.Time
}

// idSet is a set of ids that is asked often. Small ones are scanned.
type idSet struct {
	list []uuid.UUID // sorted, no nil UUID
	set  map[uuid.UUID]struct{}
}

const scanAtMost = 6

func newIDSet(ids []uuid.UUID) *idSet {
	s := &idSet{list: sortedIDs(ids)}
	if len(s.list) > scanAtMost {
		s.set = make(map[uuid.UUID]struct{}, len(s.list))
		for _, id := range s.list {
			s.set[id] = struct{}{}
		}
	}
	return s
}

func (s *idSet) has(id uuid.UUID) bool {
	if s.set != nil {
		_, ok := s.set[id]
		return ok
	}
	for i := range s.list {
		if s.list[i] == id {
			return true
		}
	}
	return false
}

// Bind resolves which rules the person has at the instant and what their scopes reach.
//
// SECURITY: a principal without tenant, or of another tenant than the organisation, gets rights that deny everything.
func (t *Table) Bind(p *Principal, o *Org, now time.Time) *Rights {
	r := &Rights{table: t, org: o, boundAt: now}
	switch {
	case t == nil || p == nil || o == nil || p.Tenant == uuid.Nil:
		r.refused = ReasonIncomplete
		return r
	case p.Tenant != o.tenant:
		r.refused = ReasonForeignTenant
		return r
	case p.Suspended:
		r.refused = ReasonSuspended
	}
	r.principal = *p
	r.principal.Bindings = slices.Clone(p.Bindings)
	r.principal.Scopes = slices.Clone(p.Scopes)
	if r.refused == "" {
		b := binder{rights: r, now: now, resolved: map[anchor]*idSet{}}
		b.run()
	}
	return r
}

// ValidAt tells whether the rights may still be used at the instant; later they must be bound again.
func (r *Rights) ValidAt(now time.Time) bool {
	return !now.Before(r.boundAt) && (r.ValidUntil.IsZero() || now.Before(r.ValidUntil))
}

// Version of the policy that decides.
func (r *Rights) Version() int64 {
	if r == nil || r.table == nil {
		return 0
	}
	return r.table.version
}

// Other binds somebody else by the same policy version and organisation. Whoever asks must be allowed to know.
func (r *Rights) Other(p *Principal, now time.Time) *Rights {
	if r == nil {
		return nil
	}
	return r.table.Bind(p, r.org, now).Watched(r.shadow)
}

// Staff is the person the rights were bound to; zero for applications.
func (r *Rights) Staff() uuid.UUID { return r.principal.Staff }

// anchor is a scope with the place it is relative to.
type anchor struct {
	scope               Scope
	company, department uuid.UUID
}

// held is a binding in force with the roles it brings.
type held struct {
	*Binding
	closure roleSet
}

type binder struct {
	rights   *Rights
	now      time.Time
	held     []held
	resolved map[anchor]*idSet
	orgNext  time.Time
}

func (b *binder) run() {
	r, t := b.rights, b.rights.table
	b.orgNext = r.org.nextBoundary(b.now)
	b.boundary(b.orgNext)
	for i := range r.principal.Bindings {
		bd := &r.principal.Bindings[i]
		b.boundary(bd.From)
		b.boundary(bd.Until)
		n, known := t.roles[bd.Role] // a role without rules gives nothing
		if known && inForce(bd.From, bd.Until, b.now) {
			b.held = append(b.held, held{bd, t.closure[n]})
		}
	}
	// Bindings that last longest come first, so that an alternative that adds nothing is seen as such.
	slices.SortStableFunc(b.held, func(x, y held) int { return compareUntil(y.Until, x.Until) })
	r.terms = make([]boundTerm, 0, b.count())
	r.cells = make([]boundCell, len(t.cells))
	for i, lines := range t.cells {
		c := &r.cells[i]
		c.token = !r.principal.tokenAllows(words.keys[i].act)
		c.deny = int32(len(r.terms))
		c.allow = c.deny
		for k := range lines {
			b.addLine(&lines[k])
			if lines[k].rule.Effect == Deny {
				c.allow = int32(len(r.terms))
			}
		}
		c.end = int32(len(r.terms))
	}
}

// count is the number of lines held through one binding or more: nearly always the number of terms.
func (b *binder) count() (n int) {
	var all roleSet
	for _, h := range b.held {
		if all == nil {
			all = slices.Clone(h.closure)
			continue
		}
		for w, bits := range h.closure {
			all[w] |= bits
		}
	}
	for _, lines := range b.rights.table.cells {
		for i := range lines {
			if all != nil && all.has(lines[i].role) {
				n++
			}
		}
	}
	return n
}

// boundary notes an instant at which something changes.
func (b *binder) boundary(at time.Time) {
	if at.After(b.now) && (b.rights.ValidUntil.IsZero() || at.Before(b.rights.ValidUntil)) {
		b.rights.ValidUntil = at
	}
}

// addLine adds one term per way in which the person has the line.
func (b *binder) addLine(l *line) {
	rule := l.rule
	first := len(b.rights.terms)
	for _, h := range b.held {
		if !h.closure.has(l.role) {
			continue
		}
		b.boundary(rule.ValidFrom)
		b.boundary(rule.ValidUntil)
		if !inForce(rule.ValidFrom, rule.ValidUntil, b.now) {
			return
		}
		ids, needed := b.resolve(rule.Scope, h.Binding)
		if needed && len(ids.list) == 0 {
			continue // reaches nothing: no department, no staff record
		}
		if slices.ContainsFunc(b.rights.terms[first:], func(t boundTerm) bool { return t.ids == ids }) {
			continue // the same reach by a binding that lasts at least as long
		}
		term := boundTerm{rule: rule, ids: ids, mask: l.mask, cond: l.cond}
		if rule.Effect == Allow { // a Deny carries no end: stale rights keep denying until bound again
			term.from, term.until = latest(h.From, rule.ValidFrom), earliest(h.Until, rule.ValidUntil)
			if rule.Scope == Subordinates || (relative(rule.Scope) && h.Department == uuid.Nil) {
				term.until = earliest(term.until, b.orgNext)
			}
		}
		b.rights.terms = append(b.rights.terms, term)
	}
}

// relative tells whether the scope is relative to a place.
func relative(s Scope) bool {
	return s == Dept || s == DeptTree || s == Distributed || s == Company || s == CompanyTree
}

// resolve gives the ids a scope stands for; needed is false for scopes that stand for no list of ids.
func (b *binder) resolve(s Scope, bd *Binding) (ids *idSet, needed bool) {
	if s != Self && s != Subordinates && !relative(s) {
		return nil, false
	}
	key := anchor{scope: s}
	if relative(s) {
		key.company, key.department = bd.Company, bd.Department
	}
	if ids, ok := b.resolved[key]; ok {
		return ids, true
	}
	o, me := b.rights.org, b.rights.principal.Staff
	var list []uuid.UUID
	switch s {
	case Self:
		list = []uuid.UUID{me}
	case Subordinates:
		list = o.SubordinatesOf(me, b.now)
	default:
		departments, companies := o.places(me, bd, b.now)
		switch s {
		case Dept, Distributed:
			list = departments
		case DeptTree:
			list = o.DepartmentTree(departments...)
		case Company:
			list = companies
		case CompanyTree:
			list = o.CompanyTreeOf(companies...)
		}
	}
	ids = newIDSet(list)
	b.resolved[key] = ids
	return ids, true
}

// places gives the departments and companies a binding stands in. An anchor that the organisation does not know, or
// whose department and company do not belong together, stands nowhere.
func (o *Org) places(staff uuid.UUID, bd *Binding, now time.Time) (departments, companies []uuid.UUID) {
	if bd.Department != uuid.Nil {
		company, known := o.companyOf[bd.Department]
		if !known || (bd.Company != uuid.Nil && bd.Company != company) {
			return nil, nil
		}
		return []uuid.UUID{bd.Department}, []uuid.UUID{company}
	}
	if bd.Company != uuid.Nil {
		if !o.companies[bd.Company] {
			return nil, nil
		}
		companies = []uuid.UUID{bd.Company}
	}
	for _, e := range o.employments[staff] {
		if !inForce(e.From, e.Until, now) || (bd.Company != uuid.Nil && e.Company != bd.Company) {
			continue
		}
		departments = append(departments, e.Department)
		if bd.Company == uuid.Nil {
			companies = append(companies, e.Company)
		}
	}
	return departments, companies
}

// tokenAllows tells whether the token's scopes leave the action; no scopes leave everything.
func (p *Principal) tokenAllows(a Action) bool { return TokenAllows(p.Scopes, a) }

// TokenAllows tells whether these scopes of a token leave the action; none leave everything. It is the whole decision only for
// what needs no right but to be signed in.
func TokenAllows(scopes []string, a Action) bool {
	if len(scopes) == 0 {
		return true
	}
	for _, s := range scopes {
		if s == string(a) || (s == "write" && !isReading(a)) || (s == "read" && isReading(a)) {
			return true
		}
	}
	return false
}

// compareUntil orders ends of validity; zero is the latest.
func compareUntil(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

func earliest(a, b time.Time) time.Time {
	if compareUntil(a, b) <= 0 {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
