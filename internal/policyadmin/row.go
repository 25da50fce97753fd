package policyadmin

import (
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/policy"
)

// Object is a row that questions are about: its GraphQL type and id.
type Object struct {
	Type string
	ID   uuid.UUID
}

// ObjectOf gives the object of an id in its parts; false for ids of what nobody explains.
func ObjectOf(prefix string, u uuid.UUID) (Object, bool) {
	typ, ok := access.TypeOf(prefix)
	return Object{typ, u}, ok
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
