package migrations_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/testkit"
)

// firstRelease is the schema that the first tenants were made with.
const firstRelease = 7

// TestMigrationsKeepWhatTenantsHave brings a database with two tenants of the first schema to the newest one: versions of
// the policy get the duty conflicts that were shipped, open drafts are discarded with their history, bindings stay as they are.
func TestMigrationsKeepWhatTenantsHave(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := testkit.NewEmptyDatabase(t)
	upTo(ctx, t, db.Owner, firstRelease)

	conn, err := pgx.Connect(ctx, db.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	// As the application wrote them; foreign keys are not what is tried here.
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at)
			SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'tenant-' || n, '租户' || n, '2026-01-01Z', '2026-01-01Z' FROM generate_series(1, 2) n`,
		`INSERT INTO tenant_epochs (tenant_id) SELECT tenant_id FROM tenants`,
		`INSERT INTO tenant_counters (tenant_id) SELECT tenant_id FROM tenants`,
		`INSERT INTO policy_versions (tenant_id, id, number, state, reason, content_hash, created_at, updated_at, recorded_from)
			SELECT t.tenant_id, gen_random_uuid(), v.n, v.state, 'x', decode(repeat('ab', 32), 'hex'), '2026-01-01Z', '2026-01-01Z', '2026-01-01Z'
			FROM tenants t, (VALUES (1, 'superseded'), (2, 'in_force'), (3, 'draft'), (4, 'discarded')) AS v (n, state)`,
		`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, version, created_at, updated_at, recorded_from)
			SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '2026-01-01Z', 1, '2026-01-01Z', '2026-01-01Z', '2026-01-01Z' FROM tenants`,
		`SET session_replication_role = origin`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}

	if err := migrations.Up(ctx, db.Owner, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}

	is := func(what, sql string, want ...string) {
		t.Helper()
		rows, err := conn.Query(ctx, sql)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	is("states of the versions", `SELECT number || ' ' || state || ' ' || version || ' ' || count(*) FROM policy_versions GROUP BY number, state, version ORDER BY number`,
		"1 superseded 1 2", "2 in_force 1 2", "3 discarded 2 2", "4 discarded 1 2")
	is("what was a draft, in history", `SELECT number || ' ' || state || ' ' || count(*) || ' ' || bool_and(recorded_to > recorded_from) FROM policy_versions_history GROUP BY number, state`, "3 draft 2 true")
	is("conflicts of each version", `SELECT DISTINCT string_agg(c.key, ' ' ORDER BY c.seq) FROM policy_versions v LEFT JOIN policy_conflicts c ON c.tenant_id = v.tenant_id AND c.policy_version_id = v.id
		GROUP BY v.tenant_id, v.id`, "price borrowing recognition payment policy disposal")
	is("bindings that still give", `SELECT count(*)::text FROM role_bindings WHERE revoked_at IS NULL AND NOT awaits_endorsement AND review_due_at IS NULL`, "2")
	is("walls that stand open", `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity AND NOT relforcerowsecurity`)
	is("triggers that are off", `SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE tgenabled = 'D'`)
}

func upTo(ctx context.Context, t *testing.T, ownerDSN string, version int64) {
	t.Helper()
	cfg, err := pgx.ParseConfig(ownerDSN)
	if err != nil {
		t.Fatal(err)
	}
	pool := stdlib.OpenDB(*cfg)
	defer pool.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, migrations.FS, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		t.Fatal(err)
	}
}
