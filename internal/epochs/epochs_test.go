package epochs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/epochs"
	"github.com/clientele/clientele/internal/tenancy"
)

// database is what looks see.
type database struct {
	mu    sync.Mutex
	now   map[tenancy.TenantID]tenancy.Epochs
	reads map[tenancy.TenantID]int
	down  error
}

func newDatabase() *database {
	return &database{now: map[tenancy.TenantID]tenancy.Epochs{}, reads: map[tenancy.TenantID]int{}}
}

func (d *database) read(_ context.Context, t tenancy.TenantID) (tenancy.Epochs, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads[t]++
	return d.now[t], d.down
}

func (d *database) set(t tenancy.TenantID, e tenancy.Epochs, down error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now[t], d.down = e, down
}

func (d *database) count(t tenancy.TenantID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads[t]
}

// However many wait, the tenant is looked at once a while; nobody is looked at for whom nobody waits.
func TestOneLookForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		a, b := tenancy.TenantID(uuid.New()), tenancy.TenantID(uuid.New())
		first := tenancy.Epochs{Policy: 1, Org: 1, Revocation: 1}
		d.set(a, first, nil)
		w := epochs.NewWatcher(d.read, 500*time.Millisecond, slog.New(slog.DiscardHandler))
		var told sync.WaitGroup
		var all []*epochs.Listener
		for range 1000 {
			l := w.Listen(a)
			all = append(all, l)
			told.Go(func() {
				if err := l.Wait(t.Context(), first); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := d.count(a); n != 21 || w.Watched() != 1 {
			t.Errorf("%d looks in ten seconds, %d tenants", n, w.Watched())
		}
		d.set(a, tenancy.Epochs{Policy: 2, Org: 1, Revocation: 1}, nil)
		before := time.Now()
		told.Wait()
		if waited := time.Since(before); waited > 500*time.Millisecond {
			t.Errorf("told after %s", waited)
		}
		// a hint is as good as the next look, and hints in a row are one
		told.Go(func() {
			if err := all[0].Wait(t.Context(), tenancy.Epochs{Policy: 2, Org: 1, Revocation: 1}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		d.set(a, tenancy.Epochs{Policy: 2, Org: 2, Revocation: 1}, nil)
		n := d.count(a)
		before = time.Now()
		for range 100 {
			w.Hint(a)
			w.Hint(b) // nobody waits for it
		}
		told.Wait()
		if waited := time.Since(before); waited != 0 {
			t.Errorf("told %s after a hint", waited)
		}
		synctest.Wait()
		if looks := d.count(a) - n; looks < 1 || looks > 3 || d.count(b) != 0 {
			t.Errorf("%d looks for a hundred hints, %d at the other tenant", looks, d.count(b))
		}
		for _, l := range all {
			l.Close()
			l.Close() // once counts
		}
		w.Close() // returns: the look has ended
		if w.Watched() != 0 {
			t.Error("still looking")
		}
	})
}

// What a listener does not ask for is not kept: it sees the newest state once, and what it knows better is no news.
func TestASlowListenerSeesTheNewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		a := tenancy.TenantID(uuid.New())
		w := epochs.NewWatcher(d.read, time.Second, slog.New(slog.DiscardHandler))
		l := w.Listen(a)
		known := tenancy.Epochs{Policy: 1, Org: 1, Revocation: 1}
		for i := range 50 {
			d.set(a, tenancy.Epochs{Policy: int64(i + 1), Org: 1, Revocation: 1}, nil)
			time.Sleep(2 * time.Second)
		}
		if err := l.Wait(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, tenancy.Epochs{Policy: 50, Org: 1, Revocation: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told of what it knows: %v", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, tenancy.Epochs{Policy: 60, Org: 1, Revocation: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told of what is older than it knows: %v", err)
		}
		l.Close()
		w.Close()
	})
}

// While the database does not answer nobody is told anything, it is logged once, and afterwards all goes on.
func TestASilentDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		a := tenancy.TenantID(uuid.New())
		first := tenancy.Epochs{Policy: 1, Org: 1, Revocation: 1}
		d.set(a, first, nil)
		var log strings.Builder
		w := epochs.NewWatcher(d.read, time.Second, slog.New(slog.NewTextHandler(&log, nil)))
		l := w.Listen(a)
		synctest.Wait()
		d.set(a, tenancy.Epochs{}, errors.New("down"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, first); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told by silence: %v", err)
		}
		d.set(a, tenancy.Epochs{Policy: 1, Org: 1, Revocation: 2}, nil)
		if err := l.Wait(t.Context(), first); err != nil {
			t.Error(err)
		}
		l.Close()
		w.Close()
		if n := strings.Count(log.String(), "cannot be read"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}
