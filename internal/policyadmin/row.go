package policyadmin

import (
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// Object is a row that questions are about: its GraphQL type and id.
type Object struct {
	Type string
	ID   uuid.UUID
}

// path is the binding by which a person has what a decision allowed: the first that alone gives the same answer.
func path(rights *policy.Rights, p *policy.Principal, now time.Time, object policy.Object, action policy.Action, row *policy.Row) (*policy.Binding, policy.Decision) {
	for i := range p.Bindings {
		alone := *p
		alone.Bindings = p.Bindings[i : i+1]
		if d := rights.Other(&alone, now).Decide(object, action, row); d.Allow {
			return &p.Bindings[i], d
		}
	}
	return nil, policy.Decision{}
}
