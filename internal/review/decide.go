package review

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessreview"
	"github.com/clientele/clientele/ent/db/accessreviewitem"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// AccessReviewDecide is for the item's reviewer. When he is nobody or cannot sign in, whoever may open reviews stands in for
// him. Nobody decides about what he holds himself (DUTY_CONFLICT OWN_ACCESS). REVOKE ends the binding or grant at once, with
// the audit record and event of ending it; KEEP takes its due date off. FORBIDDEN NOT_THE_REVIEWER; INVALID_STATE
// REVIEW_CLOSED, REVIEW_PAST_DUE (it has ended, and stays ended), ALREADY_DECIDED, LAST_ADMIN.
func (s *Service) AccessReviewDecide(ctx context.Context, session *tenancy.Session, in AccessReviewDecide, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, reviewDecide(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		x, err := w.Ent().AccessReviewItem.Query().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ID(in.Item)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeItem, in.Item)
		}
		if err != nil {
			return act.Result{}, wrap("item", err)
		}
		if err := mayDecide(ctx, w, x); err != nil {
			return act.Result{}, err
		}
		if in.ExpectedVersion != x.Version {
			return act.Result{}, fault.Stale(x.Version)
		}
		v, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(x.ReviewID)).Only(ctx)
		if err != nil {
			return act.Result{}, wrap("review", err)
		}
		if err := undecided(w, v, x); err != nil {
			return act.Result{}, err
		}
		return decide(ctx, w, x, in.Decision, in.Reason)
	})
}

func decide(ctx context.Context, w *act.Work, x *entdb.AccessReviewItem, decision, reason string) (act.Result, error) {
	var also []act.Done
	var err error
	switch {
	case decision == keep && x.BindingID != nil:
		err = clearDue(ctx, w, `UPDATE role_bindings SET review_due_at = NULL WHERE tenant_id = $1 AND id = $2`, *x.BindingID)
	case decision == keep:
		err = clearDue(ctx, w, `UPDATE access_grants SET review_due_at = NULL WHERE tenant_id = $1 AND id = $2`, *x.GrantID)
	case x.BindingID != nil:
		also, err = identity.EndBinding(ctx, w, *x.BindingID, reason)
	default:
		also, err = identity.EndGrant(ctx, w, *x.GrantID, reason)
	}
	if err != nil {
		return act.Result{}, err
	}
	if err := settle(ctx, w, x, decision, reason); err != nil {
		return act.Result{}, err
	}
	return act.Result{
		Subject: act.Subject{Type: typeItem, ID: x.ID, Version: x.Version}, Snapshot: itemSnapshot(x), Also: also,
		Changes: []act.Change{{Field: "decision", New: decision}, {Field: "reason", New: reason}},
	}, nil
}

func clearDue(ctx context.Context, w *act.Work, sql string, of uuid.UUID) error {
	tag, err := w.Exec(ctx, sql, w.Tenant(), of)
	return act.Once(int(tag.RowsAffected()), err)
}

// settle writes a decision. LAPSED is nobody's.
func settle(ctx context.Context, w *act.Work, x *entdb.AccessReviewItem, decision, reason string) error {
	u := w.Ent().AccessReviewItem.Update().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ID(x.ID), accessreviewitem.Version(x.Version)).
		SetDecision(decision).SetDecidedAt(w.Now()).SetReason(reason).AddVersion(1).SetUpdatedAt(w.Now())
	if staff := w.Staff(); staff != nil {
		u.SetDecidedBy(*staff).SetUpdatedBy(*staff)
		x.DecidedBy = staff
	}
	now := w.Now()
	x.Decision, x.DecidedAt, x.Version = &decision, &now, x.Version+1
	return act.Once(u.Save(ctx))
}

const canSignIn = `SELECT EXISTS (SELECT FROM accounts WHERE tenant_id = $1 AND staff_id = $2 AND state = 'active')`

// mayDecide refuses everybody but the reviewer and those who stand in for one who is not there. Who neither reviews the item
// nor may read it is told that it is not there.
//
// SECURITY: nobody reviews his own, whatever his rights.
func mayDecide(ctx context.Context, w *act.Work, x *entdb.AccessReviewItem) error {
	me := w.Session().Actor
	subject := act.Subject{Type: typeItem, ID: x.ID, Version: x.Version}
	if me.Staff == uuid.Nil {
		return w.Absent(typeItem, x.ID)
	}
	row := &policy.Row{ID: x.ID, Staff: value(x.HolderStaffID)}
	reviewer := x.ReviewerStaffID != nil && *x.ReviewerStaffID == me.Staff
	if !reviewer && !w.Rights.Decide(policy.OnPolicy, policy.Read, row).Allow {
		return w.Absent(typeItem, x.ID)
	}
	if x.HolderStaffID != nil && *x.HolderStaffID == me.Staff || x.HolderAccountID != nil && *x.HolderAccountID == me.Account {
		return fault.Duty("OWN_ACCESS", fault.Text{ZH: "不能复核本人的权限", EN: "nobody reviews what he holds himself"}, "F16", fault.Text{ZH: "请由他人复核", EN: "ask somebody else"})
	}
	if reviewer {
		return nil
	}
	there := false
	if x.ReviewerStaffID != nil {
		if err := w.QueryRow(ctx, canSignIn, w.Tenant(), *x.ReviewerStaffID).Scan(&there); err != nil {
			return wrap("reviewer", err)
		}
	}
	if there {
		return fault.Forbidden("NOT_THE_REVIEWER", fault.Text{ZH: "该项由他人复核", EN: "somebody else reviews it"}, "", fault.Text{ZH: "请联系复核人", EN: "ask the reviewer"})
	}
	return w.Require(subject, row)
}

func itemSnapshot(x *entdb.AccessReviewItem) map[policy.Object]map[string]any {
	encoded := func(prefix string, u *uuid.UUID) *string {
		if u == nil {
			return nil
		}
		s := id.Encode(prefix, *u)
		return &s
	}
	return map[policy.Object]map[string]any{policy.PolicyRules: {
		"id": id.Encode(id.AccessReviewItem, x.ID), "reviewId": id.Encode(id.AccessReview, x.ReviewID), "kind": x.Kind,
		"bindingId": encoded(id.RoleBinding, x.BindingID), "grantId": encoded(id.Grant, x.GrantID), "holderId": encoded(id.Staff, x.HolderStaffID),
		"reviewerId": encoded(id.Staff, x.ReviewerStaffID), "decision": x.Decision, "decidedById": encoded(id.Staff, x.DecidedBy), "decidedAt": instant(x.DecidedAt),
	}}
}
