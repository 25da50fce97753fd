package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// What rights cost: decisions beside casbin's own, a policy version on its way into force, and the memory of tenants in which
// nobody works. All of it is processor time and heap of this process: what else the machine does lengthens nothing.

const (
	idleTenants = 200
	idlePeople  = 100
)

func runPolicy(ctx context.Context, o *options) (err error) {
	c, err := openCluster(ctx, o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	return rights(ctx, c)
}

func rights(ctx context.Context, c *cluster) error {
	if err := decisions(); err != nil {
		return err
	}
	return idle(ctx, c)
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	t, _ := cpu(0) // of oneself: never fails
	return t
}

// taken is the processor time and the allocations of one call, from as many as take a fifth of a second.
func taken(f func()) (time.Duration, float64) {
	f()
	for n := 1; ; n *= 4 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := processorTime()
		for range n {
			f()
		}
		if spent := processorTime() - start; spent > 200*time.Millisecond {
			runtime.ReadMemStats(&after)
			return spent / time.Duration(n), float64(after.Mallocs-before.Mallocs) / float64(n)
		}
	}
}

// decisions compares what the compiled table does with casbin's Enforce over the same rules, person and row.
func decisions() error {
	org, err := organisation()
	if err != nil {
		return err
	}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	rules, inherits := policy.ShippedRules(), policy.ShippedInherits()
	table, err := policy.Compile(1, rules, inherits)
	if err != nil {
		return err
	}
	judge, err := table.Enforcer(org.Tenant())
	if err != nil {
		return err
	}
	person := &policy.Principal{Tenant: org.Tenant(), Staff: rowID(1, ofStaff, ordinary), Bindings: []policy.Binding{{Role: "kam_manager"}, {Role: "ka_sales_rep"}}}
	rights := table.Bind(person, org, now)
	clerk := table.Bind(&policy.Principal{Tenant: org.Tenant(), Staff: rowID(1, ofStaff, ordinary), Bindings: []policy.Binding{{Role: "list_reader"}}}, org, now)
	// in no department of the tree and not of the kind that the condition asks for: a grant opens it, looked at last
	row := &policy.Row{ID: uuid.Max, Client: uuid.Max, Company: uuid.Max, Department: uuid.Max, Kinds: []string{"DEALER"}, Granted: policy.AllClasses}
	if ok, err := judge.Enforce(person, org, now, policy.OnClient, policy.Read, row); err != nil || !ok || !rights.Decide(policy.OnClient, policy.Read, row).Allow {
		return fmt.Errorf("the judges differ, or refuse: %v %w", ok, err)
	}
	compile := func(rules []policy.Rule) func() {
		return func() { _, _ = policy.Compile(1, rules, inherits) } // compiled once above
	}
	fmt.Printf("\nRights by the %d shipped rules, in processor time; times faster than casbin's Enforce of the same question.\n", len(rules))
	enforce, allocations := taken(func() { _, _ = judge.Enforce(person, org, now, policy.OnClient, policy.Read, row) })
	fmt.Printf("%-56s %10d ns %10s %8.0f allocations\n", "casbin Enforce", enforce.Nanoseconds(), "", allocations)
	for _, x := range []struct {
		name string
		f    func()
	}{
		{"lookup: whole tenant", func() { clerk.Decide(policy.OnClient, policy.Read, row) }},
		{"decision: tree of departments, condition, team, grant", func() { rights.Decide(policy.OnClient, policy.Read, row) }},
		{"binding of a person's two roles", func() { table.Bind(person, org, now) }},
		{"compiling 200 rules", compile(rules[:200])},
		{fmt.Sprintf("compiling %d rules", len(rules)), compile(rules)},
	} {
		each, allocations := taken(x.f)
		fmt.Printf("%-56s %10d ns %9.1fx %8.0f allocations\n", x.name, each.Nanoseconds(), float64(enforce)/float64(max(each, 1)), allocations)
	}
	return nil
}

// idle loads tenants of a hundred people each from the database, as their first request does, and tells what each keeps on the heap.
func idle(ctx context.Context, c *cluster) error {
	if err := c.prepareTenants(ctx); err != nil {
		return err
	}
	clk := clock.New()
	db, err := tenancy.Open(ctx, tenancy.Config{
		AppURL: c.server.DSN(migrations.RoleApp, tenantsDatabase), AuthnURL: c.server.DSN(migrations.RoleAuthn, tenantsDatabase), SystemURL: c.server.DSN(migrations.RoleSystem, tenantsDatabase),
		MaxConns: 2,
	}, clk, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		return err
	}
	defer db.Close()
	provider, err := access.New(db, 2*idleTenants)
	if err != nil {
		return err
	}
	ask := func(number int, person int64) error {
		return db.InTx(ctx, idleSession(number, person), func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := provider.For(ctx, tx)
			return err
		})
	}
	if err := ask(1, 1); err != nil { // whatever is made once
		return err
	}
	start, spent := heap(), processorTime()
	for n := 2; n <= idleTenants; n++ {
		if err := ask(n, 1); err != nil {
			return err
		}
	}
	loading := (processorTime() - spent) / (idleTenants - 1)
	each := func() float64 { return float64(heap()-start) / (idleTenants - 1) / 1024 }
	working := each()
	provider.Current(idleSession(1, 1), clk.Now().Add(time.Hour)) // the next question of anybody, when an hour has passed
	resting := each()
	for n := 2; n <= idleTenants; n++ {
		for person := int64(1); person <= 10; person++ {
			if err := ask(n, person); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\nMemory of a tenant with the shipped policy and %d people, of %d loaded from the database (%d us of processor time each).\n", idlePeople, idleTenants, loading.Microseconds())
	fmt.Printf("%-56s %10.1f KiB\n%-56s %10.1f KiB\n%-56s %10.1f KiB\n", "nobody works there", resting, "one person works there", working, "ten people work there", each())
	runtime.KeepAlive(provider)
	return nil
}

func idleSession(number int, person int64) *tenancy.Session {
	return &tenancy.Session{Tenant: tenancy.TenantID(rowID(number, ofTenant, 1)), Actor: tenancy.Actor{
		Kind: tenancy.StaffActor, Account: rowID(number, ofAccount, person), Staff: rowID(number, ofStaff, person),
		Credential: rowID(number, ofSession, person), CredentialKind: tenancy.SessionCredential, Expires: time.Now().AddDate(1, 0, 0),
	}}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

const tenantsDatabase = "bench_tenants"

// prepareTenants makes the database of the idle tenants, unless an earlier run has.
func (c *cluster) prepareTenants(ctx context.Context) error {
	filled, err := c.filled(ctx, tenantsDatabase)
	if err != nil || filled {
		return err
	}
	if err := migrations.Bootstrap(ctx, c.server.DSN("postgres", "postgres"), tenantsDatabase); err != nil {
		return err
	}
	if err := migrations.Up(ctx, c.server.DSN(migrations.RoleOwner, tenantsDatabase), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.server.DSN("postgres", tenantsDatabase))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range []string{madeID, `SET session_replication_role = replica`, `SET synchronous_commit = off`} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	for number := 1; number <= idleTenants; number++ {
		numbers := strings.NewReplacer("{t}", strconv.Itoa(number), "{o}", strconv.Itoa(idlePeople)+"::bigint")
		for _, s := range peopleRows() {
			if _, err := conn.Exec(ctx, numbers.Replace(s)); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		b := &pgx.Batch{}
		queuePolicy(b, number)
		for person := int64(1); person <= 10; person++ {
			queueClerk(b, number, person)
		}
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, `COMMENT ON DATABASE `+tenantsDatabase+` IS '`+migrations.Hash()+`'`)
	return err
}

// queueClerk binds a person to the sales representative's role.
func queueClerk(b *pgx.Batch, number int, person int64) {
	tenant, account, session := rowID(number, ofTenant, 1), rowID(number, ofAccount, person), rowID(number, ofSession, person)
	b.Queue(`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at, recorded_from) VALUES ($1, $2, $3, $4, $4, '2026-01-01', '2026-01-01', '2026-01-01')`,
		tenant, account, rowID(number, ofStaff, person), fmt.Sprintf("user%d", person))
	b.Queue(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at, recorded_from)
		SELECT $1, $2, $3, id, '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01' FROM roles WHERE tenant_id = $1 AND key = 'ka_sales_rep'`, tenant, rowID(number, ofBinding, person), account)
	hash := sha256.Sum256(session[:])
	b.Queue(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, '2026-01-01', '2026-01-01', '2100-01-01')`, tenant, session, account, hash[:])
}
