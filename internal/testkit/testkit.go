// Package testkit owns databases for tests: a PostgreSQL per test binary, in it a migrated database per test.
// It does not own the schema (ent/migrations), nor running the server (internal/pglocal); no product code imports it.
//
// The first test binary of a set of migrations makes a cluster with a migrated template database and keeps it,
// stopped, as a seed in a folder of this account. Every test binary copies the seed, runs the copy, and clones the
// template for each test. So binaries share the work and nothing else; a binary's server ends with it and its copy is
// removed then, however it ends.
//
// Where the environment names a server that was set up elsewhere (CLIENTELE_TEST_…, given.go), NewDatabase clones the
// database of that one instead: the same tests, on a server as it is deployed.
package testkit

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
)

// Database is a migrated database that only one test uses. The strings are connection URLs, one for each of the
// roles of the product, and one for a superuser, for tests that play an attacker or look behind the walls.
type Database struct {
	Name                      string
	Owner, App, Authn, System string
	Superuser                 string
	// Pooler says that App, Authn and System lead through a pooler in transaction mode; never so on the kit's own server.
	Pooler bool
}

// NewDatabase gives the test a database with every migration applied and no rows but theirs. It is dropped when the
// test ends, cutting off whoever is still connected. The test fails if there is no PostgreSQL.
func NewDatabase(t testing.TB) *Database {
	t.Helper()
	if g := fromEnvironment(t); g != nil {
		return g.newDatabase(t)
	}
	return shared(t).newDatabase(t, true)
}

// NewEmptyDatabase is NewDatabase without migrations: the roles, and a database that belongs to the owner.
func NewEmptyDatabase(t testing.TB) *Database {
	t.Helper()
	return shared(t).newDatabase(t, false)
}

// product is the cluster with the product's schema. It is this package's one variable: a test binary has one server,
// started by the first test that needs it.
var product = sync.OnceValues(func() (*cluster, error) {
	key, err := sourceKey()
	if err != nil {
		return nil, err
	}
	base, err := baseFolder()
	if err != nil {
		return nil, err
	}
	return open(context.Background(), kit{base: base, key: key, bootstrap: migrations.Bootstrap, up: migrations.Up})
})

func shared(t testing.TB) *cluster {
	t.Helper()
	c, err := product()
	return orFail(t, c, err)
}

// orFail fails a test that can have no database. It never skips: a test that did not run has shown nothing.
func orFail[T any](t testing.TB, server *T, err error) *T {
	t.Helper()
	if err != nil {
		t.Fatalf("tests need a PostgreSQL: %v", err)
	}
	return server
}

// newDatabase clones the template, or has bootstrap make an empty database.
func (c *cluster) newDatabase(t testing.TB, migrated bool) *Database {
	t.Helper()
	name := fmt.Sprintf("test_%d", c.made.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if migrated {
		err = c.clone(ctx, name)
	} else {
		err = c.bootstrapOne(ctx, name)
	}
	if err != nil {
		t.Fatalf("a database for the test: %v", err)
	}
	t.Cleanup(func() { drop(t, c.server.DSN(superuser, maintenance), name) })
	return &Database{
		Name:      name,
		Owner:     c.server.DSN(migrations.RoleOwner, name),
		App:       c.server.DSN(migrations.RoleApp, name),
		Authn:     c.server.DSN(migrations.RoleAuthn, name),
		System:    c.server.DSN(migrations.RoleSystem, name),
		Superuser: c.server.DSN(superuser, name),
	}
}

func drop(t testing.TB, superuserDSN, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := execOn(ctx, superuserDSN, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
		t.Errorf("dropping the test's database: %v", err)
	}
}

func (c *cluster) clone(ctx context.Context, name string) error {
	return c.exec(ctx, cloneOf(template, name)...)
}

// cloneOf are the statements that copy a database. Rights on the database itself and settings bound to it are not part of
// what PostgreSQL copies; they are taken over by hand, so that a clone is as closed as the real thing.
func cloneOf(source, name string) []string {
	is := `datname = '` + strings.ReplaceAll(source, `'`, `''`) + `'`
	return []string{
		`CREATE DATABASE ` + name + ` TEMPLATE ` + pgx.Identifier{source}.Sanitize() + ` STRATEGY file_copy OWNER ` + migrations.RoleOwner,
		`UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE ` + is + `) WHERE datname = '` + name + `'`,
		`INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
		 SELECT (SELECT oid FROM pg_database WHERE datname = '` + name + `'), setrole, setconfig FROM pg_db_role_setting
		 WHERE setdatabase = (SELECT oid FROM pg_database WHERE ` + is + `)`,
	}
}

func (c *cluster) bootstrapOne(ctx context.Context, name string) error {
	return c.kit.bootstrap(ctx, c.server.DSN(superuser, maintenance), name)
}

// exec runs statements as execOn does, on a connection to no test's database.
func (c *cluster) exec(ctx context.Context, statements ...string) error {
	return execOn(ctx, c.server.DSN(superuser, maintenance), statements...)
}

// execOn runs statements one by one, each in a transaction of its own.
func execOn(ctx context.Context, dsn string, statements ...string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// kit is what a cluster is made from.
type kit struct {
	base      string // the folder of seeds and copies
	key       string // names the seed: equal keys make equal templates
	binDir    string // of PostgreSQL; empty for the one that is found
	bootstrap func(ctx context.Context, superuserDSN, database string) error
	up        func(ctx context.Context, ownerDSN string, log *slog.Logger) error
}

const (
	superuser   = "postgres"
	maintenance = "postgres"
	template    = "clientele_template"
)
