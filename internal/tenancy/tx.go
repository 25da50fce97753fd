package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	entdb "github.com/clientele/clientele/ent/db"
)

// Tx is one READ COMMITTED transaction bound to one tenant. It is for one goroutine.
type Tx struct {
	conn    *pgxpool.Conn
	session *Session
	header  header
	ent     *entdb.Client
	last    *pgx.Batch
	read    func(pgx.BatchResults) error
}

// Session is whose transaction it is.
func (tx *Tx) Session() *Session { return tx.session }

// Now is the transaction's time: the database's plus the clock's offset. Rights and deadlines use no other.
func (tx *Tx) Now() time.Time { return tx.header.now }

// Epochs are those that the transaction began with.
func (tx *Tx) Epochs() Epochs { return tx.header.epochs }

// Ent is the typed store. Its driver refuses statements without a tenant predicate.
func (tx *Tx) Ent() *entdb.Client {
	if tx.ent == nil {
		tx.ent = entdb.NewClient(entdb.Driver(&driver{conn: tx.conn.Conn()}))
	}
	return tx.ent
}

// Exec runs one statement that the caller has given its tenant predicate.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return tx.conn.Exec(ctx, sql, args...)
}

// Query runs one statement that the caller has given its tenant predicate.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return tx.conn.Query(ctx, sql, args...)
}

// QueryRow runs one statement that the caller has given its tenant predicate.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return tx.conn.QueryRow(ctx, sql, args...)
}

// SendBatch pipelines statements.
func (tx *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return tx.conn.SendBatch(ctx, b)
}

// CopyFrom loads many rows.
func (tx *Tx) CopyFrom(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return tx.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
}

// Last gives the statements that go out in one pipeline with COMMIT, after everything else. A statement in it that must
// have an effect has to fail when it has none: read sees results of a transaction that may already be committed.
func (tx *Tx) Last(b *pgx.Batch, read func(pgx.BatchResults) error) {
	tx.last, tx.read = b, read
}

// InTx runs fn in one READ COMMITTED transaction of the session's tenant and commits when fn returns nil. BEGIN, the
// tenant, the clock and the epochs go out in one round trip. On an error or a panic nothing remains, neither in the
// database nor on the connection. Errors: UNAUTHENTICATED when the credential is no longer alive.
func (db *DB) InTx(ctx context.Context, s *Session, fn func(ctx context.Context, tx *Tx) error) (err error) {
	return db.InTxWith(ctx, s, &pgx.Batch{}, func(pgx.BatchResults) error { return nil }, fn)
}

// InTxWith is InTx with statements that go out in the round trip of BEGIN; read takes their results, in order, before fn is
// called. They run before it is known whether the session may begin: nothing of them remains when it may not.
func (db *DB) InTxWith(ctx context.Context, s *Session, first *pgx.Batch, read func(pgx.BatchResults) error, fn func(ctx context.Context, tx *Tx) error) (err error) {
	if err := zeroTenant(s); err != nil {
		return err
	}
	conn, err := db.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("tenancy: acquire: %w", err)
	}
	tx := &Tx{conn: conn, session: s}
	committed := false
	defer func() {
		if !committed {
			rollback(ctx, conn)
		}
		conn.Release()
	}()
	b := &pgx.Batch{}
	db.queueHeader(b, "begin", s, planAsNeeded)
	b.QueuedQueries = append(b.QueuedQueries, first.QueuedQueries...)
	br := conn.SendBatch(ctx, b)
	if tx.header, err = readHeader(br, s); err == nil {
		err = read(br)
	}
	if e := br.Close(); err == nil && e != nil {
		err = fmt.Errorf("tenancy: begin: %w", e)
	}
	if err != nil {
		return err
	}
	if err := verify(ctx, conn, s, tx.header); err != nil {
		return err
	}
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.commit(ctx); err != nil {
		return err
	}
	committed = true
	return nil
}

func (tx *Tx) commit(ctx context.Context) error {
	b := tx.last
	if b == nil {
		b = &pgx.Batch{}
	}
	b.Queue("commit")
	br := tx.conn.SendBatch(ctx, b)
	var err error
	if tx.read != nil {
		err = tx.read(br)
	}
	if err == nil {
		var tag pgconn.CommandTag
		tag, err = br.Exec()
		if err == nil && tag.String() != "COMMIT" {
			err = errors.New("the transaction was rolled back by the server")
		}
	}
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("tenancy: commit: %w", err)
	}
	return nil
}

// rollback leaves a clean connection, or a closed one that the pool throws away. It does not use the caller's context,
// which may have been what ended the work.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, "rollback"); err != nil {
		conn.Conn().Close(ctx) //nolint:errcheck // it is being thrown away
	}
}
