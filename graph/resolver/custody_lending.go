package resolver

import (
	"context"
	"fmt"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

func (d *decoder) borrowing(text string, version int64) custody.BorrowingTarget {
	return custody.BorrowingTarget{BorrowingID: d.id(id.Borrowing, "input.borrowingId", text), ExpectedVersion: version}
}

func (d *decoder) accessRequest(text string, version int64) custody.AccessRequestTarget {
	return custody.AccessRequestTarget{AccessRequestID: d.id(id.AccessRequest, "input.accessRequestId", text), ExpectedVersion: version}
}

// BorrowingRequest resolves borrowingRequest.
func (r Custody) BorrowingRequest(ctx context.Context, from model.BorrowingRequestInput, key string) (p model.BorrowingRequestPayload, err error) {
	var d decoder
	in := custody.BorrowingRequest{ClientID: d.id(id.Client, "input.clientId", from.ClientID), Purpose: from.Purpose, DueAt: from.DueAt}
	for i, text := range from.OriginalIds {
		in.OriginalIDs = append(in.OriginalIDs, d.id(id.Original, fmt.Sprintf("input.originalIds.%d", i), text))
	}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingRequest(ctx, s, in, key)
	})
	return p, err
}

// BorrowingWithdraw resolves borrowingWithdraw.
func (r Custody) BorrowingWithdraw(ctx context.Context, from model.BorrowingWithdrawInput, key string) (p model.BorrowingWithdrawPayload, err error) {
	var d decoder
	in := custody.BorrowingReason{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Reason: from.Reason}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingWithdraw(ctx, s, in, key)
	})
	return p, err
}

// BorrowingRefuse resolves borrowingRefuse.
func (r Custody) BorrowingRefuse(ctx context.Context, from model.BorrowingRefuseInput, key string) (p model.BorrowingRefusePayload, err error) {
	var d decoder
	in := custody.BorrowingReason{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Reason: from.Reason}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingRefuse(ctx, s, in, key)
	})
	return p, err
}

// BorrowingReportLost resolves borrowingReportLost.
func (r Custody) BorrowingReportLost(ctx context.Context, from model.BorrowingReportLostInput, key string) (p model.BorrowingReportLostPayload, err error) {
	var d decoder
	in := custody.BorrowingReason{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Reason: from.Reason}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingReportLost(ctx, s, in, key)
	})
	return p, err
}

// BorrowingRevoke resolves borrowingRevoke.
func (r Custody) BorrowingRevoke(ctx context.Context, from model.BorrowingRevokeInput, key string) (p model.BorrowingRevokePayload, err error) {
	var d decoder
	in := custody.BorrowingReason{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Reason: from.Reason}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingRevoke(ctx, s, in, key)
	})
	return p, err
}

// BorrowingEndorse resolves borrowingEndorse.
func (r Custody) BorrowingEndorse(ctx context.Context, from model.BorrowingEndorseInput, key string) (p model.BorrowingEndorsePayload, err error) {
	var d decoder
	in := custody.BorrowingDecision{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Comment: maybeText(from.Comment).Value}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingEndorse(ctx, s, in, key)
	})
	return p, err
}

// BorrowingApprove resolves borrowingApprove.
func (r Custody) BorrowingApprove(ctx context.Context, from model.BorrowingApproveInput, key string) (p model.BorrowingApprovePayload, err error) {
	var d decoder
	in := custody.BorrowingDecision{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Comment: maybeText(from.Comment).Value}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingApprove(ctx, s, in, key)
	})
	return p, err
}

// BorrowingHandOut resolves borrowingHandOut.
func (r Custody) BorrowingHandOut(ctx context.Context, from model.BorrowingHandOutInput, key string) (p model.BorrowingHandOutPayload, err error) {
	var d decoder
	in := custody.BorrowingHandOut{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion)}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingHandOut(ctx, s, in, key)
	})
	return p, err
}

// BorrowingRenew resolves borrowingRenew.
func (r Custody) BorrowingRenew(ctx context.Context, from model.BorrowingRenewInput, key string) (p model.BorrowingRenewPayload, err error) {
	var d decoder
	due, _ := from.DueAt.ValueOK()
	in := custody.BorrowingRenew{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), DueAt: due}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingRenew(ctx, s, in, key)
	})
	return p, err
}

// BorrowingReturn resolves borrowingReturn.
func (r Custody) BorrowingReturn(ctx context.Context, from model.BorrowingReturnInput, key string) (p model.BorrowingReturnPayload, err error) {
	var d decoder
	in := custody.BorrowingReturn{BorrowingTarget: d.borrowing(from.BorrowingID, from.ExpectedVersion), Note: maybeText(from.Note).Value}
	for i, item := range from.Items {
		in.Items = append(in.Items, custody.ReturnedItem{
			OriginalID: d.id(id.Original, fmt.Sprintf("input.items.%d.originalId", i), item.OriginalID), Condition: string(item.Condition),
		})
	}
	p.Borrowing, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.BorrowingReturn(ctx, s, in, key)
	})
	return p, err
}

// AccessRequestSubmit resolves accessRequestSubmit.
func (r Custody) AccessRequestSubmit(ctx context.Context, from model.AccessRequestSubmitInput, key string) (p model.AccessRequestSubmitPayload, err error) {
	var d decoder
	in := custody.AccessRequestSubmit{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), Classes: from.Classes, Purpose: from.Purpose, WantedFrom: from.WantedFrom, WantedUntil: from.WantedUntil,
	}
	p.AccessRequest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessRequestSubmit(ctx, s, in, key)
	})
	return p, err
}

// AccessRequestWithdraw resolves accessRequestWithdraw.
func (r Custody) AccessRequestWithdraw(ctx context.Context, from model.AccessRequestWithdrawInput, key string) (p model.AccessRequestWithdrawPayload, err error) {
	var d decoder
	in := custody.AccessRequestReason{AccessRequestTarget: d.accessRequest(from.AccessRequestID, from.ExpectedVersion), Reason: from.Reason}
	p.AccessRequest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessRequestWithdraw(ctx, s, in, key)
	})
	return p, err
}

// AccessRequestRefuse resolves accessRequestRefuse.
func (r Custody) AccessRequestRefuse(ctx context.Context, from model.AccessRequestRefuseInput, key string) (p model.AccessRequestRefusePayload, err error) {
	var d decoder
	in := custody.AccessRequestReason{AccessRequestTarget: d.accessRequest(from.AccessRequestID, from.ExpectedVersion), Reason: from.Reason}
	p.AccessRequest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessRequestRefuse(ctx, s, in, key)
	})
	return p, err
}

// AccessRequestEndorse resolves accessRequestEndorse.
func (r Custody) AccessRequestEndorse(ctx context.Context, from model.AccessRequestEndorseInput, key string) (p model.AccessRequestEndorsePayload, err error) {
	var d decoder
	in := custody.AccessRequestDecision{AccessRequestTarget: d.accessRequest(from.AccessRequestID, from.ExpectedVersion), Comment: maybeText(from.Comment).Value}
	p.AccessRequest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessRequestEndorse(ctx, s, in, key)
	})
	return p, err
}

// AccessRequestApprove resolves accessRequestApprove.
func (r Custody) AccessRequestApprove(ctx context.Context, from model.AccessRequestApproveInput, key string) (p model.AccessRequestApprovePayload, err error) {
	var d decoder
	in := custody.AccessRequestDecision{AccessRequestTarget: d.accessRequest(from.AccessRequestID, from.ExpectedVersion), Comment: maybeText(from.Comment).Value}
	p.AccessRequest, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessRequestApprove(ctx, s, in, key)
	})
	return p, err
}
