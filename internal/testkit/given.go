package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
)

// The environment that names a server which was set up elsewhere. All of it is set, or nothing. The four roles' URLs name one
// migrated database that nobody is connected to; the superuser's names another one of the same server.
const (
	envOwner     = "CLIENTELE_TEST_OWNER_URL"
	envApp       = "CLIENTELE_TEST_APP_URL"
	envAuthn     = "CLIENTELE_TEST_AUTHN_URL"
	envSystem    = "CLIENTELE_TEST_SYSTEM_URL"
	envSuperuser = "CLIENTELE_TEST_SUPERUSER_URL"
	envPooler    = "CLIENTELE_TEST_POOLER" // true or false: whether the serving roles' URLs lead through a pooler in transaction mode
)

// given is a server that was set up elsewhere, and the database of it that tests get clones of.
type given struct {
	urls     map[string]*url.URL // by variable
	template string
	pooler   bool
}

// givenServer reads the environment; nil when it names no server, an error when it does so by half.
func givenServer(lookup func(string) (string, bool)) (*given, error) {
	g := &given{urls: map[string]*url.URL{}}
	var missing []string
	all := []string{envOwner, envApp, envAuthn, envSystem, envSuperuser, envPooler}
	for _, name := range all {
		text, ok := lookup(name)
		if !ok || text == "" {
			missing = append(missing, name)
			continue
		}
		var err error
		if name == envPooler {
			g.pooler, err = strconv.ParseBool(text)
		} else {
			g.urls[name], err = url.Parse(text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not understood", name) // the error would show the password
		}
	}
	if len(missing) == len(all) {
		return nil, nil
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("a server is given by half: %s not set", strings.Join(missing, ", "))
	}
	g.template = database(g.urls[envOwner])
	for _, name := range []string{envApp, envAuthn, envSystem} {
		if d := database(g.urls[name]); d != g.template || d == "" {
			return nil, fmt.Errorf("%s names the database %q, and the owner's URL %q", name, d, g.template)
		}
	}
	if d := database(g.urls[envSuperuser]); d == g.template || d == "" {
		return nil, fmt.Errorf("%s names the database %q; it has to be another than is cloned", envSuperuser, d)
	}
	return g, nil
}

func database(u *url.URL) string { return strings.TrimPrefix(u.Path, "/") }

// at is the variable's URL with another database.
func (g *given) at(name, database string) string {
	u := *g.urls[name]
	u.Path = "/" + database
	return u.String()
}

// newDatabase clones the given database for the test. Before the first row of a test is written, the clone has been found to
// be that of this source: the same last migration.
func (g *given) newDatabase(t testing.TB) *Database {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	super := g.urls[envSuperuser].String()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := execOn(ctx, super, cloneOf(g.template, name)...); err != nil {
		t.Fatalf("a database for the test: %v", err)
	}
	t.Cleanup(func() { drop(t, super, name) })
	d := &Database{
		Name: name, Pooler: g.pooler,
		Owner: g.at(envOwner, name), App: g.at(envApp, name), Authn: g.at(envAuthn, name), System: g.at(envSystem, name),
		Superuser: g.at(envSuperuser, name),
	}
	if err := current(ctx, d.Owner); err != nil {
		t.Fatalf("the given database: %v", err)
	}
	return d
}

// current says whether the database has exactly this source's migrations.
func current(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	want, err := migrations.Latest()
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`)
	if err != nil {
		return err
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err == nil && !slices.Equal(got, []int64{want}) {
		err = fmt.Errorf("migrated to %v, want %d", got, want)
	}
	return err
}

// fromEnvironment is the server that the environment of the process names, or nil.
func fromEnvironment(t testing.TB) *given {
	t.Helper()
	g, err := givenServer(os.LookupEnv)
	return orFail(t, g, err)
}
