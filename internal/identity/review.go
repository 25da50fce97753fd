package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessgrant"
	"github.com/clientele/clientele/ent/db/rolebinding"
	"github.com/clientele/clientele/internal/act"
)

// What an access review ends, in its own transaction. Who may decide is the review's to know; the callers hold the tenant's
// epochs. What has ended already is left as it is: there is nothing to do then.

// EndBinding ends a binding now, as RoleUnbind does. INVALID_STATE LAST_ADMIN.
func EndBinding(ctx context.Context, w *act.Work, binding uuid.UUID, reason string) ([]act.Done, error) {
	b, err := bindingByID(ctx, w, binding)
	if err != nil || over(w.Now(), b.RevokedAt, b.ValidUntil, nil) {
		return nil, err
	}
	if err := keepAdminOf(ctx, w, b); err != nil {
		return nil, err
	}
	return endBinding(ctx, w, b, w.Now(), reason)
}

// LapseBinding writes down that a binding ended at an instant that has passed.
func LapseBinding(ctx context.Context, w *act.Work, binding uuid.UUID, at time.Time, reason string) ([]act.Done, error) {
	b, err := bindingByID(ctx, w, binding)
	if err != nil || over(at, b.RevokedAt, b.ValidUntil, nil) {
		return nil, err
	}
	return endBinding(ctx, w, b, at, reason)
}

func bindingByID(ctx context.Context, w *act.Work, binding uuid.UUID) (*entdb.RoleBinding, error) {
	b, err := w.Ent().RoleBinding.Query().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(binding)).Only(ctx)
	return b, wrap("binding", err)
}

func endBinding(ctx context.Context, w *act.Work, b *entdb.RoleBinding, at time.Time, reason string) ([]act.Done, error) {
	h, err := findAccount(ctx, w, b.AccountID)
	if err != nil {
		return nil, err
	}
	result, err := unbind(ctx, w, b, h.Login, at, reason)
	return []act.Done{{Spec: roleUnbind(), Result: result}}, err
}

// EndGrant ends a grant now, as AccessGrantRevoke does.
func EndGrant(ctx context.Context, w *act.Work, grant uuid.UUID, reason string) ([]act.Done, error) {
	return LapseGrant(ctx, w, grant, w.Now(), reason)
}

// LapseGrant writes down that a grant ended at an instant that has passed.
func LapseGrant(ctx context.Context, w *act.Work, grant uuid.UUID, at time.Time, reason string) ([]act.Done, error) {
	g, err := w.Ent().AccessGrant.Query().Where(accessgrant.TenantID(w.Tenant()), accessgrant.ID(grant)).Only(ctx)
	if err != nil {
		return nil, wrap("grant", err)
	}
	if over(at, g.RevokedAt, &g.ValidUntil, nil) {
		return nil, nil
	}
	result, err := revokeGrant(ctx, w, g, at, reason)
	return []act.Done{{Spec: grantRevoke(), Result: result}}, err
}
