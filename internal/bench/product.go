package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
)

// services are the product's contexts on the database that the environment names.
func services(ctx context.Context) (*product.Services, *telemetry.Telemetry, error) {
	tel, err := telemetry.Start(ctx, telemetry.Config{LogFormat: "json", LogLevel: slog.LevelWarn, LogTo: os.Stderr, Build: telemetry.ReadBuild()})
	if err != nil {
		return nil, nil, err
	}
	clk := clock.New()
	db, err := tenancy.Open(ctx, tenancy.Config{
		AppURL: os.Getenv(appVariable), AuthnURL: os.Getenv(authnVariable), SystemURL: os.Getenv(sysVariable), Tracer: tel.SQL(),
	}, clk, tel.Log)
	if err != nil {
		return nil, nil, err
	}
	s, err := product.NewServices(db, clk, clk.Now, rand.Reader, tel.Log, tel.Tracer(), nil)
	return s, tel, err
}

// trailKey signs what either side seals: the cluster's folder keeps it, as its checkpoints stay too.
func trailKey() (*audit.Key, error) {
	return audit.LoadOrCreateKey(os.Getenv(keyVariable))
}

// newProduct is the product as its command serves it, with rates that no round reaches.
func newProduct(ctx context.Context) (http.Handler, error) {
	s, tel, err := services(ctx)
	if err != nil {
		return nil, err
	}
	key, err := trailKey()
	if err != nil {
		return nil, err
	}
	trail, err := product.StartTrail(s, key, tel.Log)
	if err != nil {
		return nil, err
	}
	cursors := make([]byte, 32)
	_, _ = rand.Read(cursors) // never fails
	limits := limit.Default()
	limits.PrincipalPoints, limits.PrincipalLeak, limits.TenantPoints, limits.TenantLeak = 1<<40, 1<<40, 1<<40, 1<<40
	return product.NewAPI(s, product.Settings{CursorKey: cursors, Limits: &limits}, tel, telemetry.NewHealth(s.DB.Ready), trail)
}
