package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"

	"github.com/99designs/gqlgen/graphql"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
)

// newProduct joins the product's parts as its command does, with rates that no round reaches.
func newProduct(ctx context.Context) (http.Handler, error) {
	tel, err := telemetry.Start(ctx, telemetry.Config{LogFormat: "json", LogLevel: slog.LevelWarn, LogTo: os.Stderr, Build: telemetry.ReadBuild()})
	if err != nil {
		return nil, err
	}
	clk := clock.New()
	db, err := tenancy.Open(ctx, tenancy.Config{AppURL: os.Getenv(appVariable), AuthnURL: os.Getenv(authnVariable), SystemURL: os.Getenv(sysVariable)}, clk, tel.Log)
	if err != nil {
		return nil, err
	}
	rights, err := access.New(db, 100)
	if err != nil {
		return nil, err
	}
	ids := id.NewSource(clk.Now, rand.Reader)
	signIn, err := authn.New(authn.Config{
		DB: db, Hasher: credential.NewHasher(1), IDs: ids, Now: clk.Now, Log: tel.Log, Limits: authn.DefaultLimits(), RequestID: serve.RequestID,
	})
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	gate, err := read.New(db, rights, graph.Schema(), read.Config{CursorKey: key, Now: clk.Now, QueryTerms: archive.QueryTerms})
	if err != nil {
		return nil, err
	}
	limits := limit.Default()
	limits.PrincipalPoints, limits.PrincipalLeak, limits.TenantPoints, limits.TenantLeak = 1<<40, 1<<40, 1<<40, 1<<40
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
}
