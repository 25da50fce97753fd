package read

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// rules makes a random policy.
// With lists, rows are mostly reached by several narrow scopes, with denials among them.
func randomRules(t *rand.Rand, lists bool) []policy.Rule {
	wide, deny := 30, 7
	if lists {
		wide, deny = 8, 15
	}
	var rules []policy.Rule
	for _, e := range policy.Catalogue() {
		conditions := map[policy.Object][]string{
			policy.OnClient:   {"grade = VIP", "grade != A", "kind = KEY", "kind != SUPPLIER", "important = true", "suspended != true", "stage = trading"},
			policy.OnContract: {"state = review", "amount <= 2000", "amount > 1000", "amount != 3000", "clientGrade = VIP", "clientKind = KEY", "kind = SUPPLY"},
			policy.OnGrant:    {"clientGrade != VIP"},
			policy.OnOriginal: {"class <= 3", "class != 4", "clientKind = KEY"}, policy.OnBorrowing: {"class > 2", "clientGrade = VIP"},
			policy.OnApproval: {"class < 5", "clientSuspended != true"},
		}[e.Object]
		add := func(o policy.Object, act policy.Action, percent int) {
			for range 3 {
				if below(t, 0, 99, "rule") < 100-percent {
					continue
				}
				r := policy.Rule{Role: "some_role", Object: o, Action: act, Effect: policy.Allow}
				r.Scope = e.Scopes[t.IntN(len(e.Scopes))]
				if below(t, 0, 99, "wide") < wide {
					r.Scope = policy.Tenant
				}
				if r.Scope == policy.Partnership {
					continue
				}
				if len(conditions) > 0 && below(t, 0, 99, "conditional") >= 80 {
					r.Condition = conditions[t.IntN(len(conditions))]
				}
				if below(t, 0, 99, "deny") >= 100-deny {
					r.Effect = policy.Deny
				}
				rules = append(rules, r)
			}
		}
		add(e.Object, policy.Read, 75)
		for _, a := range e.Acts {
			if e.Object == policy.OnBorrowing || e.Object == policy.OnAccessRequest { // "mine" asks for them
				add(e.Object, a.Action, 40)
			}
		}
		for _, g := range e.Groups {
			add(g.Object, policy.Reveal, 55)
			add(g.Object, policy.Peek, 25)
			add(g.Object, policy.Filter, 55)
		}
	}
	if len(rules) == 0 {
		rules = append(rules, allow(policy.OnOrganisation, policy.Read, policy.Tenant))
	}
	return rules
}

var cursorText = regexp.MustCompile(`"([A-Za-z0-9_-]{34,})"`)

func (w *world) compiled(s *tenancy.Session, d document) (outcome, error) {
	w.opened = nil
	a, err := w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{data: string(a.Data)}
	for _, e := range a.Errors {
		o.errs = append(o.errs, fmt.Sprint(e.Path.String(), " ", e.Extensions["code"], " ", e.Extensions["reason"]))
	}
	for _, m := range a.Masked {
		o.masked = append(o.masked, strings.NewReplacer("[", ".", "]", "").Replace(m.Path.String())+" "+m.Reason)
	}
	for _, x := range w.opened {
		o.openings = append(o.openings, openingText(x))
	}
	for i := range o.errs {
		o.errs[i] = strings.NewReplacer("[", ".", "]", "").Replace(o.errs[i])
	}
	o.errs, o.openings = sorted(o.errs), sorted(o.openings)
	return o, nil
}

func (o outcome) differs(want outcome) string {
	switch {
	case o.data != want.data:
		i := 0
		for i < min(len(o.data), len(want.data)) && o.data[i] == want.data[i] {
			i++
		}
		cut := func(s string) string { return s[max(0, i-200):min(len(s), i+200)] }
		return fmt.Sprintf("data at %d\n got %s\nwant %s", i, cut(o.data), cut(want.data))
	case !slices.Equal(o.errs, want.errs):
		return fmt.Sprintf("errors\n got %q\nwant %q", o.errs, want.errs)
	case !slices.Equal(o.masked, want.masked[:min(MaxMasked, len(want.masked))]):
		return fmt.Sprintf("masked\n got %q\nwant %q", o.masked, want.masked)
	case !slices.Equal(o.openings, want.openings):
		return fmt.Sprintf("openings\n got %q\nwant %q", o.openings, want.openings)
	}
	return ""
}

var tableReference = regexp.MustCompile(`(?:FROM|JOIN) ([a-z]\w+)(?: ([a-z]\w*))?\b`)

// withoutTenant gives the first reference to a table that is not bound to the tenant's parameter; "" when all are.
func withoutTenant(sql string) string {
	for _, line := range strings.Split(sql, "\n") {
		if !strings.HasPrefix(line, "SELECT") && !strings.HasPrefix(line, "WITH") || strings.Contains(line, "tenant_epochs") {
			continue
		}
		for _, at := range tableReference.FindAllStringSubmatchIndex(line, -1) {
			table, alias := line[at[2]:at[3]], ""
			if at[4] >= 0 {
				alias = line[at[4]:at[5]]
			}
			switch {
			case table == "unnest", strings.Contains(line, table+" AS MATERIALIZED ("):
			case regexp.MustCompile(`\b`+alias+`\.tenant_id = \$\d+\b`).MatchString(line) && alias != "":
			case strings.HasPrefix(line[at[3]:], " WHERE tenant_id = $"):
			default:
				return table + " " + alias
			}
		}
	}
	return ""
}

func TestTenantCheckCanFail(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1 FROM clients t1 WHERE t1.tenant_id = $1":                                            "",
		"SELECT 1 FROM clients t1 WHERE t1.id = $1":                                                   "clients t1",
		"SELECT 1 FROM clients t1 JOIN staff t2 ON t2.id = t1.owner_id WHERE t1.tenant_id = $1":       "staff t2",
		"SELECT 1 FROM (SELECT id FROM clients WHERE tenant_id = $1 AND recorded_from <= $2) t1":      "",
		"SELECT 1 FROM (SELECT id FROM clients WHERE recorded_from <= $2) t1":                         "clients ",
		"WITH q9 AS MATERIALIZED (SELECT 1 FROM clients t1 WHERE t1.tenant_id = $1) SELECT 1 FROM q9": "",
		"WITH q9 AS MATERIALIZED (SELECT 1 FROM clients t1) SELECT 1 FROM q9":                         "clients t1",
		"SELECT 1 FROM client_kinds k9 WHERE k9.tenant_id = t1.tenant_id":                             "client_kinds k9",
	} {
		if got := withoutTenant(sql); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// TestCompiledIsReference holds the compiled answer of random documents by random actors to the reference executor's.
func TestCompiledIsReference(t *testing.T) {
	t.Parallel()
	t.Run("whole schema", func(t *testing.T) { t.Parallel(); compiledIsReference(t, newWorld(t), false, 30, randomRules) })
	t.Run("rows of then", func(t *testing.T) { t.Parallel(); compiledIsReference(t, newWorld(t), false, 90, randomRules) })
	t.Run("lists of the archive", func(t *testing.T) { t.Parallel(); compiledIsReference(t, newWorld(t), true, 30, randomRules) })
	t.Run("lists of an archive as if it were large", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.gate.turns = turns{rare: 3, sides: 2}
		compiledIsReference(t, w, true, 20, randomRules)
	})
	t.Run("lists through side tables", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.gate.turns = turns{rare: 3, sides: 4}
		compiledIsReference(t, w, true, 10, aside)
	})
	// Every reference to a table names the tenant: the answers are the same when row-level security is gone.
	t.Run("without row-level security", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, err := w.conn.Exec(context.Background(), `DO $$ DECLARE t regclass; BEGIN
			FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relnamespace = 'public'::regnamespace LOOP
				EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$`)
		must(t, err)
		compiledIsReference(t, w, false, 30, randomRules)
	})
}

// aside are rules of somebody who finds clients through side tables, and may see some groups of them, and filter by some, through the
// same and others through fewer or more.
func aside(t *rand.Rand, lists bool) []policy.Rule {
	rules := without(everything(), policy.OnClient, policy.Read)
	sides := []policy.Scope{policy.ClientTeam, policy.Granted, policy.Distributed}
	t.Shuffle(len(sides), func(i, j int) { sides[i], sides[j] = sides[j], sides[i] })
	sides = sides[:1+t.IntN(len(sides))]
	for _, s := range sides {
		rules = append(rules, allow(policy.OnClient, policy.Read, s))
	}
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnClient {
			continue
		}
		for _, g := range e.Groups {
			for _, action := range []policy.Action{policy.Filter, policy.Reveal} {
				scopes := sides
				switch t.IntN(4) {
				case 0:
					scopes = sides[1:]
				case 1:
					scopes = append(slices.Clone(sides), e.Scopes[t.IntN(len(e.Scopes))])
				}
				rules = without(rules, g.Object, action)
				for _, s := range scopes {
					if s != policy.Partnership {
						rules = append(rules, allow(g.Object, action, s))
					}
				}
				if lists && t.IntN(6) == 0 {
					deny := allow(g.Object, action, policy.Dept)
					deny.Effect = policy.Deny
					rules = append(rules, deny)
				}
			}
		}
	}
	return rules
}

// compiledIsReference writes random documents, asOf in so many of a hundred lists and roots that take it.
func compiledIsReference(t *testing.T, w *world, lists bool, asOf int, rules func(*rand.Rand, bool) []policy.Rule) {
	loaded := map[*made]*data{}
	for _, m := range w.tenants {
		loaded[m] = w.load(m)
	}
	rows, questions, invalid, failed, masked := 0, 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "seed")))
		m := w.tenants[dice.IntN(2)]
		s := w.session(m, dice.IntN(len(m.staff)), rules(dice, lists))
		var cursors []string
		compare := func(a *author, text string, d document) string {
			w.seen.take()
			got, err := w.compiled(s, d)
			if sql, _ := w.seen.take(); withoutTenant(sql) != "" {
				t.Fatalf("%s\nnames no tenant for %s:\n%s", text, withoutTenant(sql), sql)
			}
			if err != nil {
				t.Fatalf("%v\n%s\n%v", err, text, a.vars)
			}
			want := w.reference(loaded[m], s, d)
			if diff := got.differs(want); diff != "" {
				t.Fatalf("%s\n%v\n%s", text, a.vars, diff)
			}
			questions++
			failed += min(1, len(got.errs))
			masked += len(got.masked)
			rows += strings.Count(got.data, "{")
			return got.data
		}
		for range 2 {
			a := &author{t: dice, w: w, m: m, schema: w.gate.schema, vars: map[string]any{}, cursors: cursors, lists: lists, asOf: asOf}
			text := a.document()
			d, err := w.tryParse(text, a.vars)
			if err != nil { // members of node may differ in a field that they have in common by name only
				invalid++
				continue
			}
			if len(d.roots) == 0 {
				continue
			}
			cursors = nil
			for _, c := range cursorText.FindAllStringSubmatch(compare(a, text, d), -1) {
				cursors = append(cursors, c[1])
			}
			// The same document again, from other cursors and with other booleans.
			for range 2 {
				for _, name := range a.later {
					delete(a.vars, name)
					if len(cursors) > 0 && a.chance(70, "from a cursor") {
						a.vars[name] = one1(a, "from", cursors)
					}
				}
				for name, v := range a.vars { // no draws here: maps have no order
					if b, ok := v.(bool); ok {
						a.vars[name] = !b
					}
				}
				again, err := w.tryParse(text, a.vars)
				if err != nil {
					t.Fatal(err)
				}
				again.doc, again.op = d.doc, d.op
				again.roots = flatten(w.gate, d.op.SelectionSet, again.vars)
				if len(again.roots) > 0 {
					compare(a, text, again)
				}
			}
		}
	})
	t.Logf("%d documents, %d objects and %d masked fields compared, %d documents with errors, %d not valid", questions, rows, masked, failed, invalid)
	if invalid > questions {
		t.Fatal("most documents are not valid")
	}
}
