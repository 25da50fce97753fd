package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/tenancy"
)

// shelf is a client of the story with originals, on paper or with files.
type shelf struct {
	*client
	files     bool
	originals []uuid.UUID
	loan      custody.BorrowingTarget
	request   custody.AccessRequestTarget
}

// shelved is how many clients have originals: a few in every size.
const shelved = 9

// keeper lends: the custodian where there is one, else the key account manager.
func (s *scene) keeper() *person {
	if p := s.staff["custodian"]; p != nil {
		return p
	}
	return s.staff["kam"]
}

// second decides the second step: somebody else than the keeper.
func (s *scene) second() *person {
	if s.keeper() == s.staff["kam"] {
		return s.staff["gm"]
	}
	return s.staff["kam"]
}

// lending tells how originals were filed and lent in the story's last weeks: one loan in each state, and requests for access.
func (s *scene) lending(t *story) {
	days := func(n float64) time.Time { return s.until.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	s.at(t, days(24), func(ctx context.Context) error {
		for i, c := range s.shelves {
			// Awaiting a decision, out, overdue: those have files, which can be opened and are marked; the rest is on paper.
			sh := &shelf{client: c, files: s.File != nil && (i == 0 || i == 2 || i == 3)}
			if err := s.file(ctx, sh); err != nil {
				return err
			}
			s.lendAs(t, sh, i, days)
		}
		return nil
	})
}

// lendAs is what becomes of the i-th client's originals.
func (s *scene) lendAs(t *story, sh *shelf, i int, days func(float64) time.Time) {
	// What follows within the hour is one event: two of one evening are told the next morning in either order.
	at := func(ago float64, steps ...func(context.Context, *shelf) error) {
		s.at(t, days(ago), func(ctx context.Context) error {
			for _, do := range steps {
				s.pass(5 * time.Minute)
				if err := do(ctx, sh); err != nil {
					return err
				}
			}
			return nil
		})
	}
	out := func(ago float64) { at(ago, s.borrow, s.endorse, s.approve, s.handOut) }
	switch i {
	case 0: // waits for the custodian
		at(6, s.borrow, s.ask)
	case 1: // waits for the head of the department
		at(6, s.borrow, s.endorse)
	case 2: // in the borrower's hands
		out(6)
	case 3: // overdue: out, and the right has ended
		out(12)
	case 4:
		out(14)
		at(9, s.bringBack)
	case 5:
		out(14)
		at(10, s.lose)
		at(8, s.ask)
		at(7, s.refuseAccess)
	case 6:
		at(6, s.borrow, s.endorse, s.approve) // approved, not fetched yet
	case 7:
		at(9, s.borrow)
		at(8, s.refuse)
	case 8:
		out(13)
		at(10, s.revoke)
	}
}

func (s *scene) file(ctx context.Context, sh *shelf) error {
	for _, o := range []struct {
		kind, title string
		class       int
		name, media string
		body        func() []byte
	}{
		{"CREDIT", "信用调查表（演示）", 4, "信用调查表（演示）.pdf", "application/pdf", func() []byte {
			return page([]string{"信用调查表（演示，内容均为虚构）", "客户：" + sh.name, "调查日期：" + s.now.In(china()).Format("2006-01-02"), "信用等级：甲（虚构）", "建议账期：三十天（虚构）", "本页由程序生成，不涉及任何真实企业或个人。"})
		}},
		{"ORGANISATION", "营业执照复印件（演示）", 1, "营业执照复印件（演示）.png", "image/png", func() []byte { return picture(sh.id[15]) }},
	} {
		place := "经理室 二号柜"
		in := custody.OriginalFile{ClientID: sh.id, Kind: o.kind, Title: o.title, FieldClass: o.class, Provenance: "客户提供（演示）", Location: &place}
		paper, body := "共三页，复印件加盖公章。（演示）", []byte(nil)
		if in.Paper = &paper; sh.files {
			body = o.body()
			in.Paper, in.File = nil, &custody.Upload{Name: o.name, MediaType: o.media, Size: int64(len(body)), SHA256: fmt.Sprintf("%x", sha256.Sum256(body))}
		}
		s.pass(time.Minute)
		keeper := s.keeper().session
		r, ticket, err := s.Custody.OriginalFile(ctx, keeper, in, s.key())
		if r, err = did("original", r, err); err != nil {
			return err
		}
		if sh.files {
			if err := s.send(ctx, keeper, r, ticket, body); err != nil {
				return err
			}
		}
		sh.originals = append(sh.originals, r.Subject.ID)
	}
	return nil
}

// send uploads the bytes, has them scanned, and files the first version.
func (s *scene) send(ctx context.Context, keeper *tenancy.Session, original act.Result, ticket *custody.Ticket, body []byte) error {
	if _, err := s.File.Receive(ctx, keeper, ticket.File, ticket.Secret, bytes.NewReader(body), int64(len(body))); err != nil {
		return fmt.Errorf("demo: upload: %w", err)
	}
	if err := s.File.ScanTenant(ctx, s.tenantID); err != nil {
		return fmt.Errorf("demo: scan: %w", err)
	}
	s.pass(time.Minute)
	r, err := s.Custody.OriginalAddVersion(ctx, keeper, custody.OriginalAddVersion{OriginalID: original.Subject.ID, ExpectedVersion: original.Subject.Version, FileID: &ticket.File}, s.key())
	_, err = did("version", r, err)
	return err
}

func (s *scene) borrow(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingRequest(ctx, sh.owner.session, custody.BorrowingRequest{ClientID: sh.id, OriginalIDs: sh.originals, Purpose: "核对年度框架协议（演示）"}, s.key())
	return sh.lent("borrowing", r, err)
}

func (sh *shelf) lent(what string, r act.Result, err error) error {
	r, err = did(what, r, err)
	sh.loan = custody.BorrowingTarget{BorrowingID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
	return err
}

func (s *scene) endorse(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingEndorse(ctx, s.keeper().session, custody.BorrowingDecision{BorrowingTarget: sh.loan}, s.key())
	return sh.lent("consent", r, err)
}

func (s *scene) approve(ctx context.Context, sh *shelf) error {
	comment := "同意，按期归还。（演示）"
	r, err := s.Custody.BorrowingApprove(ctx, s.second().session, custody.BorrowingDecision{BorrowingTarget: sh.loan, Comment: &comment}, s.key())
	return sh.lent("approval", r, err)
}

func (s *scene) handOut(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingHandOut(ctx, s.keeper().session, custody.BorrowingHandOut{BorrowingTarget: sh.loan}, s.key())
	return sh.lent("handing out", r, err)
}

func (s *scene) bringBack(ctx context.Context, sh *shelf) error {
	in := custody.BorrowingReturn{BorrowingTarget: sh.loan}
	for i, o := range sh.originals {
		in.Items = append(in.Items, custody.ReturnedItem{OriginalID: o, Condition: []string{custody.Intact, custody.Damaged}[i]})
	}
	r, err := s.Custody.BorrowingReturn(ctx, s.keeper().session, in, s.key())
	return sh.lent("return", r, err)
}

func (s *scene) because(sh *shelf, reason string) custody.BorrowingReason {
	return custody.BorrowingReason{BorrowingTarget: sh.loan, Reason: reason}
}

func (s *scene) lose(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingReportLost(ctx, sh.owner.session, s.because(sh, "出差途中遗失（演示）"), s.key())
	return sh.lent("loss", r, err)
}

func (s *scene) refuse(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingRefuse(ctx, s.keeper().session, s.because(sh, "一览表已能满足（演示）"), s.key())
	return sh.lent("refusal", r, err)
}

func (s *scene) revoke(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.BorrowingRevoke(ctx, s.keeper().session, s.because(sh, "清点，提前收回（演示）"), s.key())
	return sh.lent("revocation", r, err)
}

// ask is a request for access by the client's owner, for a class that his role does not have.
func (s *scene) ask(ctx context.Context, sh *shelf) error {
	from := s.now.Truncate(time.Hour).Add(time.Hour) // whole hours: the hash of what is asked for is the same in every run
	r, err := s.Custody.AccessRequestSubmit(ctx, sh.owner.session, custody.AccessRequestSubmit{
		ClientID: sh.id, Classes: []int{4}, Purpose: "评估账期（演示）", WantedFrom: &from, WantedUntil: from.AddDate(0, 3, 0),
	}, s.key())
	r, err = did("access request", r, err)
	sh.request = custody.AccessRequestTarget{AccessRequestID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
	return err
}

func (s *scene) refuseAccess(ctx context.Context, sh *shelf) error {
	r, err := s.Custody.AccessRequestRefuse(ctx, s.staff["kam"].session, custody.AccessRequestReason{AccessRequestTarget: sh.request, Reason: "由财务评估（演示）"}, s.key())
	_, err = did("refusal of access", r, err)
	return err
}
