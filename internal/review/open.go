package review

import (
	"context"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessreview"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// maxAhead is how far ahead a review may be due: the next half year's must find it over.
const maxAhead = 184 * 24 * time.Hour

// AccessReviewOpen: permission review.open. Lists every binding and grant that has not ended, each with its reviewer, and makes
// all of them end at DueAt unless they are confirmed before. What is bound or granted later is not in it. More than a slice of each is
// listed behind the opening, in further transactions: a call that breaks off is gone on with under its key, and by the sweep. CONFLICT
// PERIOD_REVIEWED when the period has a review; INVALID_STATE REVIEW_OPEN while another is open; INVALID_INPUT DUE_DATE for one
// that lies behind or more than half a year ahead.
func (s *Service) AccessReviewOpen(ctx context.Context, session *tenancy.Session, in AccessReviewOpen, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	c, err := s.choosing(ctx, session)
	if err != nil {
		return act.Result{}, err
	}
	result, err := s.runner.Run(ctx, session, reviewOpen(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if err := w.Require(act.Subject{Type: typeReview}, &policy.Row{}); err != nil {
			return act.Result{}, err
		}
		if !in.DueAt.After(w.Now()) || in.DueAt.Sub(w.Now()) > maxAhead {
			return act.Result{}, fault.Invalid("input.dueAt", "DUE_DATE", fault.Text{ZH: "截止时间须在今后 184 天之内", EN: "the due date lies ahead, within 184 days"}, fault.Text{})
		}
		if err := free(ctx, w, in.Period); err != nil {
			return act.Result{}, err
		}
		// The epochs are held: whatever was bound or granted before this instant is in the review, and nothing that begins later.
		var opened time.Time
		if err := w.QueryRow(ctx, `SELECT clock_timestamp() + ($2::timestamptz - transaction_timestamp()) FROM tenants WHERE tenant_id = $1`, w.Tenant(), w.Now()).Scan(&opened); err != nil {
			return act.Result{}, wrap("time", err)
		}
		v, err := w.Ent().AccessReview.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetPeriod(in.Period).SetState(stateOpen).SetDueAt(in.DueAt).
			SetCreatedAt(opened).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write review", err)
		}
		if c == nil { // the right came between the look and the act
			if c, err = reviewers(ctx, w.Tx, w.Rights); err != nil {
				return act.Result{}, err
			}
		}
		var found []item // of most tenants that is all
		for _, slice := range []next{c.bindings, c.grants} {
			more, err := slice(ctx, w, v, uuid.Nil)
			if err != nil {
				return act.Result{}, err
			}
			found = append(found, more...)
		}
		changes, err := list(ctx, w, v, found)
		return act.Result{
			Subject: act.Subject{Type: typeReview, ID: v.ID, Version: v.Version}, Snapshot: reviewSnapshot(v),
			Changes: append([]act.Change{{Field: "period", New: v.Period}, {Field: "dueAt", New: v.DueAt}}, changes...),
		}, err
	})
	if err != nil {
		return result, err
	}
	_, err = s.List(ctx, session.Tenant)
	return result, err
}

func free(ctx context.Context, w *act.Work, period string) error {
	others, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.Or(accessreview.Period(period), accessreview.State(stateOpen))).All(ctx)
	if err != nil {
		return wrap("reviews", err)
	}
	for _, v := range others {
		if v.Period == period {
			return fault.Conflicts("input.period", "PERIOD_REVIEWED", fault.Text{ZH: "该期已发起复核", EN: "the period has a review already"}, fault.Text{})
		}
	}
	if len(others) > 0 {
		return fault.State("REVIEW_OPEN", fault.Text{ZH: "另一期复核尚未结束：" + others[0].Period, EN: "another review is open: " + others[0].Period},
			fault.Text{ZH: "请先结束该期复核", EN: "close that one first"})
	}
	return nil
}

const (
	insertItems = `INSERT INTO access_review_items (tenant_id, id, review_id, kind, binding_id, grant_id, holder_account_id, holder_staff_id, reviewer_staff_id, created_at, created_by, updated_at, updated_by)
		SELECT $1, x.id, $2, CASE WHEN x.binding IS NULL THEN 'GRANT' ELSE 'BINDING' END, x.binding, x.grantid, x.account, x.holder, x.reviewer, $9, $10, $9, $10
		FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[]) x (id, binding, grantid, account, holder, reviewer)`
	// From here on the rows themselves say when they end; no version is counted up, since nothing that anybody decided changes.
	setDueBindings = `UPDATE role_bindings SET review_due_at = $2 WHERE tenant_id = $1 AND id = ANY($3::uuid[])`
	setDueGrants   = `UPDATE access_grants SET review_due_at = $2 WHERE tenant_id = $1 AND id = ANY($3::uuid[])`
)

// list writes the items and puts the due date on what they are about.
func list(ctx context.Context, w *act.Work, v *entdb.AccessReview, found []item) ([]act.Change, error) {
	var cols [6][]*uuid.UUID
	var bindings, grants []uuid.UUID
	alone := 0
	for i := range found {
		x, fresh := &found[i], w.IDs.New()
		for c, u := range []*uuid.UUID{&fresh, x.binding, x.grant, x.account, x.holder, x.reviewer} {
			cols[c] = append(cols[c], u)
		}
		if x.reviewer == nil {
			alone++
		}
		if x.binding != nil {
			bindings = append(bindings, *x.binding)
		} else {
			grants = append(grants, *x.grant)
		}
	}
	if _, err := w.Exec(ctx, insertItems, w.Tenant(), v.ID, cols[0], cols[1], cols[2], cols[3], cols[4], cols[5], w.Now(), v.CreatedBy); err != nil {
		return nil, wrap("write items", err)
	}
	if len(bindings) > 0 {
		if _, err := w.Exec(ctx, setDueBindings, w.Tenant(), v.DueAt, bindings); err != nil {
			return nil, wrap("bindings", err)
		}
	}
	if len(grants) > 0 {
		if _, err := w.Exec(ctx, setDueGrants, w.Tenant(), v.DueAt, grants); err != nil {
			return nil, wrap("grants", err)
		}
	}
	return []act.Change{{Field: "items", New: len(found)}, {Field: "withoutReviewer", New: alone}}, nil
}

func reviewSnapshot(v *entdb.AccessReview) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.PolicyRules: {
		"id": id.Encode(id.AccessReview, v.ID), "period": v.Period, "state": upper(v.State), "dueAt": instant(&v.DueAt), "closedAt": instant(v.ClosedAt),
	}}
}
