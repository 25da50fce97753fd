package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
)

// services are the product's contexts on the database that the environment names.
func services(ctx context.Context) (*product.Services, *telemetry.Telemetry, error) {
	tel, err := telemetry.Start(ctx, telemetry.Config{LogFormat: "json", LogLevel: slog.LevelWarn, LogTo: os.Stderr, Build: telemetry.ReadBuild()})
	if err != nil {
		return nil, nil, err
	}
	clk := clock.New()
	db, err := tenancy.Open(ctx, tenancy.Config{
		AppURL: os.Getenv(appVariable), AuthnURL: os.Getenv(authnVariable), SystemURL: os.Getenv(sysVariable), Tracer: tel.SQL(),
	}, clk, tel.Log)
	if err != nil {
		return nil, nil, err
	}
	s, err := product.NewServices(db, clk, clk.Now, rand.Reader, tel.Log, tel.Tracer())
	return s, tel, err
}

// trailKey signs what either side seals: the cluster's folder keeps it, as its checkpoints stay too.
func trailKey() (*audit.Key, error) {
	return audit.LoadOrCreateKey(os.Getenv(keyVariable))
}

// newProduct is the product as its command serves it, with rates that no round reaches.
func newProduct(ctx context.Context) (http.Handler, error) {
	s, tel, err := services(ctx)
	if err != nil {
		return nil, err
	}
	key, err := trailKey()
	if err != nil {
		return nil, err
	}
	trail, err := product.StartTrail(s, key, tel.Log)
	if err != nil {
		return nil, err
	}
	cursors := make([]byte, 32)
	_, _ = rand.Read(cursors) // never fails
	limits := limit.Default()
	limits.PrincipalPoints, limits.PrincipalLeak, limits.TenantPoints, limits.TenantLeak = 1<<40, 1<<40, 1<<40, 1<<40
<<<<<<< HEAD
	handler, err := graph.NewHandler(graph.Options{
		Resolvers: resolvers{archive: archive.New(act.NewRunner(db, rights, ids, tel.Log))},
		Config: serve.Config{
			Reader: gate, Auth: signIn, Live: signIn, Limits: limits, Now: clk.Now, Log: tel.Log,
			Observe: func(ctx context.Context, o serve.Observation) {
				tel.Operation(ctx, telemetry.Operation{Kind: string(o.Kind), Via: o.Via, Cost: o.Cost, Codes: o.Errors, Duration: o.Duration})
			},
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", handler)
	return tel.HTTP(serve.Edge(mux, tel.Log), telemetry.Route(mux)), nil
}

// resolvers has the one mutation that is measured; to ask for another is a mistake of the bench.
type resolvers struct {
	graph.MutationResolver
	archive *archive.Service
}

func (r resolvers) Mutation() graph.MutationResolver { return r }

// Query has nothing: what is measured is answered by the read gate.
func (r resolvers) Query() graph.QueryResolver { return nil }

// ClientChangeProfile decodes, calls and encodes.
func (r resolvers) ClientChangeProfile(ctx context.Context, in model.ClientChangeProfileInput, key string) (out model.ClientChangeProfilePayload, err error) {
	client, err := id.Parse(id.Client, in.ClientID)
	if err != nil {
		return out, err
	}
	p := in.Profile
	result, err := r.archive.ClientChangeProfile(ctx, graph.SessionFrom(ctx), archive.ClientChangeProfile{
		Target:  archive.Target{ClientID: client, ExpectedVersion: in.ExpectedVersion},
		Profile: archive.Profile{Address: optional(p.Address), LegalRepresentative: optional(p.LegalRepresentative)},
		Source:  in.Source,
	}, key)
	if out.UserErrors, err = graph.UserErrors(ctx, err); err == nil && len(out.UserErrors) == 0 {
		out.Client = &read.Ref{Type: "Client", ID: result.Subject.ID}
	}
	return out, err
}

func optional(o graphql.Omittable[*string]) input.Optional[string] {
	v, given := o.ValueOK()
	return input.Optional[string]{Given: given, Value: v}
=======
	return product.NewAPI(s, product.Settings{CursorKey: cursors, Limits: &limits}, tel, telemetry.NewHealth(s.DB.Ready), trail)
>>>>>>> refs/heads/bench
}
