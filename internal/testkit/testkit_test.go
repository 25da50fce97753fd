package testkit

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/ent/migrations"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// column runs a query of one text column.
func column(t *testing.T, dsn, query string, args ...any) []string {
	t.Helper()
	rows, err := connect(t, dsn).Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return texts
}

func TestADatabaseHasTheMigrationsAndTheRoles(t *testing.T) {
	t.Parallel()
	db := NewDatabase(t)
	want, err := migrations.Latest()
	if err != nil {
		t.Fatal(err)
	}
	got := column(t, db.Superuser, `SELECT max(version_id)::text FROM goose_db_version WHERE is_applied`)
	if !slices.Equal(got, []string{fmt.Sprint(want)}) {
		t.Errorf("migrated to %v, want %d", got, want)
	}
	for dsn, role := range map[string]string{
		db.Owner: migrations.RoleOwner, db.App: migrations.RoleApp, db.Authn: migrations.RoleAuthn, db.System: migrations.RoleSystem,
	} {
		got := column(t, dsn, `SELECT current_user || ' ' || rolsuper || rolbypassrls || rolcreaterole || rolcreatedb || ' ' || current_database()
			FROM pg_roles WHERE rolname = current_user`)
		if want := role + " falsefalsefalsefalse " + db.Name; !slices.Equal(got, []string{want}) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := column(t, db.Superuser, `SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user`); !slices.Equal(got, []string{"true"}) {
		t.Errorf("superuser: %v", got)
	}
}

// A clone has the rights on the database that the template was given, which PostgreSQL does not copy.
func TestAClonesRightsAreTheTemplates(t *testing.T) {
	t.Parallel()
	db := NewDatabase(t)
	rights := func(name string) []string {
		return column(t, db.Superuser, `SELECT a.grantee::regrole::text || ' ' || a.privilege_type FROM pg_database d, aclexplode(d.datacl) a
			WHERE d.datname = $1 ORDER BY 1`, name)
	}
	got, want := rights(db.Name), rights(template)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("rights %v, want %v", got, want)
	}
	owner := column(t, db.Superuser, `SELECT datdba::regrole::text FROM pg_database WHERE datname = $1`, db.Name)
	if !slices.Equal(owner, []string{migrations.RoleOwner}) {
		t.Errorf("owner %v", owner)
	}
	connect(t, db.Superuser).Exec(t.Context(), `CREATE ROLE stranger LOGIN`)
	_, err := pgx.Connect(t.Context(), strings.Replace(db.App, migrations.RoleApp, "stranger", 1))
	if err == nil || !strings.Contains(err.Error(), "permission denied for database") {
		t.Errorf("a role without CONNECT got: %v", err)
	}
}

func TestDatabasesAreApartAndDropped(t *testing.T) {
	t.Parallel()
	here := NewDatabase(t)
	var name string
	t.Run("used and left with a session open", func(t *testing.T) {
		db := NewDatabase(t)
		name = db.Name
		conn, err := pgx.Connect(t.Context(), db.Owner)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), `CREATE TABLE mine (n int)`); err != nil {
			t.Fatal(err)
		}
		if got := column(t, here.Superuser, `SELECT datname::text FROM pg_database WHERE datname = $1`, name); len(got) != 1 {
			t.Errorf("databases %v", got)
		}
	})
	if got := column(t, here.Superuser, `SELECT datname::text FROM pg_database WHERE datname = $1`, name); len(got) != 0 {
		t.Errorf("%v is left behind", got)
	}
	if got := column(t, here.Superuser, `SELECT coalesce(to_regclass('mine')::text, 'absent')`); !slices.Equal(got, []string{"absent"}) {
		t.Errorf("another test's table: %v", got)
	}
	if got := column(t, NewDatabase(t).Superuser, `SELECT coalesce(to_regclass('mine')::text, 'absent')`); !slices.Equal(got, []string{"absent"}) {
		t.Errorf("another test's table in a new database: %v", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := NewDatabase(t)
			if got := column(t, db.Owner, `SELECT current_database()::text`); !slices.Equal(got, []string{db.Name}) {
				t.Error(got)
			}
		})
	}
}

func TestAnEmptyDatabaseTakesTheMigrations(t *testing.T) {
	t.Parallel()
	db := NewEmptyDatabase(t)
	if got := column(t, db.Superuser, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace`); len(got) != 0 {
		t.Fatalf("it is not empty: %v", got)
	}
	if err := migrations.Up(t.Context(), db.Owner, discard()); err != nil {
		t.Fatal(err)
	}
	const tables = `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`
	if got, want := column(t, db.Superuser, tables), column(t, NewDatabase(t).Superuser, tables); !slices.Equal(got, want) {
		t.Errorf("relations %v, want %v", got, want)
	}
}

func TestNobodyCanConnectToTheTemplate(t *testing.T) {
	t.Parallel()
	db := NewDatabase(t)
	_, err := pgx.Connect(t.Context(), strings.Replace(db.Superuser, "/"+db.Name, "/"+template, 1))
	var refused *pgconn.PgError
	if !asError(err, &refused) || refused.Code != "55000" {
		t.Errorf("the template let in: %v", err)
	}
}

// failing is a test that records that it failed.
type failing struct {
	testing.TB
	fatal string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (f *failing) Skipf(string, ...any) { panic("a test was skipped") }

func TestWithoutPostgreSQLTestsFail(t *testing.T) {
	t.Parallel()
	_, err := open(t.Context(), stub(t, func(k *kit) { k.binDir = t.TempDir() }))
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Fatalf("error %v", err)
	}
	f := &failing{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		orFail[cluster](f, nil, err)
		t.Error("the test went on")
	}()
	<-ended
	if !strings.Contains(f.fatal, "apt-get install postgresql") {
		t.Errorf("it failed with %q", f.fatal)
	}
}
