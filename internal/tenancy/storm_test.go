package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/db/clientrecord"
	"github.com/clientele/clientele/internal/tenancy"
)

// wantNoTransaction waits until the server has ended what was cancelled: it notices a gone client at its next message.
func (w *world) wantNoTransaction(t *testing.T) {
	t.Helper()
	super := connect(t, w.Superuser)
	deadline := time.Now().Add(20 * time.Second)
	for {
		n := count(t, super, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'clientele_app' AND xact_start IS NOT NULL`)
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%d transactions are still open", n)
			return
		}
		must(t, super, `SELECT pg_stat_clear_snapshot()`)
	}
}

func TestACancelledRequestLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenancy.Config) { c.MaxConns = 1 })
	busy := connect(t, w.Superuser)
	for name, statement := range map[string]string{
		"while a statement runs":    `SELECT count(*) FROM generate_series(1, 1000000000)`,
		"while it waits for a lock": `UPDATE clients SET name = 'x' WHERE tenant_id = $1`,
		"between two statements":    "",
		"before the last pipeline":  "last",
		"before it began":           "before",
	} {
		must(t, busy, `BEGIN`, `SELECT * FROM clients FOR UPDATE`)
		ctx, cancel := context.WithCancel(t.Context())
		if statement == "before" {
			cancel()
		}
		err := w.db.InTx(ctx, w.session(w.a), func(ctx context.Context, tx *tenancy.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE companies SET name = 'cancelled' WHERE tenant_id = $1`, w.a.id.UUID()); err != nil {
				return err
			}
			switch statement {
			case "":
				cancel()
				_, err := tx.Exec(ctx, `SELECT 1`)
				return err
			case "last":
				cancel()
				return nil
			}
			// cancel when the server is seen to be at the statement
			go func() {
				for n := 0; n == 0; {
					if busy.QueryRow(context.WithoutCancel(ctx), `SELECT count(*) FROM (SELECT pg_stat_clear_snapshot()) c, pg_stat_activity
						WHERE datname = current_database() AND usename = 'clientele_app' AND state = 'active' AND (query LIKE '%generate_series%' OR query LIKE 'UPDATE clients%')`).Scan(&n) != nil {
						break
					}
				}
				cancel()
			}()
			args := []any{w.a.id.UUID()}
			if statement[0] == 'S' {
				args = nil
			}
			_, err := tx.Exec(ctx, statement, args...)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		must(t, busy, `ROLLBACK`)
		w.wantNoTransaction(t)
		w.wantIdle(t)
		// the next request on the one connection is another tenant's
		w.inTx(t, w.b, func(ctx context.Context, tx *tenancy.Tx) error {
			if n := count(t, tx, `SELECT count(*) FROM companies`); n != 1 {
				t.Errorf("%s: B sees %d companies", name, n)
			}
			return nil
		})
	}
	if n := count(t, busy, `SELECT count(*) FROM companies WHERE name = 'cancelled'`); n != 0 {
		t.Error("a cancelled change was kept")
	}
}

// Ten thousand requests of two tenants over four connections, most of them cancelled at some moment. Every row that any of
// them sees is its own tenant's, and afterwards the pool is as good as new.
func TestAStormOfCancelledRequests(t *testing.T) {
	t.Parallel()
	const requests, workers = 10_000, 16
	w := newWorld(t)
	var next, finished, cancelled, seen, foreign atomic.Int64
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for next.Add(1) <= requests {
				mine, other := w.a, w.b
				if r.IntN(2) == 0 {
					mine, other = other, mine
				}
				ctx, cancel := context.WithCancel(t.Context())
				s := &storm{w: w, mine: mine, other: other, r: r, cancel: cancel, at: r.IntN(12)}
				if r.IntN(2) == 0 {
					// from outside, at any moment of the work
					timer := time.AfterFunc(time.Duration(r.IntN(1500))*time.Microsecond, cancel)
					defer timer.Stop()
				}
				err := s.run(ctx)
				cancel()
				seen.Add(s.seen)
				foreign.Add(s.foreign)
				switch {
				case err == nil:
					finished.Add(1)
				case ctx.Err() != nil:
					cancelled.Add(1)
				default:
					t.Errorf("a request that nobody cancelled: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d finished, %d cancelled, %d rows seen, %d foreign", finished.Load(), cancelled.Load(), seen.Load(), foreign.Load())
	if foreign.Load() != 0 {
		t.Errorf("%d rows of the other tenant", foreign.Load())
	}
	if finished.Load()+cancelled.Load() != requests || cancelled.Load() < requests/10 || finished.Load() < requests/10 || seen.Load() < requests/10 {
		t.Error("the storm was none")
	}
	w.wantNoTransaction(t)
	w.wantIdle(t)
	for _, n := range []tenant{w.a, w.b} {
		w.inTx(t, n, func(_ context.Context, tx *tenancy.Tx) error {
			if got := count(t, tx, `SELECT count(*) FROM clients`); got != 1 {
				t.Errorf("%d clients after the storm", got)
			}
			return nil
		})
	}
	// What the acts wrote stands under the tenant that wrote it.
	if n := count(t, connect(t, w.Superuser), `SELECT count(*) FROM audit_records WHERE act <> tenant_id::text`); n != 0 {
		t.Errorf("%d records under the wrong tenant", n)
	}
}

// storm is one request. It cancels itself before its step number at.
type storm struct {
	w             *world
	mine, other   tenant
	r             *rand.Rand
	cancel        func()
	at, step      int
	seen, foreign int64
}

func (s *storm) tick() {
	if s.step == s.at {
		s.cancel()
	}
	s.step++
}

func (s *storm) saw(tenant uuid.UUID) {
	s.seen++
	if tenant != s.mine.id.UUID() {
		s.foreign++
	}
}

func (s *storm) run(ctx context.Context) error {
	session := s.w.session(s.mine)
	if s.r.IntN(3) > 0 {
		session.VerifiedAt(1)
	}
	s.tick()
	if s.r.IntN(2) == 0 {
		return s.read(ctx, session)
	}
	return s.w.db.InTx(ctx, session, s.write)
}

// anybodys asks without a predicate: row-level security alone answers.
const anybodys = `SELECT tenant_id FROM clients`

func (s *storm) rows(br interface{ Query() (pgx.Rows, error) }) error {
	rows, err := br.Query()
	if err != nil {
		return err
	}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { s.saw(id); return nil })
	return err
}

func (s *storm) read(ctx context.Context, session *tenancy.Session) error {
	r := s.w.db.BeginRead(session)
	defer r.Close(ctx)
	for range 1 + s.r.IntN(3) {
		s.tick()
		b := &pgx.Batch{}
		b.Queue(anybodys)
		b.Queue(`SELECT tenant_id FROM companies WHERE tenant_id = $1`, s.other.id.UUID())
		b.Queue(`SELECT tenant_id FROM staff`)
		err := r.Send(ctx, b, func(br pgx.BatchResults) error {
			for range 3 {
				if err := s.rows(br); err != nil {
					return err
				}
				s.tick()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *storm) write(ctx context.Context, tx *tenancy.Tx) error {
	for range 1 + s.r.IntN(3) {
		s.tick()
		switch s.r.IntN(4) {
		case 0:
			list, err := tx.Ent().ClientRecord.Query().Where(clientrecord.TenantID(s.mine.id.UUID())).All(ctx)
			if err != nil {
				return err
			}
			for _, c := range list {
				s.saw(c.TenantID)
			}
		case 1:
			rows, err := tx.Query(ctx, anybodys)
			if err != nil {
				return err
			}
			var id uuid.UUID
			if _, err = pgx.ForEachRow(rows, []any{&id}, func() error { s.saw(id); s.tick(); return nil }); err != nil {
				return err
			}
		case 2:
			b := &pgx.Batch{}
			b.Queue(anybodys)
			b.Queue(`UPDATE clients SET version = version + 1 WHERE id = $1 RETURNING tenant_id`, s.other.client)
			br := tx.SendBatch(ctx, b)
			err := errors.Join(s.rows(br), s.rows(br))
			if e := br.Close(); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
		case 3:
			// another tenant's row cannot be written, and the attempt takes the transaction with it
			if s.r.IntN(20) == 0 {
				_, err := tx.Exec(ctx, `INSERT INTO client_search_terms (tenant_id, field_class, term, client_id) VALUES ($1, 0, 'x', $2)`, s.other.id.UUID(), s.other.client)
				if err == nil {
					s.foreign++
				}
				s.cancel()
				return fmt.Errorf("refused: %w", err)
			}
		}
	}
	if s.r.IntN(2) == 0 {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, occurred_at) VALUES ($1, $2, 'change', current_setting('app.tenant_id'), 'staff', $3)`,
			s.mine.id.UUID(), uuid.New(), tx.Now())
		b.Queue(anybodys)
		tx.Last(b, func(br pgx.BatchResults) error {
			if _, err := br.Exec(); err != nil {
				return err
			}
			s.tick()
			return s.rows(br)
		})
	}
	s.tick()
	return nil
}
