// Package demo owns the made-up data that a first look needs: two fictional tenants with a year of history, made through the
// services. It does not own any rule: what a service refuses does not exist here either. Nothing in it is about real people
// or companies: places are invented, telephone numbers begin with 1990000, credit codes are of a division that does not exist.
package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
)

// Services are what one tenant's data is made with. Each tenant has its own, because each has its own clock.
type Services struct {
	DB           *tenancy.DB
	IDs          *id.Source
	SignIn       *authn.Service
	Identity     *identity.Service
	Organisation *organisation.Service
	Archive      *archive.Service
	Contract     *contract.Service
	Custody      *custody.Service
	File         *file.Service // nil: originals are on paper only
}

// Opener opens services on the given clock and source of ids; closing gives back what they hold.
type Opener func(clk *clock.Clock, ids *id.Source) (s *Services, closing func(), err error)

// Options say what is made.
type Options struct {
	Seed  uint64    // the same seed makes the same rows, but for secrets and fractions of seconds
	Until time.Time // where the year of history ends; the present, to the hour
	Mass  int       // clients of the first tenant beside those that services make
	// Clients of the two tenants that are made through services; zero is 2,000 and 300.
	Clients [2]int
	// Progress is told how much of total has been done; nil for nobody.
	Progress func(done, total int)
}

// Actor is a person or app of a made tenant with a token.
type Actor struct {
	Login    string   `json:"login"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	Token    string   `json:"token"`
	Password string   `json:"password,omitempty"`
}

// Tenant is a made tenant.
type Tenant struct {
	Slug   string  `json:"slug"`
	Name   string  `json:"name"`
	Actors []Actor `json:"actors"`
}

// history is how long before Until the data begins: within the life of an API token.
const history = 360 * 24 * time.Hour

// Make makes both tenants, side by side: each is made act by act in one order, so that the outcome does not depend on which
// is faster.
func Make(ctx context.Context, open Opener, o Options) ([]Tenant, error) {
	plans := []plan{dealers(), maker()}
	for i, n := range o.Clients {
		if n > 0 {
			plans[i].clients = n
		}
	}
	p := &progress{tell: o.Progress}
	for i := range plans {
		p.total += plans[i].clients
	}
	plans[0].mass = o.Mass
	p.total += o.Mass
	made := make([]Tenant, len(plans))
	g, ctx := errgroup.WithContext(ctx)
	for i, pl := range plans {
		g.Go(func() error {
			var err error
			made[i], err = makeTenant(ctx, open, o, pl, rand.NewPCG(o.Seed, uint64(i)+1), p)
			return err
		})
	}
	return made, g.Wait()
}

func makeTenant(ctx context.Context, open Opener, o Options, pl plan, source *rand.PCG, p *progress) (Tenant, error) {
	s := &scene{plan: pl, random: rand.New(source), until: o.Until.UTC(), now: o.Until.UTC().Add(-history), clock: clock.New(), staff: map[string]*person{}, progress: p}
	seed := rand.NewChaCha8(chachaSeed(source))
	services, closing, err := open(s.clock, id.NewSource(func() time.Time { return s.now }, seed))
	if err != nil {
		return Tenant{}, err
	}
	defer closing()
	s.Services = services
	for _, step := range []func(context.Context) error{s.found, s.organise, s.people, s.load, s.archives, s.present} {
		if err := step(ctx); err != nil {
			return Tenant{}, err
		}
	}
	return s.tenant(), nil
}

func chachaSeed(source *rand.PCG) (seed [32]byte) {
	for i := range seed {
		seed[i] = byte(source.Uint64())
	}
	return seed
}
