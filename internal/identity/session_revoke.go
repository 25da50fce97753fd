package identity

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/session"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// SessionRevoke ends one sign-in.
type SessionRevoke struct{ Session uuid.UUID }

// SessionRevoke: one's own, or permission session.revoke. INVALID_STATE when it has ended already. A session has no
// version: its subject stands at 1.
func (s *Service) SessionRevoke(ctx context.Context, by *tenancy.Session, in SessionRevoke, key string) (act.Result, error) {
	return s.runner.Run(ctx, by, sessionRevoke(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		row, err := w.Ent().Session.Query().Where(session.TenantID(w.Tenant()), session.ID(in.Session)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeSession, in.Session)
		}
		if err != nil {
			return act.Result{}, wrap("session", err)
		}
		if err := ownOr(ctx, w, row.AccountID, act.Subject{Type: typeSession, ID: row.ID}); err != nil {
			return act.Result{}, err
		}
		if row.RevokedAt != nil || !row.ExpiresAt.After(w.Now()) {
			return act.Result{}, ended()
		}
		u := w.Ent().Session.Update().Where(session.TenantID(w.Tenant()), session.ID(row.ID), session.RevokedAtIsNil()).SetRevokedAt(w.Now())
		put(w.Staff(), u.SetRevokedBy, u.ClearRevokedBy)
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		if err := unlist(ctx, w, row.ID); err != nil {
			return act.Result{}, err
		}
		now := w.Now()
		row.RevokedAt = &now
		return act.Result{Subject: act.Subject{Type: typeSession, ID: row.ID, Version: 1}, Snapshot: sessionSnapshot(row), Changes: []act.Change{{Field: "revokedAt", New: now}}}, nil
	})
}

func ended() *fault.Error {
	return fault.State("ALREADY_ENDED", fault.Text{ZH: "已失效", EN: "it has ended already"}, fault.Text{})
}

// ownOr lets an account act on what is its own, and asks policy for what is another's. subject is what is acted on; an
// actor who may not see the account does not see it either.
func ownOr(ctx context.Context, w *act.Work, owner uuid.UUID, subject act.Subject) error {
	if own(w, owner) {
		return nil
	}
	h, err := findAccount(ctx, w, owner)
	if err != nil {
		return err
	}
	if h == nil {
		return w.Absent(subject.Type, subject.ID)
	}
	return require(w, subject, h.row(), policy.AccountAdmin)
}

// own tells whether something belongs to the acting account.
//
// SECURITY: an API token with scopes is less than its account; it goes by policy, where its scopes count.
func own(w *act.Work, account uuid.UUID) bool {
	actor := w.Session().Actor
	return actor.Account != uuid.Nil && actor.Account == account && len(actor.Scopes) == 0
}
