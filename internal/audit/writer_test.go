package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func TestOpeningsAndRefusalsAreWrittenAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.staff(w.tenant)
	s.RequestID = strings.Repeat("长", 65) + "\x00"
	opened, revealed, refused := client(w), credit(w), Refusal{Type: "Contract", ID: w.ids.New(), Act: "read"}
	if err := w.writer.Opened(t.Context(), s, []Opening{opened, revealed}); err != nil {
		t.Fatal(err)
	}
	if err := w.writer.Refused(t.Context(), s, []Refusal{refused}); err != nil {
		t.Fatal(err)
	}
	if err := w.writer.Opened(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	rows, err := w.super.Query(t.Context(), `SELECT concat_ws('|', tenant_id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type, object_id,
		reason, detail::text, request_id) FROM audit_records ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	head := func(kind, act string) string {
		return fmt.Sprintf("%s|%s|%s|staff|%s|王敏|%s|", w.tenant, kind, act, s.Actor.Account, s.Actor.Credential)
	}
	request := "|" + strings.Repeat("长", 64)
	want := []string{
		head("opening", "read") + "Client|" + opened.ID.String() + "||{}" + request,
		head("opening", "reveal") + "Client|" + revealed.ID.String() + `||{"groups": ["client#credit"]}` + request,
		head("refusal", "read") + "Contract|" + refused.ID.String() + "|NOT_FOUND|{}" + request,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Callers that come while a transaction is under way share the next one; one that leaves holds nobody up.
func TestWaitingCallersShareATransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	woken := 0
	writer := NewWriter(w.db, w.ids, quiet(), WriterConfig{MaxWait: time.Minute}, func(tenancy.TenantID) { woken++ })
	lock, err := w.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), `LOCK TABLE audit_records IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	s := w.staff(w.tenant)
	results := make(chan error, 51)
	call := func(ctx context.Context, o ...Opening) {
		go func() { results <- writer.Opened(ctx, s, o) }()
	}
	queued := func(n int) func() bool {
		return func() bool {
			writer.mu.Lock()
			defer writer.mu.Unlock()
			return writer.queued == n
		}
	}
	call(t.Context(), client(w))
	eventually(t, "the first group is being written", func() bool {
		writer.mu.Lock()
		defer writer.mu.Unlock()
		return len(writer.lanes) == 1 && writer.queued == 0
	})
	leaving, leave := context.WithCancel(t.Context())
	gone := client(w)
	left := make(chan error, 1)
	go func() { left <- writer.Opened(leaving, s, []Opening{gone}) }()
	for range 50 {
		call(t.Context(), client(w), credit(w))
	}
	eventually(t, "all are queued", queued(101))
	leave()
	if err := <-left; fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left: %v", err)
	}
	select {
	case err := <-results:
		t.Errorf("an answer left before its opening was written: %v", err)
	default:
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 51 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	writer.Close()
	if n := w.number(t, `SELECT count(*) FROM audit_records WHERE kind = 'opening'`); n != 101 {
		t.Errorf("%d openings, want 101", n)
	}
	if n := w.number(t, `SELECT count(DISTINCT xmin::text) FROM audit_records`); n != 2 || woken != 2 {
		t.Errorf("%d transactions, sealer woken %d times, want 2", n, woken)
	}
	if n := w.number(t, `SELECT count(*) FROM audit_records WHERE object_id = $1`, gone.ID); n != 0 {
		t.Error("the caller that left before its turn was recorded")
	}
	if len(writer.lanes) != 0 || writer.queued != 0 {
		t.Errorf("%d lanes and %d records remain", len(writer.lanes), writer.queued)
	}
}

func TestAReadFailsWhereItsOpeningIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.staff(w.tenant)
	refused := func(t *testing.T, err, cause error) {
		t.Helper()
		if fault.CodeOf(err) != fault.Unavailable || cause != nil && !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	}
	nothing := func(t *testing.T) {
		t.Helper()
		if n := w.number(t, `SELECT count(*) FROM audit_records`); n != 0 {
			t.Errorf("%d records", n)
		}
	}
	t.Run("the database refuses", func(t *testing.T) {
		w.exec(t, `REVOKE INSERT ON audit_records FROM clientele_app`)
		refused(t, w.writer.Opened(t.Context(), s, []Opening{client(w)}), nil)
		w.exec(t, `GRANT INSERT ON audit_records TO clientele_app`)
		nothing(t)
	})
	t.Run("the caller has left", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		refused(t, w.writer.Opened(ctx, s, []Opening{client(w)}), context.Canceled)
		nothing(t)
	})
	t.Run("no tenant", func(t *testing.T) {
		refused(t, w.writer.Opened(t.Context(), w.staff(tenancy.TenantID(uuid.Nil)), []Opening{client(w)}), nil)
		nothing(t)
	})
	t.Run("it takes too long", func(t *testing.T) {
		lock, err := w.super.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), `LOCK TABLE audit_records IN SHARE MODE`); err != nil {
			t.Fatal(err)
		}
		impatient := NewWriter(w.db, w.ids, quiet(), WriterConfig{MaxWait: 20 * time.Millisecond, MaxQueued: 3}, nil)
		refused(t, impatient.Opened(t.Context(), s, []Opening{client(w)}), errLate)
		refused(t, impatient.Opened(t.Context(), s, []Opening{client(w), client(w), client(w), client(w)}), errFull)
		impatient.Close() // the statement is given up with its transaction
		if err := lock.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		nothing(t)
	})
	t.Run("closed", func(t *testing.T) {
		closed := NewWriter(w.db, w.ids, quiet(), WriterConfig{}, nil)
		closed.Close()
		refused(t, closed.Opened(t.Context(), s, []Opening{client(w)}), errClosed)
		nothing(t)
	})
}

// Tenants share a process and no group.
func TestEachTenantHasItsOwnRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for _, tenant := range []tenancy.TenantID{w.tenant, w.other} {
		for range 40 {
			all.Go(func() {
				if err := w.writer.Opened(t.Context(), w.staff(tenant), []Opening{client(w)}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for _, tenant := range []tenancy.TenantID{w.tenant, w.other} {
		if n := w.number(t, `SELECT count(*) FROM audit_records WHERE tenant_id = $1`, tenant.UUID()); n != 40 {
			t.Errorf("%d records, want 40", n)
		}
	}
}
