package isolation

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/internal/testkit/world"
)

// recorder keeps the statements that were sent with up to four of their arguments, preferring those with B's ids.
type recorder struct {
	mu      sync.Mutex
	sent    map[string][][]any
	tenants sync.Map // uuid.UUID of the tenants that act
	foreign map[uuid.UUID]bool
	other   uuid.UUID   // B
	theirs  atomic.Bool // B's own session asks, or a side is being filled: nothing of it is kept
}

// aside runs what B's own session sends, and what fills a side, which is done before it is known who acts.
func (r *recorder) aside(fn func()) {
	r.theirs.Store(true)
	defer r.theirs.Store(false)
	fn()
}

var (
	_ pgx.QueryTracer = (*recorder)(nil)
	_ pgx.BatchTracer = (*recorder)(nil)
)

// watch makes the ids of the side those that are looked for. What was sent before, while sides were filled, is nobody's: arguments
// of it could stand for a statement that an acting tenant sends later.
func (r *recorder) watch(b *side) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = map[string][][]any{}
	r.foreign, r.other = map[uuid.UUID]bool{}, b.ID
	for _, id := range b.ids {
		r.foreign[id] = true
	}
}

func (r *recorder) keep(sql string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.theirs.Load() || r.inTenantOf(args) == r.other && r.other != uuid.Nil {
		return
	}
	n := len(r.sent[sql])
	names := slices.ContainsFunc(args, func(a any) bool {
		u, ok := asUUID(a)
		return ok && r.foreign[u]
	})
	if n == 0 || names && n < 4 {
		r.sent[sql] = append(r.sent[sql], slices.Clone(args))
	}
}

// inTenantOf is the first acting tenant among the arguments, or else B where it is one of them: what B's sessions send, and
// what is done in B behind requests.
func (r *recorder) inTenantOf(args []any) uuid.UUID {
	found := uuid.Nil
	for _, a := range args {
		u, ok := asUUID(a)
		if _, acts := r.tenants.Load(u); ok && acts {
			return u
		}
		if ok && u == r.other {
			found = u
		}
	}
	return found
}

func asUUID(a any) (uuid.UUID, bool) {
	switch x := a.(type) {
	case uuid.UUID:
		return x, true
	case *uuid.UUID:
		if x != nil {
			return *x, true
		}
	case [16]byte:
		return x, true
	}
	return uuid.Nil, false
}

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.keep(d.SQL, d.Args)
	return ctx
}
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		r.keep(q.SQL, q.Arguments)
	}
	return ctx
}
func (r *recorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

var (
	bound  = regexp.MustCompile(`((?:"?\w+"?\.)?"?tenant_id"?) = (\$\d+)`)
	joined = regexp.MustCompile(`"?\w+"?\."?tenant_id"? = "?\w+"?\."?tenant_id"?`)
)

// orFail turns a change of no row into a division by zero: what was sent has changed its row already, and is stale when sent again.
const orFail = "1 / (CASE count(*) WHEN 1 THEN 1 ELSE 0 END)"

// withoutPredicates is the statement with nothing that holds it to a tenant but row-level security.
func withoutPredicates(sql string) string {
	return joined.ReplaceAllString(bound.ReplaceAllString(sql, "($2::uuid IS NOT NULL)"), "true")
}

// replay sends every statement again, without its tenant predicates, as the application with A's tenant set: nothing of B
// comes back and nothing of B changes. Then once more with the walls open, where both have to be seen.
func (r *recorder) replay(t *testing.T, w *world.World, b *side) {
	t.Helper()
	stripped := r.stripped(t)
	ran, leaks := r.once(t, w, b, stripped)
	t.Logf("%d of %d statements ran without their predicates; %d leaked", ran, len(stripped), len(leaks))
	for _, l := range leaks {
		t.Errorf("row-level security alone lets through: %s", l)
	}
	if ran < len(stripped)-1 || ran < 40 { // the event's number is a row of one tenant: without the predicate it is several
		t.Errorf("only %d of %d statements ran: the replay shows little", ran, len(stripped))
	}
	openWalls(t, w)
	// An INSERT cannot leak, nor what asks by a key of A's; but what asks by an id or a state alone does.
	_, leaks = r.once(t, w, b, stripped)
	t.Logf("with the walls open %d leak", len(leaks))
	if len(leaks) < 15 {
		t.Errorf("with the walls open only %d of %d statements leak: the replay shows nothing", len(leaks), len(stripped))
	}
}

// stripped maps what was sent to the same without predicates. What has none is an INSERT, which the walls' WITH CHECK
// judges by its row, or ends and begins transactions, or is the system role's list of tenants, which has their ids and states
// alone; anything else is a statement that forgot its tenant.
func (r *recorder) stripped(t *testing.T) map[string]string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[string]string{}
	for sql := range r.sent {
		bare := withoutPredicates(sql)
		word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(sql)), " ")
		switch {
		case bare != sql:
			m[sql] = strings.Replace(bare, orFail, "count(*)", 1) // it runs to its end, whatever it changes
		case word == "insert" && strings.Contains(sql, "tenant_id"), word == "begin", word == "commit", word == "rollback", strings.Contains(sql, "set_config"), strings.Contains(sql, "pg_"),
			strings.Contains(sql, "auth_directory WHERE lookup_hash"), strings.HasPrefix(sql, "SELECT tenant_id FROM tenants WHERE state"), strings.Contains(sql, "goose_db_version"), strings.Contains(sql, "server_version_num"), sql == "-- ping":
		default:
			t.Errorf("a statement without a tenant predicate: %s", sql)
		}
	}
	return m
}

func (r *recorder) once(t *testing.T, w *world.World, b *side, stripped map[string]string) (ran int, leaks []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	r.mu.Lock()
	defer r.mu.Unlock()
	for sql, bare := range stripped {
		worked, leaked := false, false
		for _, args := range r.sent[sql] {
			ok, leak := r.send(t, conn, b, bare, args)
			worked, leaked = worked || ok, leaked || leak
		}
		if worked {
			ran++
		} else {
			t.Logf("did not run: %.2000s", bare)
		}
		if leaked {
			leaks = append(leaks, bare)
		}
	}
	return ran, leaks
}

// send runs one statement and takes it back; once more where the server's own work behind the requests came between.
func (r *recorder) send(t *testing.T, conn *pgx.Conn, b *side, sql string, args []any) (ran, leaked bool) {
	t.Helper()
	tenant := uuid.Nil
	for _, a := range args {
		if u, ok := asUUID(a); ok {
			if _, known := r.tenants.Load(u); known {
				tenant = u
			}
		}
	}
	if tenant == uuid.Nil {
		return false, false
	}
	for {
		leaked, err := r.try(t, conn, b, tenant, sql, args)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "40001" {
			continue
		}
		return err == nil, leaked
	}
}

// try runs one statement in a snapshot: what is sealed or marked in B meanwhile is no change by the statement.
func (r *recorder) try(t *testing.T, conn *pgx.Conn, b *side, tenant uuid.UUID, sql string, args []any) (leaked bool, err error) {
	t.Helper()
	ctx := t.Context()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // it is taken back in any case
	changes, before := !strings.HasPrefix(strings.TrimSpace(sql), "SELECT"), ""
	if changes {
		before = b.everythingIn(tx)
	}
	if _, err := tx.Exec(ctx, `SELECT set_config('app.tenant_id', $1, true), set_config('app.now', now()::text, true), set_config('role', 'clientele_app', true)`, tenant.String()); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	for rows.Next() {
		for _, v := range rows.RawValues() {
			leaked = leaked || bytes.Contains(v, []byte(b.mark)) || bytes.Contains(v, b.ID[:])
			for _, id := range b.ids {
				leaked = leaked || bytes.Equal(v, id[:])
			}
		}
	}
	// B's own ids come back where they were sent, as in RETURNING or SELECT $2; B's mark never was.
	if rows.Err() != nil {
		return leaked, rows.Err()
	}
	if changes {
		if _, err := tx.Exec(ctx, `RESET ROLE`); err != nil {
			t.Fatal(err)
		}
		leaked = leaked || b.everythingIn(tx) != before
	}
	return leaked, nil
}

// openWalls switches row-level security off, which start-up would refuse: the program has looked already.
func openWalls(t *testing.T, w *world.World) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `DO $$ DECLARE t regclass; BEGIN
		FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity LOOP
			EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t);
			EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t);
		END LOOP; END $$`); err != nil {
		t.Fatal(err)
	}
}
