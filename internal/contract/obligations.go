package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	entobligation "github.com/clientele/clientele/ent/db/obligation"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ObligationAdd notes what one side owes (B15). An amount is a part of the terms and needs their write right.
func (s *Service) ObligationAdd(ctx context.Context, session *tenancy.Session, in ObligationAdd, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, obligationAdd, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, err := load(ctx, w, in.ContractID)
		if err != nil {
			return act.Result{}, err
		}
		groups := []policy.Object{policy.ContractSummary}
		if in.Amount != nil {
			groups = append(groups, policy.ContractTerms)
		}
		if err := require(w, c.subject(), c.row(), groups...); err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(c.State), AddDuty); err != nil {
			return act.Result{}, err
		}
		minor, currency := fromMoney(in.Amount)
		o := &entdb.Obligation{
			ID: w.IDs.New(), ContractID: c.ID, Side: in.Side, Kind: in.Kind, Title: in.Title, DueOn: *date(&in.DueOn),
			AmountMinor: minor, Currency: currency, State: "due", Version: 1,
		}
		err = w.Ent().Obligation.Create().SetID(o.ID).SetTenantID(w.Tenant()).SetContractID(c.ID).SetSide(o.Side).SetKind(o.Kind).SetTitle(o.Title).
			SetDueOn(o.DueOn).SetNillableAmountMinor(minor).SetNillableCurrency(currency).SetState(o.State).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Exec(ctx)
		if err != nil {
			return act.Result{}, fmt.Errorf("contract: insert obligation: %w", err)
		}
		return obligationResult(c, o, nil), nil
	})
}

// ObligationSettle says how an obligation ended. INVALID_STATE OBLIGATION_SETTLED: it had ended already.
func (s *Service) ObligationSettle(ctx context.Context, session *tenancy.Session, in ObligationSettle, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, obligationSettle, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, o, err := loadObligation(ctx, w, in.ObligationID)
		if err != nil {
			return act.Result{}, err
		}
		row := c.row()
		// SECURITY: an obligation is not there for those who may not see any of it, though a grant of the terms opens its contract.
		if access := w.Rights; access != nil {
			if seen, _ := access.Field(policy.ContractSummary, &row); seen == policy.Hidden {
				return act.Result{}, w.Absent("Obligation", o.ID)
			}
		}
		subject := act.Subject{Type: "Obligation", ID: o.ID, Version: o.Version}
		if err := require(w, subject, row, policy.ContractSummary); err != nil {
			return act.Result{}, err
		}
		if err := version(in.ExpectedVersion, o.Version); err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(c.State), Settle); err != nil {
			return act.Result{}, err
		}
		if o.State != "due" {
			return act.Result{}, fault.State("OBLIGATION_SETTLED", fault.Text{ZH: "该义务已了结", EN: "the obligation is settled already"}, fault.Text{})
		}
		now, err := today(ctx, w)
		if err != nil {
			return act.Result{}, err
		}
		o.SettledOn = date(in.SettledOn)
		if o.SettledOn == nil {
			o.SettledOn = &now
		}
		if o.SettledOn.After(now) {
			return act.Result{}, fault.Invalid("input.settledOn", "SETTLED_IN_THE_FUTURE", fault.Text{ZH: "了结日期不能晚于今天", EN: "the day of settlement is not later than today"}, fault.Text{})
		}
		o.State, o.SettleNote = strings.ToLower(in.Outcome), in.Note
		n, err := w.Ent().Obligation.Update().
			Where(entobligation.TenantID(w.Tenant()), entobligation.ID(o.ID), entobligation.Version(o.Version)).
			SetVersion(o.Version + 1).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).
			SetState(o.State).SetSettledOn(*o.SettledOn).SetNillableSettleNote(o.SettleNote).Save(ctx)
		if err != nil || n != 1 {
			return act.Result{}, fmt.Errorf("contract: settle: %d rows: %w", n, err)
		}
		o.Version++
		return obligationResult(c, o, []act.Change{{Field: "state", Old: "due", New: o.State}}), nil
	})
}

// loadObligation locks the contract, under which obligations change.
func loadObligation(ctx context.Context, w *act.Work, obligationID uuid.UUID) (Contract, *entdb.Obligation, error) {
	var contractID uuid.UUID
	err := w.QueryRow(ctx, `SELECT contract_id FROM obligations WHERE tenant_id = $1 AND id = $2`, w.Tenant(), obligationID).Scan(&contractID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Contract{}, nil, w.Absent("Obligation", obligationID)
	}
	if err != nil {
		return Contract{}, nil, fmt.Errorf("contract: load obligation: %w", err)
	}
	c, err := load(ctx, w, contractID)
	if err != nil {
		return c, nil, err
	}
	o, err := w.Ent().Obligation.Query().Where(entobligation.TenantID(w.Tenant()), entobligation.ID(obligationID)).Only(ctx)
	if err != nil {
		return c, nil, fmt.Errorf("contract: load obligation: %w", err)
	}
	return c, o, nil
}

func obligationResult(c Contract, o *entdb.Obligation, changes []act.Change) act.Result {
	return act.Result{
		Subject: act.Subject{Type: "Obligation", ID: o.ID, Version: o.Version},
		Changes: changes,
		Snapshot: map[policy.Object]map[string]any{
			policy.ContractSummary: {
				"id": id.Encode(id.Obligation, o.ID), "contractId": id.Encode(id.Contract, c.ID), "side": o.Side, "kind": o.Kind, "title": o.Title,
				"dueOn": day(&o.DueOn), "state": upper(o.State), "settledOn": day(o.SettledOn), "settleNote": o.SettleNote,
			},
			policy.ContractTerms: {"amount": amount(o.AmountMinor, o.Currency)},
		},
	}
}
