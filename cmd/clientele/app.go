package main

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"runtime"
	"time"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
)

// services are the contexts of the product on one database.
type services struct {
	db           *tenancy.DB
	clock        *clock.Clock
	ids          *id.Source
	rights       *access.Provider
	run          *act.Runner
	hasher       *credential.Hasher
	identity     *identity.Service
	organisation *organisation.Service
	archive      *archive.Service
	contract     *contract.Service
	policy       *policyadmin.Service
}

// cachedTenants is how many tenants' rights are kept in memory.
const cachedTenants = 1000

// newServices joins the contexts. now and random make ids: the wall clock and crypto/rand, but for demo data.
func newServices(db *tenancy.DB, clk *clock.Clock, now func() time.Time, random io.Reader, log *slog.Logger) (*services, error) {
	rights, err := access.New(db, cachedTenants)
	if err != nil {
		return nil, err
	}
	s := &services{db: db, clock: clk, ids: id.NewSource(now, random), rights: rights, hasher: credential.NewHasher(runtime.GOMAXPROCS(0))}
	s.run = act.NewRunner(db, rights, s.ids, log)
	s.identity = identity.New(s.run, db, s.hasher, random)
	s.organisation = organisation.New(s.run)
	s.archive = archive.New(s.run)
	s.contract = contract.New(s.run)
	s.policy = policyadmin.New(s.run, db, rights)
	return s, nil
}

// openServices opens server and pools and joins the contexts; close ends what was opened.
func openServices(ctx context.Context, f *databaseFlags, log *slog.Logger) (s *services, closeAll func(), err error) {
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
	if s, err = newServices(db, clk, clk.Now, rand.Reader, log); err != nil {
		closeAll()
		return nil, nil, err
	}
	return s, closeAll, nil
}
