package testkit

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Behind runs statements behind the walls, as the superuser, in one transaction with the settings that triggers read: for rows
// that the application itself may not write.
func (d *Database) Behind(ctx context.Context, tenant uuid.UUID, b *pgx.Batch) error {
	conn, err := pgx.Connect(ctx, d.Superuser)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	all := &pgx.Batch{}
	all.Queue(`SELECT set_config('app.tenant_id', $1, true), set_config('app.now', transaction_timestamp()::text, true)`, tenant.String())
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	return conn.SendBatch(ctx, all).Close() // one implicit transaction
}
