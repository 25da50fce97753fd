package resolver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/scalar"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
)

// Archive has the mutations of graph/schema/archive.graphql.
type Archive struct{ Service *archive.Service }

// maybe… read a field of its type that may be left out or null.

func maybeDay(o graphql.Omittable[*scalar.LocalDate]) input.Optional[time.Time] {
	d, given := o.ValueOK()
	return input.Optional[time.Time]{Given: given, Value: day(d)}
}

func maybeBool(o graphql.Omittable[*bool]) input.Optional[bool] {
	b, given := o.ValueOK()
	return input.Optional[bool]{Given: given, Value: b}
}

func maybeMoney(o graphql.Omittable[*model.MoneyInput]) input.Optional[input.Money] {
	m, given := o.ValueOK()
	return input.Optional[input.Money]{Given: given, Value: money(m)}
}

func money(m *model.MoneyInput) *input.Money {
	if m == nil {
		return nil
	}
	return &input.Money{Minor: m.Amount, Currency: m.Currency}
}

func maybeEnum[E ~string](o graphql.Omittable[*E]) input.Optional[string] {
	e, given := o.ValueOK()
	return input.Optional[string]{Given: given, Value: enum(e)}
}

func enum[E ~string](e *E) *string {
	if e == nil {
		return nil
	}
	s := string(*e)
	return &s
}

func enums[E ~string](list []E) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = string(e)
	}
	return out
}

// profile reads the standard archive, of which everything may be left out.
func profile(from *model.ClientProfileInput) archive.Profile {
	if from == nil {
		return archive.Profile{}
	}
	return archive.Profile{
		UnifiedCreditCode:   maybeText(from.UnifiedCreditCode),
		LegalRepresentative: maybeText(from.LegalRepresentative),
		Address:             maybeText(from.Address),
		Postcode:            maybeText(from.Postcode),
		Phone:               maybeText(from.Phone),
		Fax:                 maybeText(from.Fax),
		BusinessScope:       maybeText(from.BusinessScope),
		RegisteredCapital:   maybeMoney(from.RegisteredCapital),
	}
}

func (d *decoder) client(clientID string, version int64) archive.Target {
	return archive.Target{ClientID: d.id(id.Client, "input.clientId", clientID), ExpectedVersion: version}
}

func (d *decoder) contact(contactID string, version int64) archive.ContactTarget {
	return archive.ContactTarget{ContactID: d.id(id.Contact, "input.contactId", contactID), ExpectedVersion: version}
}

// ClientOpen resolves clientOpen.
func (r Archive) ClientOpen(ctx context.Context, from model.ClientOpenInput, key string) (p model.ClientOpenPayload, err error) {
	var d decoder
	in := archive.ClientOpen{
		Name:         from.Name,
		Kinds:        enums(from.Kinds),
		DepartmentID: d.id(id.Department, "input.departmentId", from.DepartmentID),
		OwnerID:      d.optional(id.Staff, "input.ownerId", from.OwnerID),
		Region:       from.Region,
		SpecialType:  enum(from.SpecialType),
		Acquisition:  enum(from.Acquisition),
		Grade:        enum(from.Grade),
		Profile:      profile(from.Profile),
		Source:       from.Source,
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientOpen(ctx, s, in, key)
	})
	return p, err
}

// ClientChangeProfile resolves clientChangeProfile.
func (r Archive) ClientChangeProfile(ctx context.Context, from model.ClientChangeProfileInput, key string) (p model.ClientChangeProfilePayload, err error) {
	var d decoder
	in := archive.ClientChangeProfile{Target: d.client(from.ClientID, from.ExpectedVersion), Profile: profile(from.Profile), Source: from.Source}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientChangeProfile(ctx, s, in, key)
	})
	return p, err
}

// ClientChangeList resolves clientChangeList.
func (r Archive) ClientChangeList(ctx context.Context, from model.ClientChangeListInput, key string) (p model.ClientChangeListPayload, err error) {
	var d decoder
	in := archive.ClientChangeList{
		Target:      d.client(from.ClientID, from.ExpectedVersion),
		Name:        maybeText(from.Name),
		SortKey:     maybeText(from.SortKey),
		Region:      maybeText(from.Region),
		Stage:       maybeEnum(from.Stage),
		SpecialType: maybeEnum(from.SpecialType),
		Acquisition: maybeEnum(from.Acquisition),
		Grade:       maybeEnum(from.Grade),
		Important:   maybeBool(from.Important),
		Source:      from.Source,
	}
	if kinds, given := from.Kinds.ValueOK(); given {
		in.Kinds.Given = true
		if kinds != nil {
			in.Kinds = input.Set(enums(kinds))
		}
	}
	if in.Stage.Value != nil {
		in.Stage = input.Set(strings.ToLower(*in.Stage.Value))
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientChangeList(ctx, s, in, key)
	})
	return p, err
}

// ClientChangeDealings resolves clientChangeDealings.
func (r Archive) ClientChangeDealings(ctx context.Context, from model.ClientChangeDealingsInput, key string) (p model.ClientChangeDealingsPayload, err error) {
	var d decoder
	in := archive.ClientChangeDealings{
		Target:        d.client(from.ClientID, from.ExpectedVersion),
		PolicyNote:    maybeText(from.PolicyNote),
		Attitude:      maybeText(from.Attitude),
		NextContactOn: maybeDay(from.NextContactOn),
		Source:        from.Source,
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientChangeDealings(ctx, s, in, key)
	})
	return p, err
}

// ClientChangeCredit resolves clientChangeCredit.
func (r Archive) ClientChangeCredit(ctx context.Context, from model.ClientChangeCreditInput, key string) (p model.ClientChangeCreditPayload, err error) {
	var d decoder
	in := archive.ClientChangeCredit{
		Target:      d.client(from.ClientID, from.ExpectedVersion),
		CreditLimit: maybeMoney(from.CreditLimit),
		CreditNote:  maybeText(from.CreditNote),
		Source:      from.Source,
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientChangeCredit(ctx, s, in, key)
	})
	return p, err
}

// ClientSuspend resolves clientSuspend.
func (r Archive) ClientSuspend(ctx context.Context, from model.ClientSuspendInput, key string) (p model.ClientSuspendPayload, err error) {
	var d decoder
	in := archive.ClientReason{Target: d.client(from.ClientID, from.ExpectedVersion), Reason: from.Reason}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientSuspend(ctx, s, in, key)
	})
	return p, err
}

// ClientLift resolves clientLift.
func (r Archive) ClientLift(ctx context.Context, from model.ClientLiftInput, key string) (p model.ClientLiftPayload, err error) {
	var d decoder
	in := archive.ClientReason{Target: d.client(from.ClientID, from.ExpectedVersion), Reason: from.Reason}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientLift(ctx, s, in, key)
	})
	return p, err
}

// ClientMove resolves clientMove.
func (r Archive) ClientMove(ctx context.Context, from model.ClientMoveInput, key string) (p model.ClientMovePayload, err error) {
	var d decoder
	in := archive.ClientMove{
		Target:       d.client(from.ClientID, from.ExpectedVersion),
		DepartmentID: d.id(id.Department, "input.departmentId", from.DepartmentID),
		Reason:       from.Reason,
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientMove(ctx, s, in, key)
	})
	return p, err
}

// ClientAssignTeam resolves clientAssignTeam.
func (r Archive) ClientAssignTeam(ctx context.Context, from model.ClientAssignTeamInput, key string) (p model.ClientAssignTeamPayload, err error) {
	var d decoder
	in := archive.ClientAssignTeam{Target: d.client(from.ClientID, from.ExpectedVersion)}
	for i, m := range from.Members {
		staffID := d.id(id.Staff, fmt.Sprintf("input.members.%d.staffId", i), m.StaffID)
		in.Members = append(in.Members, archive.TeamMember{StaffID: staffID, Duty: string(m.Duty)})
	}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientAssignTeam(ctx, s, in, key)
	})
	return p, err
}

// ClientDistribute resolves clientDistribute.
func (r Archive) ClientDistribute(ctx context.Context, from model.ClientDistributeInput, key string) (p model.ClientDistributePayload, err error) {
	var d decoder
	to := d.maybe(id.Department, "input.departmentId", from.DepartmentID)
	if !to.Given { // taking a prospect back is said, not left out
		d.checks.Refuse("input.departmentId", "REQUIRED", "须指定科室，或以 null 收回", "name a section, or null to take the prospect back")
	}
	in := archive.ClientDistribute{Target: d.client(from.ClientID, from.ExpectedVersion), DepartmentID: to.Value}
	p.Client, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientDistribute(ctx, s, in, key)
	})
	return p, err
}

// ClientRecordChange resolves clientRecordChange.
func (r Archive) ClientRecordChange(ctx context.Context, from model.ClientRecordChangeInput, key string) (p model.ClientRecordChangePayload, err error) {
	var d decoder
	in := archive.ClientRecordChange{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), Field: from.Field, NewValue: from.NewValue, Source: from.Source,
	}
	p.ClientChange, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ClientRecordChange(ctx, s, in, key)
	})
	return p, err
}

// ContactAdd resolves contactAdd.
func (r Archive) ContactAdd(ctx context.Context, from model.ContactAddInput, key string) (p model.ContactAddPayload, err error) {
	var d decoder
	in := archive.ContactAdd{
		ClientID: d.id(id.Client, "input.clientId", from.ClientID), Name: from.Name, Title: from.Title, Phone: from.Phone, Email: from.Email,
		Birthday: day(from.Birthday), IsPrimary: from.IsPrimary, RefusesCalls: from.RefusesCalls, RefusesMail: from.RefusesMail,
	}
	p.Contact, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContactAdd(ctx, s, in, key)
	})
	return p, err
}

// ContactChange resolves contactChange.
func (r Archive) ContactChange(ctx context.Context, from model.ContactChangeInput, key string) (p model.ContactChangePayload, err error) {
	var d decoder
	in := archive.ContactChange{
		ContactTarget: d.contact(from.ContactID, from.ExpectedVersion),
		Name:          maybeText(from.Name),
		Title:         maybeText(from.Title),
		Phone:         maybeText(from.Phone),
		Email:         maybeText(from.Email),
		Birthday:      maybeDay(from.Birthday),
		IsPrimary:     maybeBool(from.IsPrimary),
		RefusesCalls:  maybeBool(from.RefusesCalls),
		RefusesMail:   maybeBool(from.RefusesMail),
	}
	p.Contact, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContactChange(ctx, s, in, key)
	})
	return p, err
}

// ContactLeave resolves contactLeave.
func (r Archive) ContactLeave(ctx context.Context, from model.ContactLeaveInput, key string) (p model.ContactLeavePayload, err error) {
	var d decoder
	in := archive.ContactLeave{ContactTarget: d.contact(from.ContactID, from.ExpectedVersion)}
	p.Contact, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.ContactLeave(ctx, s, in, key)
	})
	return p, err
}
