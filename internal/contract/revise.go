package contract

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	entparty "github.com/clientele/clientele/ent/db/contractparty"
	entrevision "github.com/clientele/clientele/ent/db/contractrevision"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ContractRevise makes a new revision of a draft, which supersedes the one before. It needs the right on the contract as it
// is and as it will be, since rules may speak of the amount.
func (s *Service) ContractRevise(ctx context.Context, session *tenancy.Session, in ContractRevise, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, contractRevise, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		groups := []policy.Object{policy.ContractSummary, policy.ContractTerms}
		before, err := loadFor(ctx, w, in.Target, groups...)
		if err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(before.State), Revise); err != nil {
			return act.Result{}, err
		}
		previous, err := w.Ent().ContractRevision.Query().Where(entrevision.TenantID(w.Tenant()), entrevision.ContractID(before.ID),
			entrevision.Seq(before.CurrentRevision)).Only(ctx)
		if err != nil {
			return act.Result{}, fmt.Errorf("contract: current revision: %w", err)
		}
		after := before.copied()
		terms := in.apply(&after, previous.Terms)
		var c input.Checks
		c.Order("input.endsOn", after.StartsOn, after.EndsOn)
		if err := c.Err(); err != nil {
			return act.Result{}, err
		}
		if err := require(w, act.Subject{Type: "Contract"}, after.row(), groups...); err != nil {
			return act.Result{}, err
		}
		parties, err := w.Ent().ContractParty.Query().Where(entparty.TenantID(w.Tenant()), entparty.ContractID(before.ID)).All(ctx)
		if err != nil {
			return act.Result{}, fmt.Errorf("contract: parties: %w", err)
		}
		hash, err := contentHash(after, terms, parties)
		if err != nil {
			return act.Result{}, err
		}
		n, err := w.Ent().ContractRevision.Update().Where(entrevision.TenantID(w.Tenant()), entrevision.ID(previous.ID)).SetState("superseded").Save(ctx)
		if err != nil || n != 1 {
			return act.Result{}, fmt.Errorf("contract: supersede: %d rows: %w", n, err)
		}
		after.CurrentRevision++
		if err := update(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		if err := insertRevision(ctx, w, after, terms, hash, "draft", in.ChangeNote); err != nil {
			return act.Result{}, err
		}
		return result(after, hash, []act.Change{{Field: "currentRevision", Old: before.CurrentRevision, New: after.CurrentRevision}}), nil
	})
}

// apply puts what is given into the contract and gives the terms of the new revision.
func (in *ContractRevise) apply(to *Contract, terms string) string {
	if in.Title.Value != nil {
		to.Title = *in.Title.Value
	}
	if in.Amount.Given {
		to.AmountMinor, to.Currency = fromMoney(in.Amount.Value)
	}
	if in.StartsOn.Given {
		to.StartsOn = date(in.StartsOn.Value)
	}
	if in.EndsOn.Given {
		to.EndsOn = date(in.EndsOn.Value)
	}
	if in.Terms.Value != nil {
		return *in.Terms.Value
	}
	return terms
}

func insertRevision(ctx context.Context, w *act.Work, c Contract, terms string, hash []byte, state, note string) error {
	err := w.Ent().ContractRevision.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetContractID(c.ID).SetSeq(c.CurrentRevision).
		SetTerms(terms).SetNillableAmountMinor(c.AmountMinor).SetNillableCurrency(c.Currency).SetContentHash(hash).SetState(state).
		SetChangeNote(note).SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("contract: revision: %w", err)
	}
	return nil
}

func amount(minor *int64, currency *string) any {
	if minor == nil || currency == nil {
		return nil
	}
	return map[string]any{"amount": strconv.FormatInt(*minor, 10), "currency": *currency}
}

func upper(s string) string { return strings.ToUpper(s) }
