package organisation

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// DepartmentOpen opens a unit of a company, below another unit of the same company or at its top.
type DepartmentOpen struct {
	Company uuid.UUID
	Name    string
	Kind    string // of DepartmentKinds
	Parent  *uuid.UUID
}

// DepartmentKinds: 部门, 科室, 区域, 门店, 支行.
func DepartmentKinds() []string {
	return []string{"DEPARTMENT", "SECTION", "REGION", "STORE", "BRANCH"}
}

// Validate trims texts and reports all field errors at once.
func (in *DepartmentOpen) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, maxName)
	c.OneOf("input.kind", in.Kind, DepartmentKinds()...)
	return c.Err()
}

// DepartmentOpen: permission department.open at the company and parent.
func (s *Service) DepartmentOpen(ctx context.Context, session *tenancy.Session, in DepartmentOpen, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, departmentOpen(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, err := referCompany(ctx, w, "input.companyId", in.Company)
		if err != nil {
			return act.Result{}, err
		}
		if err := requireDepartmentPlace(ctx, w, c.ID, in.Parent); err != nil {
			return act.Result{}, err
		}
		d, err := w.Ent().Department.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetCompanyID(c.ID).SetNillableParentID(in.Parent).
			SetKind(in.Kind).SetName(in.Name).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write department", err)
		}
		changes := changed(nil, "name", nil, &d.Name)
		changes = changed(changes, "kind", nil, &d.Kind)
		changes = changed(changes, "companyId", nil, &d.CompanyID)
		changes = changed(changes, "parentId", nil, d.ParentID)
		return act.Result{Subject: act.Subject{Type: typeDepartment, ID: d.ID, Version: d.Version}, Snapshot: departmentSnapshot(d), Changes: changes}, nil
	})
}

// requireDepartmentPlace asks for the act where a department is to stand. Without a parent no department-wide right reaches it.
func requireDepartmentPlace(ctx context.Context, w *act.Work, companyID uuid.UUID, parentID *uuid.UUID) error {
	place := &policy.Row{Company: companyID}
	if parentID != nil {
		parent, err := referParent(ctx, w, companyID, *parentID)
		if err != nil {
			return err
		}
		place.Department = parent.ID
	}
	return require(w, act.Subject{Type: typeDepartment}, place, policy.OrganisationList)
}

func referParent(ctx context.Context, w *act.Work, companyID, parentID uuid.UUID) (*entdb.Department, error) {
	parent, err := referDepartment(ctx, w, "input.parentId", parentID)
	if err != nil {
		return nil, err
	}
	if parent.CompanyID != companyID {
		return nil, fault.Invalid("input.parentId", "PARENT_OF_ANOTHER_COMPANY",
			fault.Text{ZH: "上级部门不属于同一公司", EN: "the parent is a department of another company"}, fault.Text{})
	}
	return parent, nil
}
