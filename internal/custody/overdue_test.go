package custody_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/tenancy"
)

// overdue is what is written down of loans that were late: title, who wrote it, state.
const overdueRows = `SELECT o.title, i.borrowing_id, COALESCE(s.name, 'time'), i.state FROM custody_incidents i JOIN originals o ON o.tenant_id = i.tenant_id AND o.id = i.original_id
	LEFT JOIN staff s ON s.tenant_id = i.tenant_id AND s.id = i.reported_by WHERE i.tenant_id = $1 AND i.kind = 'OVERDUE' ORDER BY o.title COLLATE "C"`

func (f *fixture) note(want int) {
	f.t.Helper()
	if n, err := f.NoteOverdue(f.t.Context(), tenancy.TenantID(f.ID)); err != nil || n != want {
		f.t.Errorf("%d loans written down, want %d: %v", n, want, err)
	}
}

// What is still out past its due date is written down by the sweep: once, at the instant and not before, for every original of the loan, and
// in its own tenant alone; the loan, its originals and all rights stay as they are.
func TestWhatIsOutPastItsDueDateIsWrittenDownOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one, two, three := f.paper("甲", 1), f.paper("乙", 1), f.paper("丙", 1)
	b := f.lend(f.rep, ptr(f.now().Add(48*time.Hour)), one, two)
	f.lend(f.mate, ptr(f.now().Add(96*time.Hour)), three)
	f.request(f.rep, ptr(f.now().Add(time.Hour)), one) // asked for, not handed out: nobody has it
	nothing := func(what string) {
		t.Helper()
		before := f.everything()
		f.note(0)
		if f.everything() != before {
			t.Errorf("%s: something was written", what)
		}
	}
	nothing("not due")
	f.Clock.SetOffset(48*time.Hour - time.Minute)
	nothing("a minute before")
	f.Clock.SetOffset(48*time.Hour + time.Second)
	rows := f.Text(`SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM (SELECT b::text FROM borrowings b WHERE tenant_id = $1 UNION ALL SELECT i::text FROM borrowing_items i WHERE tenant_id = $1
		UNION ALL SELECT o::text FROM originals o WHERE tenant_id = $1) r`)
	if got := together(sweeps(f, 8)...); got["<nil>"] != 8 {
		t.Errorf("%v", got)
	}
	f.is("乙|"+b.BorrowingID.String()+"|time|open;甲|"+b.BorrowingID.String()+"|time|open", overdueRows)
	f.is(rows, `SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM (SELECT b::text FROM borrowings b WHERE tenant_id = $1 UNION ALL SELECT i::text FROM borrowing_items i WHERE tenant_id = $1
		UNION ALL SELECT o::text FROM originals o WHERE tenant_id = $1) r`)
	f.is("borrowing.overdue.v1|system|OUT", `SELECT type, actor_kind, snapshot->'borrowing#register'->>'state' FROM events WHERE tenant_id = $1 AND type = 'borrowing.overdue.v1'`)
	f.is("change|custody|3", `SELECT kind, actor_name, object_version FROM audit_records WHERE tenant_id = $1 AND act = 'borrowing.overdue'`)
	nothing("again")

	// It comes back late: that is known already.
	f.ok(f.BorrowingReturn(t.Context(), f.keeper.Session, custody.BorrowingReturn{
		BorrowingTarget: b, Items: []custody.ReturnedItem{{OriginalID: one, Condition: custody.Intact}, {OriginalID: two, Condition: custody.Damaged}},
	}, f.Key()))
	f.is("2|1", `SELECT count(*) FILTER (WHERE kind = 'OVERDUE'), count(*) FILTER (WHERE kind = 'DAMAGED') FROM custody_incidents WHERE tenant_id = $1`)
	nothing("back")
	f.Clock.SetOffset(97 * time.Hour)
	f.note(1)
	f.is("1", `SELECT count(*) FROM custody_incidents i JOIN originals o ON o.tenant_id = i.tenant_id AND o.id = i.original_id WHERE i.tenant_id = $1 AND o.title = '丙' AND i.kind = 'OVERDUE'`)
	if got := f.other.Text(`SELECT count(*) FROM custody_incidents WHERE tenant_id = $1`); got != "0" {
		t.Errorf("%s of the other tenant", got)
	}
}

func sweeps(f *fixture, n int) (out []func() error) {
	for range n {
		out = append(out, func() error {
			_, err := f.NoteOverdue(f.t.Context(), tenancy.TenantID(f.ID))
			return err
		})
	}
	return out
}

// Without any sweep a late loan is written down with its end, under the name of the one who ends it; one in time is not.
func TestALateEndIsWrittenDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for what, c := range map[string]struct {
		end  func(custody.BorrowingTarget, custody.ReturnedItem) error
		name string
	}{
		"returned": {func(b custody.BorrowingTarget, item custody.ReturnedItem) error {
			_, err := f.BorrowingReturn(t.Context(), f.keeper.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{item}}, f.Key())
			return err
		}, f.keeper.Name},
		"lost": {func(b custody.BorrowingTarget, _ custody.ReturnedItem) error {
			_, err := f.BorrowingReportLost(t.Context(), f.rep.Session, custody.BorrowingReason{BorrowingTarget: b, Reason: "x"}, f.Key())
			return err
		}, f.rep.Name},
		"revoked": {func(b custody.BorrowingTarget, _ custody.ReturnedItem) error {
			_, err := f.BorrowingRevoke(t.Context(), f.kam.Session, custody.BorrowingReason{BorrowingTarget: b, Reason: "x"}, f.Key())
			return err
		}, f.kam.Name},
	} {
		for _, late := range []bool{false, true} {
			f.Clock.SetOffset(0)
			o := f.paper(what, 1)
			b := f.lend(f.rep, ptr(f.now().Add(time.Hour)), o)
			if late {
				f.Clock.SetOffset(time.Hour + time.Second)
			}
			if err := c.end(b, custody.ReturnedItem{OriginalID: o, Condition: custody.Intact}); err != nil {
				t.Fatal(what, err)
			}
			want := ""
			if late {
				want = b.BorrowingID.String() + "|" + c.name
			}
			f.is(want, `SELECT i.borrowing_id, s.name FROM custody_incidents i JOIN staff s ON s.tenant_id = i.tenant_id AND s.id = i.reported_by
				WHERE i.tenant_id = $1 AND i.original_id = $2 AND i.kind = 'OVERDUE'`, o)
		}
	}
}

// The loans to write down are found by an index: it has those that are out, in the order of their due dates.
func TestOverdueLoansAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Exec(`INSERT INTO borrowings (tenant_id, id, client_id, borrower_staff_id, purpose, state, top_class, due_at, out_at, created_at, updated_at)
		SELECT $1, gen_random_uuid(), $2, $3, 'x', CASE WHEN n % 100 = 0 THEN 'out' ELSE 'returned' END, 1, now() + interval '1 hour', now(), now(), now() FROM generate_series(1, 20000) n`, f.client, f.rep.Staff)
	conn, err := pgx.Connect(t.Context(), f.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `ANALYZE borrowings`); err != nil {
		t.Fatal(err)
	}
	plan := f.Text(`EXPLAIN SELECT b.id FROM borrowings b WHERE b.tenant_id = $1 AND b.state = 'out' AND b.due_at <= now()
		AND NOT EXISTS (SELECT FROM custody_incidents i WHERE i.tenant_id = b.tenant_id AND i.borrowing_id = b.id AND i.kind = 'OVERDUE') ORDER BY b.due_at, b.id LIMIT 100`)
	if !contained(plan, "borrowings_out") || contained(plan, "Seq Scan on borrowings") {
		t.Error(plan)
	}
}
