package policy_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/clientele/clientele/policy"
)

// A small organisation with everything that makes scopes hard: two company trees, departments of depth three, people
// employed twice, employments that ended or begin later, a superior without employment, and a circle of superiors.

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// uid gives a readable id: kind in the first byte, number in the last.
func uid(kind byte, n int) uuid.UUID {
	var u uuid.UUID
	u[0] = kind
	binary.BigEndian.PutUint32(u[12:], uint32(n))
	return u
}

var (
	tenantA, tenantB = uid('t', 1), uid('t', 2)
	companyIDs       = []uuid.UUID{uid('c', 1), uid('c', 2), uid('c', 3)}
	departmentIDs    = func() (ids []uuid.UUID) {
		for n := range 9 {
			ids = append(ids, uid('d', n+1))
		}
		return ids
	}()
	staffIDs = func() (ids []uuid.UUID) {
		for n := range 10 {
			ids = append(ids, uid('s', n+1))
		}
		return ids
	}()
)

func worldOrg(tb testing.TB) *policy.Org {
	tb.Helper()
	c, d, s := companyIDs, departmentIDs, staffIDs
	departments := []policy.OrgDepartment{
		{ID: d[0], Company: c[0]},
		{ID: d[1], Company: c[0], Parent: d[0]},
		{ID: d[2], Company: c[0], Parent: d[1]},
		{ID: d[3], Company: c[0], Parent: d[0]},
		{ID: d[4], Company: c[1]},
		{ID: d[5], Company: c[1], Parent: d[4]},
		{ID: d[6], Company: c[1], Parent: d[5]},
		{ID: d[7], Company: c[2]},
		{ID: d[8], Company: c[2], Parent: d[7]},
	}
	in := func(staff, superior uuid.UUID, department int, from, until time.Time) policy.OrgEmployment {
		return policy.OrgEmployment{Staff: staff, Superior: superior, Department: d[department], Company: departments[department].Company, From: from, Until: until}
	}
	past, soon := noon.Add(-1000*time.Hour), noon.Add(time.Hour)
	o, err := policy.NewOrg(tenantA, 7,
		[]policy.OrgCompany{{ID: c[0]}, {ID: c[1], Parent: c[0]}, {ID: c[2]}}, departments,
		[]policy.OrgEmployment{
			in(s[0], uuid.Nil, 0, past, time.Time{}), in(s[1], s[0], 1, past, time.Time{}), in(s[2], s[1], 2, past, time.Time{}),
			in(s[3], s[1], 3, past, soon), in(s[4], s[3], 4, soon, time.Time{}), in(s[4], s[0], 5, past, soon),
			in(s[5], s[6], 6, past, time.Time{}), in(s[6], s[5], 7, past, time.Time{}), // a circle
			in(s[7], s[9], 8, past, time.Time{}), in(s[7], s[2], 1, past, time.Time{}), // twice employed; s[9] has no employment
			in(s[8], s[0], 3, past, noon), // ended this instant
		})
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

var roleKeys = func() (keys []string) {
	for n := range 70 { // more than one word of the bitset
		keys = append(keys, fmt.Sprintf("role%02d", n))
	}
	return keys
}()

// vocabulary of the generators: every noun that rules can differ on.
var catalogue = policy.Catalogue()

func drawEntity(t *rapid.T) policy.Entity {
	return rapid.SampledFrom(catalogue[len(catalogue)-8:]).Draw(t, "entity") // grant, audit, client, contract, original, borrowing, access request, approval
}

func drawCondition(t *rapid.T, e policy.Entity) string {
	out := ""
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "comparisons") {
		if len(e.Fields) == 0 {
			return ""
		}
		f := rapid.SampledFrom(e.Fields).Draw(t, "field")
		ops, constants := []string{"=", "!="}, f.Values
		switch f.Kind {
		case policy.MoneyField:
			ops, constants = append(ops, "<", "<=", ">", ">="), []string{"100", "5000", "-1"}
		case policy.NumberField:
			ops = append(ops, "<", "<=", ">", ">=")
		case policy.BoolField:
			constants = []string{"true", "false"}
		}
		if out != "" {
			out += " & "
		}
		out += f.Name + " " + rapid.SampledFrom(ops).Draw(t, "op") + " " + rapid.SampledFrom(constants).Draw(t, "constant")
	}
	return out
}

func drawSpan(t *rapid.T, label string) (from, until time.Time) {
	spans := [][2]time.Duration{{0, 0}, {0, 0}, {0, 0}, {-1, 0}, {0, 1}, {-1, 1}, {1, 2}, {-2, -1}, {-1, 1000}}
	s := rapid.SampledFrom(spans).Draw(t, label)
	if s[0] != 0 {
		from = noon.Add(s[0] * time.Minute)
	}
	if s[1] != 0 {
		until = noon.Add(s[1] * time.Minute)
	}
	return from, until
}

func drawRule(t *rapid.T, seq int, roles []string) policy.Rule {
	e := drawEntity(t)
	r := policy.Rule{
		ID: uid('r', seq), Seq: seq, Role: rapid.SampledFrom(roles).Draw(t, "role"), Object: e.Object,
		Scope: rapid.SampledFrom(e.Scopes).Draw(t, "scope"), Condition: drawCondition(t, e), Effect: policy.Allow,
	}
	if r.Scope != policy.Partnership && rapid.IntRange(0, 4).Draw(t, "deny") == 4 {
		r.Effect = policy.Deny
	}
	r.ValidFrom, r.ValidUntil = drawSpan(t, "rule validity")
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0: // a group of its own
		r.Object = rapid.SampledFrom(e.Groups).Draw(t, "group").Object
		r.Action = policy.Reveal
	case 1: // classes expanded to groups
		r.Action, r.Classes = policy.Reveal, policy.AllClasses
		if len(e.Groups) > 2 {
			r.Classes = policy.ClassRange(0, policy.Class(rapid.IntRange(0, 4).Draw(t, "class")))
		}
	default:
		r.Action = policy.Read
		if r.Scope == policy.Granted {
			r.Classes = policy.ClassSet(rapid.IntRange(0, int(policy.AllClasses)).Draw(t, "mask"))
		}
	}
	return r
}

func drawPolicy(t *rapid.T) (rules []policy.Rule, inherits [][2]string) {
	roles := rapid.SampledFrom([][]string{roleKeys[:3], roleKeys[:5], roleKeys}).Draw(t, "roles")
	for seq := range rapid.SampledFrom([]int{20, 40, 10, 1}).Draw(t, "rules") {
		rules = append(rules, drawRule(t, seq+1, roles))
	}
	for range rapid.IntRange(0, 6).Draw(t, "inherits") {
		a, b := rapid.IntRange(0, len(roles)-1).Draw(t, "child"), rapid.IntRange(0, len(roles)-1).Draw(t, "parent")
		if a < b {
			inherits = append(inherits, [2]string{roles[a], roles[b]})
		}
	}
	return rules, inherits
}

func drawPrincipal(t *rapid.T, rules []policy.Rule) *policy.Principal {
	p := &policy.Principal{Tenant: tenantA, Staff: rapid.SampledFrom(append(slices.Clone(staffIDs), uuid.Nil, uid('s', 99))).Draw(t, "staff")}
	for n := range rapid.SampledFrom([]int{2, 3, 1, 4, 0}).Draw(t, "bindings") {
		b := policy.Binding{ID: uid('b', n), Role: rapid.SampledFrom(rules).Draw(t, "bound role").Role}
		if rapid.Bool().Draw(t, "anchored") {
			b.Company = rapid.SampledFrom(append([]uuid.UUID{uuid.Nil, uid('c', 99)}, companyIDs...)).Draw(t, "company anchor")
			b.Department = rapid.SampledFrom(append([]uuid.UUID{uuid.Nil, uid('d', 99)}, departmentIDs...)).Draw(t, "department anchor")
		}
		b.From, b.Until = drawSpan(t, "binding validity")
		p.Bindings = append(p.Bindings, b)
	}
	p.Suspended = rapid.IntRange(0, 30).Draw(t, "suspended") == 30
	p.Scopes = rapid.SampledFrom([][]string{nil, nil, nil, nil, {"read"}, {"write"}, {"reveal"}, {"nonsense"}}).Draw(t, "token")
	return p
}

// drawID is an id of the list, an unknown one, or none (NULL).
func drawID(t *rapid.T, ids []uuid.UUID, kind byte, label string) uuid.UUID {
	return rapid.SampledFrom(append(slices.Clone(ids), uuid.Nil, uid(kind, 99))).Draw(t, label)
}

func drawRow(t *rapid.T) *policy.Row {
	r := &policy.Row{
		ID: uid('x', 1), Company: drawID(t, companyIDs, 'c', "company"), Department: drawID(t, departmentIDs, 'd', "department"),
		Owner: drawID(t, staffIDs, 's', "owner"), Staff: drawID(t, staffIDs, 's', "subject"), Client: uid('x', 1),
		Grade: rapid.SampledFrom([]string{"", "VIP", "A"}).Draw(t, "grade"), Kind: rapid.SampledFrom([]string{"", "SALES", "NDA"}).Draw(t, "kind"),
		Stage: rapid.SampledFrom([]string{"", "trading"}).Draw(t, "stage"), State: rapid.SampledFrom([]string{"", "review", "draft"}).Draw(t, "state"),
		Kinds:     rapid.SampledFrom([][]string{{"KEY"}, {"KEY", "DEALER"}, nil, {"SUPPLIER"}}).Draw(t, "kinds"),
		Important: rapid.Bool().Draw(t, "important"), ClientSuspended: rapid.Bool().Draw(t, "client suspended"),
		OnTeam: rapid.Bool().Draw(t, "on team"), Granted: policy.ClassSet(rapid.SampledFrom([]int{255, 0, 1, 8, 0}).Draw(t, "granted")),
	}
	if rapid.Bool().Draw(t, "has amount") {
		r.AmountSet, r.Amount = true, rapid.SampledFrom([]int64{-1, 0, 100, 5000, 5001}).Draw(t, "amount")
	}
	if rapid.Bool().Draw(t, "has class") {
		r.FieldClassSet, r.FieldClass = true, policy.Class(rapid.IntRange(0, 7).Draw(t, "field class"))
	}
	r.Borrowed = rapid.Bool().Draw(t, "borrowed")
	for range rapid.IntRange(0, 2).Draw(t, "distributions") {
		r.DistributedTo = append(r.DistributedTo, rapid.SampledFrom(departmentIDs).Draw(t, "distributed"))
	}
	return r
}

// question is what generated rules may answer.
type question struct {
	obj policy.Object
	act policy.Action
}

func questionsOf(rules []policy.Rule) (out []question) {
	add := func(q question) {
		if policy.Known(q.obj, q.act) && !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	for _, r := range rules {
		add(question{r.Object, r.Action})
		for _, e := range catalogue {
			for _, g := range e.Groups {
				if e.Object == r.Object {
					add(question{g.Object, r.Action})
				}
			}
		}
	}
	return append(out, question{policy.OnStaff, policy.Read}) // one that no rule speaks of
}

func mustCompile(tb interface {
	Helper()
	Fatal(...any)
}, rules []policy.Rule, inherits [][2]string,
) *policy.Table {
	tb.Helper()
	table, err := policy.Compile(3, rules, inherits)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}
