package archive

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/creditcode"
	"github.com/clientele/clientele/internal/input"
)

// Limits in characters, those of the columns.
const (
	maxName, maxSortKey, maxRegion, maxPerson = 200, 400, 100, 100
	maxAddress, maxPostcode, maxPhone         = 400, 12, 40
	maxCreditCode                             = 18
	maxScope, maxNote, maxSource              = 10000, 4000, 400
	maxTeam                                   = 100
)

func kinds() []string  { return []string{"KEY", "SUPPLIER", "DEALER", "SPECIAL"} }
func grades() []string { return []string{"VIP", "A", "B", "C"} }
func ways() []string   { return []string{"GOVERNMENT", "GROUP", "OUTREACH"} }
func specialTypes() []string {
	return []string{"LEGAL_ADVISER", "FINANCIAL_ADVISER", "ADVERTISING", "PUBLIC_RELATIONS", "BANK", "INSURER", "FINANCING", "OTHER"}
}

// Profile is the standard archive (F04). What is left out stays; null clears.
type Profile struct {
	UnifiedCreditCode   input.Optional[string] // GB 32100, 18 characters
	LegalRepresentative input.Optional[string]
	Address             input.Optional[string]
	Postcode            input.Optional[string]
	Phone               input.Optional[string]
	Fax                 input.Optional[string]
	BusinessScope       input.Optional[string]
	RegisteredCapital   input.Optional[input.Money]
}

func (p *Profile) check(c *input.Checks, at string) {
	if code := p.UnifiedCreditCode.Value; code != nil {
		upper := strings.ToUpper(strings.TrimSpace(*code))
		p.UnifiedCreditCode.Value = &upper
		c.Add(creditcode.Validate(at+".unifiedCreditCode", upper))
	}
	p.LegalRepresentative = c.MaybeLine(at+".legalRepresentative", p.LegalRepresentative, maxPerson)
	p.Address = c.MaybeLine(at+".address", p.Address, maxAddress)
	p.Postcode = c.MaybeLine(at+".postcode", p.Postcode, maxPostcode)
	c.Postcode(at+".postcode", p.Postcode.Value)
	p.Phone = c.MaybeLine(at+".phone", p.Phone, maxPhone)
	c.Phone(at+".phone", p.Phone.Value)
	p.Fax = c.MaybeLine(at+".fax", p.Fax, maxPhone)
	c.Phone(at+".fax", p.Fax.Value)
	p.BusinessScope = c.MaybeLines(at+".businessScope", p.BusinessScope, maxScope)
	c.Money(at+".registeredCapital", p.RegisteredCapital.Value)
}

func (p *Profile) apply(to *Client) {
	change(&to.UnifiedCreditCode, p.UnifiedCreditCode)
	change(&to.LegalRepresentative, p.LegalRepresentative)
	change(&to.Address, p.Address)
	change(&to.Postcode, p.Postcode)
	change(&to.Phone, p.Phone)
	change(&to.Fax, p.Fax)
	change(&to.BusinessScope, p.BusinessScope)
	if p.RegisteredCapital.Given {
		to.RegisteredCapitalMinor, to.RegisteredCapitalCurrency = fromMoney(p.RegisteredCapital.Value)
	}
}

// ClientOpen opens an archive. Owner is the actor when it is nil.
type ClientOpen struct {
	Name         string
	Kinds        []string
	DepartmentID uuid.UUID
	OwnerID      *uuid.UUID
	Region       *string
	SpecialType  *string
	Acquisition  *string
	Grade        *string
	Profile      Profile
	Source       string
}

// Validate trims and reports every field at once; so do all the Validates here.
func (in *ClientOpen) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, maxName)
	in.Kinds = checkKinds(&c, in.Kinds)
	in.Region = c.OptionalLine("input.region", in.Region, maxRegion)
	c.OptionalOneOf("input.specialType", in.SpecialType, specialTypes()...)
	c.OptionalOneOf("input.acquisition", in.Acquisition, ways()...)
	c.OptionalOneOf("input.grade", in.Grade, grades()...)
	in.Profile.check(&c, "input.profile")
	in.Source = c.Line("input.source", in.Source, maxSource)
	checkSpecial(&c, in.Kinds, in.SpecialType)
	return c.Err()
}

// checkKinds gives the kinds sorted; each is said once.
func checkKinds(c *input.Checks, given []string) []string {
	for _, k := range given {
		if !slices.Contains(kinds(), k) {
			c.OneOf("input.kinds", k, kinds()...)
			return given
		}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(given)))
	if len(sorted) == 0 || len(sorted) != len(given) {
		c.Refuse("input.kinds", "KINDS_EMPTY_OR_REPEATED", "客户类别至少一项且不能重复", "at least one kind, and each once")
	}
	return sorted
}

// checkSpecial: a special client says what it is (F02), and only a special client does.
func checkSpecial(c *input.Checks, kinds []string, specialType *string) {
	special := slices.Contains(kinds, "SPECIAL")
	switch {
	case special && specialType == nil:
		c.Refuse("input.specialType", "SPECIAL_TYPE_REQUIRED", "特殊客户须注明类型", "a special client needs its type")
	case !special && specialType != nil:
		c.Refuse("input.specialType", "SPECIAL_TYPE_WITHOUT_KIND", "只有特殊客户才有此类型", "only a special client has this type")
	}
}

// Target names a client and the version that the caller has seen.
type Target struct {
	ClientID        uuid.UUID
	ExpectedVersion int64
}

func (t Target) check(c *input.Checks) { c.Version("input.expectedVersion", t.ExpectedVersion) }

// ClientChangeProfile changes the standard archive.
type ClientChangeProfile struct {
	Target
	Profile Profile
	Source  string
}

// Validate checks the input.
func (in *ClientChangeProfile) Validate() error {
	var c input.Checks
	in.check(&c)
	in.Profile.check(&c, "input.profile")
	in.Source = c.Line("input.source", in.Source, maxSource)
	return c.Err()
}

// ClientChangeList changes what lists show and how the client is ranked.
type ClientChangeList struct {
	Target
	Name        input.Optional[string]
	SortKey     input.Optional[string] // null: made from the name again
	Kinds       input.Optional[[]string]
	Region      input.Optional[string]
	Stage       input.Optional[string] // as stored: "prospect"
	SpecialType input.Optional[string]
	Acquisition input.Optional[string]
	Grade       input.Optional[string]
	Important   input.Optional[bool]
	Source      string
}

// Validate checks the input.
func (in *ClientChangeList) Validate() error {
	var c input.Checks
	in.check(&c)
	in.Name = c.MaybeLine("input.name", in.Name, maxName)
	input.Required(&c, "input.name", in.Name)
	in.SortKey = c.MaybeLine("input.sortKey", in.SortKey, maxSortKey)
	input.Required(&c, "input.kinds", in.Kinds)
	if in.Kinds.Value != nil {
		sorted := checkKinds(&c, *in.Kinds.Value)
		in.Kinds.Value = &sorted
	}
	in.Region = c.MaybeLine("input.region", in.Region, maxRegion)
	input.Required(&c, "input.stage", in.Stage)
	c.OptionalOneOf("input.stage", in.Stage.Value, Stages()...)
	c.OptionalOneOf("input.specialType", in.SpecialType.Value, specialTypes()...)
	c.OptionalOneOf("input.acquisition", in.Acquisition.Value, ways()...)
	c.OptionalOneOf("input.grade", in.Grade.Value, grades()...)
	input.Required(&c, "input.important", in.Important)
	in.Source = c.Line("input.source", in.Source, maxSource)
	return c.Err()
}

// ClientChangeDealings changes policy, attitude and the next contact (G01).
type ClientChangeDealings struct {
	Target
	PolicyNote    input.Optional[string]
	Attitude      input.Optional[string]
	NextContactOn input.Optional[time.Time]
	Source        string
}

// Validate checks the input.
func (in *ClientChangeDealings) Validate() error {
	var c input.Checks
	in.check(&c)
	in.PolicyNote = c.MaybeLines("input.policyNote", in.PolicyNote, maxNote)
	in.Attitude = c.MaybeLines("input.attitude", in.Attitude, maxNote)
	c.Day("input.nextContactOn", in.NextContactOn.Value)
	in.Source = c.Line("input.source", in.Source, maxSource)
	return c.Err()
}

// ClientChangeCredit changes credit limit and note (L4).
type ClientChangeCredit struct {
	Target
	CreditLimit input.Optional[input.Money]
	CreditNote  input.Optional[string]
	Source      string
}

// Validate checks the input.
func (in *ClientChangeCredit) Validate() error {
	var c input.Checks
	in.check(&c)
	c.Money("input.creditLimit", in.CreditLimit.Value)
	in.CreditNote = c.MaybeLines("input.creditNote", in.CreditNote, maxNote)
	in.Source = c.Line("input.source", in.Source, maxSource)
	return c.Err()
}
