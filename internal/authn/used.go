package authn

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
)

// credentialKey names one session or token; the tenant is in the key.
type credentialKey struct {
	tenant tenancy.TenantID
	id     uuid.UUID
}

type use struct {
	key  credentialKey
	kind tenancy.CredentialKind
}

// markUsed records, at most once in Limits.Used per credential and process, that it was used. It never waits: when the
// recorder cannot keep up, a use is left out.
func (s *Service) markUsed(session *tenancy.Session) {
	key := credentialKey{session.Tenant, session.Actor.Credential}
	if _, first := s.marked.SetIfAbsent(key, struct{}{}); !first {
		return
	}
	select {
	case s.used <- use{key, session.Actor.CredentialKind}:
	default:
	}
}

func (s *Service) recordUse(ctx context.Context) {
	for {
		select {
		case u := <-s.used:
			s.writeUse(u)
		case <-ctx.Done():
			for {
				select {
				case u := <-s.used:
					s.writeUse(u)
				default:
					return
				}
			}
		}
	}
}

func (s *Service) writeUse(u use) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Neither column bumps the revocation version.
	statement := `UPDATE sessions SET last_seen_at = $3 WHERE tenant_id = $1 AND id = $2 AND last_seen_at < $3`
	if u.kind == tenancy.TokenCredential {
		statement = `UPDATE api_tokens SET last_used_at = $3 WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)`
	}
	err := s.db.InTx(ctx, tenancy.ForSystem(u.key.tenant, tenancy.SystemSignIn), func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, statement, u.key.tenant.UUID(), u.key.id, tx.Now())
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "use of a credential not recorded", slog.Any("error", err))
	}
}
