package identity

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
)

// AccountSuspend shuts an account at once.
type AccountSuspend struct {
	Account         uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *AccountSuspend) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// AccountSuspend: permission account.suspend. With the account its sessions, API tokens and the grants given to its staff
// member end, his borrowings are revoked and his own requests withdrawn, and its entries leave the sign-in directory, all in
// one transaction (requirement F09). What he still reaches then is counted by the gate's own predicates and audited as
// reachableRows: 0. INVALID_STATE when it is not active; LAST_ADMIN when nobody else could administer the tenant.
func (s *Service) AccountSuspend(ctx context.Context, session *tenancy.Session, in AccountSuspend, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accountSuspend(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := accountToChange(ctx, w, in.Account)
		if err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		if before.State != stateActive {
			return act.Result{}, fault.State("ACCOUNT_NOT_ACTIVE", fault.Text{ZH: "账号不是正常状态", EN: "the account is not active"}, fault.Text{})
		}
		if err := keepAdmin(ctx, w, before.ID, uuid.Nil); err != nil {
			return act.Result{}, err
		}
		after := *before.Account
		after.State = stateSuspended
		if err := save(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		ended, err := endCredentials(ctx, w, before)
		if err != nil {
			return act.Result{}, err
		}
		rows, err := stillReachable(ctx, w, before)
		if err != nil {
			return act.Result{}, err
		}
		changes := append([]act.Change{{Field: "state", Old: before.State, New: after.State}, {Field: "reason", New: in.Reason}, {Field: "reachableRows", New: rows}}, ended...)
		return act.Result{Subject: act.Subject{Type: typeAccount, ID: after.ID, Version: after.Version}, Snapshot: accountSnapshot(&after), Changes: changes}, nil
	})
}

const (
	endSessions = `UPDATE sessions SET revoked_at = $3, revoked_by = $4 WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL AND id <> $5 RETURNING id`
	endTokens   = `UPDATE api_tokens SET revoked_at = $3, revoked_by = $4, version = version + 1 WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL RETURNING id`
	endGrants   = `UPDATE access_grants SET revoked_at = $3, updated_at = $3, updated_by = $4, version = version + 1
		WHERE tenant_id = $1 AND grantee_staff_id = $2 AND revoked_at IS NULL AND valid_until > $3 RETURNING id`
)

// endCredentials ends everything that the account or its staff member could still act with, and says what that was.
func endCredentials(ctx context.Context, w *act.Work, h *holder) ([]act.Change, error) {
	var changes []act.Change
	gone := []uuid.UUID{h.ID}
	end := func(field, prefix, sql string, args ...any) error {
		ids, err := returned(ctx, w, sql, args...)
		if err != nil || len(ids) == 0 {
			return err
		}
		gone = append(gone, ids...)
		named := make([]string, len(ids))
		for i, u := range ids {
			named[i] = id.Encode(prefix, u)
		}
		changes = append(changes, act.Change{Field: field, Old: named})
		return nil
	}
	if err := end("sessions", id.Session, endSessions, w.Tenant(), h.ID, w.Now(), w.Staff(), uuid.Nil); err != nil {
		return nil, err
	}
	if err := end("apiTokens", id.APIToken, endTokens, w.Tenant(), h.ID, w.Now(), w.Staff()); err != nil {
		return nil, err
	}
	if h.StaffID != nil {
		if err := endBorrowed(ctx, w, *h.StaffID, end); err != nil {
			return nil, err
		}
		if err := end("accessGrants", id.Grant, endGrants, w.Tenant(), *h.StaffID, w.Now(), w.Staff()); err != nil {
			return nil, err
		}
	}
	return changes, unlist(ctx, w, gone...)
}

func returned(ctx context.Context, w *act.Work, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := w.Query(ctx, sql, args...)
	if err != nil {
		return nil, wrap("end", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, wrap("end", err)
}

// Holders of tenant_admin who can sign in now, and whose binding does not end by itself.
const otherAdmin = `SELECT EXISTS (SELECT FROM role_bindings b
	JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
	JOIN accounts a ON a.tenant_id = b.tenant_id AND a.id = b.account_id
	WHERE b.tenant_id = $1 AND r.key = $2 AND r.state = 'active' AND a.state = 'active' AND a.kind = 'staff'
	AND b.revoked_at IS NULL AND NOT b.awaits_endorsement AND b.valid_from <= $3 AND b.valid_until IS NULL AND COALESCE(b.review_due_at > $3, true) AND b.company_id IS NULL AND b.department_id IS NULL
	AND a.id <> $4 AND b.id <> $5)`

const isAdmin = `SELECT EXISTS (SELECT FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
	WHERE b.tenant_id = $1 AND b.account_id = $2 AND r.key = $3 AND b.revoked_at IS NULL AND NOT b.awaits_endorsement AND COALESCE(LEAST(b.valid_until, b.review_due_at) > $4, true))`

// keepAdmin refuses to take away the last administrator: the account (suspended), or a binding (unbound; the account may
// hold the role by another one).
//
// SECURITY: the act holds the tenant's epochs, so of two administrators who remove each other the second is refused.
func keepAdmin(ctx context.Context, w *act.Work, account, binding uuid.UUID) error {
	var other bool
	if binding == uuid.Nil {
		var admin bool
		if err := w.QueryRow(ctx, isAdmin, w.Tenant(), account, roleTenantAdmin, w.Now()).Scan(&admin); err != nil || !admin {
			return wrap("admins", err)
		}
	}
	if err := w.QueryRow(ctx, otherAdmin, w.Tenant(), roleTenantAdmin, w.Now(), account, binding).Scan(&other); err != nil {
		return wrap("admins", err)
	}
	if !other {
		return fault.State("LAST_ADMIN", fault.Text{ZH: "这是最后一名可登录的租户管理员", EN: "this is the last tenant administrator who can sign in"},
			fault.Text{ZH: "请先把租户管理员角色无限期授予另一名员工", EN: "bind the role tenant_admin, without an end, to another staff member first"})
	}
	return nil
}
