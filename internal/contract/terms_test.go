package contract

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
)

// A hash of form 1 stays what it was: SHA-256 of
// {"kind":"SUPPLY","title":"a \u003c b","terms":"第一条\n第二条","amount":"500 CNY","startsOn":"2026-01-01","endsOn":null}
func TestHashesOfFormOneAreVerifiable(t *testing.T) {
	t.Parallel()
	amount, from := "500 CNY", "2026-01-01"
	hash, err := content{Kind: "SUPPLY", Title: "a < b", Terms: "第一条\n第二条", Amount: &amount, StartsOn: &from}.hash()
	if err != nil || hex.EncodeToString(hash) != "e2f2a39aef3a484caf9696fd2d405b3b0f5436d18ebd8f1b8f523e7245dbf05c" {
		t.Errorf("%x %v", hash, err)
	}
}

// Whatever the sides agree on changes the hash, parties too; whether somebody has signed, and the order of rows, does not.
func TestContentHash(t *testing.T) {
	t.Parallel()
	company, other, client := uuid.New(), uuid.New(), uuid.New()
	name := func(s string) *string { return &s }
	base := func() (Contract, string, []*entdb.ContractParty) {
		minor, currency, day := int64(500), "CNY", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		return Contract{Contract: &entdb.Contract{Kind: "SUPPLY", Title: "t", AmountMinor: &minor, Currency: &currency, StartsOn: &day}}, "第一条", []*entdb.ContractParty{
			{ID: uuid.New(), Side: SideTheirs, ClientID: &client, Name: "长安汽车", State: "pending"},
			{ID: uuid.New(), Side: SideOurs, CompanyID: &company, Name: "总公司", Signatory: name("张三"), Capacity: name("ATTORNEY"), State: "pending"},
		}
	}
	hash := func(change func(c *Contract, terms *string, parties *[]*entdb.ContractParty)) string {
		c, terms, parties := base()
		change(&c, &terms, &parties)
		h, err := contentHash(c, terms, parties)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(h)
	}
	first := hash(func(*Contract, *string, *[]*entdb.ContractParty) {})
	seen := map[string]string{first: "the first"}
	for what, change := range map[string]func(c *Contract, terms *string, parties *[]*entdb.ContractParty){
		"kind":     func(c *Contract, _ *string, _ *[]*entdb.ContractParty) { c.Kind = "SALES" },
		"title":    func(c *Contract, _ *string, _ *[]*entdb.ContractParty) { c.Title = "u" },
		"terms":    func(_ *Contract, terms *string, _ *[]*entdb.ContractParty) { *terms += "。" },
		"amount":   func(c *Contract, _ *string, _ *[]*entdb.ContractParty) { *c.AmountMinor++ },
		"no start": func(c *Contract, _ *string, _ *[]*entdb.ContractParty) { c.StartsOn = nil },
		"end":      func(c *Contract, _ *string, _ *[]*entdb.ContractParty) { c.EndsOn = c.StartsOn },
		"party": func(_ *Contract, _ *string, p *[]*entdb.ContractParty) {
			*p = append(*p, &entdb.ContractParty{Side: "THIRD", Name: "担保人"})
		},
		"no party":    func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { *p = (*p)[:1] },
		"side":        func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[0].Side = "THIRD" },
		"company":     func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[1].CompanyID = &other },
		"client":      func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[0].ClientID = &other },
		"name":        func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[0].Name = "长安汽车厂" },
		"signatory":   func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[1].Signatory = name("李四") },
		"no capacity": func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[1].Capacity = nil },
		"names swapped": func(_ *Contract, _ *string, p *[]*entdb.ContractParty) {
			(*p)[0].Name, (*p)[1].Name = (*p)[1].Name, (*p)[0].Name
		},
	} {
		h := hash(change)
		if before, twice := seen[h]; twice {
			t.Errorf("%s has the hash of %s", what, before)
		}
		seen[h] = what
	}
	for what, change := range map[string]func(c *Contract, terms *string, parties *[]*entdb.ContractParty){
		"order of rows": func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { slices.Reverse(*p) },
		"signed":        func(_ *Contract, _ *string, p *[]*entdb.ContractParty) { (*p)[0].State = "signed" },
	} {
		if hash(change) != first {
			t.Errorf("%s changes the hash", what)
		}
	}
}
