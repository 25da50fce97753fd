package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/google/uuid"
)

// Problem is one thing that makes a policy version unusable.
type Problem struct {
	Seq     int    // of the rule; -1 for the version as a whole and for inheritance
	Field   string // role, object, action, scope, classes, condition, effect, validity, inherits, rules
	Code    string // UPPER_SNAKE reason code
	Message Text
}

// CompileError lists everything that is wrong with a policy version.
type CompileError struct{ Problems []Problem }

// Error gives the English messages, one a line.
func (e *CompileError) Error() string {
	var b strings.Builder
	b.WriteString("policy: refused")
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\nrule %d: %s: %s: %s", p.Seq, p.Field, p.Code, p.Message.EN)
	}
	return b.String()
}

const (
	// maxRoleDepth is casbin's limit for chains of roles: beyond it casbin denies in silence, so deeper ones are refused.
	maxRoleDepth = 10
	// maxRules, and as many lines of inheritance, are what a table's numbers are wide enough for: three texts, two instants and as
	// many lines as an entity has field groups for each.
	maxRules = 10_000
)

// Compile checks and compiles a policy version. inherits holds pairs {role, parent}: the role has all rules of its parent.
//
// SECURITY: what stock casbin would store and silently ignore, or allow when empty, is an error here: an empty policy,
// an unknown or empty effect, scope, object, action, class or condition, a scope that means nothing on the object, a
// validity that ends before it begins, a cycle or more than ten steps of inheritance. The error is a *CompileError with all of them.
func Compile(version int64, rules []Rule, inherits [][2]string) (*Table, error) {
	return CompileWith(version, rules, inherits, nil)
}

// CompileWith is Compile for a version with classes of its own.
func CompileWith(version int64, rules []Rule, inherits [][2]string, classes Classes) (*Table, error) {
	c := newCompiler(version, len(rules), classes)
	bad := classes.check()
	switch {
	case len(rules) == 0:
		bad = append(bad, Problem{-1, "rules", "POLICY_EMPTY", Text{"策略没有任何规则", "the policy has no rules"}})
	case len(rules) > maxRules || len(inherits) > maxRules:
		return nil, &CompileError{append(bad, Problem{-1, "rules", "POLICY_TOO_LARGE", Text{
			fmt.Sprintf("规则与继承各不得超过 %d 条", maxRules), fmt.Sprintf("more than %d rules or lines of inheritance", maxRules),
		}})}
	}
	for i := range rules {
		if p := c.addRule(&rules[i]); p != nil {
			p.Seq = rules[i].Seq
			bad = append(bad, *p)
		}
	}
	bad = append(bad, c.addInheritance(inherits)...)
	if len(bad) > 0 {
		return nil, &CompileError{bad}
	}
	c.finish()
	return c.table, nil
}

// compiler packs rules into a table. Roles are numbered as they come; finish puts them in order.
type compiler struct {
	table   *Table
	roles   map[string]uint16
	keys    []string // by the numbers of roles
	texts   map[string]uint16
	times   map[time.Time]uint16
	conds   map[condKey]uint16
	traits  map[trait]uint16
	lines   []expanded
	targets []Object // of the rule at hand
}

type condKey struct {
	entity *Entity
	text   uint16
}

// expanded is a rule on its way to a question that it speaks of.
type expanded struct {
	cell, rule uint16
	rank       uint8
}

func newCompiler(version int64, rules int, classes Classes) *compiler {
	c := &compiler{
		table: &Table{
			version: version, classes: maps.Clone(classes), rules: make([]packed, 0, rules), ids: make([]uuid.UUID, 0, rules),
			conds: make([][]Comparison, 1, 32), texts: make([]unique.Handle[string], 1, 64), times: make([]time.Time, 1, 4),
		},
		roles: make(map[string]uint16, 64), texts: map[string]uint16{"": 0}, times: map[time.Time]uint16{{}: 0}, conds: map[condKey]uint16{}, traits: map[trait]uint16{},
		lines: make([]expanded, 0, 2*rules),
	}
	c.table.texts[0] = unique.Make("")
	return c
}

// rank orders the lines of a question: denies first because one that is met ends the search, then the widest allow.
func rank(r *Rule) uint8 {
	switch {
	case r.Effect == Deny:
		return 0
	case r.Scope == Tenant && r.Condition == "":
		return 1
	}
	return 2
}

const ranks = 3

func (c *compiler) role(key string) uint16 {
	n, ok := c.roles[key]
	if !ok {
		n = uint16(len(c.keys))
		c.roles[key], c.keys = n, append(c.keys, key)
	}
	return n
}

func (c *compiler) text(s string) uint16 {
	n, ok := c.texts[s]
	if !ok {
		n = uint16(len(c.table.texts))
		c.texts[s], c.table.texts = n, append(c.table.texts, unique.Make(s))
	}
	return n
}

func (c *compiler) time(at time.Time) uint16 {
	if at.IsZero() {
		return 0
	}
	n, ok := c.times[at]
	if !ok {
		n = uint16(len(c.table.times))
		c.times[at], c.table.times = n, append(c.table.times, at)
	}
	return n
}

func (c *compiler) trait(k trait) uint16 {
	n, ok := c.traits[k]
	if !ok {
		n = uint16(len(c.table.traits))
		c.traits[k], c.table.traits = n, append(c.table.traits, k)
	}
	return n
}

// condition parses a condition once for all rules that have it.
func (c *compiler) condition(e *Entity, text uint16) (uint16, error) {
	key := condKey{e, text}
	if n, ok := c.conds[key]; ok {
		return n, nil
	}
	cond, err := ParseCondition(e.Object, c.table.texts[text].Value()) // its constants are then parts of the shared text
	if err != nil {
		return 0, err
	}
	n := uint16(0)
	if len(cond) > 0 {
		n = uint16(len(c.table.conds))
		c.table.conds = append(c.table.conds, cond)
	}
	c.conds[key] = n
	return n, nil
}

func refuse(field, code, zh, en string, args ...any) *Problem {
	return &Problem{Field: field, Code: code, Message: Text{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}}
}

// addRule checks one rule and expands it; the problem found first is returned.
func (c *compiler) addRule(r *Rule) *Problem {
	if !isRoleKey(r.Role) {
		return refuse("role", "ROLE_INVALID", "角色键无效:%q", "%q is no role key", r.Role)
	}
	e, ok := words.entities[r.Object]
	if !ok {
		return refuse("object", "OBJECT_UNKNOWN", "没有对象 %q", "there is no object %q", r.Object)
	}
	if r.Effect != Allow && r.Effect != Deny {
		return refuse("effect", "EFFECT_UNKNOWN", "效果未知:%s", "unknown effect %s", r.Effect)
	}
	if !slices.Contains(e.Scopes, r.Scope) {
		return refuse("scope", "SCOPE_NOT_APPLICABLE", "范围 %s 不适用于 %s", "scope %s means nothing on %s", r.Scope, e.Object)
	}
	if r.Scope == Partnership && r.Effect == Deny {
		return refuse("scope", "SCOPE_NOT_APPLICABLE", "互联披露不能用于拒绝", "scope PARTNERSHIP reaches nothing yet and cannot deny")
	}
	if !r.ValidUntil.IsZero() && !r.ValidUntil.After(r.ValidFrom) {
		return refuse("validity", "VALIDITY_EMPTY", "有效期为空", "the rule ends before it begins")
	}
	if r.Classes&^AllClasses != 0 {
		return refuse("classes", "CLASS_UNKNOWN", "字段密级未知", "unknown field class")
	}
	text := c.text(r.Condition)
	cond, err := c.condition(e, text)
	if err != nil {
		return refuse("condition", "CONDITION_INVALID", "条件无效:%v", "invalid condition: %v", err)
	}
	var p *Problem
	if c.targets, p = targetsOf(c.targets[:0], e, r, c.table.classes); p != nil {
		return p
	}
	how := uint8(r.Scope)
	if r.Effect == Deny {
		how |= denies
	}
	n := uint16(len(c.table.rules))
	c.table.ids = append(c.table.ids, r.ID)
	c.table.rules = append(c.table.rules, packed{
		seq: int32(r.Seq), role: c.role(r.Role), object: words.objectNumbers[r.Object], action: words.actionNumbers[r.Action], classes: uint8(r.Classes), how: how,
		trait: c.trait(trait{cond: cond, text: text, clause: c.text(r.Clause), note: c.text(r.Note), from: c.time(r.ValidFrom), until: c.time(r.ValidUntil)}),
	})
	for _, o := range c.targets {
		c.lines = append(c.lines, expanded{uint16(words.cells[cellKey{o, r.Action}]), n, rank(r)})
	}
	return nil
}

// isRoleKey: a lower case letter, then one to 62 lower case letters, digits and underscores.
func isRoleKey(s string) bool {
	if len(s) < 2 || len(s) > 63 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	return true
}

// targetsOf appends the objects a rule speaks of: itself, or the groups of its classes.
func targetsOf(out []Object, e *Entity, r *Rule, classes Classes) ([]Object, *Problem) {
	expands := r.Object == e.Object && isFieldVerb(r.Action)
	if !expands {
		if !Known(r.Object, r.Action) {
			return out, refuse("action", "ACTION_UNKNOWN", "%s 没有动作 %q", "%s has no action %q", r.Object, r.Action)
		}
		if r.Classes != 0 && (r.Scope != Granted || r.Object != e.Object) {
			return out, refuse("classes", "CLASSES_NOT_APPLICABLE", "此规则不按密级展开", "classes mean nothing on this rule")
		}
		return append(out, r.Object), nil
	}
	shipped := false
	for i := range e.Groups {
		g := &e.Groups[i]
		class, own := classes[g.Object]
		if !own {
			class = g.Class
		}
		if r.Classes.Has(class) {
			out = append(out, g.Object)
		}
		shipped = shipped || r.Classes.Has(g.Class)
	}
	// A rule for a class that the tenant emptied stays lawful and reaches nothing: the warnings name it.
	if len(out) == 0 && !shipped {
		return out, refuse("classes", "CLASSES_EMPTY", "%s 没有这些密级的字段组", "%s has no field group of these classes", e.Object)
	}
	return out, nil
}

// Targets gives the objects that a rule speaks of under the shipped classes: itself, or the field groups of its classes. A
// rule that Compile refuses has none.
func (r *Rule) Targets() []Object { return Classes(nil).Targets(r) }

// addInheritance numbers the roles, checks the graph and fills the closures.
func (c *compiler) addInheritance(inherits [][2]string) (bad []Problem) {
	t := c.table
	for _, pair := range inherits {
		if !isRoleKey(pair[0]) || !isRoleKey(pair[1]) {
			bad = append(bad, Problem{-1, "inherits", "ROLE_INVALID", Text{"继承中的角色键无效", fmt.Sprintf("%q inherits %q: no role key", pair[0], pair[1])}})
			continue
		}
		t.parents = append(t.parents, [2]uint16{c.role(pair[0]), c.role(pair[1])})
	}
	c.sortRoles()
	parents := make([][]uint16, len(t.roles))
	for _, p := range t.parents {
		parents[p[0]] = append(parents[p[0]], p[1])
	}
	t.width = (len(t.roles) + 63) / 64
	t.closure = make([]uint64, len(t.roles)*t.width)
	const unseen, onPath = -2, -1
	depth := make([]int, len(t.roles)) // longest chain above the role
	for n := range depth {
		depth[n] = unseen
	}
	var visit func(uint16) bool
	visit = func(n uint16) bool {
		if depth[n] != unseen {
			return depth[n] != onPath
		}
		depth[n] = onPath
		own, longest := t.above(int(n)), 0
		own.add(n)
		for _, p := range parents[n] {
			if !visit(p) {
				return false
			}
			longest = max(longest, depth[p]+1)
			for w, bits := range t.above(int(p)) {
				own[w] |= bits
			}
		}
		depth[n] = longest
		return true
	}
	for n := range t.roles {
		key := t.roles[n].Value()
		if !visit(uint16(n)) {
			return append(bad, Problem{-1, "inherits", "ROLE_CYCLE", Text{"角色循环继承:" + key, "role " + key + " inherits itself"}})
		}
		if depth[n] > maxRoleDepth {
			bad = append(bad, Problem{-1, "inherits", "ROLE_DEPTH", Text{"角色继承过深:" + key, "role " + key + " inherits through more than ten steps"}})
		}
	}
	return bad
}

// sortRoles numbers the roles by their keys.
func (c *compiler) sortRoles() {
	t := c.table
	sorted := slices.Sorted(slices.Values(c.keys))
	place := make([]uint16, len(sorted)) // from the old number
	t.roles = make([]unique.Handle[string], len(sorted))
	for n, key := range sorted {
		place[c.roles[key]] = uint16(n)
		t.roles[n] = unique.Make(key)
	}
	for i := range t.rules {
		t.rules[i].role = place[t.rules[i].role]
	}
	for i := range t.parents {
		t.parents[i] = [2]uint16{place[t.parents[i][0]], place[t.parents[i][1]]}
	}
}

// finish puts the lines where their questions look for them, in the order of their ranks, and drops spare room.
func (c *compiler) finish() {
	t := c.table
	at := make([]uint32, len(words.keys)*ranks+1)
	slot := func(l *expanded) int { return int(l.cell)*ranks + int(l.rank) }
	for i := range c.lines {
		at[slot(&c.lines[i])+1]++
	}
	t.starts = make([]uint32, len(words.keys)+1)
	for n := range at {
		if n > 0 {
			at[n] += at[n-1]
		}
		if n%ranks == 0 {
			t.starts[n/ranks] = at[n]
		}
	}
	t.lines = make([]uint16, len(c.lines))
	for i := range c.lines {
		l := &c.lines[i]
		n := slot(l)
		t.lines[at[n]] = l.rule
		at[n]++
	}
	t.masks = make([]ClassSet, len(words.keys))
	for n, k := range words.keys {
		if class, isGroup := t.classes.Of(k.obj); isGroup {
			t.masks[n] = class.Set()
		} else {
			t.masks[n] = rowClasses(words.entities[k.obj], t.classes)
		}
	}
	t.rules, t.ids, t.traits, t.conds = fitted(t.rules), fitted(t.ids), fitted(t.traits), fitted(t.conds)
	t.texts, t.times, t.parents = fitted(t.texts), fitted(t.times), fitted(t.parents)
}

// fitted is a slice without spare room.
func fitted[T any](s []T) []T {
	if cap(s) == len(s) {
		return s
	}
	return append(make([]T, 0, len(s)), s...)
}
