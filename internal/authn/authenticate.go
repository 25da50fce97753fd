package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// entry is what is known of one token: whose it is. Whether it still lives is not known from here: every transaction asks.
type entry struct {
	tenant   tenancy.TenantID
	actor    tenancy.Actor
	verified int64 // the tenant's revocation version when it was read
	// last is the session handed out last. When a transaction has verified it at a newer version, the next one starts there,
	// so that one revocation in the tenant costs every living credential one query, not one a request.
	last atomic.Pointer[tenancy.Session]
}

func (e *entry) session() *tenancy.Session {
	s := &tenancy.Session{Tenant: e.tenant, Actor: e.actor}
	v := e.verified
	if before := e.last.Load(); before != nil {
		v = max(v, before.Verified())
	}
	s.VerifiedAt(v)
	e.last.Store(s)
	return s
}

// PasswordScope is the one scope of a session whose password must be changed first: policy leaves nothing else.
const PasswordScope = "account.changePassword"

// Authenticate turns a bearer token into a new session. Errors: UNAUTHENTICATED for no token, one that is malformed, unknown,
// expired or revoked, without saying which; RATE_LIMITED (Current has "retryAfter", seconds) for an address that sends many
// that are not good; UNAVAILABLE when the directory does not answer.
func (s *Service) Authenticate(ctx context.Context, bearer string, r *http.Request) (*tenancy.Session, error) {
	if bearer == "" {
		return nil, fault.SignIn()
	}
	kind, hash, err := credential.Parse(bearer)
	if err != nil {
		if busy := s.held(s.address(r)); busy != nil {
			return nil, busy
		}
		return nil, fault.SignIn() // the checksum: no look-up for typing errors and guesses
	}
	key := [32]byte(hash)
	found, ok := s.known.GetIfPresent(key)
	if !ok {
		if found, err = s.find(ctx, key, kind, s.address(r)); err != nil {
			return nil, err
		}
	}
	session := found.session()
	s.markUsed(session)
	return session, nil
}

// held counts a credential against its sender's address; RATE_LIMITED when too many were not good. It is the one place where
// they are counted, for HTTP, event streams and sockets alike.
func (s *Service) held(address string) error {
	if spent := s.bad.Take(address, 1); !spent.OK {
		return busy("CREDENTIALS", fault.Text{ZH: "无效凭证过多，请稍后再试", EN: "too many refused credentials, try again later"}, spent.Retry)
	}
	return nil
}

// find asks the directory and then the tenant. SECURITY: an address that keeps sending tokens that nobody has is refused
// before the database is asked; what is good is given back to the address.
func (s *Service) find(ctx context.Context, key [32]byte, kind credential.Kind, address string) (*entry, error) {
	if busy := s.held(address); busy != nil {
		return nil, busy
	}
	if _, ok := s.unknown.GetIfPresent(key); ok {
		return nil, fault.SignIn()
	}
	found, err := s.load(ctx, key, kind)
	if err != nil {
		return nil, fault.Down("DIRECTORY", err)
	}
	if found == nil {
		s.unknown.Set(key, struct{}{})
		return nil, fault.SignIn()
	}
	s.bad.Take(address, -1)
	if len(found.actor.Scopes) != 1 || found.actor.Scopes[0] != PasswordScope {
		s.known.Set(key, found) // a session narrowed until the password is changed is read anew each time
	}
	return found, nil
}

const (
	sessionActor = `SELECT a.id, a.kind, COALESCE(a.staff_id, '00000000-0000-0000-0000-000000000000'), a.login, a.display_name, a.must_change_password, '', c.expires_at
		FROM sessions c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND c.token_hash = $3 AND c.revoked_at IS NULL AND a.state = 'active'`
	tokenActor = `SELECT a.id, a.kind, COALESCE(a.staff_id, '00000000-0000-0000-0000-000000000000'), a.login, a.display_name, false, c.scopes, c.expires_at
		FROM api_tokens c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND c.token_hash = $3 AND c.revoked_at IS NULL AND a.state = 'active'`
)

// load reads whose token it is; nil when it is nobody's, or is revoked, expired or of an account that may not sign in.
func (s *Service) load(ctx context.Context, key [32]byte, kind credential.Kind) (*entry, error) {
	what, tenant, subject, ok, err := s.db.Lookup(ctx, key[:])
	if err != nil || !ok {
		return nil, err
	}
	query, credentialKind := sessionActor, tenancy.SessionCredential
	switch {
	case what == tenancy.DirectorySession && kind == credential.Session:
	case what == tenancy.DirectoryToken && kind == credential.APIToken:
		query, credentialKind = tokenActor, tenancy.TokenCredential
	default:
		return nil, nil
	}
	e := &entry{tenant: tenant}
	e.actor.Credential, e.actor.CredentialKind = subject, credentialKind
	var accountKind, scopes string
	var mustChange bool
	r := s.db.BeginRead(tenancy.ForSystem(tenant, tenancy.SystemSignIn))
	defer r.Close(ctx)
	b := &pgx.Batch{}
	b.Queue(query, tenant.UUID(), subject, key[:])
	err = r.Send(ctx, b, func(br pgx.BatchResults) error {
		return br.QueryRow().Scan(&e.actor.Account, &accountKind, &e.actor.Staff, &e.actor.Login, &e.actor.Name, &mustChange, &scopes, &e.actor.Expires)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("authn: read actor: %w", err)
	case !e.actor.Expires.After(r.Now()):
		return nil, nil
	}
	e.verified = r.Epochs().Revocation
	e.actor.Kind = tenancy.StaffActor
	if accountKind == "app" {
		e.actor.Kind = tenancy.AppActor
	}
	if e.actor.Scopes = strings.Fields(scopes); mustChange {
		e.actor.Scopes = []string{PasswordScope}
	}
	return e, nil
}

// busy is RATE_LIMITED with the seconds after which it is worth trying again.
func busy(reason string, msg fault.Text, retry time.Duration) *fault.Error {
	return fault.Busy(reason, msg).With("retryAfter", max(1, int((retry+time.Second-1)/time.Second)))
}

func nullable(u uuid.UUID) *uuid.UUID {
	if u == uuid.Nil {
		return nil
	}
	return &u
}
