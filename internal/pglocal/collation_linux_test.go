package pglocal_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/pglocal"
)

func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestIndexesOfAnotherOrderAreRebuilt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const (
		version  = `SELECT (collversion = pg_collation_actual_version(oid))::text FROM pg_collation WHERE collname = 'zh-x-icu'`
		nameFile = `SELECT relfilenode::text FROM pg_class WHERE relname = 'by name'`
		idFile   = `SELECT relfilenode::text FROM pg_class WHERE relname = 't_pkey'`
	)
	s := start(t, pglocal.Options{Dir: dir})
	execute(t, s.DSN("postgres", "postgres"), `CREATE DATABASE "the app"`)
	dsn := s.DSN("postgres", "the app")
	execute(t, dsn, `CREATE SCHEMA "S"`, `CREATE TABLE "S".t (id text PRIMARY KEY, name text COLLATE "zh-x-icu")`,
		`CREATE INDEX "by name" ON "S".t (name)`, `INSERT INTO "S".t VALUES ('1', '客户'), ('2', '经理')`)
	restart := func() string {
		t.Helper()
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s = start(t, pglocal.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		dsn = s.DSN("postgres", "the app")
		return log.String()
	}
	names, ids := ask(t, dsn, nameFile), ask(t, dsn, idFile)

	if log := restart(); strings.Contains(log, "rebuil") || ask(t, dsn, nameFile) != names {
		t.Errorf("rebuilt without a cause: %s", log)
	}
	execute(t, dsn, `UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'zh-x-icu'`)
	if ask(t, dsn, version) != "false" {
		t.Fatal("the version did not change")
	}
	log := restart()
	if ask(t, dsn, nameFile) == names || ask(t, dsn, version) != "true" || strings.Contains(log, "could not") {
		t.Errorf("not rebuilt: %s", log)
	}
	if ask(t, dsn, idFile) != ids {
		t.Error("an index of another collation was rebuilt")
	}
}

// A unique index in whose new order two rows have become one cannot be rebuilt: the server starts, and says so.
func TestAnIndexThatCannotBeRebuiltIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir})
	dsn := s.DSN("postgres", "postgres")
	execute(t, dsn, `CREATE TABLE t (name text COLLATE "zh-x-icu")`, `INSERT INTO t VALUES ('1'), ('1')`,
		`CREATE INDEX t_name ON t (name)`,
		`UPDATE pg_index SET indisunique = true WHERE indexrelid = 't_name'::regclass`,
		`UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'zh-x-icu'`)
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s = start(t, pglocal.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if !strings.Contains(log.String(), "could not be rebuilt") {
			t.Errorf("nothing was said: %s", log.String())
		}
		if got := ask(t, s.DSN("postgres", "postgres"), `SELECT collversion FROM pg_collation WHERE collname = 'zh-x-icu'`); got != "1.0" {
			t.Errorf("the collation is called fresh: %s", got)
		}
	}
}
