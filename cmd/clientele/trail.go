package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// trail writes openings before answers leave and seals the audit trail behind them.
type trail struct {
	writer *audit.Writer
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// startTrail starts the sealer with the configured signing key, or the one in the data folder, made when there is none.
func startTrail(s *services, configured, data string, log *slog.Logger) (*trail, error) {
	key, err := signingKey(configured, data)
	if err != nil {
		return nil, err
	}
	sealer, err := audit.NewSealer(s.db, key, nil, log)
	if err != nil {
		return nil, err
	}
	t := &trail{writer: audit.NewWriter(s.db, s.ids, log, audit.WriterConfig{}, sealer.Wake)}
	// The sealer outlives the signal to stop: what the last requests wrote is sealed too.
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	t.done.Go(func() { sealer.Run(ctx) })
	return t, nil
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

func (t *trail) close() {
	t.writer.Close()
	t.stop()
	t.done.Wait()
}

// opened records what a read opens: a client asked for by id, and groups of class L4 and above.
func (t *trail) opened(ctx context.Context, s *tenancy.Session, openings []read.Opening) error {
	out := make([]audit.Opening, len(openings))
	for i, o := range openings {
		act := "read"
		if len(o.Groups) > 0 {
			act = "reveal"
		}
		out[i] = audit.Opening{Type: o.Type, ID: o.ID, Groups: o.Groups, Act: act}
	}
	return t.writer.Opened(ctx, s, out)
}

// refused records objects that were asked for by id and are absent, or look so to the actor.
func (t *trail) refused(ctx context.Context, s *tenancy.Session, absent []read.Ref) error {
	out := make([]audit.Refusal, len(absent))
	for i, a := range absent {
		out[i] = audit.Refusal{Type: a.Type, ID: a.ID, Act: "read"}
	}
	return t.writer.Refused(ctx, s, out)
}
