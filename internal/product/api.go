package product

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/graphiql"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/resolver"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/epochs"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/telemetry"
)

// Settings are what an operator decides about the API.
type Settings struct {
	Proxies     []netip.Prefix // networks of trusted reverse proxies
	Origins     []string       // browser origins that may call
	CursorKey   []byte         // 16 bytes or more, equal in all processes that serve one database
	Production  bool           // no introspection, no console page
	Diagnostics bool           // the diagnostic fields exist
	Limits      *limit.Limits  // nil: the published numbers
}

// API is what listens on the API's address. Shutdown ends what stays open, then Close ends the rest.
type API struct {
	http.Handler
	graphql *serve.Handler
	authn   *authn.Service
	epochs  *epochs.Watcher
}

// NewAPI joins GraphQL, sign-in, health and the console page under one edge.
func NewAPI(s *Services, c Settings, tel *telemetry.Telemetry, health *telemetry.Health, trail *Trail) (*API, error) {
	address := authn.ClientAddress(c.Proxies)
	limits := limit.Default()
	if c.Limits != nil {
		limits = *c.Limits
	}
	signIn, err := authn.New(authn.Config{
		DB: s.DB, Hasher: s.Hasher, IDs: s.IDs, Now: s.Clock.Now, Log: tel.Log, Limits: authn.DefaultLimits(), Address: address, RequestID: serve.RequestID,
	})
	if err != nil {
		return nil, err
	}
	gate, err := read.New(s.DB, s.Rights, graph.Schema(), read.Config{
		CursorKey: c.CursorKey, Now: s.Clock.Now, QueryTerms: archive.QueryTerms, Opened: trail.opened, Refused: trail.refused, Tracer: tel.Tracer(),
	})
	if err != nil {
		signIn.Close()
		return nil, err
	}
	handler, err := graph.NewHandler(graph.Options{
		Resolvers: newResolvers(s), Diagnostics: c.Diagnostics,
		Config: serve.Config{
			Reader: gate, Streams: resolver.Subscriptions{Watcher: s.Epochs, Probe: s.DB.Probe, Boundary: s.boundary, Now: s.Clock.Now}, Auth: signIn, Live: signIn, Limits: limits, Origins: c.Origins, Production: c.Production,
			Now: s.Clock.Now, Log: tel.Log, Observe: observe(tel), Tracer: tel.Tracer(),
		},
	})
	if err != nil {
		signIn.Close()
		return nil, err
	}
	routes, err := signIn.Handler(c.Origins)
	if err != nil {
		signIn.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", handler)
	mux.Handle("/auth/", routes)
	if s.File != nil {
		files, err := s.File.Handler(s.web(signIn, trail, c.Origins))
		if err != nil {
			signIn.Close()
			return nil, err
		}
		mux.Handle("/files/", files)
	}
	health.Register(mux)
	if !c.Production {
		mux.Handle("/{$}", graphiql.Handler())
		mux.Handle("/console/", graphiql.Handler())
	}
	return &API{Handler: tel.HTTP(serve.Edge(mux, tel.Log), telemetry.Route(mux)), graphql: handler, authn: signIn, epochs: s.Epochs}, nil
}

// Shutdown ends sockets and event streams and refuses new ones.
func (a *API) Shutdown() { a.graphql.Shutdown() }

// Close ends what runs beside requests. It is called after the last answer and before the pools close.
func (a *API) Close() {
	a.authn.Close()
	a.epochs.Close()
}

func observe(tel *telemetry.Telemetry) func(context.Context, serve.Observation) {
	return func(ctx context.Context, o serve.Observation) {
		tel.Operation(ctx, telemetry.Operation{Kind: string(o.Kind), Via: o.Via, Cost: o.Cost, Codes: o.Errors, Duration: o.Duration})
	}
}
