package review

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/accessreview"
	"github.com/clientele/clientele/ent/db/accessreviewitem"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// AccessReviewReassign names another reviewer of an item that nobody has decided: somebody whom the opening could have named, too.
// Permission review.open. DUTY_CONFLICT: OWN_ACCESS (nobody names the reviewer of what he holds himself), OWN_REVIEW (nobody names
// himself: he stands in for a reviewer who is not there, and for no other). INVALID_INPUT REVIEWER_UNSUITABLE; NOT_FOUND: no such person; INVALID_STATE as
// AccessReviewDecide, and REVIEWER_ALREADY.
func (s *Service) AccessReviewReassign(ctx context.Context, session *tenancy.Session, in AccessReviewReassign, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, reviewReassign(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		x, err := w.Ent().AccessReviewItem.Query().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ID(in.Item)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeItem, in.Item)
		}
		if err != nil {
			return act.Result{}, wrap("item", err)
		}
		if err := mayReassign(w, x); err != nil {
			return act.Result{}, err
		}
		if in.ExpectedVersion != x.Version {
			return act.Result{}, fault.Stale(x.Version).At("input.expectedVersion")
		}
		if err := apart(w.Session().Actor, x, in.Reviewer); err != nil {
			return act.Result{}, err
		}
		v, err := w.Ent().AccessReview.Query().Where(accessreview.TenantID(w.Tenant()), accessreview.ID(x.ReviewID)).Only(ctx)
		if err != nil {
			return act.Result{}, wrap("review", err)
		}
		if err := undecided(w, v, x); err != nil {
			return act.Result{}, err
		}
		if x.ReviewerStaffID != nil && *x.ReviewerStaffID == in.Reviewer {
			return act.Result{}, fault.State("REVIEWER_ALREADY", fault.Text{ZH: "该员工已是复核人", EN: "that is the reviewer already"}, fault.Text{})
		}
		name, err := suitable(ctx, w, x, in.Reviewer)
		if err != nil {
			return act.Result{}, err
		}
		before := x.ReviewerStaffID
		u := w.Ent().AccessReviewItem.Update().Where(accessreviewitem.TenantID(w.Tenant()), accessreviewitem.ID(x.ID), accessreviewitem.Version(x.Version)).
			SetReviewerStaffID(in.Reviewer).AddVersion(1).SetUpdatedAt(w.Now())
		if staff := w.Staff(); staff != nil {
			u.SetUpdatedBy(*staff)
		}
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		x.ReviewerStaffID, x.Version = &in.Reviewer, x.Version+1
		change := act.Change{Field: "reviewer", New: name}
		if before != nil {
			change.Old = id.Encode(id.Staff, *before)
		}
		return act.Result{
			Subject: act.Subject{Type: typeItem, ID: x.ID, Version: x.Version}, Snapshot: itemSnapshot(x),
			Changes: []act.Change{change, {Field: "reason", New: in.Reason}},
		}, nil
	})
}

// mayReassign refuses whoever may not open reviews. The reviewer sees the item whatever the policy says, so he is told so.
func mayReassign(w *act.Work, x *entdb.AccessReviewItem) error {
	subject, row := act.Subject{Type: typeItem, ID: x.ID, Version: x.Version}, &policy.Row{ID: x.ID, Staff: value(x.HolderStaffID)}
	if me := w.Session().Actor.Staff; x.ReviewerStaffID != nil && *x.ReviewerStaffID == me {
		return act.About(subject, w.Require(act.Subject{Type: typeItem}, row))
	}
	return w.Require(subject, row)
}

// apart: SECURITY: whoever may open reviews must not bring an item into his own hands, nor choose who judges what he holds.
func apart(me tenancy.Actor, x *entdb.AccessReviewItem, reviewer uuid.UUID) error {
	if x.HolderStaffID != nil && *x.HolderStaffID == me.Staff || x.HolderAccountID != nil && *x.HolderAccountID == me.Account {
		return fault.Duty("OWN_ACCESS", fault.Text{ZH: "不能为本人的权限指定复核人", EN: "nobody names the reviewer of what he holds himself"}, "F16", fault.Text{ZH: "请由他人指定", EN: "ask somebody else"})
	}
	if reviewer == me.Staff {
		return fault.Duty("OWN_REVIEW", fault.Text{ZH: "不能指定本人为复核人", EN: "nobody makes himself the reviewer"}, "F16",
			fault.Text{ZH: "请指定他人；复核人无法登录时可直接代为复核", EN: "name somebody else; for a reviewer who cannot sign in you stand in as it is"})
	}
	return nil
}

// undecided refuses what is over.
func undecided(w *act.Work, v *entdb.AccessReview, x *entdb.AccessReviewItem) error {
	switch {
	case v.State != stateOpen:
		return fault.State("REVIEW_CLOSED", fault.Text{ZH: "该期复核已结束", EN: "the review is closed"}, fault.Text{})
	case x.Decision != nil:
		return fault.State("ALREADY_DECIDED", fault.Text{ZH: "该项已复核", EN: "it is decided already"}, fault.Text{})
	case !v.DueAt.After(w.Now()):
		return fault.State("REVIEW_PAST_DUE", fault.Text{ZH: "已过截止时间，该项已失效", EN: "the due date has passed, and it has ended"},
			fault.Text{ZH: "如仍需要，请重新授予", EN: "if it is still needed, bind or grant it anew"})
	}
	return nil
}

const (
	reviewerOf = `SELECT s.name, s.company_id, s.department_id, s.state NOT IN ('leaving', 'left')
		AND EXISTS (SELECT FROM accounts a WHERE a.tenant_id = s.tenant_id AND a.staff_id = s.id AND a.state = 'active') FROM staff s WHERE s.tenant_id = $1 AND s.id = $2`
	isSuperior = `SELECT EXISTS (SELECT FROM employments WHERE tenant_id = $1 AND staff_id = $2 AND superior_id = $3 AND valid_from <= $4 AND (valid_until IS NULL OR valid_until > $4))`
	isGiver    = `SELECT EXISTS (SELECT FROM access_grants g JOIN clients c ON c.tenant_id = g.tenant_id AND c.id = g.client_id
		LEFT JOIN departments d ON d.tenant_id = c.tenant_id AND d.id = c.department_id WHERE g.tenant_id = $1 AND g.id = $2 AND (g.granted_by = $3 OR d.head_id = $3))`
)

// suitable gives the name of somebody whom the opening could have named: he can sign in, does not hold it himself, and is the holder's
// direct superior or may unbind it; of a grant, he gave it, heads the client's department, or may revoke it.
func suitable(ctx context.Context, w *act.Work, x *entdb.AccessReviewItem, reviewer uuid.UUID) (name string, err error) {
	var company, department *uuid.UUID
	found := false
	err = w.QueryRow(ctx, reviewerOf, w.Tenant(), reviewer).Scan(&name, &company, &department, &found)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", wrap("reviewer", err)
	}
	// SECURITY: an id must not be an oracle for rows that the actor may not read.
	row := &policy.Row{ID: reviewer, Staff: reviewer, Company: value(company), Department: value(department)}
	if err != nil || !w.Rights.Decide(policy.OnStaff, policy.Read, row).Allow {
		return "", fault.NotFound("Staff").At("input.reviewerId")
	}
	if found && (x.HolderStaffID == nil || *x.HolderStaffID != reviewer) {
		if found, err = entitled(ctx, w, x, reviewer); err != nil || found {
			return name, err
		}
	}
	return "", fault.Invalid("input.reviewerId", "REVIEWER_UNSUITABLE", fault.Text{ZH: "该员工不能复核此项", EN: "that person cannot review it"},
		fault.Text{ZH: "请选择持有人的直接上级或有权解除该角色的在职员工；专项授权可由授予人、客户所属部门负责人或有权收回者复核", EN: "choose the holder's direct superior or somebody who may unbind the role; of a grant, who gave it, the head of the client's department, or somebody who may revoke it"})
}

func entitled(ctx context.Context, w *act.Work, x *entdb.AccessReviewItem, reviewer uuid.UUID) (yes bool, err error) {
	typ, of, object, action := "RoleBinding", x.BindingID, policy.OnPolicy, policy.RoleUnbind
	sql, args := isSuperior, []any{w.Tenant(), x.HolderStaffID, reviewer, w.Now()}
	if x.GrantID != nil {
		typ, of, object, action = "AccessGrant", x.GrantID, policy.OnGrant, policy.GrantRevoke
		sql, args = isGiver, []any{w.Tenant(), *x.GrantID, reviewer}
	}
	if err := w.QueryRow(ctx, sql, args...).Scan(&yes); err != nil || yes {
		return yes, wrap("reviewer", err)
	}
	holders, err := access.Holders(ctx, w.Tx, &reviewer)
	if err != nil {
		return false, err
	}
	facts, _ := access.FactsOf(typ)
	for i := range holders {
		if holders[i].Suspended {
			continue
		}
		rights := w.Rights.Other(&holders[i].Principal, w.Now())
		about, err := facts.Row(ctx, w.Tx, rights, *of)
		if err != nil {
			return false, wrap("reviewer", err)
		}
		if about != nil && rights.Decide(object, action, &about.Row).Allow {
			return true, nil
		}
	}
	return false, nil
}
