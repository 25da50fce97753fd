package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/id"
)

// content is what the sides agree on. Its canonical form is JSON in this order of fields without insignificant space; the
// characters <, > and & are escaped; text is as stored (trimmed, lines ended by LF), an absent fact is null.
//
// Form 2 has the parties. Form 1, which has neither the field form nor parties, is that of revisions made before: whoever
// verifies one of those leaves both out. No content has the same bytes in both forms.
type content struct {
	Form int `json:"form,omitempty"`

	Kind     string  `json:"kind"`
	Title    string  `json:"title"`
	Terms    string  `json:"terms"`
	Amount   *string `json:"amount"` // minor units and currency
	StartsOn *string `json:"startsOn"`
	EndsOn   *string `json:"endsOn"`

	Parties []party `json:"parties,omitempty"` // in the order of their own canonical forms, bytewise
}

// party is who signs, for whom, and as what. Whether he has signed is no content.
type party struct {
	Side      string  `json:"side"`
	CompanyID *string `json:"companyId"`
	ClientID  *string `json:"clientId"`
	Name      string  `json:"name"`
	Signatory *string `json:"signatory"`
	Capacity  *string `json:"capacity"`
}

// contentForm is the form of new revisions.
const contentForm = 2

// contentHash is SHA-256 of the canonical content: two revisions of one hash say the same, and whoever approves or signs a
// revision binds himself to it.
func contentHash(c Contract, terms string, parties []*entdb.ContractParty) ([]byte, error) {
	said := content{Form: contentForm, Kind: c.Kind, Title: c.Title, Terms: terms, StartsOn: day(c.StartsOn), EndsOn: day(c.EndsOn)}
	if amount := c.amount(); amount != nil {
		s := amount.String()
		said.Amount = &s
	}
	type canonical struct {
		party
		bytes []byte
	}
	all := make([]canonical, len(parties))
	for i, p := range parties {
		all[i].party = party{Side: p.Side, CompanyID: encoded(id.Company, p.CompanyID), ClientID: encoded(id.Client, p.ClientID), Name: p.Name, Signatory: p.Signatory, Capacity: p.Capacity}
		var err error
		if all[i].bytes, err = json.Marshal(all[i].party); err != nil {
			return nil, fmt.Errorf("contract: content: %w", err)
		}
	}
	slices.SortFunc(all, func(a, b canonical) int { return bytes.Compare(a.bytes, b.bytes) })
	for _, p := range all {
		said.Parties = append(said.Parties, p.party)
	}
	return said.hash()
}

func (c content) hash() ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("contract: content: %w", err)
	}
	sum := sha256.Sum256(body)
	return sum[:], nil
}

func encoded(prefix string, u *uuid.UUID) *string {
	if u == nil {
		return nil
	}
	s := id.Encode(prefix, *u)
	return &s
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.Format(time.DateOnly)
	return &s
}
