package policy

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Test is a test a rule has to pass, in the order in which they are made.
type Test string

// The tests; a failing one nearer to the end of the list means that less was missing.
const (
	TestRole      Test = "ROLE"      // the person has none of the roles that have the rule
	TestValidity  Test = "VALIDITY"  // the rule is not in force now
	TestScope     Test = "SCOPE"     // the row lies outside the scope
	TestCondition Test = "CONDITION" // the row does not meet the condition
	TestNone      Test = ""          // all passed: the rule is met
)

// Line is one rule in an explanation.
type Line struct {
	Rule   *Rule
	Fails  Test
	Via    string      // the bound role that brings the rule; "" when none does
	Missed *Comparison // the first comparison not met, for TestCondition
	Text   Text        // the rule and what came of it, in a sentence
}

// Explanation says why a decision fell as it did. Lines are for those who may read policy; everybody may have the
// Decision's reason and the Remedy.
type Explanation struct {
	Decision Decision
	Staff    uuid.UUID
	Lines    []Line // every rule of the object and action: those met first, then the nearest to being met
	Nearest  *Line  // for a refusal, the Allow rule that missed least; nil when there is none, or when a Deny was met
	Remedy   Text
}

// Explain computes, on demand, what Decide leaves out. It answers the same question by the same tests.
func (r *Rights) Explain(obj Object, act Action, row *Row) Explanation {
	e := Explanation{Decision: r.Decide(obj, act, row)}
	e.Remedy = e.Decision.Reason.Remedy()
	if r == nil || r.table == nil || r.org == nil || row == nil {
		return e
	}
	e.Staff = r.principal.Staff
	n, known := words.cells[cellKey{obj, act}]
	if !known {
		return e
	}
	for _, l := range r.table.cell(n) {
		e.Lines = append(e.Lines, r.explainLine(l, n, row))
	}
	slices.SortStableFunc(e.Lines, func(a, b Line) int { return a.Fails.distance() - b.Fails.distance() })
	if e.Decision.Allow || e.Decision.Reason == ReasonDenied || r.refused != "" || e.Decision.Reason == ReasonToken {
		return e
	}
	for i := range e.Lines {
		if e.Lines[i].Rule.Effect == Allow {
			e.Nearest = &e.Lines[i]
			e.Remedy = e.Lines[i].remedy()
			break
		}
	}
	return e
}

// distance ranks tests: the later it fails, the nearer the rule was.
func (t Test) distance() int {
	return slices.Index([]Test{TestNone, TestCondition, TestScope, TestValidity, TestRole}, t)
}

func (r *Rights) explainLine(l uint16, cell int, row *Row) Line {
	t := r.table
	rule := &t.rules[l]
	cond := t.cond(rule)
	out := Line{Rule: t.rule(l), Fails: TestRole}
	s := &subject{&r.principal, r.org, r.boundAt}
	for i := range r.principal.Bindings {
		b := &r.principal.Bindings[i]
		n, known := t.role(b.Role)
		if !known || !inForce(b.From, b.Until, r.boundAt) || !t.above(n).has(rule.role) {
			continue
		}
		at := TestNone
		switch {
		case !t.valid(rule).at(r.boundAt):
			at = TestValidity
		case !s.reaches(rule.scope(), t.mask(cell, rule), words.on[cell], b, row):
			at = TestScope
		default:
			for k := range cond {
				if !cond[k].holds(row, rule.deny()) {
					at, out.Missed = TestCondition, &cond[k]
					break
				}
			}
		}
		if at.distance() < out.Fails.distance() {
			out.Fails, out.Via = at, b.Role
		}
	}
	out.Text = out.sentence(cond)
	return out
}

// RuleSentence says a rule in both languages.
func RuleSentence(r *Rule) Text {
	var cond []Comparison
	if e, ok := words.entities[r.Object]; ok {
		cond, _ = ParseCondition(e.Object, r.Condition) // a compiled rule's condition always parses
	}
	l := Line{Rule: r, Fails: TestNone}
	return l.rule(cond)
}

func (l *Line) rule(cond []Comparison) Text {
	role, ok := RoleLabel(l.Rule.Role)
	if !ok {
		role = Text{l.Rule.Role, l.Rule.Role}
	}
	object, _ := LabelOf(l.Rule.Object)
	action, _ := ActionLabel(l.Rule.Action)
	scope := l.Rule.Scope.Label()
	verb := Text{"可", "may"}
	if l.Rule.Effect == Deny {
		verb = Text{"不得", "must not"}
	}
	when := Sentence(cond)
	if when.ZH != "" {
		when = Text{",当" + when.ZH, ", when " + when.EN}
	}
	return Text{
		fmt.Sprintf("%s%s「%s」%s(范围:%s)%s", role.ZH, verb.ZH, action.ZH, object.ZH, scope.ZH, when.ZH),
		fmt.Sprintf("%s %s: %s – %s (scope: %s)%s", role.EN, verb.EN, action.EN, object.EN, scope.EN, when.EN),
	}
}

func (t Test) outcome() Text {
	switch t {
	case TestRole:
		return Text{"您没有此角色", "you do not hold the role"}
	case TestValidity:
		return Text{"现不在有效期内", "not in force now"}
	case TestScope:
		return Text{"数据不在范围内", "the data is outside the scope"}
	case TestCondition:
		return Text{"条件不满足", "the condition is not met"}
	}
	return Text{"符合", "met"}
}

func (l *Line) sentence(cond []Comparison) Text {
	rule := l.rule(cond)
	outcome := l.Fails.outcome()
	if l.Missed != nil && l.Fails == TestCondition {
		missed := l.Missed.sentence()
		outcome = Text{"条件不满足:" + missed.ZH, "not met: " + missed.EN}
	}
	return Text{rule.ZH + ":" + outcome.ZH, rule.EN + ": " + outcome.EN}
}

// remedy names the nearest lawful way past the failing test.
func (l *Line) remedy() Text {
	role, ok := RoleLabel(l.Rule.Role)
	if !ok {
		role = Text{l.Rule.Role, l.Rule.Role}
	}
	switch l.Fails {
	case TestRole:
		return Text{"请租户管理员授予角色「" + role.ZH + "」", "Ask the tenant administrator for the role " + role.EN}
	case TestValidity:
		return Text{"该规则现不在有效期内,请联系权限管理员", "The rule is not in force now; ask those who keep the policy"}
	case TestScope:
		switch l.Rule.Scope {
		case ClientTeam:
			return Text{"请主管部门负责人将您加入客户团队", "Ask the owning department's head for a place on the client's team"}
		case Granted:
			return Text{"请向主管部门负责人申请专项授权", "Ask the owning department's head for a grant"}
		case Distributed:
			return Text{"请大客户部门将该客户分发给您的科室", "Ask the key account department to distribute the client to your section"}
		}
		return ReasonOutOfScope.Remedy()
	case TestCondition:
		if l.Missed != nil {
			m := l.Missed.sentence()
			return Text{"仅当" + m.ZH + "时可办理,否则请权限更高的同事办理", "Possible only when " + m.EN + "; otherwise ask a colleague whose authority reaches further"}
		}
	}
	return ReasonCondition.Remedy()
}
