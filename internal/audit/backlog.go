package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
)

// How often the backlog is looked at, and from when on it says that nobody is sealing: a sealer needs a second.
const (
	backlogEvery = 5 * time.Second
	behindAfter  = 10 * time.Second
	saidEvery    = time.Minute
)

// Backlog knows how old the oldest record is that no sealer has taken yet, in whichever process the sealers run.
type Backlog struct {
	db     *tenancy.DB
	log    *slog.Logger
	oldest atomic.Int64 // nanoseconds of age at the last look
	said   time.Time
}

// NewBacklog makes one; Run looks.
func NewBacklog(db *tenancy.DB, log *slog.Logger) *Backlog { return &Backlog{db: db, log: log} }

// Age is the age of the oldest unsealed record at the last look; 0 when all were sealed.
func (b *Backlog) Age() time.Duration { return time.Duration(b.oldest.Load()) }

// Behind says that records have waited longer than any sealer that works lets them.
func (b *Backlog) Behind() bool { return b.Age() >= behindAfter }

// Run looks until ctx ends. While records wait it says so once a minute: nothing of them is lost, but until they are sealed an
// altered one would not be noticed.
func (b *Backlog) Run(ctx context.Context) {
	tick := time.NewTicker(backlogEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select { // a sealer that starts with this process has its turn first
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		// What is behind already is not of late only.
		at := theLatest
		if n%int(saidEvery/backlogEvery) == 0 || b.Behind() {
			at = everything
		}
		if err := b.look(ctx, at); err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			b.log.ErrorContext(ctx, "unsealed audit records cannot be looked at", slog.Any("error", err))
		}
		switch behind := b.Behind(); {
		case behind && time.Since(b.said) >= saidEvery:
			b.said = time.Now()
			b.log.WarnContext(ctx, "audit records wait to be sealed: no worker is sealing; run serve --role worker (or all)", slog.Duration("oldest", b.Age().Round(time.Second)))
		case !behind && !b.said.IsZero():
			b.said = time.Time{}
			b.log.InfoContext(ctx, "audit records are sealed again")
		}
	}
}

// look asks tenant after tenant, each by the index of unsealed records; ids grow with time.
func (b *Backlog) look(ctx context.Context, at looked) error {
	oldest := time.Duration(0)
	tenants, err := b.db.Tenants(ctx, "active")
	if err != nil {
		return err
	}
	for _, t := range tenants {
		age, err := b.of(ctx, t, at)
		if err != nil {
			return err
		}
		oldest = max(oldest, age)
	}
	b.oldest.Store(int64(oldest))
	return nil
}

func (b *Backlog) of(ctx context.Context, tenant tenancy.TenantID, at looked) (time.Duration, error) {
	r := b.db.BeginRead(tenancy.ForSystem(tenant, tenancy.SystemSealer))
	defer r.Close(ctx)
	batch := &pgx.Batch{}
	batch.Queue(`SELECT occurred_at FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL`+string(at)+` ORDER BY id LIMIT 1`, tenant.UUID())
	age := time.Duration(0)
	err := r.SendLast(ctx, batch, func(br pgx.BatchResults) error {
		var at time.Time
		err := br.QueryRow().Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		age = max(r.Now().Sub(at), 0)
		return err
	})
	return age, err
}
