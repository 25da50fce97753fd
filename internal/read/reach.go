package read

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Reached is how many rows of a type somebody reaches by one question of the policy. Object and Action are those asked;
// Action read counts what the gate would show him, his own rows included.
type Reached struct {
	Type   string
	Object policy.Object
	Action policy.Action
	Rows   int64
}

// Person is who is asked about.
type Person struct{ Staff, Account uuid.UUID }

// canSignIn holds while the account does: without it nobody is there to whom rows are shown as his own, or as anybody's.
const canSignIn = "EXISTS (SELECT FROM accounts x9 WHERE x9.tenant_id = $1 AND x9.id = $3 AND x9.state = 'active')"

// Reachable counts, for every type of the gate and every question of the policy about it, the rows that a person reaches: by
// the predicates that the gate itself puts into its statements. What is reached by nothing has no entry. One round trip;
// it costs a pass over each table that the person reaches anything of.
func Reachable(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, of Person) ([]Reached, error) {
	table, err := newTable()
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	var asked [][]Reached
	for _, t := range table.Types {
		c := counting{t: t, rights: rights, args: []any{tx.Session().Tenant.UUID(), tx.Now(), of.Account, of.Staff}}
		questions := c.questions()
		if len(questions) == 0 {
			continue
		}
		b.Queue(c.statement(), c.args...)
		asked = append(asked, questions)
	}
	if b.Len() == 0 {
		return nil, nil
	}
	var out []Reached
	br := tx.SendBatch(ctx, b)
	for _, questions := range asked {
		into := make([]any, len(questions))
		for i := range questions {
			into[i] = &questions[i].Rows
		}
		if err = br.QueryRow().Scan(into...); err != nil {
			break
		}
		out = append(out, slices.DeleteFunc(questions, func(r Reached) bool { return r.Rows == 0 })...)
	}
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("read: reachable: %w", err)
	}
	return out, nil
}

// counting makes the statement that counts one type: a FILTER for each question.
type counting struct {
	t       *Type
	rights  *policy.Rights
	args    []any
	filters []string
}

func (c *counting) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *counting) can(o policy.Object, a policy.Action) string {
	r := c.rights.Reach(o, a)
	switch {
	case r.All:
		return yes
	case r.None || len(r.Allow) == 0:
		return no
	}
	f := c.t.anchor.Facts
	f.Tenant, f.Now = "$1", "$2::timestamptz"
	for _, p := range []*string{&f.Company, &f.Department, &f.Owner, &f.Staff, &f.Client, &f.Original, &f.FieldClass, &f.Grade, &f.Kind, &f.Stage, &f.State, &f.Important, &f.Suspended, &f.Amount} {
		*p = strings.ReplaceAll(*p, "{}", "a")
	}
	return "(" + policy.SQL(r, f, c.arg) + ")"
}

// shown is the predicate of a row being shown at all.
func (c *counting) shown() string {
	if c.t.Public {
		return canSignIn
	}
	p := c.can(c.t.anchor.Entity, policy.Read)
	if c.t.Cover != "" {
		p = both(p, either(c.can(c.t.Cover, policy.Reveal), c.can(c.t.Cover, policy.Peek)))
	}
	switch o := c.t.Own; {
	case o.Column == "":
	case o.Staff:
		p = either(p, "t."+o.Column+" = $4 AND "+canSignIn)
	default:
		p = either(p, "t."+o.Column+" = $3 AND "+canSignIn)
	}
	return p
}

// questions are those that any row may be reached by.
func (c *counting) questions() (out []Reached) {
	ask := func(o policy.Object, a policy.Action, p string) {
		if p != no {
			out, c.filters = append(out, Reached{Type: c.t.Name, Object: o, Action: a}), append(c.filters, p)
		}
	}
	ask(c.t.anchor.Entity, policy.Read, c.shown())
	if c.t.anchor != c.t {
		return out
	}
	for _, e := range policy.Catalogue() {
		if e.Object != c.t.Entity {
			continue
		}
		ask(e.Object, policy.Count, c.can(e.Object, policy.Count))
		for _, g := range e.Groups {
			for _, a := range []policy.Action{policy.Peek, policy.Reveal, policy.Write, policy.Filter} {
				ask(g.Object, a, c.can(g.Object, a))
			}
		}
		for _, a := range e.Acts {
			ask(e.Object, a.Action, c.can(e.Object, a.Action))
		}
	}
	return out
}

func (c *counting) statement() string {
	var s strings.Builder
	s.WriteString("SELECT ")
	for i, p := range c.filters {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString("count(*) FILTER (WHERE " + p + ")")
	}
	s.WriteString(" FROM " + c.t.Table + " t JOIN " + c.t.anchor.Table + " a ON a.tenant_id = $1 AND ")
	if c.t.anchor == c.t {
		s.WriteString("a." + c.t.Key + " = t." + c.t.Key)
	} else {
		s.WriteString("a." + c.t.anchor.Key + " = t." + c.t.AnchorKey)
	}
	// every parameter is used, whatever the filters need
	s.WriteString(" WHERE t.tenant_id = $1 AND ($2::timestamptz IS NOT NULL OR $3::uuid IS NOT NULL OR $4::uuid IS NOT NULL)")
	return s.String()
}
