package identity

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/apitoken"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
)

// APITokenRevoke ends a token.
type APITokenRevoke struct{ Token uuid.UUID }

// APITokenRevoke: one's own, or permission token.revoke. INVALID_STATE when it has ended already.
func (s *Service) APITokenRevoke(ctx context.Context, session *tenancy.Session, in APITokenRevoke, key string) (act.Result, error) {
	return s.runner.Run(ctx, session, tokenRevoke(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		t, err := w.Ent().ApiToken.Query().Where(apitoken.TenantID(w.Tenant()), apitoken.ID(in.Token)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeToken, in.Token)
		}
		if err != nil {
			return act.Result{}, wrap("token", err)
		}
		if err := ownOr(ctx, w, t.AccountID, act.Subject{Type: typeToken, ID: t.ID}); err != nil {
			return act.Result{}, err
		}
		if t.RevokedAt != nil || !t.ExpiresAt.After(w.Now()) {
			return act.Result{}, ended()
		}
		u := w.Ent().ApiToken.Update().Where(apitoken.TenantID(w.Tenant()), apitoken.ID(t.ID), apitoken.Version(t.Version)).SetRevokedAt(w.Now()).AddVersion(1)
		put(w.Staff(), u.SetRevokedBy, u.ClearRevokedBy)
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		if err := unlist(ctx, w, t.ID); err != nil {
			return act.Result{}, err
		}
		now := w.Now()
		t.RevokedAt, t.Version = &now, t.Version+1
		return act.Result{Subject: act.Subject{Type: typeToken, ID: t.ID, Version: t.Version}, Snapshot: tokenSnapshot(t), Changes: []act.Change{{Field: "revokedAt", New: now}}}, nil
	})
}
