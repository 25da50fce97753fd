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

// DepartmentClose ends a department for good.
type DepartmentClose struct {
	Department      uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *DepartmentClose) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

const (
	// FOR UPDATE waits for whoever has just put a client into the department and not committed (a foreign key holds the
	// row), and whoever comes later waits for this act and must then look at the state.
	lockDepartment  = `SELECT 1 FROM departments WHERE tenant_id = $1 AND id = $2 FOR UPDATE`
	departmentHolds = `SELECT
		EXISTS (SELECT FROM departments WHERE tenant_id = $1 AND parent_id = $2 AND state = 'active'),
		EXISTS (SELECT FROM employments WHERE tenant_id = $1 AND department_id = $2 AND (valid_until IS NULL OR valid_until > $3)),
		EXISTS (SELECT FROM clients WHERE tenant_id = $1 AND department_id = $2)`
)

// DepartmentClose: permission department.close. INVALID_STATE, all reasons at once, while it has an open child
// (DEPARTMENT_HAS_CHILDREN), current staff (DEPARTMENT_HAS_STAFF) or a client of its own (DEPARTMENT_HAS_CLIENTS).
func (s *Service) DepartmentClose(ctx context.Context, session *tenancy.Session, in DepartmentClose, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, departmentClose(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if _, err := w.Exec(ctx, lockDepartment, w.Tenant(), in.Department); err != nil {
			return act.Result{}, wrap("lock department", err)
		}
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
		if err := emptyDepartment(ctx, w, before.ID); err != nil {
			return act.Result{}, err
		}
		after := *before
		after.State = departmentGone
		if err := saveDepartment(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		changes := append(changed(nil, "state", &before.State, &after.State), act.Change{Field: "reason", New: in.Reason})
		return act.Result{Subject: subject, Snapshot: departmentSnapshot(&after), Changes: changes}, nil
	})
}

func emptyDepartment(ctx context.Context, w *act.Work, id uuid.UUID) error {
	var children, members, clients bool
	if err := w.QueryRow(ctx, departmentHolds, w.Tenant(), id, w.Now()).Scan(&children, &members, &clients); err != nil {
		return wrap("what the department holds", err)
	}
	var held fault.List
	if children {
		held = append(held, fault.State("DEPARTMENT_HAS_CHILDREN", fault.Text{ZH: "部门仍有未撤销的下级部门", EN: "the department has open departments below it"},
			fault.Text{ZH: "请先撤销或转移下级部门", EN: "close or move them first"}))
	}
	if members {
		held = append(held, fault.State("DEPARTMENT_HAS_STAFF", fault.Text{ZH: "部门仍有在任员工", EN: "the department has current staff"},
			fault.Text{ZH: "请先调动员工", EN: "transfer them first"}))
	}
	if clients {
		held = append(held, fault.State("DEPARTMENT_HAS_CLIENTS", fault.Text{ZH: "部门仍有归属客户", EN: "clients belong to the department"},
			fault.Text{ZH: "请先移交客户", EN: "move them first"}))
	}
	return held.Err()
}
