package audit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/tenancy"
)

// Several processes seal while others write: one chain, dense, nothing sealed twice.
func TestManySealersMakeOneChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const writers, each = 6, 60
	var writing, sealing sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 3 {
		db := w.open(t)
		s := w.newSealer(t, db)
		sealing.Go(func() { s.Run(ctx) })
		sealing.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.seal0(ctx, w.tenant); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	for range writers {
		writing.Go(func() {
			for range each {
				if err := w.writer.Opened(t.Context(), w.staff(w.tenant), []Opening{client(w), credit(w)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	eventually(t, "all are sealed", func() bool {
		return w.number(t, `SELECT count(*) FROM audit_records WHERE seal_seq IS NULL`) == 0
	})
	stop()
	sealing.Wait()
	w.seal(t, w.tenant)
	const total = writers * each * 2
	r := w.verify(t, w.tenant)
	if r.Finding != nil || r.Records != total || r.Signed != total || r.Unsealed != 0 {
		t.Errorf("%+v %+v", r, r.Finding)
	}
	if n := w.number(t, `SELECT count(*) FROM audit_records WHERE seal_seq BETWEEN 1 AND $1`, total); n != total {
		t.Errorf("%d numbers, want %d", n, total)
	}
}

// seal0 takes small groups, so that sealers meet often.
func (s *Sealer) seal0(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	n, _, err := s.seal(ctx, tenant, 7, time.Hour, theLatest)
	return n, err
}

func TestRunFindsWhatOtherProcessesWrote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `UPDATE tenants SET state = 'suspended' WHERE tenant_id = $1`, w.other.UUID())
	w.record(t, w.tenant, 3)
	w.record(t, w.other, 2)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.sealer.Run(ctx) })
	signed := func(n int64) func() bool {
		return func() bool { return w.number(t, `SELECT count(*) FROM audit_checkpoints`) == n }
	}
	eventually(t, "both tenants are sealed and signed", signed(2))
	w.record(t, w.tenant, 1)
	w.sealer.Wake(w.tenant)
	eventually(t, "the hint is followed", func() bool { return w.number(t, `SELECT count(*) FROM audit_records WHERE seal_seq IS NULL`) == 0 })
	if !signed(2)() {
		t.Error("signed again within the minute")
	}
	w.clock.SetOffset(61 * time.Second)
	eventually(t, "a minute later it is signed though nothing new came", signed(3))
	stop()
	running.Wait()
	for tenant, n := range map[tenancy.TenantID]int64{w.tenant: 4, w.other: 2} {
		if r := w.verify(t, tenant); r.Finding != nil || r.Signed != n {
			t.Errorf("%+v %+v", r, r.Finding)
		}
	}
}

// What lies at the beginning of the index is passed over in a hurry and found by the next look at everything; what is of late is found
// by both.
func TestOldRecordsWaitForTheLookAtEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, w.tenant, 2)
	w.clock.SetOffset(6 * time.Minute)
	for _, step := range []struct {
		at   looked
		want int
	}{{theLatest, 0}, {everything, 2}, {everything, 0}} {
		if work, err := w.sealer.pending(t.Context(), w.tenant, step.at); err != nil || step.want > 0 && !work {
			t.Errorf("%q: %v %v", step.at, work, err)
		}
		if n, _, err := w.sealer.seal(t.Context(), w.tenant, 7, time.Hour, step.at); err != nil || n != step.want {
			t.Errorf("%q: sealed %d, want %d: %v", step.at, n, step.want, err)
		}
	}
	w.clock.SetOffset(4 * time.Minute)
	w.record(t, w.tenant, 1)
	if n, _, err := w.sealer.seal(t.Context(), w.tenant, 7, time.Hour, theLatest); err != nil || n != 1 {
		t.Errorf("sealed %d: %v", n, err)
	}
	// Nobody seals: the age is told at every look, by whichever way it was found first.
	w.record(t, w.tenant, 1)
	b := NewBacklog(w.db, quiet())
	for _, step := range []struct {
		offset time.Duration
		at     looked
		behind bool
	}{{4 * time.Minute, theLatest, true}, {6 * time.Minute, theLatest, false}, {6 * time.Minute, everything, true}} {
		w.clock.SetOffset(step.offset)
		if err := b.look(t.Context(), step.at); err != nil || b.Behind() != step.behind {
			t.Errorf("%v %q: %v %v", step.offset, step.at, b.Age(), err)
		}
	}
}

func TestCheckpointsComeEachMinuteAndOnlyWithNewRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func() int64 { return w.number(t, `SELECT count(*) FROM audit_checkpoints`) }
	for i, step := range []struct {
		offset  time.Duration
		records int
		want    int64
	}{
		{0, 0, 0},
		{0, 2, 1},
		{50 * time.Second, 1, 1},
		{65 * time.Second, 0, 2},
		{200 * time.Second, 0, 2},
		{300 * time.Second, 1, 3},
	} {
		w.clock.SetOffset(step.offset)
		w.record(t, w.tenant, step.records)
		n, err := w.sealer.Seal(t.Context(), w.tenant)
		if err != nil || n != step.records {
			t.Fatalf("step %d: sealed %d, %v", i, n, err)
		}
		if got := count(); got != step.want {
			t.Errorf("step %d: %d checkpoints, want %d", i, got, step.want)
		}
	}
}

// Nothing is built on what was tampered with: the evidence stays and no signature covers it.
func TestTheSealerSignsNoForgery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do func(*testing.T, *world)
	}{
		"tail cut off": {do: func(t *testing.T, w *world) {
			w.exec(t, `DELETE FROM audit_records WHERE tenant_id = $1 AND seal_seq > 10`, w.tenant.UUID())
		}},
		"history sealed again": {do: func(t *testing.T, w *world) { w.forge(t, 6, 12, true) }},
		"tree hash altered": {do: func(t *testing.T, w *world) {
			w.exec(t, `UPDATE audit_tree SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE tenant_id = $1`, w.tenant.UUID())
		}},
		"tree hashes gone": {do: func(t *testing.T, w *world) {
			w.exec(t, `DELETE FROM audit_tree WHERE tenant_id = $1`, w.tenant.UUID())
		}},
		"checkpoint altered": {do: func(t *testing.T, w *world) {
			w.exec(t, `UPDATE audit_checkpoints SET note = replace(note, E'\n12\n', E'\n11\n') WHERE tenant_id = $1`, w.tenant.UUID())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := trailOfTwelve(t)
			c.do(t, w)
			w.record(t, w.tenant, 1)
			before := w.number(t, `SELECT count(*) FROM audit_checkpoints`)
			if _, err := w.sealer.Checkpoint(t.Context(), w.tenant); !errors.Is(err, ErrTampered) {
				t.Errorf("got %v", err)
			}
			if n := w.number(t, `SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL`, w.tenant.UUID()); n != 1 {
				t.Error("sealed over it")
			}
			if n := w.number(t, `SELECT count(*) FROM audit_checkpoints`); n != before {
				t.Error("signed over it")
			}
			// The other tenant goes on.
			w.record(t, w.other, 1)
			w.seal(t, w.other)
			if r := w.verify(t, w.other); r.Finding != nil || r.Signed != 4 {
				t.Errorf("%+v %+v", r, r.Finding)
			}
		})
	}
}

// The application itself can seal a record once, and alter or remove none.
func TestTheApplicationCannotAlterTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, w.tenant, 2)
	w.seal(t, w.tenant)
	for _, sql := range []string{
		`UPDATE audit_records SET act = 'x' WHERE tenant_id = $1`, `UPDATE audit_records SET seal_seq = seal_seq + 5 WHERE tenant_id = $1`,
		`DELETE FROM audit_records WHERE tenant_id = $1`, `UPDATE audit_tree SET hash = hash WHERE tenant_id = $1`,
		`DELETE FROM audit_tree WHERE tenant_id = $1`, `UPDATE audit_checkpoints SET note = note WHERE tenant_id = $1`, `DELETE FROM audit_checkpoints WHERE tenant_id = $1`,
	} {
		err := w.db.InTx(t.Context(), tenancy.ForSystem(w.tenant, tenancy.SystemSealer), func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, sql, w.tenant.UUID())
			return err
		})
		if err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
	if r := w.verify(t, w.tenant); r.Finding != nil || r.Signed != 2 {
		t.Errorf("%+v %+v", r, r.Finding)
	}
}
