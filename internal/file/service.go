package file

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Click is one use of a link: somebody wants the bytes now.
type Click struct {
	File    File
	Purpose string // as it was given to Link
}

// Terms are on what conditions a click is served.
type Terms struct {
	// Mark is put on every page; nil for none. What cannot be marked is refused (UNMARKABLE) from class L4 on.
	Mark *Mark
	// Class of the content, 0 to 7.
	Class int
	// Act is what the audit trail calls the opening: "read", "original", "export", "print"; "original" where it is empty.
	Act string
}

// Decide decides a click anew, in a transaction of the session that the link was made for, at the epochs that it was made
// at. An error refuses: a fault is answered as it is, with 403 for every refusal of a right.
type Decide func(ctx context.Context, tx *tenancy.Tx, c Click) (Terms, error)

// Opening is a click that is about to be served.
type Opening struct {
	File    File
	Purpose string
	Act     string
}

// Opened records an opening; an error means that no byte leaves.
type Opened func(ctx context.Context, s *tenancy.Session, o Opening) error

// Config is what a Service is made of. DB, Run, IDs, Store, Log, Key, Decide and Opened are required.
type Config struct {
	DB     *tenancy.DB
	Run    *act.Runner
	IDs    *id.Source
	Store  blob.Store
	Log    *slog.Logger
	Limits Limits
	// Key is the process's secret, equal in all processes: links are signed with a key derived from it.
	Key []byte
	// Decide and Opened are asked at every click.
	Decide Decide
	Opened Opened
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

	Authenticate func(ctx context.Context, bearer string, r *http.Request) (*tenancy.Session, error) // of the routes
	RequestID    func(context.Context) string                                                        // nil: none is known
	Random       io.Reader                                                                           // nil: crypto/rand
}

// Service owns files. Run works beside it; Close ends what it holds.
type Service struct {
	db        *tenancy.DB
	run       *act.Runner
	ids       *id.Source
	store     blob.Store
	log       *slog.Logger
	limits    Limits
	linkKey   []byte
	decide    Decide
	opened    Opened
	scanner   Scanner
	noScan    bool
	bench     *bench
	marked    *marked
	auth      func(context.Context, string, *http.Request) (*tenancy.Session, error)
	requestID func(context.Context) string
	random    io.Reader

	uploads, downloads chan struct{} // one place each
	// told are links whose opening is recorded: a reader that fetches pages in ranges opens the file once.
	told *otter.Cache[linkKey, struct{}]

	mu     sync.Mutex
	hinted map[tenancy.TenantID]struct{}
	hint   chan struct{}
}

// linkKey names one link.
type linkKey struct {
	tenant tenancy.TenantID
	mac    [sha256.Size]byte
}

// New makes a service; it starts nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Run == nil || c.IDs == nil || c.Store == nil || c.Log == nil || c.Decide == nil || c.Opened == nil || len(c.Key) < 16 {
		return nil, errors.New("file: DB, Run, IDs, Store, Log, Decide, Opened and a Key of 16 bytes or more are required")
	}
	s := &Service{
		db: c.DB, run: c.Run, ids: c.IDs, store: c.Store, log: c.Log, limits: c.Limits.orDefault(), decide: c.Decide, opened: c.Opened,
		scanner: c.Scanner, noScan: c.NoScan, auth: c.Authenticate, requestID: c.RequestID, random: c.Random,
		hinted: map[tenancy.TenantID]struct{}{}, hint: make(chan struct{}, 1),
	}
	// SECURITY: a key of its own, so that neither a cursor nor anything else that is signed could be taken for a link.
	mac := hmac.New(sha256.New, c.Key)
	mac.Write([]byte("clientele file links 1"))
	s.linkKey = mac.Sum(nil)
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.requestID == nil {
		s.requestID = func(context.Context) string { return "" }
	}
	s.uploads, s.downloads = make(chan struct{}, s.limits.Uploads), make(chan struct{}, s.limits.Downloads)
	var err error
	if s.told, err = otter.New(&otter.Options[linkKey, struct{}]{
		MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[linkKey, struct{}](2 * s.limits.Link),
	}); err != nil {
		return nil, err
	}
	if s.bench, err = newBench(c.Workshop, c.Font, c.Temp, s.limits); err != nil {
		return nil, err
	}
	s.marked = newMarked(s.limits.Rendered)
	return s, nil
}

// Close gives back what is kept at hand. It is called after the last answer.
func (s *Service) Close() { s.marked.close() }

// Ready tells whether the store takes and gives bytes; for the start and for readiness.
func (s *Service) Ready(ctx context.Context) error { return s.store.Check(ctx) }

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
	return l
}

func or[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
