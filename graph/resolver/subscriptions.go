package resolver

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/epochs"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Subscriptions has the fields of Subscription.
type Subscriptions struct {
	Watcher *epochs.Watcher
	// Probe gives the tenant's epochs and fails with UNAUTHENTICATED when the session is dead.
	Probe func(ctx context.Context, s *tenancy.Session) (tenancy.Epochs, error)
	// Boundary gives the next instant at which time alone begins or ends a right of the session's actor; zero when there is none.
	Boundary func(ctx context.Context, s *tenancy.Session) (time.Time, error)
	Now      func() time.Time
}

// look is how long nobody looks at the clock that says whether a boundary was passed, where it is moved by something else than time.
const look = time.Second

// Subscribe implements serve.Streams.
func (r Subscriptions) Subscribe(_ context.Context, s *tenancy.Session, _ *ast.QueryDocument, _ *ast.OperationDefinition, _ map[string]any, root *ast.Field) (serve.Stream, error) {
	if root.Name != "rightsChanged" {
		return nil, fault.Down("NO_SUBSCRIPTIONS", nil)
	}
	return &rightsChanged{Subscriptions: r, listener: r.Watcher.Listen(s.Tenant), session: s, root: root}, nil
}

// rightsChanged tells a caller the versions of what decides his rights: at once, whenever one has moved, and at the instant at which
// time alone begins or ends one of his rights: versions do not move then, and no event is there.
type rightsChanged struct {
	Subscriptions
	listener *epochs.Listener
	session  *tenancy.Session
	root     *ast.Field
	told     tenancy.Epochs // zero before the first item
	boundary time.Time      // of after that item; zero for none
}

// Next waits for versions that were not told yet.
//
// SECURITY: each item is asked for anew in a transaction of the session's own, which a dead credential or a suspended account
// does not begin; and the token's scopes must leave reading.
func (r *rightsChanged) Next(ctx context.Context) (read.Answer, error) {
	if !policy.TokenAllows(r.session.Actor.Scopes, policy.Read) {
		return read.Answer{}, fault.Forbidden(string(policy.ReasonToken), fault.Text(policy.ReasonToken.Label()), "", fault.Text(policy.ReasonToken.Remedy()))
	}
	for {
		passed := false
		if r.told != (tenancy.Epochs{}) {
			var err error
			if passed, err = r.wait(ctx); err != nil {
				return read.Answer{}, err
			}
		}
		now, err := r.Probe(ctx, r.session)
		if err == nil && (now != r.told || passed) {
			r.boundary, err = r.Boundary(ctx, r.session)
		}
		if _, said := fault.As(err); err != nil && !said && ctx.Err() == nil {
			err = fault.Down("DATABASE", err)
		}
		if err != nil {
			return read.Answer{}, err
		}
		if now == r.told && !passed {
			continue
		}
		r.told = now
		return read.Answer{Data: r.item(ctx)}, nil
	}
}

// wait returns when versions may have moved, or with passed at the next boundary.
func (r *rightsChanged) wait(ctx context.Context) (passed bool, err error) {
	for {
		within, cancel := ctx, context.CancelFunc(func() {})
		if !r.boundary.IsZero() {
			left := r.boundary.Sub(r.Now())
			if left <= 0 {
				return true, nil
			}
			within, cancel = context.WithTimeout(ctx, min(left, look))
		}
		err := r.listener.Wait(within, r.told)
		cancel()
		if err == nil || ctx.Err() != nil {
			return false, err
		}
	}
}

// Close ends the stream.
func (r *rightsChanged) Close() { r.listener.Close() }

func (r *rightsChanged) item(ctx context.Context) []byte {
	const typ = "RightsVersions"
	b := append(quoted([]byte{'{'}, r.root.Alias), ":{"...)
	for i, f := range graphql.CollectFields(graphql.GetOperationContext(ctx), r.root.SelectionSet, []string{typ}) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(quoted(b, f.Alias), ':')
		switch f.Name {
		case "__typename":
			b = quoted(b, typ)
		case "policyVersion":
			b = quoted(b, strconv.FormatInt(r.told.Policy, 10))
		case "organisationVersion":
			b = quoted(b, strconv.FormatInt(r.told.Org, 10))
		case "revocationVersion":
			b = quoted(b, strconv.FormatInt(r.told.Revocation, 10))
		}
	}
	return append(b, "}}"...)
}

func quoted(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings are always JSON
	}
	return append(b, q...)
}
