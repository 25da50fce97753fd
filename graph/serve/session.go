package serve

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
)

type sessionKey struct{}

// WithSession puts the session where resolvers find it.
func WithSession(ctx context.Context, s *tenancy.Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionFrom gives the session of the operation, nil outside of one.
func SessionFrom(ctx context.Context) *tenancy.Session {
	s, _ := ctx.Value(sessionKey{}).(*tenancy.Session)
	return s
}

// principal is the key of everything that is counted per caller.
type principal struct {
	tenant  tenancy.TenantID
	account uuid.UUID
}

func principalOf(s *tenancy.Session) principal { return principal{s.Tenant, s.Actor.Account} }

// lifetime is a signal for the instant at which the credential's time is over by now; stop gives it back. A zero time has none.
func lifetime(s *tenancy.Session, now time.Time) (over <-chan time.Time, stop func() bool) {
	if s.Actor.Expires.IsZero() {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(s.Actor.Expires.Sub(now))
	return t.C, t.Stop
}

// expired reports whether the credential's time is over; a zero time never is.
func expired(s *tenancy.Session, now time.Time) bool {
	return !s.Actor.Expires.IsZero() && !now.Before(s.Actor.Expires)
}
