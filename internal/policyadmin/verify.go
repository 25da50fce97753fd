package policyadmin

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/policy"
)

// Defects, not refusals: they are never the fault of who publishes, and nothing comes into force.
var (
	errContent   = errors.New("the rules of the draft are not those that were drafted")
	errDisagrees = errors.New("the compiled policy and the reference judge disagree")
)

// review is a version on its way into force, beside the one in force.
type review struct {
	before, after      *policy.Table
	oldRules, newRules []policy.Rule

	oldConflicts, newConflicts []policy.DutyConflict

	author  uuid.UUID // account; zero when it is not known
	org     *policy.Org
	holders []access.Holder
	awaited map[uuid.UUID][]string // roles that await endorsement, by account
	now     time.Time
	tenant  uuid.UUID
	ids     struct{ companies, departments, staff []uuid.UUID }
}

// How many decisions the verification compares: a casbin decision over some hundred lines costs a good part of a millisecond.
const (
	changedDecisions = 500
	sampledDecisions = 150
)

// cell is one question that a line speaks of.
type cell struct {
	object policy.Object
	action policy.Action
	role   string
	rule   policy.Rule
}

// verify compares the compiled version with casbin's judgement on the cells of every changed line and on a sample of the rest.
func (r *review) verify() error {
	enforcer, err := r.after.Enforcer(r.tenant)
	if err != nil {
		return wrap("verify", err)
	}
	return r.agree(enforcer)
}

func (r *review) agree(enforcer *policy.Enforcer) error {
	// The same version meets the same questions: a disagreement can be looked into.
	random := rand.New(rand.NewPCG(uint64(r.after.Version()), 0))
	added, removed := compare(r.oldRules, r.newRules)
	added = append(added, r.moved()...)
	for _, part := range []struct {
		cells []cell
		count int
	}{{r.cellsOf(append(added, removed...)), changedDecisions}, {r.cellsOf(r.newRules), sampledDecisions}} {
		if len(part.cells) == 0 {
			continue
		}
		for n := range part.count {
			c := part.cells[random.IntN(len(part.cells))]
			if n < len(part.cells) && part.count == changedDecisions {
				c = part.cells[n] // every changed cell at least once, as long as there are not more of them than decisions
			}
			p, row := r.principal(random, c.role), r.row(random, c.rule)
			decided := r.after.Bind(p, r.org, r.now).Decide(c.object, c.action, row).Allow
			judged, err := enforcer.Enforce(p, r.org, r.now, c.object, c.action, row)
			if err != nil || judged != decided {
				return wrap("verify", fmt.Errorf("%w: version %d, %s %s by %s: compiled %v, judged %v: %w", errDisagrees, r.after.Version(), c.object, c.action, c.role, decided, judged, err))
			}
		}
	}
	return nil
}

// cellsOf are the questions that lines speak of under either version's field classes.
func (r *review) cellsOf(rules []policy.Rule) (cells []cell) {
	for _, rule := range rules {
		objects := r.before.Targets(&rule)
		for _, o := range r.after.Targets(&rule) {
			if !slices.Contains(objects, o) {
				objects = append(objects, o)
			}
		}
		for _, o := range objects {
			cells = append(cells, cell{o, rule.Action, rule.Role, rule})
		}
	}
	return cells
}

// principal holds the role somewhere, and in one case of three is a real account with all that it holds.
func (r *review) principal(random *rand.Rand, role string) *policy.Principal {
	if len(r.holders) > 0 && random.IntN(3) == 0 {
		p := r.holders[random.IntN(len(r.holders))].Principal
		return &p
	}
	p := &policy.Principal{Tenant: r.tenant, Staff: pick(random, r.ids.staff), Account: uuid.Max, Kind: "staff"}
	b := policy.Binding{Role: role}
	switch random.IntN(3) {
	case 0:
		b.Company = pick(random, r.ids.companies)
	case 1:
		b.Department = pick(random, r.ids.departments)
	}
	p.Bindings = []policy.Binding{b}
	return p
}

// row is a row somewhere in the tenant, with every fact missing now and then; half of them meet the line's condition.
func (r *review) row(random *rand.Rand, rule policy.Rule) *policy.Row {
	row := &policy.Row{
		ID: uuid.Max, Client: uuid.Max, Company: pick(random, r.ids.companies), Department: pick(random, r.ids.departments),
		Owner: pick(random, r.ids.staff), Staff: pick(random, r.ids.staff),
		Grade: pick(random, []string{"VIP", "A", "B", "C"}), Kind: pick(random, []string{"SUPPLY", "SALES", "NDA"}),
		Stage: pick(random, []string{"prospect", "developing", "trading"}), State: pick(random, []string{"draft", "review", "approved", "effective"}),
		Important: random.IntN(2) == 0, ClientSuspended: random.IntN(2) == 0, OnTeam: random.IntN(2) == 0, Granted: policy.ClassSet(random.IntN(int(policy.AllClasses) + 1)),
		AmountSet: random.IntN(4) > 0, Amount: random.Int64N(1 << 40), FieldClassSet: random.IntN(4) > 0, FieldClass: policy.Class(random.IntN(8)), Borrowed: random.IntN(2) == 0,
	}
	if random.IntN(2) == 0 {
		row.Kinds = []string{pick(random, []string{"KEY", "SUPPLIER", "DEALER", "SPECIAL"})}
	}
	if random.IntN(2) == 0 {
		row.DistributedTo = []uuid.UUID{pick(random, r.ids.departments)}
	}
	entity, _ := policy.EntityOf(rule.Object)
	condition, _ := policy.ParseCondition(entity, rule.Condition)
	for _, c := range condition {
		if c.Field.Kind == policy.MoneyField { // at the constant and beside it
			row.AmountSet, row.Amount = random.IntN(4) > 0, c.Int+random.Int64N(3)-1
		}
	}
	return row
}

// pick gives one of the values, or now and then none.
func pick[T any](random *rand.Rand, from []T) (v T) {
	if len(from) == 0 || random.IntN(5) == 0 {
		return v
	}
	return from[random.IntN(len(from))]
}
