package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/tenancy"
)

// floor is what somebody would write by hand for these few requests and these three roles: typed rows, pipelines, text
// appended. Its walls are the product's: the application's database role under row-level security, the tenant set for the
// transaction in the first pipeline, prepared statements, tokens known by hash and checked against the versions that every
// transaction returns.
type floor struct {
	app, authn *pgxpool.Pool
	queries    map[string]*queries // by role
	sealer     *audit.Sealer

	mu     sync.RWMutex
	actors map[[32]byte]*actor // by token hash
}

// actor is what is known of a token, at some versions of the tenant's rights.
type actor struct {
	tenant, account, staff, credential uuid.UUID
	tenantText, login, name            string
	expires                            time.Time
	role                               string
	departments                        []uuid.UUID // that a manager's subtree has
	versions                           versions
}

type versions struct{ policy, org, revocation int64 }

type call struct {
	Operation string `json:"operation"`
	Variables struct {
		ID, Grade, Client, Version, Address, Key string
	} `json:"variables"`
}

func newFloor(ctx context.Context) (http.Handler, error) {
	f := &floor{actors: map[[32]byte]*actor{}, queries: allQueries()}
	for _, p := range []struct {
		pool **pgxpool.Pool
		url  string
	}{{&f.app, os.Getenv(appVariable)}, {&f.authn, os.Getenv(authnVariable)}} {
		c, err := pgxpool.ParseConfig(p.url)
		if err != nil {
			return nil, err
		}
		c.MaxConns = 16
		c.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
			tenancy.FastUUIDs(conn.TypeMap())
			return nil
		}
		c.ConnConfig.RuntimeParams["timezone"], c.ConnConfig.RuntimeParams["jit"] = "UTC", "off"
		if *p.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
			return nil, err
		}
	}
	// What is recorded is sealed behind the answers, as in the product and by the same code.
	s, tel, err := services(ctx)
	if err != nil {
		return nil, err
	}
	key, err := trailKey()
	if err != nil {
		return nil, err
	}
	if f.sealer, err = audit.NewSealer(s.DB, key, nil, tel.Log); err != nil {
		return nil, err
	}
	go f.sealer.Run(ctx)
	return http.HandlerFunc(f.serve), nil
}

var (
	errSignIn = errors.New("not signed in")
	errMoved  = errors.New("rights have moved")
	errAbsent = errors.New("no such client, or not to be seen")
	errStale  = errors.New("another version is current")
)

func (f *floor) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var c call
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	out, err := f.answer(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &c, (*buf)[:0])
	*buf = out[:0]
	switch {
	case errors.Is(err, errSignIn):
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
	}
}

// buffers of answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// answer finds the actor and, where his rights have moved since they were read, reads them anew.
func (f *floor) answer(ctx context.Context, token string, c *call, out []byte) ([]byte, error) {
	h := sha256.New()
	h.Write([]byte("clientele/token\x00"))
	h.Write([]byte(token))
	key := [32]byte(h.Sum(nil))
	f.mu.RLock()
	a := f.actors[key]
	f.mu.RUnlock()
	for range 3 {
		if a == nil {
			var err error
			if a, err = f.find(ctx, key); err != nil {
				return out, err
			}
			f.mu.Lock()
			f.actors[key] = a
			f.mu.Unlock()
		}
		b, err := f.operation(ctx, a, c, out)
		if !errors.Is(err, errMoved) {
			return b, err
		}
		a = nil
	}
	return out, errMoved
}

func (f *floor) operation(ctx context.Context, a *actor, c *call, out []byte) ([]byte, error) {
	q := f.queries[a.role]
	if q == nil {
		return out, errSignIn
	}
	conn, err := f.app.Acquire(ctx)
	if err != nil {
		return out, err
	}
	defer conn.Release()
	t := &transaction{ctx: ctx, conn: conn, actor: a}
	defer t.end()
	switch c.Operation {
	case "client":
		return f.client(t, q, c, out)
	case "page":
		return f.page(t, q, out)
	case "list":
		return f.list(t, q, c, out)
	case "change":
		return f.change(t, q, c, out)
	case "viewer":
		return f.viewer(t, out)
	}
	return out, errors.New("no such operation")
}

// find reads whose token it is, his role and where he stands.
func (f *floor) find(ctx context.Context, key [32]byte) (*actor, error) {
	a := &actor{}
	err := f.authn.QueryRow(ctx, `SELECT tenant_id, subject_id FROM auth_directory WHERE lookup_hash = $1 AND kind = 'session'`, key[:]).Scan(&a.tenant, &a.credential)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errSignIn
	}
	if err != nil {
		return nil, err
	}
	a.tenantText = a.tenant.String()
	conn, err := f.app.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	t := &transaction{ctx: ctx, conn: conn, actor: a, fresh: true}
	defer t.end()
	b := t.begin(beginRead)
	b.Queue(`SELECT a.id, a.staff_id, a.login, a.display_name, c.expires_at FROM sessions c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND c.token_hash = $3 AND c.revoked_at IS NULL AND a.state = 'active'`, a.tenant, a.credential, key[:])
	b.Queue(`SELECT r.key FROM sessions c JOIN role_bindings b ON b.tenant_id = c.tenant_id AND b.account_id = c.account_id JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND b.revoked_at IS NULL AND r.state = 'active'`, a.tenant, a.credential)
	b.Queue(`WITH RECURSIVE tree AS (
			SELECT e.department_id AS id FROM sessions c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
			JOIN employments e ON e.tenant_id = a.tenant_id AND e.staff_id = a.staff_id AND e.valid_until IS NULL WHERE c.tenant_id = $1 AND c.id = $2
			UNION SELECT d.id FROM departments d JOIN tree ON d.parent_id = tree.id WHERE d.tenant_id = $1)
		SELECT array_agg(id) FROM tree`, a.tenant, a.credential)
	err = t.send(b, func(br pgx.BatchResults) error {
		if err := br.QueryRow().Scan(&a.account, &a.staff, &a.login, &a.name, &a.expires); err != nil {
			return err
		}
		if err := br.QueryRow().Scan(&a.role); err != nil {
			return err
		}
		return br.QueryRow().Scan(&a.departments)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errSignIn
	}
	a.versions = t.versions
	return a, err
}
