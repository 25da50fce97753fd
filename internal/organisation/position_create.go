package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PositionCreate writes down a post and its duties (requirement A01).
type PositionCreate struct {
	Department uuid.UUID
	Title      string
	Duties     *string
}

// Validate trims texts and reports all field errors at once.
func (in *PositionCreate) Validate() error {
	var c input.Checks
	in.Title = c.Line("input.title", in.Title, 100)
	in.Duties = c.OptionalLines("input.duties", in.Duties, 10000)
	return c.Err()
}

// PositionCreate: permission position.create at the department.
func (s *Service) PositionCreate(ctx context.Context, session *tenancy.Session, in PositionCreate, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, positionCreate(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		d, err := referDepartment(ctx, w, "input.departmentId", in.Department)
		if err != nil {
			return act.Result{}, err
		}
		place := &policy.Row{Company: d.CompanyID, Department: d.ID}
		if err := require(w, act.Subject{Type: typePosition}, place, policy.OrganisationList); err != nil {
			return act.Result{}, err
		}
		p, err := w.Ent().Position.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetDepartmentID(d.ID).SetTitle(in.Title).SetNillableDuties(in.Duties).
			SetState(positionInForce).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write position", err)
		}
		changes := changed(nil, "title", nil, &p.Title)
		changes = changed(changes, "duties", nil, in.Duties)
		changes = changed(changes, "departmentId", nil, &p.DepartmentID)
		return act.Result{Subject: act.Subject{Type: typePosition, ID: p.ID, Version: p.Version}, Snapshot: positionSnapshot(p), Changes: changes}, nil
	})
}
