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
	conn    *pgxpool.Conn // nil once the transaction has ended
	session *Session
	header  header
	ent     *entdb.Client
	last    *pgx.Batch
	read    func(pgx.BatchResults) error
}

// ErrEnded means that a transaction was used after its end; its connection may be another tenant's by now.
var ErrEnded = errors.New("tenancy: the transaction has ended")

// live is the connection while the transaction lasts.
func (tx *Tx) live() (*pgx.Conn, error) {
	// SECURITY: a Tx or an ent client that outlives InTx never reaches the connection, which the pool may have given away.
	if tx.conn == nil {
		return nil, ErrEnded
	}
	return tx.conn.Conn(), nil
}

// Session is whose transaction it is.
func (tx *Tx) Session() *Session { return tx.session }

// Now is the transaction's time: the database's plus the clock's offset. Rights and deadlines use no other.
func (tx *Tx) Now() time.Time { return tx.header.now }

// Epochs are those that the transaction began with, or has moved to.
func (tx *Tx) Epochs() Epochs { return tx.header.epochs }

// Held says which epochs the transaction has met when it locked them, for acts that may have waited: they are its epochs from
// then on, and the actor's credential must still live at them. Errors: UNAUTHENTICATED.
func (tx *Tx) Held(ctx context.Context, e Epochs) error {
	tx.header.epochs = e
	return verify(ctx, tx.conn, tx.session, tx.header)
}

// Ent is the typed store. Its driver refuses statements without a tenant predicate.
func (tx *Tx) Ent() *entdb.Client {
	if tx.ent == nil {
		tx.ent = entdb.NewClient(entdb.Driver(&driver{tx: tx}))
	}
	return tx.ent
}

// Exec runs one statement that the caller has given its tenant predicate.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := tx.live()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return conn.Exec(ctx, sql, args...)
}

// Query runs one statement that the caller has given its tenant predicate.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := tx.live()
	if err != nil {
		return nil, err
	}
	return conn.Query(ctx, sql, args...)
}

// QueryRow runs one statement that the caller has given its tenant predicate.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := tx.live()
	if err != nil {
		return failed{err}
	}
	return conn.QueryRow(ctx, sql, args...)
}

// failed is the row of a statement that was never sent.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// SendBatch pipelines statements. There is no CopyFrom: PostgreSQL refuses COPY into a table with row-level security.
func (tx *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	conn, err := tx.live()
	if err != nil {
		return failedBatch{err}
	}
	return conn.SendBatch(ctx, b)
}

// failedBatch is the answer to a pipeline that was never sent.
type failedBatch struct{ err error }

func (f failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, f.err }
func (f failedBatch) Query() (pgx.Rows, error)         { return nil, f.err }
func (f failedBatch) QueryRow() pgx.Row                { return failed(f) }
func (f failedBatch) Close() error                     { return f.err }
func (f failedBatch) Tx() pgx.Tx                       { return nil }

// Last gives the statements that go out in one pipeline with COMMIT, after everything else; a second call replaces them.
// A statement that fails takes the whole transaction with it. One that must have an effect has to fail when it has none:
// read sees results of a transaction that is about to be committed whatever read returns. Results that read leaves are
// passed over.
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
	if err := bound(s); err != nil {
		return err
	}
	conn, err := db.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("tenancy: acquire: %w", err)
	}
	tx := &Tx{conn: conn, session: s}
	committed := false
	defer func() {
		tx.conn = nil
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

// ErrNotForCallers means that Write was asked for by an actor whose credential has to be looked at first.
var ErrNotForCallers = errors.New("tenancy: only narrow system actors write in one round trip")

// Write runs statements in a transaction of their own, in one round trip with BEGIN, the tenant and COMMIT. None of them can
// know a result of another; app.now is the transaction's time.
//
// SECURITY: whether a session may begin is known when everything is over, so only system actors, who need no credential, may.
func (db *DB) Write(ctx context.Context, s *Session, b *pgx.Batch) error {
	if err := bound(s); err != nil {
		return err
	}
	if s.Actor.Kind != SystemActor {
		return ErrNotForCallers
	}
	conn, err := db.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("tenancy: acquire: %w", err)
	}
	defer func() {
		rollback(ctx, conn)
		conn.Release()
	}()
	whole := &pgx.Batch{}
	db.queueHeader(whole, "begin", s, planAsNeeded)
	whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
	whole.Queue("commit")
	br := conn.SendBatch(ctx, whole)
	if _, err = readHeader(br, s); err == nil {
		for range b.QueuedQueries {
			if _, err = br.Exec(); err != nil {
				err = fmt.Errorf("tenancy: write: %w", err)
				break
			}
		}
	}
	var ended pgconn.CommandTag
	if err == nil {
		ended, err = br.Exec()
	}
	if e := br.Close(); err == nil {
		err = e
	}
	if err == nil && ended.String() != "COMMIT" {
		err = errors.New("tenancy: write: the transaction was rolled back")
	}
	return err
}

func (tx *Tx) commit(ctx context.Context) error {
	b := &pgx.Batch{}
	if tx.last != nil {
		b.QueuedQueries = append(b.QueuedQueries, tx.last.QueuedQueries...)
	}
	ended := "" // what the server said that COMMIT did
	b.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		ended = tag.String()
		return nil
	})
	br := tx.conn.SendBatch(ctx, b)
	var err error
	if tx.read != nil {
		err = tx.read(br)
	}
	// Close reads what read has left and calls the function above.
	if e := br.Close(); err == nil {
		err = e
	}
	switch {
	case err != nil:
		return fmt.Errorf("tenancy: commit: %w", err)
	case ended != "COMMIT":
		return errors.New("tenancy: commit: the transaction was rolled back, a statement in it had failed")
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
