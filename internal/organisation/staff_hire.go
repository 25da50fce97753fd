package organisation

import (
	"context"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/pinyin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// StaffHire makes a staff member with the primary employment, which begins now. HiredOn is the day of the labour contract
// (midnight UTC) and decides nothing.
type StaffHire struct {
	Number     string
	Name       string
	Phone      *string
	Email      *string
	HiredOn    *time.Time
	Department uuid.UUID
	Position   *uuid.UUID
	Superior   *uuid.UUID
}

// Validate trims texts and reports all field errors at once.
func (in *StaffHire) Validate() error {
	var c input.Checks
	in.Number = c.Line("input.number", in.Number, 40)
	in.Name = c.Line("input.name", in.Name, maxPerson)
	in.Phone = c.OptionalLine("input.phone", in.Phone, 40)
	c.Phone("input.phone", in.Phone)
	in.Email = c.OptionalLine("input.email", in.Email, 254)
	c.Email("input.email", in.Email)
	c.Day("input.hiredOn", in.HiredOn)
	return c.Err()
}

// StaffHire: permission staff.hire at the department. CONFLICT when the number is taken.
func (s *Service) StaffHire(ctx context.Context, session *tenancy.Session, in StaffHire, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, staffHire(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		d, err := referDepartment(ctx, w, "input.departmentId", in.Department)
		if err != nil {
			return act.Result{}, err
		}
		place := &policy.Row{Company: d.CompanyID, Department: d.ID}
		if err := require(w, act.Subject{Type: typeStaff}, place, policy.StaffDirectory, policy.StaffPersonnel); err != nil {
			return act.Result{}, err
		}
		if err := referPosition(ctx, w, "input.positionId", in.Position, d); err != nil {
			return act.Result{}, err
		}
		if _, err := referStaff(ctx, w, "input.superiorId", in.Superior); err != nil {
			return act.Result{}, err
		}
		hired, err := w.Ent().Staff.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetNumber(in.Number).SetName(in.Name).SetPinyin(pinyin.PersonKey(in.Name)).
			SetNillablePhone(in.Phone).SetNillableEmail(in.Email).SetNillableHiredOn(in.HiredOn).SetCompanyID(d.CompanyID).SetDepartmentID(d.ID).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, taken(wrap("write staff", err), "staff_tenant_id_number_key", "input.number", "NUMBER_TAKEN",
				fault.Text{ZH: "该工号已被使用", EN: "another staff member has this number"})
		}
		e, err := employ(ctx, w, hired.ID, d, in.Position, in.Superior)
		if err != nil {
			return act.Result{}, err
		}
		changes := changed(nil, "number", nil, &hired.Number)
		changes = changed(changes, "name", nil, &hired.Name)
		changes = append(changes, employmentChanges(nil, e)...)
		return act.Result{Subject: act.Subject{Type: typeStaff, ID: hired.ID, Version: hired.Version}, Snapshot: staffSnapshot(hired, e), Changes: changes}, nil
	})
}

// employ begins a primary employment now.
func employ(ctx context.Context, w *act.Work, staffID uuid.UUID, d *entdb.Department, position, superior *uuid.UUID) (*entdb.Employment, error) {
	e, err := w.Ent().Employment.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetStaffID(staffID).SetCompanyID(d.CompanyID).SetDepartmentID(d.ID).
		SetNillablePositionID(position).SetNillableSuperiorID(superior).SetIsPrimary(true).SetValidFrom(w.Now()).
		SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
	return e, wrap("write employment", err)
}

func employmentChanges(before, after *entdb.Employment) []act.Change {
	if before == nil {
		before = &entdb.Employment{}
	}
	var company, department *uuid.UUID
	if before.DepartmentID != uuid.Nil {
		company, department = &before.CompanyID, &before.DepartmentID
	}
	changes := changed(nil, "companyId", company, &after.CompanyID)
	changes = changed(changes, "departmentId", department, &after.DepartmentID)
	changes = changed(changes, "positionId", before.PositionID, after.PositionID)
	return changed(changes, "superiorId", before.SuperiorID, after.SuperiorID)
}
