package organisation

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/company"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// CompanyChange changes what is given; null clears.
type CompanyChange struct {
	Company             uuid.UUID
	ExpectedVersion     int64
	Name                input.Optional[string]
	Parent              input.Optional[uuid.UUID]
	UnifiedCreditCode   input.Optional[string]
	LegalRepresentative input.Optional[string]
}

// Validate trims texts and reports all field errors at once.
func (in *CompanyChange) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Name = c.MaybeLine("input.name", in.Name, maxName)
	input.Required(&c, "input.name", in.Name)
	in.UnifiedCreditCode.Value = creditCode(&c, in.UnifiedCreditCode.Value)
	in.LegalRepresentative = c.MaybeLine("input.legalRepresentative", in.LegalRepresentative, maxPerson)
	return c.Err()
}

// CompanyChange: permission company.change at the company, and at a new parent (tenant-wide to become a root).
// INVALID_INPUT CYCLE when the new parent is the company or below it.
func (s *Service) CompanyChange(ctx context.Context, session *tenancy.Session, in CompanyChange, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, companyChange(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
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
		after := *before
		if in.Name.Given {
			after.Name = *in.Name.Value
		}
		if in.UnifiedCreditCode.Given {
			after.UnifiedCreditCode = in.UnifiedCreditCode.Value
		}
		if in.LegalRepresentative.Given {
			after.LegalRepresentative = in.LegalRepresentative.Value
		}
		if in.Parent.Given && !same(in.Parent.Value, before.ParentID) {
			if err := mayMoveCompany(ctx, w, before, in.Parent.Value); err != nil {
				return act.Result{}, err
			}
			after.ParentID = in.Parent.Value
		}
		if err := saveCompany(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		changes := changed(nil, "name", &before.Name, &after.Name)
		changes = changed(changes, "unifiedCreditCode", before.UnifiedCreditCode, after.UnifiedCreditCode)
		changes = changed(changes, "legalRepresentative", before.LegalRepresentative, after.LegalRepresentative)
		changes = changed(changes, "parentId", before.ParentID, after.ParentID)
		return act.Result{Subject: subject, Snapshot: companySnapshot(&after), Changes: changes}, nil
	})
}

func mayMoveCompany(ctx context.Context, w *act.Work, c *entdb.Company, parent *uuid.UUID) error {
	place := &policy.Row{}
	if parent != nil {
		p, err := referCompany(ctx, w, "input.parentId", *parent)
		if err != nil {
			return err
		}
		place.Company = p.ID
		if err := acyclic(ctx, w, aboveCompany, "input.parentId", c.ID, p.ID); err != nil {
			return err
		}
	}
	return require(w, act.Subject{Type: typeCompany}, place, policy.OrganisationList)
}

func activeCompany(c *entdb.Company) error {
	if c.State != stateActive {
		return fault.State("COMPANY_DISSOLVED", fault.Text{ZH: "公司已注销，不能再变更", EN: "the company is dissolved and no longer changes"}, fault.Text{})
	}
	return nil
}

// saveCompany writes after over before and counts the version up on both sides.
func saveCompany(ctx context.Context, w *act.Work, before, after *entdb.Company) error {
	u := w.Ent().Company.Update().Where(company.TenantID(w.Tenant()), company.ID(before.ID), company.Version(before.Version)).
		SetName(after.Name).SetState(after.State).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	put(after.ParentID, u.SetParentID, u.ClearParentID)
	put(after.UnifiedCreditCode, u.SetUnifiedCreditCode, u.ClearUnifiedCreditCode)
	put(after.LegalRepresentative, u.SetLegalRepresentative, u.ClearLegalRepresentative)
	n, err := u.Save(ctx)
	if err != nil {
		return creditCodeTaken(err)
	}
	if n != 1 {
		return fault.Stale(before.Version + 1)
	}
	after.Version = before.Version + 1
	return nil
}
