package resolver

import (
	"context"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
)

// PolicyTestAdd resolves policyTestAdd.
func (r Policy) PolicyTestAdd(ctx context.Context, from model.PolicyTestAddInput, key string) (p model.PolicyTestAddPayload, err error) {
	var d decoder
	in := policyadmin.PolicyTestAdd{
		Name: from.Name, Expectation: string(from.Expectation), RoleKey: from.RoleKey, Staff: d.optional(id.Staff, "input.staffId", from.StaffID),
		StaffDepartment: d.optional(id.Department, "input.staffDepartmentId", from.StaffDepartmentID), Object: from.Object, Action: from.Action,
		RowCompany:    d.optional(id.Company, "input.rowCompanyId", from.RowCompanyID),
		RowDepartment: d.optional(id.Department, "input.rowDepartmentId", from.RowDepartmentID),
		RowCondition:  given(from.RowCondition), Clause: given(from.Clause),
	}
	if from.RowOwn != nil {
		in.RowOwn = string(*from.RowOwn)
	}
	p.PolicyTest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyTestAdd(ctx, s, in, key)
	})
	return p, err
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
func (r PolicyQuestions) PolicyTestRun(ctx context.Context, version string) ([]*model.PolicyTestResult, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	of := d.id(id.PolicyVersion, "policyVersionId", version)
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	results, err := r.Service.PolicyTestRun(ctx, s, of)
	if err != nil {
		return nil, err
	}
	out := make([]*model.PolicyTestResult, len(results))
	for i, x := range results {
		out[i] = &model.PolicyTestResult{
			Test: ref("PolicyTest", x.Test), Passed: x.Passed, Staff: ref("Staff", x.Staff), Rows: x.Rows, Rule: ref("PolicyRule", x.Rule),
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
