package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/policyfile"
)

type policyTest struct {
	policyFiles `embed:""`
	Server      serverFlags `embed:""`
	Number      int64       `name:"version" placeholder:"N" help:"改为检验此版本；不设则为文件所成的草案，文件没有规则时为现行版本 · Try this version instead; without it the draft that the files make, or the version in force when they have no rules."`
}

// At most so many of each kind go into one request.
const (
	triedTests = 100
	triedCases = 200
)

// Run has the server try the tenant's assertions and those of the files: on a version, or on the draft that the files would make of the
// one in force. Nothing is drafted.
func (c *policyTest) Run(p *program) error {
	files, err := c.read(p)
	if err != nil {
		return err
	}
	r, err := c.Server.connect(p)
	if err != nil {
		return err
	}
	v, err := r.version(p.ctx, c.Number)
	if err != nil {
		return err
	}
	t := trial{remote: r, about: map[string]any{"version": v.ID}}
	what := fault.Text{ZH: fmt.Sprintf("版本 %d", v.Number), EN: fmt.Sprintf("version %d", v.Number)}
	if c.Number == 0 && len(files.Rules) > 0 {
		if t.d = policyfile.Compare(v.Policy, files); !t.d.Empty() {
			t.about = map[string]any{"draft": draftInput(v, t.d, "policy test")}
			what = fault.Text{ZH: fmt.Sprintf("文件依据版本 %d 所成的草案", v.Number), EN: fmt.Sprintf("the draft that the files make of version %d", v.Number)}
		}
	}
	fmt.Fprintf(p.stdout, "检验%s · trying %s\n", what.ZH, what.EN)
	results, err := t.run(p.ctx, files.Tests)
	if err != nil {
		return err
	}
	failed := 0
	for _, x := range results {
		if x.Passed {
			fmt.Fprintf(p.stdout, "ok   %s\n", x.Name)
			continue
		}
		failed++
		fmt.Fprintf(p.stdout, "FAIL %s%s: %s%s\n", x.place, x.Name, x.Message, x.rule)
	}
	fmt.Fprintf(p.stdout, "%d 个断言，%d 个不成立 · %d assertions, %d do not hold\n", len(results), failed, len(results), failed)
	if failed > 0 {
		return differs{}
	}
	return nil
}

// trial is what assertions are tried on.
type trial struct {
	*remote
	about map[string]any        // version or draft
	d     policyfile.Difference // that makes the draft
}

// outcome is what came of one assertion; place and rule are lines of the files, where they stand there.
type outcome struct {
	Name, Message string
	Passed        bool
	place, rule   string
}

// run gives the tenant's own assertions first.
func (t trial) run(ctx context.Context, all []policyfile.Test) (out []outcome, err error) {
	var tests, cases []policyfile.Test
	for _, x := range all {
		if x.Expectation != "" {
			tests = append(tests, x)
		} else {
			cases = append(cases, x)
		}
	}
	for first := true; first || len(tests)+len(cases) > 0; first = false {
		some, others := tests[:min(len(tests), triedTests)], cases[:min(len(cases), triedCases)]
		tests, cases = tests[len(some):], cases[len(others):]
		found, err := t.once(ctx, some, others, first)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (t trial) once(ctx context.Context, tests, cases []policyfile.Test, own bool) (out []outcome, err error) {
	variables := map[string]any{}
	for key, value := range t.about {
		variables[key] = value
	}
	given := append(append([]policyfile.Test{}, tests...), cases...)
	asTests, asCases := []any{}, []any{}
	for _, x := range tests {
		asTests = append(asTests, testInput(x))
	}
	for _, x := range cases {
		one := map[string]any{"name": x.Name, "staffId": x.Staff, "object": x.Object, "action": x.Action, "allow": x.Allow}
		if x.About != "" {
			one["objectId"] = x.About
		}
		asCases = append(asCases, one)
	}
	variables["tests"], variables["cases"] = asTests, asCases
	var answer struct {
		PolicyTestRun []struct {
			Name, Message    string
			Passed           bool
			Given, AddedRule *int
		}
	}
	err = t.ask(ctx, `query ($version: ID, $draft: PolicyDraftInput, $tests: [PolicyTestAddInput!], $cases: [PolicyCaseInput!]) {
		policyTestRun(policyVersionId: $version, draft: $draft, tests: $tests, cases: $cases) { name given passed addedRule message } }`, variables, &answer)
	var refused *refusal
	if errors.As(err, &refused) {
		return nil, t.refused(refused, tests, cases)
	}
	if err != nil {
		return nil, err
	}
	for _, x := range answer.PolicyTestRun {
		o := outcome{Name: x.Name, Message: x.Message, Passed: x.Passed, place: "policyTests "}
		if x.Given != nil {
			at := given[*x.Given]
			o.place = fmt.Sprintf("%s:%d ", at.File, at.Line)
		} else if !own {
			continue
		}
		if x.AddedRule != nil {
			at := t.d.Add[*x.AddedRule]
			o.rule = fmt.Sprintf(" ← %s:%d", at.File, at.Line)
		}
		out = append(out, o)
	}
	return out, nil
}

func testInput(x policyfile.Test) map[string]any {
	out := map[string]any{"name": x.Name, "expectation": x.Expectation, "object": x.Object, "action": x.Action, "rowCondition": x.RowCondition, "clause": x.Clause}
	for key, value := range map[string]string{
		"roleKey": x.Role, "staffId": x.Staff, "staffDepartmentId": x.StaffDepartment, "rowCompanyId": x.RowCompany, "rowDepartmentId": x.RowDepartment, "rowOwn": x.RowOwn,
	} {
		if value != "" {
			out[key] = value
		}
	}
	return out
}

// refused says what the server refuses at the lines of the files.
func (t trial) refused(r *refusal, tests, cases []policyfile.Test) error {
	var said []string
	for _, e := range r.fields {
		place := placed(t.d, e.field)
		parts := strings.Split(e.field, ".")
		for i := range len(parts) - 1 {
			n, err := strconv.Atoi(parts[i+1])
			if err != nil {
				continue
			}
			for name, of := range map[string][]policyfile.Test{"tests": tests, "cases": cases} {
				if parts[i] == name && n < len(of) {
					place = fmt.Sprintf("%s:%d: ", of[n].File, of[n].Line)
				}
			}
		}
		if place != "" {
			said = append(said, place+e.says)
		}
	}
	if len(said) == 0 {
		return r
	}
	text := strings.Join(said, "\n")
	return &trouble{
		message: fault.Text{ZH: "服务器未接受：\n" + text, EN: "the server refused:\n" + text},
		remedy:  fault.Text{ZH: "请更正所列的行", EN: "mend the lines named"},
	}
}
