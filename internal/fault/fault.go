// Package fault owns the closed set of error codes and the one error type that may be shown to callers.
// It does not own transports, languages of a request or logging: those are the edge's (package graph).
package fault

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Code is one of the closed set below; a code never changes its meaning once published.
type Code string

// The closed set of codes. Anything that is not a fault is INTERNAL and masked at the edge.
const (
	InvalidInput        Code = "INVALID_INPUT"        // the input breaks a rule that the caller can read
	NotFoundCode        Code = "NOT_FOUND"            // no such thing, or none that the caller may see
	ForbiddenCode       Code = "FORBIDDEN"            // the thing is visible, the act is not allowed
	Conflict            Code = "CONFLICT"             // another row already holds what was asked for
	StaleVersion        Code = "STALE_VERSION"        // the row changed since the caller read it; Current has "version"
	IdempotencyMismatch Code = "IDEMPOTENCY_MISMATCH" // the idempotency key was used with another input
	InvalidState        Code = "INVALID_STATE"        // the state table has no such transition
	DutyConflict        Code = "DUTY_CONFLICT"        // separation of duties forbids this person
	Unauthenticated     Code = "UNAUTHENTICATED"      // no credential, or one that is no longer good
	RateLimited         Code = "RATE_LIMITED"         // too many points spent; see Retry-After
	LimitExceeded       Code = "LIMIT_EXCEEDED"       // the request itself is larger or costlier than allowed
	Unavailable         Code = "UNAVAILABLE"          // try again later; nothing was done
	Internal            Code = "INTERNAL"             // our fault; masked, logged once with the request id
)

// Codes lists the closed set in its published order.
func Codes() []Code {
	return []Code{
		InvalidInput, NotFoundCode, ForbiddenCode, Conflict, StaleVersion, IdempotencyMismatch, InvalidState,
		DutyConflict, Unauthenticated, RateLimited, LimitExceeded, Unavailable, Internal,
	}
}

// Text is a sentence for people, in both languages of the product.
type Text struct{ ZH, EN string }

// In gives the sentence in the language asked for ("en" or anything that starts with "en-"; else Chinese),
// falling back to the other language where one is missing.
func (t Text) In(language string) string {
	first, second := t.ZH, t.EN
	if language == "en" || strings.HasPrefix(language, "en-") {
		first, second = t.EN, t.ZH
	}
	if first == "" {
		return second
	}
	return first
}

// IsZero reports whether there is no sentence at all.
func (t Text) IsZero() bool { return t == Text{} }

// Error is one refusal. Field is the GraphQL input path, dotted ("input.unifiedCreditCode"), empty for the whole
// operation. Reason is an UPPER_SNAKE reason code. Clause names the regulation or policy clause. Remedy is the
// nearest lawful way on. Current holds what the caller needs to go on (STALE_VERSION: {"version": n}).
type Error struct {
	Code    Code
	Message Text
	Field   string
	Reason  string
	Clause  string
	Remedy  Text
	Current map[string]any

	cause error
}

// Error is the English form, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Reason != "" {
		b.WriteString(" " + e.Reason)
	}
	if e.Field != "" {
		b.WriteString(" at " + e.Field)
	}
	if m := e.Message.In("en"); m != "" {
		b.WriteString(": " + m)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause, which is for logs and never shown.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// At returns a copy that points at an input path.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// With returns a copy with one more entry in Current.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Current = maps.Clone(e.Current)
	if c.Current == nil {
		c.Current = map[string]any{}
	}
	c.Current[key] = value
	return &c
}

// List is several refusals at once; an input's Validate returns it. An empty List is no error: use Err.
type List []*Error

// Error joins the English forms.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap lets errors.As and errors.Is see every member.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// Err is nil for an empty list, so that a Validate can end with `return list.Err()`.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return slices.Clone(l)
}

// As finds the refusals in an error's chain: a List as it is, a single *Error as a List of one.
// false means the error is none of ours: INTERNAL, to be masked.
func As(err error) (List, bool) {
	if err == nil {
		return nil, false
	}
	var l List
	if errors.As(err, &l) && len(l) > 0 {
		return l, true
	}
	var e *Error
	if errors.As(err, &e) && e != nil {
		return List{e}, true
	}
	return nil, false
}

// CodeOf gives the code of the first refusal, INTERNAL for any other error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if l, ok := As(err); ok {
		return l[0].Code
	}
	return Internal
}
