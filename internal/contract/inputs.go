package contract

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
)

// Limits in characters, those of the columns.
const (
	maxTitle, maxName, maxPerson, maxReference = 200, 200, 100, 200
	maxTerms, maxNote                          = 100000, 2000
	maxParties                                 = 20
)

func kinds() []string { return []string{"SUPPLY", "QA", "SALES", "FRAMEWORK", "NDA", "SERVICE"} }

// Sides of parties.
const (
	SideOurs   = "OURS"
	SideTheirs = "THEIRS"
	SideThird  = "THIRD"
)

// Party is one side of a contract to be drafted.
type Party struct {
	Side      string
	CompanyID *uuid.UUID // OURS; the contract's company when nil
	Name      *string    // THIRD
	Signatory *string
	Capacity  *string
}

// ContractDraft is a new contract. Days are midnight UTC. OURS and THEIRS are added when no party of the side is given.
type ContractDraft struct {
	ClientID  uuid.UUID
	CompanyID uuid.UUID
	Kind      string
	Title     string
	Terms     string
	Amount    *input.Money
	StartsOn  *time.Time
	EndsOn    *time.Time
	Parties   []Party
}

// Validate trims and reports every field at once; so do all the Validates here.
func (in *ContractDraft) Validate() error {
	var c input.Checks
	checkBody(&c, in.Kind, &in.Title, &in.Terms, in.Amount)
	c.Day("input.startsOn", in.StartsOn)
	c.Day("input.endsOn", in.EndsOn)
	c.Order("input.endsOn", in.StartsOn, in.EndsOn)
	in.Parties = checkParties(&c, in.Parties)
	return c.Err()
}

func checkBody(c *input.Checks, kind string, title, terms *string, amount *input.Money) {
	c.OneOf("input.kind", kind, kinds()...)
	*title = c.Line("input.title", *title, maxTitle)
	*terms = c.Lines("input.terms", *terms, maxTerms)
	c.Money("input.amount", amount)
}

func checkParties(c *input.Checks, given []Party) []Party {
	if len(given) > maxParties {
		c.Refuse("input.parties", "TOO_MANY", fmt.Sprintf("当事人不超过 %d 个", maxParties), fmt.Sprintf("a contract has at most %d parties", maxParties))
		return given
	}
	out := make([]Party, len(given))
	theirs := 0
	for i, p := range given {
		at := fmt.Sprintf("input.parties.%d", i)
		c.OneOf(at+".side", p.Side, SideOurs, SideTheirs, SideThird)
		if p.CompanyID != nil && p.Side != SideOurs {
			c.Refuse(at+".companyId", "COMPANY_OF_OURS_ONLY", "只有我方当事人填写公司", "only a party of ours has a company")
		}
		p.Name = c.OptionalLine(at+".name", p.Name, maxName)
		switch {
		case p.Side == SideThird && p.Name == nil:
			c.Refuse(at+".name", "REQUIRED", "第三方须填写名称", "a third party needs its name")
		case p.Side != SideThird && p.Name != nil:
			c.Refuse(at+".name", "NAME_IS_TAKEN", "我方与对方的名称取自公司与客户档案", "the names of both sides are taken from the company and the client")
		}
		p.Signatory = c.OptionalLine(at+".signatory", p.Signatory, maxPerson)
		c.OptionalOneOf(at+".capacity", p.Capacity, "LEGAL_REPRESENTATIVE", "ATTORNEY")
		if p.Side == SideTheirs {
			theirs++
		}
		out[i] = p
	}
	if theirs > 1 {
		c.Refuse("input.parties", "ONE_CLIENT", "对方当事人只有合同的客户一个", "the client is the only party of the other side")
	}
	return out
}

// ContractRegister is a contract that both sides signed on paper.
type ContractRegister struct {
	ClientID       uuid.UUID
	CompanyID      uuid.UUID
	Kind           string
	Title          string
	Terms          string
	Amount         *input.Money
	SignedOn       time.Time
	StartsOn       time.Time
	EndsOn         *time.Time
	PaperReference string
}

// Validate checks the input.
func (in *ContractRegister) Validate() error {
	var c input.Checks
	checkBody(&c, in.Kind, &in.Title, &in.Terms, in.Amount)
	c.Day("input.signedOn", &in.SignedOn)
	c.Day("input.startsOn", &in.StartsOn)
	c.Day("input.endsOn", in.EndsOn)
	c.Order("input.endsOn", &in.StartsOn, in.EndsOn)
	in.PaperReference = c.Line("input.paperReference", in.PaperReference, maxReference)
	return c.Err()
}

// Target names a contract and the version that the caller has seen.
type Target struct {
	ContractID      uuid.UUID
	ExpectedVersion int64
}

// ContractRevise makes a new revision of a draft. What is left out stays; null clears what may be absent.
type ContractRevise struct {
	Target
	Title      input.Optional[string]
	Terms      input.Optional[string]
	Amount     input.Optional[input.Money]
	StartsOn   input.Optional[time.Time]
	EndsOn     input.Optional[time.Time]
	ChangeNote string
}

// Validate checks the input.
func (in *ContractRevise) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Title = c.MaybeLine("input.title", in.Title, maxTitle)
	input.Required(&c, "input.title", in.Title)
	in.Terms = c.MaybeLines("input.terms", in.Terms, maxTerms)
	input.Required(&c, "input.terms", in.Terms)
	c.Money("input.amount", in.Amount.Value)
	c.Day("input.startsOn", in.StartsOn.Value)
	c.Day("input.endsOn", in.EndsOn.Value)
	in.ChangeNote = c.Lines("input.changeNote", in.ChangeNote, maxNote)
	return c.Err()
}

// ContractSubmit sends a draft to review.
type ContractSubmit struct{ Target }

// Validate checks the input.
func (in *ContractSubmit) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// ContractReason is for acts that need a reason: return, withdraw, terminate.
type ContractReason struct {
	Target
	Reason string
}

// Validate checks the input.
func (in *ContractReason) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxNote)
	return c.Err()
}

// ContractComplete ends a contract of which everything is done.
type ContractComplete struct {
	Target
	Note string
}

// Validate checks the input.
func (in *ContractComplete) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Note = c.Lines("input.note", in.Note, maxNote)
	return c.Err()
}

// ObligationAdd is something that one side owes by a day.
type ObligationAdd struct {
	ContractID uuid.UUID
	Side       string
	Kind       string
	Title      string
	DueOn      time.Time
	Amount     *input.Money
}

// Validate checks the input.
func (in *ObligationAdd) Validate() error {
	var c input.Checks
	c.OneOf("input.side", in.Side, SideOurs, SideTheirs)
	c.OneOf("input.kind", in.Kind, "DELIVERY", "PAYMENT", "SERVICE", "DOCUMENT", "OTHER")
	in.Title = c.Line("input.title", in.Title, maxTitle)
	c.Day("input.dueOn", &in.DueOn)
	c.Money("input.amount", in.Amount)
	return c.Err()
}

// ObligationSettle says how an obligation ended; SettledOn is today when nil.
type ObligationSettle struct {
	ObligationID    uuid.UUID
	ExpectedVersion int64
	Outcome         string // MET LATE WAIVED
	SettledOn       *time.Time
	Note            *string
}

// Validate checks the input.
func (in *ObligationSettle) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	c.OneOf("input.outcome", in.Outcome, "MET", "LATE", "WAIVED")
	c.Day("input.settledOn", in.SettledOn)
	in.Note = c.OptionalLines("input.note", in.Note, maxNote)
	return c.Err()
}
