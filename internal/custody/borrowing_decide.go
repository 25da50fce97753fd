package custody

import (
	"context"
	"slices"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// BorrowingEndorse is the custodian's consent, the first step (AC-09). From class L4 on the department head's follows.
// INVALID_STATE: STEP_NOT_ACTIVE, CONTENT_CHANGED; DUTY_CONFLICT: OWN_REQUEST, DECIDED_BEFORE.
func (s *Service) BorrowingEndorse(ctx context.Context, session *tenancy.Session, in BorrowingDecision, key string) (act.Result, error) {
	return s.approve(ctx, session, borrowingEndorse, approval.Custodian, in, key)
}

// BorrowingApprove is the department head's step (AC-09). Errors as BorrowingEndorse.
func (s *Service) BorrowingApprove(ctx context.Context, session *tenancy.Session, in BorrowingDecision, key string) (act.Result, error) {
	return s.approve(ctx, session, borrowingApprove, approval.DepartmentHead, in, key)
}

func (s *Service) approve(ctx context.Context, session *tenancy.Session, spec act.Spec, step approval.Key, in BorrowingDecision, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, spec, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(before.State), Consent); err != nil {
			return act.Result{}, err
		}
		done, err := s.chain.Decide(ctx, w, before.waiting(), step, approval.Verdict{Approve: true, Comment: in.Comment})
		if err != nil {
			return act.Result{}, err
		}
		by := Consent
		if done {
			by = Approve
		}
		to, err := Next(State(before.State), by)
		if err != nil {
			return act.Result{}, err
		}
		after, err := updateBorrowing(ctx, w, before, func(b *entdb.Borrowing) { b.State = string(to) })
		if err != nil {
			return act.Result{}, err
		}
		return borrowingResult(after, []act.Change{{Field: "step", New: string(step)}, {Field: "state", Old: before.State, New: after.State}, {Field: "comment", New: in.Comment}}), nil
	})
}

// BorrowingRefuse refuses at the step that waits; whoever may approve it may refuse it.
func (s *Service) BorrowingRefuse(ctx context.Context, session *tenancy.Session, in BorrowingReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingRefuse, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := loadBorrowing(ctx, w, in.BorrowingID)
		if err != nil {
			return act.Result{}, err
		}
		row := before.row()
		if err := w.RequireFor(before.subject(), policy.OnBorrowing, policy.Read, &row); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		step, err := s.chain.Active(ctx, w, before.waiting())
		if err != nil {
			return act.Result{}, err
		}
		if step != "" { // decided by the step's own act
			if _, err := s.chain.Decide(ctx, w, before.waiting(), step, approval.Verdict{Comment: &in.Reason}); err != nil {
				return act.Result{}, err
			}
		}
		return s.end(ctx, w, before, Refuse, in.Reason)
	})
}

// BorrowingWithdraw takes a request back before it is out; only the borrower does. FORBIDDEN NOT_THE_BORROWER.
func (s *Service) BorrowingWithdraw(ctx context.Context, session *tenancy.Session, in BorrowingReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingWithdraw, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		if !is(w, before.BorrowerStaffID) {
			return act.Result{}, fault.Forbidden("NOT_THE_BORROWER", text("只有借阅人可以撤回", "only the borrower withdraws"), clauseBorrowing, text("需要终止时请退回或收回", "refuse or revoke it instead"))
		}
		return s.end(ctx, w, before, Withdraw, in.Reason)
	})
}

// end takes a borrowing to an end by which nothing comes back, because nothing was out.
func (s *Service) end(ctx context.Context, w *act.Work, before Borrowing, by Trigger, reason string) (act.Result, error) {
	to, err := Next(State(before.State), by)
	if err != nil {
		return act.Result{}, err
	}
	if err := s.chain.Void(ctx, w, before.waiting()); err != nil {
		return act.Result{}, err
	}
	if err := endItems(ctx, w, before.ID); err != nil {
		return act.Result{}, err
	}
	now := w.Now()
	after, err := updateBorrowing(ctx, w, before, func(b *entdb.Borrowing) { b.State, b.EndedAt = string(to), &now })
	if err != nil {
		return act.Result{}, err
	}
	return borrowingResult(after, []act.Change{{Field: "state", Old: before.State, New: after.State}, {Field: "reason", New: reason}}), nil
}
