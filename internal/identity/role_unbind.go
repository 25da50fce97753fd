package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/role"
	"github.com/clientele/clientele/ent/db/rolebinding"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// RoleUnbind ends a binding now.
type RoleUnbind struct {
	Binding         uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *RoleUnbind) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// RoleUnbind: permission role.unbind. INVALID_STATE when it has ended already; LAST_ADMIN when nobody else could administer
// the tenant.
func (s *Service) RoleUnbind(ctx context.Context, session *tenancy.Session, in RoleUnbind, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, roleUnbind(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		b, err := w.Ent().RoleBinding.Query().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(in.Binding)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeBinding, in.Binding)
		}
		if err != nil {
			return act.Result{}, wrap("binding", err)
		}
		h, err := findAccount(ctx, w, b.AccountID)
		if err != nil {
			return act.Result{}, err
		}
		row := h.row()
		row.ID = b.ID
		subject := act.Subject{Type: typeBinding, ID: b.ID, Version: b.Version + 1}
		if err := require(w, subject, row, policy.PolicyRules); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, b.Version); err != nil {
			return act.Result{}, err
		}
		if over(w.Now(), b.RevokedAt, b.ValidUntil, b.ReviewDueAt) {
			return act.Result{}, ended()
		}
		if err := keepAdminOf(ctx, w, b); err != nil {
			return act.Result{}, err
		}
		return unbind(ctx, w, b, h.Login, w.Now(), in.Reason)
	})
}

// over tells whether something ended by an act, by its end or by a review that nobody answered in time.
func over(now time.Time, revoked, until, due *time.Time) bool {
	return revoked != nil || until != nil && !until.After(now) || due != nil && !due.After(now)
}

// keepAdminOf refuses to end the binding of the last administrator.
func keepAdminOf(ctx context.Context, w *act.Work, b *entdb.RoleBinding) error {
	r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.ID(b.RoleID)).Only(ctx)
	if err != nil {
		return wrap("role", err)
	}
	if r.Key != roleTenantAdmin || b.AwaitsEndorsement {
		return nil
	}
	return keepAdmin(ctx, w, uuid.Nil, b.ID)
}

// unbind ends a binding at an instant.
func unbind(ctx context.Context, w *act.Work, b *entdb.RoleBinding, login string, at time.Time, reason string) (act.Result, error) {
	r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.ID(b.RoleID)).Only(ctx)
	if err != nil {
		return act.Result{}, wrap("role", err)
	}
	u := w.Ent().RoleBinding.Update().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(b.ID), rolebinding.Version(b.Version)).
		SetRevokedAt(at).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	if err := act.Once(u.Save(ctx)); err != nil {
		return act.Result{}, err
	}
	b.RevokedAt, b.Version = &at, b.Version+1
	return act.Result{
		Subject: act.Subject{Type: typeBinding, ID: b.ID, Version: b.Version}, Snapshot: bindingSnapshot(b, r.Key),
		Changes: []act.Change{{Field: "account", Old: login}, {Field: "role", Old: r.Key}, {Field: "revokedAt", New: at}, {Field: "reason", New: reason}},
	}, nil
}
