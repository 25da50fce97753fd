package review

import (
	"context"
	"errors"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessreview"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// slice is how many items one transaction lists: whoever changes rights waits for one slice and not for the review.
const slice = 400

// List puts into the tenant's open review what it does not list yet, and gives how much that was: slice by slice, each in a transaction
// of its own that holds the tenant's epochs. Who reviews what is found out before, without holding anything. Past the due date nothing
// is listed any more: it would have ended before anybody could confirm it.
func (s *Service) List(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	session := tenancy.ForSystem(tenant, tenancy.SystemReview)
	session.RequestID = "access-review"
	var v *entdb.AccessReview
	var c *chooser
	err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
		if v, err = listing(ctx, tx); err != nil || v == nil {
			return err
		}
		rights, err := s.access.For(ctx, tx)
		if err != nil {
			return err
		}
		c, err = reviewers(ctx, tx, rights)
		return err
	})
	if err != nil || v == nil {
		return 0, wrap("list", err)
	}
	total := 0
	for _, more := range []next{c.bindings, c.grants} {
		for after := uuid.Nil; ; {
			var found []item
			_, err := s.runner.Run(ctx, session, reviewList(), uuid.NewString(), v.ID, func(ctx context.Context, w *act.Work) (act.Result, error) {
				open, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(v.ID), accessreview.State(stateOpen)).Only(ctx)
				if err != nil {
					return act.Result{}, wrap("review", err)
				}
				if !open.DueAt.After(w.Now()) {
					return act.Result{}, errNothing
				}
				if found, err = more(ctx, w, open, after); err != nil {
					return act.Result{}, err
				}
				if len(found) == 0 {
					return act.Result{}, errNothing
				}
				changes, err := list(ctx, w, open, found)
				return act.Result{Subject: act.Subject{Type: typeReview, ID: open.ID, Version: open.Version}, Snapshot: reviewSnapshot(open), Changes: changes}, err
			})
			if errors.Is(err, errNothing) {
				break
			}
			if err != nil {
				return total, err
			}
			total += len(found)
			if len(found) < slice {
				break
			}
			if last := found[len(found)-1]; last.binding != nil {
				after = *last.binding
			} else {
				after = *last.grant
			}
		}
	}
	return total, nil
}

// next gives the next slice after an id.
type next func(ctx context.Context, w *act.Work, v *entdb.AccessReview, after uuid.UUID) ([]item, error)

// choosing finds out who can review what, before anything is held: it takes its time where there are many. It does so for somebody who
// may open a review, and gives nil for everybody else.
func (s *Service) choosing(ctx context.Context, session *tenancy.Session) (c *chooser, err error) {
	err = s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := s.access.For(ctx, tx)
		if err != nil || !rights.Decide(policy.OnPolicy, policy.ReviewOpen, &policy.Row{}).Allow {
			return err
		}
		c, err = reviewers(ctx, tx, rights)
		return err
	})
	return c, err
}

// listing is the open review that has not listed everything; nil when there is none.
func listing(ctx context.Context, tx *tenancy.Tx) (*entdb.AccessReview, error) {
	open, err := tx.Ent().AccessReview.Query().Where(accessreview.TenantID(tx.Session().Tenant.UUID()), accessreview.State(stateOpen), accessreview.DueAtGT(tx.Now())).All(ctx)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	var more bool
	err = tx.QueryRow(ctx, anyUnlisted, tx.Session().Tenant.UUID(), tx.Now(), open[0].CreatedAt, open[0].ID).Scan(&more)
	if err != nil || !more {
		return nil, err
	}
	return open[0], nil
}
