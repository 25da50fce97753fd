package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

const revokeSession = `UPDATE sessions SET revoked_at = $3, revoked_by = $4 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL`

// SignOut ends the session for good, on every process, and with it its open sockets and streams; it is audited. An API token
// is refused with FORBIDDEN: it is revoked, not signed out.
func (s *Service) SignOut(ctx context.Context, session *tenancy.Session) error {
	if session.Actor.CredentialKind != tenancy.SessionCredential {
		return fault.Forbidden("NOT_A_SESSION", fault.Text{ZH: "API 令牌不能退出登录", EN: "an API token does not sign out"}, "",
			fault.Text{ZH: "请使用 apiTokenRevoke 吊销", EN: "revoke it with apiTokenRevoke"})
	}
	return s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		a := session.Actor
		b := &pgx.Batch{}
		b.Queue(revokeSession, session.Tenant.UUID(), a.Credential, tx.Now(), nullable(a.Account))
		s.queueRecord(ctx, b, tx, record{act: "signOut", account: Account{ID: a.Account, Kind: string(a.Kind), DisplayName: a.Name}, credential: a.Credential})
		return sendAll(ctx, tx, b)
	})
}

// Current is what GET /auth/session tells: who is signed in, until when. The credential is verified now.
type Current struct {
	ExpiresAt time.Time
	Tenant    Tenant
	Account   Account
	Scopes    []string
}

const readCurrent = `SELECT t.slug, t.name, a.kind, a.login, a.display_name, a.must_change_password
	FROM tenants t JOIN accounts a ON a.tenant_id = t.tenant_id WHERE t.tenant_id = $1 AND a.id = $2`

// Session reads who the session is. Errors: UNAUTHENTICATED when its credential is dead.
func (s *Service) Session(ctx context.Context, session *tenancy.Session) (Current, error) {
	a := session.Actor
	c := Current{ExpiresAt: a.Expires, Scopes: a.Scopes, Tenant: Tenant{ID: session.Tenant.UUID()}, Account: Account{ID: a.Account, Staff: a.Staff}}
	r := s.db.BeginRead(session)
	defer r.Close(ctx)
	b := &pgx.Batch{}
	b.Queue(readCurrent, session.Tenant.UUID(), a.Account)
	err := r.Send(ctx, b, func(br pgx.BatchResults) error {
		return br.QueryRow().Scan(&c.Tenant.Slug, &c.Tenant.Name, &c.Account.Kind, &c.Account.Login, &c.Account.DisplayName, &c.Account.MustChangePassword)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Current{}, fault.SignIn()
	}
	if err != nil {
		if _, said := fault.As(err); said {
			return Current{}, err
		}
		return Current{}, fault.Down("SESSION", fmt.Errorf("authn: read session: %w", err))
	}
	return c, nil
}
