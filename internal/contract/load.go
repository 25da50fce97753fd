package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	entcontract "github.com/clientele/clientele/ent/db/contract"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// Contract is a contract as a service works with it, with its client.
type Contract struct {
	*entdb.Contract
	client archive.Client
	about  policy.Row // what is known of the asking person and the client
}

func (c Contract) copied() Contract {
	row := *c.Contract
	c.Contract = &row
	return c
}

func (c Contract) subject() act.Subject {
	return act.Subject{Type: "Contract", ID: c.ID, Version: c.Version}
}

func (c Contract) amount() *input.Money { return toMoney(c.AmountMinor, c.Currency) }

// row gives the facts that policy may know: the contract's own place and state, its client's grade, kinds, team and grants.
func (c Contract) row() policy.Row {
	row := c.about
	row.ID, row.Client = c.ID, c.ClientID
	row.Company, row.Department = c.CompanyID, c.DepartmentID
	row.Owner = uuid.Nil
	if c.OwnerID != nil {
		row.Owner = *c.OwnerID
	}
	row.Kind, row.State, row.Stage = c.Kind, c.State, ""
	row.Amount, row.AmountSet = 0, c.AmountMinor != nil
	if c.AmountMinor != nil {
		row.Amount = *c.AmountMinor
	}
	return row
}

// load locks a contract for change and reads it with what policy may know of it; its client is locked for use first, as in
// every act. It does not decide whether the actor may see it.
func load(ctx context.Context, w *act.Work, contractID uuid.UUID) (Contract, error) {
	var clientID uuid.UUID
	err := w.QueryRow(ctx, `SELECT client_id FROM contracts WHERE tenant_id = $1 AND id = $2`, w.Tenant(), contractID).Scan(&clientID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Contract{}, w.Absent("Contract", contractID)
	}
	if err != nil {
		return Contract{}, fmt.Errorf("contract: load: %w", err)
	}
	client, about, err := archive.LoadRow(ctx, w, clientID, archive.ForUse)
	if err != nil {
		return Contract{}, err
	}
	if _, err := w.Exec(ctx, `SELECT 1 FROM contracts WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE`, w.Tenant(), contractID); err != nil {
		return Contract{}, fmt.Errorf("contract: lock: %w", err)
	}
	row, err := w.Ent().Contract.Query().Where(entcontract.TenantID(w.Tenant()), entcontract.ID(contractID)).Only(ctx)
	if err != nil {
		return Contract{}, fmt.Errorf("contract: load: %w", err)
	}
	return Contract{Contract: row, client: client, about: about}, nil
}

// loadFor is load, the decision on the act with the write right on groups, and the version.
func loadFor(ctx context.Context, w *act.Work, t Target, groups ...policy.Object) (Contract, error) {
	c, err := load(ctx, w, t.ContractID)
	if err != nil {
		return c, err
	}
	if err := require(w, c.subject(), c.row(), groups...); err != nil {
		return c, err
	}
	return c, version(t.ExpectedVersion, c.Version)
}

// require asks for the act and for the write right on each group.
func require(w *act.Work, subject act.Subject, row policy.Row, groups ...policy.Object) error {
	if err := w.Require(subject, &row); err != nil {
		return err
	}
	for _, g := range slices.Compact(slices.Sorted(slices.Values(groups))) {
		if err := w.RequireFor(subject, g, policy.Write, &row); err != nil {
			return err
		}
	}
	return nil
}

// company is one that a contract may name. Another tenant's and one that may not be seen look absent.
func activeCompany(ctx context.Context, w *act.Work, field string, companyID uuid.UUID) (name string, err error) {
	var state string
	err = w.QueryRow(ctx, `SELECT name, state FROM companies WHERE tenant_id = $1 AND id = $2 FOR SHARE`, w.Tenant(), companyID).Scan(&name, &state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fault.NotFound("Company").At(field)
	}
	if err != nil {
		return "", fmt.Errorf("contract: company: %w", err)
	}
	// SECURITY: an id must not be an oracle for rows that the actor may not read.
	if w.Rights != nil && !w.Rights.Decide(policy.OnOrganisation, policy.Read, &policy.Row{ID: companyID, Company: companyID}).Allow {
		return "", fault.NotFound("Company").At(field)
	}
	if state != "active" {
		return "", fault.Invalid(field, "COMPANY_DISSOLVED", fault.Text{ZH: "该公司已注销", EN: "the company is dissolved"}, fault.Text{})
	}
	return name, nil
}

// today is the day of the transaction's time in the tenant's time zone, as midnight UTC.
func today(ctx context.Context, w *act.Work) (time.Time, error) {
	var d time.Time
	err := w.QueryRow(ctx, `SELECT ($2::timestamptz AT TIME ZONE timezone)::date FROM tenants WHERE tenant_id = $1`, w.Tenant(), w.Now()).Scan(&d)
	if err != nil {
		return d, fmt.Errorf("contract: today: %w", err)
	}
	return d, nil
}

func toMoney(minor *int64, currency *string) *input.Money {
	if minor == nil || currency == nil {
		return nil
	}
	return &input.Money{Minor: *minor, Currency: *currency}
}

func fromMoney(m *input.Money) (minor *int64, currency *string) {
	if m == nil {
		return nil, nil
	}
	return &m.Minor, &m.Currency
}

// date drops what is no part of a day.
func date(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	d := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return &d
}
