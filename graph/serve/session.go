package serve

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Session is who asks, on behalf of which tenant, and until when.
type Session struct {
	Tenant     uuid.UUID
	Actor      Actor
	RequestID  string
	Language   string // "zh-CN" or "en"
	Revocation int64
}

// Actor is the account behind a session.
type Actor struct {
	Account, Staff, Credential uuid.UUID
	Expires                    time.Time
}

type sessionKey struct{}

// WithSession puts the session where resolvers find it.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionFrom gives the session of the operation, nil outside of one.
func SessionFrom(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}

// principal is the key of everything that is counted per caller.
type principal struct{ tenant, account uuid.UUID }

func principalOf(s *Session) principal { return principal{s.Tenant, s.Actor.Account} }

// expired reports whether the credential's time is over; a zero time never is.
func expired(s *Session, now time.Time) bool {
	return !s.Actor.Expires.IsZero() && !now.Before(s.Actor.Expires)
}
