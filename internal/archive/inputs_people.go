package archive

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
)

// ClientReason is for acts that need a reason and nothing else: suspend and lift.
type ClientReason struct {
	Target
	Reason string
}

// Validate checks the input.
func (in *ClientReason) Validate() error {
	var c input.Checks
	in.check(&c)
	in.Reason = c.Line("input.reason", in.Reason, maxSource)
	return c.Err()
}

// ClientMove gives the archive to another department.
type ClientMove struct {
	Target
	DepartmentID uuid.UUID
	Reason       string
}

// Validate checks the input.
func (in *ClientMove) Validate() error {
	var c input.Checks
	in.check(&c)
	in.Reason = c.Line("input.reason", in.Reason, maxSource)
	return c.Err()
}

// TeamMember is one member of the team to be.
type TeamMember struct {
	StaffID uuid.UUID
	Duty    string
}

const dutyOwner = "OWNER"

// ClientAssignTeam is the whole team from now on.
type ClientAssignTeam struct {
	Target
	Members []TeamMember
}

// Validate checks the input.
func (in *ClientAssignTeam) Validate() error {
	var c input.Checks
	in.check(&c)
	if len(in.Members) > maxTeam {
		c.Refuse("input.members", "TOO_MANY", fmt.Sprintf("团队不超过 %d 人", maxTeam), fmt.Sprintf("a team has at most %d members", maxTeam))
		return c.Err()
	}
	owners, seen := 0, map[uuid.UUID]bool{}
	for i, m := range in.Members {
		at := fmt.Sprintf("input.members.%d", i)
		c.OneOf(at+".duty", m.Duty, dutyOwner, "CO_OWNER", "ENGINEER", "SERVICE")
		if m.Duty == dutyOwner {
			owners++
		}
		if seen[m.StaffID] {
			c.Refuse(at+".staffId", "MEMBER_REPEATED", "同一员工只能列出一次", "a staff member is named once")
		}
		seen[m.StaffID] = true
	}
	if owners != 1 {
		c.Refuse("input.members", "ONE_OWNER", "团队须有且只有一名负责人（OWNER）", "a team has exactly one OWNER")
	}
	return c.Err()
}

func (in *ClientAssignTeam) owner() uuid.UUID {
	for _, m := range in.Members {
		if m.Duty == dutyOwner {
			return m.StaffID
		}
	}
	return uuid.Nil
}

// ClientDistribute gives the prospect to a section; nil takes it back.
type ClientDistribute struct {
	Target
	DepartmentID *uuid.UUID
}

// Validate checks the input.
func (in *ClientDistribute) Validate() error {
	var c input.Checks
	in.check(&c)
	return c.Err()
}

// ClientRecordChange tells of a change without making it.
type ClientRecordChange struct {
	ClientID uuid.UUID
	Field    string // GraphQL field name of Client
	NewValue string // what was learnt, in words; no longer than the field itself may be
	Source   string
}

// Validate checks the input.
func (in *ClientRecordChange) Validate() error {
	var c input.Checks
	f, ok := fieldNamed(in.Field)
	if !ok {
		f.most = maxTold
		c.Refuse("input.field", "UNKNOWN_FIELD", "客户档案没有这一可登记的字段", "the archive has no such field to record a change of")
	}
	if f.lines() {
		in.NewValue = c.Lines("input.newValue", in.NewValue, f.most)
	} else {
		in.NewValue = c.Line("input.newValue", in.NewValue, f.most)
	}
	in.Source = c.Line("input.source", in.Source, maxSource)
	return c.Err()
}

// ContactAdd adds a person at a client.
type ContactAdd struct {
	ClientID     uuid.UUID
	Name         string
	Title        *string
	Phone        *string
	Email        *string
	Birthday     *time.Time
	IsPrimary    bool
	RefusesCalls bool
	RefusesMail  bool
}

const maxEmail = 254

// Validate checks the input.
func (in *ContactAdd) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, maxPerson)
	in.Title = c.OptionalLine("input.title", in.Title, maxPerson)
	in.Phone = c.OptionalLine("input.phone", in.Phone, maxPhone)
	c.Phone("input.phone", in.Phone)
	in.Email = c.OptionalLine("input.email", in.Email, maxEmail)
	c.Email("input.email", in.Email)
	c.Day("input.birthday", in.Birthday)
	return c.Err()
}

// ContactTarget names a contact and the version that the caller has seen.
type ContactTarget struct {
	ContactID       uuid.UUID
	ExpectedVersion int64
}

// ContactChange changes a contact. What is left out stays; null clears.
type ContactChange struct {
	ContactTarget
	Name         input.Optional[string]
	Title        input.Optional[string]
	Phone        input.Optional[string]
	Email        input.Optional[string]
	Birthday     input.Optional[time.Time]
	IsPrimary    input.Optional[bool]
	RefusesCalls input.Optional[bool]
	RefusesMail  input.Optional[bool]
}

// Validate checks the input.
func (in *ContactChange) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Name = c.MaybeLine("input.name", in.Name, maxPerson)
	input.Required(&c, "input.name", in.Name)
	in.Title = c.MaybeLine("input.title", in.Title, maxPerson)
	in.Phone = c.MaybeLine("input.phone", in.Phone, maxPhone)
	c.Phone("input.phone", in.Phone.Value)
	in.Email = c.MaybeLine("input.email", in.Email, maxEmail)
	c.Email("input.email", in.Email.Value)
	c.Day("input.birthday", in.Birthday.Value)
	input.Required(&c, "input.isPrimary", in.IsPrimary)
	input.Required(&c, "input.refusesCalls", in.RefusesCalls)
	input.Required(&c, "input.refusesMail", in.RefusesMail)
	return c.Err()
}

// ContactLeave marks a contact as gone from the client.
type ContactLeave struct{ ContactTarget }

// Validate checks the input.
func (in *ContactLeave) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// sortedByID: staff are locked in one order, so that two acts never wait for each other.
func sortedByID(members []TeamMember) []TeamMember {
	out := slices.Clone(members)
	slices.SortFunc(out, func(a, b TeamMember) int { return slices.Compare(a.StaffID[:], b.StaffID[:]) })
	return out
}
