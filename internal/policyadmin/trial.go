package policyadmin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	assertion "github.com/clientele/clientele/internal/policytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Trial asks what a policy makes of assertions: a version, or what a draft would be (it is not saved), or neither for the one in force.
type Trial struct {
	Version *uuid.UUID
	Draft   *PolicyDraft
	// Tests and Cases are tried besides the tenant's own assertions.
	Tests []PolicyTestAdd
	Cases []Case
}

// Case is the expectation of one decision: what one person may do, on one row or on none in particular.
type Case struct {
	Name     string
	Question // of a person, now
	Allow    bool
}

const (
	maxTrialTests = 100
	maxTrialCases = 200
)

// TestResult is what a policy makes of one assertion.
type TestResult struct {
	Test    uuid.UUID // zero for one that was given
	Given   int       // its place among Tests, then Cases; -1 for the tenant's own
	Name    string
	Passed  bool
	Staff   uuid.UUID // zero for an app, or when it passed
	Row     Object    // empty when there is none, or when it may not be read
	Rows    int
	Rule    uuid.UUID // zero in a draft that is not saved
	Added   int       // the place among the draft's added rules of the one that decides; -1 for none of them
	Message policy.Text
}

func (in *Trial) validate() error {
	var refused fault.List
	one := func(field, reason, zh, en string) {
		refused = append(refused, fault.Invalid(field, reason, fault.Text{ZH: zh, EN: en}, fault.Text{}))
	}
	if in.Version != nil && in.Draft != nil {
		one("draft", "VERSION_OR_DRAFT", "版本与草案只能给出其一", "give a version or a draft, not both")
	}
	if len(in.Tests) > maxTrialTests {
		one("tests", "TOO_MANY", fmt.Sprintf("一次最多 %d 条", maxTrialTests), fmt.Sprintf("at most %d at once", maxTrialTests))
	}
	if len(in.Cases) > maxTrialCases {
		one("cases", "TOO_MANY", fmt.Sprintf("一次最多 %d 条", maxTrialCases), fmt.Sprintf("at most %d at once", maxTrialCases))
	}
	if len(refused) > 0 {
		return refused
	}
	add := func(err error, from, to string) error {
		list, ok := fault.As(err)
		if err != nil && !ok {
			return err
		}
		refused = append(refused, moved(list, from, to)...)
		return nil
	}
	if in.Draft != nil {
		if err := add(in.Draft.Validate(), "input.", "draft."); err != nil {
			return err
		}
	}
	for i := range in.Tests {
		if err := add(in.Tests[i].Validate(), "input.", fmt.Sprintf("tests.%d.", i)); err != nil {
			return err
		}
	}
	for i := range in.Cases {
		if err := add(in.Cases[i].validate(), "", fmt.Sprintf("cases.%d.", i)); err != nil {
			return err
		}
	}
	return refused.Err()
}

// moved are refusals at other fields.
func moved(list fault.List, from, to string) (out fault.List) {
	for _, e := range list {
		out = append(out, e.At(to+strings.TrimPrefix(e.Field, from)))
	}
	return out
}

func movedError(err error, from, to string) error {
	if list, ok := fault.As(err); ok {
		return moved(list, from, to)
	}
	return err
}

// PolicyTestRun: permission policy.read; for a draft policy.write as well. Every active assertion of the tenant and those given, under
// the policy in question, with the organisation, people, bindings and rows of now. Nothing is saved. NOT_FOUND; INVALID_INPUT
// POLICY_REFUSED when a version does not compile with the roles of now, else at draft, tests.N and cases.N as PolicyDraft, PolicyTestAdd
// and ExplainAccess refuse.
func (s *Service) PolicyTestRun(ctx context.Context, session *tenancy.Session, in Trial) (out []TestResult, err error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	asked := question{name: "policy.testRun"}
	if in.Version != nil {
		asked.about = Object{typeVersion, *in.Version}
	}
	err = s.asking(ctx, session, asked, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if err := mayReadRules(rights); err != nil {
			return err
		}
		t := trial{tx: tx, rights: rights}
		if err := t.subject(ctx, in); err != nil {
			return err
		}
		tests, err := assertion.Active(ctx, tx)
		if err != nil {
			return err
		}
		own := len(tests)
		for i := range in.Tests {
			if err := referred(ctx, tx, rights, in.Tests[i]); err != nil {
				return movedError(err, "input.", fmt.Sprintf("tests.%d.", i))
			}
			test := in.Tests[i].test()
			test.ID = uuid.New() // only to tell them apart
			tests = append(tests, test)
		}
		if out, err = t.assertions(ctx, tests, own); err != nil {
			return err
		}
		for i := range in.Cases {
			r, err := t.decision(ctx, &in.Cases[i])
			if err != nil {
				return movedError(err, "", fmt.Sprintf("cases.%d.", i))
			}
			r.Given = len(in.Tests) + i
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// trial is the policy that is tried.
type trial struct {
	tx     *tenancy.Tx
	rights *policy.Rights // of the one who asks
	draft  assertion.Draft
	saved  bool
	first  int // rules before those that the draft adds
	table  *policy.Table
	org    *policy.Org
}

func (t *trial) subject(ctx context.Context, in Trial) error {
	if in.Draft != nil {
		for _, q := range []struct {
			object policy.Object
			action policy.Action
		}{{policy.OnPolicy, policy.PolicyWrite}, {policy.PolicyRules, policy.Write}} {
			if d := t.rights.Decide(q.object, q.action, &policy.Row{}); !d.Allow {
				return fault.Forbidden(string(d.Reason), fault.Text(d.Reason.Label()), "", fault.Text(d.Reason.Remedy()))
			}
		}
		d, err := drafted(ctx, t.tx, *in.Draft)
		if err != nil {
			return movedError(err, "input.", "draft.")
		}
		t.draft, t.first = assertion.Draft{Rules: d.rules, Classes: d.classes}, len(d.rules)-len(in.Draft.Add)
	} else {
		v, err := versionInForce(ctx, t.tx)
		if err == nil && in.Version != nil {
			v, err = versionByID(ctx, t.tx, *in.Version)
		}
		if err != nil {
			return err
		}
		if v == nil {
			return fault.NotFound(typeVersion)
		}
		if t.draft.Rules, err = access.Rules(ctx, t.tx, v.ID); err != nil {
			return err
		}
		if t.draft.Classes, err = access.Classes(ctx, t.tx, v.ID); err != nil {
			return err
		}
		t.saved, t.first = true, len(t.draft.Rules)
	}
	inherits, err := access.Inherits(ctx, t.tx)
	if err != nil {
		return err
	}
	t.table, err = policy.CompileWith(0, t.draft.Rules, inherits, t.draft.Classes)
	var bad *policy.CompileError
	if errors.As(err, &bad) {
		return fault.Invalid("policyVersionId", "POLICY_REFUSED", fault.Text{ZH: "该版本按现有角色无法编译", EN: "the version does not compile with the roles of now"}, fault.Text{})
	}
	if err != nil {
		return wrap("compile", err)
	}
	t.org, err = access.Organisation(ctx, t.tx)
	return err
}

// assertions: the first own of them are the tenant's.
func (t *trial) assertions(ctx context.Context, tests []assertion.Test, own int) (out []TestResult, err error) {
	broken, err := assertion.RunDraft(ctx, t.tx, t.draft, tests)
	if err != nil {
		return nil, err
	}
	for n := range tests {
		r := TestResult{Name: tests[n].Name, Passed: true, Given: n - own, Added: -1}
		if i := slices.IndexFunc(broken, func(b assertion.Broken) bool { return b.Test.ID == tests[n].ID }); i >= 0 {
			b := &broken[i]
			r.Passed, r.Staff, r.Rows = false, b.Staff, b.Rows
			t.rule(&r, b.Rule)
			text, err := assertion.Say(ctx, t.tx, t.rights, b)
			if err != nil {
				return nil, err
			}
			r.Message = policy.Text(text)
			shown, err := b.Shown(ctx, t.tx, t.rights)
			if err != nil {
				return nil, err
			}
			if shown {
				r.Row = Object{b.Type, b.Row}
			}
		}
		if n < own {
			r.Test, r.Given = tests[n].ID, -1
		}
		out = append(out, r)
	}
	return out, nil
}

// rule says which rule it is: by its id, or as one of those that the draft adds.
func (t *trial) rule(r *TestResult, rule *policy.Rule) {
	switch {
	case rule == nil:
	case t.saved || rule.Seq <= t.first:
		r.Rule = rule.ID
	default:
		r.Added = rule.Seq - t.first - 1
	}
}

// decision tries a case as ExplainAccess answers a question: by the same facts, and telling no more of what the asker cannot read.
func (t *trial) decision(ctx context.Context, c *Case) (TestResult, error) {
	r := TestResult{Name: c.Name, Added: -1}
	f, _ := access.FactsOf("Staff")
	person, err := f.Row(ctx, t.tx, t.rights, *c.Staff)
	if err != nil {
		return r, err
	}
	if !f.Sees(t.rights, person) {
		return r, fault.NotFound("Staff").At("staffId")
	}
	now := moment{at: t.tx.Now()}
	p, err := now.principal(ctx, t.tx, *c.Staff)
	if err != nil {
		return r, err
	}
	theirs := t.table.Bind(p, t.org, now.at)
	row, seen := &access.Row{}, true
	if c.About != nil {
		f, _ = access.FactsOf(c.About.Type)
		if row, err = now.row(ctx, t.tx, f, theirs, c.About.ID); err != nil {
			return r, err
		}
		if row == nil {
			return r, fault.NotFound(c.About.Type).At("objectId")
		}
		mine, err := f.Row(ctx, t.tx, t.rights, c.About.ID)
		if err != nil {
			return r, err
		}
		seen = f.Sees(t.rights, mine)
	}
	e, _ := judged(theirs, f, c.Question, row, seen)
	if !seen {
		e = veil(e)
	}
	if r.Passed = e.Decision.Allow == c.Allow; r.Passed {
		return r, nil
	}
	r.Staff = *c.Staff
	t.rule(&r, e.Decision.Rule())
	if c.About != nil {
		r.Rows = 1
		if seen {
			r.Row = *c.About
		}
	}
	zh, en := "应为拒绝，实为准许", "is allowed, and ought not to be"
	if c.Allow {
		label := e.Decision.Reason.Label()
		zh, en = "应为准许，实为拒绝："+label.ZH, "is refused, and ought not to be: "+label.EN
	}
	if rule := e.Decision.Rule(); rule != nil {
		said := policy.RuleSentence(rule)
		zh += fmt.Sprintf("（规则 %d：%s）", rule.Seq, said.ZH)
		en += fmt.Sprintf(" (rule %d: %s)", rule.Seq, said.EN)
	}
	r.Message = policy.Text{ZH: zh, EN: en}
	return r, nil
}
