package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/pglocal"
	"github.com/clientele/clientele/internal/tenancy"
)

// databaseName is that of the private PostgreSQL.
const databaseName = "clientele"

// server is the PostgreSQL that the program works on: the private one, or the one that the settings name.
type server struct {
	config tenancy.Config
	owner  string
	local  *pglocal.Server // nil for a server of one's own
}

// openServer starts the private PostgreSQL, with its roles, database and newest schema, when no database is configured.
func (f *databaseFlags) openServer(ctx context.Context, log *slog.Logger) (*server, error) {
	s := &server{owner: f.OwnerURL, config: tenancy.Config{
		AppURL: f.DatabaseURL, AuthnURL: f.AuthnURL, SystemURL: f.SystemURL, MaxConns: f.MaxConns, TransactionPooler: f.Pooler,
	}}
	if f.DatabaseURL != "" {
		if f.AuthnURL == "" || f.SystemURL == "" {
			return nil, &trouble{
				message: fault.Text{ZH: "设置了 CLIENTELE_DATABASE_URL，但缺少 CLIENTELE_AUTHN_URL 或 CLIENTELE_SYSTEM_URL", EN: "CLIENTELE_DATABASE_URL is set, but CLIENTELE_AUTHN_URL or CLIENTELE_SYSTEM_URL is not"},
				remedy:  fault.Text{ZH: "三个角色的连接地址都要设置；见 docs/operators.md", EN: "set the URLs of all three roles; see docs/operators.md"},
			}
		}
		return s, nil
	}
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, folderTrouble(f.Data, err)
	}
	local, err := pglocal.Start(ctx, pglocal.Options{Dir: filepath.Join(f.Data, "postgresql"), Log: log})
	if err != nil {
		return nil, err
	}
	s.local = local
	if err := s.prepare(ctx, log); err != nil {
		s.stop(log)
		return nil, err
	}
	return s, nil
}

func (s *server) prepare(ctx context.Context, log *slog.Logger) error {
	if err := migrations.Bootstrap(ctx, s.local.DSN("postgres", "postgres"), databaseName); err != nil {
		return err
	}
	s.owner = s.local.DSN(migrations.RoleOwner, databaseName)
	s.config.AppURL = s.local.DSN(migrations.RoleApp, databaseName)
	s.config.AuthnURL = s.local.DSN(migrations.RoleAuthn, databaseName)
	s.config.SystemURL = s.local.DSN(migrations.RoleSystem, databaseName)
	return migrations.Up(ctx, s.owner, log)
}

// open opens the pools; tracer may be nil.
func (s *server) open(ctx context.Context, clk *clock.Clock, log *slog.Logger, tracer pgx.QueryTracer) (*tenancy.DB, error) {
	c := s.config
	c.Tracer = tracer
	return tenancy.Open(ctx, c, clk, log)
}

// stop ends the private PostgreSQL; a server of one's own is left alone.
func (s *server) stop(log *slog.Logger) {
	if s.local == nil {
		return
	}
	if err := s.local.Stop(); err != nil {
		log.Warn("PostgreSQL did not stop cleanly", slog.Any("error", err))
	}
}

func folderTrouble(dir string, err error) error {
	return &trouble{
		message: fault.Text{ZH: "目录 " + dir + " 无法使用：" + err.Error(), EN: "the folder " + dir + " cannot be used: " + err.Error()},
		remedy:  fault.Text{ZH: "请用 --data 指定可写的目录", EN: "name a writable folder with --data"}, cause: err,
	}
}
