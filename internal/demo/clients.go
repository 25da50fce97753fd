package demo

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/input"
)

// client is what the story remembers of one.
type client struct {
	id        uuid.UUID
	version   int64
	name      string
	key       bool // a KEY client: the key account manager's
	owner     *person
	stage     int // index in stages
	goal      int
	ended     bool
	suspended bool
}

// stages is the way of a client; how far one gets within the year is by chance.
func stages() []string {
	return []string{archive.StageProspect, archive.StageDeveloping, archive.StageApplied, archive.StageRecognised, archive.StageTrading}
}

// archives opens the clients over the year and lets them develop.
func (s *scene) archives(ctx context.Context) error {
	var sellers []*person
	for _, p := range s.order {
		if p.sells {
			sellers = append(sellers, p)
		}
	}
	t := &story{}
	begin, span := s.now, s.until.Sub(s.now)-20*24*time.Hour
	for i := range s.plan.clients {
		owner := sellers[i%len(sellers)]
		at := begin.Add(time.Duration((float64(i) + s.random.Float64()) / float64(s.plan.clients) * float64(span)))
		s.at(t, at, func(ctx context.Context) error { return s.open(ctx, t, owner) })
	}
	s.lending(t)
	return s.play(ctx, t)
}

func (s *scene) chance(percent int) bool { return s.random.IntN(100) < percent }

func (s *scene) open(ctx context.Context, t *story, owner *person) error {
	name, kind := s.names.company(), pick(s.random, s.plan.kinds)
	if owner.roles[0] == "ka_sales_rep" || owner.roles[0] == "ka_developer" {
		kind = "KEY" // what a seller of the key-account department looks for
	}
	grade := pick(s.random, []string{"A", "B", "B", "C", "C", "VIP"})
	region, way := pick(s.random, places()), pick(s.random, []string{"GOVERNMENT", "GROUP", "OUTREACH"})
	in := archive.ClientOpen{
		Name: name, Kinds: []string{kind}, DepartmentID: s.units[owner.department].id, Region: &region, Acquisition: &way, Grade: &grade,
		Profile: archive.Profile{
			UnifiedCreditCode: input.Set(s.names.creditCode()), LegalRepresentative: input.Set(s.names.person()), Address: input.Set(s.names.address()),
			Phone: input.Set(s.names.mobile()), BusinessScope: input.Set("演示数据：经营范围为虚构。"),
			RegisteredCapital: input.Set(input.Money{Minor: int64(1+s.random.IntN(500)) * 1_000_000_00, Currency: "CNY"}),
		},
		Source: pick(s.random, []string{"展会", "老客户介绍", "网络检索", "上门拜访", "行业名录"}),
	}
	if kind == "SUPPLIER" && s.chance(30) {
		in.Kinds = []string{"DEALER", "SUPPLIER"}
	}
	r, err := s.Archive.ClientOpen(ctx, owner.session, in, s.key())
	if r, err = did("client of "+owner.login, r, err); err != nil {
		return err
	}
	s.progress.add(1)
	c := &client{id: r.Subject.ID, version: r.Subject.Version, name: name, key: kind == "KEY", owner: owner, goal: pick(s.random, []int{0, 1, 1, 2, 3, 3, 4, 4, 4})}
	if c.key && owner.roles[0] == "ka_sales_rep" && len(s.shelves) < shelved {
		s.shelves = append(s.shelves, c)
	}
	s.then(t, 0.1, 3, func(ctx context.Context) error { return s.contact(ctx, c, true) })
	if s.chance(40) {
		s.then(t, 5, 60, func(ctx context.Context) error { return s.contact(ctx, c, false) })
	}
	if c.goal > 0 {
		s.then(t, 3, 30, func(ctx context.Context) error { return s.advance(ctx, t, c) })
	}
	for _, later := range []struct {
		percent     int
		least, most float64
		do          func(context.Context, *client) error
	}{
		{25, 2, 40, s.team}, {8, 10, 90, s.move}, {10, 20, 120, s.report}, {12, 10, 120, s.dealings}, {3, 30, 200, s.suspend}, {2, 40, 200, s.rename}, {3, 10, 100, s.grant},
	} {
		if s.chance(later.percent) {
			s.then(t, later.least, later.most, func(ctx context.Context) error { return later.do(ctx, c) })
		}
	}
	return nil
}

func (s *scene) contact(ctx context.Context, c *client, first bool) error {
	title, phone := pick(s.random, []string{"总经理", "采购经理", "车队队长", "行政主管", "财务经理"}), s.names.mobile()
	r, err := s.Archive.ContactAdd(ctx, c.owner.session, archive.ContactAdd{
		ClientID: c.id, Name: s.names.person(), Title: &title, Phone: &phone, IsPrimary: first,
		RefusesCalls: s.chance(5),
	}, s.key())
	_, err = did("contact", r, err)
	return err
}

// advance takes a client one stage further; from recognition on it gets contracts.
func (s *scene) advance(ctx context.Context, t *story, c *client) error {
	if c.ended || c.suspended {
		return nil
	}
	r, err := s.Archive.ClientChangeList(ctx, c.owner.session, archive.ClientChangeList{
		Target: archive.Target{ClientID: c.id, ExpectedVersion: c.version}, Stage: input.Set(stages()[c.stage+1]), Source: "洽谈进展",
	}, s.key())
	if r, err = did("stage", r, err); err != nil {
		return err
	}
	c.version = r.Subject.Version
	if c.stage++; c.stage < c.goal {
		s.then(t, 5, 45, func(ctx context.Context) error { return s.advance(ctx, t, c) })
	}
	if c.stage == 3 && c.key { // recognised
		s.then(t, 1, 20, func(ctx context.Context) error { return s.credit(ctx, c) })
	}
	if c.stage >= 3 && s.chance(75) {
		s.then(t, 2, 40, func(ctx context.Context) error { return s.deal(ctx, t, c) })
	}
	if c.stage == 4 && s.chance(4) {
		s.then(t, 30, 150, func(ctx context.Context) error { return s.end(ctx, c) })
	}
	return nil
}

func (s *scene) target(c *client) archive.Target {
	return archive.Target{ClientID: c.id, ExpectedVersion: c.version}
}

// team gives the client a service specialist or an engineer besides its owner.
func (s *scene) team(ctx context.Context, c *client) error {
	var members []archive.TeamMember
	for _, p := range s.order {
		if len(p.roles) == 1 && (p.roles[0] == "ka_service_specialist" || p.roles[0] == "tech_engineer") {
			duty := "SERVICE"
			if p.roles[0] == "tech_engineer" {
				duty = "ENGINEER"
			}
			members = append(members, archive.TeamMember{StaffID: p.staff, Duty: duty})
		}
	}
	if len(members) == 0 {
		return nil
	}
	in := archive.ClientAssignTeam{Target: s.target(c), Members: []archive.TeamMember{{StaffID: c.owner.staff, Duty: "OWNER"}, pick(s.random, members)}}
	r, err := s.Archive.ClientAssignTeam(ctx, s.staff["kam"].session, in, s.key())
	if r, err = did("team", r, err); err == nil {
		c.version = r.Subject.Version
	}
	return err
}

// move corrects the address after the client has moved.
func (s *scene) move(ctx context.Context, c *client) error {
	r, err := s.Archive.ClientChangeProfile(ctx, s.staff["kam"].session, archive.ClientChangeProfile{
		Target: s.target(c), Profile: archive.Profile{Address: input.Set(s.names.address())}, Source: "客户来函",
	}, s.key())
	if r, err = did("address", r, err); err == nil {
		c.version = r.Subject.Version
	}
	return err
}

// report notes a change that the market department heard of.
func (s *scene) report(ctx context.Context, c *client) error {
	by := s.staff["roster"]
	if by == nil {
		by = s.staff["kam"]
	}
	if by.login == "kam" && !c.key {
		return nil
	}
	r, err := s.Archive.ClientRecordChange(ctx, by.session, archive.ClientRecordChange{ClientID: c.id, Field: "region", NewValue: pick(s.random, places()), Source: "市场走访"}, s.key())
	_, err = did("change record", r, err)
	return err
}

func (s *scene) dealings(ctx context.Context, c *client) error {
	next := s.now.AddDate(0, 0, 7+s.random.IntN(60)).Truncate(24 * time.Hour)
	r, err := s.Archive.ClientChangeDealings(ctx, s.staff["sales"].session, archive.ClientChangeDealings{
		Target: s.target(c), PolicyNote: input.Set("按季度洽谈年度采购框架。（演示）"), Attitude: input.Set(pick(s.random, []string{"积极", "观望", "谨慎"})),
		NextContactOn: input.Set(next), Source: "拜访记录",
	}, s.key())
	if r, err = did("dealings", r, err); err == nil {
		c.version = r.Subject.Version
	}
	return err
}

func (s *scene) credit(ctx context.Context, c *client) error {
	limit := input.Money{Minor: int64(5+s.random.IntN(195)) * 100_000_00, Currency: "CNY"}
	r, err := s.Archive.ClientChangeCredit(ctx, s.staff["kam"].session, archive.ClientChangeCredit{
		Target: s.target(c), CreditLimit: input.Set(limit), CreditNote: input.Set("依据信用调查表核定。（演示）"), Source: "信用调查",
	}, s.key())
	if r, err = did("credit", r, err); err == nil {
		c.version = r.Subject.Version
	}
	return err
}

func (s *scene) suspend(ctx context.Context, c *client) error {
	if c.ended {
		return nil
	}
	r, err := s.Archive.ClientSuspend(ctx, s.staff["kam"].session, archive.ClientReason{Target: s.target(c), Reason: "信用状况待核实，暂停洽谈"}, s.key())
	if r, err = did("suspension", r, err); err == nil {
		c.version, c.suspended = r.Subject.Version, true
	}
	return err
}

func (s *scene) rename(ctx context.Context, c *client) error {
	r, err := s.Archive.ClientChangeList(ctx, s.staff["kam"].session, archive.ClientChangeList{Target: s.target(c), Name: input.Set(s.names.company()), Source: "工商变更"}, s.key())
	if r, err = did("name", r, err); err == nil {
		c.version = r.Subject.Version
	}
	return err
}

func (s *scene) end(ctx context.Context, c *client) error {
	r, err := s.Archive.ClientChangeList(ctx, s.staff["kam"].session, archive.ClientChangeList{Target: s.target(c), Stage: input.Set(archive.StageTerminated), Source: "合作终止"}, s.key())
	if r, err = did("termination", r, err); err == nil {
		c.version, c.ended = r.Subject.Version, true
	}
	return err
}

// grant opens contacts and dealings of one archive to a reviewer for three months.
func (s *scene) grant(ctx context.Context, c *client) error {
	to := s.staff["engineer"]
	if to == nil || !c.key {
		return nil
	}
	r, err := s.Identity.AccessGrantGive(ctx, s.staff["kam"].session, identity.AccessGrantGive{
		Grantee: to.staff, Client: c.id, Classes: []int{0, 1, 2}, Purpose: "技术方案评估", ValidUntil: s.now.AddDate(0, 3, 0),
	}, s.key())
	_, err = did("grant", r, err)
	return err
}
