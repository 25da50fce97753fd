package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
)

// AccountReinstate opens a suspended account again. What ended with the suspension stays ended.
type AccountReinstate struct {
	Account         uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *AccountReinstate) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// AccountReinstate: permission account.reinstate. INVALID_STATE when it is not suspended or its staff member has left.
func (s *Service) AccountReinstate(ctx context.Context, session *tenancy.Session, in AccountReinstate, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, accountReinstate(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := accountToChange(ctx, w, in.Account)
		if err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		if before.State != stateSuspended {
			return act.Result{}, fault.State("ACCOUNT_NOT_SUSPENDED", fault.Text{ZH: "账号未被停用", EN: "the account is not suspended"}, fault.Text{})
		}
		if before.Staff != nil && before.Staff.State == staffGone {
			return act.Result{}, fault.State("STAFF_HAS_LEFT", fault.Text{ZH: "该员工已离职", EN: "the staff member has left"}, fault.Text{})
		}
		after := *before.Account
		after.State = stateActive
		if err := save(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		if err := listLogin(ctx, w, after.Login, after.ID); err != nil {
			return act.Result{}, err
		}
		return act.Result{
			Subject: act.Subject{Type: typeAccount, ID: after.ID, Version: after.Version}, Snapshot: accountSnapshot(&after),
			Changes: []act.Change{{Field: "state", Old: before.State, New: after.State}, {Field: "reason", New: in.Reason}},
		}, nil
	})
}
