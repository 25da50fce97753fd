// Package identity owns tenants as the operator makes them, accounts, role bindings, API tokens, sessions as objects, and access grants.
// It does not own sign-in (authn), what roles may do (policy), the frame of an act (act), or reading for show (read).
package identity

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Service carries out the acts on identity. Every method validates its input first, asks policy for the act and for the write
// right, and does its work in one transaction that holds the tenant's epochs. Passwords are hashed before a transaction
// begins: none waits for a slot of the hasher while it holds a lock.
//
// Errors of every method: INVALID_INPUT (all fields at once; a reference to something that does not exist, is another
// tenant's or is not to be seen has reason NOT_FOUND), NOT_FOUND, FORBIDDEN, STALE_VERSION, INVALID_STATE, CONFLICT,
// DUTY_CONFLICT, IDEMPOTENCY_MISMATCH.
type Service struct {
	runner *act.Runner
	db     *tenancy.DB
	hasher *credential.Hasher
	random io.Reader
	turns  *turns // of those who change their own password
}

// New makes the service; random is crypto/rand.Reader but in demos.
func New(runner *act.Runner, db *tenancy.DB, hasher *credential.Hasher, random io.Reader) *Service {
	return &Service{runner: runner, db: db, hasher: hasher, random: random, turns: &turns{waiting: map[accountKey]*turn{}}}
}

// GraphQL types of the subjects.
const (
	typeTenant  = "Tenant"
	typeAccount = "Account"
	typeSession = "Session"
	typeToken   = "ApiToken"
	typeBinding = "RoleBinding"
	typeGrant   = "AccessGrant"
)

// States and kinds, as stored.
const (
	stateActive    = "active"
	stateSuspended = "suspended"
	kindStaff      = "staff"
	kindApp        = "app"
	staffGone      = "left"
)

// roleTenantAdmin is the role of which a tenant keeps at least one holder who can sign in.
const roleTenantAdmin = "tenant_admin"

const maxReason = 2000

// version refuses an act on another version of the row than the caller has seen.
func version(expected, current int64) error {
	if expected != current {
		return fault.Stale(current)
	}
	return nil
}

// absentReference says the same for an id that is nobody's, another tenant's, or not to be seen.
func absentReference(field string) *fault.Error {
	return fault.Invalid(field, "NOT_FOUND", fault.Text{ZH: "找不到所指的对象", EN: "what it refers to was not found"}, fault.Text{})
}

// require asks for the act and for the write right on the group that it changes.
func require(w *act.Work, subject act.Subject, row *policy.Row, group policy.Object) error {
	if err := w.Require(subject, row); err != nil {
		return err
	}
	return w.RequireFor(subject, group, policy.Write, row)
}

// readable tells whether the actor may see a row that an input refers to.
func readable(w *act.Work, entity policy.Object, row *policy.Row) bool {
	return w.Rights == nil || w.Rights.Decide(entity, policy.Read, row).Allow
}

// unique gives the name of the unique constraint that an error is about.
func unique(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return pg.ConstraintName
	}
	return ""
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("identity: %s: %w", what, err)
}

func value(u *uuid.UUID) uuid.UUID {
	if u == nil {
		return uuid.Nil
	}
	return *u
}

// put sets a nullable column, or clears it.
func put[T, U any](v *T, set func(T) U, clear func() U) {
	if v == nil {
		clear()
	} else {
		set(*v)
	}
}
