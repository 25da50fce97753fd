package act

import (
	"context"

	"github.com/clientele/clientele/internal/tenancy"
)

// About is a refusal with the object that it was about, for the audit trail.
func About(subject Subject, err error) error {
	if err == nil {
		return nil
	}
	return &refused{subject, err}
}

// Refused records a refusal of something that is no act, a question under the given name, as those of acts are: in a transaction
// of its own, when err is one (FORBIDDEN, NOT_FOUND, DUTY_CONFLICT). What cannot be recorded is logged.
func (r *Runner) Refused(ctx context.Context, s *tenancy.Session, name string, err error) {
	r.recordRefusal(ctx, s, Spec{Name: name}, err)
}
