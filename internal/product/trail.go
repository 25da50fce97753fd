package product

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Trail writes openings before answers leave, seals the audit trail behind them, and knows how far the sealing is behind. Close it.
type Trail struct {
	Backlog *audit.Backlog

	writer *audit.Writer
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// StartTrail starts the sealer with the signing key.
func StartTrail(s *Services, key *audit.Key, log *slog.Logger) (*Trail, error) {
	sealer, err := audit.NewSealer(s.DB, key, nil, log)
	if err != nil {
		return nil, err
	}
	t := startTrail(s, sealer.Wake, log)
	t.run(sealer.Run)
	return t, nil
}

// StartUnsealedTrail is StartTrail without a sealer: workers seal what this process writes. It needs no key.
func StartUnsealedTrail(s *Services, log *slog.Logger) *Trail {
	return startTrail(s, func(tenancy.TenantID) {}, log)
}

func startTrail(s *Services, wake func(tenancy.TenantID), log *slog.Logger) *Trail {
	t := &Trail{writer: audit.NewWriter(s.DB, s.IDs, log, audit.WriterConfig{}, wake), Backlog: audit.NewBacklog(s.DB, log)}
	t.stop = func() {}
	t.run(t.Backlog.Run)
	return t
}

var errBehind = errors.New("audit records wait to be sealed: no worker is sealing")

// Sealing fails while records wait to be sealed longer than any worker that works lets them; for health.
func (t *Trail) Sealing(context.Context) error {
	if t.Backlog.Behind() {
		return errBehind
	}
	return nil
}

// run starts a loop that Close ends. It outlives the signal to stop: what the last requests wrote is sealed too.
func (t *Trail) run(loop func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	before := t.stop
	t.stop = func() { before(); stop() }
	t.done.Go(func() { loop(ctx) })
}

// Close ends the trail when what waits has been written. It is called after the last answer and before the pools close.
func (t *Trail) Close() {
	t.writer.Close()
	t.stop()
	t.done.Wait()
}

// opened records what a read opens: a client asked for by id, and groups of class L4 and above.
func (t *Trail) opened(ctx context.Context, s *tenancy.Session, openings []read.Opening) error {
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
func (t *Trail) refused(ctx context.Context, s *tenancy.Session, absent []read.Ref) error {
	out := make([]audit.Refusal, len(absent))
	for i, a := range absent {
		out[i] = audit.Refusal{Type: a.Type, ID: a.ID, Act: "read"}
	}
	return t.writer.Refused(ctx, s, out)
}
