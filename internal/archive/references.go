package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// What an input names by id is read with a share lock, so that it cannot close or leave before the act commits. Absent,
// another tenant's and not to be seen look the same. Locks come before the tenant's counters, which everybody waits for.

type department struct {
	ID, Company uuid.UUID
	Name        string
}

func activeDepartment(ctx context.Context, w *act.Work, field string, departmentID uuid.UUID) (department, error) {
	d := department{ID: departmentID}
	var state, companyState string
	err := w.QueryRow(ctx, `SELECT d.company_id, d.name, d.state, c.state FROM departments d
		JOIN companies c ON c.tenant_id = d.tenant_id AND c.id = d.company_id
		WHERE d.tenant_id = $1 AND d.id = $2 FOR SHARE OF d`, w.Tenant(), departmentID).Scan(&d.Company, &d.Name, &state, &companyState)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, fault.NotFound("Department").At(field)
	}
	if err != nil {
		return d, fmt.Errorf("archive: department: %w", err)
	}
	if !visible(w, policy.OnOrganisation, &policy.Row{ID: d.ID, Company: d.Company, Department: d.ID}) {
		return d, fault.NotFound("Department").At(field)
	}
	if state != "active" || companyState != "active" {
		return d, fault.Invalid(field, "DEPARTMENT_CLOSED", fault.Text{ZH: "该部门或其公司已撤销", EN: "the department or its company is closed"},
			fault.Text{ZH: "请选择在用的部门", EN: "choose an active department"})
	}
	return d, nil
}

type person struct {
	ID   uuid.UUID
	Name string
}

func activeStaff(ctx context.Context, w *act.Work, field string, staffID uuid.UUID) (person, error) {
	p := person{ID: staffID}
	var state string
	var company, dept *uuid.UUID
	err := w.QueryRow(ctx, `SELECT name, state, company_id, department_id FROM staff WHERE tenant_id = $1 AND id = $2 FOR SHARE`,
		w.Tenant(), staffID).Scan(&p.Name, &state, &company, &dept)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fault.NotFound("Staff").At(field)
	}
	if err != nil {
		return p, fmt.Errorf("archive: staff: %w", err)
	}
	row := policy.Row{ID: staffID, Staff: staffID}
	if company != nil {
		row.Company = *company
	}
	if dept != nil {
		row.Department = *dept
	}
	if !visible(w, policy.OnStaff, &row) {
		return p, fault.NotFound("Staff").At(field)
	}
	if state == "left" || state == "leaving" {
		return p, fault.Invalid(field, "STAFF_LEAVING", fault.Text{ZH: "该员工已离职或正在离职", EN: "the staff member has left or is leaving"},
			fault.Text{ZH: "请选择在职员工", EN: "choose somebody who stays"})
	}
	return p, nil
}

// visible: SECURITY: an id must not be an oracle for rows that the actor may not read.
func visible(w *act.Work, entity policy.Object, row *policy.Row) bool {
	return w.Rights == nil || w.Rights.Decide(entity, policy.Read, row).Allow
}

func departmentName(ctx context.Context, w *act.Work, departmentID uuid.UUID) (*string, error) {
	var name string
	err := w.QueryRow(ctx, `SELECT name FROM departments WHERE tenant_id = $1 AND id = $2`, w.Tenant(), departmentID).Scan(&name)
	if err != nil {
		return nil, fmt.Errorf("archive: department name: %w", err)
	}
	return &name, nil
}
