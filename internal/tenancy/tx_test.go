package tenancy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/clientrecord"
	"github.com/clientele/clientele/internal/tenancy"
)

func rename(ctx context.Context, tx *tenancy.Tx, n tenant, name string) error {
	_, err := tx.Exec(ctx, `UPDATE clients SET name = $2 WHERE tenant_id = $1`, n.id.UUID(), name)
	return err
}

func (w *world) wantName(t *testing.T, n tenant, want string) {
	t.Helper()
	var got string
	if err := connect(t, w.Superuser).QueryRow(t.Context(), `SELECT name FROM clients WHERE tenant_id = $1`, n.id.UUID()).Scan(&got); err != nil || got != want {
		t.Errorf("the client's name is %q (%v), want %q", got, err, want)
	}
}

func (w *world) wantIdle(t *testing.T) {
	t.Helper()
	if got := tenancy.LeftOver(t, w.db); got != "" {
		t.Errorf("left on the connection: %q", got)
	}
	// A connection that a cancelled statement broke is closed beside the request, and counts as taken until it is.
	for deadline := time.Now().Add(20 * time.Second); w.db.PoolStat().AcquiredConns() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d connections are still taken", w.db.PoolStat().AcquiredConns())
			return
		}
	}
}

func TestAnErrorOrAPanicLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenancy.Config) { c.MaxConns = 1 })
	boom := errors.New("boom")
	for name, fn := range map[string]func(ctx context.Context, tx *tenancy.Tx) error{
		"error": func(ctx context.Context, tx *tenancy.Tx) error { return errors.Join(rename(ctx, tx, w.a, "x"), boom) },
		"panic": func(ctx context.Context, tx *tenancy.Tx) error {
			if err := rename(ctx, tx, w.a, "x"); err != nil {
				return err
			}
			panic(boom)
		},
		"panic with rows open": func(ctx context.Context, tx *tenancy.Tx) error {
			if err := rename(ctx, tx, w.a, "x"); err != nil {
				return err
			}
			if _, err := tx.Query(ctx, `SELECT generate_series(1, 100000)`); err != nil {
				return err
			}
			panic(boom)
		},
		"panic in a pipeline": func(ctx context.Context, tx *tenancy.Tx) error {
			b := &pgx.Batch{}
			b.Queue(`UPDATE clients SET name = 'x' WHERE tenant_id = $1`, w.a.id.UUID())
			tx.SendBatch(ctx, b)
			panic(boom)
		},
		"rows left open": func(ctx context.Context, tx *tenancy.Tx) error {
			if err := rename(ctx, tx, w.a, "x"); err != nil {
				return err
			}
			_, err := tx.Query(ctx, `SELECT generate_series(1, 100000)`)
			return err
		},
		"a failed statement passed over": func(ctx context.Context, tx *tenancy.Tx) error {
			if err := rename(ctx, tx, w.a, "x"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `SELECT 1 / 0`); err == nil {
				t.Error("no error")
			}
			return nil
		},
		"panic in the reader of the last pipeline's failure": func(ctx context.Context, tx *tenancy.Tx) error {
			b := &pgx.Batch{}
			b.Queue(`UPDATE clients SET name = 'x' WHERE tenant_id = $1`, w.a.id.UUID())
			b.Queue(`SELECT 1 / 0`)
			tx.Last(b, func(pgx.BatchResults) error { panic(boom) })
			return nil
		},
	} {
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = p.(error)
				}
			}()
			return w.db.InTx(t.Context(), w.session(w.a), fn)
		}()
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		w.wantName(t, w.a, "alpha client")
		w.wantIdle(t)
	}
	// a reader of a Read that panics
	func() {
		defer func() { _ = recover() }()
		r := w.db.BeginRead(w.session(w.a))
		defer r.Close(t.Context())
		_ = r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { panic(boom) })
	}()
	w.wantIdle(t)
}

func TestTheLastPipelineIsWhollyDoneOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := 0
	run := func(second string, consume int) error {
		return w.db.InTx(t.Context(), w.session(w.a), func(ctx context.Context, tx *tenancy.Tx) error {
			b := &pgx.Batch{}
			b.Queue(`UPDATE clients SET name = 'done' WHERE tenant_id = $1`, w.a.id.UUID())
			b.Queue(second)
			tx.Last(b, func(br pgx.BatchResults) error {
				for range consume {
					if _, err := br.Exec(); err != nil {
						return err
					}
					read++
				}
				return nil
			})
			return rename(ctx, tx, w.a, "begun")
		})
	}
	for _, consume := range []int{0, 1, 2} {
		err := run(`SELECT 1 / 0`, consume)
		wantCode(t, "failing last statement", err, "22012")
		w.wantName(t, w.a, "alpha client")
	}
	for _, consume := range []int{0, 1, 2} {
		if err := run(`SELECT 1`, consume); err != nil {
			t.Errorf("reading %d of 2 results: %v", consume, err)
		}
		w.wantName(t, w.a, "done")
		must(t, connect(t, w.Superuser), `SELECT set_config('app.now', now()::text, false)`)
	}
	if read != 1+1+1+2 {
		t.Errorf("%d results read", read)
	}
	// A deferred constraint fails at COMMIT itself.
	must(t, connect(t, w.Superuser), `ALTER TABLE client_kinds ADD UNIQUE (tenant_id, kind) DEFERRABLE INITIALLY DEFERRED`,
		`CREATE TABLE pair (tenant_id uuid NOT NULL, n int, UNIQUE (tenant_id, n) DEFERRABLE INITIALLY DEFERRED)`, `CALL guard.guard_tenant_table('pair')`)
	err := w.db.InTx(t.Context(), w.session(w.a), func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO pair VALUES ($1, 1), ($1, 1)`, w.a.id.UUID())
		return err
	})
	wantCode(t, "deferred constraint", err, "23505")
}

func TestATransactionIsNotUsedAfterItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenancy.Config) { c.MaxConns = 1 })
	var kept *tenancy.Tx
	var client *entdb.Client
	w.inTx(t, w.a, func(_ context.Context, tx *tenancy.Tx) error { kept, client = tx, tx.Ent(); return nil })
	// The one connection is B's now.
	w.inTx(t, w.b, func(ctx context.Context, _ *tenancy.Tx) error {
		_, exec := kept.Exec(ctx, `SELECT 1`)
		_, query := kept.Query(ctx, `SELECT 1`)
		var n int
		_, ent := client.ClientRecord.Query().Where(clientrecord.TenantID(w.a.id.UUID())).All(ctx)
		b := &pgx.Batch{}
		b.Queue(`SELECT 1`)
		for name, err := range map[string]error{
			"Exec": exec, "Query": query, "QueryRow": kept.QueryRow(ctx, `SELECT 1`).Scan(&n),
			"SendBatch": kept.SendBatch(ctx, b).Close(), "ent": ent,
		} {
			if !errors.Is(err, tenancy.ErrEnded) {
				t.Errorf("%s after the end: %v", name, err)
			}
		}
		return nil
	})
	r := w.db.BeginRead(w.session(w.a))
	r.Close(t.Context())
	if err := r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { return nil }); !errors.Is(err, tenancy.ErrEnded) {
		t.Errorf("Read after Close: %v", err)
	}
}

func TestARefusedReadReadsNothingMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.a)
	s.Actor.Credential = uuid.New()
	r := w.db.BeginRead(s)
	defer r.Close(t.Context())
	for range 2 {
		b := &pgx.Batch{}
		b.Queue(`SELECT name FROM clients WHERE tenant_id = $1`, w.a.id.UUID())
		if err := r.Send(t.Context(), b, func(pgx.BatchResults) error { return nil }); err == nil {
			t.Error("a dead session goes on reading")
		}
	}
}

func TestAReadIsReadOnlyAndSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.db.BeginRead(w.session(w.a))
	defer r.Close(t.Context())
	names := func() (name string) {
		b := &pgx.Batch{}
		b.Queue(`SELECT name FROM clients WHERE tenant_id = $1`, w.a.id.UUID())
		if err := r.Send(t.Context(), b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&name) }); err != nil {
			t.Fatal(err)
		}
		return name
	}
	first, epochs, now := names(), r.Epochs(), r.Now()
	w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE companies SET name = 'x' WHERE tenant_id = $1`, w.a.id.UUID()); err != nil {
			return err
		}
		return rename(ctx, tx, w.a, "new")
	})
	if second := names(); first != "alpha client" || second != first {
		t.Errorf("levels tear: %q then %q", first, second)
	}
	if r.Epochs() != epochs || !r.Now().Equal(now) {
		t.Error("epochs or time moved inside of one read")
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE clients SET name = 'x' WHERE tenant_id = $1`, w.a.id.UUID())
	err := r.Send(t.Context(), b, func(br pgx.BatchResults) error { _, err := br.Exec(); return err })
	wantCode(t, "a write in a read", err, "25006")
	w.wantName(t, w.a, "new")
	fresh, err := w.db.Probe(t.Context(), w.session(w.a))
	if err != nil || fresh.Org != epochs.Org+1 || fresh.Policy != epochs.Policy {
		t.Errorf("epochs %+v after %+v (%v)", fresh, epochs, err)
	}
}

func TestTimeIsTheDatabasesPlusTheOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const day = 24 * time.Hour
	w.clock.SetOffset(-400 * day)
	s := w.session(w.a)
	if err := w.db.InTx(t.Context(), s, func(ctx context.Context, tx *tenancy.Tx) error {
		var same bool
		if err := tx.QueryRow(ctx, `SELECT transaction_timestamp() - interval '400 days' = $1 AND current_setting('app.now')::timestamptz = $1`, tx.Now()).Scan(&same); err != nil || !same {
			t.Errorf("the time is %s (%v)", tx.Now(), err)
		}
		return rename(ctx, tx, w.a, "then")
	}); err != nil {
		t.Fatal(err)
	}
	// History never overlaps, even where the clock went back.
	if n := count(t, connect(t, w.Superuser), `SELECT count(*) FROM clients_history h JOIN clients c USING (tenant_id, id) WHERE h.recorded_to <= h.recorded_from OR c.recorded_from < h.recorded_to`); n != 0 {
		t.Errorf("%d versions overlap", n)
	}
}

func TestEntStatementsAreBoundToTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.a.id.UUID(), w.b.id.UUID()
	w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
		c := tx.Ent().ClientRecord
		for name, run := range map[string]func() error{
			"query without a predicate": func() error { _, err := c.Query().All(ctx); return err },
			"query by id alone":         func() error { _, err := c.Query().Where(clientrecord.ID(w.b.client)).All(ctx); return err },
			"get":                       func() error { _, err := c.Get(ctx, w.a.client); return err },
			"count":                     func() error { _, err := c.Query().Count(ctx); return err },
			"another tenant":            func() error { _, err := c.Query().Where(clientrecord.TenantID(b)).All(ctx); return err },
			"an alternative": func() error {
				_, err := c.Query().Where(clientrecord.Or(clientrecord.TenantID(a), clientrecord.Name("x"))).All(ctx)
				return err
			},
			"an alternative in brackets": func() error {
				_, err := c.Query().Where(clientrecord.Code("C1"), clientrecord.Or(clientrecord.TenantID(a), clientrecord.Name("x"))).All(ctx)
				return err
			},
			"all but one": func() error { _, err := c.Query().Where(clientrecord.TenantIDNEQ(a)).All(ctx); return err },
			"not the tenant": func() error {
				_, err := c.Query().Where(clientrecord.Not(clientrecord.TenantID(a))).All(ctx)
				return err
			},
			"alternatives in brackets": func() error {
				_, err := c.Query().Where(clientrecord.Or(clientrecord.And(clientrecord.TenantID(a), clientrecord.Code("C1")), clientrecord.Name("x"))).All(ctx)
				return err
			},
			"one of several":            func() error { _, err := c.Query().Where(clientrecord.TenantIDIn(a, b)).All(ctx); return err },
			"update by id":              func() error { return c.UpdateOneID(w.a.client).SetName("x").Exec(ctx) },
			"update of all":             func() error { return c.Update().SetName("x").Exec(ctx) },
			"update of another tenant":  func() error { return c.Update().Where(clientrecord.TenantID(b)).SetName("x").Exec(ctx) },
			"delete by id":              func() error { return c.DeleteOneID(w.a.client).Exec(ctx) },
			"delete of all":             func() error { _, err := c.Delete().Exec(ctx); return err },
			"insert for another tenant": func() error { return newClient(c, w.a, "x").SetTenantID(b).Exec(ctx) },
			"inserts, one for another": func() error {
				return c.CreateBulk(newClient(c, w.a, "x"), newClient(c, w.a, "y").SetTenantID(b)).Exec(ctx)
			},
			"transaction of ent's own": func() error {
				own, err := tx.Ent().Tx(ctx)
				if err != nil {
					return errors.Join(tenancy.ErrNoTenantPredicate, err)
				}
				_, err = own.ClientRecord.Query().All(ctx)
				return err
			},
		} {
			if err := run(); !errors.Is(err, tenancy.ErrNoTenantPredicate) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// None of them was sent: the transaction is still good.
		list, err := c.Query().Where(clientrecord.TenantID(a), clientrecord.Or(clientrecord.Code("C1"), clientrecord.Name("x"))).Order(clientrecord.ByCode()).Limit(5).All(ctx)
		if err != nil || len(list) != 1 || list[0].Name != "alpha client" {
			t.Errorf("query: %v %v", list, err)
		}
		if n, err := c.Query().Where(clientrecord.CodeNEQ("x"), clientrecord.TenantID(a)).Count(ctx); err != nil || n != 1 {
			t.Errorf("count: %d %v", n, err)
		}
		if n, err := c.Query().Where(clientrecord.TenantID(a), clientrecord.ID(w.a.client), clientrecord.Code("C1")).Count(ctx); err != nil || n != 1 {
			t.Errorf("count by three: %d %v", n, err)
		}
		if n, err := c.Update().Where(clientrecord.TenantID(a), clientrecord.ID(w.a.client)).SetName("alpha client").Save(ctx); err != nil || n != 1 {
			t.Errorf("update by id: %d %v", n, err)
		}
		if err := c.CreateBulk(newClient(c, w.a, "C2"), newClient(c, w.a, "C3")).Exec(ctx); err != nil {
			t.Errorf("inserts: %v", err)
		}
		if n, err := c.Update().Where(clientrecord.TenantID(a), clientrecord.Version(1)).SetName("new").ClearRegion().AddVersion(1).Save(ctx); err != nil || n != 3 {
			t.Errorf("update: %d %v", n, err)
		}
		return nil
	})
	w.wantNames(t, w.b, "beta client")
}

func newClient(c *entdb.ClientRecordClient, n tenant, code string) *entdb.ClientRecordCreate {
	now := time.Now()
	return c.Create().SetID(uuid.New()).SetTenantID(n.id.UUID()).SetCompanyID(n.company).SetDepartmentID(n.department).
		SetCode(code).SetName("client " + code).SetRegion("华东").SetCreatedAt(now).SetUpdatedAt(now)
}

func (w *world) wantNames(t *testing.T, n tenant, want string) {
	t.Helper()
	rows, err := connect(t, w.Superuser).Query(t.Context(), `SELECT name FROM clients WHERE tenant_id = $1`, n.id.UUID())
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || strings.Join(got, ",") != want {
		t.Errorf("names %v (%v), want %s", got, err, want)
	}
}

func TestWhatBindsAStatement(t *testing.T) {
	t.Parallel()
	id, other := uuid.New(), uuid.New()
	for query, want := range map[string]bool{
		`SELECT "id" FROM "t" WHERE "t"."tenant_id" = $1 AND "t"."id" = $2`:                                                                              true,
		`SELECT "id" FROM "t" WHERE "t"."id" = $2 AND "t"."tenant_id" = $1 ORDER BY "t"."id" LIMIT 1`:                                                    true,
		`UPDATE "t" SET "a" = NULL WHERE ("t"."tenant_id" = $1 AND "t"."id" = $2)`:                                                                       true,
		`SELECT "id" FROM "t" WHERE ("t"."a" = $2 AND ("t"."b" = $2 AND "t"."tenant_id" = $1)) AND "t"."c" IS NULL ORDER BY "t"."id" LIMIT 2 FOR UPDATE`: true,
		`SELECT "id" FROM "t" WHERE ("t"."tenant_id" = $1 OR "t"."a" = $2) AND ("t"."a" = $2 OR "t"."b" = $2)`:                                           false,
		`SELECT "id" FROM "t" WHERE ("t"."a" = $2 AND ("t"."b" = $2 OR "t"."tenant_id" = $1)) AND "t"."c" IS NULL`:                                       false,
		`SELECT "id" FROM "t" WHERE ("t"."tenant_id" = $1) OR ("t"."a" = $2)`:                                                                            false,
		`SELECT "id" FROM "t" WHERE ("t"."a" = $2) ORDER BY "t"."tenant_id" = $1`:                                                                        false,
		`SELECT "id" FROM "t" WHERE lower("t"."tenant_id" = $1)`:                                                                                         false,
		`SELECT "id" FROM "t" WHERE "t"."tenant_id" = $2 AND "t"."tenant_id" = $1`:                                                                       true,
		`UPDATE "t" SET "a" = $2 WHERE "tenant_id" = $1 AND ("a" = $2 OR "a" IS NULL)`:                                                                   true,
		`DELETE FROM "t" WHERE "t"."tenant_id" = $1`:                                                                                                     true,
		`INSERT INTO "t" ("a", "tenant_id") VALUES ($2, $1), (NULL, $1)`:                                                                                 true,
		`INSERT INTO "t" ("tenant_id", "a") VALUES ($1, $2) ON CONFLICT DO NOTHING`:                                                                      true,
		`SELECT "id" FROM "t"`:                                                             false,
		`SELECT "id" FROM "t" WHERE "t"."tenant_id" = $2`:                                  false,
		`SELECT "id" FROM "t" WHERE "t"."tenant_id" = $9`:                                  false,
		`SELECT "id" FROM "t" WHERE "t"."tenant_id" = $1 OR "t"."id" = $2`:                 false,
		`SELECT "id" FROM "t" WHERE "a" = $2 AND ("tenant_id" = $1 OR "id" = $2)`:          false,
		`SELECT "id" FROM "t" WHERE NOT ("tenant_id" = $1)`:                                false,
		`SELECT "id" FROM "t" WHERE "id" IN (SELECT "id" FROM "u" WHERE "tenant_id" = $1)`: false,
		`UPDATE "t" SET "tenant_id" = $1 WHERE "id" = $2`:                                  false,
		`INSERT INTO "t" ("a") VALUES ($1)`:                                                false,
		`INSERT INTO "t" ("a", "tenant_id") VALUES ($1, $2)`:                               false,
		`INSERT INTO "t" ("a", "tenant_id") VALUES ($2, $1), ($1, $2)`:                     false,
		`INSERT INTO "t" ("a", "tenant_id") VALUES ($2, NULL)`:                             false,
		`INSERT INTO "t" DEFAULT VALUES`:                                                   false,
	} {
		if got := tenancy.BindsTenant(query, []any{id, other}, id); got != want {
			t.Errorf("%s: %t", query, got)
		}
	}
}

func TestWriteIsOneTransactionOfASystemActor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	sealer := tenancy.ForSystem(w.a.id, tenancy.SystemSealer)
	batch := func(statements ...string) *pgx.Batch {
		b := &pgx.Batch{}
		for _, s := range statements {
			b.Queue(s, w.a.id.UUID())
		}
		return b
	}
	const rename = `UPDATE companies SET name = 'renamed', updated_at = current_setting('app.now')::timestamptz WHERE tenant_id = $1`
	if err := w.db.Write(t.Context(), w.session(w.a), batch(rename)); !errors.Is(err, tenancy.ErrNotForCallers) {
		t.Errorf("a staff member's session: %v", err)
	}
	if err := w.db.Write(t.Context(), sealer, batch(rename, `SELECT 1 / 0 WHERE $1::uuid IS NOT NULL`)); err == nil {
		t.Error("a failing statement did not fail the whole")
	}
	if n := count(t, super, `SELECT count(*) FROM companies WHERE name = 'renamed'`); n != 0 {
		t.Fatalf("%d rows of refused writes remain", n)
	}
	if err := w.db.Write(t.Context(), sealer, batch(rename, rename)); err != nil {
		t.Fatal(err)
	}
	// Without its predicate a statement still stays in its tenant, and nothing stays on the connection.
	b := &pgx.Batch{}
	b.Queue(`UPDATE companies SET name = 'all' WHERE name <> ''`)
	if err := w.db.Write(t.Context(), sealer, b); err != nil {
		t.Fatal(err)
	}
	if n := count(t, super, `SELECT count(*) FROM companies WHERE name = 'all'`); n != 1 {
		t.Errorf("%d companies renamed, want one tenant's", n)
	}
}

// A change of a row takes the whole transaction with it unless it changes one, also when nobody reads its result.
func TestChangesOfExactlyOneRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := connect(t, w.Superuser)
	rename := func(client uuid.UUID, name string, version int64) error {
		return w.db.InTx(t.Context(), w.session(w.a), func(ctx context.Context, tx *tenancy.Tx) error {
			c := tx.ChangeRow(clientrecord.Table, client, version)
			c.Set(clientrecord.FieldName, name)
			c.Set(clientrecord.FieldAddress, nil)
			sql, args := c.Statement()
			b := &pgx.Batch{}
			b.Queue(sql, args...)
			b.Queue(`UPDATE companies SET name = $2 WHERE tenant_id = $1`, w.a.id.UUID(), name)
			tx.Last(b, func(pgx.BatchResults) error { return nil })
			return nil
		})
	}
	if err := rename(w.a.client, "one", 1); err != nil {
		t.Fatal(err)
	}
	for what, client := range map[string]uuid.UUID{"at another version": w.a.client, "of another tenant": w.b.client} {
		if err := rename(client, "two", 1); err == nil {
			t.Errorf("a change of a row %s was committed", what)
		}
	}
	// Where row-level security does not hold, the predicate alone does.
	w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
		c := tx.ChangeRow(clientrecord.Table, w.b.client, 1)
		c.Set(clientrecord.FieldName, "two")
		sql, args := c.Statement()
		must(t, super, `SELECT set_config('app.now', now()::text, false)`)
		var pg *pgconn.PgError
		if _, err := super.Exec(ctx, sql, args...); !errors.As(err, &pg) || pg.Code != "22012" {
			t.Errorf("a superuser's connection is not stopped by the predicate: %v", err)
		}
		return nil
	})
	if n := count(t, super, `SELECT (SELECT count(*) FROM clients WHERE name = 'two') + (SELECT count(*) FROM companies WHERE name = 'two')`); n != 0 {
		t.Errorf("%d rows were changed by what was refused", n)
	}
	if n := count(t, super, `SELECT (SELECT count(*) FROM clients WHERE name = 'one' AND version = 2) + (SELECT count(*) FROM companies WHERE name = 'one')`); n != 2 {
		t.Errorf("%d of 2 rows are as the first change left them", n)
	}
}
