package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/ent/db/employment"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
)

// StaffChangeSuperior puts the primary employment under another superior, or under none.
type StaffChangeSuperior struct {
	Staff           uuid.UUID
	ExpectedVersion int64
	Superior        *uuid.UUID
}

// Validate reports all field errors at once.
func (in *StaffChangeSuperior) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// StaffChangeSuperior: permission staff.changeSuperior. INVALID_INPUT CYCLE when the superior is the staff member himself
// or anybody below him; INVALID_STATE STAFF_HAS_LEFT, NOT_EMPLOYED.
func (s *Service) StaffChangeSuperior(ctx context.Context, session *tenancy.Session, in StaffChangeSuperior, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, staffChangeSuperior(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := staffToChange(ctx, w, in.Staff, in.ExpectedVersion)
		if err != nil {
			return act.Result{}, err
		}
		if err := mayLead(ctx, w, before.ID, in.Superior); err != nil {
			return act.Result{}, err
		}
		old, err := primary(ctx, w, before.ID)
		if err != nil {
			return act.Result{}, err
		}
		if old == nil {
			return act.Result{}, fault.State("NOT_EMPLOYED", fault.Text{ZH: "该员工没有当前主任职", EN: "the staff member has no current primary employment"}, fault.Text{})
		}
		u := w.Ent().Employment.Update().Where(employment.TenantID(w.Tenant()), employment.ID(old.ID), employment.Version(old.Version)).
			AddVersion(1).SetUpdatedAt(w.Now())
		put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
		put(in.Superior, u.SetSuperiorID, u.ClearSuperiorID)
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		e, after := *old, *before
		e.SuperiorID, e.Version = in.Superior, old.Version+1
		if err := saveStaffPlace(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		return act.Result{Subject: act.Subject{Type: typeStaff, ID: after.ID, Version: after.Version}, Snapshot: staffSnapshot(&after, &e), Changes: employmentChanges(old, &e)}, nil
	})
}
