package tenancy_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
)

// world is a database with two tenants behind its walls.
type world struct {
	*testkit.Database
	db    *tenancy.DB
	clock *clock.Clock
	a, b  tenant
}

// tenant has a staff member with an account and a session of an hour, a department and companies as rows to look at.
type tenant struct {
	id                                 tenancy.TenantID
	company, department, staff, client uuid.UUID
	account, session                   uuid.UUID
	name                               string
}

func newWorld(t *testing.T, configure ...func(*tenancy.Config)) *world {
	t.Helper()
	w := &world{Database: testkit.NewDatabase(t), clock: clock.New()}
	cfg := tenancy.Config{AppURL: w.App, AuthnURL: w.Authn, SystemURL: w.System, MaxConns: 4}
	for _, c := range configure {
		c(&cfg)
	}
	db, err := tenancy.Open(t.Context(), cfg, w.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w.db = db
	w.a, w.b = w.seed(t, "alpha"), w.seed(t, "beta")
	return w
}

func (w *world) seed(t *testing.T, name string) tenant {
	t.Helper()
	n := tenant{
		id: tenancy.TenantID(uuid.New()), company: uuid.New(), department: uuid.New(), staff: uuid.New(),
		client: uuid.New(), account: uuid.New(), session: uuid.New(), name: name,
	}
	err := w.db.InTx(t.Context(), tenancy.ForSystem(n.id, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
		id, now := n.id.UUID(), tx.Now()
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) VALUES ($1, $2, $2, $3, $3)`, id, name, now)
		b.Queue(`INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, id)
		b.Queue(`INSERT INTO tenant_counters (tenant_id) VALUES ($1)`, id)
		b.Queue(`INSERT INTO companies (tenant_id, id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`, id, n.company, name+" company", now)
		b.Queue(`INSERT INTO departments (tenant_id, id, company_id, kind, name, created_at, updated_at) VALUES ($1, $2, $3, 'DEPARTMENT', $4, $5, $5)`, id, n.department, n.company, name+" sales", now)
		b.Queue(`INSERT INTO staff (tenant_id, id, number, name, created_at, updated_at) VALUES ($1, $2, '1', $3, $4, $4)`, id, n.staff, name+" staff", now)
		b.Queue(`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at) VALUES ($1, $2, $3, 'one', $4, $5, $5)`, id, n.account, n.staff, name, now)
		b.Queue(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, decode(repeat('00', 32), 'hex'), $4, $4, $5)`,
			id, n.session, n.account, now, now.Add(time.Hour))
		b.Queue(`INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, 'C1', $5, $6, $6)`,
			id, n.client, n.company, n.department, name+" client", now)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		t.Fatalf("seed %s: %v", name, err)
	}
	return n
}

// session is a new session of the tenant's one account.
func (w *world) session(n tenant) *tenancy.Session {
	return &tenancy.Session{Tenant: n.id, Language: "en", Actor: tenancy.Actor{
		Kind: tenancy.StaffActor, Account: n.account, Staff: n.staff,
		Credential: n.session, CredentialKind: tenancy.SessionCredential, Expires: w.clock.Now().Add(time.Hour),
	}}
}

func (w *world) inTx(t *testing.T, n tenant, fn func(ctx context.Context, tx *tenancy.Tx) error) {
	t.Helper()
	if err := w.db.InTx(t.Context(), w.session(n), fn); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// must runs statements one by one.
func must(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// count runs a query of one number.
func count(t *testing.T, conn interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, sql string, args ...any,
) int {
	t.Helper()
	var n int
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}
