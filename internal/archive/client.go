package archive

import (
	"slices"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// Client is one client as a service works with it: the row and its kinds (sorted). Acts change a copy and compare.
type Client struct {
	*entdb.ClientRecord
	Kinds []string
	// FormerNames are in the order in which they were given up; they change with the name alone.
	FormerNames []string
}

func (c Client) copied() Client {
	record := *c.ClientRecord
	return Client{ClientRecord: &record, Kinds: slices.Clone(c.Kinds), FormerNames: c.FormerNames}
}

func (c Client) subject() act.Subject {
	return act.Subject{Type: "Client", ID: c.ID, Version: c.Version}
}

func (c Client) owner() uuid.UUID {
	if c.OwnerID == nil {
		return uuid.Nil
	}
	return *c.OwnerID
}

// row gives the facts that policy may know; about is what is known of the asking person and the client.
func (c Client) row(about policy.Row) policy.Row {
	about.ID, about.Client = c.ID, c.ID
	about.Company, about.Department, about.Owner = c.CompanyID, c.DepartmentID, c.owner()
	about.Grade = deref(c.Grade)
	about.Stage, about.Kinds = c.Stage, c.Kinds
	about.Important, about.ClientSuspended = c.Important, c.Suspended
	return about
}

// registeredCapital and creditLimit join the two columns of an amount.
func (c Client) registeredCapital() *input.Money {
	return toMoney(c.RegisteredCapitalMinor, c.RegisteredCapitalCurrency)
}

func (c Client) creditLimit() *input.Money {
	return toMoney(c.CreditLimitMinor, c.CreditLimitCurrency)
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

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// change puts a given value into a nullable column.
func change[T any](column **T, o input.Optional[T]) {
	if o.Given {
		*column = o.Value
	}
}

// changeTo puts a given value into a column that is never null; Validate has refused null.
func changeTo[T any](column *T, o input.Optional[T]) {
	if o.Given && o.Value != nil {
		*column = *o.Value
	}
}

// open refuses acts on an archive whose material was disposed of: it is kept as it was then.
func (c Client) open() error {
	if c.Stage == StageDisposed {
		return fault.State("CLIENT_DISPOSED",
			fault.Text{ZH: "该客户档案已处理完毕，不能再变更", EN: "the archive was disposed of and no longer changes"}, fault.Text{})
	}
	return nil
}
