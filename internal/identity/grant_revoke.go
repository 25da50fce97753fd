package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessgrant"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// AccessGrantRevoke ends a grant now.
type AccessGrantRevoke struct {
	Grant           uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *AccessGrantRevoke) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// AccessGrantRevoke: permission grant.revoke on the archive. INVALID_STATE when it has ended already.
func (s *Service) AccessGrantRevoke(ctx context.Context, session *tenancy.Session, in AccessGrantRevoke, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, grantRevoke(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		g, err := w.Ent().AccessGrant.Query().Where(accessgrant.TenantID(w.Tenant()), accessgrant.ID(in.Grant)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeGrant, in.Grant)
		}
		if err != nil {
			return act.Result{}, wrap("grant", err)
		}
		_, row, err := archive.LoadRow(ctx, w, g.ClientID, archive.ForUse)
		if err != nil {
			return act.Result{}, err
		}
		row.ID, row.Staff = g.ID, g.GranteeStaffID
		subject := act.Subject{Type: typeGrant, ID: g.ID, Version: g.Version + 1}
		if err := require(w, subject, &row, policy.GrantAdmin); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, g.Version); err != nil {
			return act.Result{}, err
		}
		if over(w.Now(), g.RevokedAt, &g.ValidUntil, g.ReviewDueAt) {
			return act.Result{}, ended()
		}
		return revokeGrant(ctx, w, g, w.Now(), in.Reason)
	})
}

// revokeGrant ends a grant at an instant.
func revokeGrant(ctx context.Context, w *act.Work, g *entdb.AccessGrant, at time.Time, reason string) (act.Result, error) {
	u := w.Ent().AccessGrant.Update().Where(accessgrant.TenantID(w.Tenant()), accessgrant.ID(g.ID), accessgrant.Version(g.Version)).
		SetRevokedAt(at).AddVersion(1).SetUpdatedAt(w.Now())
	put(w.Staff(), u.SetUpdatedBy, u.ClearUpdatedBy)
	if err := act.Once(u.Save(ctx)); err != nil {
		return act.Result{}, err
	}
	g.RevokedAt, g.Version = &at, g.Version+1
	return act.Result{
		Subject: act.Subject{Type: typeGrant, ID: g.ID, Version: g.Version}, Snapshot: grantSnapshot(g),
		Changes: []act.Change{{Field: "revokedAt", New: at}, {Field: "reason", New: reason}},
	}, nil
}
