package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
)

// An administrator who is suspended while his act waits for the tenant's epochs does nothing any more.
func TestWhoIsSuspendedWhileHeWaitsActsNoMore(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	second := x.Person(t, "second", "tenant_admin")
	if !alive(t, x, second.Session) {
		t.Fatal("the session never lived")
	}
	watch, err := pgx.Connect(t.Context(), x.Database.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(context.WithoutCancel(t.Context()))
	outcome := make(chan error, 1)
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE tenant_epochs SET revocation_version = revocation_version WHERE tenant_id = $1`, x.ID.UUID()); err != nil {
			return err
		}
		go func() {
			_, err := x.Identity.RoleBind(context.WithoutCancel(ctx), second.Session, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "vip_officer"}, identitytest.Key())
			outcome <- err
		}()
		waitForLock(ctx, t, watch)
		_, err := tx.Exec(ctx, `UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, x.ID.UUID(), second.Account)
		return err
	})
	identitytest.Refused(t, <-outcome, "UNAUTHENTICATED UNAUTHENTICATED")
	var bindings int
	x.Scan(t, `SELECT count(*) FROM role_bindings WHERE tenant_id = $1 AND account_id = $2`, []any{x.Nobody.Account}, &bindings)
	if bindings != 1 {
		t.Errorf("%d bindings", bindings)
	}
}

func waitForLock(ctx context.Context, t *testing.T, watch *pgx.Conn) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		var waiting bool
		if err := watch.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waited")
		}
	}
}
