package demo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/demo"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/policy"
)

// opener opens services on a test's database as the command does on the private one.
func opener(t *testing.T, d *testkit.Database) demo.Opener {
	return func(clk *clock.Clock, ids *id.Source) (*demo.Services, func(), error) {
		log := slog.New(slog.DiscardHandler)
		db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: d.App, AuthnURL: d.Authn, SystemURL: d.System, MaxConns: 4}, clk, log)
		if err != nil {
			return nil, nil, err
		}
		rights, err := access.New(db, 2)
		if err != nil {
			return nil, nil, err
		}
		run, hasher := act.NewRunner(db, rights, ids, log), credential.NewHasher(2)
		signIn, err := authn.New(authn.Config{DB: db, Hasher: hasher, IDs: ids, Now: clk.Now, Log: log, Limits: authn.DefaultLimits()})
		if err != nil {
			return nil, nil, err
		}
		store, err := blob.OpenFolder(t.TempDir())
		if err != nil {
			return nil, nil, err
		}
		files, err := file.New(file.Config{DB: db, Run: run, IDs: ids, Store: store, Log: log, Key: make([]byte, 32), NoScan: true, Workshop: []string{"/proc/self/exe"}, Temp: t.TempDir(), Now: clk.Now})
		if err != nil {
			return nil, nil, err
		}
		lending := custody.New(run, db, rights, approval.Fixed{}).WithFiles(custody.Files{Ticket: product.Ticket(files)})
		return &demo.Services{
			DB: db, File: files, IDs: ids, SignIn: signIn, Identity: identity.New(run, db, hasher, rand.Reader), Organisation: organisation.New(run), Archive: archive.New(run), Contract: contract.New(run), Custody: lending,
		}, func() { files.Close(); _ = store.Close(); signIn.Close(); db.Close() }, nil
	}
}

// TestMain: the test's program is its own workshop.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENTELE_WORKSHOP") != "" {
		if err := file.RunWorkshop(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func conn(t *testing.T, d *testkit.Database) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), d.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func lines(t *testing.T, c *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := c.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The same seed makes the same rows, but for secrets and fractions of seconds, and the data is what a first look needs.
func TestMake(t *testing.T) {
	t.Parallel()
	until := time.Now().Truncate(time.Hour)
	var first map[string][]string
	for i, seed := range []uint64{1, 1, 2} {
		d := testkit.NewDatabase(t)
		made, err := demo.Make(t.Context(), opener(t, d), demo.Options{Seed: seed, Until: until, Clients: [2]int{60, 12}, Mass: 30})
		if err != nil {
			t.Fatal(err)
		}
		c := conn(t, d)
		rows := map[string][]string{}
		for _, table := range []string{
			"tenants", "companies", "departments", "positions", "staff", "employments", "role_bindings", "clients", "clients_history", "client_kinds", "client_team_members",
			"contacts", "client_changes", "client_search_terms", "access_grants", "contracts", "contract_revisions", "contract_parties", "obligations", "originals", "original_versions",
			"borrowings", "borrowing_items", "approval_steps", "access_requests", "custody_incidents",
		} {
			rows[table] = lines(t, c, `SELECT (SELECT jsonb_object_agg(key, CASE WHEN value #>> '{}' ~ '^\d{4}-\d\d-\d\dT' THEN to_jsonb(left(value #>> '{}', 16)) ELSE value END) FROM jsonb_each(to_jsonb(x)))::text
				FROM `+table+` x ORDER BY to_jsonb(x) ->> 'tenant_id', to_jsonb(x) ->> 'id', to_jsonb(x) ->> 'version', to_jsonb(x)::text`)
		}
		switch {
		case i == 0:
			first = rows
			look(t, c, made)
		case i == 1:
			for table := range rows {
				if diff := cmp.Diff(first[table], rows[table]); diff != "" {
					t.Errorf("%s differs between two runs: %.2000s", table, diff)
				}
			}
		case cmp.Equal(first["clients"], rows["clients"]):
			t.Error("another seed makes the same clients")
		}
	}
}

func look(t *testing.T, c *pgx.Conn, made []demo.Tenant) {
	t.Helper()
	held := map[string]bool{}
	for _, tenant := range made {
		for _, a := range tenant.Actors {
			if !strings.HasPrefix(a.Token, "clt_") {
				t.Errorf("%s of %s has no token", a.Login, tenant.Slug)
			}
			for _, r := range a.Roles {
				held[r] = true
			}
		}
	}
	for _, r := range policy.ShippedRoles() {
		if (r.Holder == "STAFF" || r.Holder == "APP") && !r.Base && !held[r.Key] {
			t.Errorf("nobody holds %s", r.Key)
		}
	}
	for what, sql := range map[string]string{
		"a telephone number that could be somebody's": `SELECT phone FROM contacts WHERE phone !~ '^1990000' UNION ALL SELECT phone FROM staff WHERE phone !~ '^1990000' UNION ALL SELECT phone FROM clients WHERE phone !~ '^1990000'`,
		"a credit code of a real division":            `SELECT unified_credit_code FROM clients WHERE unified_credit_code !~ '^91990000'`,
		"a row of the future":                         `SELECT name FROM clients WHERE created_at > now() OR updated_at > now()`,
		"a tenant that does not say it is fictional":  `SELECT name FROM tenants WHERE name NOT LIKE '%虚构%'`,
		"a credential of the story that lives on":     `SELECT name FROM api_tokens WHERE name <> '演示' AND revoked_at IS NULL`,
		"a client without terms":                      `SELECT name FROM clients c WHERE NOT EXISTS (SELECT FROM client_search_terms s WHERE s.client_id = c.id)`,
		"a client without an owner in its team":       `SELECT name FROM clients c WHERE NOT EXISTS (SELECT FROM client_team_members m WHERE m.client_id = c.id AND m.staff_id = c.owner_id AND m.duty = 'OWNER')`,
	} {
		if found := lines(t, c, sql); len(found) > 0 {
			t.Errorf("%s: %v", what, found[0])
		}
	}
	got := lines(t, c, `SELECT t.slug || ' ' || count(*) || ' ' || min(c.code) || ' ' || max(c.code) FROM clients c JOIN tenants t USING (tenant_id) GROUP BY t.slug ORDER BY 1`)
	if want := []string{"beiling 12 KA-000001 KA-000012", "yunchuan 90 KA-000001 KA-000090"}; !cmp.Equal(got, want) {
		t.Errorf("clients %v", got)
	}
	loans := lines(t, c, `SELECT t.slug || ' ' || string_agg(DISTINCT b.state, ' ' ORDER BY b.state) || ' ' || bool_or(b.state = 'out' AND b.due_at < now()) FROM borrowings b JOIN tenants t USING (tenant_id) GROUP BY t.slug ORDER BY 1`)
	if len(loans) != 2 || loans[1] != "yunchuan approved lost out refused requested returned revoked true" {
		t.Errorf("loans %v", loans)
	}
	// Those of a loan that waits, one that is out and one that is overdue have files that passed and that can be marked.
	files := lines(t, c, `SELECT t.slug || ' ' || b.state || ' ' || (b.state = 'out' AND b.due_at < now()) || ' ' || f.media_type || ' ' || f.state || coalesce(f.scan_note, '')
		FROM files f JOIN tenants t USING (tenant_id) JOIN original_versions v USING (tenant_id) JOIN borrowing_items i ON i.tenant_id = v.tenant_id AND i.original_version_id = v.id
		JOIN borrowings b ON b.tenant_id = i.tenant_id AND b.id = i.borrowing_id WHERE v.file_id = f.id AND t.slug = 'yunchuan' ORDER BY 1`)
	if want := []string{
		"yunchuan out false application/pdf clean", "yunchuan out false image/png clean", "yunchuan out true application/pdf clean", "yunchuan out true image/png clean",
		"yunchuan requested false application/pdf clean", "yunchuan requested false image/png clean",
	}; !cmp.Equal(files, want) {
		t.Errorf("files %q", files)
	}
	if span := lines(t, c, `SELECT (max(created_at) - min(created_at) > interval '250 days')::text FROM clients`); span[0] != "true" {
		t.Error("the history is shorter than most of a year")
	}
}
