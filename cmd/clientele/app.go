package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/product"
)

// openServices opens server and pools and joins the contexts; close ends what was opened.
func openServices(ctx context.Context, f *databaseFlags, log *slog.Logger) (s *product.Services, closeAll func(), err error) {
	sv, err := f.openServer(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	clk := clock.New()
	db, err := sv.open(ctx, clk, log, nil)
	if err != nil {
		sv.stop(log)
		return nil, nil, err
	}
	closeAll = func() { db.Close(); sv.stop(log) }
	if s, err = product.NewServices(db, clk, clk.Now, rand.Reader, log); err != nil {
		closeAll()
		return nil, nil, err
	}
	return s, closeAll, nil
}

// startTrail starts the trail with the signing key in the data folder, which is made when there is none.
func startTrail(s *product.Services, data string, log *slog.Logger) (*product.Trail, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, folderTrouble(data, err)
	}
	key, err := audit.LoadOrCreateKey(filepath.Join(data, "audit.key"))
	if err != nil {
		return nil, err
	}
	return product.StartTrail(s, key, log)
}
