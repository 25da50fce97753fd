// Package serve owns how the schema is spoken to: HTTP, sockets, event streams, their limits, and how errors look
// outside. It does not own what the schema means: reads go to the gate, mutations to generated code and services.
package serve

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/trace"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Reader is the read gate.
type Reader interface {
	// Query answers root fields of one query together, in one snapshot.
	Query(ctx context.Context, s *tenancy.Session, doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any, roots []*ast.Field) (read.Answer, error)
	// Render writes one object of a mutation's payload.
	Render(ctx context.Context, s *tenancy.Session, typ string, id uuid.UUID, sel ast.SelectionSet, doc *ast.QueryDocument, vars map[string]any) (read.Answer, error)
}

// Streams answers subscriptions.
type Streams interface {
	// Subscribe opens the stream of a subscription's one root field. A refusal is a fault.
	Subscribe(ctx context.Context, s *tenancy.Session, doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any, root *ast.Field) (Stream, error)
}

// Stream is pulled: it is asked for the next answer only when the socket has room, so whoever feeds it must never
// wait for it.
type Stream interface {
	// Next waits for the next answer. io.EOF ends the stream in good order, any other error ends it with an error.
	Next(ctx context.Context) (read.Answer, error)
	Close()
}

// Authenticator turns a bearer credential ("" when there is none; a cookie may be in r) into a session. It returns
// fault.SignIn for a credential that is missing or not good, RATE_LIMITED with "retryAfter" (seconds) for a caller who sends
// many that are not: counting them is the authenticator's, for every transport alike. The session is a new one each time: the serving layer
// writes the request's id and language into it.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string, r *http.Request) (*tenancy.Session, error)
}

// Liveness says whether a session's credential is still good. It is asked every few hundred milliseconds for every
// socket and stream, so it answers from memory.
type Liveness interface {
	Live(ctx context.Context, s *tenancy.Session) bool
}

// Config is what a Handler is made of. Exec, Reader, Auth and Live are required.
type Config struct {
	Exec    graphql.ExecutableSchema // generated: mutations, service-backed queries, introspection
	Reader  Reader
	Streams Streams // nil: subscriptions are refused
	Auth    Authenticator
	Live    Liveness

	// Gate says whether the read gate answers a Query field; see package readside.
	Gate func(field string) bool

	Limits     limit.Limits
	Origins    []string // browser origins that may call, e.g. "https://app.example.com"
	Production bool     // no introspection, no suggestions in messages

	Registered     Registered // persisted operations by id; nil: none
	RegisteredOnly bool       // nothing else is executed

	Now func() time.Time // clock.Clock.Now
	Log *slog.Logger

	// Tracer makes the span of every operation that is executed; nil: none are made.
	Tracer trace.Tracer

	// Observe is told of every finished operation; nil: nobody is.
	Observe func(ctx context.Context, o Observation)
}

// Observation describes one finished operation without any of its data or variables.
type Observation struct {
	Name     string // as the caller named it, "" for none; not trustworthy as a metric label
	Kind     ast.Operation
	Via      string // "http", "sse", "ws"
	Cost     int
	Errors   []string // codes
	Duration time.Duration
}
