package policy

import (
	"slices"
	"time"
	"unique"
	"unsafe"

	"github.com/google/uuid"
)

// Table is a compiled policy version, immutable and safe for concurrent use. One is kept for every tenant that is served, asked or
// not, so it is packed: rules refer to what they name by number, and their texts are shared by all tenants that write the same ones.
//
// SECURITY: nothing in a table says whose it is. Bind and Enforcer ask whether person, organisation and tenant belong together.
type Table struct {
	version int64
	rules   []packed
	ids     []uuid.UUID // by rule
	lines   []uint16    // numbers of rules by question, denies first
	starts  []uint32    // question n is answered by lines[starts[n]:starts[n+1]]
	masks   []ClassSet  // by question: what a grant must carry one of, but for rules that name classes

	traits []trait
	conds  [][]Comparison          // the first is none
	texts  []unique.Handle[string] // conditions as written, clauses and notes; the first is ""
	times  []time.Time             // ends of validity; the first is open

	roles   []unique.Handle[string] // sorted; a role's number is its place
	closure []uint64                // role number × width: the role and everything it inherits
	width   int
	parents [][2]uint16 // inheritance as given, for the reference enforcer

	classes Classes // of groups that the version keeps at another class
}

// packed is a Rule: twelve bytes beside its id.
type packed struct {
	seq            int32
	role, trait    uint16
	object, action uint8 // in words
	classes        uint8
	how            uint8 // the scope, and whether it denies
}

const denies = 1 << 7

func (p *packed) scope() Scope { return Scope(p.how &^ denies) }
func (p *packed) deny() bool   { return p.how&denies != 0 }

func (p *packed) effect() Effect {
	if p.deny() {
		return Deny
	}
	return Allow
}

// trait is what many rules have in common.
type trait struct {
	cond               uint16 // in conds
	text, clause, note uint16 // in texts; text is the condition as written
	from, until        uint16 // in times
}

// Version of the policy the table was compiled from.
func (t *Table) Version() int64 { return t.version }

// Lines is the number of rules after expansion to field groups.
func (t *Table) Lines() int { return len(t.lines) }

// Bytes is the memory that the table holds and does not share.
func (t *Table) Bytes() int {
	n := int(unsafe.Sizeof(*t)) + heldBy(t.rules) + heldBy(t.ids) + heldBy(t.lines) + heldBy(t.starts) + heldBy(t.masks) + heldBy(t.traits) + heldBy(t.conds) + heldBy(t.texts) + heldBy(t.times) +
		heldBy(t.roles) + heldBy(t.closure) + heldBy(t.parents) + 48*len(t.classes)
	for _, c := range t.conds {
		n += heldBy(c)
	}
	return n
}

// heldBy is the memory of a slice's elements.
func heldBy[T any](s []T) int {
	var one T
	return cap(s) * int(unsafe.Sizeof(one))
}

// cell gives the numbers of the rules that speak of a question.
func (t *Table) cell(n int) []uint16 { return t.lines[t.starts[n]:t.starts[n+1]] }

// role gives the number of a role; a role without rules and inheritance has none.
func (t *Table) role(key string) (int, bool) {
	return slices.BinarySearchFunc(t.roles, key, func(h unique.Handle[string], key string) int {
		switch at := h.Value(); {
		case at < key:
			return -1
		case at > key:
			return 1
		}
		return 0
	})
}

// above gives the roles that a role has the rules of, itself among them.
func (t *Table) above(role int) roleSet { return t.closure[role*t.width : (role+1)*t.width] }

// rule is a rule as it was given, unpacked.
func (t *Table) rule(n uint16) *Rule {
	p := &t.rules[n]
	k := &t.traits[p.trait]
	return &Rule{
		ID: t.ids[n], Seq: int(p.seq), Role: t.roles[p.role].Value(), Object: words.objects[p.object], Action: words.actions[p.action], Scope: p.scope(),
		Classes: ClassSet(p.classes), Condition: t.texts[k.text].Value(), Effect: p.effect(), ValidFrom: t.times[k.from], ValidUntil: t.times[k.until],
		Clause: t.texts[k.clause].Value(), Note: t.texts[k.note].Value(),
	}
}

// cond is the condition of a rule.
func (t *Table) cond(p *packed) []Comparison { return t.conds[t.traits[p.trait].cond] }

// valid is from when until when a rule is in force.
func (t *Table) valid(p *packed) span {
	k := &t.traits[p.trait]
	return span{t.times[k.from], t.times[k.until]}
}

// mask is what a grant must carry one of for a rule to open a row to a question.
func (t *Table) mask(cell int, p *packed) ClassSet {
	if p.classes != 0 && words.entityCell[cell] {
		return ClassSet(p.classes)
	}
	return t.masks[cell]
}

// roleSet is a bitset over role numbers.
type roleSet []uint64

func (s roleSet) has(i uint16) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s roleSet) add(i uint16)      { s[i/64] |= 1 << (i % 64) }
