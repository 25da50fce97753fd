// Package servetest starts the serving layer for tests: real transports, limits and generated code over made-up data.
// It does not own any rule; no database is touched.
package servetest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Server is a started server. Its credentials are the words given to Sign.
type Server struct {
	URL     string // of the endpoint
	Handler *serve.Handler
	Clock   *clock.Clock
	Log     *Log

	http   *http.Server
	served chan struct{}

	mu       sync.Mutex
	sessions map[string]signed
}

type signed struct {
	tenant  tenancy.TenantID
	actor   tenancy.Actor
	revoked bool
}

// Token is a credential that is there from the start.
const Token = "alice"

// Start starts a server with diagnostics on; change may alter its options before.
func Start(t testing.TB, change func(*graph.Options)) *Server {
	t.Helper()
	s, err := New("127.0.0.1:0", change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New starts a server at a loopback address, for programs; Close ends it.
func New(addr string, change func(*graph.Options)) (*Server, error) {
	s := &Server{Clock: clock.New(), Log: &Log{}, sessions: map[string]signed{}}
	s.Sign(Token, "00000000-0000-0000-0000-00000000000a", time.Time{})
	o := graph.Options{Diagnostics: true, Resolvers: resolvers{}}
	o.Auth, o.Live, o.Now = s, s, s.Clock.Now
	o.Limits = limit.Default()
	o.Log = slog.New(slog.NewTextHandler(s.Log, nil))
	o.Reader = &Reader{schema: graph.Schema()}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Handler, err = graph.NewHandler(o); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", s.Handler)
	s.http = serve.NewServer(addr, mux, o.Limits)
	s.http.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(s.Log, nil), slog.LevelError)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + l.Addr().String() + "/graphql"
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l)
	}()
	return s, nil
}

// Close ends everything that is open and waits for it.
func (s *Server) Close() {
	s.Handler.Shutdown()
	_ = s.http.Close()
	<-s.served
}

// Sign makes a credential of a tenant; a zero time never ends.
func (s *Server) Sign(token, tenant string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[token] = signed{
		tenant: tenancy.TenantID(uuid.MustParse(tenant)),
		actor:  tenancy.Actor{Kind: tenancy.StaffActor, Account: uuid.NewSHA1(uuid.Nil, []byte(token)), Name: token, Expires: until},
	}
}

// Revoke ends a credential at once.
func (s *Server) Revoke(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.sessions[token]
	found.revoked = true
	s.sessions[token] = found
}

// Authenticate implements serve.Authenticator.
func (s *Server) Authenticate(_ context.Context, bearer string, _ *http.Request) (*tenancy.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.sessions[bearer]
	if !ok || found.revoked {
		return nil, fault.SignIn()
	}
	return &tenancy.Session{Tenant: found.tenant, Actor: found.actor}, nil
}

// Live implements serve.Liveness.
func (s *Server) Live(_ context.Context, session *tenancy.Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.sessions[session.Actor.Name].revoked
}

// Log keeps what the server logged.
type Log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String gives all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*Log)(nil)

type resolvers struct{}

func (resolvers) Mutation() graph.MutationResolver { return mutations{} }
func (resolvers) Query() graph.QueryResolver       { return nil }

// mutations answers clientOpen only: by its name it opens, refuses, fails or panics.
type mutations struct{ graph.MutationResolver }

func (mutations) ClientOpen(ctx context.Context, in model.ClientOpenInput, _ string) (model.ClientOpenPayload, error) {
	var err error
	switch in.Name {
	case "refused":
		err = fault.List{
			fault.Invalid("input.name", "NAME", fault.Text{ZH: "名称有误", EN: "bad name"}, fault.Text{ZH: "请更正", EN: "correct it"}),
			fault.Stale(7),
		}
	case "unavailable":
		err = fault.Down("DATABASE", io.ErrUnexpectedEOF)
	case "broken":
		err = io.ErrUnexpectedEOF
	case "panics":
		panic("resolver panic: secret")
	}
	errs, err := graph.UserErrors(ctx, err)
	if err != nil || len(errs) > 0 {
		return model.ClientOpenPayload{UserErrors: errs}, err
	}
	return model.ClientOpenPayload{Client: &read.Ref{Type: "Client", ID: uuid.MustParse("01890a5d-ac96-774b-bcce-000000000001")}, UserErrors: errs}, nil
}
