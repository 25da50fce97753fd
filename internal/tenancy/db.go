package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/clientele/clientele/internal/clock"
)

// Config says which servers and how.
type Config struct {
	AppURL    string // all tenant work; role without superuser, BYPASSRLS and ownership
	AuthnURL  string // the sign-in directory alone
	SystemURL string // tenant ids and counters alone
	// MaxConns of the application's pool; 0 means 16. The other two pools have 4.
	MaxConns int32
	// TransactionPooler is set when a pooler in transaction mode (PgBouncer) stands before the server: statements are then
	// described once but never kept prepared on a connection.
	TransactionPooler bool
	// Tracer sees every statement; nil for none.
	Tracer pgx.QueryTracer
}

// DB holds the pools. Nothing else in the product opens a database handle but migrations, which run before it.
type DB struct {
	app     *pgxpool.Pool
	authn   *pgxpool.Pool
	system  *pgxpool.Pool
	clock   *clock.Clock
	log     *slog.Logger
	headers [2]string    // by planning
	newer   atomic.Int64 // the version of a newer schema that was told of
}

// Open connects and runs the start-up checks of the server and of the roles; each refusal is a *StartupError with a remedy.
func Open(ctx context.Context, cfg Config, clk *clock.Clock, log *slog.Logger) (*DB, error) {
	db := &DB{clock: clk, log: log, headers: headers(cfg.TransactionPooler)}
	maxConns := cfg.MaxConns
	if maxConns == 0 {
		maxConns = 16
	}
	for _, p := range []struct {
		pool **pgxpool.Pool
		url  string
		what string
		max  int32
	}{
		{&db.app, cfg.AppURL, "application", maxConns},
		{&db.authn, cfg.AuthnURL, "sign-in", 4},
		{&db.system, cfg.SystemURL, "system", 4},
	} {
		pool, err := openPool(ctx, p.url, p.max, cfg)
		if err != nil {
			db.Close()
			return nil, startupError(p.what, err)
		}
		*p.pool = pool
	}
	if err := db.check(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func openPool(ctx context.Context, url string, maxConns int32, cfg Config) (*pgxpool.Pool, error) {
	if url == "" {
		return nil, errors.New("no connection URL is set")
	}
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	pc.MaxConns = maxConns
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.ConnConfig.ConnectTimeout = 10 * time.Second
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pc.ConnConfig.RuntimeParams["application_name"] = "clientele"
	pc.ConnConfig.Tracer = cfg.Tracer
	pc.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		FastUUIDs(c.TypeMap())
		if cfg.TransactionPooler {
			return nil
		}
		_, err := c.PgConn().Exec(ctx, jitOff).ReadAll() // of the connection, and no request's: it is not traced
		return err
	}
	if cfg.TransactionPooler {
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Close ends the pools; transactions under way are waited for.
func (db *DB) Close() {
	for _, p := range []*pgxpool.Pool{db.app, db.authn, db.system} {
		if p != nil {
			p.Close()
		}
	}
}

// Ping says whether the application's server answers; for readiness.
func (db *DB) Ping(ctx context.Context) error { return db.app.Ping(ctx) }

// Ready says whether the server answers and its schema is new enough for this program; for readiness.
func (db *DB) Ready(ctx context.Context) error { return db.checkSchema(ctx) }

// PoolStat is a snapshot of the application pool's figures; for metrics.
func (db *DB) PoolStat() *pgxpool.Stat { return db.app.Stat() }

// DirectoryKind says what a directory hash was made of.
type DirectoryKind string

// Kinds of directory entries: tenant = slug, login = slug/login, session and token = the bearer token.
const (
	DirectoryTenant  DirectoryKind = "tenant"
	DirectoryLogin   DirectoryKind = "login"
	DirectorySession DirectoryKind = "session"
	DirectoryToken   DirectoryKind = "token"
)

// Lookup reads the sign-in directory: the one thing read before a tenant is known, by a role that can read nothing else.
// hash is SHA-256 (32 bytes); subject is the account, session or token (the tenant itself for DirectoryTenant).
func (db *DB) Lookup(ctx context.Context, hash []byte) (kind DirectoryKind, tenant TenantID, subject uuid.UUID, found bool, err error) {
	var t uuid.UUID
	err = db.authn.QueryRow(ctx, `SELECT kind, tenant_id, subject_id FROM auth_directory WHERE lookup_hash = $1`, hash).Scan(&kind, &t, &subject)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", TenantID{}, uuid.Nil, false, nil
	}
	if err != nil {
		return "", TenantID{}, uuid.Nil, false, fmt.Errorf("tenancy: sign-in directory: %w", err)
	}
	return kind, TenantID(t), subject, true, nil
}

// Tenants lists the ids of all tenants in the given state, for sweeps; the work itself then runs per tenant.
func (db *DB) Tenants(ctx context.Context, state string) ([]TenantID, error) {
	rows, err := db.system.Query(ctx, `SELECT tenant_id FROM tenants WHERE state = $1 ORDER BY tenant_id`, state)
	if err != nil {
		return nil, fmt.Errorf("tenancy: tenants: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("tenancy: tenants: %w", err)
	}
	out := make([]TenantID, len(ids))
	for i, u := range ids {
		out[i] = TenantID(u)
	}
	return out, nil
}
