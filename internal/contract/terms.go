package contract

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/clientele/clientele/internal/input"
)

// content is what the two sides agree on. Its canonical form is JSON in this order of fields without insignificant space; the
// characters <, > and & are escaped; text is as stored (trimmed, lines ended by LF), an absent fact is null.
type content struct {
	Kind     string  `json:"kind"`
	Title    string  `json:"title"`
	Terms    string  `json:"terms"`
	Amount   *string `json:"amount"` // minor units and currency
	StartsOn *string `json:"startsOn"`
	EndsOn   *string `json:"endsOn"`
}

// contentHash is SHA-256 of the canonical content: two revisions of one hash say the same, and whoever approves or signs a
// revision binds himself to it.
func contentHash(kind, title, terms string, amount *input.Money, startsOn, endsOn *time.Time) ([]byte, error) {
	c := content{Kind: kind, Title: title, Terms: terms, StartsOn: day(startsOn), EndsOn: day(endsOn)}
	if amount != nil {
		s := amount.String()
		c.Amount = &s
	}
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("contract: content: %w", err)
	}
	sum := sha256.Sum256(body)
	return sum[:], nil
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.Format(time.DateOnly)
	return &s
}
