package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/policy"
)

// world is a database with two tenants, and a superuser who stands behind the walls.
type world struct {
	db     *tenancy.DB
	dsn    *testkit.Database
	clock  *clock.Clock
	ids    *id.Source
	super  *pgx.Conn
	tenant tenancy.TenantID
	other  tenancy.TenantID
	key    *Key
	keys   note.Verifiers
	sealer *Sealer
	writer *Writer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dsn: testkit.NewDatabase(t), clock: clock.New(), ids: id.NewSource(time.Now, rand.Reader)}
	w.db = w.open(t)
	var err error
	if w.super, err = pgx.Connect(t.Context(), w.dsn.Superuser); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.super.Close(context.Background()) })
	w.exec(t, `SET session_replication_role = replica`) // no trigger and no foreign key stops a superuser
	w.tenant, w.other = w.newTenant(t, "north"), w.newTenant(t, "south")
	w.key = newKey(t)
	w.keys = verifiers(t, w.key.Public())
	w.sealer = w.newSealer(t, w.db)
	w.writer = NewWriter(w.db, w.ids, quiet(), WriterConfig{}, nil)
	return w
}

func (w *world) open(t testing.TB) *tenancy.DB {
	t.Helper()
	db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: w.dsn.App, AuthnURL: w.dsn.Authn, SystemURL: w.dsn.System}, w.clock, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func (w *world) newTenant(t testing.TB, slug string) tenancy.TenantID {
	t.Helper()
	u := w.ids.New()
	w.exec(t, `INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) VALUES ($1, $2, $2, now(), now())`, u, slug)
	w.exec(t, `INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, u)
	w.exec(t, `INSERT INTO tenant_counters (tenant_id) VALUES ($1)`, u)
	return tenancy.TenantID(u)
}

func (w *world) newSealer(t testing.TB, db *tenancy.DB) *Sealer {
	t.Helper()
	s, err := NewSealer(db, w.key, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKey(t testing.TB) *Key {
	t.Helper()
	private, _, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verifiers(t testing.TB, public ...string) note.Verifiers {
	t.Helper()
	v, err := Verifiers(public...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// exec runs a statement as superuser.
func (w *world) exec(t testing.TB, sql string, args ...any) int64 {
	t.Helper()
	tag, err := w.super.Exec(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

func (w *world) number(t testing.TB, sql string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := w.super.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (w *world) staff(tenant tenancy.TenantID) *tenancy.Session {
	return &tenancy.Session{
		Tenant: tenant, RequestID: "req-1", Language: "en",
		Actor: tenancy.Actor{Kind: tenancy.StaffActor, Account: w.ids.New(), Credential: w.ids.New(), Name: "王敏", Expires: time.Now().Add(time.Hour)},
	}
}

// record writes n records with a value in every column.
func (w *world) record(t testing.TB, tenant tenancy.TenantID, n int) {
	t.Helper()
	for i := range n {
		w.exec(t, `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type,
			object_id, object_version, reason, rule_id, clause, detail, request_id, occurred_at)
			VALUES ($1, $2, 'change', 'client.changeProfile', 'staff', $3, '王敏', $4, 'Client', $5, $6, 'R', $7, '6.4', $8, 'req', now())`,
			tenant.UUID(), w.ids.New(), w.ids.New(), w.ids.New(), w.ids.New(), i+1, w.ids.New(),
			fmt.Sprintf(`{"changes": [{"field": "name", "old": "<旧> \"%d\"", "new": 1.50}]}`, i))
	}
}

// seal seals what is there and signs a checkpoint.
func (w *world) seal(t testing.TB, tenant tenancy.TenantID) {
	t.Helper()
	if _, err := w.sealer.Checkpoint(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
}

func (w *world) verify(t testing.TB, tenant tenancy.TenantID, witness ...string) Report {
	t.Helper()
	r, err := Verify(t.Context(), FromDatabase(t.Context(), w.db, tenancy.ForSystem(tenant, tenancy.SystemOperator)), w.keys, witness...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func client(w *world) Opening { return Opening{Type: "Client", ID: w.ids.New(), Act: "read"} }

func credit(w *world) Opening {
	return Opening{Type: "Client", ID: w.ids.New(), Act: "reveal", Groups: []policy.Object{policy.ClientCredit}}
}

// eventually polls a condition until it holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not come about: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func mustID(t testing.TB, w *world, tenant tenancy.TenantID, number int64) uuid.UUID {
	t.Helper()
	var u uuid.UUID
	if err := w.super.QueryRow(context.Background(), `SELECT id FROM audit_records WHERE tenant_id = $1 AND seal_seq = $2`, tenant.UUID(), number).Scan(&u); err != nil {
		t.Fatal(err)
	}
	return u
}
