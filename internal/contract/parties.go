package contract

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
)

// partiesOf makes the parties of a new contract from those given; a side that none is given for gets its own.
func partiesOf(ctx context.Context, w *act.Work, c Contract, given []Party) ([]*entdb.ContractParty, error) {
	for _, side := range []string{SideTheirs, SideOurs} {
		if !slices.ContainsFunc(given, func(p Party) bool { return p.Side == side }) {
			given = append([]Party{{Side: side}}, given...)
		}
	}
	names := map[uuid.UUID]string{}
	out := make([]*entdb.ContractParty, len(given))
	for i, p := range given {
		row := &entdb.ContractParty{ID: w.IDs.New(), ContractID: c.ID, Side: p.Side, Signatory: p.Signatory, Capacity: p.Capacity, State: "pending"}
		switch p.Side {
		case SideOurs:
			companyID := c.CompanyID
			if p.CompanyID != nil {
				companyID = *p.CompanyID
			}
			if _, known := names[companyID]; !known {
				name, err := activeCompany(ctx, w, fmt.Sprintf("input.parties.%d.companyId", i), companyID)
				if err != nil {
					return nil, err
				}
				names[companyID] = name
			}
			row.CompanyID, row.Name = &companyID, names[companyID]
		case SideTheirs:
			row.ClientID, row.Name = &c.ClientID, c.client.Name
		default:
			row.Name = *p.Name
		}
		out[i] = row
	}
	return out, nil
}

func insertParties(ctx context.Context, w *act.Work, parties []*entdb.ContractParty) error {
	rows := make([]*entdb.ContractPartyCreate, len(parties))
	for i, p := range parties {
		rows[i] = w.Ent().ContractParty.Create().SetID(p.ID).SetTenantID(w.Tenant()).SetContractID(p.ContractID).SetSide(p.Side).
			SetNillableCompanyID(p.CompanyID).SetNillableClientID(p.ClientID).SetName(p.Name).SetNillableSignatory(p.Signatory).
			SetNillableCapacity(p.Capacity).SetState(p.State).SetNillableSignedOn(p.SignedOn).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff())
	}
	if err := w.Ent().ContractParty.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("contract: parties: %w", err)
	}
	return nil
}
