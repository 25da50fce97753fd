package act

import (
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// refused carries which object a refusal was about, for the audit trail.
type refused struct {
	subject Subject
	error
}

func (r *refused) Unwrap() error { return r.error }

// subjectOf is the object that a refusal was about, where it is known.
func subjectOf(err error) (Subject, bool) {
	var r *refused
	if errors.As(err, &r) {
		return r.subject, true
	}
	return Subject{}, false
}

// Absent is the refusal for an object that does not exist or that the actor may not see: the two look the same.
func (w *Work) Absent(kind string, object uuid.UUID) error {
	return &refused{Subject{Type: kind, ID: object}, fault.NotFound(kind)}
}

// Require asks policy for the spec's action on the row; RequireFor asks for another one. subject is the object acted on:
// with an id, a row that the actor may not read is NOT_FOUND; a row he may read but not act on is FORBIDDEN with reason,
// clause and remedy. Without an id (the object is about to be made) it is FORBIDDEN at once.
func (w *Work) Require(subject Subject, row *policy.Row) error {
	return w.RequireFor(subject, w.spec.Object, w.spec.Action, row)
}

// RequireFor is Require for an object and action other than the spec's.
func (w *Work) RequireFor(subject Subject, object policy.Object, action policy.Action, row *policy.Row) error {
	if w.Rights == nil {
		// SECURITY: without rights only the operator at the command line acts; other system actors run no acts.
		if w.Session().Actor.System == tenancy.SystemOperator {
			return nil
		}
		return &refused{subject, forbidden(policy.Decision{})}
	}
	if subject.ID != uuid.Nil {
		entity, _, _ := strings.Cut(string(object), "#")
		if !w.Rights.Decide(policy.Object(entity), policy.Read, row).Allow {
			return w.Absent(subject.Type, subject.ID)
		}
	}
	if d := w.Rights.Decide(object, action, row); !d.Allow {
		return &refused{subject, forbidden(d)}
	}
	return nil
}

func forbidden(d policy.Decision) *fault.Error {
	reason := string(d.Reason)
	if reason == "" {
		reason = "NO_RULE"
	}
	clause := ""
	if rule := d.Rule(); rule != nil {
		clause = rule.Clause
	}
	return fault.Forbidden(reason, fault.Text(d.Reason.Label()), clause, fault.Text(d.Reason.Remedy()))
}
