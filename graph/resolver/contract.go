package resolver

import (
	"context"
	"fmt"
	"time"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Contract has the mutations of graph/schema/contract.graphql.
type Contract struct{ Service *contract.Service }

func (d *decoder) contract(contractID string, version int64) contract.Target {
	return contract.Target{ContractID: d.id(id.Contract, "input.contractId", contractID), ExpectedVersion: version}
}

// ContractDraft resolves contractDraft.
func (r Contract) ContractDraft(ctx context.Context, from model.ContractDraftInput, key string) (p model.ContractDraftPayload, err error) {
	var d decoder
	in := contract.ContractDraft{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), CompanyID: d.id(id.Company, "input.companyId", from.CompanyID),
		Kind: string(from.Kind), Title: from.Title, Terms: from.Terms, Amount: money(from.Amount), StartsOn: day(from.StartsOn), EndsOn: day(from.EndsOn),
	}
	for i, party := range from.Parties {
		in.Parties = append(in.Parties, contract.Party{
			Side: string(party.Side), CompanyID: d.optional(id.Company, fmt.Sprintf("input.parties.%d.companyId", i), party.CompanyID),
			Name: party.Name, Signatory: party.Signatory, Capacity: enum(party.Capacity),
		})
	}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractDraft(ctx, s, in, key)
	})
	return p, err
}

// ContractRevise resolves contractRevise.
func (r Contract) ContractRevise(ctx context.Context, from model.ContractReviseInput, key string) (p model.ContractRevisePayload, err error) {
	var d decoder
	in := contract.ContractRevise{
		Target:     d.contract(from.ContractID, from.ExpectedVersion),
		Title:      maybeText(from.Title),
		Terms:      maybeText(from.Terms),
		Amount:     maybeMoney(from.Amount),
		StartsOn:   maybeDay(from.StartsOn),
		EndsOn:     maybeDay(from.EndsOn),
		ChangeNote: from.ChangeNote,
	}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractRevise(ctx, s, in, key)
	})
	return p, err
}

// ContractSubmit resolves contractSubmit.
func (r Contract) ContractSubmit(ctx context.Context, from model.ContractSubmitInput, key string) (p model.ContractSubmitPayload, err error) {
	var d decoder
	in := contract.ContractSubmit{Target: d.contract(from.ContractID, from.ExpectedVersion)}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractSubmit(ctx, s, in, key)
	})
	return p, err
}

// ContractReturn resolves contractReturn.
func (r Contract) ContractReturn(ctx context.Context, from model.ContractReturnInput, key string) (p model.ContractReturnPayload, err error) {
	var d decoder
	in := contract.ContractReason{Target: d.contract(from.ContractID, from.ExpectedVersion), Reason: from.Reason}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractReturn(ctx, s, in, key)
	})
	return p, err
}

// ContractWithdraw resolves contractWithdraw.
func (r Contract) ContractWithdraw(ctx context.Context, from model.ContractWithdrawInput, key string) (p model.ContractWithdrawPayload, err error) {
	var d decoder
	in := contract.ContractReason{Target: d.contract(from.ContractID, from.ExpectedVersion), Reason: from.Reason}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractWithdraw(ctx, s, in, key)
	})
	return p, err
}

// ContractRegister resolves contractRegister.
func (r Contract) ContractRegister(ctx context.Context, from model.ContractRegisterInput, key string) (p model.ContractRegisterPayload, err error) {
	var d decoder
	in := contract.ContractRegister{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), CompanyID: d.id(id.Company, "input.companyId", from.CompanyID),
		Kind: string(from.Kind), Title: from.Title, Terms: from.Terms, Amount: money(from.Amount),
		SignedOn: from.SignedOn.ToTime(time.UTC), StartsOn: from.StartsOn.ToTime(time.UTC), EndsOn: day(from.EndsOn), PaperReference: from.PaperReference,
	}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractRegister(ctx, s, in, key)
	})
	return p, err
}

// ContractComplete resolves contractComplete.
func (r Contract) ContractComplete(ctx context.Context, from model.ContractCompleteInput, key string) (p model.ContractCompletePayload, err error) {
	var d decoder
	in := contract.ContractComplete{Target: d.contract(from.ContractID, from.ExpectedVersion), Note: from.Note}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractComplete(ctx, s, in, key)
	})
	return p, err
}

// ContractTerminate resolves contractTerminate.
func (r Contract) ContractTerminate(ctx context.Context, from model.ContractTerminateInput, key string) (p model.ContractTerminatePayload, err error) {
	var d decoder
	in := contract.ContractReason{Target: d.contract(from.ContractID, from.ExpectedVersion), Reason: from.Reason}
	p.Contract, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContractTerminate(ctx, s, in, key)
	})
	return p, err
}

// ObligationAdd resolves obligationAdd.
func (r Contract) ObligationAdd(ctx context.Context, from model.ObligationAddInput, key string) (p model.ObligationAddPayload, err error) {
	var d decoder
	in := contract.ObligationAdd{
		ContractID: d.id(id.Contract, "input.contractId", from.ContractID), Side: string(from.Side), Kind: string(from.Kind), Title: from.Title,
		DueOn: from.DueOn.ToTime(time.UTC), Amount: money(from.Amount),
	}
	p.Obligation, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ObligationAdd(ctx, s, in, key)
	})
	return p, err
}

// ObligationSettle resolves obligationSettle.
func (r Contract) ObligationSettle(ctx context.Context, from model.ObligationSettleInput, key string) (p model.ObligationSettlePayload, err error) {
	var d decoder
	in := contract.ObligationSettle{
		ObligationID: d.id(id.Obligation, "input.obligationId", from.ObligationID), ExpectedVersion: from.ExpectedVersion,
		Outcome: string(from.Outcome), SettledOn: maybeDay(from.SettledOn).Value, Note: maybeText(from.Note).Value,
	}
	p.Obligation, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ObligationSettle(ctx, s, in, key)
	})
	return p, err
}
