package policy

import (
	"errors"
	"time"
)

// Table is a compiled policy version, immutable and safe for concurrent use.
type Table struct{ version int64 }

// Rights are a Table bound to one person, the organisation and an instant; immutable and safe for concurrent use.
type Rights struct{ ValidUntil time.Time }

// FieldAccess is what may be seen of a field group.
type FieldAccess uint8

// The accesses.
const (
	Hidden FieldAccess = iota
	Masked
	Full
)

// Columns are the SQL expressions of the facts of Row for the row in question, e.g. Owner: "t0.owner_id". An empty
// expression means that the type has no such fact: terms that need it are FALSE.
type Columns struct {
	Tenant, Now                                          string // never empty: "$1", "$2" or columns
	ID, Company, Department, Owner, Client, Staff        string
	Grade, Kind, Stage, State, Important, Suspended, Amount string
}

// Compile checks and compiles a policy version. inherits holds pairs {role, parent}: the role has all rules of its parent.
func Compile(version int64, rules []Rule, inherits [][2]string) (*Table, error) {
	return nil, errors.New("policy: not compiled")
}

// Bind resolves the anchors of the person's bindings.
func (t *Table) Bind(p *Principal, o *Org, now time.Time) *Rights { return &Rights{} }

// Decide answers for one row. It allocates nothing.
func (r *Rights) Decide(obj Object, act Action, row *Row) Decision { return Decision{} }

// Reach answers for all rows.
func (r *Rights) Reach(obj Object, act Action) Reach { return Reach{None: true} }

// Field answers what may be seen of a field group of a row, and why.
func (r *Rights) Field(group Object, row *Row) (FieldAccess, Decision) { return Hidden, Decision{} }

// SQL renders a Reach as a boolean expression over the row; arg registers a parameter and returns its placeholder.
// The expression may be NULL for false: use it in WHERE, or wrap it as "(…) IS TRUE" when selecting it.
func SQL(reach Reach, cols Columns, arg func(any) string) string { return "FALSE" }
