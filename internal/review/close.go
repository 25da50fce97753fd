package review

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessreview"
	"github.com/clientele/clientele/ent/db/accessreviewitem"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// lapsesAtOnce is how many items one transaction writes down.
const lapsesAtOnce = 200

// AccessReviewClose: permission review.open. INVALID_STATE REVIEW_CLOSED; REVIEW_LISTING while it is being
// listed; REVIEW_UNDECIDED before the due date while anything
// is undecided. After it, what is undecided has ended by itself and is written down with the closing; REVIEW_LAPSING when
// there is more of it than goes into one transaction: the sweep is at it.
func (s *Service) AccessReviewClose(ctx context.Context, session *tenancy.Session, in AccessReviewClose, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, reviewClose(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		v, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(in.Review)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeReview, in.Review)
		}
		if err != nil {
			return act.Result{}, wrap("review", err)
		}
		if err := w.Require(act.Subject{Type: typeReview, ID: v.ID, Version: v.Version}, &policy.Row{ID: v.ID}); err != nil {
			return act.Result{}, err
		}
		if in.ExpectedVersion != v.Version {
			return act.Result{}, fault.Stale(v.Version)
		}
		if v.State != stateOpen {
			return act.Result{}, fault.State("REVIEW_CLOSED", fault.Text{ZH: "该期复核已结束", EN: "the review is closed"}, fault.Text{})
		}
		more, err := listing(ctx, w.Tx)
		if err != nil {
			return act.Result{}, wrap("listing", err)
		}
		if more != nil { // what is not listed would outlive the review unseen
			return act.Result{}, fault.State("REVIEW_LISTING", fault.Text{ZH: "复核项仍在登记中，请稍后再试", EN: "items are still being listed; try again in a minute"}, fault.Text{})
		}
		var also []act.Done
		undecided, err := w.Ent().AccessReviewItem.Query().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ReviewID(v.ID), accessreviewitem.DecisionIsNil()).Count(ctx)
		switch {
		case err != nil:
			return act.Result{}, wrap("undecided", err)
		case undecided == 0:
		case v.DueAt.After(w.Now()):
			return act.Result{}, fault.State("REVIEW_UNDECIDED", fault.Text{ZH: fmt.Sprintf("尚有 %d 项未复核", undecided), EN: fmt.Sprintf("%d items are undecided", undecided)},
				fault.Text{ZH: "请先复核，或等到截止时间", EN: "decide them, or wait for the due date"})
		case undecided > lapsesAtOnce:
			return act.Result{}, fault.State("REVIEW_LAPSING", fault.Text{ZH: "正在登记失效项，请稍后再试", EN: "what lapsed is being written down; try again in a minute"}, fault.Text{})
		default:
			if also, err = lapse(ctx, w, v); err != nil {
				return act.Result{}, err
			}
		}
		u := w.Ent().AccessReview.Update().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(v.ID), accessreview.Version(v.Version)).
			SetState(stateClosed).SetClosedAt(w.Now()).AddVersion(1).SetUpdatedAt(w.Now())
		if staff := w.Staff(); staff != nil {
			u.SetUpdatedBy(*staff)
		}
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		now := w.Now()
		v.State, v.ClosedAt, v.Version = stateClosed, &now, v.Version+1
		return act.Result{
			Subject: act.Subject{Type: typeReview, ID: v.ID, Version: v.Version}, Snapshot: reviewSnapshot(v), Also: also,
			Changes: []act.Change{{Field: "state", Old: stateOpen, New: stateClosed}, {Field: "lapsed", New: undecided}},
		}, nil
	})
}

const lapseReason = "access review not answered in time"

// lapse writes down what has ended with the due date, at most lapsesAtOnce of it: the decision LAPSED, and the end of the
// binding or grant at the instant at which it ended.
func lapse(ctx context.Context, w *act.Work, v *entdb.AccessReview) (also []act.Done, err error) {
	found, err := w.Ent().AccessReviewItem.Query().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ReviewID(v.ID), accessreviewitem.DecisionIsNil()).
		Order(accessreviewitem.ByID()).Limit(lapsesAtOnce).All(ctx)
	if err != nil {
		return nil, wrap("items", err)
	}
	for _, x := range found {
		var done []act.Done
		if x.BindingID != nil {
			done, err = identity.LapseBinding(ctx, w, *x.BindingID, v.DueAt, lapseReason)
		} else {
			done, err = identity.LapseGrant(ctx, w, *x.GrantID, v.DueAt, lapseReason)
		}
		if err != nil {
			return nil, err
		}
		u := w.Ent().AccessReviewItem.Update().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ID(x.ID), accessreviewitem.Version(x.Version)).
			SetDecision(lapsed).SetDecidedAt(w.Now()).SetReason(lapseReason).AddVersion(1).SetUpdatedAt(w.Now()).ClearUpdatedBy()
		if err := act.Once(u.Save(ctx)); err != nil {
			return nil, err
		}
		also = append(also, done...)
	}
	return also, nil
}

// errNothing: another process was faster.
var errNothing = errors.New("nothing has lapsed")

// Lapse writes down what lapsed in one tenant, and gives how many items that were. Rights do not wait for it: they ended with
// the due date.
func (s *Service) Lapse(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	session := tenancy.ForSystem(tenant, tenancy.SystemReview)
	session.RequestID = "access-review"
	total := 0
	for {
		var due *uuid.UUID
		err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
			return tx.QueryRow(ctx, `SELECT (SELECT v.id FROM access_reviews v WHERE v.tenant_id = $1 AND v.state = 'open' AND v.due_at <= $2
				AND EXISTS (SELECT FROM access_review_items i WHERE i.tenant_id = v.tenant_id AND i.review_id = v.id AND i.decision IS NULL) ORDER BY v.due_at LIMIT 1)`, tenant.UUID(), tx.Now()).Scan(&due)
		})
		if err != nil || due == nil {
			return total, wrap("due", err)
		}
		n := 0
		_, err = s.runner.Run(ctx, session, reviewLapse(), uuid.NewString(), *due, func(ctx context.Context, w *act.Work) (act.Result, error) {
			v, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(*due)).Only(ctx)
			if err != nil {
				return act.Result{}, wrap("review", err)
			}
			before, err := w.Ent().AccessReviewItem.Query().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ReviewID(v.ID), accessreviewitem.DecisionIsNil()).Count(ctx)
			if err != nil {
				return act.Result{}, wrap("undecided", err)
			}
			if before == 0 || v.State != stateOpen {
				return act.Result{}, errNothing
			}
			also, err := lapse(ctx, w, v)
			n = min(before, lapsesAtOnce)
			return act.Result{
				Subject: act.Subject{Type: typeReview, ID: v.ID, Version: v.Version}, Snapshot: reviewSnapshot(v), Also: also, Changes: []act.Change{{Field: "lapsed", New: n}},
			}, err
		})
		if errors.Is(err, errNothing) {
			continue
		}
		if err != nil {
			return total, err
		}
		total += n
	}
}

// Sweep calls List and Lapse for every active tenant, every interval, until ctx ends.
func (s *Service) Sweep(ctx context.Context, every time.Duration, log *slog.Logger) {
	s.db.Sweep(ctx, every, func(ctx context.Context, t tenancy.TenantID) error {
		n, err := s.List(ctx, t)
		if n > 0 {
			log.InfoContext(ctx, "access review: an opening that broke off is listed to its end", slog.String("tenant", t.String()), slog.Int("items", n))
		}
		if err != nil {
			return err
		}
		if n, err = s.Lapse(ctx, t); n > 0 {
			log.InfoContext(ctx, "access review: what was not confirmed is written down as revoked", slog.String("tenant", t.String()), slog.Int("items", n))
		}
		return err
	}, func(t tenancy.TenantID, err error) {
		log.WarnContext(ctx, "access review: items not listed or lapsed ones not written down; those have ended all the same", slog.String("tenant", t.String()), slog.Any("error", err))
	})
}
