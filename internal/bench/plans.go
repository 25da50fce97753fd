package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
)

// statements sees what is sent, and keeps what is to be explained.
type statements struct {
	keep bool
	kept []statement
}

type statement struct {
	sql  string
	args []any
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	if s.keep && strings.HasPrefix(q.SQL, "SELECT t1.") {
		s.kept = append(s.kept, statement{q.SQL, q.Args})
	}
}

// TraceBatchEnd implements pgx.BatchTracer.
func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// explain prints the plans of what was kept, as the application's role runs them: prepared and planned once.
func (s *statements) explain(ctx context.Context, super *pgx.Conn, out io.Writer) error {
	defer func() { s.kept = nil }()
	tx, err := super.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // nothing was changed
	for _, set := range []string{
		`SET LOCAL ROLE ` + migrations.RoleApp, `SET LOCAL jit = off`, `SET LOCAL plan_cache_mode = force_generic_plan`,
		`SELECT set_config('app.tenant_id', '` + rowID(1, ofTenant, 1).String() + `', true), set_config('app.now', transaction_timestamp()::text, true)`,
	} {
		if _, err := tx.Exec(ctx, set); err != nil {
			return err
		}
	}
	for i, st := range s.kept {
		name := fmt.Sprintf("explained_%d", i)
		if _, err := tx.Exec(ctx, "PREPARE "+name+" AS "+st.sql); err != nil {
			return err
		}
		values := make([]string, len(st.args))
		for n, v := range st.args {
			values[n] = literal(v)
		}
		rows, err := tx.Query(ctx, "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) EXECUTE "+name+"("+strings.Join(values, ", ")+")", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n%s\n\n", st.sql, strings.Join(lines, "\n"))
		if _, err := tx.Exec(ctx, "DEALLOCATE "+name); err != nil {
			return err
		}
	}
	return nil
}

// literal writes an argument of the gate as SQL text.
func literal(v any) string {
	switch v := v.(type) {
	case [16]byte:
		return "'" + uuid.UUID(v).String() + "'"
	case time.Time:
		return "'" + v.Format(time.RFC3339Nano) + "'"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice {
		parts := make([]string, list.Len())
		for i := range parts {
			e := list.Index(i)
			if e.Kind() == reflect.Array {
				u, _ := uuid.FromBytes(e.Slice(0, 16).Bytes())
				parts[i] = u.String()
				continue
			}
			parts[i] = `"` + fmt.Sprint(e.Interface()) + `"`
		}
		return "'{" + strings.Join(parts, ",") + "}'"
	}
	return fmt.Sprint(v)
}

func scopesDatabase(clients int) string { return fmt.Sprintf("bench_scopes_%d", clients) }

// prepareScopes makes and fills the database of the scopes, unless an earlier run has.
func (c *cluster) prepareScopes(ctx context.Context, clients int) error {
	name, super := scopesDatabase(clients), c.server.DSN("postgres", "postgres")
	filled, err := c.filled(ctx, name)
	if err != nil || filled {
		return err
	}
	if err := migrations.Bootstrap(ctx, super, name); err != nil {
		return err
	}
	if err := migrations.Up(ctx, c.server.DSN(migrations.RoleOwner, name), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.server.DSN("postgres", name))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	numbers := strings.NewReplacer("{n}", fmt.Sprint(clients)+"::bigint")
	for _, s := range append([]string{madeID, `SET session_replication_role = replica`, `SET synchronous_commit = off`}, scopeRows()...) {
		if _, err := conn.Exec(ctx, numbers.Replace(s)); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	if _, err := conn.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `COMMENT ON DATABASE `+name+` IS '`+migrations.Hash()+`'`)
	return err
}
