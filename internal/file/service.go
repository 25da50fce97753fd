package file

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Config is what a Service is made of. DB, Run, IDs, Store, Log and Key are required.
type Config struct {
	DB     *tenancy.DB
	Run    *act.Runner
	IDs    *id.Source
	Store  blob.Store
	Log    *slog.Logger
	Limits Limits
	// Key is the process's secret, equal in all processes: links are signed with a key derived from it.
	Key []byte
	// Scanner looks into what was received; NoScan lets everything pass that is what it says. With neither, files stay
	// in quarantine.
	Scanner Scanner
	NoScan  bool
	// Workshop is the command of the program that puts marks on files: this program's own, see RunWorkshop. Empty: nothing
	// can be marked.
	Workshop []string
	// Font is the path of a TrueType font with Chinese characters; empty: it is looked for where systems have it.
	Font string
	// Temp is the folder of files in the making; empty for the system's.
	Temp string
	// Random makes secrets; nil for crypto/rand.
	Random io.Reader
	// Now is the time of rates; nil for the wall clock.
	Now func() time.Time
}

// Service owns files. Run works beside it; Close ends what it holds.
type Service struct {
	db      *tenancy.DB
	run     *act.Runner
	ids     *id.Source
	store   blob.Store
	log     *slog.Logger
	limits  Limits
	linkKey []byte
	scanner Scanner
	noScan  bool
	bench   *bench
	marked  *marked
	random  io.Reader

	uploads, downloads chan struct{} // one place each
	// told are links whose opening is recorded: a reader that fetches pages in ranges opens the file once.
	told *otter.Cache[linkKey, struct{}]
	// held counts what was refused to each account: its refusals are in the audit trail, and nobody fills that at will.
	held *limit.Buckets[account]
	dead *otter.Cache[refusedLink, struct{}] // whose refusal is recorded

	hints *tenancy.Hints // of tenants with something to scan
}

// account is one caller.
type account struct {
	tenant tenancy.TenantID
	id     uuid.UUID
}

// maxAccounts is how many callers are counted apart.
const maxAccounts = 100_000

// linkKey names one link.
type linkKey struct {
	tenant tenancy.TenantID
	mac    [sha256.Size]byte
}

// New makes a service; it starts nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Run == nil || c.IDs == nil || c.Store == nil || c.Log == nil || len(c.Key) < 16 {
		return nil, errors.New("file: DB, Run, IDs, Store, Log and a Key of 16 bytes or more are required")
	}
	s := &Service{
		db: c.DB, run: c.Run, ids: c.IDs, store: c.Store, log: c.Log, limits: c.Limits.orDefault(),
		scanner: c.Scanner, noScan: c.NoScan, random: c.Random,
		hints: tenancy.NewHints(),
	}
	// SECURITY: a key of its own, so that neither a cursor nor anything else that is signed could be taken for a link.
	mac := hmac.New(sha256.New, c.Key)
	mac.Write([]byte("clientele file links 1"))
	s.linkKey = mac.Sum(nil)
	if s.random == nil {
		s.random = rand.Reader
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s.uploads, s.downloads = make(chan struct{}, s.limits.Uploads), make(chan struct{}, s.limits.Downloads)
	var err error
	if s.told, err = otter.New(&otter.Options[linkKey, struct{}]{
		MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[linkKey, struct{}](2 * s.limits.Link),
	}); err != nil {
		return nil, err
	}
	if s.dead, err = otter.New(&otter.Options[refusedLink, struct{}]{
		MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[refusedLink, struct{}](24 * time.Hour),
	}); err != nil {
		return nil, err
	}
	if s.bench, err = newBench(c.Workshop, c.Font, c.Temp, s.limits); err != nil {
		return nil, err
	}
	s.marked = newMarked(s.limits.Rendered)
	s.held = limit.NewBuckets[account](s.limits.Refusals, s.limits.Forgiven, maxAccounts, c.Now)
	return s, nil
}

// Close gives back what is kept at hand. It is called after the last answer.
func (s *Service) Close() { s.marked.close() }

// Check tries the store out by writing and reading; for the start.
func (s *Service) Check(ctx context.Context) error { return s.store.Check(ctx) }

// Ready tells whether the store answers; for readiness, which asks often.
func (s *Service) Ready(ctx context.Context) error {
	if _, err := s.store.Stat(ctx, "check/ready"); !errors.Is(err, blob.ErrAbsent) {
		return err
	}
	return nil
}

// Scans tells whether anything leaves quarantine: a scanner is there, or it was said that none is wanted.
func (s *Service) Scans() bool { return s.scanner != nil || s.noScan }

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	or(&l.Size, d.Size)
	or(&l.Ticket, d.Ticket)
	or(&l.Link, d.Link)
	or(&l.Uploads, d.Uploads)
	or(&l.Downloads, d.Downloads)
	or(&l.Idle, d.Idle)
	or(&l.Rate, d.Rate)
	or(&l.Scan, d.Scan)
	or(&l.Sweep, d.Sweep)
	or(&l.Abandoned, d.Abandoned)
	or(&l.Infected, d.Infected)
	or(&l.Render, d.Render)
	or(&l.Rendered, d.Rendered)
	or(&l.Refusals, d.Refusals)
	or(&l.Forgiven, d.Forgiven)
	return l
}

func or[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
