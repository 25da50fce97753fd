package organisation

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/department"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// DepartmentChange changes what is given; null clears parent and head.
type DepartmentChange struct {
	Department      uuid.UUID
	ExpectedVersion int64
	Name            input.Optional[string]
	Kind            input.Optional[string]
	Parent          input.Optional[uuid.UUID]
	Head            input.Optional[uuid.UUID]
}

// Validate trims texts and reports all field errors at once.
func (in *DepartmentChange) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Name = c.MaybeLine("input.name", in.Name, maxName)
	input.Required(&c, "input.name", in.Name)
	c.OptionalOneOf("input.kind", in.Kind.Value, DepartmentKinds()...)
	input.Required(&c, "input.kind", in.Kind)
	return c.Err()
}

// DepartmentChange: permission department.change at the department, and at a new parent. INVALID_INPUT CYCLE when the new
// parent is the department or below it, PARENT_OF_ANOTHER_COMPANY, STAFF_HAS_LEFT.
func (s *Service) DepartmentChange(ctx context.Context, session *tenancy.Session, in DepartmentChange, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, departmentChange(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := loadDepartment(ctx, w, in.Department)
		if err != nil {
			return act.Result{}, err
		}
		subject := act.Subject{Type: typeDepartment, ID: before.ID, Version: before.Version + 1}
		if err := require(w, subject, departmentRow(before), policy.OrganisationList); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		if err := openDepartment(before); err != nil {
			return act.Result{}, err
		}
		after := *before
		if in.Name.Given {
			after.Name = *in.Name.Value
		}
		if in.Kind.Given {
			after.Kind = *in.Kind.Value
		}
		if in.Head.Given {
			if _, err := referStaff(ctx, w, "input.headId", in.Head.Value); err != nil {
				return act.Result{}, err
			}
			after.HeadID = in.Head.Value
		}
		if in.Parent.Given && !same(in.Parent.Value, before.ParentID) {
			if in.Parent.Value != nil {
				if err := acyclic(ctx, w, aboveDepartment, "input.parentId", before.ID, *in.Parent.Value); err != nil {
					return act.Result{}, err
				}
			}
			if err := requireDepartmentPlace(ctx, w, before.CompanyID, in.Parent.Value); err != nil {
				return act.Result{}, err
			}
			after.ParentID = in.Parent.Value
		}
		if err := saveDepartment(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		changes := changed(nil, "name", &before.Name, &after.Name)
		changes = changed(changes, "kind", &before.Kind, &after.Kind)
		changes = changed(changes, "parentId", before.ParentID, after.ParentID)
		changes = changed(changes, "headId", before.HeadID, after.HeadID)
		return act.Result{Subject: subject, Snapshot: departmentSnapshot(&after), Changes: changes}, nil
	})
}

func openDepartment(d *entdb.Department) error {
	if d.State != stateActive {
		return fault.State("DEPARTMENT_CLOSED", fault.Text{ZH: "部门已撤销，不能再变更", EN: "the department is closed and no longer changes"}, fault.Text{})
	}
	return nil
}

// saveDepartment writes after over before and counts the version up on both sides.
func saveDepartment(ctx context.Context, w *act.Work, before, after *entdb.Department) error {
	u := w.Ent().Department.Update().Where(department.TenantID(w.Tenant()), department.ID(before.ID), department.Version(before.Version)).
		SetName(after.Name).SetKind(after.Kind).SetState(after.State).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	put(after.ParentID, u.SetParentID, u.ClearParentID)
	put(after.HeadID, u.SetHeadID, u.ClearHeadID)
	n, err := u.Save(ctx)
	if err != nil {
		return wrap("write department", err)
	}
	if n != 1 {
		return fault.Stale(before.Version + 1)
	}
	after.Version = before.Version + 1
	return nil
}
