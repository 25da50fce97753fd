package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// CompanyDissolve ends a company for good.
type CompanyDissolve struct {
	Company         uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *CompanyDissolve) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

const companyHolds = `SELECT
	EXISTS (SELECT FROM companies WHERE tenant_id = $1 AND parent_id = $2 AND state = 'active'),
	EXISTS (SELECT FROM departments WHERE tenant_id = $1 AND company_id = $2 AND state = 'active')`

// CompanyDissolve: permission company.dissolve. INVALID_STATE while it has an active subsidiary or an open department.
func (s *Service) CompanyDissolve(ctx context.Context, session *tenancy.Session, in CompanyDissolve, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, companyDissolve(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := loadCompany(ctx, w, in.Company)
		if err != nil {
			return act.Result{}, err
		}
		subject := act.Subject{Type: typeCompany, ID: before.ID, Version: before.Version + 1}
		if err := require(w, subject, companyRow(before), policy.OrganisationList); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		if err := activeCompany(before); err != nil {
			return act.Result{}, err
		}
		var subsidiaries, departments bool
		if err := w.QueryRow(ctx, companyHolds, w.Tenant(), before.ID).Scan(&subsidiaries, &departments); err != nil {
			return act.Result{}, wrap("what the company holds", err)
		}
		var held fault.List
		if subsidiaries {
			held = append(held, fault.State("COMPANY_HAS_SUBSIDIARIES", fault.Text{ZH: "公司仍有未注销的子公司", EN: "the company has active subsidiaries"},
				fault.Text{ZH: "请先注销或转移子公司", EN: "dissolve or move them first"}))
		}
		if departments {
			held = append(held, fault.State("COMPANY_HAS_DEPARTMENTS", fault.Text{ZH: "公司仍有未撤销的部门", EN: "the company has open departments"},
				fault.Text{ZH: "请先撤销部门", EN: "close them first"}))
		}
		if err := held.Err(); err != nil {
			return act.Result{}, err
		}
		after := *before
		after.State = companyGone
		if err := saveCompany(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		changes := append(changed(nil, "state", &before.State, &after.State), act.Change{Field: "reason", New: in.Reason})
		return act.Result{Subject: subject, Snapshot: companySnapshot(&after), Changes: changes}, nil
	})
}
