package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	beginRead  = "begin isolation level repeatable read, read only"
	beginOpen  = "begin isolation level repeatable read" // openings are written at its end
	beginWrite = "begin"
	bindTenant = `SELECT set_config('app.tenant_id', $1, true), set_config('app.now', transaction_timestamp()::text, true), transaction_timestamp()`
	readEpochs = `SELECT e.policy_version, e.org_version, e.revocation_version FROM tenant_epochs e JOIN tenants t ON t.tenant_id = e.tenant_id
		WHERE e.tenant_id = $1 AND t.state = 'active'`
)

// transaction is one request's; its BEGIN goes out with the first statements, its COMMIT with the last.
type transaction struct {
	ctx      context.Context
	conn     *pgxpool.Conn
	actor    *actor
	fresh    bool // the actor is being read: nothing to compare with
	open     bool
	now      time.Time
	versions versions
}

// begin starts a batch with BEGIN, tenant, time and versions.
func (t *transaction) begin(how string) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(how)
	b.Queue(bindTenant, t.actor.tenantText)
	b.Queue(readEpochs, t.actor.tenant)
	return b
}

// send sends a batch and gives read the results behind those of begin.
func (t *transaction) send(b *pgx.Batch, read func(pgx.BatchResults) error) error {
	first := !t.open
	t.open = true
	br := t.conn.SendBatch(t.ctx, b)
	err := func() error {
		if first {
			if err := t.header(br); err != nil {
				return err
			}
		}
		return read(br)
	}()
	if e := br.Close(); err == nil {
		err = e
	}
	return err
}

func (t *transaction) header(br pgx.BatchResults) error {
	if _, err := br.Exec(); err != nil {
		return err
	}
	if err := br.QueryRow().Scan(nil, nil, &t.now); err != nil {
		return err
	}
	v := &t.versions
	if err := br.QueryRow().Scan(&v.policy, &v.org, &v.revocation); err != nil {
		return err
	}
	if t.fresh {
		return nil
	}
	if *v != t.actor.versions {
		return errMoved
	}
	if !t.actor.expires.After(t.now) {
		return errSignIn
	}
	return nil
}

// end rolls back what no COMMIT has ended.
func (t *transaction) end() {
	if t.conn.Conn().PgConn().TxStatus() != 'I' {
		_, _ = t.conn.Exec(context.WithoutCancel(t.ctx), "rollback") // a broken connection is thrown away by the pool
	}
}
