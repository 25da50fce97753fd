package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
)

// finishTime is how long requests that are under way may still take after the stop signal.
const finishTime = 20 * time.Second

// Roles of a process: api answers requests and runs no background work; worker runs the background work and answers health and
// metrics alone; all is both.
const (
	roleAPI    = "api"
	roleWorker = "worker"
	roleAll    = "all"
)

// sweepEvery is how often what has ended by time alone is written down. No right waits for it.
const sweepEvery = time.Minute

type serveCommand struct {
	Role     string        `setting:"CLIENTELE_ROLE" enum:"api,worker,all" default:"all" help:"api：仅响应请求；worker：仅后台工作（封印审计记录、扫描文件、到期处理）；all：两者 · api answers requests alone, worker does the background work alone (sealing the audit trail, scanning files, what ends by time), all does both."`
	Database databaseFlags `embed:""`
	Listen   listenFlags   `embed:""`
	Files    fileFlags     `embed:""`
	Log      logFlags      `embed:""`
}

func (c *serveCommand) Run(p *program) error {
	if c.Role != roleAll && c.Database.DatabaseURL == "" {
		return &trouble{
			message: fault.Text{ZH: "--role " + c.Role + " 需要共用的数据库，但未设置 CLIENTELE_DATABASE_URL", EN: "--role " + c.Role + " needs a database that processes share, and CLIENTELE_DATABASE_URL is not set"},
			remedy:  fault.Text{ZH: "请设置三个角色的连接地址，或使用 --role all；见 docs/operators.md", EN: "set the URLs of the three roles, or use --role all; see docs/operators.md"},
		}
	}
	return serveOn(p, &c.Database, &c.Listen, &c.Files, &c.Log, serving{role: c.Role})
}

// serving is what demo does besides serve.
type serving struct {
	role        string
	diagnostics bool
	// before runs when the database is open and nothing listens yet.
	before func(ctx context.Context, sv *server, s *product.Services, files *product.Files, log *slog.Logger) error
	// listening runs when the API answers at address.
	listening func(address string) error
}

// serveOn serves until the program's context ends, then finishes what is under way.
func serveOn(p *program, db *databaseFlags, listen *listenFlags, files *fileFlags, logging *logFlags, more serving) (err error) {
	tel, err := logging.start(p)
	if err != nil {
		return err
	}
	defer shutdownTelemetry(tel)
	sv, err := db.openServer(p.ctx, tel.Log)
	if err != nil {
		return err
	}
	defer sv.stop(tel.Log)
	product.TuneCollector()
	clk := clock.New()
	pools, err := sv.open(p.ctx, clk, tel.Log, tel.SQL())
	if err != nil {
		return err
	}
	defer pools.Close()
	settings, err := listen.settings(db.Data, more.diagnostics)
	if err != nil {
		return err
	}
	kept, err := files.open(p.ctx, db, settings.CursorKey, tel.Log)
	if err != nil {
		return err
	}
	s, err := product.NewServices(pools, clk, clk.Now, rand.Reader, tel.Log, tel.Tracer(), kept)
	if err != nil {
		return err
	}
	s.Shadow(listen.Shadow, tel)
	if more.before != nil {
		if err := more.before(p.ctx, sv, s, kept, tel.Log); err != nil {
			return err
		}
	}
	if err := tel.WatchPool(func() telemetry.Pool {
		stat := pools.PoolStat()
		return telemetry.Pool{Busy: int64(stat.AcquiredConns()), Idle: int64(stat.IdleConns()), Most: int64(stat.MaxConns())}
	}); err != nil {
		return err
	}
	health := telemetry.NewHealth(pools.Ready)
	audited, err := startTrail(s, more.role, listen.AuditKey, db.Data, tel.Log)
	if err != nil {
		return err
	}
	defer audited.Close()
	health.Show("sealing", audited.Sealing)
	if err := tel.WatchSealing(audited.Backlog.Age); err != nil {
		return err
	}
	if s.File != nil {
		health.Show("files", s.File.Ready)
	}
	// Started after the trail and so ended before it: what background work does last is recorded too.
	switch {
	case more.role != roleAPI:
		defer background(s, tel.Log)()
	case s.File != nil:
		defer s.File.Close()
	}
	var broken <-chan struct{}
	if sv.local != nil {
		broken = sv.local.Exited()
	}
	if more.role == roleWorker {
		return work(p.ctx, listen, tel, health)
	}
	a, err := product.NewAPI(s, settings, tel, health, audited)
	if err != nil {
		return err
	}
	defer a.Close()
	return serveAPI(p.ctx, a, listen, tel, health, broken, more.listening)
}

// background starts what works beside requests, but for the sealing of the trail: files are scanned, and what has ended by time
// alone is written down. stop waits for what is under way.
func background(s *product.Services, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	beside.Go(func() { s.Review.Sweep(ctx, sweepEvery, log) })
	beside.Go(func() { s.Custody.Sweep(ctx, sweepEvery, log) })
	stopFiles := func() {}
	if s.File != nil {
		stopFiles = product.StartFiles(s)
	}
	return func() {
		cancel()
		stopFiles()
		beside.Wait()
	}
}

// serveAPI serves until ctx ends or the private PostgreSQL does.
func serveAPI(ctx context.Context, a *product.API, f *listenFlags, tel *telemetry.Telemetry, health *telemetry.Health, broken <-chan struct{}, listening func(string) error) error {
	socket, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return err
	}
	web := serve.NewServer(f.Listen, a, limit.Default())
	web.ErrorLog = slog.NewLogLogger(serverLog(tel.Log).Handler(), slog.LevelWarn)
	failed := make(chan error, 2)
	go func() { failed <- web.Serve(socket) }()
	side, err := sideServer(f.Telemetry, tel, health, failed)
	if err != nil {
		web.Close()
		return err
	}
	tel.Log.Info("serving", slog.String("address", socket.Addr().String()), slog.String("build", telemetry.ReadBuild().String()))
	if listening != nil {
		if err := listening(socket.Addr().String()); err != nil {
			web.Close()
			return err
		}
	}
	select {
	case <-ctx.Done():
	case <-broken:
		err = errors.New("PostgreSQL ended by itself")
	case err = <-failed:
	}
	stop(a, web, side, health, f.Drain, tel.Log)
	return err
}

// work keeps the background work running until ctx ends. It answers health and metrics alone.
func work(ctx context.Context, f *listenFlags, tel *telemetry.Telemetry, health *telemetry.Health) (err error) {
	failed := make(chan error, 1)
	side, err := sideServer(f.Telemetry, tel, health, failed)
	if err != nil {
		return err
	}
	tel.Log.Info("working", slog.String("build", telemetry.ReadBuild().String()))
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	tel.Log.Info("stopping")
	health.Drain()
	if side != nil {
		_ = side.Close() // scrapes are repeated
	}
	return err
}

// sideServer serves metrics and health on an address of their own; nil when it is off.
func sideServer(address string, tel *telemetry.Telemetry, health *telemetry.Health, failed chan<- error) (*http.Server, error) {
	if address == "off" || address == "" {
		return nil, nil
	}
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", tel.Metrics())
	health.Register(mux)
	side := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	go func() { failed <- side.Serve(socket) }()
	tel.Log.Info("metrics and health", slog.String("address", socket.Addr().String()))
	return side, nil
}

// stop ends serving in good order: readiness fails first, then no new connections, sockets are closed with 1001, requests
// that are under way finish within finishTime.
func stop(a *product.API, web, side *http.Server, health *telemetry.Health, drain time.Duration, log *slog.Logger) {
	log.Info("stopping")
	health.Drain()
	if drain > 0 {
		time.Sleep(drain) // the load balancer's turn to notice
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	var both sync.WaitGroup
	both.Go(a.Shutdown)
	if err := web.Shutdown(ctx); err != nil {
		log.Warn("requests were cut off", slog.Any("error", err))
		web.Close()
	}
	both.Wait()
	if side != nil {
		_ = side.Close() // scrapes are repeated
	}
	log.Info("stopped")
}

func (f *logFlags) start(p *program) (*telemetry.Telemetry, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, err
	}
	return telemetry.Start(p.ctx, telemetry.Config{
		LogFormat: f.LogFormat, LogLevel: level, LogTo: p.stderr, OTLP: f.OTLP, Ratio: f.Ratio, Build: telemetry.ReadBuild(),
	})
}

func shutdownTelemetry(tel *telemetry.Telemetry) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := tel.Shutdown(ctx); err != nil {
		tel.Log.Warn("telemetry not sent", slog.Any("error", err))
	}
}
