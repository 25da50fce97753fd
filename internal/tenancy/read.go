package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Read is one REPEATABLE READ, READ ONLY transaction of a tenant, opened by its first Send: all levels of one operation
// see one snapshot. It is for one goroutine; Close is always called.
type Read struct {
	db      *DB
	session *Session
	conn    *pgxpool.Conn
	header  header
	plans   planning
	dead    error // why nothing more may be read
}

// BeginRead prepares a read; nothing is sent and no connection is taken until the first Send.
func (db *DB) BeginRead(s *Session) *Read { return &Read{db: db, session: s, plans: planAsNeeded} }

// PlanOnce, before the first Send, keeps one plan of each statement for all values. It is for statements that find rows by
// ids: PostgreSQL would plan them anew each time, at several times the cost of running them, because it takes a list of
// unknown length for one of ten.
func (r *Read) PlanOnce() { r.plans = planOnce }

// Send pipelines the batch, in one round trip with BEGIN, tenant, clock and epochs when it is the first. consume reads the
// results in the order that they were queued; Now and Epochs are valid when it is called. When the credential turns out to
// be dead the error is UNAUTHENTICATED and what consume saw must not be used. After an error every further Send fails.
func (r *Read) Send(ctx context.Context, b *pgx.Batch, consume func(pgx.BatchResults) error) error {
	return r.send(ctx, b, false, consume)
}

// SendLast is Send for the last batch: the transaction ends with it, in the same round trip.
func (r *Read) SendLast(ctx context.Context, b *pgx.Batch, consume func(pgx.BatchResults) error) error {
	return r.send(ctx, b, true, consume)
}

func (r *Read) send(ctx context.Context, b *pgx.Batch, last bool, consume func(pgx.BatchResults) error) error {
	if r.dead != nil {
		return r.dead
	}
	if err := bound(r.session); err != nil {
		return err
	}
	first := r.conn == nil
	if first {
		conn, err := r.db.app.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("tenancy: acquire: %w", err)
		}
		r.conn = conn
		whole := &pgx.Batch{}
		r.db.queueHeader(whole, "begin isolation level repeatable read, read only", r.session, r.plans)
		whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
		b = whole
	}
	if last {
		b.Queue("commit")
	}
	br := r.conn.SendBatch(ctx, b)
	err := func() error {
		if first {
			h, err := readHeader(br, r.session)
			if err != nil {
				return err
			}
			r.header = h
		}
		return consume(br)
	}()
	if e := br.Close(); err == nil && e != nil {
		err = fmt.Errorf("tenancy: read: %w", e)
	}
	if err == nil && first {
		err = r.verify(ctx, last)
	}
	if err == nil && last {
		r.dead = ErrEnded
	}
	if err != nil {
		// SECURITY: after a failure nothing more is read: the session may have been refused, or the transaction never begun.
		r.dead = err
	}
	return err
}

// verify looks at the credential, where it may have ended since it was last seen alive.
func (r *Read) verify(ctx context.Context, last bool) error {
	if !last || !doubtful(r.session, r.header) {
		return verify(ctx, r.conn, r.session, r.header)
	}
	// The transaction is over; the credential is looked at in another one, which sees it as it is now. Its connection is
	// given back first: whoever waits for a second one while holding the first can wait for ever.
	r.Close(ctx)
	_, err := r.db.Probe(ctx, r.session)
	return err
}

// Session is whose transaction it is.
func (r *Read) Session() *Session { return r.session }

// Now is the transaction's time; valid from the first Send's consume on.
func (r *Read) Now() time.Time { return r.header.now }

// Epochs are those of the snapshot; valid from the first Send's consume on.
func (r *Read) Epochs() Epochs { return r.header.epochs }

// Close ends the transaction and gives the connection back; a broken one is thrown away.
func (r *Read) Close(ctx context.Context) {
	if r.dead == nil {
		r.dead = ErrEnded // a later Send would see another snapshot
	}
	if r.conn == nil {
		return
	}
	rollback(ctx, r.conn)
	r.conn.Release()
	r.conn = nil
}

// Probe runs an empty read: it answers the tenant's epochs and fails with UNAUTHENTICATED when the session is dead. Open
// sockets and streams ask it.
func (db *DB) Probe(ctx context.Context, s *Session) (Epochs, error) {
	r := db.BeginRead(s)
	defer r.Close(ctx)
	err := r.Send(ctx, &pgx.Batch{}, func(pgx.BatchResults) error { return nil })
	return r.Epochs(), err
}
