package custody_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

const loan = `SELECT state, version, out_at IS NOT NULL, ended_at IS NOT NULL, renewed_at IS NOT NULL FROM borrowings WHERE tenant_id = $1 AND id = $2`

func TestALoanFromRequestToReturn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同原件", 5)
	f.refused("before anything", "FORBIDDEN OUT_OF_SCOPE", func() error { return f.open(f.rep, o, nil) })
	b := f.request(f.rep, nil, o)
	f.is("requested|1|false|false|false", loan, b.BorrowingID)
	f.is("custodian|active|-;department_head|waiting|-", `SELECT key, state, decided_by FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq`, b.BorrowingID)
	f.is("7", `SELECT round(extract(epoch FROM due_at - created_at) / 86400)::int FROM borrowings WHERE tenant_id = $1`)
	f.refused("asked is not handed out", "FORBIDDEN OUT_OF_SCOPE", func() error { return f.open(f.rep, o, nil) })
	b = f.endorse(f.keeper, b)
	f.is("requested|2|false|false|false", loan, b.BorrowingID)
	f.refused("not approved", "INVALID_STATE BORROWING_STATE", func() error {
		_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
		return err
	})
	b = f.approve(f.kam, b)
	f.is("approved|3|false|false|false", loan, b.BorrowingID)
	f.refused("approved is not handed out", "FORBIDDEN OUT_OF_SCOPE", func() error { return f.open(f.rep, o, nil) })
	b = f.handOut(f.keeper, b)
	f.is("out|4|true|false|false", loan, b.BorrowingID)
	f.is("out", `SELECT state FROM originals WHERE tenant_id = $1`)

	if err := f.open(f.rep, o, nil); err != nil {
		t.Fatal(err)
	}
	f.is("1", `SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'change' AND act = 'original.open' AND actor_id = $2`, f.rep.Account)
	terms, err := f.click(f.rep, file)
	if err != nil || terms.Borrowing != b.BorrowingID || terms.Reader != f.rep.Name || terms.Class != 5 || terms.LentAt.IsZero() || terms.Original != o {
		t.Errorf("%+v %v", terms, err)
	}
	if terms, err := f.click(f.kam, file); err != nil || terms.Borrowing != uuid.Nil {
		t.Errorf("who holds the originals reads without a mark: %+v %v", terms, err)
	}
	for _, p := range []world.Person{f.mate, f.keeper, f.boss, f.head} {
		if _, err := f.click(p, file); reason(err) != "FORBIDDEN OUT_OF_SCOPE" {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	for _, p := range []world.Person{f.stranger, f.reader} {
		if _, err := f.click(p, file); reason(err) != "NOT_FOUND NOT_FOUND" {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	f.refused("a version that was not lent", "NOT_FOUND input.versionSeq NOT_FOUND", func() error { return f.open(f.rep, o, ptr(int32(2))) })
	f.refused("another version while it is lent", "INVALID_STATE ORIGINAL_STATE", func() error {
		_, err := f.OriginalAddVersion(t.Context(), f.keeper.Session, custody.OriginalAddVersion{OriginalID: o, ExpectedVersion: 3, Paper: ptr("p")}, f.Key())
		return err
	})

	f.ok(f.BorrowingReturn(t.Context(), f.keeper.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{OriginalID: o, Condition: custody.Intact}}}, f.Key()))
	f.is("returned|5|true|true|false", loan, b.BorrowingID)
	f.is("filed", `SELECT state FROM originals WHERE tenant_id = $1`)
	f.is("INTACT|true", `SELECT condition, ended_at IS NOT NULL FROM borrowing_items WHERE tenant_id = $1`)
	f.refused("returned", "FORBIDDEN OUT_OF_SCOPE", func() error { return f.open(f.rep, o, nil) })
	if _, err := f.click(f.rep, file); reason(err) != "FORBIDDEN OUT_OF_SCOPE" {
		t.Error(err)
	}
	f.is("borrowing.requested.v1;borrowing.endorsed.v1;borrowing.approved.v1;borrowing.handedOut.v1;borrowing.returned.v1",
		`SELECT type FROM events WHERE tenant_id = $1 AND type LIKE 'borrowing.%' ORDER BY seq`)
}

func TestRequestRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.paper("一", 3)
	empty, _, err := f.OriginalFile(t.Context(), f.keeper.Session, custody.OriginalFile{
		ClientID: f.client, Kind: "OTHER", Title: "空", Provenance: "x", File: &custody.Upload{Name: "a", MediaType: "application/pdf", Size: 1, SHA256: strings.Repeat("00", 32)},
	}, f.Key())
	f.ok(empty, err)
	ask := func(p world.Person, change func(*custody.BorrowingRequest)) func() error {
		return func() error {
			in := custody.BorrowingRequest{ClientID: f.client, OriginalIDs: []uuid.UUID{o}, Purpose: "x"}
			change(&in)
			_, err := f.BorrowingRequest(t.Context(), p.Session, in, f.Key())
			return err
		}
	}
	none := func(*custody.BorrowingRequest) {}
	now := f.now()
	f.refused("the custodian does not borrow", "FORBIDDEN NO_ROLE", ask(f.keeper, none))
	f.refused("who holds the originals does not", "FORBIDDEN NO_ROLE", ask(f.kam, none))
	f.refused("who sees the list sees no originals", "NOT_FOUND NOT_FOUND", ask(f.reader, none))
	f.refused("a stranger", "NOT_FOUND NOT_FOUND", ask(f.stranger, none))
	f.refused("another tenant", "NOT_FOUND NOT_FOUND", ask(f.foreign, none))
	f.refused("no original", "NOT_FOUND NOT_FOUND", ask(f.rep, func(in *custody.BorrowingRequest) { in.OriginalIDs = []uuid.UUID{o, f.Nowhere} }))
	f.refused("no client", "NOT_FOUND NOT_FOUND", ask(f.rep, func(in *custody.BorrowingRequest) { in.ClientID = f.Nowhere }))
	f.refused("all fields", "INVALID_INPUT input.originalIds.1 TWICE; INVALID_INPUT input.purpose REQUIRED", ask(f.rep, func(in *custody.BorrowingRequest) {
		in.OriginalIDs, in.Purpose = []uuid.UUID{o, o}, " "
	}))
	f.refused("nothing", "INVALID_INPUT input.originalIds REQUIRED", ask(f.rep, func(in *custody.BorrowingRequest) { in.OriginalIDs = nil }))
	f.refused("nothing is filed of it", "INVALID_INPUT input.originalIds.0 NOTHING_FILED", ask(f.rep, func(in *custody.BorrowingRequest) { in.OriginalIDs = []uuid.UUID{empty.Subject.ID} }))
	f.refused("too many", "INVALID_INPUT input.originalIds TOO_MANY", ask(f.rep, func(in *custody.BorrowingRequest) {
		in.OriginalIDs = nil
		for range 31 {
			in.OriginalIDs = append(in.OriginalIDs, uuid.New())
		}
	}))
	for name, due := range map[string]time.Time{"past": now, "far": now.AddDate(0, 0, 31)} {
		f.refused(name, "INVALID_INPUT input.dueAt DUE_AT", ask(f.rep, func(in *custody.BorrowingRequest) { in.DueAt = &due }))
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	low, high := f.paper("低", 3), f.paper("高", 4)
	endorse := func(p world.Person, b custody.BorrowingTarget) func() error {
		return func() error {
			_, err := f.BorrowingEndorse(t.Context(), p.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
			return err
		}
	}
	approve := func(p world.Person, b custody.BorrowingTarget) func() error {
		return func() error {
			_, err := f.BorrowingApprove(t.Context(), p.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
			return err
		}
	}
	refuse := func(p world.Person, b custody.BorrowingTarget) func() error {
		return func() error {
			_, err := f.BorrowingRefuse(t.Context(), p.Session, custody.BorrowingReason{BorrowingTarget: b, Reason: "不需要"}, f.Key())
			return err
		}
	}
	one := f.endorse(f.keeper, f.request(f.rep, nil, low))
	f.is("approved|2|false|false|false", loan, one.BorrowingID) // below L4 the custodian is enough
	f.refused("decided", "INVALID_STATE BORROWING_STATE", endorse(f.second, one))

	two := f.request(f.boss, nil, low, high)
	f.is("4", `SELECT top_class FROM borrowings WHERE tenant_id = $1 AND id = $2`, two.BorrowingID)
	f.refused("his own request", "DUTY_CONFLICT OWN_REQUEST", func() error {
		f.Allow("general_manager", "borrowing", "borrowing.lend", 9)
		return endorse(f.boss, two)()
	})
	f.refused("the second step first", "INVALID_STATE STEP_NOT_ACTIVE", approve(f.kam, two))
	f.refused("a seller", "NOT_FOUND NOT_FOUND", endorse(f.rep, two)) // another's loan is none of his business
	f.refused("another tenant", "NOT_FOUND NOT_FOUND", endorse(f.foreign, two))
	two = f.endorse(f.kam, two)
	f.refused("twice the same person", "DUTY_CONFLICT DECIDED_BEFORE", approve(f.kam, two))
	f.refused("the custodian's step again", "INVALID_STATE STEP_NOT_ACTIVE", endorse(f.keeper, two))
	f.refused("the custodian has no say in the second step", "FORBIDDEN NO_ROLE", refuse(f.keeper, two))
	second := f.Person(f.Department, "kam_manager")
	f.ok(f.BorrowingRefuse(t.Context(), second.Session, custody.BorrowingReason{BorrowingTarget: two, Reason: "不需要"}, f.Key()))
	f.is("refused|3|false|true|false", loan, two.BorrowingID)
	f.is("approved;refused", `SELECT state FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq`, two.BorrowingID)
	f.is("2", `SELECT count(*) FROM borrowing_items WHERE tenant_id = $1 AND borrowing_id = $2 AND ended_at IS NOT NULL`, two.BorrowingID)

	three := f.request(f.rep, nil, high)
	f.refused("not his", "NOT_FOUND NOT_FOUND", func() error {
		_, err := f.BorrowingWithdraw(t.Context(), f.mate.Session, custody.BorrowingReason{BorrowingTarget: three, Reason: "x"}, f.Key())
		return err
	})
	f.refused("the custodian refuses instead", "FORBIDDEN NO_ROLE", func() error {
		_, err := f.BorrowingWithdraw(t.Context(), f.keeper.Session, custody.BorrowingReason{BorrowingTarget: three, Reason: "x"}, f.Key())
		return err
	})
	f.ok(f.BorrowingWithdraw(t.Context(), f.rep.Session, custody.BorrowingReason{BorrowingTarget: three, Reason: "不用了"}, f.Key()))
	f.is("withdrawn|2|false|true|false", loan, three.BorrowingID)
	f.is("void;void", `SELECT state FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq`, three.BorrowingID)
}

func TestHandOutRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.paper("一", 3)
	hand := func(p world.Person, b custody.BorrowingTarget) func() error {
		return func() error {
			_, err := f.BorrowingHandOut(t.Context(), p.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
			return err
		}
	}
	mine := f.endorse(f.keeper, f.request(f.rep, nil, o))
	his := f.endorse(f.keeper, f.request(f.mate, nil, o))
	f.refused("by the borrower", "FORBIDDEN NO_ROLE", hand(f.rep, mine))
	f.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, f.rep.Account)
	f.refused("a suspended borrower", "INVALID_STATE BORROWER_INACTIVE", hand(f.keeper, mine))
	f.Exec(`UPDATE accounts SET state = 'active' WHERE tenant_id = $1 AND id = $2`, f.rep.Account)
	f.Exec(`UPDATE staff SET state = 'leaving' WHERE tenant_id = $1 AND id = $2`, f.rep.Staff)
	f.refused("a borrower who leaves", "INVALID_STATE BORROWER_INACTIVE", hand(f.keeper, mine))
	f.Exec(`UPDATE staff SET state = 'active' WHERE tenant_id = $1 AND id = $2`, f.rep.Staff)

	f.handOut(f.keeper, mine)
	_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: his}, f.Key())
	if want := "CONFLICT ORIGINAL_LENT"; reason(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
	if !contains(err, f.rep.Name) {
		t.Errorf("the custodian is not told who holds it: %v", err)
	}
	// Somebody who may lend but not see loans is not told.
	f.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT $1, gen_random_uuid(), policy_version_id, max(seq) + 1, 'archive_custodian', 'borrowing', 'read', 'SUBORDINATES', 'deny' FROM policy_rules WHERE tenant_id = $1 GROUP BY 3`)
	f.Exec(`UPDATE employments SET superior_id = $2 WHERE tenant_id = $1 AND staff_id = $3`, f.keeper.Staff, f.rep.Staff)
	f.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
	if _, err = f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: his}, f.Key()); reason(err) != "CONFLICT ORIGINAL_LENT" || contains(err, f.rep.Name) {
		t.Errorf("%v names the holder", err)
	}
}

func contains(err error, part string) bool {
	list, ok := fault.As(err)
	return ok && len(list) == 1 && strings.Contains(list[0].Message.ZH, part)
}

func TestAnotherVersionThanAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.paper("一", 3)
	b := f.endorse(f.keeper, f.request(f.rep, nil, o))
	f.ok(f.OriginalAddVersion(t.Context(), f.keeper.Session, custody.OriginalAddVersion{OriginalID: o, ExpectedVersion: 1, Paper: ptr("新的一版")}, f.Key()))
	f.refused("another version is filed", "INVALID_STATE CONTENT_CHANGED", func() error {
		_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
		return err
	})
	// What was approved is not what the rows say now, however they came to say it.
	again := f.request(f.rep, nil, o)
	f.Exec(`UPDATE borrowings SET purpose = '别的' WHERE tenant_id = $1 AND id = $2`, again.BorrowingID)
	f.refused("changed before its approval", "INVALID_STATE CONTENT_CHANGED", func() error {
		_, err := f.BorrowingEndorse(t.Context(), f.keeper.Session, custody.BorrowingDecision{BorrowingTarget: again}, f.Key())
		return err
	})
	f.Exec(`UPDATE borrowings SET purpose = '核对信用' WHERE tenant_id = $1 AND id = $2`, again.BorrowingID)
	again = f.endorse(f.keeper, again)
	f.Exec(`UPDATE borrowings SET purpose = '别的' WHERE tenant_id = $1 AND id = $2`, again.BorrowingID)
	f.refused("changed after its approval", "INVALID_STATE NOT_APPROVED", func() error {
		_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: again}, f.Key())
		return err
	})
}

// The right ends at its instant: at t − 1 µs it is there, at t it is not; and nothing runs.
func TestExpiryToTheMicrosecond(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	f.lend(f.rep, nil, o)
	err := f.DB.InTx(t.Context(), f.rep.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		for _, at := range []struct {
			column string
			end    time.Duration
			want   string
		}{
			{"valid_until", 0, "FORBIDDEN OUT_OF_SCOPE"}, {"valid_until", time.Microsecond, "<nil>"}, {"valid_until", time.Hour, "<nil>"},
			{"valid_from", time.Microsecond, "FORBIDDEN OUT_OF_SCOPE"}, {"valid_from", 0, "<nil>"},
		} {
			f.Exec(`UPDATE borrowing_items SET `+at.column+` = $2 WHERE tenant_id = $1`, tx.Now().Add(at.end))
			if _, err := f.Click(ctx, tx, file); reason(err) != at.want {
				t.Errorf("%s at %v from now: %v, want %s", at.column, at.end, err, at.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExpiryByTheClock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	b := f.lend(f.rep, ptr(f.now().Add(48*time.Hour)), o)
	if err := f.open(f.rep, o, nil); err != nil {
		t.Fatal(err)
	}
	f.Clock.SetOffset(48*time.Hour - time.Minute)
	if _, err := f.click(f.rep, file); err != nil {
		t.Error("before it is due:", err)
	}
	f.Clock.SetOffset(48*time.Hour + time.Second)
	if _, err := f.click(f.rep, file); reason(err) != "FORBIDDEN OUT_OF_SCOPE" {
		t.Error("past due:", err)
	}
	f.refused("past due", "FORBIDDEN OUT_OF_SCOPE", func() error { return f.open(f.rep, o, nil) })
	f.is("out|3|true|false|false", loan, b.BorrowingID) // nobody has touched it
	f.refused("renewal past due", "INVALID_STATE DUE_PASSED", func() error {
		_, err := f.BorrowingRenew(t.Context(), f.keeper.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key())
		return err
	})
	f.ok(f.BorrowingReturn(t.Context(), f.keeper.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{OriginalID: o, Condition: custody.Intact}}}, f.Key()))
	late := f.endorse(f.keeper, f.request(f.rep, ptr(f.now().Add(time.Hour)), o))
	f.Clock.SetOffset(72 * time.Hour)
	f.refused("handed out past due", "INVALID_STATE DUE_PASSED", func() error {
		_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: late}, f.Key())
		return err
	})
}

// A right of one's own goes with the person: not with the place where he works; and not past the end of his account.
func TestTheBorrowerMovesAndIsSuspended(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	f.lend(f.rep, nil, o)
	f.Exec(`UPDATE employments SET department_id = $2, company_id = $3 WHERE tenant_id = $1 AND staff_id = $4`, f.OtherDepartment, f.OtherCompany, f.rep.Staff)
	f.Exec(`UPDATE client_team_members SET valid_until = now() WHERE tenant_id = $1 AND staff_id = $2`, f.rep.Staff)
	if _, err := f.click(f.rep, file); err != nil {
		t.Error("moved:", err)
	}
	f.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, f.rep.Account)
	err := f.DB.InTx(t.Context(), f.rep.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := f.Click(ctx, tx, file)
		return err
	})
	if err == nil {
		t.Error("a suspended account reads on")
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.paper("一", 3)
	b := f.lend(f.rep, nil, o)
	renew := func(p world.Person, b custody.BorrowingTarget, due *time.Time) func() error {
		return func() error {
			_, err := f.BorrowingRenew(t.Context(), p.Session, custody.BorrowingRenew{BorrowingTarget: b, DueAt: due}, f.Key())
			return err
		}
	}
	f.refused("by the borrower himself", "FORBIDDEN NO_ROLE", renew(f.rep, b, nil))
	f.refused("not later", "INVALID_INPUT input.dueAt DUE_AT", renew(f.keeper, b, ptr(f.now().Add(time.Hour))))
	f.refused("too late", "INVALID_INPUT input.dueAt DUE_AT", renew(f.keeper, b, ptr(f.now().AddDate(0, 0, 31))))
	b = target(f.ok(f.BorrowingRenew(t.Context(), f.keeper.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key())))
	f.is("out|4|true|false|true", loan, b.BorrowingID)
	f.is("true|14", `SELECT i.valid_until = b.due_at, round(extract(epoch FROM b.due_at - b.created_at) / 86400)::int FROM borrowings b JOIN borrowing_items i ON i.tenant_id = b.tenant_id AND i.borrowing_id = b.id WHERE b.tenant_id = $1`)
	f.refused("twice", "INVALID_STATE RENEWED_ALREADY", renew(f.keeper, b, nil))
}

func TestWhatComesBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good, bad, gone := f.paper("好", 1), f.paper("坏", 1), f.paper("失", 1)
	forged, file := f.file("换", 1)
	b := f.lend(f.rep, nil, good, bad, gone, forged)
	back := func(p world.Person, b custody.BorrowingTarget, items ...custody.ReturnedItem) error {
		_, err := f.BorrowingReturn(t.Context(), p.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: items, Note: ptr("清点")}, f.Key())
		return err
	}
	all := []custody.ReturnedItem{{good, custody.Intact}, {bad, custody.Damaged}, {gone, custody.Missing}, {forged, custody.Intact}}
	f.refused("not all", "INVALID_INPUT input.items ITEMS", func() error { return back(f.keeper, b, all[:3]...) })
	f.refused("one twice", "INVALID_INPUT input.items.4.originalId TWICE", func() error { return back(f.keeper, b, append(all[:4:4], all[0])...) })
	f.refused("another one", "NOT_FOUND NOT_FOUND", func() error {
		return back(f.keeper, b, append(all[:4:4], custody.ReturnedItem{OriginalID: f.Nowhere, Condition: custody.Intact})...)
	})
	f.refused("checked by the borrower", "FORBIDDEN NO_ROLE", func() error { return back(f.rep, b, all...) })
	f.store.changed[file] = true
	if err := back(f.keeper, b, all...); err != nil {
		t.Fatal(err)
	}
	f.is("坏|filed|DAMAGED;失|missing|LOST;好|filed|-;换|filed|HASH_MISMATCH", `SELECT o.title, o.state, i.kind FROM originals o
		LEFT JOIN custody_incidents i ON i.tenant_id = o.tenant_id AND i.original_id = o.id AND i.borrowing_id = $2 WHERE o.tenant_id = $1 ORDER BY o.title COLLATE "C"`, b.BorrowingID)
	f.refused("twice", "INVALID_STATE BORROWING_STATE", func() error { b.ExpectedVersion++; return back(f.keeper, b, all...) })

	lost := f.lend(f.mate, nil, good)
	f.refused("lost by somebody else", "NOT_FOUND NOT_FOUND", func() error {
		_, err := f.BorrowingReportLost(t.Context(), f.rep.Session, custody.BorrowingReason{BorrowingTarget: lost, Reason: "x"}, f.Key())
		return err
	})
	f.ok(f.BorrowingReportLost(t.Context(), f.mate.Session, custody.BorrowingReason{BorrowingTarget: lost, Reason: "遗失在途中"}, f.Key()))
	f.is("lost|4|true|true|false", loan, lost.BorrowingID)
	f.is("missing", `SELECT state FROM originals WHERE tenant_id = $1 AND id = $2`, good)

	revoked := f.lend(f.mate, nil, bad)
	f.refused("revoked by a seller", "NOT_FOUND NOT_FOUND", func() error {
		_, err := f.BorrowingRevoke(t.Context(), f.rep.Session, custody.BorrowingReason{BorrowingTarget: revoked, Reason: "x"}, f.Key())
		return err
	})
	f.ok(f.BorrowingRevoke(t.Context(), f.kam.Session, custody.BorrowingReason{BorrowingTarget: revoked, Reason: "收回"}, f.Key()))
	f.is("revoked|4|true|true|false", loan, revoked.BorrowingID)
	f.is("filed", `SELECT state FROM originals WHERE tenant_id = $1 AND id = $2`, bad)
}

// Whatever roles somebody has, he does not lend to himself.
func TestNobodyLendsToHimself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	both := f.Person(f.Department, "general_manager", "archive_custodian")
	o := f.paper("一", 1)
	b := f.request(both, nil, o)
	f.refused("consents to himself", "DUTY_CONFLICT OWN_REQUEST", func() error {
		_, err := f.BorrowingEndorse(t.Context(), both.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
		return err
	})
	b = f.endorse(f.keeper, b)
	f.refused("hands out to himself", "DUTY_CONFLICT OWN_LOAN", func() error {
		_, err := f.BorrowingHandOut(t.Context(), both.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
		return err
	})
	b = f.handOut(f.keeper, b)
	f.refused("renews for himself", "DUTY_CONFLICT OWN_LOAN", func() error {
		_, err := f.BorrowingRenew(t.Context(), both.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key())
		return err
	})
	f.refused("checks his own return", "DUTY_CONFLICT OWN_LOAN", func() error {
		_, err := f.BorrowingReturn(t.Context(), both.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{o, custody.Intact}}}, f.Key())
		return err
	})
}

// An account that is suspended ends what it borrowed; the originals are out until the custodian has them back.
func TestTakenBackFromASuspendedBorrower(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	b := f.lend(f.rep, nil, o)
	f.Exec(`UPDATE borrowings SET state = 'revoked', ended_at = now(), version = version + 1 WHERE tenant_id = $1`)
	f.Exec(`UPDATE borrowing_items SET ended_at = now(), version = version + 1 WHERE tenant_id = $1`)
	if _, err := f.click(f.rep, file); reason(err) != "FORBIDDEN OUT_OF_SCOPE" {
		t.Error(err)
	}
	f.is("out", `SELECT state FROM originals WHERE tenant_id = $1`)
	b.ExpectedVersion++
	back := func() (custody.BorrowingTarget, error) {
		r, err := f.BorrowingReturn(t.Context(), f.keeper.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{o, custody.Intact}}}, f.Key())
		return target(r), err
	}
	var err error
	if b, err = back(); err != nil {
		t.Fatal(err)
	}
	f.is("filed", `SELECT state FROM originals WHERE tenant_id = $1`)
	f.is("revoked|5|true|true|false", loan, b.BorrowingID)
	f.refused("twice", "INVALID_STATE BORROWING_STATE", func() error { _, err := back(); return err })
}
