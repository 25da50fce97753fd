package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Table is a compiled policy version, immutable and safe for concurrent use.
type Table struct {
	version int64
	roles   map[string]int // role -> number
	closure []roleSet      // role number -> the role and everything it inherits
	cells   [][]line       // by question number; denies first
	lines   int
	pairs   [][2]string // inheritance as given, for the reference enforcer
	classes Classes     // of groups that the version keeps at another class
}

// line is a rule expanded to one question.
type line struct {
	rule *Rule
	role int
	mask ClassSet // for Granted
	cond []Comparison
}

// roleSet is a bitset over role numbers.
type roleSet []uint64

func (s roleSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s roleSet) add(i int)      { s[i/64] |= 1 << (i % 64) }

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

// maxRoleDepth is casbin's limit for chains of roles: beyond it casbin denies in silence, so deeper ones are refused.
const maxRoleDepth = 10

var roleKey = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

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
	t := &Table{version: version, roles: map[string]int{}, cells: make([][]line, len(words.keys)), pairs: slices.Clone(inherits), classes: maps.Clone(classes)}
	bad := classes.check()
	if len(rules) == 0 {
		bad = append(bad, Problem{-1, "rules", "POLICY_EMPTY", Text{"策略没有任何规则", "the policy has no rules"}})
	}
	own := slices.Clone(rules) // later changes by the caller must not reach decisions
	for i := range own {
		if p := t.addRule(&own[i]); p != nil {
			p.Seq = own[i].Seq
			bad = append(bad, *p)
		}
	}
	bad = append(bad, t.addInheritance(inherits)...)
	if len(bad) > 0 {
		return nil, &CompileError{bad}
	}
	for _, cell := range t.cells {
		slices.SortStableFunc(cell, func(a, b line) int { return rank(a.rule) - rank(b.rule) })
		t.lines += len(cell)
	}
	return t, nil
}

// rank orders the lines of a question: denies first because one that is met ends the search, then the widest allow.
func rank(r *Rule) int {
	switch {
	case r.Effect == Deny:
		return 0
	case r.Scope == Tenant && r.Condition == "":
		return 1
	}
	return 2
}

// Version of the policy the table was compiled from.
func (t *Table) Version() int64 { return t.version }

// Lines is the number of rules after expansion to field groups.
func (t *Table) Lines() int { return t.lines }

func (t *Table) role(key string) int {
	n, ok := t.roles[key]
	if !ok {
		n = len(t.roles)
		t.roles[key] = n
	}
	return n
}

// addRule checks one rule and expands it; the problem found first is returned.
func (t *Table) addRule(r *Rule) *Problem {
	refuse := func(field, code, zh, en string, args ...any) *Problem {
		return &Problem{Field: field, Code: code, Message: Text{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}}
	}
	if !roleKey.MatchString(r.Role) {
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
	cond, err := ParseCondition(e.Object, r.Condition)
	if err != nil {
		return refuse("condition", "CONDITION_INVALID", "条件无效:%v", "invalid condition: %v", err)
	}
	targets, p := targetsOf(e, r, t.classes, refuse)
	if p != nil {
		return p
	}
	for _, o := range targets {
		l := line{rule: r, role: t.role(r.Role), mask: r.Classes, cond: cond}
		if class, isGroup := t.classes.Of(o); isGroup {
			l.mask = class.Set()
		} else if l.mask == 0 {
			l.mask = rowClasses(e, t.classes)
		}
		n := words.cells[cellKey{o, r.Action}]
		t.cells[n] = append(t.cells[n], l)
	}
	return nil
}

// targetsOf gives the objects a rule speaks of: itself, or the groups of its classes.
func targetsOf(e *Entity, r *Rule, classes Classes, refuse func(field, code, zh, en string, args ...any) *Problem) ([]Object, *Problem) {
	expands := r.Object == e.Object && isFieldVerb(r.Action)
	if !expands {
		if !Known(r.Object, r.Action) {
			return nil, refuse("action", "ACTION_UNKNOWN", "%s 没有动作 %q", "%s has no action %q", r.Object, r.Action)
		}
		if r.Classes != 0 && (r.Scope != Granted || r.Object != e.Object) {
			return nil, refuse("classes", "CLASSES_NOT_APPLICABLE", "此规则不按密级展开", "classes mean nothing on this rule")
		}
		return []Object{r.Object}, nil
	}
	var out []Object
	shipped := false
	for _, g := range e.Groups {
		if class, _ := classes.Of(g.Object); r.Classes.Has(class) {
			out = append(out, g.Object)
		}
		shipped = shipped || r.Classes.Has(g.Class)
	}
	// A rule for a class that the tenant emptied stays lawful and reaches nothing: the warnings name it.
	if len(out) == 0 && !shipped {
		return nil, refuse("classes", "CLASSES_EMPTY", "%s 没有这些密级的字段组", "%s has no field group of these classes", e.Object)
	}
	return out, nil
}

// Targets gives the objects that a rule speaks of under the shipped classes: itself, or the field groups of its classes. A
// rule that Compile refuses has none.
func (r *Rule) Targets() []Object { return Classes(nil).Targets(r) }

// addInheritance numbers the roles, checks the graph and fills the closures.
func (t *Table) addInheritance(inherits [][2]string) (bad []Problem) {
	parents := map[int][]int{}
	for _, pair := range inherits {
		if !roleKey.MatchString(pair[0]) || !roleKey.MatchString(pair[1]) {
			bad = append(bad, Problem{-1, "inherits", "ROLE_INVALID", Text{"继承中的角色键无效", fmt.Sprintf("%q inherits %q: no role key", pair[0], pair[1])}})
			continue
		}
		child, parent := t.role(pair[0]), t.role(pair[1])
		parents[child] = append(parents[child], parent)
	}
	width := (len(t.roles) + 63) / 64
	t.closure = make([]roleSet, len(t.roles))
	depth := make([]int, len(t.roles)) // longest chain above the role; -1 while on the path
	var visit func(int) bool
	visit = func(n int) bool {
		if t.closure[n] != nil {
			return depth[n] >= 0
		}
		t.closure[n] = make(roleSet, width)
		t.closure[n].add(n)
		depth[n] = -1
		longest := 0
		for _, p := range parents[n] {
			if !visit(p) {
				return false
			}
			longest = max(longest, depth[p]+1)
			for w, bits := range t.closure[p] {
				t.closure[n][w] |= bits
			}
		}
		depth[n] = longest
		return true
	}
	for key, n := range t.roles {
		if !visit(n) {
			return append(bad, Problem{-1, "inherits", "ROLE_CYCLE", Text{"角色循环继承:" + key, "role " + key + " inherits itself"}})
		}
		if depth[n] > maxRoleDepth {
			bad = append(bad, Problem{-1, "inherits", "ROLE_DEPTH", Text{"角色继承过深:" + key, "role " + key + " inherits through more than ten steps"}})
		}
	}
	return bad
}
