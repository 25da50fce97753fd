package tenancy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
)

// as is the URL with another role, and options for the session where there are any.
func as(t *testing.T, dsn, role, options string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.User != nil && u.User.Username() != "" {
		u.User = url.User(role)
	} else {
		q.Set("user", role)
	}
	if options != "" {
		q.Set("options", options)
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

func open(t *testing.T, cfg tenancy.Config) error {
	t.Helper()
	db, err := tenancy.Open(t.Context(), cfg, clock.New(), slog.New(slog.DiscardHandler))
	if err == nil {
		db.Close()
	}
	return err
}

func wantStartup(t *testing.T, name string, err error, code, part string) {
	t.Helper()
	var s *tenancy.StartupError
	if !errors.As(err, &s) || s.Code != code || !strings.Contains(s.Message.EN, part) {
		t.Errorf("%s: %v, want %s with %q", name, err, code, part)
		return
	}
	if s.Remedy.EN == "" || s.Remedy.ZH == "" || s.Message.ZH == "" {
		t.Errorf("%s: without a remedy or a translation: %v", name, err)
	}
}

// Roles are the cluster's, not the database's: those here have names of this test's own and end with the server.
func TestARoleWithoutWallsIsRefused(t *testing.T) {
	t.Parallel()
	db := testkit.NewDatabase(t)
	if err := open(t, tenancy.Config{AppURL: db.App, AuthnURL: db.Authn, SystemURL: db.System}); err != nil {
		t.Errorf("the roles of the product: %v", err)
	}
	super := connect(t, db.Superuser)
	for i, c := range []struct{ name, make, part string }{
		{"BYPASSRLS", `ALTER ROLE %[1]s BYPASSRLS`, "BYPASSRLS"},
		{"CREATEROLE", `ALTER ROLE %[1]s CREATEROLE`, "CREATEROLE"},
		{"owns a table", `CREATE TABLE %[1]s_t (n int); ALTER TABLE %[1]s_t OWNER TO %[1]s`, "owns objects"},
		{"owns a function elsewhere", `CREATE SCHEMA %[1]s_s; CREATE FUNCTION %[1]s_s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION %[1]s_s.f() OWNER TO %[1]s`, "owns objects"},
		{"owns the database's schema", `CREATE SCHEMA %[1]s_s AUTHORIZATION %[1]s`, "owns objects"},
		{"is a member of the owner", `GRANT clientele_owner TO %[1]s`, "can become"},
		{"is a member without inheriting", `ALTER ROLE %[1]s NOINHERIT; GRANT clientele_owner TO %[1]s`, "can become"},
		{"is a member of a member", `CREATE ROLE %[1]s_m; GRANT clientele_owner TO %[1]s_m; GRANT %[1]s_m TO %[1]s`, "can become"},
		{"may run the server's programs", `GRANT pg_execute_server_program TO %[1]s`, "can become"},
	} {
		role := fmt.Sprintf("startup_%d_%s", i, db.Name)
		must(t, super, `CREATE ROLE `+role+` LOGIN`, `GRANT CONNECT ON DATABASE `+db.Name+` TO `+role, fmt.Sprintf(c.make, role))
		for _, which := range []struct {
			what string
			cfg  tenancy.Config
		}{
			{"application", tenancy.Config{AppURL: as(t, db.App, role, ""), AuthnURL: db.Authn, SystemURL: db.System}},
			{"sign-in", tenancy.Config{AppURL: db.App, AuthnURL: as(t, db.Authn, role, ""), SystemURL: db.System}},
			{"system", tenancy.Config{AppURL: db.App, AuthnURL: db.Authn, SystemURL: as(t, db.System, role, "")}},
		} {
			wantStartup(t, c.name+" as the "+which.what+" role", open(t, which.cfg), "ROLE_WITHOUT_WALLS", c.part)
		}
	}
}

func TestASuperuserIsRefused(t *testing.T) {
	t.Parallel()
	db := testkit.NewDatabase(t)
	cfg := tenancy.Config{AppURL: db.Superuser, AuthnURL: db.Authn, SystemURL: db.System}
	wantStartup(t, "superuser", open(t, cfg), "ROLE_WITHOUT_WALLS", "is a superuser")
	cfg.AppURL = db.Owner
	wantStartup(t, "owner", open(t, cfg), "ROLE_WITHOUT_WALLS", "owns objects")
	// Signed in as a superuser, acting as the application: RESET ROLE would undo it.
	cfg.AppURL = as(t, db.Superuser, "postgres", "-c role=clientele_app")
	wantStartup(t, "superuser in disguise", open(t, cfg), "ROLE_WITHOUT_WALLS", "is a superuser")
}

func TestADatabaseWithAnOpenDoorIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, part string }{
		"no wall":          {`DROP POLICY tenant_wall ON clients`, "policies: clients: missing: tenant_wall"},
		"not forced":       {`ALTER TABLE clients NO FORCE ROW LEVEL SECURITY`, "row-security: clients: not forced"},
		"plain view":       {`CREATE VIEW v AS SELECT * FROM clients`, "view: v:"},
		"definer function": {`CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'`, "definer-function: f()"},
		"default tenant":   {`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.tenant_id = %L', current_database(), '00000000-0000-0000-0000-000000000001'); END $$`, "role-setting: every role"},
	} {
		db := testkit.NewDatabase(t)
		must(t, connect(t, db.Superuser), c.sql)
		wantStartup(t, name, open(t, tenancy.Config{AppURL: db.App, AuthnURL: db.Authn, SystemURL: db.System}), "WALLS_OPEN", c.part)
	}
}

func TestAnUnreachableOrUnmigratedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	db := testkit.NewEmptyDatabase(t)
	cfg := tenancy.Config{AppURL: db.App, AuthnURL: db.Authn, SystemURL: db.System}
	wantStartup(t, "not migrated", open(t, cfg), "SCHEMA_TOO_OLD", "at version 0")
	cfg.SystemURL = ""
	wantStartup(t, "no URL", open(t, cfg), "DATABASE_UNREACHABLE", "the system role: no connection URL")
	cfg.AppURL = strings.Replace(db.App, db.Name, "nowhere", 1)
	wantStartup(t, "no database", open(t, cfg), "DATABASE_UNREACHABLE", "the application role")
	migrated := testkit.NewDatabase(t)
	must(t, connect(t, migrated.Superuser), `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	wantStartup(t, "one migration behind", open(t, tenancy.Config{AppURL: migrated.App, AuthnURL: migrated.Authn, SystemURL: migrated.System}), "SCHEMA_TOO_OLD", "this program needs")
}

// A process of the release before goes on serving after the next one has migrated.
func TestANewerSchemaIsServed(t *testing.T) {
	t.Parallel()
	db := testkit.NewDatabase(t)
	must(t, connect(t, db.Superuser), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999999999999, true)`,
		`CREATE TABLE things (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id))`, `CALL guard.guard_tenant_table('things')`)
	var out bytes.Buffer
	newer, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: db.App, AuthnURL: db.Authn, SystemURL: db.System}, clock.New(), slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer newer.Close()
	told := func(want int) {
		t.Helper()
		for range 3 { // as readiness asks again and again
			if err := newer.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Count(out.String(), "the schema is newer than this program"); got != want {
			t.Errorf("told %d times, want %d: %s", got, want, out.String())
		}
	}
	told(1)
	must(t, connect(t, db.Superuser), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999999999999 + 1, true)`)
	told(2)
}

func TestCloseWaitsForNobodyWhenNothingRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	w.db.Close()
	if err := w.db.InTx(t.Context(), w.session(w.a), func(context.Context, *tenancy.Tx) error { return nil }); err == nil {
		t.Error("a transaction after Close")
	}
}
