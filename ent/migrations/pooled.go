package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrPooled means that the owner's URL leads through a pooler that hands a server connection on after each transaction. The
// lock that keeps two programs from migrating at once belongs to a session, so nothing is migrated through one.
var ErrPooled = errors.New("the owner's connection is handed on between transactions: a pooler stands before the server")

const (
	probeTime = 5 * time.Second
	mostProbe = 16
)

// direct refuses a connection that does not keep its session: a second client is asked whether it is given the backend that the
// first has just used. A pooler makes up the process ids that it tells its clients, so where that id is not the backend's the
// question is asked by several at once, each holding its transaction: one of them gets the first one's backend.
func direct(ctx context.Context, cfg *pgx.ConnConfig) error {
	cfg = cfg.Copy()
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // prepared statements would not outlive a transaction either
	first, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer first.Close(ctx)
	mine, err := backend(ctx, first)
	if err != nil {
		return err
	}
	suspicious := first.PgConn().PID() != mine
	probes := 1
	if suspicious {
		probes = mostProbe
	}
	for range probes {
		other, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			break // no room for another: the server's limit, or a pooler's
		}
		defer other.Close(ctx)
		theirs, err := heldBackend(ctx, other)
		switch {
		case err == nil && theirs == mine:
			return ErrPooled
		case err != nil && suspicious && !errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%w (%w)", ErrPooled, err) // one that has no transactions at all
		case err != nil:
			return ctx.Err() // the pool is full: each of its connections is somebody's
		}
	}
	again, err := backend(ctx, first)
	if err == nil && again != mine {
		return ErrPooled
	}
	return err
}

func backend(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
	return pid, err
}

// heldBackend leaves the transaction open: whoever asks next gets another backend.
func heldBackend(ctx context.Context, conn *pgx.Conn) (uint32, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if _, err := conn.Exec(ctx, `BEGIN`); err != nil {
		return 0, err
	}
	return backend(ctx, conn)
}
