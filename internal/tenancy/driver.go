package tenancy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
)

// driver is an ent dialect.Driver on the one connection of a transaction, without database/sql. Transactions of ent's own
// do not exist here: InTx has begun one.
type driver struct{ tx *Tx }

var _ dialect.Driver = (*driver)(nil)

func (d *driver) Dialect() string { return dialect.Postgres }
func (d *driver) Close() error    { return nil }

// Tx is asked for by ent's batch and update builders; it is the transaction that is open already.
func (d *driver) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }

// Exec runs a statement; v is *sql.Result or nil.
func (d *driver) Exec(ctx context.Context, query string, args, v any) error {
	conn, list, err := d.statement(query, args)
	if err != nil {
		return err
	}
	tag, err := conn.Exec(ctx, query, list...)
	if err != nil {
		return err
	}
	if r, ok := v.(*sql.Result); ok {
		*r = affected(tag.RowsAffected())
	}
	return nil
}

// Query runs a statement; v is *entsql.Rows.
func (d *driver) Query(ctx context.Context, query string, args, v any) error {
	conn, list, err := d.statement(query, args)
	if err != nil {
		return err
	}
	dst, ok := v.(*entsql.Rows)
	if !ok {
		return fmt.Errorf("tenancy: ent asked for %T", v)
	}
	rows, err := conn.Query(ctx, query, list...)
	if err != nil {
		return err
	}
	*dst = entsql.Rows{ColumnScanner: scanner{rows}}
	return nil
}

// ErrNoTenantPredicate means that a statement of ent is not bound to the session's tenant: an UpdateOne, a query without
// Where(TenantID(…)), one with the predicate in an alternative, or one with another tenant's id. Row-level security would
// still hold; the predicate is the second wall and is never left out.
var ErrNoTenantPredicate = errors.New("tenancy: statement without a tenant predicate; use Update/Delete/Query with Where(TenantID(…), ID(…)), not UpdateOne")

func (d *driver) statement(query string, args any) (*pgx.Conn, []any, error) {
	conn, err := d.tx.live()
	if err != nil {
		return nil, nil, err
	}
	list, ok := args.([]any)
	if !ok && args != nil {
		return nil, nil, fmt.Errorf("tenancy: ent sent arguments of type %T", args)
	}
	// SECURITY: the explicit tenant predicate, checked on the text and the arguments that are sent.
	if !bindsTenant(query, list, d.tx.session.Tenant.UUID()) {
		return nil, nil, fmt.Errorf("%w: %s", ErrNoTenantPredicate, query)
	}
	return conn, list, nil
}

type affected int64

func (affected) LastInsertId() (int64, error) {
	return 0, errors.New("tenancy: PostgreSQL has no last insert id")
}
func (n affected) RowsAffected() (int64, error) { return int64(n), nil }

// scanner makes pgx.Rows what ent scans from.
type scanner struct{ pgx.Rows }

func (s scanner) Close() error {
	s.Rows.Close()
	return s.Rows.Err()
}

func (s scanner) Columns() ([]string, error) {
	fields := s.FieldDescriptions()
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names, nil
}

func (s scanner) ColumnTypes() ([]*sql.ColumnType, error) {
	return nil, errors.New("tenancy: column types are not kept")
}
func (s scanner) NextResultSet() bool { return false }
