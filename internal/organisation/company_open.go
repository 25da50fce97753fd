package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/creditcode"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Lengths of names, as the database has them.
const (
	maxName   = 200
	maxPerson = 100
	maxReason = 2000
)

// CompanyOpen opens a company below another one, or as a root of the tenant's tree.
type CompanyOpen struct {
	Name                string
	Parent              *uuid.UUID
	UnifiedCreditCode   *string
	LegalRepresentative *string
}

// Validate trims texts and reports all field errors at once.
func (in *CompanyOpen) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, maxName)
	in.UnifiedCreditCode = creditCode(&c, in.UnifiedCreditCode)
	in.LegalRepresentative = c.OptionalLine("input.legalRepresentative", in.LegalRepresentative, maxPerson)
	return c.Err()
}

// creditCode refuses a code that the standard does not allow (GB 32100-2015); an empty one is none.
func creditCode(c *input.Checks, code *string) *string {
	if code == nil || *code == "" {
		return nil
	}
	c.Add(creditcode.Validate("input.unifiedCreditCode", *code))
	return code
}

// CompanyOpen: permission company.open at the parent (tenant-wide for a root). CONFLICT when the credit code is taken.
func (s *Service) CompanyOpen(ctx context.Context, session *tenancy.Session, in CompanyOpen, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, companyOpen(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		place := &policy.Row{}
		if in.Parent != nil {
			parent, err := referCompany(ctx, w, "input.parentId", *in.Parent)
			if err != nil {
				return act.Result{}, err
			}
			place.Company = parent.ID
		}
		if err := require(w, act.Subject{Type: typeCompany}, place, policy.OrganisationList); err != nil {
			return act.Result{}, err
		}
		c, err := w.Ent().Company.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetNillableParentID(in.Parent).SetName(in.Name).
			SetNillableUnifiedCreditCode(in.UnifiedCreditCode).SetNillableLegalRepresentative(in.LegalRepresentative).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, creditCodeTaken(err)
		}
		changes := changed(nil, "name", nil, &c.Name)
		changes = changed(changes, "unifiedCreditCode", nil, c.UnifiedCreditCode)
		changes = changed(changes, "legalRepresentative", nil, c.LegalRepresentative)
		changes = changed(changes, "parentId", nil, c.ParentID)
		return act.Result{Subject: act.Subject{Type: typeCompany, ID: c.ID, Version: c.Version}, Snapshot: companySnapshot(c), Changes: changes}, nil
	})
}

func creditCodeTaken(err error) error {
	return taken(wrap("write company", err), "companies_credit_code", "input.unifiedCreditCode", "CREDIT_CODE_TAKEN",
		fault.Text{ZH: "该统一社会信用代码已登记为另一家公司", EN: "another company has this unified social credit code"})
}
