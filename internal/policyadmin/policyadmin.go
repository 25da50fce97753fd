// Package policyadmin owns how a tenant changes its own policy: versions from draft to in force, roles, and what reviewers ask of a version.
// It does not own the language of rights (policy), who holds which role (identity), nor the loading of what decides (access).
package policyadmin

import (
	"fmt"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Service carries out the acts on policy and answers questions about it. Every act holds the tenant's epochs: no other
// change of rights commits between its decision and its effect.
//
// Errors of every act: INVALID_INPUT (all fields at once), NOT_FOUND, FORBIDDEN, STALE_VERSION, INVALID_STATE, CONFLICT,
// DUTY_CONFLICT, IDEMPOTENCY_MISMATCH. Questions: NOT_FOUND, FORBIDDEN; both are audited.
type Service struct {
	runner *act.Runner
	db     *tenancy.DB
	access *access.Provider
}

// New makes the service.
func New(runner *act.Runner, db *tenancy.DB, rights *access.Provider) *Service {
	return &Service{runner: runner, db: db, access: rights}
}

// GraphQL types of the subjects.
const (
	typeVersion = "PolicyVersion"
	typeRole    = "Role"
	typeTest    = "PolicyTest"
)

// States, as stored.
const (
	stateDraft      = "draft"
	stateInForce    = "in_force"
	stateSuperseded = "superseded"
	stateDiscarded  = "discarded"
	stateActive     = "active"
	stateRetired    = "retired"
)

const maxReason = 2000

// Specs lists every act of the package.
func Specs() []act.Spec {
	return []act.Spec{policyDraft(), policyDiscard(), policyPublish(), policyRollback(), roleCreate(), roleRetire(), policyTestAdd(), policyTestRetire()}
}

func spec(name string, action policy.Action, event string) act.Spec {
	return act.Spec{Name: name, Object: policy.OnPolicy, Action: action, Event: event, Sensitive: true, ChangesRights: true}
}

func policyDraft() act.Spec {
	return spec("policy.draft", policy.PolicyWrite, "policyVersion.drafted.v1")
}

func policyDiscard() act.Spec {
	return spec("policy.discard", policy.PolicyWrite, "policyVersion.discarded.v1")
}

func policyPublish() act.Spec {
	return spec("policy.publish", policy.PolicyPublish, "policyVersion.published.v1")
}

// policyRollback drafts the rules of an older version: bringing them into force is publishing, by somebody else.
func policyRollback() act.Spec {
	return spec("policy.rollback", policy.PolicyWrite, "policyVersion.drafted.v1")
}

func roleCreate() act.Spec { return spec("role.create", policy.RoleCreate, "role.created.v1") }
func roleRetire() act.Spec { return spec("role.retire", policy.RoleRetire, "role.retired.v1") }

func policyTestAdd() act.Spec {
	return spec("policyTest.add", policy.PolicyWrite, "policyTest.added.v1")
}

// policyTestRetire runs no assertion: a broken one must not keep itself.
func policyTestRetire() act.Spec {
	s := spec("policyTest.retire", policy.PolicyWrite, "policyTest.retired.v1")
	s.ChangesRights = false
	return s
}

// require asks for the act and for the write right on the rules.
func require(w *act.Work, subject act.Subject, row *policy.Row) error {
	if err := w.Require(subject, row); err != nil {
		return err
	}
	return w.RequireFor(subject, policy.PolicyRules, policy.Write, row)
}

func stale(expected, current int64) error {
	if expected != current {
		return fault.Stale(current)
	}
	return nil
}

func absentReference(field string) *fault.Error {
	return fault.Invalid(field, "NOT_FOUND", fault.Text{ZH: "找不到所指的对象", EN: "what it refers to was not found"}, fault.Text{})
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("policyadmin: %s: %w", what, err)
}
