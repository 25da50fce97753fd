package authn_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
)

const password = "correct horse 电池"

// world is one tenant with accounts, on a database of its own.
type world struct {
	t      *testing.T
	base   *testkit.Database
	clock  *clock.Clock
	ids    *id.Source
	log    *bytes.Buffer
	tenant tenancy.TenantID
	hash   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, base: testkit.NewDatabase(t), clock: clock.New(), log: &bytes.Buffer{}, tenant: tenancy.TenantID(uuid.New())}
	w.ids = id.NewSource(w.clock.Now, rand.Reader)
	var err error
	if w.hash, err = credential.NewHasher(2).HashPassword(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	db := w.open()
	w.in(db, tenancy.ForSystem(w.tenant, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) VALUES ($1, 'acme', '测试公司', $2, $2)`, w.tenant.UUID(), tx.Now())
		b.Queue(`INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, w.tenant.UUID())
		b.Queue(`INSERT INTO tenant_counters (tenant_id) VALUES ($1)`, w.tenant.UUID())
		b.Queue(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'tenant', $1)`, w.tenant.UUID(), credential.SlugHash("acme"))
		return tx.SendBatch(ctx, b).Close()
	})
	return w
}

// open opens handles of their own, as another process would.
func (w *world) open() *tenancy.DB {
	w.t.Helper()
	db, err := tenancy.Open(w.t.Context(), tenancy.Config{AppURL: w.base.App, AuthnURL: w.base.Authn, SystemURL: w.base.System, MaxConns: 8}, w.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(db.Close)
	return db
}

func (w *world) in(db *tenancy.DB, s *tenancy.Session, fn func(context.Context, *tenancy.Tx) error) {
	w.t.Helper()
	if err := db.InTx(w.t.Context(), s, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) account(db *tenancy.DB, login string) uuid.UUID {
	w.t.Helper()
	account := uuid.New()
	w.in(db, tenancy.ForSystem(w.tenant, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO accounts (tenant_id, id, kind, login, display_name, password_hash, created_at, updated_at) VALUES ($1, $2, 'app', $3, '演示', $4, $5, $5)`,
			w.tenant.UUID(), account, login, w.hash, tx.Now())
		b.Queue(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'login', $3)`, w.tenant.UUID(), credential.LoginHash("acme", login), account)
		return tx.SendBatch(ctx, b).Close()
	})
	return account
}

func (w *world) token(db *tenancy.DB, account uuid.UUID, scopes string, life time.Duration) string {
	w.t.Helper()
	token, hash, display, err := credential.New(credential.APIToken, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.in(db, tenancy.ForSystem(w.tenant, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
		subject := uuid.New()
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, 'test', $4, $5, $6, $7, $8)`,
			w.tenant.UUID(), subject, account, display, hash, scopes, tx.Now().Add(-time.Hour), tx.Now().Add(life))
		b.Queue(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'token', $3)`, w.tenant.UUID(), hash, subject)
		return tx.SendBatch(ctx, b).Close()
	})
	return token
}

// exec runs a statement in the tenant, whose id is its first parameter.
func (w *world) exec(db *tenancy.DB, sql string, args ...any) {
	w.t.Helper()
	w.in(db, tenancy.ForSystem(w.tenant, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
		tag, err := tx.Exec(ctx, sql, append([]any{w.tenant.UUID()}, args...)...)
		if err == nil && tag.RowsAffected() == 0 {
			w.t.Fatalf("no row: %s", sql)
		}
		return err
	})
}

// count runs a query for one number, as a superuser.
func (w *world) count(sql string, args ...any) int {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.base.Superuser)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context())
	var n int
	if err := conn.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) service(db *tenancy.DB, change func(*authn.Config)) *authn.Service {
	w.t.Helper()
	c := authn.Config{
		DB: db, Hasher: credential.NewHasher(2), IDs: w.ids, Now: w.clock.Now, Limits: authn.DefaultLimits(),
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	s, err := authn.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// reply is an answer of the HTTP routes.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) reason() string {
	e, _ := r.body["error"].(map[string]any)
	reason, _ := e["reason"].(string)
	return reason
}

func (w *world) call(s *authn.Service, method, path, token, body string) reply {
	w.t.Helper()
	h, err := s.Handler(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Header(), text: rec.Body.String()}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.body); err != nil {
			out.body = nil
		}
	}
	return out
}

func (w *world) signIn(s *authn.Service, tenant, login, pass string) reply {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"tenant": tenant, "login": login, "password": pass})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.call(s, http.MethodPost, "/auth/sign-in", "", string(body))
}
