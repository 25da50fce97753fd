package custody

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	entrequest "github.com/clientele/clientele/ent/db/accessrequest"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Request is an access request as a service works with it.
type Request struct {
	*entdb.AccessRequest
	about policy.Row
}

func (r Request) subject() act.Subject {
	return act.Subject{Type: typeRequest, ID: r.ID, Version: r.Version}
}

func (r Request) row() policy.Row {
	row := r.about
	row.ID, row.Client, row.Staff = r.ID, r.ClientID, r.RequesterStaffID
	row.Kind, row.Stage, row.State = "", "", ""
	return row
}

// waiting is the request as the chain knows it; the hash is over who asks for what, and until when.
func (r Request) waiting() approval.Subject {
	row := r.row()
	return approval.Subject{
		Subject: r.subject(), Type: approval.AccessRequest, Client: r.ClientID, Requester: r.RequesterStaffID, Row: &row,
		Hash: hashOf([]string{
			"access request 1", r.ClientID.String(), r.RequesterStaffID.String(), strconv.Itoa(int(r.ClassMask)), r.Purpose,
			r.WantedFrom.UTC().Format(time.RFC3339Nano), r.WantedUntil.UTC().Format(time.RFC3339Nano),
		}),
	}
}

// AccessRequestSubmit asks for field classes of an archive that the actor sees at least in the list (F10). INVALID_INPUT EXPIRY: the end is
// not after the beginning, or more than 366 days away.
func (s *Service) AccessRequestSubmit(ctx context.Context, session *tenancy.Session, in AccessRequestSubmit, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accessRequestSubmit, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		_, about, err := archive.LoadRow(ctx, w, in.ClientID, archive.ForUse)
		if err != nil {
			return act.Result{}, err
		}
		if w.Rights == nil || !w.Rights.Decide(policy.OnClient, policy.Read, &about).Allow {
			return act.Result{}, w.Absent("Client", in.ClientID)
		}
		requester, err := acting(w)
		if err != nil {
			return act.Result{}, err
		}
		from := w.Now()
		if in.WantedFrom != nil && in.WantedFrom.After(from) {
			from = *in.WantedFrom
		}
		if !in.WantedUntil.After(from) || in.WantedUntil.After(w.Now().Add(longestView)) {
			return act.Result{}, cite(fault.Invalid("input.wantedUntil", "EXPIRY", text("截止时间须晚于开始时间，且在 366 天之内", "the end is after the beginning and within 366 days"), fault.Text{}), clauseAccess)
		}
		var mask policy.ClassSet
		for _, class := range in.Classes {
			mask |= policy.Class(class).Set()
		}
		r := Request{&entdb.AccessRequest{
			ID: w.IDs.New(), TenantID: w.Tenant(), RequesterStaffID: requester, ClientID: in.ClientID, ClassMask: int16(mask), Purpose: in.Purpose,
			WantedFrom: from, WantedUntil: in.WantedUntil, State: "requested", Version: 1,
		}, about}
		if err := require(w, act.Subject{Type: typeRequest}, r.row(), policy.AccessRequestRegister); err != nil {
			return act.Result{}, err
		}
		_, err = w.Exec(ctx, `INSERT INTO access_requests (tenant_id, id, requester_staff_id, client_id, class_mask, purpose, wanted_from, wanted_until, created_at, created_by, updated_at, updated_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $10)`, w.Tenant(), r.ID, requester, r.ClientID, r.ClassMask, r.Purpose, r.WantedFrom, r.WantedUntil, w.Now(), w.Staff())
		if err != nil {
			return act.Result{}, wrap("insert request", err)
		}
		if err := s.chain.Start(ctx, w, r.waiting()); err != nil {
			return act.Result{}, err
		}
		return requestResult(r, []act.Change{{Field: "classMask", New: r.ClassMask}, {Field: "purpose", New: r.Purpose}, {Field: "wantedUntil", New: r.WantedUntil}}), nil
	})
}

// AccessRequestEndorse is the consent of the owning department's head, the first step (AC-10).
// INVALID_STATE: REQUEST_STATE, STEP_NOT_ACTIVE, CONTENT_CHANGED; DUTY_CONFLICT: OWN_REQUEST, DECIDED_BEFORE.
func (s *Service) AccessRequestEndorse(ctx context.Context, session *tenancy.Session, in AccessRequestDecision, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accessRequestEndorse, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := requestFor(ctx, w, in.AccessRequestTarget)
		if err != nil {
			return act.Result{}, err
		}
		if _, err := s.chain.Decide(ctx, w, before.waiting(), approval.DepartmentHead, approval.Verdict{Approve: true, Comment: in.Comment}); err != nil {
			return act.Result{}, err
		}
		return saveRequest(ctx, w, before, before.State, nil, []act.Change{{Field: "step", New: string(approval.DepartmentHead)}, {Field: "comment", New: in.Comment}})
	})
}

// AccessRequestApprove is the key-account manager's step, the last one: it gives the grant. Nobody gives more than he may read himself by his
// roles (FORBIDDEN CLASS_BEYOND_OWN). Errors as AccessRequestEndorse, and INVALID_STATE REQUEST_EXPIRED.
func (s *Service) AccessRequestApprove(ctx context.Context, session *tenancy.Session, in AccessRequestDecision, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accessRequestApprove, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := requestFor(ctx, w, in.AccessRequestTarget)
		if err != nil {
			return act.Result{}, err
		}
		done, err := s.chain.Decide(ctx, w, before.waiting(), approval.KeyAccountManager, approval.Verdict{Approve: true, Comment: in.Comment})
		if err != nil {
			return act.Result{}, err
		}
		if !done {
			return act.Result{}, fmt.Errorf("custody: a step follows the one that grants")
		}
		if !before.WantedUntil.After(w.Now()) {
			return act.Result{}, cite(fault.State("REQUEST_EXPIRED", text("申请的截止时间已过", "the end that was asked for has passed"), text("请重新申请", "ask again")), clauseAccess)
		}
		grant, err := grantFor(ctx, w, before)
		if err != nil {
			return act.Result{}, err
		}
		return saveRequest(ctx, w, before, "granted", &grant, []act.Change{{Field: "grant", New: id.Encode(id.Grant, grant)}, {Field: "comment", New: in.Comment}})
	})
}

// grantFor gives what was asked for, under the ceiling of whoever approves.
func grantFor(ctx context.Context, w *act.Work, r Request) (uuid.UUID, error) {
	give := identity.AccessGrantGive{Grantee: r.RequesterStaffID, Client: r.ClientID, Purpose: r.Purpose, ValidUntil: r.WantedUntil}
	for _, class := range policy.ClassSet(r.ClassMask).List() {
		give.Classes = append(give.Classes, int(class))
	}
	if r.WantedFrom.After(w.Now()) {
		give.ValidFrom = &r.WantedFrom
	}
	given, err := identity.GiveApproved(ctx, w, give)
	if list, ok := fault.As(err); ok { // what is refused is none of this act's fields
		out := make(fault.List, len(list))
		for i, e := range list {
			out[i] = e.At("")
		}
		return uuid.Nil, out
	}
	return given.Subject.ID, err
}

// AccessRequestRefuse refuses at the step that waits; whoever may approve it may refuse it.
func (s *Service) AccessRequestRefuse(ctx context.Context, session *tenancy.Session, in AccessRequestReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accessRequestRefuse, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := loadRequest(ctx, w, in.AccessRequestID)
		if err != nil {
			return act.Result{}, err
		}
		row := before.row()
		if err := w.RequireFor(before.subject(), policy.OnAccessRequest, policy.Read, &row); err != nil {
			return act.Result{}, err
		}
		if err := open(before, in.ExpectedVersion); err != nil {
			return act.Result{}, err
		}
		step, err := s.chain.Active(ctx, w, before.waiting())
		if err != nil {
			return act.Result{}, err
		}
		if _, err := s.chain.Decide(ctx, w, before.waiting(), step, approval.Verdict{Comment: &in.Reason}); err != nil {
			return act.Result{}, err
		}
		return saveRequest(ctx, w, before, "refused", nil, []act.Change{{Field: "reason", New: in.Reason}})
	})
}

// AccessRequestWithdraw takes a request back before it is granted; only who asked does. FORBIDDEN NOT_THE_REQUESTER.
func (s *Service) AccessRequestWithdraw(ctx context.Context, session *tenancy.Session, in AccessRequestReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accessRequestWithdraw, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := requestFor(ctx, w, in.AccessRequestTarget)
		if err != nil {
			return act.Result{}, err
		}
		if !is(w, before.RequesterStaffID) {
			return act.Result{}, fault.Forbidden("NOT_THE_REQUESTER", text("只有申请人可以撤回", "only who asked withdraws"), clauseAccess, text("不同意时请退回申请", "refuse it instead"))
		}
		if err := s.chain.Void(ctx, w, before.waiting()); err != nil {
			return act.Result{}, err
		}
		return saveRequest(ctx, w, before, "withdrawn", nil, []act.Change{{Field: "reason", New: in.Reason}})
	})
}

func loadRequest(ctx context.Context, w *act.Work, request uuid.UUID) (Request, error) {
	client, err := clientOf(ctx, w, "access_requests", typeRequest, request)
	if err != nil {
		return Request{}, err
	}
	_, about, err := archive.LoadRow(ctx, w, client, archive.ForUse)
	if err != nil {
		return Request{}, err
	}
	if _, err := w.Exec(ctx, `SELECT 1 FROM access_requests WHERE tenant_id = $1 AND id = $2`+forChange, w.Tenant(), request); err != nil {
		return Request{}, wrap("lock request", err)
	}
	row, err := w.Ent().AccessRequest.Query().Where(entrequest.TenantID(w.Tenant()), entrequest.ID(request)).Only(ctx)
	return Request{row, about}, wrap("request", err)
}

// requestFor is loadRequest, the decision on the act with the write right, the version, and that it still waits.
func requestFor(ctx context.Context, w *act.Work, t AccessRequestTarget) (Request, error) {
	r, err := loadRequest(ctx, w, t.AccessRequestID)
	if err != nil {
		return r, err
	}
	if err := require(w, r.subject(), r.row(), policy.AccessRequestRegister); err != nil {
		return r, err
	}
	return r, open(r, t.ExpectedVersion)
}

func open(r Request, expected int64) error {
	if err := version(expected, r.Version); err != nil {
		return err
	}
	if r.State != "requested" {
		return cite(fault.State("REQUEST_STATE", text("该申请已结束（"+r.State+"）", "the request has ended ("+r.State+")"), text("请刷新后查看申请当前状态", "read the request's present state")), clauseAccess)
	}
	return nil
}

func saveRequest(ctx context.Context, w *act.Work, before Request, state string, grant *uuid.UUID, changes []act.Change) (act.Result, error) {
	row := *before.AccessRequest
	after := Request{&row, before.about}
	row.State, row.GrantID = state, grant
	if state != before.State {
		now := w.Now()
		row.EndedAt = &now
		changes = slices.Insert(changes, 0, act.Change{Field: "state", Old: before.State, New: state})
	}
	row.Version++
	tag, err := w.Exec(ctx, `UPDATE access_requests SET state = $4, grant_id = $5, ended_at = $6, version = version + 1, updated_at = $7, updated_by = $8
		WHERE tenant_id = $1 AND id = $2 AND version = $3`, w.Tenant(), row.ID, before.Version, row.State, row.GrantID, row.EndedAt, w.Now(), w.Staff())
	if err != nil {
		return act.Result{}, wrap("update request", err)
	}
	if tag.RowsAffected() != 1 {
		return act.Result{}, fault.Stale(before.Version)
	}
	return requestResult(after, changes), nil
}

func requestResult(r Request, changes []act.Change) act.Result {
	var grant any
	if r.GrantID != nil {
		grant = id.Encode(id.Grant, *r.GrantID)
	}
	return act.Result{
		Subject: r.subject(), Changes: changes,
		Snapshot: map[policy.Object]map[string]any{policy.AccessRequestRegister: {
			"id": id.Encode(id.AccessRequest, r.ID), "client": id.Encode(id.Client, r.ClientID), "requester": id.Encode(id.Staff, r.RequesterStaffID),
			"classMask": r.ClassMask, "purpose": r.Purpose, "wantedFrom": r.WantedFrom.UTC(), "wantedUntil": r.WantedUntil.UTC(), "state": enum(r.State), "grant": grant,
		}},
	}
}
