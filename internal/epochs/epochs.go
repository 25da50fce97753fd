// Package epochs owns telling those who wait that what decides a tenant's rights has moved: one look at the tenant's epochs for
// all of them, as long as there are any. It does not own what moves them (triggers), nor who may be told (the caller asks).
package epochs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/clientele/clientele/internal/tenancy"
)

// Every is how often a tenant is looked at while somebody waits. Behind a pooler nobody can LISTEN, so it is asked for.
const Every = 500 * time.Millisecond

// Reader reads a tenant's epochs.
type Reader func(ctx context.Context, tenant tenancy.TenantID) (tenancy.Epochs, error)

// Watcher looks at tenants for those who wait. Close it when nobody waits any more.
type Watcher struct {
	read  Reader
	every time.Duration
	log   *slog.Logger

	mu      sync.Mutex
	tenants map[tenancy.TenantID]*watched
	loops   sync.WaitGroup
}

// watched is a tenant that somebody waits for.
type watched struct {
	stop    context.CancelFunc
	hint    chan struct{} // holds at most one
	waiting int           // listeners
	epochs  tenancy.Epochs
	moved   chan struct{} // closed when epochs are no longer those
}

// NewWatcher makes a watcher that looks so often.
func NewWatcher(read Reader, every time.Duration, log *slog.Logger) *Watcher {
	return &Watcher{read: read, every: every, log: log, tenants: map[tenancy.TenantID]*watched{}}
}

// FromDatabase reads as a narrow system actor.
func FromDatabase(db *tenancy.DB) Reader {
	return func(ctx context.Context, tenant tenancy.TenantID) (tenancy.Epochs, error) {
		return db.Probe(ctx, tenancy.ForSystem(tenant, tenancy.SystemWatcher))
	}
}

// Hint says that something has just been committed in this process: whoever waits for the tenant is told at once instead of at
// the next look. It never waits.
func (w *Watcher) Hint(tenant tenancy.TenantID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x := w.tenants[tenant]; x != nil {
		select {
		case x.hint <- struct{}{}:
		default: // one is on its way
		}
	}
}

// Listener waits for one tenant. It is for one goroutine. What it does not ask for is not kept for it: it sees the newest state,
// never a queue, so a slow one costs nobody anything.
type Listener struct {
	w      *Watcher
	tenant tenancy.TenantID
	x      *watched
}

// Listen begins to wait for a tenant; the first listener starts its looks, the last one that closes ends them.
func (w *Watcher) Listen(tenant tenancy.TenantID) *Listener {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.tenants[tenant]
	if x == nil {
		ctx, stop := context.WithCancel(context.Background())
		x = &watched{stop: stop, hint: make(chan struct{}, 1), moved: make(chan struct{})}
		w.tenants[tenant] = x
		w.loops.Go(func() { w.look(ctx, tenant, x) })
	}
	x.waiting++
	return &Listener{w: w, tenant: tenant, x: x}
}

// Wait returns when the tenant's epochs may be others than those given, at once when they are known to be.
func (l *Listener) Wait(ctx context.Context, known tenancy.Epochs) error {
	for {
		l.w.mu.Lock()
		now, moved := l.x.epochs, l.x.moved
		l.w.mu.Unlock()
		if now != known && ahead(now, known) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ahead: epochs only grow; a look that began before the listener's own knowledge says nothing new.
func ahead(now, known tenancy.Epochs) bool {
	return now.Policy > known.Policy || now.Org > known.Org || now.Revocation > known.Revocation
}

// Close ends the waiting. It may be called again.
func (l *Listener) Close() {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.x == nil {
		return
	}
	if l.x.waiting--; l.x.waiting == 0 {
		l.x.stop()
		delete(l.w.tenants, l.tenant)
	}
	l.x = nil
}

// Close waits for the looks to end; it is called when every listener is closed.
func (w *Watcher) Close() { w.loops.Wait() }

// Watched is how many tenants are looked at now.
func (w *Watcher) Watched() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tenants)
}

// look reads the epochs until the last listener has gone. A database that does not answer is asked again; nobody is told anything.
func (w *Watcher) look(ctx context.Context, tenant tenancy.TenantID, x *watched) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	silent := false
	for {
		now, err := w.read(ctx, tenant)
		switch {
		case err == nil:
			silent = false
			w.mu.Lock()
			if now != x.epochs {
				x.epochs = now
				close(x.moved)
				x.moved = make(chan struct{})
			}
			w.mu.Unlock()
		case errors.Is(err, context.Canceled):
		case !silent:
			silent = true
			w.log.WarnContext(ctx, "the versions of rights cannot be read; asking again", slog.Any("error", err))
		}
		select {
		case <-tick.C:
		case <-x.hint:
		case <-ctx.Done():
			return
		}
	}
}
