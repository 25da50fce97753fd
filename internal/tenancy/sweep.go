package tenancy

import (
	"context"
	"time"
)

// Sweep visits every active tenant, at once and then every interval, until ctx ends. One tenant's failure does not stop the others:
// failed is told of it, with the zero tenant when the list of tenants could not be read, and the next round tries again.
func (db *DB) Sweep(ctx context.Context, every time.Duration, visit func(ctx context.Context, tenant TenantID) error, failed func(tenant TenantID, err error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		tenants, err := db.Tenants(ctx, "active")
		if err != nil && ctx.Err() == nil {
			failed(TenantID{}, err)
		}
		for _, t := range tenants {
			if ctx.Err() != nil {
				return
			}
			if err := visit(ctx, t); err != nil && ctx.Err() == nil {
				failed(t, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
