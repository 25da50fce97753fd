package contract

import (
	"context"
	"fmt"
	"strconv"

	entdb "github.com/clientele/clientele/ent/db"
	entcontract "github.com/clientele/clientele/ent/db/contract"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ContractSubmit sends a draft to review.
func (s *Service) ContractSubmit(ctx context.Context, session *tenancy.Session, in ContractSubmit, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.step(ctx, session, contractSubmit, key, in, in.Target, Submit, "", nil)
}

// ContractReturn gives a contract under review back to its drafter; the reason stands in the event and the audit trail.
func (s *Service) ContractReturn(ctx context.Context, session *tenancy.Session, in ContractReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.step(ctx, session, contractReturn, key, in, in.Target, Return, in.Reason, nil)
}

// ContractWithdraw ends a contract that is not in force yet; the reason is its closing note.
func (s *Service) ContractWithdraw(ctx context.Context, session *tenancy.Session, in ContractReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.step(ctx, session, contractWithdraw, key, in, in.Target, Withdraw, in.Reason, nil)
}

// ContractTerminate ends a contract in force before its time; the reason is its closing note.
func (s *Service) ContractTerminate(ctx context.Context, session *tenancy.Session, in ContractReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.step(ctx, session, contractTerminate, key, in, in.Target, Terminate, in.Reason, nil)
}

// ContractComplete ends a contract of which everything is done. INVALID_STATE OBLIGATIONS_DUE: something is still owed (B15).
func (s *Service) ContractComplete(ctx context.Context, session *tenancy.Session, in ContractComplete, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.step(ctx, session, contractComplete, key, in, in.Target, Complete, in.Note, func(ctx context.Context, w *act.Work, c Contract) error {
		var due int64
		err := w.QueryRow(ctx, `SELECT count(*) FROM obligations WHERE tenant_id = $1 AND contract_id = $2 AND state = 'due'`, w.Tenant(), c.ID).Scan(&due)
		if err != nil {
			return fmt.Errorf("contract: obligations: %w", err)
		}
		if due > 0 {
			return fault.State("OBLIGATIONS_DUE",
				fault.Text{ZH: "尚有 " + strconv.FormatInt(due, 10) + " 项义务未了结", EN: strconv.FormatInt(due, 10) + " obligations are still due"},
				fault.Text{ZH: "请先了结全部义务", EN: "settle every obligation first"})
		}
		return nil
	})
}

// step is the way of every act that takes a contract through the state table and changes nothing else. note becomes the
// closing note when the contract ends.
func (s *Service) step(ctx context.Context, session *tenancy.Session, spec act.Spec, key string, in any, t Target, by Trigger, note string,
	also func(context.Context, *act.Work, Contract) error,
) (act.Result, error) {
	return s.runner.Run(ctx, session, spec, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := loadFor(ctx, w, t, policy.ContractSummary)
		if err != nil {
			return act.Result{}, err
		}
		to, err := Next(State(before.State), by)
		if err != nil {
			return act.Result{}, err
		}
		if also != nil {
			if err := also(ctx, w, before); err != nil {
				return act.Result{}, err
			}
		}
		after := before.copied()
		after.State = string(to)
		if by == Withdraw || by == Complete || by == Terminate {
			after.ClosingNote = &note
		}
		if err := update(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		changes := []act.Change{{Field: "state", Old: before.State, New: after.State}}
		r := result(after, nil, changes)
		if note != "" {
			r.Changes = append(r.Changes, act.Change{Field: "reason", New: note})
			r.Snapshot[policy.ContractSummary]["reason"] = note
		}
		return r, nil
	})
}

// update writes the contract at its next version.
func update(ctx context.Context, w *act.Work, before Contract, after *Contract) error {
	after.Version++
	after.UpdatedAt, after.UpdatedBy = w.Now(), w.Staff()
	u := w.Ent().Contract.Update().
		Where(entcontract.TenantID(w.Tenant()), entcontract.ID(after.ID), entcontract.Version(before.Version)).
		SetVersion(after.Version).SetUpdatedAt(after.UpdatedAt).SetTitle(after.Title).SetState(after.State).SetCurrentRevision(after.CurrentRevision)
	put(u.SetUpdatedBy, u.ClearUpdatedBy, after.UpdatedBy)
	put(u.SetStartsOn, u.ClearStartsOn, after.StartsOn)
	put(u.SetEndsOn, u.ClearEndsOn, after.EndsOn)
	put(u.SetAmountMinor, u.ClearAmountMinor, after.AmountMinor)
	put(u.SetCurrency, u.ClearCurrency, after.Currency)
	put(u.SetClosingNote, u.ClearClosingNote, after.ClosingNote)
	n, err := u.Save(ctx)
	if err != nil {
		return fmt.Errorf("contract: update: %w", err)
	}
	if n != 1 {
		return fmt.Errorf("contract: %d rows of %s were changed instead of one", n, after.ID)
	}
	return nil
}

// put sets a nullable column or clears it.
func put[T any, B any](set func(T) B, null func() B, v *T) {
	if v == nil {
		null()
		return
	}
	set(*v)
}

// result is the outcome of an act on a contract; the snapshot has the API's names and forms.
func result(c Contract, hash []byte, changes []act.Change) act.Result {
	terms := map[string]any{"amount": amount(c.AmountMinor, c.Currency), "currentRevision": c.CurrentRevision}
	if hash != nil {
		terms["contentHash"] = fmt.Sprintf("%x", hash)
	}
	return act.Result{
		Subject: c.subject(),
		Changes: changes,
		Snapshot: map[policy.Object]map[string]any{
			policy.ContractSummary: {
				"id": id.Encode(id.Contract, c.ID), "number": c.Number, "kind": c.Kind, "title": c.Title, "state": upper(c.State),
				"clientId": id.Encode(id.Client, c.ClientID), "companyId": id.Encode(id.Company, c.CompanyID),
				"departmentId": id.Encode(id.Department, c.DepartmentID), "ownerId": owner(c.Contract),
				"startsOn": day(c.StartsOn), "endsOn": day(c.EndsOn), "signedOn": day(c.SignedOn),
				"paperReference": c.PaperReference, "closingNote": c.ClosingNote,
			},
			policy.ContractTerms: terms,
		},
	}
}

func owner(c *entdb.Contract) any {
	if c.OwnerID == nil {
		return nil
	}
	return id.Encode(id.Staff, *c.OwnerID)
}
