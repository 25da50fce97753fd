package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
)

// header is what the first pipeline of every transaction sets and brings back.
type header struct {
	now    time.Time
	epochs Epochs
	state  string // of the tenant
}

const (
	// SECURITY: both settings are local to the transaction (third argument true); no session-level SET of either exists anywhere.
	// app.now is the time that history is written with: the database's time of the transaction plus the clock's offset.
	setLocal = `SELECT transaction_timestamp() + make_interval(secs => $2), set_config('app.tenant_id', $1, true) ||
		set_config('app.now', (transaction_timestamp() + make_interval(secs => $2))::text, true)`
	onePlan    = ` || set_config('plan_cache_mode', 'force_generic_plan', true)`
	readEpochs = `SELECT e.policy_version, e.org_version, e.revocation_version, t.state
		FROM tenant_epochs e JOIN tenants t ON t.tenant_id = e.tenant_id WHERE e.tenant_id = $1`
)

// planning says whether a prepared statement may be planned anew for the values of each execution.
type planning uint8

const (
	planAsNeeded planning = iota
	planOnce
)

// Statements here are short and their plans are long, with many predicates of rights: to compile such a plan (jit) costs a hundred
// times what the statement does. It is switched off once on each connection. Behind a pooler in transaction mode, where nobody
// knows which connection the next transaction gets, each transaction does it for itself.
const (
	jitOff      = `SET jit = off`
	jitOffLocal = ` || set_config('jit', 'off', true)`
)

// headers are the texts of setLocal with what else a transaction needs.
func headers(pooler bool) [2]string {
	text := setLocal
	if pooler {
		text += jitOffLocal
	}
	return [2]string{planAsNeeded: text, planOnce: text + onePlan}
}

func (db *DB) queueHeader(b *pgx.Batch, begin string, s *Session, plans planning) {
	b.Queue(begin)
	b.Queue(db.headers[plans], s.Tenant.String(), db.clock.Offset().Seconds())
	b.Queue(readEpochs, s.Tenant.UUID())
}

// readHeader takes the results of queueHeader, in order.
func readHeader(br pgx.BatchResults, s *Session) (header, error) {
	var h header
	if _, err := br.Exec(); err != nil {
		return h, fmt.Errorf("tenancy: begin: %w", err)
	}
	if err := br.QueryRow().Scan(&h.now, nil); err != nil {
		return h, fmt.Errorf("tenancy: bind tenant: %w", err)
	}
	err := br.QueryRow().Scan(&h.epochs.Policy, &h.epochs.Org, &h.epochs.Revocation, &h.state)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && s.Actor.Kind == OperatorActor:
		return h, nil // the operator's transaction that makes the tenant
	case errors.Is(err, pgx.ErrNoRows):
		return h, fault.SignIn()
	case err != nil:
		return h, fmt.Errorf("tenancy: epochs: %w", err)
	}
	return h, h.admit(s)
}

// admit refuses sessions that time or the tenant's state has ended.
func (h header) admit(s *Session) error {
	switch s.Actor.Kind {
	case StaffActor, AppActor:
		// SECURITY: an expired credential begins no transaction, whatever cache it came from.
		if !s.Actor.Expires.After(h.now) {
			return fault.SignIn()
		}
		if h.state != "active" {
			return fault.Forbidden("TENANT_NOT_ACTIVE",
				fault.Text{ZH: "租户已停用", EN: "The tenant is not active"}, "",
				fault.Text{ZH: "请联系平台运维", EN: "Ask the platform operator"})
		}
	}
	return nil
}

const (
	sessionAlive = `SELECT EXISTS (SELECT FROM sessions c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND c.revoked_at IS NULL AND c.expires_at > $3 AND a.state = 'active')`
	tokenAlive = `SELECT EXISTS (SELECT FROM api_tokens c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
		WHERE c.tenant_id = $1 AND c.id = $2 AND c.revoked_at IS NULL AND c.expires_at > $3 AND a.state = 'active')`
)

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// doubtful tells whether the tenant's revocation version has moved since the credential was last seen alive.
func doubtful(s *Session, h header) bool {
	return (s.Actor.Kind == StaffActor || s.Actor.Kind == AppActor) && s.Verified() != h.epochs.Revocation
}

// verify makes sure that the credential still lives when the tenant's revocation version has moved since it was last seen
// alive. A revoked session or token and a suspended account therefore stop at their next transaction, on every process.
func verify(ctx context.Context, q querier, s *Session, h header) error {
	if !doubtful(s, h) {
		return nil
	}
	var alive bool
	var err error
	switch s.Actor.CredentialKind {
	case SessionCredential:
		err = q.QueryRow(ctx, sessionAlive, s.Tenant.UUID(), s.Actor.Credential, h.now).Scan(&alive)
	case TokenCredential:
		err = q.QueryRow(ctx, tokenAlive, s.Tenant.UUID(), s.Actor.Credential, h.now).Scan(&alive)
	default:
		return fault.SignIn()
	}
	if err != nil {
		return fmt.Errorf("tenancy: verify credential: %w", err)
	}
	if !alive {
		return fault.SignIn()
	}
	s.VerifiedAt(h.epochs.Revocation)
	return nil
}

// ErrNoSession means that a transaction was asked for by a session without a tenant, or with an actor of no known kind.
var ErrNoSession = errors.New("tenancy: no session that may have a transaction")

// bound guards against a session that was never bound to a tenant or to an actor.
func bound(s *Session) error {
	switch {
	case s == nil || uuid.UUID(s.Tenant) == uuid.Nil:
		return fmt.Errorf("%w: it has no tenant", ErrNoSession)
	case s.Actor.Kind == StaffActor || s.Actor.Kind == AppActor:
		// SECURITY: only staff and apps are checked for a living credential, so neither may carry a system actor's name.
		if s.Actor.System != "" {
			return fmt.Errorf("%w: a %s with the name of the system actor %q", ErrNoSession, s.Actor.Kind, s.Actor.System)
		}
		return nil
	case s.Actor.Kind == OperatorActor && s.Actor.System == SystemOperator,
		s.Actor.Kind == SystemActor && s.Actor.System != SystemOperator && slices.Contains(SystemNames(), s.Actor.System):
		return nil
	}
	return fmt.Errorf("%w: actor kind %q, system actor %q", ErrNoSession, s.Actor.Kind, s.Actor.System)
}
