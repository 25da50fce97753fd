package policytest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// begins are the instants at which somebody's rights become more: what is given for tomorrow is judged today.
type begins struct {
	rules  []time.Time
	grants map[uuid.UUID][]time.Time // by grantee
}

func (b *begins) load(ctx context.Context, tx *tenancy.Tx, rules []policy.Rule) error {
	for _, r := range rules {
		for _, at := range [2]time.Time{r.ValidFrom, r.ValidUntil} { // a denial that ends gives, too
			if at.After(tx.Now()) {
				b.rules = append(b.rules, at)
			}
		}
	}
	b.grants = map[uuid.UUID][]time.Time{}
	rows, err := tx.Query(ctx, `SELECT grantee_staff_id, valid_from FROM access_grants WHERE tenant_id = $1 AND valid_from > $2 AND revoked_at IS NULL`, tx.Session().Tenant.UUID(), tx.Now())
	if err != nil {
		return wrap("grants", err)
	}
	var staff uuid.UUID
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&staff, &at}, func() error {
		b.grants[staff] = append(b.grants[staff], at)
		return nil
	})
	return wrap("grants", err)
}

// person is somebody at an instant.
type person struct {
	*access.Holder
	at      time.Time
	rights  *policy.Rights
	own     []uuid.UUID // departments in which he is employed, and below
	works   []uuid.UUID // departments in which he is employed
	ownKey  string
	instant int64
}

// people are all whom one of the tests speaks of, now and at every later instant at which their rights change.
func (s *state) people(now time.Time, tests []Test) (out []*person) {
	for i := range s.holders {
		h := &s.holders[i]
		if h.Suspended {
			continue
		}
		instants := append([]time.Time{now}, s.begins.rules...)
		for _, b := range h.Bindings {
			for _, at := range [2]time.Time{b.From, b.Until} {
				if at.After(now) {
					instants = append(instants, at)
				}
			}
		}
		if h.Staff != uuid.Nil {
			instants = append(instants, s.org.Ahead(h.Staff, now)...)
			instants = append(instants, s.begins.grants[h.Staff]...)
		}
		slices.SortFunc(instants, time.Time.Compare)
		for _, at := range slices.CompactFunc(instants, time.Time.Equal) {
			p := &person{Holder: h, at: at, instant: at.UnixNano()}
			for _, e := range s.org.Employments(h.Staff, at) {
				p.works = append(p.works, e.Department)
			}
			if !slices.ContainsFunc(tests, func(t Test) bool { return s.about(&t, p) }) {
				continue
			}
			p.rights = s.table.Bind(&h.Principal, s.org, at)
			for _, d := range p.works {
				p.own = append(p.own, s.tree(d)...)
				p.ownKey += string(d[:])
			}
			out = append(out, p)
		}
	}
	return out
}

// tree is a department and what is below it.
func (s *state) tree(department uuid.UUID) []uuid.UUID {
	tree, ok := s.trees[department]
	if !ok {
		tree = s.org.DepartmentTree(department)
		s.trees[department] = tree
	}
	return tree
}

// about tells whether a test speaks of a person.
func (s *state) about(t *Test, p *person) bool {
	if t.Staff != uuid.Nil && t.Staff != p.Staff {
		return false
	}
	if t.StaffDepartment != uuid.Nil {
		tree := s.tree(t.StaffDepartment)
		if !slices.ContainsFunc(p.works, func(d uuid.UUID) bool { return slices.Contains(tree, d) }) {
			return false
		}
	}
	return t.RoleKey == "" || slices.ContainsFunc(p.Bindings, func(b policy.Binding) bool {
		return !b.From.After(p.at) && (b.Until.IsZero() || b.Until.After(p.at)) && s.table.Includes(b.Role, t.RoleKey)
	})
}
