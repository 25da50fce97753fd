package demo

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/input"
)

// paper is a contract of the story.
type paper struct {
	id      uuid.UUID
	version int64
	owner   *person
	client  *client
	owed    int // obligations not settled
	ended   bool
}

func day(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// deal makes a contract: most are drafted and go their way, some were signed on paper and are registered.
func (s *scene) deal(ctx context.Context, t *story, c *client) error {
	if c.ended || c.suspended {
		return nil
	}
	if s.chance(40) {
		return s.register(ctx, t, c)
	}
	kind := pick(s.random, []string{"SALES", "SALES", "SUPPLY", "FRAMEWORK", "NDA", "SERVICE"})
	starts := day(s.now).AddDate(0, 0, 10)
	ends := starts.AddDate(1, 0, 0)
	amount := s.amount()
	drafter := c.owner
	if drafter.roles[0] == "ka_developer" {
		drafter = s.staff["sales"] // developing clients and contracting with them are two hands
	}
	r, err := s.Contract.ContractDraft(ctx, drafter.session, contract.ContractDraft{
		ClientID: c.id, CompanyID: s.root, Kind: kind, Title: titleOf(kind), Terms: terms(), Amount: &amount, StartsOn: &starts, EndsOn: &ends,
	}, s.key())
	if r, err = did("draft of "+drafter.login, r, err); err != nil {
		return err
	}
	p := &paper{id: r.Subject.ID, version: r.Subject.Version, owner: drafter, client: c}
	switch s.random.IntN(10) {
	case 0: // stays a draft
	case 1:
		s.then(t, 2, 20, func(ctx context.Context) error { return s.withdraw(ctx, p) })
	case 2, 3:
		s.then(t, 1, 10, func(ctx context.Context) error { return s.revise(ctx, t, p) })
	default:
		s.then(t, 1, 10, func(ctx context.Context) error { return s.submit(ctx, t, p) })
	}
	return nil
}

func titleOf(kind string) string {
	switch kind {
	case "SALES":
		return "车辆销售合同（演示）"
	case "SUPPLY":
		return "车辆供应合同（演示）"
	case "FRAMEWORK":
		return "年度采购框架协议（演示）"
	case "NDA":
		return "保密协议（演示）"
	default:
		return "维保服务合同（演示）"
	}
}

func terms() string {
	return "第一条 标的：见附件。\n第二条 交付：分批交付。\n第三条 付款：货到三十日内付款。\n本合同为演示数据，内容均为虚构。"
}

func (s *scene) amount() input.Money {
	return input.Money{Minor: int64(1+s.random.IntN(800)) * 50_000_00, Currency: "CNY"}
}

// on carries a contract's new version on.
func (p *paper) on(what string, r act.Result, err error) error {
	if r, err = did(what+" by "+p.owner.login, r, err); err == nil {
		p.version = r.Subject.Version
	}
	return err
}

func (p *paper) target() contract.Target {
	return contract.Target{ContractID: p.id, ExpectedVersion: p.version}
}

func (s *scene) submit(ctx context.Context, t *story, p *paper) error {
	r, err := s.Contract.ContractSubmit(ctx, p.owner.session, contract.ContractSubmit{Target: p.target()}, s.key())
	if err := p.on("submission", r, err); err != nil {
		return err
	}
	switch {
	case s.chance(15):
		s.then(t, 1, 8, func(ctx context.Context) error { return s.sendBack(ctx, p) })
	case s.chance(10):
		s.then(t, 1, 8, func(ctx context.Context) error { return s.withdraw(ctx, p) })
	}
	return nil
}

func (s *scene) revise(ctx context.Context, t *story, p *paper) error {
	r, err := s.Contract.ContractRevise(ctx, p.owner.session, contract.ContractRevise{Target: p.target(), Amount: input.Set(s.amount()), ChangeNote: "按客户要求调整数量"}, s.key())
	if err := p.on("revision", r, err); err != nil {
		return err
	}
	s.then(t, 1, 10, func(ctx context.Context) error { return s.submit(ctx, t, p) })
	return nil
}

func (s *scene) sendBack(ctx context.Context, p *paper) error {
	r, err := s.Contract.ContractReturn(ctx, s.staff["revlegal"].session, contract.ContractReason{Target: p.target(), Reason: "违约责任条款需补充"}, s.key())
	return p.on("return", r, err)
}

func (s *scene) withdraw(ctx context.Context, p *paper) error {
	r, err := s.Contract.ContractWithdraw(ctx, p.owner.session, contract.ContractReason{Target: p.target(), Reason: "客户推迟采购"}, s.key())
	return p.on("withdrawal", r, err)
}

// register takes in a contract that was signed on paper, with what both sides owe. Some have run out.
func (s *scene) register(ctx context.Context, t *story, c *client) error {
	signed := day(s.now).AddDate(0, 0, -5)
	starts := signed.AddDate(0, 0, 1)
	ends := starts.AddDate(1, 0, 0)
	if s.chance(20) { // an old one that was found in a drawer
		signed, starts, ends = signed.AddDate(-2, 0, 0), starts.AddDate(-2, 0, 0), ends.AddDate(-2, 0, 0)
	}
	amount := s.amount()
	clerk := s.staff["sales"]
	r, err := s.Contract.ContractRegister(ctx, clerk.session, contract.ContractRegister{
		ClientID: c.id, CompanyID: s.root, Kind: "SALES", Title: titleOf("SALES"), Terms: terms(), Amount: &amount, SignedOn: signed, StartsOn: starts, EndsOn: &ends,
		PaperReference: "档案柜 " + pick(s.random, []string{"A", "B", "C"}) + " 区（演示）",
	}, s.key())
	if r, err = did("registration", r, err); err != nil {
		return err
	}
	p := &paper{id: r.Subject.ID, version: r.Subject.Version, owner: clerk, client: c}
	if !ends.After(s.now) {
		return nil
	}
	if s.chance(70) {
		s.then(t, 0.1, 2, func(ctx context.Context) error { return s.owe(ctx, t, p, "OURS", "DELIVERY", "首批交付", nil) })
		s.then(t, 0.1, 2, func(ctx context.Context) error { return s.owe(ctx, t, p, "THEIRS", "PAYMENT", "首期货款", &amount) })
	}
	switch {
	case s.chance(6):
		s.then(t, 60, 200, func(ctx context.Context) error { return s.terminate(ctx, p) })
	case s.chance(6):
		s.then(t, 90, 250, func(ctx context.Context) error { return s.complete(ctx, p) })
	}
	return nil
}

func (s *scene) owe(ctx context.Context, t *story, p *paper, side, kind, title string, amount *input.Money) error {
	if p.ended {
		return nil
	}
	r, err := s.Contract.ObligationAdd(ctx, p.owner.session, contract.ObligationAdd{ContractID: p.id, Side: side, Kind: kind, Title: title, DueOn: day(s.now).AddDate(0, 0, 10+s.random.IntN(80)), Amount: amount}, s.key())
	if r, err = did("obligation", r, err); err != nil {
		return err
	}
	p.owed++
	if s.chance(60) {
		owed, version := r.Subject.ID, r.Subject.Version
		s.then(t, 10, 90, func(ctx context.Context) error {
			outcome := pick(s.random, []string{"MET", "MET", "MET", "LATE", "WAIVED"})
			note := "已核对（演示）"
			r, err := s.Contract.ObligationSettle(ctx, p.owner.session, contract.ObligationSettle{ObligationID: owed, ExpectedVersion: version, Outcome: outcome, Note: &note}, s.key())
			if _, err = did("settlement", r, err); err == nil {
				p.owed--
			}
			return err
		})
	}
	return nil
}

func (s *scene) terminate(ctx context.Context, p *paper) error {
	p.ended = true
	r, err := s.Contract.ContractTerminate(ctx, s.staff["gm"].session, contract.ContractReason{Target: p.target(), Reason: "双方协商解除"}, s.key())
	return p.on("termination", r, err)
}

func (s *scene) complete(ctx context.Context, p *paper) error {
	if p.owed > 0 || p.ended {
		return nil
	}
	p.ended = true
	r, err := s.Contract.ContractComplete(ctx, s.staff["gm"].session, contract.ContractComplete{Target: p.target(), Note: "义务均已履行"}, s.key())
	return p.on("completion", r, err)
}
