// Package resolver owns the step between the API and the services: decode ids, call one service method, encode the payload.
// It does not own rules, permissions or SQL; what a payload's object shows is the read gate's.
package resolver

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// decoder reads ids of inputs and keeps what it had to refuse, so that all field errors are reported at once.
type decoder struct{ checks input.Checks }

// id reads a required id. A malformed one and one of another type are INVALID_INPUT at the field.
func (d *decoder) id(prefix, field, text string) uuid.UUID {
	u, err := id.Parse(prefix, text)
	if err != nil {
		d.checks.Refuse(field, "ID_MALFORMED", "标识格式不正确，应以 "+prefix+"_ 开头", "not an id of the form "+prefix+"_…")
	}
	return u
}

// optional reads an id that may be absent.
func (d *decoder) optional(prefix, field string, text *string) *uuid.UUID {
	if text == nil {
		return nil
	}
	u := d.id(prefix, field, *text)
	return &u
}

// maybe reads an id that may be left out or null.
func (d *decoder) maybe(prefix, field string, o graphql.Omittable[*string]) input.Optional[uuid.UUID] {
	text, given := o.ValueOK()
	return input.Optional[uuid.UUID]{Given: given, Value: d.optional(prefix, field, text)}
}

// maybeText is a text that may be left out or null.
func maybeText(o graphql.Omittable[*string]) input.Optional[string] {
	text, given := o.ValueOK()
	return input.Optional[string]{Given: given, Value: text}
}

// validator is the input of a service method; nil for one that has nothing to validate.
type validator interface{ Validate() error }

// answer calls a service method, unless ids could not be read, and turns its outcome into the object and the user errors
// of a payload. What is no user error (UNAUTHENTICATED, UNAVAILABLE, RATE_LIMITED, INTERNAL) is one of the operation.
func answer(ctx context.Context, d *decoder, in validator, call func(s *tenancy.Session) (act.Result, error)) (*read.Ref, []*model.UserError, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, []*model.UserError{}, fault.SignIn()
	}
	var result act.Result
	err := d.checks.Err()
	if err == nil {
		result, err = call(s)
	} else if in != nil {
		err = both(err, in.Validate())
	}
	userErrors, err := graph.UserErrors(ctx, err)
	if err != nil || len(userErrors) > 0 {
		return nil, userErrors, err
	}
	return &read.Ref{Type: result.Subject.Type, ID: result.Subject.ID}, userErrors, nil
}

// both joins the refusals of ids with those of the input's own fields.
func both(a, b error) error {
	var one, two fault.List
	if errors.As(a, &one) && errors.As(b, &two) {
		return append(one, two...)
	}
	return a
}
