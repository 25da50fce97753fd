package organisation

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/company"
	"github.com/clientele/clientele/ent/db/department"
	"github.com/clientele/clientele/ent/db/employment"
	"github.com/clientele/clientele/ent/db/position"
	"github.com/clientele/clientele/ent/db/staff"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// States, as stored.
const (
	stateActive     = "active"
	companyGone     = "dissolved"
	departmentGone  = "closed"
	staffGone       = "left"
	positionInForce = "in_force"
)

// companyRow and the others give what policy may know of a row. A company and a department stand in themselves.
func companyRow(c *entdb.Company) *policy.Row {
	return &policy.Row{ID: c.ID, Company: c.ID, State: c.State}
}

func departmentRow(d *entdb.Department) *policy.Row {
	return &policy.Row{ID: d.ID, Company: d.CompanyID, Department: d.ID, Kind: d.Kind, State: d.State}
}

func staffRow(s *entdb.Staff) *policy.Row {
	return &policy.Row{ID: s.ID, Staff: s.ID, Company: value(s.CompanyID), Department: value(s.DepartmentID), State: s.State}
}

// loadCompany is the company that an act is on.
func loadCompany(ctx context.Context, w *act.Work, id uuid.UUID) (*entdb.Company, error) {
	c, err := w.Ent().Company.Query().Where(company.TenantID(w.Tenant()), company.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, w.Absent(typeCompany, id)
	}
	return c, wrap("company", err)
}

func loadDepartment(ctx context.Context, w *act.Work, id uuid.UUID) (*entdb.Department, error) {
	d, err := w.Ent().Department.Query().Where(department.TenantID(w.Tenant()), department.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, w.Absent(typeDepartment, id)
	}
	return d, wrap("department", err)
}

func loadStaff(ctx context.Context, w *act.Work, id uuid.UUID) (*entdb.Staff, error) {
	s, err := w.Ent().Staff.Query().Where(staff.TenantID(w.Tenant()), staff.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, w.Absent(typeStaff, id)
	}
	return s, wrap("staff", err)
}

// referCompany is a company that an input refers to: seen by the actor, and active.
func referCompany(ctx context.Context, w *act.Work, field string, id uuid.UUID) (*entdb.Company, error) {
	c, err := w.Ent().Company.Query().Where(company.TenantID(w.Tenant()), company.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) || err == nil && !readable(w, policy.OnOrganisation, companyRow(c)) {
		return nil, absentReference(field)
	}
	if err == nil && c.State != stateActive {
		return nil, fault.Invalid(field, "COMPANY_DISSOLVED", fault.Text{ZH: "该公司已注销", EN: "the company is dissolved"}, fault.Text{})
	}
	return c, wrap("company", err)
}

func referDepartment(ctx context.Context, w *act.Work, field string, id uuid.UUID) (*entdb.Department, error) {
	d, err := w.Ent().Department.Query().Where(department.TenantID(w.Tenant()), department.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) || err == nil && !readable(w, policy.OnOrganisation, departmentRow(d)) {
		return nil, absentReference(field)
	}
	if err == nil && d.State != stateActive {
		return nil, fault.Invalid(field, "DEPARTMENT_CLOSED", fault.Text{ZH: "该部门已撤销", EN: "the department is closed"}, fault.Text{})
	}
	return d, wrap("department", err)
}

// referStaff is a staff member who still works for the tenant; nil for no reference.
func referStaff(ctx context.Context, w *act.Work, field string, id *uuid.UUID) (*entdb.Staff, error) {
	if id == nil {
		return nil, nil
	}
	s, err := w.Ent().Staff.Query().Where(staff.TenantID(w.Tenant()), staff.ID(*id)).Only(ctx)
	if entdb.IsNotFound(err) || err == nil && !readable(w, policy.OnStaff, staffRow(s)) {
		return nil, absentReference(field)
	}
	if err == nil && s.State == staffGone {
		return nil, fault.Invalid(field, "STAFF_HAS_LEFT", fault.Text{ZH: "该员工已离职", EN: "the staff member has left"}, fault.Text{})
	}
	return s, wrap("staff", err)
}

// referPosition is a position in force of the department; nil for no reference.
func referPosition(ctx context.Context, w *act.Work, field string, id *uuid.UUID, in *entdb.Department) error {
	if id == nil {
		return nil
	}
	p, err := w.Ent().Position.Query().Where(position.TenantID(w.Tenant()), position.ID(*id)).Only(ctx)
	switch {
	case entdb.IsNotFound(err):
		return absentReference(field)
	case err != nil:
		return wrap("position", err)
	case p.DepartmentID != in.ID:
		return fault.Invalid(field, "POSITION_OF_ANOTHER_DEPARTMENT", fault.Text{ZH: "该岗位不属于所选部门", EN: "the position is one of another department"}, fault.Text{})
	case p.State != positionInForce:
		return fault.Invalid(field, "POSITION_NOT_IN_FORCE", fault.Text{ZH: "该岗位未生效", EN: "the position is not in force"}, fault.Text{})
	}
	return nil
}

// primary is the open primary employment; nil when there is none.
func primary(ctx context.Context, w *act.Work, staffID uuid.UUID) (*entdb.Employment, error) {
	e, err := w.Ent().Employment.Query().
		Where(employment.TenantID(w.Tenant()), employment.StaffID(staffID), employment.IsPrimary(true), employment.ValidUntilIsNil()).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	return e, wrap("employment", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("organisation: %s: %w", what, err)
}
