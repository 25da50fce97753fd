package policytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// group are people of whom the database is asked in one statement: of NEVER those with equal denials, whose reaches are
// joined; of ALWAYS those with equal reaches.
type group struct {
	test   *Test
	at     time.Time
	own    []uuid.UUID
	reach  policy.Reach
	people []*person
}

func (s *state) run(ctx context.Context, tx *tenancy.Tx, tests []Test) ([]Broken, error) {
	people := s.people(tx.Now(), tests)
	var asked []*group
	found := map[uuid.UUID]Broken{}
	for i := range tests {
		t := &tests[i]
		for _, g := range s.groups(t, people) {
			if _, done := found[t.ID]; done {
				break
			}
			switch {
			case t.rowType() != "":
				asked = append(asked, g)
			case t.Expectation == Never && !g.reach.None, t.Expectation == Always && !g.reach.All:
				found[t.ID] = Broken{Test: *t, Staff: g.people[0].Staff, Rule: g.people[0].anyRule(t)}
			}
		}
	}
	rows, err := first(ctx, tx, s.org, asked)
	if err != nil {
		return nil, err
	}
	for i, g := range asked {
		if _, done := found[g.test.ID]; done || rows[i] == uuid.Nil {
			continue
		}
		b, err := s.tell(ctx, tx, g, rows[i])
		if err != nil {
			return nil, err
		}
		found[g.test.ID] = b
	}
	var out []Broken
	for i := range tests {
		if b, ok := found[tests[i].ID]; ok {
			out = append(out, b)
		}
	}
	return out, nil
}

// groups are those whose reach the database has to be asked about.
func (s *state) groups(t *Test, people []*person) (out []*group) {
	var within []uuid.UUID
	if t.RowDepartment != uuid.Nil {
		within = s.tree(t.RowDepartment)
	}
	type member struct {
		reaches []policy.Reach
		*group
	}
	byKey := map[string]*member{}
	var order []*member
	for _, p := range people {
		if !s.about(t, p) {
			continue
		}
		reach := p.rights.Reach(t.Object, t.Action)
		key := strconv.FormatInt(p.instant, 10) + " "
		if t.Expectation == Never {
			if within != nil {
				reach = reach.Within(within, true)
			}
			if t.RowOwn == Own || t.RowOwn == Others {
				reach = reach.Within(p.own, t.RowOwn == Own)
			}
			if reach.None {
				continue
			}
			key += reach.DenialKey()
		} else {
			if reach.All || within != nil && reach.HasAll(within) || t.RowOwn == Own && reach.HasAll(p.own) {
				continue
			}
			key += reach.Key()
		}
		g := group{test: t, at: p.at}
		if t.RowOwn == Own || t.RowOwn == Others {
			key += p.ownKey
			g.own = p.own
		}
		m, ok := byKey[key]
		if !ok {
			m = &member{group: &g}
			byKey[key] = m
			order = append(order, m)
		}
		m.people = append(m.people, p)
		m.reaches = append(m.reaches, reach)
	}
	for _, m := range order {
		m.reach = m.reaches[0]
		if t.Expectation == Never {
			m.reach = policy.Together(m.reaches)
		}
		if t.rowType() == "" && t.Expectation == Never { // who of them it is must be told
			m.people = m.people[:1]
		}
		out = append(out, m.group)
	}
	return out
}

// statement is about the rows of the test that a reach has (NEVER), or has not (ALWAYS).
func (g *group) statement(tx *tenancy.Tx, org *policy.Org, reach policy.Reach, what, extra string, more ...any) (string, []any) {
	t := g.test
	f, _ := access.FactsOf(t.rowType())
	args := append([]any{tx.Session().Tenant.UUID()}, more...)
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	cols := f.Cols
	cols.Tenant, cols.Now = "$1", arg(g.at)+"::timestamptz"
	where := []string{f.Alias() + ".tenant_id = $1", cols.Now + " IS NOT NULL"}
	if t.RowCompany != uuid.Nil {
		where = append(where, cols.Company+" = "+arg(t.RowCompany))
	}
	if t.RowDepartment != uuid.Nil {
		where = append(where, cols.Department+" = ANY("+arg(org.DepartmentTree(t.RowDepartment))+")")
	}
	if meets, err := policy.Meets(t.Object, t.RowCondition); err == nil && !meets.All { // checked when the test was added
		where = append(where, policy.SQL(meets, cols, arg))
	}
	switch t.RowOwn {
	case Own:
		where = append(where, cols.Department+" = ANY("+arg(g.own)+")")
	case Others:
		where = append(where, "("+cols.Department+" = ANY("+arg(g.own)+")) IS NOT TRUE")
	}
	predicate := policy.SQL(reach, cols, arg)
	if t.Expectation == Always {
		predicate = "(" + predicate + ") IS NOT TRUE"
	}
	where = append(where, "("+predicate+")")
	if extra != "" {
		where = append(where, extra)
	}
	return "SELECT " + fmt.Sprintf(what, f.Alias()) + " FROM " + f.From + " WHERE " + strings.Join(where, " AND "), args
}

// first gives a row for each group that breaks its test; none for the others. One round trip for a hundred groups.
func first(ctx context.Context, tx *tenancy.Tx, org *policy.Org, asked []*group) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, 0, len(asked))
	for part := range slices.Chunk(asked, 100) {
		b := &pgx.Batch{}
		// A plan for any list of ids is a bad one for this list, and each statement runs once in a while.
		b.Queue(`SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`)
		for _, g := range part {
			sql, args := g.statement(tx, org, g.reach, "%s.id", "")
			b.Queue(sql+" LIMIT 1", args...)
		}
		br := tx.SendBatch(ctx, b)
		_, err := br.Exec()
		for range part {
			if err != nil {
				break
			}
			var u uuid.UUID
			if err = br.QueryRow().Scan(&u); err != nil && !errors.Is(err, pgx.ErrNoRows) {
				break
			}
			err = nil
			out = append(out, u)
		}
		if e := br.Close(); err == nil {
			err = e
		}
		if err != nil {
			return nil, wrap("run", err)
		}
	}
	return out, nil
}

// tell finds out who of a group it is, by which rule, and how many rows there are.
func (s *state) tell(ctx context.Context, tx *tenancy.Tx, g *group, row uuid.UUID) (Broken, error) {
	b := Broken{Test: *g.test, Type: g.test.rowType(), Row: row, Staff: g.people[0].Staff}
	sql, args := g.statement(tx, s.org, g.reach, "%s.id", "")
	if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (%s LIMIT %d) x", sql, MostRows), args...).Scan(&b.Rows); err != nil {
		return b, wrap("count", err)
	}
	if g.test.Expectation == Always {
		return b, nil
	}
	f, _ := access.FactsOf(b.Type)
	for _, p := range g.people {
		facts, err := f.Row(ctx, tx, p.rights, row)
		if err != nil || facts == nil {
			return b, err
		}
		if d := p.rights.Decide(g.test.Object, g.test.Action, &facts.Row); d.Allow {
			b.Staff, b.Rule = p.Staff, d.Rule()
			return b, nil
		}
	}
	return b, nil // it begins later: who it is stands at the first of the group
}

// anyRule is the rule by which somebody has a right that is about no row.
func (p *person) anyRule(t *Test) *policy.Rule {
	if t.Expectation == Always {
		return nil
	}
	return p.rights.Decide(t.Object, t.Action, &policy.Row{Staff: p.Staff}).Rule()
}
