package identitytest

import (
	"context"
	"maps"
	"testing"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// Footprint is everything that acts leave in a tenant.
type Footprint struct {
	Tables   map[string]string // content of each table, hashed
	Events   int64
	Changes  int64 // audit records of changes
	Refusals int64
	Epochs   tenancy.Epochs
}

func tables() []string {
	return []string{
		"tenants", "tenant_epochs", "tenant_counters", "companies", "companies_history", "departments", "departments_history", "positions", "positions_history",
		"staff", "staff_history", "employments", "employments_history", "accounts", "accounts_history", "sessions", "api_tokens", "auth_directory", "roles",
		"role_bindings", "role_bindings_history", "policy_versions", "policy_rules", "access_grants", "access_grants_history", "clients", "idempotency_keys", "events",
	}
}

// Footprint takes it now.
func (x *Tenant) Footprint(t testing.TB) Footprint {
	t.Helper()
	f := Footprint{Tables: map[string]string{}}
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		f.Epochs = tx.Epochs()
		for _, table := range tables() {
			var hash string
			if err := tx.QueryRow(ctx, `SELECT count(*) || ' ' || COALESCE(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM `+table+` x WHERE tenant_id = $1`, x.ID.UUID()).Scan(&hash); err != nil {
				return err
			}
			f.Tables[table] = hash
		}
		return tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM events WHERE tenant_id = $1),
			count(*) FILTER (WHERE kind IN ('change', 'operator')), count(*) FILTER (WHERE kind = 'refusal') FROM audit_records WHERE tenant_id = $1`,
			x.ID.UUID()).Scan(&f.Events, &f.Changes, &f.Refusals)
	})
	return f
}

// Unchanged fails the test unless nothing at all remains of an act, but for the given number of refusals in the audit.
func (x *Tenant) Unchanged(t testing.TB, before Footprint, refusals int64) {
	t.Helper()
	after := x.Footprint(t)
	for table := range maps.Keys(after.Tables) {
		if before.Tables[table] != after.Tables[table] {
			t.Errorf("%s changed: %s, before %s", table, after.Tables[table], before.Tables[table])
		}
	}
	if after.Epochs != before.Epochs || after.Changes != before.Changes {
		t.Errorf("epochs %v, before %v; %d changes audited, before %d", after.Epochs, before.Epochs, after.Changes, before.Changes)
	}
	if got := after.Refusals - before.Refusals; got != refusals {
		t.Errorf("%d refusals audited, want %d", got, refusals)
	}
}

// Refused fails the test unless err has exactly the given refusals, each "CODE REASON field" ("" for no field: the last space stays out).
func Refused(t testing.TB, err error, want ...string) {
	t.Helper()
	list, ok := fault.As(err)
	if !ok {
		t.Errorf("got %v, want %v", err, want)
		return
	}
	var got []string
	for _, e := range list {
		s := string(e.Code) + " " + e.Reason
		if e.Field != "" {
			s += " " + e.Field
		}
		got = append(got, s)
		if e.Message.ZH == "" || e.Message.EN == "" {
			t.Errorf("%s speaks one language only", s)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			return
		}
	}
}
