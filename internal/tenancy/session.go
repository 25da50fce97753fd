// Package tenancy owns database handles, the transaction that carries a tenant, and the session that asks for it.
// It does not own who the actor is (authn), what he may do (policy), or what the rows mean (the services).
package tenancy

import (
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// TenantID is a type of its own: every cache key, loader, ring, channel and job key that is per tenant has it in its type.
type TenantID uuid.UUID

// UUID is the plain value, for statements and ids.
func (t TenantID) UUID() uuid.UUID { return uuid.UUID(t) }

// String is the canonical form of the UUID.
func (t TenantID) String() string { return uuid.UUID(t).String() }

// ActorKind says what acts; the values are those of the columns actor_kind.
type ActorKind string

// The kinds of actor.
const (
	StaffActor    ActorKind = "staff"
	AppActor      ActorKind = "app"
	OperatorActor ActorKind = "operator"
	SystemActor   ActorKind = "system"
)

// CredentialKind says what the actor showed.
type CredentialKind string

// The kinds of credential.
const (
	NoCredential      CredentialKind = ""
	SessionCredential CredentialKind = "session"
	TokenCredential   CredentialKind = "token"
)

// SystemName names a narrow system actor. The list below is complete: a test guards it.
type SystemName string

// System actors: what each may do is said where it is used.
const (
	// SystemSignIn reads accounts and writes sessions before anybody is signed in.
	SystemSignIn SystemName = "sign-in"
	// SystemOperator is a person at the command line of the server: tenants, the reset of the last admin.
	SystemOperator SystemName = "operator"
	// SystemSealer numbers and chains audit records.
	SystemSealer SystemName = "audit-sealer"
	// SystemFiles scans what was received and clears away what was abandoned: states of files, and their bytes.
	SystemFiles SystemName = "files"
	// SystemReview writes down what lapsed because its access review was not answered in time.
	SystemReview SystemName = "access-review"
	// SystemCustody writes down which loans were not back when they were due.
	SystemCustody SystemName = "custody"
	// SystemWatcher reads the tenant's epochs for those who are told when they move.
	SystemWatcher SystemName = "rights-watcher"
)

// SystemNames is the complete list of system actors.
func SystemNames() []SystemName {
	return []SystemName{SystemSignIn, SystemOperator, SystemSealer, SystemFiles, SystemReview, SystemCustody, SystemWatcher}
}

// Actor is who acts, as the credential says. It never comes from a header or an argument.
type Actor struct {
	Kind           ActorKind
	Account        uuid.UUID // zero for operator and system
	Staff          uuid.UUID // zero for apps, operator and system
	Name           string    // display name, for the audit trail
	Login          string
	Credential     uuid.UUID // session or token
	CredentialKind CredentialKind
	Scopes         []string  // of an API token; empty: all that the account may do
	Expires        time.Time // of the credential; zero for operator and system
	System         SystemName
}

// Session is one request's (or socket's) right to a tenant's data.
type Session struct {
	Tenant    TenantID
	Actor     Actor
	RequestID string
	Language  string // "zh-CN" or "en": of what people read

	// revocation is the tenant's revocation version at which the credential was last found alive.
	revocation atomic.Int64
}

// VerifiedAt notes that the credential was alive at the revocation version v. A session starts at 0: its first transaction verifies.
func (s *Session) VerifiedAt(v int64) { s.revocation.Store(v) }

// Verified is the revocation version at which the credential was last found alive.
func (s *Session) Verified() int64 { return s.revocation.Load() }

// ForSystem makes the session of a narrow system actor in one tenant.
func ForSystem(tenant TenantID, name SystemName) *Session {
	kind := SystemActor
	if name == SystemOperator {
		kind = OperatorActor
	}
	return &Session{Tenant: tenant, Actor: Actor{Kind: kind, System: name, Name: string(name)}, Language: "zh-CN"}
}

// Epochs are the versions of what decides rights. A snapshot of rights is used only where all three are those of the
// transaction.
type Epochs struct {
	Policy     int64 // published rules and roles
	Org        int64 // companies, departments, employments, bindings
	Revocation int64 // accounts, sessions, tokens
}
