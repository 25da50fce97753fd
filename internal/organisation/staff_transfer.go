package organisation

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/employment"
	"github.com/clientele/clientele/ent/db/staff"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// StaffTransfer ends the primary employment and begins another one. Without position or superior the new one has none.
type StaffTransfer struct {
	Staff           uuid.UUID
	ExpectedVersion int64
	Department      uuid.UUID
	Position        *uuid.UUID
	Superior        *uuid.UUID
}

// Validate reports all field errors at once.
func (in *StaffTransfer) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// StaffTransfer: permission staff.transfer where the staff member is and where he goes. INVALID_INPUT CYCLE when the new
// superior is the staff member or below him; INVALID_STATE STAFF_HAS_LEFT.
func (s *Service) StaffTransfer(ctx context.Context, session *tenancy.Session, in StaffTransfer, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, staffTransfer(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := staffToChange(ctx, w, in.Staff, in.ExpectedVersion)
		if err != nil {
			return act.Result{}, err
		}
		d, err := referDepartment(ctx, w, "input.departmentId", in.Department)
		if err != nil {
			return act.Result{}, err
		}
		destination := &policy.Row{ID: before.ID, Staff: before.ID, Company: d.CompanyID, Department: d.ID, State: before.State}
		if err := require(w, act.Subject{Type: typeStaff}, destination, policy.StaffDirectory); err != nil {
			return act.Result{}, err
		}
		if err := referPosition(ctx, w, "input.positionId", in.Position, d); err != nil {
			return act.Result{}, err
		}
		if err := mayLead(ctx, w, before.ID, in.Superior); err != nil {
			return act.Result{}, err
		}
		old, err := primary(ctx, w, before.ID)
		if err != nil {
			return act.Result{}, err
		}
		if err := endEmployment(ctx, w, old); err != nil {
			return act.Result{}, err
		}
		e, err := employ(ctx, w, before.ID, d, in.Position, in.Superior)
		if err != nil {
			return act.Result{}, err
		}
		after := *before
		after.CompanyID, after.DepartmentID = &d.CompanyID, &d.ID
		if err := saveStaffPlace(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		return act.Result{Subject: act.Subject{Type: typeStaff, ID: after.ID, Version: after.Version}, Snapshot: staffSnapshot(&after, e), Changes: employmentChanges(old, e)}, nil
	})
}

// staffToChange is a staff member whom the actor may act on, at the version expected, who has not left.
func staffToChange(ctx context.Context, w *act.Work, id uuid.UUID, expected int64) (*entdb.Staff, error) {
	s, err := loadStaff(ctx, w, id)
	if err != nil {
		return nil, err
	}
	if err := require(w, act.Subject{Type: typeStaff, ID: s.ID, Version: s.Version}, staffRow(s), policy.StaffDirectory); err != nil {
		return nil, err
	}
	if err := version(expected, s.Version); err != nil {
		return nil, err
	}
	if s.State == staffGone {
		return nil, fault.State("STAFF_HAS_LEFT", fault.Text{ZH: "该员工已离职", EN: "the staff member has left"}, fault.Text{})
	}
	return s, nil
}

// mayLead refuses a superior who is the staff member himself or anybody below him.
func mayLead(ctx context.Context, w *act.Work, staffID uuid.UUID, superior *uuid.UUID) error {
	if superior == nil {
		return nil
	}
	if _, err := referStaff(ctx, w, "input.superiorId", superior); err != nil {
		return err
	}
	return acyclic(ctx, w, aboveStaff, "input.superiorId", staffID, *superior, w.Now())
}

func endEmployment(ctx context.Context, w *act.Work, e *entdb.Employment) error {
	if e == nil {
		return nil
	}
	if !e.ValidFrom.Before(w.Now()) {
		return fault.State("EMPLOYMENT_NOT_BEGUN", fault.Text{ZH: "当前任职尚未开始", EN: "the employment has not begun"}, fault.Text{})
	}
	u := w.Ent().Employment.Update().Where(employment.TenantID(w.Tenant()), employment.ID(e.ID), employment.Version(e.Version)).
		SetValidUntil(w.Now()).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	return act.Once(u.Save(ctx))
}

// saveStaffPlace mirrors the primary employment on the staff row and counts the version up on both sides.
func saveStaffPlace(ctx context.Context, w *act.Work, before, after *entdb.Staff) error {
	u := w.Ent().Staff.Update().Where(staff.TenantID(w.Tenant()), staff.ID(before.ID), staff.Version(before.Version)).
		AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	put(after.CompanyID, u.SetCompanyID, u.ClearCompanyID)
	put(after.DepartmentID, u.SetDepartmentID, u.ClearDepartmentID)
	after.Version = before.Version + 1
	return act.Once(u.Save(ctx))
}
