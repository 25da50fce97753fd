package pglocal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// rebuildOrder rebuilds the indexes whose collation sorts otherwise than when they were built: another version of
// PostgreSQL, or of the library that knows the order of Chinese names, has been installed since, and an index in the
// old order would silently miss rows. It runs before the server is handed out. An index that cannot be rebuilt is
// logged and tried again at the next start; PostgreSQL warns of it in each session until then.
func (s *Server) rebuildOrder(ctx context.Context) error {
	databases, err := s.texts(ctx, "postgres", `SELECT datname::text FROM pg_database WHERE datallowconn`)
	if err != nil {
		return err
	}
	for _, database := range databases {
		// Each line is a statement, an index before the collation that it uses.
		statements, err := s.texts(ctx, database, `
			WITH changed AS (
				SELECT c.oid, format('%I.%I', n.nspname, c.collname) AS name
				FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
				WHERE c.oid IN (SELECT unnest(indcollation) FROM pg_index)
				AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
			)
			SELECT format('REINDEX INDEX %I.%I', n.nspname, c.relname)
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'i' AND EXISTS (SELECT FROM changed WHERE changed.oid = ANY (i.indcollation))
			UNION ALL
			SELECT 'ALTER COLLATION ' || name || ' REFRESH VERSION' FROM changed
			ORDER BY 1 DESC`)
		if err != nil {
			return err
		}
		if len(statements) == 0 {
			continue
		}
		s.opt.Log.Info("rebuilding indexes for another order of names", "database", database, "statements", len(statements))
		if err := s.apply(ctx, database, statements); err != nil {
			s.opt.Log.Error("an index could not be rebuilt; lists sorted by name may miss rows", "database", database, "error", err)
		}
	}
	return nil
}

func (s *Server) texts(ctx context.Context, database, query string) ([]string, error) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres", database))
	if err != nil {
		return nil, fail(CodeNotStarted, err, err.Error(), s.home.path)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err == nil {
		var texts []string
		if texts, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return texts, nil
		}
	}
	return nil, fail(CodeNotStarted, err, err.Error(), s.home.path)
}

// apply stops at the first failure, so that no collation is called fresh while an index is not.
func (s *Server) apply(ctx context.Context, database string, statements []string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres", database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
