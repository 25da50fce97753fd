package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Opening is one object that was opened: read by id, a field group of class L4 or above revealed, an original, an export
// or a print of it.
type Opening struct {
	Type   string // GraphQL type
	ID     uuid.UUID
	Groups []policy.Object // the groups revealed; empty for a plain read by id
	Act    string          // "read", "reveal", "original", "export", "print"
	// Purpose is what it was opened for, a reference such as "bor_…"; empty where none was given.
	Purpose string
}

// Refusal is one object that was asked for by id and refused. Whether it does not exist or may not be seen is not told.
type Refusal struct {
	Type   string // GraphQL type, as the id's prefix says
	ID     uuid.UUID
	Act    string // "read", "file.open", "file.receive"
	Reason string // reason code; NOT_FOUND where it is empty
}

// WriterConfig bounds a Writer; zero values mean the defaults.
type WriterConfig struct {
	MaxWait   time.Duration // of one caller, 2 s
	MaxQueued int           // records that wait in the process, 20,000
	MaxGroup  int           // records of one transaction, 1,000
	MaxActive int           // transactions at a time, 4: openings never take the whole pool
}

// Writer records reads before their answers leave. What callers of one tenant bring while a transaction is under way
// goes into the next one together: nobody waits for a timer, and a busy tenant pays one commit for many reads.
//
// A caller must not hold a transaction while it waits: with all connections held by such callers none is left to write.
type Writer struct {
	db     *tenancy.DB
	ids    *id.Source
	log    *slog.Logger
	cfg    WriterConfig
	active chan struct{}
	wake   func(tenancy.TenantID)

	mu     sync.Mutex
	lanes  map[tenancy.TenantID]*lane
	queued int
	closed bool
	work   sync.WaitGroup
}

// lane is what waits in one tenant; it exists while its goroutine runs.
type lane struct{ waiting []*entry }

// entry is one caller's records.
type entry struct {
	heads []head
	rows  []row
	done  chan error // one answer, buffered
	gone  bool       // the caller has left before a transaction took it; guarded by Writer.mu
}

func newEntry(rows int) *entry { return &entry{rows: make([]row, 0, rows), done: make(chan error, 1)} }

// NewWriter makes a writer. wake is told of tenants with new records, for the sealer; it may be nil and must not block.
func NewWriter(db *tenancy.DB, ids *id.Source, log *slog.Logger, cfg WriterConfig, wake func(tenancy.TenantID)) *Writer {
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 2 * time.Second
	}
	if cfg.MaxQueued == 0 {
		cfg.MaxQueued = 20_000
	}
	if cfg.MaxGroup == 0 {
		cfg.MaxGroup = 1_000
	}
	if cfg.MaxActive == 0 {
		cfg.MaxActive = 4
	}
	if wake == nil {
		wake = func(tenancy.TenantID) {}
	}
	return &Writer{
		db: db, ids: ids, log: log, cfg: cfg, wake: wake,
		active: make(chan struct{}, cfg.MaxActive), lanes: map[tenancy.TenantID]*lane{},
	}
}

// Opened returns when the openings are committed. Any error is UNAVAILABLE and means that the answer must not leave.
func (w *Writer) Opened(ctx context.Context, s *tenancy.Session, openings []Opening) error {
	return w.write(ctx, s.Tenant, w.openings(s, openings))
}

// Refused is Opened for refusals of reads by id.
func (w *Writer) Refused(ctx context.Context, s *tenancy.Session, refusals []Refusal) error {
	return w.write(ctx, s.Tenant, w.refusals(s, refusals))
}

// Close lets what is queued be written and refuses what comes later.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.work.Wait()
}

var (
	errFull   = errors.New("audit: too many openings wait to be written")
	errClosed = errors.New("audit: the writer is closed")
	errLate   = errors.New("audit: openings were not written in time")
)

func down(cause error) error { return fault.Down("AUDIT_NOT_WRITTEN", cause) }

func (w *Writer) write(ctx context.Context, tenant tenancy.TenantID, e *entry) error {
	if len(e.rows) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return down(err)
	}
	if err := w.enqueue(tenant, e); err != nil {
		return down(err)
	}
	timer := time.NewTimer(w.cfg.MaxWait)
	defer timer.Stop()
	var err error
	select {
	case err = <-e.done:
		if err == nil {
			return nil
		}
		return down(err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errLate
	}
	w.mu.Lock()
	e.gone = true
	w.mu.Unlock()
	return down(err)
}

func (w *Writer) enqueue(tenant tenancy.TenantID, e *entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return errClosed
	case w.queued+len(e.rows) > w.cfg.MaxQueued:
		return errFull
	}
	w.queued += len(e.rows)
	l := w.lanes[tenant]
	if l == nil {
		l = &lane{}
		w.lanes[tenant] = l
		w.work.Go(func() { w.drain(tenant, l) })
	}
	l.waiting = append(l.waiting, e)
	return nil
}

// drain writes group after group until nothing waits in the lane.
func (w *Writer) drain(tenant tenancy.TenantID, l *lane) {
	w.active <- struct{}{}
	defer func() { <-w.active }()
	for {
		group, written, records := w.take(tenant, l)
		if group == nil {
			return
		}
		var err error
		if records > 0 {
			// No caller's context: one that leaves must not undo what others wait for.
			ctx, cancel := context.WithTimeout(context.Background(), 2*w.cfg.MaxWait)
			err = insert(ctx, w.db, tenant, written)
			cancel()
			if err != nil {
				w.log.Error("openings not recorded", slog.String("tenant", tenant.String()), slog.Int("records", records), slog.Any("error", err))
			} else {
				w.wake(tenant)
			}
		}
		for _, e := range group {
			e.done <- err
		}
	}
}

// take removes the next group from the lane, and the lane when there is none. Callers who have left are not written.
func (w *Writer) take(tenant tenancy.TenantID, l *lane) (group, written []*entry, records int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(l.waiting) && (n == 0 || records+len(l.waiting[n].rows) <= w.cfg.MaxGroup) {
		if e := l.waiting[n]; !e.gone {
			written, records = append(written, e), records+len(e.rows)
		}
		w.queued -= len(l.waiting[n].rows)
		n++
	}
	if n == 0 {
		delete(w.lanes, tenant)
		return nil, nil, 0
	}
	group = l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return group, written, records
}
