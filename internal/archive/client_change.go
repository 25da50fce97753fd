package archive

import (
	"context"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/pinyin"
	"github.com/clientele/clientele/internal/tenancy"
)

// change is the way of every act that changes facts of one client: load, decide on the act, apply, decide on what differs
// before and after, store. apply works on a copy and refuses what the rules of its act do not allow.
func (s *Service) change(ctx context.Context, session *tenancy.Session, spec act.Spec, key string, in any, t Target, source string,
	apply func(ctx context.Context, w *act.Work, before Client, after *Client) error,
) (act.Result, error) {
	l := &loading{id: t.ClientID, lock: ForChange, session: session}
	return s.runner.RunAhead(ctx, session, spec, key, in, l.ahead(), func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, row, err := l.loaded(w)
		if err != nil {
			return act.Result{}, err
		}
		if err := mayAct(w, t, before, row); err != nil {
			return act.Result{}, err
		}
		after := before.copied()
		if err := apply(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		diffs := compare(before, after)
		if err := requireGroups(w, before.subject(), groupsOf(diffs), row, after.row(row)); err != nil {
			return act.Result{}, err
		}
		if after, err = store(ctx, w, before, after, diffs, source); err != nil {
			return act.Result{}, err
		}
		return clientResult(after, toChanges(diffs)), nil
	})
}

// ClientChangeProfile changes standard fields; each that differs is recorded with old and new value and the source (F06).
// CONFLICT CREDIT_CODE_REGISTERED: the credit code has another archive.
func (s *Service) ClientChangeProfile(ctx context.Context, session *tenancy.Session, in ClientChangeProfile, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientChangeProfile, key, in, in.Target, in.Source, func(_ context.Context, _ *act.Work, _ Client, after *Client) error {
		in.Profile.apply(after)
		return nil
	})
}

// ClientChangeList changes what lists show and how the client is ranked; a replaced name becomes a former name (G03).
// INVALID_STATE STAGE_TRANSITION: the stage table has no such step.
func (s *Service) ClientChangeList(ctx context.Context, session *tenancy.Session, in ClientChangeList, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientChangeList, key, in, in.Target, in.Source, func(_ context.Context, _ *act.Work, before Client, after *Client) error {
		changeTo(&after.Name, in.Name)
		changeTo(&after.Kinds, in.Kinds)
		change(&after.Region, in.Region)
		changeTo(&after.Stage, in.Stage)
		change(&after.SpecialType, in.SpecialType)
		change(&after.Acquisition, in.Acquisition)
		change(&after.Grade, in.Grade)
		changeTo(&after.Important, in.Important)
		after.SortKey = sortKey(before, *after, in.SortKey)
		var c input.Checks
		checkSpecial(&c, after.Kinds, after.SpecialType)
		if err := c.Err(); err != nil {
			return err
		}
		if before.Stage != after.Stage && !mayMove(before.Stage, after.Stage, after.Kinds) {
			return stageRefused(before.Stage, after.Stage)
		}
		return nil
	})
}

// sortKey: one that a person has corrected stays with a new name, one that was made from the old name is made anew.
func sortKey(before, after Client, given input.Optional[string]) string {
	switch {
	case given.Value != nil:
		return *given.Value
	case given.Given, before.Name != after.Name && before.SortKey == pinyin.SortKey(before.Name):
		return pinyin.SortKey(after.Name)
	}
	return before.SortKey
}

// ClientChangeDealings changes policy, attitude and the next contact (G01).
func (s *Service) ClientChangeDealings(ctx context.Context, session *tenancy.Session, in ClientChangeDealings, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientChangeDealings, key, in, in.Target, in.Source, func(_ context.Context, _ *act.Work, _ Client, after *Client) error {
		change(&after.PolicyNote, in.PolicyNote)
		change(&after.Attitude, in.Attitude)
		in.NextContactOn.Value = date(in.NextContactOn.Value)
		change(&after.NextContactOn, in.NextContactOn)
		return nil
	})
}

// ClientChangeCredit changes credit limit and note (L4).
func (s *Service) ClientChangeCredit(ctx context.Context, session *tenancy.Session, in ClientChangeCredit, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientChangeCredit, key, in, in.Target, in.Source, func(_ context.Context, _ *act.Work, _ Client, after *Client) error {
		if in.CreditLimit.Given {
			after.CreditLimitMinor, after.CreditLimitCurrency = fromMoney(in.CreditLimit.Value)
		}
		change(&after.CreditNote, in.CreditNote)
		return nil
	})
}

// ClientSuspend stops dealings at once (E11). INVALID_STATE ALREADY_SUSPENDED, CLIENT_ENDED.
func (s *Service) ClientSuspend(ctx context.Context, session *tenancy.Session, in ClientReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientSuspend, key, in, in.Target, in.Reason, func(_ context.Context, _ *act.Work, before Client, after *Client) error {
		if before.Suspended {
			return fault.State("ALREADY_SUSPENDED", fault.Text{ZH: "该客户已中止洽谈", EN: "dealings with the client are suspended already"}, fault.Text{})
		}
		if !living(before.Stage) {
			return fault.State("CLIENT_ENDED", fault.Text{ZH: "与该客户的往来已经结束", EN: "dealings with the client have ended"}, fault.Text{})
		}
		after.Suspended = true
		return nil
	})
}

// ClientLift ends the suspension (E11). INVALID_STATE NOT_SUSPENDED.
func (s *Service) ClientLift(ctx context.Context, session *tenancy.Session, in ClientReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.change(ctx, session, clientLift, key, in, in.Target, in.Reason, func(_ context.Context, _ *act.Work, before Client, after *Client) error {
		if !before.Suspended {
			return fault.State("NOT_SUSPENDED", fault.Text{ZH: "该客户未中止洽谈", EN: "dealings with the client are not suspended"}, fault.Text{})
		}
		after.Suspended = false
		return nil
	})
}
