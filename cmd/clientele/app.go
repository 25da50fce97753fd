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
	if s, err = product.NewServices(db, clk, clk.Now, rand.Reader, log, nil, nil); err != nil {
		closeAll()
		return nil, nil, err
	}
	return s, closeAll, nil
}

// startTrail starts the trail with the configured signing key, or the one in the data folder, made when there is none. A process
// that only answers requests seals nothing and needs no key.
func startTrail(s *product.Services, role, configured, data string, log *slog.Logger) (*product.Trail, error) {
	if role == roleAPI {
		return product.StartUnsealedTrail(s, log), nil
	}
	key, err := signingKey(configured, data)
	if err != nil {
		return nil, err
	}
	return product.StartTrail(s, key, log)
}

// signingKey needs no folder that can be written when the key is configured.
func signingKey(configured, data string) (*audit.Key, error) {
	if configured != "" {
		return audit.ParseKey(configured)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, folderTrouble(data, err)
	}
	return audit.LoadOrCreateKey(filepath.Join(data, "audit.key"))
}
