package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"crypto/rand"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/graphiql"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/telemetry"
)

// api is what listens on the API's address.
type api struct {
	http.Handler
	graphql *serve.Handler
	authn   *authn.Service
}

// newAPI joins GraphQL, sign-in, health and the console page under one edge.
func newAPI(s *services, f *listenFlags, data string, tel *telemetry.Telemetry, health *telemetry.Health, diagnostics bool) (*api, error) {
	proxies, err := prefixes(f.Proxies)
	if err != nil {
		return nil, err
	}
	key, err := cursorKey(f.CursorKey, data)
	if err != nil {
		return nil, err
	}
	address := authn.ClientAddress(proxies)
	signIn, err := authn.New(authn.Config{
		DB: s.db, Hasher: s.hasher, IDs: s.ids, Now: s.clock.Now, Log: tel.Log, Limits: authn.DefaultLimits(), Address: address, RequestID: serve.RequestID,
	})
	if err != nil {
		return nil, err
	}
	gate, err := read.New(s.db, s.rights, graph.Schema(), read.Config{CursorKey: key, Now: s.clock.Now, QueryTerms: archive.QueryTerms})
	if err != nil {
		signIn.Close()
		return nil, err
	}
	handler, err := graph.NewHandler(graph.Options{
		Resolvers: newResolvers(s), Diagnostics: diagnostics,
		Config: serve.Config{
			Reader: gate, Auth: signIn, Live: signIn, Limits: limit.Default(), Origins: f.Origins, Production: f.Public,
			Address: address, Now: s.clock.Now, Log: tel.Log, Observe: observe(tel),
		},
	})
	if err != nil {
		signIn.Close()
		return nil, err
	}
	routes, err := signIn.Handler(f.Origins)
	if err != nil {
		signIn.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", handler)
	mux.Handle("/auth/", routes)
	health.Register(mux)
	if !f.Public {
		mux.Handle("GET /", graphiql.Handler())
	}
	return &api{Handler: tel.HTTP(serve.Edge(mux, tel.Log)), graphql: handler, authn: signIn}, nil
}

func observe(tel *telemetry.Telemetry) func(context.Context, serve.Observation) {
	return func(ctx context.Context, o serve.Observation) {
		tel.Operation(ctx, telemetry.Operation{Kind: string(o.Kind), Via: o.Via, Name: o.Name, Cost: o.Cost, Codes: o.Errors, Duration: o.Duration})
	}
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(texts))
	for _, t := range texts {
		p, err := netip.ParsePrefix(strings.TrimSpace(t))
		if err != nil {
			return nil, &trouble{message: fault.Text{ZH: "不是网段：" + t, EN: "not a network: " + t},
				remedy: fault.Text{ZH: "例如 --trusted-proxy 10.0.0.0/8", EN: "for example --trusted-proxy 10.0.0.0/8"}, cause: err}
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// cursorKey is the configured key, or one that is made once and kept in the data folder.
func cursorKey(configured, data string) ([]byte, error) {
	malformed := &trouble{message: fault.Text{ZH: "游标密钥不是至少 16 字节的十六进制数", EN: "the cursor key is not 16 bytes or more in hex"},
		remedy: fault.Text{ZH: "用 openssl rand -hex 32 生成，设为 CLIENTELE_CURSOR_KEY", EN: "make one with openssl rand -hex 32 and set CLIENTELE_CURSOR_KEY"}}
	path := filepath.Join(data, "cursor.key")
	if configured == "" {
		body, err := os.ReadFile(path)
		if err == nil {
			configured = strings.TrimSpace(string(body))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, folderTrouble(data, err)
		}
	}
	if configured == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, folderTrouble(data, err)
		}
		if err := os.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
			return nil, folderTrouble(data, err)
		}
		return key, nil
	}
	key, err := hex.DecodeString(configured)
	if err != nil || len(key) < 16 {
		return nil, malformed
	}
	return key, nil
}

// serverLog takes what net/http wants to say.
func serverLog(log *slog.Logger) *slog.Logger { return log.With(slog.String("from", "http")) }
