package policyadmin_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Two programs on one database decide without pause while one of them publishes: a decision that begins after a publishing
// has returned is made by that version or a later one, and says what that version says.
func TestAVersionIsInForceEverywhereWhenPublishingReturns(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	other, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: x.Database.App, AuthnURL: x.Database.Authn, SystemURL: x.Database.System, MaxConns: 4}, x.Clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	elsewhere, err := access.New(other, 10)
	if err != nil {
		t.Fatal(err)
	}
	var inForce, decisions, stale, wrong atomic.Int64
	inForce.Store(1)
	ctx, stop := context.WithCancel(t.Context())
	var workers, started sync.WaitGroup
	for _, replica := range []struct {
		db     *tenancy.DB
		rights *access.Provider
	}{{x.DB, x.Access}, {other, elsewhere}} {
		for range 2 {
			started.Add(1)
			workers.Go(func() {
				for first := true; ctx.Err() == nil; first = false {
					known := inForce.Load()
					err := replica.db.InTx(context.WithoutCancel(ctx), x.Nobody.Session, func(ctx context.Context, tx *tenancy.Tx) error {
						rights, err := replica.rights.For(ctx, tx)
						if err != nil {
							return err
						}
						d := rights.Decide(policy.OnAudit, policy.Read, &policy.Row{})
						decisions.Add(1)
						if d.Version < known {
							stale.Add(1)
						}
						if d.Allow != (d.Version%2 == 0) { // the even versions have the line, the odd ones have it not
							wrong.Add(1)
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
					if first {
						started.Done()
					}
				}
			})
		}
	}
	started.Wait()
	var between int64
	for n := int64(1); n <= 12; n++ {
		if n%2 == 1 {
			published(t, x, drafted(t, x, n, []policyadmin.Rule{allow()}))
		} else {
			published(t, x, drafted(t, x, n, nil, rules(t, x, n)))
		}
		inForce.Store(n + 1)
		between = decisions.Load()
	}
	stop()
	workers.Wait()
	t.Logf("%d decisions by two programs over 12 publishings", decisions.Load())
	if stale.Load() != 0 || wrong.Load() != 0 || between == 0 {
		t.Errorf("of %d decisions %d by an old version, %d against their version", decisions.Load(), stale.Load(), wrong.Load())
	}
}
