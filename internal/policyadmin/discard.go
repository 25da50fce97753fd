package policyadmin

import (
	"context"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PolicyDiscard: permission policy.write. INVALID_STATE NOT_A_DRAFT.
func (s *Service) PolicyDiscard(ctx context.Context, session *tenancy.Session, in PolicyDiscard, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyDiscard(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		v, err := versionToChange(ctx, w, in.PolicyVersion, in.ExpectedVersion)
		if err != nil {
			return act.Result{}, err
		}
		if v.State != stateDraft {
			return act.Result{}, notADraft()
		}
		if err := setState(ctx, w, v, stateDiscarded, nil); err != nil {
			return act.Result{}, err
		}
		return act.Result{
			Subject: act.Subject{Type: typeVersion, ID: v.ID, Version: v.Version}, Snapshot: versionSnapshot(v),
			Changes: []act.Change{{Field: "state", Old: stateDraft, New: stateDiscarded}, {Field: "reason", New: in.Reason}},
		}, nil
	})
}

func notADraft() *fault.Error {
	return fault.State("NOT_A_DRAFT", fault.Text{ZH: "该策略版本不是草案", EN: "the policy version is no draft"}, fault.Text{ZH: "请重新起草", EN: "make a new draft"})
}

// PolicyRollback: permission policy.write. The draft is based on the version in force and has the rules of the older one.
// INVALID_INPUT NOT_FOUND at input.toNumber; INVALID_STATE NEVER_IN_FORCE for drafts, ALREADY_IN_FORCE for the one in force.
func (s *Service) PolicyRollback(ctx context.Context, session *tenancy.Session, in PolicyRollback, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyRollback(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if err := require(w, act.Subject{Type: typeVersion}, &policy.Row{}); err != nil {
			return act.Result{}, err
		}
		old, err := versionNumbered(ctx, w.Tx, in.ToNumber)
		switch {
		case err != nil:
			return act.Result{}, err
		case old == nil:
			return act.Result{}, absentReference("input.toNumber")
		case old.State == stateInForce:
			return act.Result{}, fault.State("ALREADY_IN_FORCE", fault.Text{ZH: "该版本正在生效", EN: "the version is in force"}, fault.Text{}).At("input.toNumber")
		case old.State != stateSuperseded:
			return act.Result{}, fault.State("NEVER_IN_FORCE", fault.Text{ZH: "该版本从未生效", EN: "the version was never in force"}, fault.Text{}).At("input.toNumber")
		}
		current, err := versionInForce(ctx, w.Tx)
		if err != nil {
			return act.Result{}, err
		}
		rules, err := access.Rules(ctx, w.Tx, old.ID)
		if err != nil {
			return act.Result{}, err
		}
		number(rules)
		classes, err := access.Classes(ctx, w.Tx, old.ID)
		if err != nil {
			return act.Result{}, err
		}
		conflicts, err := access.Conflicts(ctx, w.Tx, &old.ID)
		if err != nil {
			return act.Result{}, err
		}
		changes := []act.Change{{Field: "rulesOf", Old: current.Number, New: old.Number}, {Field: "reason", New: in.Reason}}
		return saveDraft(ctx, w, current.Number, in.Reason, rules, conflicts, classes, changes)
	})
}
