// Package authn owns sign-in: passwords and bearer tokens become sessions of an actor, within limits that make guessing dear.
// It does not own what the actor may do (policy), nor whether a session still lives: every transaction checks that (tenancy).
package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// Limits bound guessing, memory and work. The zero value of a field means zero: start from DefaultLimits.
type Limits struct {
	SessionLife time.Duration // of a sign-in; it does not slide: work of one day, then the password again

	// Sign-in attempts, leaky buckets. A success is given back, so only failures count.
	AddressAttempts int     // an address may fail at once
	AddressLeak     float64 // attempts a second that are forgiven
	AccountAttempts int     // failures of one login name, whether it exists or not
	AccountLeak     float64

	// Passwords are hashed a few at a time (credential.Hasher), each in 19 MiB. So many sign-ins may be under way, most of
	// them waiting; the next one is refused.
	Pending int

	// Bearer tokens that are malformed or that nobody has, by address: the directory is not even asked beyond this.
	BadTokens     int
	BadTokensLeak float64

	Tokens   int           // known tokens kept in memory
	TokenAge time.Duration // after which a known token is read again, for a changed name or scope
	Unknown  time.Duration // how long an unknown token is remembered as unknown
	Share    time.Duration // how long one look at a tenant's revocation version serves all its open sockets
	Grace    time.Duration // how long an open socket outlives a database that does not answer
	Used     time.Duration // between two records of a credential's use
	Keys     int           // addresses and login names counted at once
}

// DefaultLimits are the published numbers.
func DefaultLimits() Limits {
	return Limits{
		SessionLife:     12 * time.Hour,
		AddressAttempts: 30, AddressLeak: 0.5,
		AccountAttempts: 10, AccountLeak: 1.0 / 30,
		Pending:   32,
		BadTokens: 100, BadTokensLeak: 5,
		Tokens: 50_000, TokenAge: time.Minute, Unknown: time.Second,
		Share: 300 * time.Millisecond, Grace: 5 * time.Second, Used: time.Minute,
		Keys: 100_000,
	}
}

// Config is what a Service is made of. DB, Hasher, IDs, Now and Log are required.
type Config struct {
	DB     *tenancy.DB
	Hasher *credential.Hasher
	IDs    *id.Source
	Now    func() time.Time // clock.Clock.Now; for rates only
	Log    *slog.Logger
	Limits Limits

	Random    io.Reader                    // nil: crypto/rand
	Address   func(*http.Request) string   // nil: of the connection; see ClientAddress
	RequestID func(context.Context) string // nil: none is recorded
}

// Service signs people in and out and knows bearer tokens. Close it.
type Service struct {
	db        *tenancy.DB
	hasher    *credential.Hasher
	ids       *id.Source
	now       func() time.Time
	log       *slog.Logger
	limits    Limits
	random    io.Reader
	address   func(*http.Request) string
	requestID func(context.Context) string

	byAddress *limit.Buckets[string]
	byAccount *limit.Buckets[[32]byte] // by directory hash of "slug/login"
	bad       *limit.Buckets[string]
	pending   atomic.Int64

	known   *otter.Cache[[32]byte, *entry] // by token hash, which maps to one tenant and credential for ever
	unknown *otter.Cache[[32]byte, struct{}]
	tenants *otter.Cache[tenancy.TenantID, *pulse]

	used   chan use
	marked *otter.Cache[credentialKey, struct{}]
	done   sync.WaitGroup
	stop   context.CancelFunc
}

// New makes a service and starts the one goroutine that records the use of credentials.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Hasher == nil || c.IDs == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("authn: DB, Hasher, IDs, Now and Log are required")
	}
	s := &Service{
		db: c.DB, hasher: c.Hasher, ids: c.IDs, now: c.Now, log: c.Log, limits: c.Limits, random: c.Random, address: c.Address, requestID: c.RequestID,
		byAddress: limit.NewBuckets[string](c.Limits.AddressAttempts, c.Limits.AddressLeak, c.Limits.Keys, c.Now),
		byAccount: limit.NewBuckets[[32]byte](c.Limits.AccountAttempts, c.Limits.AccountLeak, c.Limits.Keys, c.Now),
		bad:       limit.NewBuckets[string](c.Limits.BadTokens, c.Limits.BadTokensLeak, c.Limits.Keys, c.Now),
		used:      make(chan use, 1024),
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.address == nil {
		s.address = ClientAddress(nil)
	}
	if s.requestID == nil {
		s.requestID = func(context.Context) string { return "" }
	}
	var err error
	if s.known, err = otter.New(&otter.Options[[32]byte, *entry]{
		MaximumSize: c.Limits.Tokens, ExpiryCalculator: otter.ExpiryWriting[[32]byte, *entry](c.Limits.TokenAge),
	}); err != nil {
		return nil, err
	}
	if s.unknown, err = otter.New(&otter.Options[[32]byte, struct{}]{
		MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[[32]byte, struct{}](c.Limits.Unknown),
	}); err != nil {
		return nil, err
	}
	if s.tenants, err = otter.New(&otter.Options[tenancy.TenantID, *pulse]{
		MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryAccessing[tenancy.TenantID, *pulse](time.Hour),
	}); err != nil {
		return nil, err
	}
	if s.marked, err = otter.New(&otter.Options[credentialKey, struct{}]{
		MaximumSize: c.Limits.Tokens, ExpiryCalculator: otter.ExpiryWriting[credentialKey, struct{}](c.Limits.Used),
	}); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.recordUse(ctx) })
	return s, nil
}

// Close stops recording the use of credentials, after what is waiting has been written. It is called before the pools close.
func (s *Service) Close() {
	s.stop()
	s.done.Wait()
}
