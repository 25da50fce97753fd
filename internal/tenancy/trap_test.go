package tenancy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/internal/tenancy"
)

// Every test here shows a way in which row-level security is lost in practice, and then that ours is not.

const setTenant = `SELECT set_config('app.tenant_id', $1, false)`

// asRole runs fn in a transaction of the superuser's connection that acts as the role, and takes it back.
func asRole(t *testing.T, super *pgx.Conn, role string, tenant string, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // the test is over
	if _, err := tx.Exec(t.Context(), `SET LOCAL ROLE `+role); err != nil {
		t.Fatal(err)
	}
	if tenant != "" {
		if _, err := tx.Exec(t.Context(), `SELECT set_config('app.tenant_id', $1, true)`, tenant); err != nil {
			t.Fatal(err)
		}
	}
	fn(tx)
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != code {
		t.Errorf("%s: %v, want SQLSTATE %s", name, err, code)
	}
}

func TestTheOwnerIsBehindTheWallToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := connect(t, w.Owner)
	_, err := owner.Exec(t.Context(), `SELECT * FROM clients`)
	wantCode(t, "owner without a tenant", err, "42704")
	must(t, owner, `SELECT set_config('app.tenant_id', '`+w.a.id.String()+`', false)`)
	if n := count(t, owner, `SELECT count(*) FROM clients`); n != 1 {
		t.Errorf("the owner sees %d clients as one tenant", n)
	}
	// The trap: without FORCE the owner sees all.
	must(t, owner, `ALTER TABLE clients NO FORCE ROW LEVEL SECURITY`)
	if n := count(t, owner, `SELECT count(*) FROM clients`); n != 2 {
		t.Errorf("without FORCE the owner sees %d clients: the case shows nothing", n)
	}
}

func TestViewsThatLeakAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	must(t, super,
		`CREATE VIEW plain AS SELECT * FROM clients`,
		`CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM clients`,
		`CREATE MATERIALIZED VIEW filled AS SELECT * FROM clients`,
		`CREATE FUNCTION definer() RETURNS SETOF clients SECURITY DEFINER LANGUAGE sql AS 'SELECT * FROM clients'`,
		`CREATE FUNCTION invoker() RETURNS SETOF clients LANGUAGE sql AS 'SELECT * FROM clients'`,
		`GRANT SELECT ON plain, invoker, filled TO clientele_app`,
		`GRANT EXECUTE ON FUNCTION definer(), invoker() TO clientele_app`)
	asRole(t, super, "clientele_app", w.a.id.String(), func(tx pgx.Tx) {
		for from, want := range map[string]int{"plain": 2, "filled": 2, "definer()": 2, "invoker": 1, "invoker()": 1, "clients": 1} {
			if n := count(t, tx, `SELECT count(*) FROM `+from); n != want {
				t.Errorf("%s shows %d clients, want %d", from, n, want)
			}
		}
	})
}

// A foreign key's check is not subject to row-level security: with one column it would accept another tenant's row.
func TestAReferenceCannotCrossTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	insert := func(tx *tenancy.Tx, table string, client uuid.UUID) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO `+table+` (tenant_id, id, client_id, name, created_at, updated_at) VALUES ($1, $2, $3, 'x', $4, $4)`,
			w.a.id.UUID(), uuid.New(), client, tx.Now())
		return err
	}
	err := w.db.InTx(t.Context(), w.session(w.a), func(_ context.Context, tx *tenancy.Tx) error { return insert(tx, "contacts", w.b.client) })
	wantCode(t, "contact of another tenant's client", err, "23503")
	var pg *pgconn.PgError
	err = w.db.InTx(t.Context(), w.session(w.a), func(_ context.Context, tx *tenancy.Tx) error { return insert(tx, "contacts", uuid.New()) })
	foreign := ""
	if errors.As(err, &pg) {
		foreign = pg.Code + pg.ConstraintName
	}
	if foreign != "23503contacts_tenant_id_client_id_fkey" {
		t.Errorf("an id of nobody is refused with %s, another tenant's differently", foreign)
	}
	// The trap: a key of one column.
	super := connect(t, w.Superuser)
	must(t, super, `ALTER TABLE clients ADD UNIQUE (id)`,
		`CREATE TABLE leaky (tenant_id uuid NOT NULL, id uuid NOT NULL, client_id uuid REFERENCES clients (id), name text, created_at timestamptz, updated_at timestamptz, PRIMARY KEY (tenant_id, id))`,
		`CALL guard.guard_tenant_table('leaky')`)
	if err := w.db.InTx(t.Context(), w.session(w.a), func(_ context.Context, tx *tenancy.Tx) error { return insert(tx, "leaky", w.b.client) }); err != nil {
		t.Errorf("a key of one column refused the other tenant's row (%v): the case shows nothing", err)
	}
}

// A unique key or a sequence over all tenants answers questions about the others.
func TestKeysAndNumbersAreNoOracles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const code = "91310000123456789X"
	set := func(n tenant) error {
		return w.db.InTx(t.Context(), w.session(n), func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE clients SET unified_credit_code = $2, id = $3 WHERE tenant_id = $1`, n.id.UUID(), code, w.b.client)
			return err
		})
	}
	if err := set(w.b); err != nil {
		t.Fatal(err)
	}
	// The same code and even the same id: nothing tells of the other tenant's.
	if err := set(w.a); err != nil {
		t.Errorf("another tenant's values are refused: %v", err)
	}
	super := connect(t, w.Superuser)
	must(t, super, `CREATE UNIQUE INDEX oracle ON client_former_names (name)`, `CREATE SEQUENCE numbers`, `GRANT USAGE ON SEQUENCE numbers TO clientele_app`)
	former := func(n tenant) error {
		return w.db.InTx(t.Context(), w.session(n), func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO client_former_names (tenant_id, id, client_id, name, used_until) VALUES ($1, $2, $3, 'Secret', $4)`, n.id.UUID(), uuid.New(), w.b.client, tx.Now())
			return err
		})
	}
	if err := former(w.b); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "a key over all tenants tells of the other", former(w.a), "23505")
	next := func(n tenant) (v int) {
		w.inTx(t, n, func(_ context.Context, tx *tenancy.Tx) error {
			v = count(t, tx, `SELECT nextval('numbers')`)
			return nil
		})
		return v
	}
	if first, _, third := next(w.a), next(w.b), next(w.a); third != first+2 {
		t.Errorf("sequence %d, %d: the case shows nothing", first, third)
	}
	// Ours: numbers come from the tenant's own row.
	for range 2 {
		w.inTx(t, w.b, func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE tenant_counters SET client_code = client_code + 1 WHERE tenant_id = $1`, w.b.id.UUID())
			return err
		})
	}
	w.inTx(t, w.a, func(_ context.Context, tx *tenancy.Tx) error {
		if n := count(t, tx, `UPDATE tenant_counters SET client_code = client_code + 1 WHERE tenant_id = $1 RETURNING client_code`, w.a.id.UUID()); n != 1 {
			t.Errorf("number %d, want 1", n)
		}
		return nil
	})
}

// A plan that is kept holds whatever was folded into it. Ours holds the setting's name, not its value.
func TestAGenericPlanDoesNotKeepTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, connect(t, w.Superuser),
		`CREATE FUNCTION folded() RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant_id')::uuid $$`,
		`GRANT EXECUTE ON FUNCTION folded() TO clientele_app`,
		`CREATE TABLE leaky (tenant_id uuid NOT NULL)`, `ALTER TABLE leaky ENABLE ROW LEVEL SECURITY`,
		`CREATE POLICY w ON leaky USING (tenant_id = folded())`, `GRANT SELECT ON leaky TO clientele_app`,
		`INSERT INTO leaky SELECT tenant_id FROM tenants`)
	app := connect(t, w.App)
	must(t, app, `SET plan_cache_mode = force_generic_plan`, `SELECT set_config('app.tenant_id', '`+w.a.id.String()+`', false)`,
		`PREPARE leaky AS SELECT tenant_id::text FROM leaky`, `PREPARE ours AS SELECT tenant_id::text FROM clients`)
	seen := func(statement string) string {
		rows, err := app.Query(t.Context(), `EXECUTE `+statement, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(ids, ",")
	}
	for _, n := range []tenant{w.a, w.b, w.a} {
		must(t, app, `SELECT set_config('app.tenant_id', '`+n.id.String()+`', false)`)
		if got := seen("ours"); got != n.id.String() {
			t.Errorf("as %s a kept plan shows %s", n.id, got)
		}
		if got := seen("leaky"); got != w.a.id.String() {
			t.Errorf("as %s the immutable function shows %s: the case shows nothing", n.id, got)
		}
	}
}

// A partition, asked by its own name, has the policies of its own: none.
func TestAPartitionDoesNotInheritTheWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	must(t, super, `CREATE TABLE parts (tenant_id uuid NOT NULL) PARTITION BY HASH (tenant_id)`, `CALL guard.guard_tenant_table('parts')`,
		`CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0)`, `GRANT SELECT ON parts_0 TO clientele_app`,
		`INSERT INTO parts SELECT tenant_id FROM tenants`)
	asRole(t, super, "clientele_app", w.a.id.String(), func(tx pgx.Tx) {
		if parts, part := count(t, tx, `SELECT count(*) FROM parts`), count(t, tx, `SELECT count(*) FROM parts_0`); parts != 1 || part != 2 {
			t.Errorf("%d rows by the table, %d by the partition; want 1 and the leak of 2", parts, part)
		}
	})
}

func TestAPolicyAddedLaterOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	must(t, super, `CREATE POLICY support ON clients FOR ALL USING (true) WITH CHECK (true)`, `CREATE POLICY readers ON clients FOR SELECT TO clientele_app USING (true)`)
	asRole(t, super, "clientele_app", w.a.id.String(), func(tx pgx.Tx) {
		if n := count(t, tx, `SELECT count(*) FROM clients`); n != 1 {
			t.Errorf("%d clients", n)
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO client_search_terms (tenant_id, field_class, term, client_id) VALUES ($1, 0, 'x', $2)`, w.b.id.UUID(), w.b.client)
		wantCode(t, "a row for another tenant", err, "42501")
	})
	// The trap: with a permissive wall it would.
	must(t, super, `DROP POLICY tenant_wall ON clients`, `CREATE POLICY tenant_wall ON clients USING (tenant_id = (SELECT current_setting('app.tenant_id')::uuid))`)
	asRole(t, super, "clientele_app", w.a.id.String(), func(tx pgx.Tx) {
		if n := count(t, tx, `SELECT count(*) FROM clients`); n != 2 {
			t.Errorf("%d clients: the case shows nothing", n)
		}
	})
}

func TestWithoutATenantThereIsAnErrorNotEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := connect(t, w.App)
	_, err := app.Exec(t.Context(), `SELECT * FROM clients`)
	wantCode(t, "never set", err, "42704")
	must(t, app, `BEGIN`, `SELECT set_config('app.tenant_id', '`+w.a.id.String()+`', true)`, `COMMIT`)
	_, err = app.Exec(t.Context(), `SELECT * FROM clients`)
	wantCode(t, "set in a transaction before", err, "22P02") // it is '' now
	for _, s := range []string{`UPDATE clients SET name = 'x'`, `INSERT INTO client_search_terms SELECT tenant_id, 0, 'x', id FROM clients`, `DELETE FROM client_kinds`} {
		if _, err := app.Exec(t.Context(), s); err == nil {
			t.Errorf("%s without a tenant", s)
		}
	}
}

func TestTheApplicationMayNotGoAroundTheWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := connect(t, w.App)
	must(t, app, `SELECT set_config('app.tenant_id', '`+w.a.id.String()+`', false)`)
	for _, s := range []string{
		`TRUNCATE client_search_terms`, `ALTER TABLE clients DISABLE ROW LEVEL SECURITY`, `DROP POLICY tenant_wall ON clients`,
		`CREATE TABLE mine (n int)`, `CREATE VIEW mine AS SELECT 1`, `CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`, `CREATE TEMP TABLE mine (n int)`,
		`SET ROLE clientele_owner`, `SET SESSION AUTHORIZATION clientele_owner`, `CREATE TRIGGER t BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION guard.write_history()`,
		`CALL guard.guard_tenant_table('clients')`, `DELETE FROM clients`, `UPDATE clients_history SET name = 'x'`, `DELETE FROM events`, `UPDATE audit_records SET reason = 'x'`,
		`COPY clients TO PROGRAM 'cat'`, `SELECT pg_read_file('/etc/hostname')`, `SET session_replication_role = replica`,
	} {
		_, err := app.Exec(t.Context(), s)
		wantCode(t, s, err, "42501")
	}
	_, err := app.Exec(t.Context(), `SET row_security = off; SELECT * FROM clients`)
	wantCode(t, "row_security = off", err, "42501") // refuses to read at all; it bypasses nothing
	_, err = app.CopyFrom(t.Context(), pgx.Identifier{"client_search_terms"}, []string{"tenant_id"}, pgx.CopyFromRows([][]any{{w.a.id.UUID()}}))
	wantCode(t, "COPY FROM", err, "0A000") // PostgreSQL has no COPY into a table with row-level security
	for role, dsn := range map[string]string{"authn": w.Authn, "system": w.System} {
		conn := connect(t, dsn)
		must(t, conn, `SELECT set_config('app.tenant_id', '`+w.a.id.String()+`', false)`)
		for _, s := range []string{`SELECT * FROM clients`, `SELECT * FROM tenants`, `SELECT * FROM accounts`, `SELECT * FROM sessions`, `SELECT * FROM clients_history`, `INSERT INTO auth_directory SELECT * FROM auth_directory`} {
			_, err := conn.Exec(t.Context(), s)
			wantCode(t, role+": "+s, err, "42501")
		}
	}
}

// A setting left on the session of a pooled connection, by whatever mistake, does not outlive the next BEGIN.
func TestASettingLeftOnAConnectionDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenancy.Config) { c.MaxConns = 1 })
	w.inTx(t, w.b, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, setTenant, w.b.id.String()) // false: for the session
		return err
	})
	w.inTx(t, w.a, func(_ context.Context, tx *tenancy.Tx) error {
		if n := count(t, tx, `SELECT count(*) FROM clients WHERE tenant_id = $1`, w.a.id.UUID()); n != 1 {
			t.Errorf("%d of A's clients", n)
		}
		if n := count(t, tx, `SELECT count(*) FROM clients`); n != 1 {
			t.Errorf("%d clients without a predicate", n)
		}
		return nil
	})
}

func TestNothingOfATenantStaysOnTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenancy.Config) { c.MaxConns = 1 })
	boom := errors.New("boom")
	for name, fn := range map[string]func(ctx context.Context, tx *tenancy.Tx) error{
		"commit":   func(context.Context, *tenancy.Tx) error { return nil },
		"rollback": func(context.Context, *tenancy.Tx) error { return boom },
		"end inside": func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `rollback`)
			if err != nil {
				return err
			}
			// outside of the transaction there is no tenant any more
			_, err = tx.Exec(ctx, `SELECT * FROM clients`)
			wantCode(t, "after the end of the transaction", err, "22P02")
			return boom
		},
	} {
		if err := w.db.InTx(t.Context(), w.session(w.a), fn); err != nil && !errors.Is(err, boom) {
			t.Errorf("%s: %v", name, err)
		}
		if got := tenancy.LeftOver(t, w.db); got != "" {
			t.Errorf("%s leaves %q on the connection", name, got)
		}
	}
}

func TestTwoTenantsSeeTheirOwnByEveryTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	rows, err := super.Query(t.Context(), `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	w.inTx(t, w.a, func(_ context.Context, tx *tenancy.Tx) error {
		for _, table := range tables {
			if n := count(t, tx, `SELECT count(*) FROM `+table+` WHERE tenant_id <> $1`, w.a.id.UUID()); n != 0 {
				t.Errorf("%s shows %d rows of others", table, n)
			}
		}
		return nil
	})
	if len(tables) < 40 {
		t.Errorf("only %d tables", len(tables))
	}
}
