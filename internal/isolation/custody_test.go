package isolation

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// paperless is an owner of bytes that keeps none: tickets and links are made, and every file is what was filed.
func paperless() custody.Files {
	return custody.Files{
		Ticket: func(ctx context.Context, w *act.Work, original uuid.UUID, _ custody.Upload) (custody.Ticket, error) {
			f := w.IDs.New()
			_, err := w.Exec(ctx, `INSERT INTO files (tenant_id, id, original_id, name, media_type, size, sha256, created_at, updated_at) VALUES ($1, $2, $3, 'x', 'application/pdf', 1, $4, $5, $5)`,
				w.Tenant(), f, original, hash("x"), w.Now())
			return custody.Ticket{File: f, Secret: "x", Until: w.Now()}, err
		},
		Link: func(_ context.Context, tx *tenancy.Tx, _ uuid.UUID, _ string) (custody.Link, error) {
			return custody.Link{Path: "/", Until: tx.Now()}, nil
		},
		Verify: func(context.Context, *tenancy.Session, uuid.UUID) (bool, error) { return true, nil },
	}
}

func newCustody(w *world.World) (*custody.Service, error) {
	rights, err := access.New(w.DB, 10)
	if err != nil {
		return nil, err
	}
	return custody.New(w.Runner, w.DB, rights, approval.Fixed{}).WithFiles(paperless()), nil
}

// fillCustody places originals, loans and requests in the states that acts need, each at version 1. Loans are made by the service: their
// steps carry the hash of what was asked for.
func (s *side) fillCustody(client uuid.UUID) {
	const made, at = `created_at, updated_at)`, `now(), now())`
	service, err := newCustody(s.World)
	must := func(r act.Result, err error) uuid.UUID {
		if err != nil {
			panic(err)
		}
		return r.Subject.ID
	}
	must(act.Result{}, err)
	original := func(kind string) uuid.UUID {
		o := s.add(kind, `INSERT INTO originals (tenant_id, id, client_id, kind, title, field_class, provenance, custodian_staff_id, location, version_seq, `+made+`
			VALUES ($1, $2, $3, 'CREDIT', 'MARK', 4, 'MARK', $4, 'MARK', 1, `+at, client, s.person.Staff)
		f := s.add(kind+" filed", `INSERT INTO files (tenant_id, id, original_id, name, media_type, size, sha256, state, `+made+` VALUES ($1, $2, $3, 'MARK', 'application/pdf', 1, $4, 'clean', `+at, o, hash("1"))
		s.add(kind+" version", `INSERT INTO original_versions (tenant_id, id, original_id, seq, file_id, content_hash, note, filed_at) VALUES ($1, $2, $3, 1, $4, $5, 'MARK', now())`, o, f, hash("1"))
		return o
	}
	o := original("original")
	s.add("file", `INSERT INTO files (tenant_id, id, original_id, name, media_type, size, sha256, state, `+made+` VALUES ($1, $2, $3, 'MARK', 'application/pdf', 1, $4, 'clean', `+at, o, hash("2"))
	s.add("incident", `INSERT INTO custody_incidents (tenant_id, id, original_id, client_id, kind, note, `+made+` VALUES ($1, $2, $3, $4, 'DAMAGED', 'MARK', `+at, o, client)
	borrower, keeper, head := s.Person(s.Department, "general_manager"), s.Person(s.Department, "general_manager"), s.Person(s.Department, "general_manager")
	s.ids["keeper"] = keeper.Staff
	ctx := context.Background()
	version := int64(0)
	loan := func(kind string, who world.Person, o uuid.UUID, steps int) {
		r, err := service.BorrowingRequest(ctx, who.Session, custody.BorrowingRequest{ClientID: client, OriginalIDs: []uuid.UUID{o}, Purpose: s.mark}, s.Key())
		s.ids[kind] = must(r, err)
		t := func() custody.BorrowingTarget {
			version++
			return custody.BorrowingTarget{BorrowingID: s.ids[kind], ExpectedVersion: version}
		}
		version = 0
		if steps > 0 {
			must(service.BorrowingEndorse(ctx, keeper.Session, custody.BorrowingDecision{BorrowingTarget: t(), Comment: &s.mark}, s.Key()))
		}
		if steps > 1 {
			must(service.BorrowingApprove(ctx, head.Session, custody.BorrowingDecision{BorrowingTarget: t(), Comment: &s.mark}, s.Key()))
		}
		if steps > 2 {
			must(service.BorrowingHandOut(ctx, keeper.Session, custody.BorrowingHandOut{BorrowingTarget: t()}, s.Key()))
		}
	}
	loan("loan", borrower, o, 0)
	loan("loan endorsed", borrower, o, 1)
	loan("loan approved", borrower, o, 2)
	loan("loan out", borrower, original("original out"), 3)
	loan("loan of mine", s.person, o, 0)
	request := func(kind string, who world.Person, endorsed bool) {
		s.ids[kind] = must(service.AccessRequestSubmit(ctx, who.Session, custody.AccessRequestSubmit{ClientID: client, Classes: []int{1}, Purpose: s.mark, WantedUntil: time.Now().AddDate(0, 1, 0)}, s.Key()))
		if endorsed {
			must(service.AccessRequestEndorse(ctx, keeper.Session, custody.AccessRequestDecision{
				AccessRequestTarget: custody.AccessRequestTarget{AccessRequestID: s.ids[kind], ExpectedVersion: 1}, Comment: &s.mark,
			}, s.Key()))
		}
	}
	request("request", borrower, false)
	request("request endorsed", borrower, true)
	request("request of mine", s.person, false)
	for _, table := range []string{"originals", "borrowings", "access_requests", "custody_incidents"} {
		s.Exec(`UPDATE ` + table + ` SET version = 1 WHERE tenant_id = $1`)
	}
	for kind, sql := range map[string]string{
		"loan item": `SELECT id FROM borrowing_items WHERE tenant_id = $1 AND borrowing_id = $2`, "step": `SELECT id FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 AND seq = 1`,
	} {
		s.ids[kind] = uuid.MustParse(strings.TrimSpace(s.Text(sql, s.ids["loan out"])))
	}
}
