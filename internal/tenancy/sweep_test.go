package tenancy_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/tenancy"
)

// A tenant whose visit fails does not keep the others from theirs, and is visited again in the next round.
func TestOneTenantsFailureStopsNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	broken := errors.New("broken")
	visits, failures := map[tenancy.TenantID]int{}, map[tenancy.TenantID]int{}
	w.db.Sweep(ctx, time.Millisecond, func(_ context.Context, tenant tenancy.TenantID) error {
		visits[tenant]++
		if visits[w.a.id] >= 3 && visits[w.b.id] >= 3 {
			cancel()
			return nil
		}
		if tenant == w.a.id {
			return broken
		}
		return nil
	}, func(tenant tenancy.TenantID, err error) {
		if !errors.Is(err, broken) {
			t.Errorf("failed: %v", err)
		}
		failures[tenant]++
	})
	if failures[w.a.id] < 2 || failures[w.b.id] != 0 || len(visits) != 2 {
		t.Errorf("visits %v, failures %v", visits, failures)
	}
}
