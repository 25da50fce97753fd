package policy

import (
	"bytes"
	"slices"
	"time"
	"unsafe"

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

	// Packed, for there are as many as people are about: see Bytes.
	starts []uint32 // question n is answered by terms[starts[n]:starts[n+1]]; denies first
	terms  []boundTerm
	sets   [][]uuid.UUID // what scopes stand for: each sorted, without nil UUIDs; the first is none
	spans  []span        // the first is open
}

// boundTerm is a line that one of the person's roles has, with its anchor resolved.
type boundTerm struct {
	line      uint32 // in table.lines
	set, span uint32
}

// span is from when until when a rule or a term holds; zero is open.
type span struct{ from, until time.Time }

func (s span) at(now time.Time) bool { return inForce(s.from, s.until, now) }

// Up to this many ids are looked through; more are searched.
const scanAtMost = 6

// hasID tells whether sorted ids have one.
func hasID(ids []uuid.UUID, id uuid.UUID) bool {
	if len(ids) <= scanAtMost {
		for i := range ids {
			if ids[i] == id {
				return true
			}
		}
		return false
	}
	low, high := 0, len(ids)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := bytes.Compare(ids[middle][:], id[:]); {
		case c == 0:
			return true
		case c < 0:
			low = middle + 1
		default:
			high = middle
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
		newBinder(r, now).run()
	}
	return r
}

// ValidAt tells whether the rights may still be used at the instant; later they must be bound again.
func (r *Rights) ValidAt(now time.Time) bool {
	return !now.Before(r.boundAt) && (r.ValidUntil.IsZero() || now.Before(r.ValidUntil))
}

// bound tells whether a question can have terms: rights were bound, and neither they nor a token's scopes are refused it.
func (r *Rights) bound(cell int) bool {
	return r != nil && r.table != nil && r.refused == "" && cell+1 < len(r.starts) && r.principal.tokenAllows(words.keys[cell].act)
}

// Bytes is the memory that the rights hold beside the table and the organisation.
func (r *Rights) Bytes() int {
	n := int(unsafe.Sizeof(*r)) + heldBy(r.starts) + heldBy(r.terms) + heldBy(r.sets) + heldBy(r.spans) + heldBy(r.principal.Bindings) + heldBy(r.principal.Scopes)
	for _, ids := range r.sets {
		n += heldBy(ids)
	}
	for _, s := range r.principal.Scopes {
		n += len(s)
	}
	return n
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
	roles roleSet
}

// binder resolves scopes for one person. It changes nothing of the rights but in run.
type binder struct {
	rights   *Rights
	now      time.Time
	held     []held
	sets     [][]uuid.UUID
	resolved map[anchor]uint32
	orgNext  time.Time
}

func newBinder(r *Rights, now time.Time) *binder {
	return &binder{rights: r, now: now, sets: make([][]uuid.UUID, 1, 8), resolved: map[anchor]uint32{}}
}

func (b *binder) run() {
	r, t := b.rights, b.rights.table
	b.orgNext = r.org.nextBoundary(b.now)
	b.boundary(b.orgNext)
	for i := range r.principal.Bindings {
		bd := &r.principal.Bindings[i]
		b.boundary(bd.From)
		b.boundary(bd.Until)
		n, known := t.role(bd.Role) // a role without rules gives nothing
		if known {
			bd.Role = t.roles[n].Value() // the shared text
		}
		if known && inForce(bd.From, bd.Until, b.now) {
			b.held = append(b.held, held{bd, t.above(n)})
		}
	}
	// Bindings that last longest come first, so that an alternative that adds nothing is seen as such.
	slices.SortStableFunc(b.held, func(x, y held) int { return compareUntil(y.Until, x.Until) })
	r.terms = make([]boundTerm, 0, b.count())
	r.starts = make([]uint32, len(t.starts))
	r.spans = make([]span, 1)
	for n := range words.keys {
		for i := t.starts[n]; i < t.starts[n+1]; i++ {
			b.addLine(i)
		}
		r.starts[n+1] = uint32(len(r.terms))
	}
	r.terms, r.spans, r.sets = fitted(r.terms), fitted(r.spans), fitted(b.sets)
}

// count is the number of lines held through one binding or more: nearly always the number of terms.
func (b *binder) count() (n int) {
	t := b.rights.table
	all := make(roleSet, t.width)
	for _, h := range b.held {
		for w, bits := range h.roles {
			all[w] |= bits
		}
	}
	for _, l := range t.lines {
		if all.has(t.rules[l].role) {
			n++
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
func (b *binder) addLine(at uint32) {
	r, t := b.rights, b.rights.table
	rule := &t.rules[t.lines[at]]
	first := len(r.terms)
	for _, h := range b.held {
		if !h.roles.has(rule.role) {
			continue
		}
		valid := t.valid(rule)
		b.boundary(valid.from)
		b.boundary(valid.until)
		if !valid.at(b.now) {
			return
		}
		scope := rule.scope()
		set, needed := b.resolve(scope, h.Binding)
		if needed && len(b.sets[set]) == 0 {
			continue // reaches nothing: no department, no staff record
		}
		if slices.ContainsFunc(r.terms[first:], func(t boundTerm) bool { return t.set == set }) {
			continue // the same reach by a binding that lasts at least as long
		}
		term := boundTerm{line: at, set: set}
		if !rule.deny() { // a Deny carries no end: stale rights keep denying until bound again
			s := span{latest(h.From, valid.from), earliest(h.Until, valid.until)}
			if scope == Subordinates || (relative(scope) && h.Department == uuid.Nil) {
				s.until = earliest(s.until, b.orgNext)
			}
			term.span = r.spanOf(s)
		}
		r.terms = append(r.terms, term)
	}
}

// spanOf gives the number of a span: there are few different ones.
func (r *Rights) spanOf(s span) uint32 {
	n := slices.IndexFunc(r.spans, func(o span) bool { return o.from.Equal(s.from) && o.until.Equal(s.until) })
	if n < 0 {
		n = len(r.spans)
		r.spans = append(r.spans, s)
	}
	return uint32(n)
}

// relative tells whether the scope is relative to a place.
func relative(s Scope) bool {
	return s == Dept || s == DeptTree || s == Distributed || s == Company || s == CompanyTree
}

// resolve gives which of the sets a scope stands for; needed is false for scopes that stand for no list of ids.
func (b *binder) resolve(s Scope, bd *Binding) (set uint32, needed bool) {
	if s != Self && s != Subordinates && !relative(s) {
		return 0, false
	}
	key := anchor{scope: s}
	if relative(s) {
		key.company, key.department = bd.Company, bd.Department
	}
	if set, ok := b.resolved[key]; ok {
		return set, true
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
	set = uint32(len(b.sets))
	b.sets = append(b.sets, fitted(sortedIDs(list)))
	b.resolved[key] = set
	return set, true
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
