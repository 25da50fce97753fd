package contract

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// clauseSuspension is the article that stops dealings on a credit problem.
const clauseSuspension = "E11"

// body is what a new contract says, drafted or registered.
type body struct {
	Kind, Title, Terms string
	Amount             *input.Money
	StartsOn, EndsOn   *time.Time
}

// ContractDraft drafts a contract with its first revision. It belongs to the client's department and company; its owner is the
// actor when he is on the client's team, else the client's owner. INVALID_STATE CLIENT_SUSPENDED (E11), CLIENT_ENDED.
func (s *Service) ContractDraft(ctx context.Context, session *tenancy.Session, in ContractDraft, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, contractDraft, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, err := begin(ctx, w, in.ClientID, in.CompanyID, body{in.Kind, in.Title, in.Terms, in.Amount, date(in.StartsOn), date(in.EndsOn)})
		if err != nil {
			return act.Result{}, err
		}
		if c.client.Suspended {
			refusal := fault.State("CLIENT_SUSPENDED", fault.Text{ZH: "该客户已中止洽谈，不能起草合同", EN: "dealings with the client are suspended: no contract is drafted"},
				fault.Text{ZH: "请由主管恢复洽谈后再起草", EN: "have the suspension lifted first"})
			refusal.Clause = clauseSuspension
			return act.Result{}, refusal
		}
		if slices.Contains([]string{archive.StageTerminated, archive.StageDissolved, archive.StageDisposed}, c.client.Stage) {
			return act.Result{}, fault.State("CLIENT_ENDED", fault.Text{ZH: "与该客户的往来已经结束", EN: "dealings with the client have ended"}, fault.Text{})
		}
		c.State = string(Draft)
		parties, err := partiesOf(ctx, w, c, in.Parties)
		if err != nil {
			return act.Result{}, err
		}
		return insert(ctx, w, c, in.Terms, parties, "draft")
	})
}

// ContractRegister takes in a contract that was signed on paper: effective, or expired when its last day is past in the tenant's
// time zone. A suspended client is no obstacle: the paper is a fact.
func (s *Service) ContractRegister(ctx context.Context, session *tenancy.Session, in ContractRegister, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, contractRegister, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		now, err := today(ctx, w)
		if err != nil {
			return act.Result{}, err
		}
		c, err := begin(ctx, w, in.ClientID, in.CompanyID, body{in.Kind, in.Title, in.Terms, in.Amount, date(&in.StartsOn), date(in.EndsOn)})
		if err != nil {
			return act.Result{}, err
		}
		if c.client.Stage == archive.StageDisposed {
			return act.Result{}, fault.State("CLIENT_DISPOSED", fault.Text{ZH: "该客户档案已处理完毕，不能再变更", EN: "the archive was disposed of and no longer changes"}, fault.Text{})
		}
		c.SignedOn, c.PaperReference = date(&in.SignedOn), &in.PaperReference
		if c.SignedOn.After(now) {
			return act.Result{}, fault.Invalid("input.signedOn", "SIGNED_IN_THE_FUTURE", fault.Text{ZH: "签订日期不能晚于今天", EN: "the day of signing is not later than today"}, fault.Text{})
		}
		c.State = string(Effective)
		if c.EndsOn != nil && c.EndsOn.Before(now) {
			c.State = string(Expired)
		}
		parties, err := partiesOf(ctx, w, c, nil)
		if err != nil {
			return act.Result{}, err
		}
		for _, p := range parties {
			p.State, p.SignedOn = "signed", c.SignedOn
		}
		return insert(ctx, w, c, in.Terms, parties, "approved")
	})
}

// begin loads the client, which the actor must be allowed to see, decides on the new contract, and checks its company.
func begin(ctx context.Context, w *act.Work, clientID, companyID uuid.UUID, b body) (Contract, error) {
	client, about, err := archive.LoadRow(ctx, w, clientID, archive.ForUse)
	if err != nil {
		return Contract{}, err
	}
	if w.Rights != nil && !w.Rights.Decide(policy.OnClient, policy.Read, &about).Allow {
		return Contract{}, w.Absent("Client", clientID)
	}
	owner := client.OwnerID
	if about.OnTeam {
		owner = w.Staff()
	}
	minor, currency := fromMoney(b.Amount)
	c := Contract{client: client, about: about, Contract: &entdb.Contract{
		ID: w.IDs.New(), TenantID: w.Tenant(), Version: 1, ClientID: client.ID, CompanyID: client.CompanyID, DepartmentID: client.DepartmentID, OwnerID: owner,
		Kind: b.Kind, Title: b.Title, StartsOn: b.StartsOn, EndsOn: b.EndsOn, AmountMinor: minor, Currency: currency, CurrentRevision: 1, State: string(Draft),
		CreatedAt: w.Now(), CreatedBy: w.Staff(), UpdatedAt: w.Now(), UpdatedBy: w.Staff(),
	}}
	if err := require(w, act.Subject{Type: "Contract"}, c.row(), policy.ContractSummary, policy.ContractTerms); err != nil {
		return Contract{}, err
	}
	if _, err := activeCompany(ctx, w, "input.companyId", companyID); err != nil {
		return Contract{}, err
	}
	// The department is locked before the tenant's counter: whoever closes it holds it while he waits for the counter.
	if _, err := w.Exec(ctx, `SELECT 1 FROM departments WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE`, w.Tenant(), c.DepartmentID); err != nil {
		return Contract{}, fmt.Errorf("contract: department: %w", err)
	}
	if companyID != client.CompanyID {
		return Contract{}, fault.Invalid("input.companyId", "COMPANY_NOT_OF_DEPARTMENT",
			fault.Text{ZH: "合同主体须为客户所属部门的公司", EN: "the contract's company is that of the client's department"},
			fault.Text{ZH: "请选择客户所属公司，或先移交客户", EN: "choose the client's company, or move the client first"})
	}
	return c, nil
}

// insert takes the number as late as it can: from here on the tenant's other acts wait for this one's commit.
func insert(ctx context.Context, w *act.Work, c Contract, terms string, parties []*entdb.ContractParty, revision string) (act.Result, error) {
	hash, err := contentHash(c, terms, parties)
	if err != nil {
		return act.Result{}, err
	}
	var n int64
	var year int
	err = w.QueryRow(ctx, `UPDATE tenant_counters c SET contract_no = contract_no + 1 FROM tenants t
		WHERE c.tenant_id = $1 AND t.tenant_id = $1
		RETURNING c.contract_no, extract(year FROM $2::timestamptz AT TIME ZONE t.timezone)::int`, w.Tenant(), w.Now()).Scan(&n, &year)
	if err != nil {
		return act.Result{}, fmt.Errorf("contract: number: %w", err)
	}
	c.Number = fmt.Sprintf("HT-%04d-%06d", year, n)
	err = w.Ent().Contract.Create().SetID(c.ID).SetTenantID(c.TenantID).SetVersion(1).
		SetCreatedAt(c.CreatedAt).SetNillableCreatedBy(c.CreatedBy).SetUpdatedAt(c.UpdatedAt).SetNillableUpdatedBy(c.UpdatedBy).
		SetClientID(c.ClientID).SetCompanyID(c.CompanyID).SetDepartmentID(c.DepartmentID).SetNillableOwnerID(c.OwnerID).
		SetNumber(c.Number).SetKind(c.Kind).SetTitle(c.Title).SetState(c.State).SetNillableStartsOn(c.StartsOn).SetNillableEndsOn(c.EndsOn).
		SetNillableSignedOn(c.SignedOn).SetNillablePaperReference(c.PaperReference).SetCurrentRevision(1).
		SetNillableAmountMinor(c.AmountMinor).SetNillableCurrency(c.Currency).Exec(ctx)
	if err != nil {
		return act.Result{}, fmt.Errorf("contract: insert: %w", err)
	}
	if err := insertRevision(ctx, w, c, terms, hash, revision, ""); err != nil {
		return act.Result{}, err
	}
	if err := insertParties(ctx, w, parties); err != nil {
		return act.Result{}, err
	}
	return result(c, hash, []act.Change{{Field: "number", New: c.Number}, {Field: "state", New: c.State}}), nil
}
