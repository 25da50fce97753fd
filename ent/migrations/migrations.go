// Package migrations owns the versioned SQL that makes the schema, and the bootstrap of roles and database before it.
// It does not own what the rows mean, and nothing but the migrate command, the private PostgreSQL and tests calls it.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// FS holds the migrations in goose's format, in the order of their names.
//
//go:embed *.sql
var FS embed.FS

// Database roles. The owner runs migrations; the application owns nothing, is no superuser and cannot bypass row-level
// security; authn reads the sign-in directory alone; system reads tenant ids and counters alone.
const (
	RoleOwner  = "clientele_owner"
	RoleApp    = "clientele_app"
	RoleAuthn  = "clientele_authn"
	RoleSystem = "clientele_system"
)

// Bootstrap creates the four roles and the database, owned by the owner role, where they are missing. It needs a
// superuser and is for the private PostgreSQL and for tests; on a server of one's own deploy/ has the same as SQL.
func Bootstrap(ctx context.Context, superuserDSN, database string) error {
	conn, err := pgx.Connect(ctx, superuserDSN)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer conn.Close(ctx)
	// Two programs that bootstrap one server at a time wait for each other; the lock ends with the connection.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended('clientele.bootstrap', 0))`); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	for _, role := range []string{RoleOwner, RoleApp, RoleAuthn, RoleSystem} {
		var there bool
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&there); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
		if there {
			continue
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf(`CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`, role)); err != nil {
			return fmt.Errorf("bootstrap: role %s: %w", role, err)
		}
	}
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&there); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	name := pgx.Identifier{database}.Sanitize()
	var stmts []string
	if !there {
		stmts = append(stmts, fmt.Sprintf(`CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`, name, RoleOwner))
	}
	// Run every time: a bootstrap that died half-way is completed by the next one.
	stmts = append(stmts,
		fmt.Sprintf(`REVOKE ALL ON DATABASE %s FROM PUBLIC`, name),
		fmt.Sprintf(`GRANT CONNECT ON DATABASE %s TO %s, %s, %s`, name, RoleApp, RoleAuthn, RoleSystem))
	for _, stmt := range stmts {
		if _, err := conn.Exec(ctx, stmt); err != nil {
			return fmt.Errorf("bootstrap: database %s: %w", database, err)
		}
	}
	return nil
}

// Drop removes the database with all that is in it, cutting off whoever is connected; for the private PostgreSQL.
func Drop(ctx context.Context, superuserDSN, database string) error {
	conn, err := pgx.Connect(ctx, superuserDSN)
	if err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+pgx.Identifier{database}.Sanitize()+` WITH (FORCE)`); err != nil {
		return fmt.Errorf("drop: database %s: %w", database, err)
	}
	return nil
}

// Up applies every migration that the database at ownerDSN lacks, each in its own transaction, as the owner role.
// A session advisory lock keeps two programs from migrating at once. ErrPooled: the URL leads through a pooler that keeps no
// sessions; nothing was done.
func Up(ctx context.Context, ownerDSN string, log *slog.Logger) error {
	cfg, err := pgx.ParseConfig(ownerDSN)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := direct(ctx, cfg); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, FS, goose.WithSessionLocker(locker), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		log.InfoContext(ctx, "migrated", slog.Int64("version", r.Source.Version), slog.Duration("took", r.Duration))
	}
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return fmt.Errorf("migrate: version %d failed and was rolled back; mend its cause and run migrate again: %w", partial.Failed.Source.Version, partial.Err)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Hash identifies the set of migrations: equal hashes make equal schemas.
func Hash() string {
	h := sha256.New()
	names, err := fs.Glob(FS, "*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		body, err := FS.ReadFile(name)
		if err != nil {
			panic(err) // the files are embedded
		}
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(body))
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Latest is the version that a migrated database has.
func Latest() (int64, error) {
	names, err := fs.Glob(FS, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.New("migrate: no migrations are embedded")
	}
	return goose.NumericComponent(names[len(names)-1])
}
