package authn

import (
	"context"
	"sync"
	"time"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// pulse is the last look at a tenant's revocation version, shared by all its open sockets and streams.
type pulse struct {
	mu         sync.Mutex
	revocation int64
	at         time.Time // of the last answer
	silent     time.Time // of the last attempt without one
}

// probeTime is how long one look may take; the sockets of a tenant wait for it together.
const probeTime = time.Second

// Live tells whether the session of an open socket may go on. One look at the tenant's revocation version serves all its
// sessions for Limits.Share; only a session that was verified at another version asks for itself. While the database does
// not answer a session lives on for Limits.Grace: its next transaction fails anyway.
func (s *Service) Live(ctx context.Context, session *tenancy.Session) bool {
	p, _ := s.tenants.ComputeIfAbsent(session.Tenant, func() (*pulse, bool) { return &pulse{at: s.now()}, false })
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.now()
	if now.Sub(p.at) < s.limits.Share && p.revocation != 0 && p.revocation == session.Verified() {
		return true
	}
	if now.Sub(p.silent) < s.limits.Share {
		return now.Sub(p.at) < s.limits.Grace
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	epochs, err := s.db.Probe(ctx, session)
	if err == nil {
		p.revocation, p.at = epochs.Revocation, now
		return true
	}
	// SECURITY: what the database says of this credential ends the socket; only silence is waited out.
	if _, said := fault.As(err); said {
		return false
	}
	p.silent = s.now()
	return now.Sub(p.at) < s.limits.Grace
}
