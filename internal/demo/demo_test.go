package demo_test

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/demo"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
)

// opener opens services on a test's database as the command does on the private one.
func opener(t *testing.T, d *testkit.Database) demo.Opener {
	return func(clk *clock.Clock, ids *id.Source) (*demo.Services, func(), error) {
		log := slog.New(slog.DiscardHandler)
		db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: d.App, AuthnURL: d.Authn, SystemURL: d.System, MaxConns: 4}, clk, log)
		if err != nil {
			return nil, nil, err
		}
		rights, err := access.New(db, 2)
		if err != nil {
			return nil, nil, err
		}
		run, hasher := act.NewRunner(db, rights, ids, log), credential.NewHasher(2)
		signIn, err := authn.New(authn.Config{DB: db, Hasher: hasher, IDs: ids, Now: clk.Now, Log: log, Limits: authn.DefaultLimits()})
		if err != nil {
			return nil, nil, err
		}
		return &demo.Services{
			DB: db, IDs: ids, SignIn: signIn, Identity: identity.New(run, db, hasher, rand.Reader), Organisation: organisation.New(run), Archive: archive.New(run), Contract: contract.New(run),
		}, func() { signIn.Close(); db.Close() }, nil
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	made, err := demo.Make(t.Context(), opener(t, d), demo.Options{Seed: 1, Until: time.Now().Truncate(time.Hour), Clients: [2]int{60, 20}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range made {
		t.Log(tenant.Slug, len(tenant.Actors))
	}
}
