package policy

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// The ceiling: nobody gives more than he holds. What is given is compared with what stands behind it by structure, rule by
// rule: scopes with their anchors resolved to ids, conditions, classes and ends. What cannot be shown to lie within is
// beyond; the tests hold the comparison to the rows that predicates really reach.

// Backer is somebody whose own reach may stand behind what is given. What was granted to him stands behind nothing.
type Backer struct {
	Rights *Rights
	// Directs: he endorses roles where it is given. An act on the archive is then covered when he sees in full all groups
	// that it writes, although he does not do it himself: he directs those who do. Acts on the tenant, its organisation,
	// staff, accounts, policy, grants and audit must be held.
	Directs bool
}

// Excess is one question of a rule that nobody stands behind.
type Excess struct {
	Rule   Rule
	Object Object
	Action Action
}

// portion is what one rule gives on one question.
type portion struct {
	cell   int
	term   Term
	denied []Term // what the one who gets it is denied on the question in any case
}

// Exceeding gives what a binding would bring to somebody and none of the backers' reaches, together, contains. r is any
// rights of the policy, organisation and instant that are meant; only the first excess of each rule is told.
func (r *Rights) Exceeding(grantee *Principal, given Binding, backers ...Backer) []Excess {
	if r == nil || r.table == nil || r.org == nil || grantee == nil {
		return []Excess{{}} // SECURITY: nothing is known, so nothing is within
	}
	t := r.table
	role, known := t.role(given.Role)
	if !known {
		return nil // a role without rules gives nothing
	}
	to := &Rights{table: t, org: r.org, boundAt: r.boundAt, principal: *grantee}
	b := newBinder(to, r.boundAt)
	all := append(slices.Clone(grantee.Bindings), given)
	var out []Excess
	for n := range words.keys {
		var denied []Term
		for _, l := range t.cell(n) {
			rule := &t.rules[l]
			if !t.above(role).has(rule.role) || rule.deny() || over(t.valid(rule).until, r.boundAt) {
				continue
			}
			if denied == nil {
				denied = b.terms(n, Deny, all)
			}
			p := portion{cell: n, term: b.term(rule, &given), denied: denied}
			if !covered(&p, r.org, backers) {
				out = addExcess(out, t.rule(l), n)
			}
		}
	}
	return out
}

// ExceedingRules gives those of the rules that none of the backers' reaches contains whoever comes to hold the role, and
// wherever. A rule that denies and is about to be gone gives what it denied: it stands in lifted. t is the version that the
// rules come into force with; the backers' rights are those of now.
func (t *Table) ExceedingRules(added, lifted []Rule, backers ...Backer) []Excess {
	var out []Excess
	check := func(rule *Rule) {
		e, ok := words.entities[rule.Object]
		if !ok {
			return
		}
		cond, err := ParseCondition(e.Object, rule.Condition)
		if err != nil {
			out = append(out, Excess{*rule, rule.Object, rule.Action})
			return
		}
		for _, o := range t.Targets(rule) {
			n := words.cells[cellKey{o, rule.Action}]
			p := portion{cell: n, term: Term{Scope: rule.Scope, Cond: cond, From: rule.ValidFrom, Until: rule.ValidUntil}}
			if role, known := t.role(rule.Role); known && rule.Effect == Allow {
				for _, l := range t.cell(n) {
					if d := &t.rules[l]; d.deny() && d.scope() == Tenant && t.above(role).has(d.role) {
						p.denied = append(p.denied, Term{Scope: Tenant, Cond: t.cond(d), From: t.valid(d).from, Until: t.valid(d).until})
					}
				}
			}
			if !covered(&p, nil, backers) {
				out = addExcess(out, rule, n)
			}
		}
	}
	for i := range added {
		if added[i].Effect == Allow {
			check(&added[i])
		}
	}
	for i := range lifted {
		if lifted[i].Effect == Deny {
			check(&lifted[i])
		}
	}
	return out
}

// addExcess keeps the first excess of each rule.
func addExcess(out []Excess, rule *Rule, cell int) []Excess {
	if slices.ContainsFunc(out, func(e Excess) bool { return e.Rule == *rule }) {
		return out
	}
	k := words.keys[cell]
	return append(out, Excess{*rule, k.obj, k.act})
}

// over tells whether something that ends then has ended by now.
func over(until, now time.Time) bool { return !until.IsZero() && !until.After(now) }

// term is a line as somebody has it through a binding, with the ends of both.
func (b *binder) term(rule *packed, bd *Binding) Term {
	t := b.rights.table
	set, _ := b.resolve(rule.scope(), bd)
	valid := t.valid(rule)
	return Term{Scope: rule.scope(), IDs: b.sets[set], Cond: t.cond(rule), From: latest(bd.From, valid.from), Until: earliest(bd.Until, valid.until)}
}

// terms are the lines of one effect that somebody has on a question now.
func (b *binder) terms(cell int, effect Effect, bindings []Binding) []Term {
	t := b.rights.table
	out := []Term{}
	for i := range bindings {
		bd := &bindings[i]
		n, known := t.role(bd.Role)
		if !known || !inForce(bd.From, bd.Until, b.now) {
			continue
		}
		for _, l := range t.cell(cell) {
			if rule := &t.rules[l]; rule.effect() == effect && t.above(n).has(rule.role) && t.valid(rule).at(b.now) {
				out = append(out, b.term(rule, bd))
			}
		}
	}
	return out
}

// held is what a backer's own roles allow him on a question, and whether it is without a denial that the one who gets the
// portion would escape.
func (k *Backer) held(cell int, p *portion) []Term {
	r := k.Rights
	if !r.bound(cell) {
		return nil
	}
	b := newBinder(r, r.boundAt)
	for _, d := range b.terms(cell, Deny, r.principal.Bindings) {
		d.From, d.Until = p.term.From, p.term.Until
		// SECURITY: what the giver is denied, the one he gives to must be denied as well.
		if !contains(&d, p.denied, r.org, words.on[cell]) {
			return nil
		}
	}
	return slices.DeleteFunc(b.terms(cell, Allow, r.principal.Bindings), func(t Term) bool {
		return t.Scope == Granted || t.Scope == Partnership // what was granted or disclosed to him is not his to give
	})
}

func covered(p *portion, org *Org, backers []Backer) bool {
	key, entity := words.keys[p.cell], words.on[p.cell]
	var pool []Term
	for i := range backers {
		pool = append(pool, backers[i].held(p.cell, p)...)
	}
	if contains(&p.term, pool, org, entity) {
		return true
	}
	if p.term.Scope == Self && !selfIsOwner(entity) && ownToo(&p.term, pool) {
		return true
	}
	if p.term.Scope == Granted && entity == OnOriginal && lent(p, backers) {
		return true
	}
	if isControl(entity) || isReading(key.act) {
		return false
	}
	return directed(p, key, entity, org, backers)
}

// ownToo: what is about a person himself (his file, his account, grants to him) is each one's own, and nobody has to see
// everybody's to let somebody have his.
func ownToo(g *Term, pool []Term) bool {
	return slices.ContainsFunc(pool, func(t Term) bool { return t.Scope == Self && lasts(&t, g) && implies(g.Cond, t.Cond) })
}

// lent: what is handed out to a person is given loan by loan, by those who lend; that he may read what he holds is each one's
// own like his file.
func lent(p *portion, backers []Backer) bool {
	return slices.ContainsFunc(backers, func(k Backer) bool {
		r := k.Rights
		if !r.bound(p.cell) {
			return false
		}
		b := newBinder(r, r.boundAt)
		return slices.ContainsFunc(b.terms(p.cell, Allow, r.principal.Bindings), func(t Term) bool {
			return t.Scope == Granted && lasts(&t, &p.term) && implies(p.term.Cond, t.Cond)
		})
	})
}

// directed: those who endorse roles see all that the act writes.
func directed(p *portion, key cellKey, entity Object, org *Org, backers []Backer) bool {
	needed := []cellKey{{entity, Read}}
	if key.act == Write {
		needed = append(needed, cellKey{key.obj, Reveal})
	}
	for _, g := range words.acts[key.act].Writes {
		needed = append(needed, cellKey{g, Reveal})
	}
	for _, k := range needed {
		var pool []Term
		for i := range backers {
			if backers[i].Directs {
				pool = append(pool, backers[i].held(words.cells[k], p)...)
			}
		}
		if !contains(&p.term, pool, org, entity) {
			return false
		}
	}
	return true
}

// isControl: what the tenant is run with, beside the archive that it keeps.
func isControl(entity Object) bool {
	return slices.Contains([]Object{OnTenant, OnOrganisation, OnStaff, OnAccount, OnPolicy, OnGrant, OnAudit}, entity)
}

// contains tells whether every row of the term lies in one of the pool, as long as the term lasts. False means that it could
// not be shown.
func contains(g *Term, pool []Term, org *Org, entity Object) bool {
	var people, departments, companies, sections []uuid.UUID
	for i := range pool {
		t := &pool[i]
		if !lasts(t, g) || !implies(g.Cond, t.Cond) {
			continue
		}
		switch t.Scope {
		case Tenant:
			return true
		case Self, Subordinates:
			people = append(people, t.IDs...)
		case Dept, DeptTree:
			departments = append(departments, t.IDs...)
		case Company, CompanyTree:
			companies = append(companies, t.IDs...)
		case Distributed:
			sections = append(sections, t.IDs...)
		}
	}
	within := func(of func(uuid.UUID) bool) bool { // a scope that stands nowhere now may stand somewhere tomorrow
		return len(g.IDs) > 0 && !slices.ContainsFunc(g.IDs, func(u uuid.UUID) bool { return !of(u) })
	}
	in := func(ids []uuid.UUID) func(uuid.UUID) bool {
		return func(u uuid.UUID) bool { return slices.Contains(ids, u) }
	}
	switch g.Scope {
	case Self, Subordinates:
		return within(in(people))
	case Dept, DeptTree:
		return within(func(u uuid.UUID) bool {
			return slices.Contains(departments, u) || org != nil && departmentImpliesCompany(entity) && slices.Contains(companies, org.CompanyOf(u))
		})
	case Company, CompanyTree:
		return within(in(companies))
	case Distributed:
		return within(in(sections))
	}
	return false
}

// departmentImpliesCompany: a row of these that stands in a department stands in that department's company, by a foreign key.
func departmentImpliesCompany(entity Object) bool {
	return entity == OnClient || entity == OnContract || entity == OnGrant
}

// lasts tells whether a term lasts at least as long as another. Terms of backers hold now.
func lasts(t, g *Term) bool { return compareUntil(t.Until, g.Until) >= 0 }

// implies tells whether every row that meets the conditions meets the others.
func implies(given, wanted []Comparison) bool {
	for i := range wanted {
		if !slices.ContainsFunc(given, func(c Comparison) bool { return c.implies(&wanted[i]) }) {
			return false
		}
	}
	return true
}

// implies mirrors holds, missing values included: "!=" is met by them, everything else on an amount is not.
func (c *Comparison) implies(w *Comparison) bool {
	if c.Field.Name != w.Field.Name || c.Field.fact != w.Field.fact {
		return false
	}
	switch c.Field.Kind {
	case BoolField:
		return (c.Bool == (c.Op == "=")) == (w.Bool == (w.Op == "="))
	case TextField, SetField:
		if c.Op == w.Op {
			return c.Text == w.Text
		}
		return c.Field.Kind == TextField && c.Op == "=" && c.Text != w.Text // one value is no other; a set may have both
	case MoneyField, NumberField:
		return c.impliesAmount(w)
	}
	return false
}

func (c *Comparison) impliesAmount(w *Comparison) bool {
	if c.Op == w.Op && c.Int == w.Int {
		return true
	}
	switch c.Op {
	case "=":
		switch w.Op {
		case "!=":
			return c.Int != w.Int
		case "<":
			return c.Int < w.Int
		case "<=":
			return c.Int <= w.Int
		case ">":
			return c.Int > w.Int
		case ">=":
			return c.Int >= w.Int
		}
	case "<", "<=":
		switch w.Op {
		case "<":
			return c.Int < w.Int || c.Int == w.Int && c.Op == "<"
		case "<=":
			return c.Int <= w.Int
		case "!=":
			return c.Int < w.Int || c.Int == w.Int && c.Op == "<"
		}
	case ">", ">=":
		switch w.Op {
		case ">":
			return c.Int > w.Int || c.Int == w.Int && c.Op == ">"
		case ">=":
			return c.Int >= w.Int
		case "!=":
			return c.Int > w.Int || c.Int == w.Int && c.Op == ">"
		}
	}
	return false
}
