package identity

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/account"
	"github.com/clientele/clientele/ent/db/staff"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// holder is an account with the staff member behind it; Staff is nil for an app.
type holder struct {
	*entdb.Account
	Staff *entdb.Staff
}

// row gives what policy may know: an account stands where its staff member is employed.
func (h holder) row() *policy.Row {
	r := staffRow(h.Staff)
	r.ID, r.State, r.Kind = h.ID, h.State, h.Kind
	return r
}

func staffRow(s *entdb.Staff) *policy.Row {
	if s == nil {
		return &policy.Row{}
	}
	return &policy.Row{ID: s.ID, Staff: s.ID, Company: value(s.CompanyID), Department: value(s.DepartmentID), State: s.State}
}

// findAccount is nil when the tenant has no such account.
func findAccount(ctx context.Context, w *act.Work, id uuid.UUID) (*holder, error) {
	a, err := w.Ent().Account.Query().Where(account.TenantID(w.Tenant()), account.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("account", err)
	}
	h := &holder{Account: a}
	if a.StaffID != nil {
		if h.Staff, err = findStaff(ctx, w, *a.StaffID); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func findStaff(ctx context.Context, w *act.Work, id uuid.UUID) (*entdb.Staff, error) {
	s, err := w.Ent().Staff.Query().Where(staff.TenantID(w.Tenant()), staff.ID(id)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	return s, wrap("staff", err)
}

// accountToChange is an account that the actor may act on.
func accountToChange(ctx context.Context, w *act.Work, id uuid.UUID) (*holder, error) {
	h, err := findAccount(ctx, w, id)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, w.Absent(typeAccount, id)
	}
	return h, require(w, act.Subject{Type: typeAccount, ID: h.ID, Version: h.Version}, h.row(), policy.AccountAdmin)
}

// referAccount is an account that an input refers to and that the actor may see.
func referAccount(ctx context.Context, w *act.Work, field string, id uuid.UUID) (*holder, error) {
	h, err := findAccount(ctx, w, id)
	if err != nil {
		return nil, err
	}
	if h == nil || !readable(w, policy.OnAccount, h.row()) {
		return nil, absentReference(field)
	}
	return h, nil
}

// referStaff is a staff member who still works for the tenant and whom the actor may see.
func referStaff(ctx context.Context, w *act.Work, field string, id uuid.UUID) (*entdb.Staff, error) {
	s, err := findStaff(ctx, w, id)
	if err != nil {
		return nil, err
	}
	if s == nil || !readable(w, policy.OnStaff, staffRow(s)) {
		return nil, absentReference(field)
	}
	if s.State == staffGone {
		return nil, fault.Invalid(field, "STAFF_HAS_LEFT", fault.Text{ZH: "该员工已离职", EN: "the staff member has left"}, fault.Text{})
	}
	return s, nil
}

// save writes what acts change of an account and counts the version up.
func save(ctx context.Context, w *act.Work, before *holder, after *entdb.Account) error {
	u := w.Ent().Account.Update().Where(account.TenantID(w.Tenant()), account.ID(before.ID), account.Version(before.Version)).
		SetState(after.State).SetMustChangePassword(after.MustChangePassword).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	put(after.PasswordHash, u.SetPasswordHash, u.ClearPasswordHash)
	after.Version = before.Version + 1
	return act.Once(u.Save(ctx))
}
