package resolver

import (
	"context"
	"fmt"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PolicyTestAdd resolves policyTestAdd.
func (r Policy) PolicyTestAdd(ctx context.Context, from model.PolicyTestAddInput, key string) (p model.PolicyTestAddPayload, err error) {
	var d decoder
	in := assertionOf(&d, from, "input.")
	p.PolicyTest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyTestAdd(ctx, s, in, key)
	})
	return p, err
}

// assertionOf reads an assertion; at is what its fields' names begin with.
func assertionOf(d *decoder, from model.PolicyTestAddInput, at string) policyadmin.PolicyTestAdd {
	in := policyadmin.PolicyTestAdd{
		Name: from.Name, Expectation: string(from.Expectation), RoleKey: from.RoleKey, Staff: d.optional(id.Staff, at+"staffId", from.StaffID),
		StaffDepartment: d.optional(id.Department, at+"staffDepartmentId", from.StaffDepartmentID), Object: from.Object, Action: from.Action,
		RowCompany:    d.optional(id.Company, at+"rowCompanyId", from.RowCompanyID),
		RowDepartment: d.optional(id.Department, at+"rowDepartmentId", from.RowDepartmentID),
		RowCondition:  given(from.RowCondition), Clause: given(from.Clause),
	}
	if from.RowOwn != nil {
		in.RowOwn = string(*from.RowOwn)
	}
	return in
}

// PolicyTestRetire resolves policyTestRetire.
func (r Policy) PolicyTestRetire(ctx context.Context, from model.PolicyTestRetireInput, key string) (p model.PolicyTestRetirePayload, err error) {
	var d decoder
	in := policyadmin.PolicyTestRetire{
		PolicyTest:      d.id(id.PolicyTest, "input.policyTestId", from.PolicyTestID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.PolicyTest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyTestRetire(ctx, s, in, key)
	})
	return p, err
}

// PolicyTestRun resolves policyTestRun.
func (r PolicyQuestions) PolicyTestRun(ctx context.Context, version *string, draft *model.PolicyDraftInput, tests []*model.PolicyTestAddInput, cases []*model.PolicyCaseInput) ([]*model.PolicyTestResult, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	in := policyadmin.Trial{Version: d.optional(id.PolicyVersion, "policyVersionId", version)}
	if draft != nil {
		made := draftOf(*draft)
		in.Draft = &made
	}
	for i, t := range tests {
		in.Tests = append(in.Tests, assertionOf(&d, *t, fmt.Sprintf("tests.%d.", i)))
	}
	for i, c := range cases {
		staff := d.id(id.Staff, fmt.Sprintf("cases.%d.staffId", i), c.StaffID)
		one := policyadmin.Case{Name: c.Name, Allow: c.Allow, Question: policyadmin.Question{Staff: &staff, Object: policy.Object(c.Object), Action: policy.Action(c.Action)}}
		if c.ObjectID != nil {
			about := d.object(fmt.Sprintf("cases.%d.objectId", i), *c.ObjectID)
			one.About = &about
		}
		in.Cases = append(in.Cases, one)
	}
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	results, err := r.Service.PolicyTestRun(ctx, s, in)
	if err != nil {
		return nil, err
	}
	out := make([]*model.PolicyTestResult, len(results))
	for i, x := range results {
		out[i] = &model.PolicyTestResult{
			Test: ref("PolicyTest", x.Test), Name: x.Name, Given: placed(x.Given), AddedRule: placed(x.Added), Passed: x.Passed, Staff: ref("Staff", x.Staff), Rows: x.Rows, Rule: ref("PolicyRule", x.Rule),
			Message: filled(fault.Text(x.Message).In(s.Language)),
		}
		switch x.Row.Type {
		case "Client":
			out[i].RowClient = ref(x.Row.Type, x.Row.ID)
		case "Contract":
			out[i].RowContract = ref(x.Row.Type, x.Row.ID)
		}
	}
	return out, nil
}

// placed is nil for no place.
func placed(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}
