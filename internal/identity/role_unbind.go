package identity

import (
	"context"

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
		if b.RevokedAt != nil || b.ValidUntil != nil && !b.ValidUntil.After(w.Now()) {
			return act.Result{}, ended()
		}
		r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.ID(b.RoleID)).Only(ctx)
		if err != nil {
			return act.Result{}, wrap("role", err)
		}
		if r.Key == roleTenantAdmin && !b.AwaitsEndorsement {
			if err := keepAdmin(ctx, w, uuid.Nil, b.ID); err != nil {
				return act.Result{}, err
			}
		}
		u := w.Ent().RoleBinding.Update().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(b.ID), rolebinding.Version(b.Version)).
			SetRevokedAt(w.Now()).AddVersion(1).SetUpdatedAt(w.Now())
		put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
		if err := once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		now := w.Now()
		b.RevokedAt, b.Version = &now, b.Version+1
		return act.Result{
			Subject: subject, Snapshot: bindingSnapshot(b, r.Key),
			Changes: []act.Change{{Field: "account", Old: h.Login}, {Field: "role", Old: r.Key}, {Field: "revokedAt", New: now}, {Field: "reason", New: in.Reason}},
		}, nil
	})
}
