package resolver

import (
	"context"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/review"
	"github.com/clientele/clientele/internal/tenancy"
)

// Review has the mutations of graph/schema/review.graphql.
type Review struct{ Service *review.Service }

// AccessReviewOpen resolves accessReviewOpen.
func (r Review) AccessReviewOpen(ctx context.Context, from model.AccessReviewOpenInput, key string) (p model.AccessReviewOpenPayload, err error) {
	var d decoder
	in := review.AccessReviewOpen{Period: from.Period, DueAt: from.DueAt}
	p.AccessReview, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessReviewOpen(ctx, s, in, key)
	})
	return p, err
}

// AccessReviewDecide resolves accessReviewDecide.
func (r Review) AccessReviewDecide(ctx context.Context, from model.AccessReviewDecideInput, key string) (p model.AccessReviewDecidePayload, err error) {
	var d decoder
	in := review.AccessReviewDecide{
		Item:            d.id(id.AccessReviewItem, "input.accessReviewItemId", from.AccessReviewItemID),
		ExpectedVersion: from.ExpectedVersion, Decision: string(from.Decision), Reason: from.Reason,
	}
	p.AccessReviewItem, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessReviewDecide(ctx, s, in, key)
	})
	return p, err
}

// AccessReviewReassign resolves accessReviewReassign.
func (r Review) AccessReviewReassign(ctx context.Context, from model.AccessReviewReassignInput, key string) (p model.AccessReviewReassignPayload, err error) {
	var d decoder
	in := review.AccessReviewReassign{
		Item:            d.id(id.AccessReviewItem, "input.accessReviewItemId", from.AccessReviewItemID),
		ExpectedVersion: from.ExpectedVersion, Reviewer: d.id(id.Staff, "input.reviewerId", from.ReviewerID), Reason: from.Reason,
	}
	p.AccessReviewItem, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessReviewReassign(ctx, s, in, key)
	})
	return p, err
}

// AccessReviewClose resolves accessReviewClose.
func (r Review) AccessReviewClose(ctx context.Context, from model.AccessReviewCloseInput, key string) (p model.AccessReviewClosePayload, err error) {
	var d decoder
	in := review.AccessReviewClose{Review: d.id(id.AccessReview, "input.accessReviewId", from.AccessReviewID), ExpectedVersion: from.ExpectedVersion}
	p.AccessReview, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessReviewClose(ctx, s, in, key)
	})
	return p, err
}
