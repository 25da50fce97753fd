// Package review owns access reviews (权限复核): campaigns in which every binding and grant is confirmed by a reviewer or ends.
// It does not own bindings and grants themselves (identity ends them), nor what makes one end by time: the rows' own due date does.
package review

import (
	"fmt"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Service carries out reviews. Every act holds the tenant's epochs: nothing that gives rights changes between its decision and
// its effect.
//
// Errors of every act: INVALID_INPUT (all fields at once), NOT_FOUND, FORBIDDEN, STALE_VERSION, INVALID_STATE, CONFLICT,
// DUTY_CONFLICT, IDEMPOTENCY_MISMATCH.
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
	typeReview = "AccessReview"
	typeItem   = "AccessReviewItem"
)

// States, kinds and decisions, as stored.
const (
	stateOpen   = "open"
	stateClosed = "closed"
	kindBinding = "BINDING"
	kindGrant   = "GRANT"
	keep        = "KEEP"
	revoke      = "REVOKE"
	lapsed      = "LAPSED"
)

const maxReason = 1000

// Specs lists every act of a person; List and Lapse are the system's.
func Specs() []act.Spec {
	return []act.Spec{reviewOpen(), reviewDecide(), reviewReassign(), reviewClose()}
}

func spec(name, event string) act.Spec {
	return act.Spec{Name: name, Object: policy.OnPolicy, Action: policy.ReviewOpen, Event: event, Sensitive: true, ChangesRights: true}
}

func reviewOpen() act.Spec { return spec("review.open", "accessReview.opened.v1") }

// reviewDecide needs no right but being the item's reviewer, or standing in for one who is not there.
func reviewDecide() act.Spec { return spec("review.decide", "accessReviewItem.decided.v1") }
func reviewClose() act.Spec  { return spec("review.close", "accessReview.closed.v1") }

// reviewReassign decides who decides, and changes no right itself.
func reviewReassign() act.Spec {
	s := spec("review.reassign", "accessReviewItem.reassigned.v1")
	s.ChangesRights = false
	return s
}

// reviewList sets due dates that lie ahead: no right of now changes.
func reviewList() act.Spec {
	s := spec("review.list", "accessReview.listed.v1")
	s.ChangesRights = false
	return s
}

// reviewLapse writes down what has ended by time already: it changes no right.
func reviewLapse() act.Spec {
	s := spec("review.lapse", "accessReview.lapsed.v1")
	s.ChangesRights = false
	return s
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("review: %s: %w", what, err)
}
