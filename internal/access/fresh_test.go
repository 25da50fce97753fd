package access_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// span is a change of somebody's right, or an observation of it, with the time that it took.
type span struct {
	begin, end time.Time
	allowed    bool
}

// stale gives the first observation that no order of changes explains: one that began after a change had returned must show it, or
// a change that had begun before the observation ended.
func stale(changes, observations []span) (span, bool) {
	for _, o := range observations {
		fine, before := false, span{}
		for _, c := range changes {
			switch {
			case !c.end.After(o.begin):
				before = c // the changes are in order: the last one counts
			case c.begin.Before(o.end):
				fine = fine || c.allowed == o.allowed
			}
		}
		if !fine && before.allowed != o.allowed {
			return o, true
		}
	}
	return span{}, false
}

func TestTheHistoryCheckerSees(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	changes := []span{{at(0), at(1), true}, {at(10), at(20), false}, {at(30), at(40), true}}
	for _, tt := range []struct {
		o    span
		want bool
	}{
		{span{at(2), at(3), true}, false},
		{span{at(2), at(3), false}, true},
		{span{at(2), at(11), false}, false},
		{span{at(2), at(11), true}, false}, // overlaps the change
		{span{at(20), at(21), false}, false},
		{span{at(20), at(21), true}, true}, // began as the change returned
		{span{at(21), at(29), true}, true},
		{span{at(45), at(46), false}, true},
	} {
		if _, found := stale(changes, []span{tt.o}); found != tt.want {
			t.Errorf("%+v: found %v, want %v", tt.o, found, tt.want)
		}
	}
}

// replica is one process's way to rights: a pool, a provider and a read gate of its own.
type replica struct {
	db       *tenancy.DB
	provider *access.Provider
	gate     *read.Gate
	doc      *ast.QueryDocument
}

func newReplica(t *testing.T, w *world.World, tenants int) *replica {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg := tenancy.Config{AppURL: w.App, AuthnURL: w.Authn, SystemURL: w.System, MaxConns: 6, TransactionPooler: w.Pooler}
	db, err := tenancy.Open(t.Context(), cfg, w.Clock, slog.New(slog.DiscardHandler))
	must(err)
	t.Cleanup(db.Close)
	r := &replica{db: db}
	r.provider, err = access.New(db, tenants)
	must(err)
	r.gate, err = read.New(db, r.provider, graph.Schema(), read.Config{CursorKey: make([]byte, 32), Now: w.Clock.Now})
	must(err)
	doc, errs := gqlparser.LoadQueryWithRules(graph.Schema(), `{ clients(first: 1) { nodes { id } } }`, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	r.doc = doc
	return r
}

// decides asks in a transaction of its own.
func (r *replica) decides(ctx context.Context, s *tenancy.Session, row *policy.Row) (allowed bool, err error) {
	err = r.db.InTx(ctx, s, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := r.provider.For(ctx, tx)
		if err == nil {
			allowed = rights.Decide(policy.OnClient, policy.Read, row).Allow
		}
		return err
	})
	return allowed, err
}

// lists asks the read gate whether the one client there is is shown.
func (r *replica) lists(ctx context.Context, s *tenancy.Session) (bool, error) {
	op := r.doc.Operations[0]
	a, err := r.gate.Query(ctx, s, r.doc, op, map[string]any{}, []*ast.Field{op.SelectionSet[0].(*ast.Field)})
	return strings.Contains(string(a.Data), `"id":"cli_`), err
}

// shop is a tenant with one client in a department and somebody there whose rights change.
func shop(w *world.World, slug string) (*world.Tenant, world.Person, *policy.Row) {
	x := w.Tenant(slug)
	p := x.Person(x.Department, "store_manager")
	client := w.IDs.New()
	x.Exec(`INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, 'C', 'C', now(), now())`, client, x.Company, x.Department)
	return x, p, &policy.Row{ID: client, Client: client, Company: x.Company, Department: x.Department}
}

// TestChangesOfRightsAreSeenAtOnce: one process takes rights away and gives them back, in every way there is; two others, which
// nobody tells, ask all the time. No question that began after a change had returned is answered by what was before it.
func TestChangesOfRightsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	const enough = 10_000
	w := world.New(t)
	x, p, row := shop(w, "shop")
	ways := [][2]string{ // taking and giving
		{`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND account_id = $2`, `UPDATE role_bindings SET revoked_at = NULL WHERE tenant_id = $1 AND account_id = $2`},
		{
			`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
			SELECT $1, gen_random_uuid(), id, 9999, 'store_manager', 'client', 'read', 'TENANT', 'deny' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force' AND $2::uuid IS NOT NULL`,
			`DELETE FROM policy_rules WHERE tenant_id = $1 AND seq = 9999 AND $2::uuid IS NOT NULL`,
		},
		{
			`UPDATE employments SET valid_until = now() WHERE tenant_id = $1 AND staff_id = (SELECT staff_id FROM accounts WHERE tenant_id = $1 AND id = $2)`,
			`UPDATE employments SET valid_until = NULL WHERE tenant_id = $1 AND staff_id = (SELECT staff_id FROM accounts WHERE tenant_id = $1 AND id = $2)`,
		},
		{`UPDATE roles SET state = 'retired' WHERE tenant_id = $1 AND key = 'store_manager' AND $2::uuid IS NOT NULL`, `UPDATE roles SET state = 'active' WHERE tenant_id = $1 AND key = 'store_manager' AND $2::uuid IS NOT NULL`},
	}
	var asked, failed atomic.Int64
	var mu sync.Mutex
	var observations []span
	var wg sync.WaitGroup
	for range 2 {
		r := newReplica(t, w, 10)
		for _, ask := range []func() (bool, error){
			func() (bool, error) { return r.decides(t.Context(), p.Session, row) },
			func() (bool, error) { return r.lists(t.Context(), p.Session) },
		} {
			wg.Go(func() {
				var mine []span
				for asked.Load() < enough {
					o := span{begin: time.Now()}
					var err error
					o.allowed, err = ask()
					o.end = time.Now()
					if asked.Add(1); err != nil { // only ever: not now
						failed.Add(1)
						if list, ok := fault.As(err); !ok || list[0].Code != fault.Unavailable {
							t.Errorf("%v", err)
							asked.Store(enough)
						}
						continue
					}
					mine = append(mine, o)
				}
				mu.Lock()
				observations = append(observations, mine...)
				mu.Unlock()
			})
		}
	}
	changes := []span{{allowed: true}}
	for n := 0; asked.Load() < enough; n++ {
		way := ways[n/2%len(ways)]
		c := span{begin: time.Now(), allowed: n%2 == 1}
		x.Exec(way[n%2], p.Account)
		c.end = time.Now()
		changes = append(changes, c)
	}
	wg.Wait()
	if o, found := stale(changes, observations); found {
		t.Errorf("answered %v from %s to %s, against every change before and during it", o.allowed, o.begin, o.end)
	}
	allowed := 0
	for _, o := range observations {
		if o.allowed {
			allowed++
		}
	}
	t.Logf("%d observations by two processes (%d allowed, %d times not now) among %d changes of rights", len(observations), allowed, failed.Load(), len(changes))
	if allowed == 0 || allowed == len(observations) || len(observations) < enough*9/10 || len(changes) < 100 {
		t.Error("the run shows little")
	}
}

// TestABrokenPolicyAllowsNothing: with the tables of rights locked, lines of them damaged, or the organisation in a circle, a
// process that knew the rights answers UNAVAILABLE or not at all – never by what it knew – and goes on when they are whole again.
func TestABrokenPolicyAllowsNothing(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x, p, row := shop(w, "shop")
	r := newReplica(t, w, 10)
	both := func(ctx context.Context) (decided, listed bool, errs [2]error) {
		decided, errs[0] = r.decides(ctx, p.Session, row)
		listed, errs[1] = r.lists(ctx, p.Session)
		return decided, listed, errs
	}
	whole := func(when string) {
		t.Helper()
		if decided, listed, errs := both(t.Context()); !decided || !listed || errs != [2]error{} {
			t.Fatalf("%s: decided %v, listed %v, %v", when, decided, listed, errs)
		}
	}
	whole("at first")
	for _, broken := range []struct{ name, do, undo string }{
		{"a condition nobody can read", `UPDATE policy_rules SET condition = 'colour = RED' WHERE tenant_id = $1 AND seq = 3`, `UPDATE policy_rules SET condition = '' WHERE tenant_id = $1 AND seq = 3`},
		{"an object nobody knows", `UPDATE policy_rules SET object = 'clientt' WHERE tenant_id = $1 AND object = 'grant'`, `UPDATE policy_rules SET object = 'grant' WHERE tenant_id = $1 AND object = 'clientt'`},
		{"a scope that means nothing there", `UPDATE policy_rules SET data_scope = 'SELF' WHERE tenant_id = $1 AND object = 'tenant'`, `UPDATE policy_rules SET data_scope = 'TENANT' WHERE tenant_id = $1 AND object = 'tenant'`},
		{"no version in force", `UPDATE policy_versions SET state = 'superseded' WHERE tenant_id = $1`, `UPDATE policy_versions SET state = 'in_force' WHERE tenant_id = $1`},
		{"roles in a circle", `UPDATE roles SET parent_id = (SELECT id FROM roles WHERE tenant_id = $1 AND key = 'store_manager') WHERE tenant_id = $1 AND key = 'staff'`, `UPDATE roles SET parent_id = NULL WHERE tenant_id = $1 AND key = 'staff'`},
		{"departments in a circle", `UPDATE departments d SET parent_id = s.id FROM departments s WHERE d.tenant_id = $1 AND s.tenant_id = $1 AND s.kind = 'SECTION' AND d.name = '大客户部'`, `UPDATE departments SET parent_id = NULL WHERE tenant_id = $1 AND name = '大客户部'`},
	} {
		x.Exec(broken.do)
		decided, listed, errs := both(t.Context())
		if decided || listed {
			t.Errorf("%s: decided %v, listed %v", broken.name, decided, listed)
		}
		for i, err := range errs {
			if list, ok := fault.As(err); !ok || list[0].Code != fault.Unavailable {
				t.Errorf("%s: way %d is answered %v", broken.name, i, err)
			}
		}
		x.Exec(broken.undo)
		whole("after " + broken.name)
	}
	conn, err := pgx.Connect(t.Context(), w.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, table := range []string{"policy_rules", "role_bindings", "employments"} {
		x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1, org_version = org_version + 1 WHERE tenant_id = $1`)
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`); err != nil {
			t.Fatal(err)
		}
		patience, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		decided, listed, errs := both(patience)
		cancel()
		if decided || listed || errs[0] == nil || errs[1] == nil {
			t.Errorf("%s locked: decided %v, listed %v, %v", table, decided, listed, errs)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole(table + " is free again")
	}
}

// TestRightsThatDoNotFitAreReadAgain: a process that keeps the rights of one tenant serves three, whose rights change.
func TestRightsThatDoNotFitAreReadAgain(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	r := newReplica(t, w, 1)
	type one struct {
		x       *world.Tenant
		p       world.Person
		row     *policy.Row
		allowed bool
	}
	var all []*one
	for n := range 3 {
		o := &one{allowed: true}
		o.x, o.p, o.row = shop(w, fmt.Sprintf("shop%d", n))
		all = append(all, o)
	}
	for n := range 60 {
		o := all[n*7%3]
		if n%4 == 3 {
			o.allowed = !o.allowed
			o.x.Exec(`UPDATE role_bindings SET revoked_at = CASE WHEN $3 THEN NULL ELSE now() END WHERE tenant_id = $1 AND account_id = $2`, o.p.Account, o.allowed)
		}
		for _, other := range all {
			decided, err := r.decides(t.Context(), other.p.Session, other.row)
			if err != nil || decided != other.allowed {
				t.Fatalf("round %d: decided %v, want %v: %v", n, decided, other.allowed, err)
			}
			listed, err := r.lists(t.Context(), other.p.Session)
			if err != nil || listed != other.allowed {
				t.Fatalf("round %d: listed %v, want %v: %v", n, listed, other.allowed, err)
			}
		}
	}
}
