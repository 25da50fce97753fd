// Package walls owns the walk over a database's catalogue that finds what tenant isolation does not allow, and the checked
// lists of what it does. It does not own the walls (ent/migrations) nor the sessions behind them (internal/tenancy).
package walls

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Violation is one thing in the catalogue that breaks a rule.
type Violation struct {
	Rule   string // name of the rule
	Object string // table, "table.column", index, function, role …
	Detail string // what about it, in English
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Rule, v.Object, v.Detail) }

// Querier is a connection or a pool.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Walk holds the whole catalogue of the connection's database against every rule. Any role may walk. An exception in the
// lists that nothing needs any more is a violation too.
func Walk(ctx context.Context, q Querier) ([]Violation, error) {
	return walk(ctx, q, rules())
}

// Doors is Walk over the rules whose breach lets one tenant's rows be read under another's session at once; the program
// refuses to serve on such a database. The other rules guard against what a later change could open.
func Doors(ctx context.Context, q Querier) ([]Violation, error) {
	return walk(ctx, q, slices.DeleteFunc(rules(), func(r rule) bool { return !r.door }))
}

// rule is a statement that returns objects and details, one row each. With want they are facts, "object detail", that have
// to be exactly those; without, every row is a violation unless its object is among the exceptions.
type rule struct {
	name       string
	door       bool
	sql        string
	args       []any
	exceptions map[string]string // object -> reason
	want       []string
}

func walk(ctx context.Context, q Querier, rules []rule) ([]Violation, error) {
	var found []Violation
	for _, r := range rules {
		rows, err := q.Query(ctx, r.sql, r.args...)
		if err != nil {
			return nil, fmt.Errorf("walls: %s: %w", r.name, err)
		}
		facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v Violation, err error) {
			v.Rule = r.name
			return v, row.Scan(&v.Object, &v.Detail)
		})
		if err != nil {
			return nil, fmt.Errorf("walls: %s: %w", r.name, err)
		}
		found = append(found, r.judge(facts)...)
	}
	return found, nil
}

func (r rule) judge(facts []Violation) []Violation {
	var found []Violation
	if r.want != nil {
		left := slices.Clone(r.want)
		for _, f := range facts {
			if i := slices.Index(left, f.Object+" "+f.Detail); i >= 0 {
				left = slices.Delete(left, i, i+1)
				continue
			}
			found = append(found, Violation{r.name, f.Object, "not in the checked list: " + f.Detail})
		}
		for _, l := range left {
			object, detail, _ := strings.Cut(l, " ")
			found = append(found, Violation{r.name, object, "missing: " + detail})
		}
		return found
	}
	needed := map[string]bool{}
	for _, f := range facts {
		if _, ok := r.exceptions[f.Object]; ok {
			needed[f.Object] = true
			continue
		}
		found = append(found, f)
	}
	for object := range r.exceptions {
		if !needed[object] {
			found = append(found, Violation{r.name, object, "an exception that nothing needs"})
		}
	}
	return found
}
