package archive

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// Snapshots have the API's names and forms: ids with prefix, money as minor units in text, days as YYYY-MM-DD.

func (c Client) snapshot() map[policy.Object]map[string]any {
	former := c.FormerNames
	if former == nil {
		former = []string{}
	}
	return map[policy.Object]map[string]any{
		policy.ClientList: {
			"id": id.Encode(id.Client, c.ID), "code": c.Code, "name": c.Name, "sortKey": c.SortKey, "kinds": c.Kinds, "region": c.Region,
			"stage": upper(c.Stage), "suspended": c.Suspended, "companyId": id.Encode(id.Company, c.CompanyID),
			"departmentId": id.Encode(id.Department, c.DepartmentID), "ownerId": encoded(id.Staff, c.OwnerID),
		},
		policy.ClientStandard: {
			"formerNames": former, "unifiedCreditCode": c.UnifiedCreditCode, "legalRepresentative": c.LegalRepresentative,
			"address": c.Address, "postcode": c.Postcode, "phone": c.Phone, "fax": c.Fax, "businessScope": c.BusinessScope,
			"registeredCapital": amount(c.registeredCapital()), "specialType": c.SpecialType, "acquisition": c.Acquisition,
			"grade": c.Grade, "important": c.Important,
		},
		policy.ClientDealings: {"policyNote": c.PolicyNote, "attitude": c.Attitude, "nextContactOn": day(c.NextContactOn)},
		policy.ClientCredit:   {"creditLimit": amount(c.creditLimit()), "creditNote": c.CreditNote},
	}
}

// clientResult is the outcome of an act on a client.
func clientResult(c Client, changes []act.Change) act.Result {
	return act.Result{Subject: c.subject(), Snapshot: c.snapshot(), Changes: changes}
}

func contactResult(p *entdb.Contact, changes []act.Change) act.Result {
	return act.Result{
		Subject: act.Subject{Type: "Contact", ID: p.ID, Version: p.Version},
		Changes: changes,
		Snapshot: map[policy.Object]map[string]any{
			policy.ClientList: {"clientId": id.Encode(id.Client, p.ClientID)},
			policy.ClientContacts: {
				"id": id.Encode(id.Contact, p.ID), "name": p.Name, "title": p.Title, "phone": p.Phone, "email": p.Email, "birthday": day(p.Birthday),
				"isPrimary": p.IsPrimary, "refusesCalls": p.RefusesCalls, "refusesMail": p.RefusesMail, "state": upper(p.State),
			},
		},
	}
}

func amount(m *input.Money) any {
	if m == nil {
		return nil
	}
	return map[string]any{"amount": strconv.FormatInt(m.Minor, 10), "currency": m.Currency}
}

func encoded(prefix string, u *uuid.UUID) any {
	if u == nil {
		return nil
	}
	return id.Encode(prefix, *u)
}

// date drops what is no part of a day.
func date(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	d := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return &d
}

func teamSnapshot(members []TeamMember) []map[string]any {
	out := make([]map[string]any, len(members))
	for i, m := range members {
		out[i] = map[string]any{"staffId": id.Encode(id.Staff, m.StaffID), "duty": m.Duty}
	}
	return out
}
