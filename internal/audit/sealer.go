package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/clientele/clientele/internal/tenancy"
)

// Every how often a checkpoint is signed and how many records one transaction seals at most.
const (
	checkpointEvery = time.Minute
	sealAtMost      = 2_000
	sweepEvery      = 500 * time.Millisecond
	// gatherFor: what is recorded in a busy moment is sealed together; a transaction for each group would cost more than the reads.
	gatherFor = 100 * time.Millisecond
)

// Sealer seals the records of all tenants. Any number of processes may run one.
type Sealer struct {
	db   *tenancy.DB
	key  *Key
	keys note.Verifiers
	log  *slog.Logger

	hints *tenancy.Hints // of tenants with new records
	mu    sync.Mutex
	held  map[tenancy.TenantID]time.Time // tampered with: looked at again, and said again, a minute later
}

// NewSealer makes a sealer. key signs; without one records are sealed but nothing is signed, and a cut-off tail would not
// be noticed. former are the public keys that signed before this one.
func NewSealer(db *tenancy.DB, key *Key, former []string, log *slog.Logger) (*Sealer, error) {
	if key != nil {
		former = append([]string{key.Public()}, former...)
	}
	keys, err := Verifiers(former...)
	if err != nil {
		return nil, err
	}
	return &Sealer{db: db, key: key, keys: keys, log: log, hints: tenancy.NewHints(), held: map[tenancy.TenantID]time.Time{}}, nil
}

// Wake says that a tenant has new records. It never blocks; without it they are found by the next sweep.
func (s *Sealer) Wake(tenant tenancy.TenantID) { s.hints.Tell(tenant) }

// Seal seals everything of the tenant that is unsealed now and signs a checkpoint when a minute has gone by. It answers
// how many records it sealed; zero, too, when another process is at it.
func (s *Sealer) Seal(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	return s.all(ctx, tenant, checkpointEvery, everything)
}

// Checkpoint is Seal with a signature at once, after whoever else is at it: for exports and before a shutdown.
func (s *Sealer) Checkpoint(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	return s.all(ctx, tenant, 0, everything)
}

func (s *Sealer) all(ctx context.Context, tenant tenancy.TenantID, due time.Duration, at looked) (int, error) {
	total := 0
	for {
		n, busy, err := s.seal(ctx, tenant, sealAtMost, due, at)
		total += n
		if err != nil || busy || n < sealAtMost {
			return total, err
		}
	}
}

// Run works until ctx ends. Failures are logged and tried again; one tenant's do not stop the others.
func (s *Sealer) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for sweep := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.hints.Ready():
			select {
			case <-ctx.Done():
				return
			case <-time.After(gatherFor):
			}
			s.each(ctx, s.hints.Take(), func(ctx context.Context, t tenancy.TenantID) { s.sealLogged(ctx, t, theLatest) })
		case <-tick.C:
			s.sweep(ctx, sweep)
			sweep++
		}
	}
}

// sweep finds work that no hint told of: what other processes wrote, and checkpoints that have become due. Tenants that
// are not active have nobody but the operator in them; they are visited each minute. So is what is not of late.
func (s *Sealer) sweep(ctx context.Context, n int) {
	states, at := []string{"active"}, theLatest
	if n%int(checkpointEvery/sweepEvery) == 0 {
		states, at = append(states, "suspended", "closing", "closed"), everything
	}
	for _, state := range states {
		tenants, err := s.db.Tenants(ctx, state)
		if err != nil {
			s.failed(ctx, "tenants to seal", err)
			return
		}
		s.each(ctx, tenants, func(ctx context.Context, t tenancy.TenantID) {
			work, err := s.pending(ctx, t, at)
			if err != nil {
				s.failed(ctx, "records to seal", err)
			} else if work {
				s.sealLogged(ctx, t, at)
			}
		})
	}
}

// each uses few connections, so that sealing never takes the pool from requests.
func (s *Sealer) each(ctx context.Context, tenants []tenancy.TenantID, do func(context.Context, tenancy.TenantID)) {
	var g errgroup.Group
	g.SetLimit(2)
	for _, t := range tenants {
		g.Go(func() error {
			if ctx.Err() == nil {
				do(ctx, t)
			}
			return nil
		})
	}
	_ = g.Wait() // nothing in it returns an error
}

// app.now is the transaction's time with the clock's offset, set by the same pipeline. The order by id is for the index of
// unsealed records: EXISTS chose to read the whole table while statistics said that most of it was unsealed.
const anyPending = `SELECT (SELECT id FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL%s ORDER BY id LIMIT 1) IS NOT NULL
	OR $2 AND COALESCE((SELECT r.seal_seq > COALESCE(c.tree_size, 0)
			AND COALESCE(c.created_at + make_interval(secs => $3) <= current_setting('app.now')::timestamptz, true)
		FROM (SELECT seal_seq FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NOT NULL ORDER BY seal_seq DESC LIMIT 1) r
		LEFT JOIN (SELECT tree_size, created_at FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY tree_size DESC LIMIT 1) c ON true), false)`

// pending is one round trip of index look-ups: is there anything to seal, or a checkpoint to sign?
func (s *Sealer) pending(ctx context.Context, tenant tenancy.TenantID, at looked) (bool, error) {
	r := s.db.BeginRead(tenancy.ForSystem(tenant, tenancy.SystemSealer))
	defer r.Close(ctx)
	b := &pgx.Batch{}
	b.Queue(fmt.Sprintf(anyPending, at), tenant.UUID(), s.key != nil, checkpointEvery.Seconds())
	var work bool
	err := r.Send(ctx, b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&work) })
	return work, err
}

func (s *Sealer) sealLogged(ctx context.Context, tenant tenancy.TenantID, at looked) {
	s.mu.Lock()
	until, held := s.held[tenant]
	s.mu.Unlock()
	if held && time.Now().Before(until) {
		return
	}
	_, err := s.all(ctx, tenant, checkpointEvery, at)
	s.mu.Lock()
	delete(s.held, tenant)
	if errors.Is(err, ErrTampered) {
		s.held[tenant] = time.Now().Add(checkpointEvery)
	}
	s.mu.Unlock()
	if err != nil {
		s.failed(ctx, "records not sealed", err)
	}
}

func (s *Sealer) failed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, what, slog.Any("error", err))
	}
}
