// Package organisation owns companies, departments, positions, staff and employments: who works where, under whom, since when.
// It does not own accounts and roles (identity), who may do what (policy), the frame of an act (act), or reading for show (read).
package organisation

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// Service carries out the acts on the organisation. Every method validates its input first, asks policy for the act and for
// the write right on what changes, at the place it changes from and at the place it changes to, and does its work in one
// transaction that holds the tenant's epochs: trees are read and changed by one act at a time.
//
// Errors of every method: INVALID_INPUT (all fields at once; a reference to something that does not exist, is another
// tenant's or is not to be seen has reason NOT_FOUND), NOT_FOUND, FORBIDDEN, STALE_VERSION, INVALID_STATE, CONFLICT,
// IDEMPOTENCY_MISMATCH.
type Service struct{ runner *act.Runner }

// New makes the service.
func New(runner *act.Runner) *Service { return &Service{runner: runner} }

// GraphQL types of the subjects.
const (
	typeCompany    = "Company"
	typeDepartment = "Department"
	typePosition   = "Position"
	typeStaff      = "Staff"
)

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

// require asks for the act and for the write right on the groups that it changes.
func require(w *act.Work, subject act.Subject, row *policy.Row, writes ...policy.Object) error {
	if err := w.Require(subject, row); err != nil {
		return err
	}
	for _, group := range writes {
		if err := w.RequireFor(subject, group, policy.Write, row); err != nil {
			return err
		}
	}
	return nil
}

// readable tells whether the actor may see a row that an input refers to.
func readable(w *act.Work, entity policy.Object, row *policy.Row) bool {
	return w.Rights == nil || w.Rights.Decide(entity, policy.Read, row).Allow
}

// taken turns a violated unique constraint into CONFLICT at the field; other errors stay what they are.
func taken(err error, constraint, field, reason string, msg fault.Text) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint {
		return fault.Conflicts(field, reason, msg, fault.Text{}).Because(err)
	}
	return err
}

func value(u *uuid.UUID) uuid.UUID {
	if u == nil {
		return uuid.Nil
	}
	return *u
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// changed notes a field that an act changed.
func changed[T comparable](changes []act.Change, field string, before, after *T) []act.Change {
	if same(before, after) {
		return changes
	}
	c := act.Change{Field: field}
	if before != nil {
		c.Old = *before
	}
	if after != nil {
		c.New = *after
	}
	return append(changes, c)
}

// put sets a nullable column, or clears it.
func put[T, U any](v *T, set func(T) U, clear func() U) {
	if v == nil {
		clear()
	} else {
		set(*v)
	}
}
