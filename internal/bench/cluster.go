package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/pglocal"
)

const neighbours = 2000 // clients of the second tenant, which nobody may see

// cluster is a private PostgreSQL with one database per size.
type cluster struct {
	server *pglocal.Server
	folder string
	keep   bool
}

// openCluster runs the cluster in dir, where it stays for the next run, or in a folder that goes away with stop.
func openCluster(ctx context.Context, dir string) (*cluster, error) {
	c := &cluster{folder: dir, keep: dir != ""}
	if !c.keep {
		temp, err := os.MkdirTemp("", "clientele-bench-")
		if err != nil {
			return nil, err
		}
		c.folder = temp
	}
	var err error
	c.server, err = pglocal.Start(ctx, pglocal.Options{
		Dir: filepath.Join(c.folder, "postgresql"), Ephemeral: true,
		// Neither the checkpointer nor autovacuum may work for one side only.
		Settings: map[string]string{"shared_buffers": "1GB", "autovacuum": "off", "max_wal_size": "8GB", "checkpoint_timeout": "1d"},
	})
	if err != nil && !c.keep {
		err = errors.Join(err, os.RemoveAll(c.folder))
	}
	return c, err
}

func (c *cluster) stop() error {
	err := c.server.Stop()
	if !c.keep {
		err = errors.Join(err, os.RemoveAll(c.folder))
	}
	return err
}

func databaseOf(clients int) string { return fmt.Sprintf("bench_%d", clients) }

func (c *cluster) dsn(user string, clients int) string {
	return c.server.DSN(user, databaseOf(clients))
}

// filled tells whether a database of this schema is there and filled. What is left of another schema goes.
func (c *cluster) filled(ctx context.Context, name string) (bool, error) {
	conn, err := pgx.Connect(ctx, c.server.DSN("postgres", "postgres"))
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	var filled bool
	err = conn.QueryRow(ctx, `SELECT COALESCE((SELECT shobj_description(oid, 'pg_database') = $2 FROM pg_database WHERE datname = $1), false)`, name, migrations.Hash()).Scan(&filled)
	if err == nil && !filled {
		_, err = conn.Exec(ctx, `DROP DATABASE IF EXISTS `+name)
	}
	return filled, err
}

// prepare makes and fills the database of a size, unless an earlier run has.
func (c *cluster) prepare(ctx context.Context, clients int) error {
	name, super := databaseOf(clients), c.server.DSN("postgres", "postgres")
	filled, err := c.filled(ctx, name)
	if err != nil {
		return err
	}
	if filled { // nothing else clears away what earlier runs have left behind
		return c.vacuum(ctx, clients)
	}
	conn, err := pgx.Connect(ctx, super)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	start := time.Now()
	if err := migrations.Bootstrap(ctx, super, name); err != nil {
		return err
	}
	if err := migrations.Up(ctx, c.dsn(migrations.RoleOwner, clients), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	for number, n := range []int{clients, neighbours} {
		if err := fill(ctx, c.dsn("postgres", clients), number+1, n); err != nil {
			return err
		}
	}
	if err := c.vacuum(ctx, clients); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `COMMENT ON DATABASE `+name+` IS '`+migrations.Hash()+`'`); err != nil {
		return err
	}
	fmt.Printf("%d clients (and %d of a neighbour) made in %.0f s\n", clients, neighbours, time.Since(start).Seconds())
	return nil
}

// vacuum makes statistics and visibility maps what a tended database has.
func (c *cluster) vacuum(ctx context.Context, clients int) error {
	conn, err := pgx.Connect(ctx, c.dsn("postgres", clients))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err = conn.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `CHECKPOINT`)
	return err
}
