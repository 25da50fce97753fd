package read

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

func ids(n int) []uuid.UUID {
	out := make([]uuid.UUID, n)
	for i := range out {
		out[i][15], out[i][14] = byte(i+1), byte(i>>8)
	}
	return out
}

func TestBranches(t *testing.T) {
	t.Parallel()
	term := func(s policy.Scope, n int) policy.Term { return policy.Term{Scope: s, IDs: ids(n)} }
	reach := func(terms ...policy.Term) policy.Reach { return policy.Reach{Allow: terms} }
	denied := []policy.Term{term(policy.Dept, 1)}
	conditional := term(policy.Tenant, 0)
	conditional.Cond = []policy.Comparison{{Op: "=", Text: "KEY"}}
	lent := term(policy.Granted, 0)
	lent.Cond = conditional.Cond
	for name, x := range map[string]struct {
		reach policy.Reach
		side  bool
		want  string
		quick bool
	}{
		"whole tenant":          {policy.Reach{All: true}, true, "walk()", false},
		"nothing":               {policy.Reach{None: true}, true, "walk()", false},
		"own":                   {reach(term(policy.Self, 1)), true, "walk(SELF)", false},
		"one department":        {reach(term(policy.Dept, 1)), true, "walk(DEPT)", false},
		"some departments":      {reach(term(policy.DeptTree, 2)), true, "each department_id(DEPT_TREE)", false},
		"many departments":      {reach(term(policy.DeptTree, quickFrom)), true, "each department_id(DEPT_TREE)", true},
		"as many as pay":        {reach(term(policy.DeptTree, eachAtMost)), true, "each department_id(DEPT_TREE)", true},
		"too many":              {reach(term(policy.DeptTree, eachAtMost+1)), true, "walk(DEPT_TREE)", false},
		"subordinates":          {reach(term(policy.Subordinates, 9)), true, "each owner_id(SUBORDINATES)", false},
		"company":               {reach(term(policy.Company, 1)), true, "offices department_id(COMPANY)", true},
		"no company":            {reach(term(policy.Company, 0)), true, "walk(COMPANY)", false},
		"companies":             {reach(term(policy.CompanyTree, 3)), false, "offices department_id(COMPANY_TREE)", true},
		"team":                  {reach(term(policy.ClientTeam, 0)), true, "side(CLIENT_TEAM)", false},
		"team of contracts":     {reach(term(policy.ClientTeam, 0)), false, "walk(CLIENT_TEAM)", false},
		"team and grants":       {reach(term(policy.ClientTeam, 0), term(policy.Granted, 0)), true, "side(CLIENT_TEAM,GRANTED)", false},
		"grants of some":        {reach(term(policy.ClientTeam, 0), lent), true, "side(GRANTED) side(CLIENT_TEAM)", false},
		"own and department":    {reach(term(policy.Self, 1), term(policy.DeptTree, 3)), true, "walk(SELF) each department_id(DEPT_TREE)", false},
		"department and kind":   {reach(term(policy.DeptTree, 3), conditional), true, "each department_id(DEPT_TREE) walk(TENANT)", true},
		"kind":                  {reach(conditional), true, "walk(TENANT)", false},
		"walks are one":         {reach(conditional, term(policy.Self, 1), term(policy.Distributed, 1)), false, "walk(SELF) walk(TENANT,DISTRIBUTED)", true},
		"distributed":           {reach(term(policy.Distributed, 1)), true, "side(DISTRIBUTED)", true},
		"too many alternatives": {reach(slices.Repeat([]policy.Term{term(policy.Self, 1)}, branchesAtMost+1)...), true, "walk(" + strings.Repeat("SELF,", branchesAtMost) + "SELF)", false},
		"denied team":           {policy.Reach{Allow: []policy.Term{term(policy.ClientTeam, 0), term(policy.Granted, 0)}, Deny: denied}, true, "side(CLIENT_TEAM) side(GRANTED)", false},
	} {
		var got []string
		parts := branches(x.reach, x.side)
		for _, b := range parts {
			var scopes []string
			for _, t := range b.reach.Allow {
				scopes = append(scopes, t.Scope.String())
			}
			way := map[way]string{walk: "walk", each: "each " + b.column, offices: "offices " + b.column, side: "side"}[b.way]
			got = append(got, fmt.Sprintf("%s(%s)", way, strings.Join(scopes, ",")))
			if len(b.reach.Deny) != len(x.reach.Deny) {
				t.Errorf("%s: a branch lost the denial", name)
			}
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s: %s, want %s", name, s, x.want)
		}
		if quickPays(parts) != x.quick {
			t.Errorf("%s: the first rows are looked at %v", name, !x.quick)
		}
	}
}

// TestLongListsAreWalked: hundreds of departments must not become as many descents and a sort of all they hold.
func TestLongListsAreWalked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	w.grow(m, 2_000)
	k := &maker{w: w, m: m, rnd: rand.New(rand.NewPCG(9, 9))}
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	top := k.insert("departments", map[string]any{"company_id": m.ids["companies"][0], "kind": "DEPARTMENT", "name": "top", "created_at": start, "updated_at": start})
	companies := []policy.OrgCompany{{ID: m.ids["companies"][0]}}
	departments := []policy.OrgDepartment{{ID: top, Company: companies[0].ID}}
	for range eachAtMost {
		d := k.insert("departments", map[string]any{"company_id": companies[0].ID, "parent_id": top, "kind": "SECTION", "name": "d", "created_at": start, "updated_at": start})
		departments = append(departments, policy.OrgDepartment{ID: d, Company: companies[0].ID, Parent: top})
	}
	k.exec(`UPDATE clients SET company_id = $2, department_id = $3 WHERE tenant_id = $1 AND suspended`, m.id.UUID(), companies[0].ID, departments[7].ID)
	var want int
	must(t, w.conn.QueryRow(context.Background(), `SELECT count(*) FROM clients WHERE tenant_id = $1 AND suspended`, m.id.UUID()).Scan(&want))
	org, err := policy.NewOrg(m.id.UUID(), 1, companies, departments, []policy.OrgEmployment{{Staff: m.staff[0], Company: companies[0].ID, Department: top}})
	must(t, err)
	m.org = org
	must(t, w.conn.QueryRow(context.Background(), `SELECT policy_version, org_version, revocation_version FROM tenant_epochs WHERE tenant_id = $1`, m.id.UUID()).
		Scan(&m.epochs.Policy, &m.epochs.Org, &m.epochs.Revocation))
	w.source.epochs[m.id] = m.epochs
	s := w.session(m, 0, append(without(everything(), policy.OnClient, policy.Read), allow(policy.OnClient, policy.Read, policy.DeptTree)))
	w.seen.take()
	a := w.ask(s, `{ clients(first: 100) { nodes { department { name } } } }`, nil)
	sql, _ := w.seen.take()
	if nodes := get(t, a, "clients", "nodes").([]any); len(nodes) != want {
		t.Errorf("%d clients, want %d", len(nodes), want)
	}
	if !strings.Contains(sql, "department_id = ANY($2)))) IS TRUE") {
		t.Errorf("the list leads to an index:\n%s", sql)
	}
}

// TestKeysetWithMissingKeys pages over an order whose key may be missing, from every row, both ways.
func TestKeysetWithMissingKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The key of staff outside one's own department is hidden, and sorts as if it were missing.
	rules := append(without(everything(), policy.StaffDirectory, policy.Reveal), allow(policy.StaffDirectory, policy.Reveal, policy.Dept))
	s := w.session(w.tenants[0], 1, rules)
	whole := w.ask(s, `{ staffMembers { edges { cursor node { id } } } }`, nil)
	edges := get(t, whole, "staffMembers", "edges").([]any)
	if len(edges) != 12 {
		t.Fatalf("%d rows", len(edges))
	}
	id := func(e any) any { return e.(map[string]any)["node"].(map[string]any)["id"] }
	for i, e := range edges {
		cursor := e.(map[string]any)["cursor"].(string)
		a := w.ask(s, `{ staffMembers(first: 1, after: "`+cursor+`") { edges { node { id } } pageInfo { hasNextPage hasPreviousPage } } }`, nil)
		got := get(t, a, "staffMembers", "edges").([]any)
		if i+1 < len(edges) && (len(got) != 1 || id(got[0]) != id(edges[i+1])) || i+1 == len(edges) && len(got) != 0 {
			t.Errorf("after %d: %v", i, got)
		}
		if get(t, a, "staffMembers", "pageInfo", "hasPreviousPage") != true {
			t.Errorf("after %d: nothing before", i)
		}
		a = w.ask(s, `{ staffMembers(last: 1, before: "`+cursor+`") { edges { node { id } } pageInfo { hasNextPage hasPreviousPage } } }`, nil)
		got = get(t, a, "staffMembers", "edges").([]any)
		if i > 0 && (len(got) != 1 || id(got[0]) != id(edges[i-1])) || i == 0 && len(got) != 0 {
			t.Errorf("before %d: %v", i, got)
		}
	}
}

// TestAsOf tells what was, under the rights of now.
func TestAsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	k := &maker{w: w, m: m}
	t1, t2 := start.Add(240*time.Hour), start.Add(360*time.Hour)
	c := m.ids["clients"][0]
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	k.clock(t1)
	k.exec(`UPDATE clients SET name = 'first', grade = 'A' WHERE tenant_id = $1 AND id = $2`, m.id.UUID(), c)
	k.clock(t2)
	k.exec(`UPDATE clients SET name = 'second', grade = 'VIP' WHERE tenant_id = $1 AND id = $2`, m.id.UUID(), c)
	query := `query($at: DateTime) { client(id: "` + gid("cli", c) + `", asOf: $at) { name grade } }`
	at := func(s time.Time) map[string]any { return map[string]any{"at": s.Format(time.RFC3339Nano)} }
	s := w.session(m, 0, everything())
	for _, x := range []struct {
		vars map[string]any
		want string
	}{
		{at(t1), `{"client":{"name":"first","grade":"A"}}`},
		{at(t2.Add(-time.Microsecond)), `{"client":{"name":"first","grade":"A"}}`},
		{at(t2), `{"client":{"name":"second","grade":"VIP"}}`},
		{nil, `{"client":{"name":"second","grade":"VIP"}}`},
		{at(start.Add(-time.Hour)), `{"client":null}`},
	} {
		if a := w.ask(s, query, x.vars); string(a.Data) != x.want {
			t.Errorf("%v: %s, want %s", x.vars, a.Data, x.want)
		}
	}
	// Whoever may read VIP clients only may read this one's past, though it was none then; and the other way round.
	for grade, want := range map[string]string{"VIP": `{"client":{"name":"first","grade":"A"}}`, "A": `{"client":null}`} {
		rules := without(everything(), policy.OnClient, policy.Read)
		r := allow(policy.OnClient, policy.Read, policy.Tenant)
		r.Condition = "grade = " + grade
		if a := w.ask(w.session(m, 0, append(rules, r)), query, at(t1)); string(a.Data) != want {
			t.Errorf("who reads %s: %s", grade, a.Data)
		}
	}
}

func TestBesidesSaysYesOnlyForCertain(t *testing.T) {
	t.Parallel()
	term := func(s policy.Scope, n int) policy.Term { return policy.Term{Scope: s, IDs: ids(n)} }
	lent := func(classes policy.ClassSet) policy.Term { return policy.Term{Scope: policy.Granted, Classes: classes} }
	reach := func(terms ...policy.Term) policy.Reach { return policy.Reach{Entity: policy.OnClient, Allow: terms} }
	team, distributed := policy.Term{Scope: policy.ClientTeam}, term(policy.Distributed, 2)
	branch := reach(team, lent(15), distributed)
	until, conditional, others := team, team, team
	until.Until, conditional.Cond, others.Who = time.Unix(9, 0), []policy.Comparison{{Op: "=", Text: "KEY"}}, ids(1)
	denied, foreign, another := reach(team, lent(2), distributed), reach(team, lent(2), distributed), reach(team, lent(2), distributed)
	denied.Deny, foreign.Entity, another.Me = []policy.Term{term(policy.Self, 1)}, policy.OnContract, ids(1)[0]
	for name, x := range map[string]struct {
		right   policy.Reach
		classes policy.ClassSet
		want    bool
	}{
		"other classes":        {reach(team, lent(2), distributed), 2, true},
		"classes of two rules": {reach(team, lent(2), distributed, lent(4)), 6, true},
		"no grants":            {reach(distributed, team), 0, true},
		"no team":              {reach(lent(2), distributed), 0, false},
		"no distributions":     {reach(team, lent(2)), 0, false},
		"fewer departments":    {reach(team, lent(2), term(policy.Distributed, 1)), 0, false},
		"more departments":     {reach(team, lent(2), term(policy.Distributed, 3)), 0, false},
		"another way":          {reach(team, lent(2), distributed, term(policy.Self, 1)), 0, false},
		"all":                  {policy.Reach{All: true, Entity: policy.OnClient}, 0, false},
		"nothing":              {policy.Reach{None: true, Entity: policy.OnClient}, 0, false},
		"an end":               {reach(until, lent(2), distributed), 0, false},
		"a condition":          {reach(conditional, lent(2), distributed), 0, false},
		"other people":         {reach(others, lent(2), distributed), 0, false},
		"a denial":             {denied, 0, false},
		"another noun":         {foreign, 0, false},
		"somebody else":        {another, 0, false},
	} {
		if classes, ok := besides(branch, x.right); ok != x.want || ok && classes != x.classes {
			t.Errorf("%s: %v %v", name, classes, ok)
		}
	}
	if _, ok := besides(reach(others), reach(team)); ok {
		t.Error("a branch of other people")
	}
}

// A way gives a right where every grant that leads to a client is of one of its classes, or one that is asked besides is.
func TestAWayGivesRightsOnlyForCertain(t *testing.T) {
	t.Parallel()
	lent := func(classes policy.ClassSet) policy.Term { return policy.Term{Scope: policy.Granted, Classes: classes} }
	reach := func(terms ...policy.Term) policy.Reach { return policy.Reach{Entity: policy.OnClient, Allow: terms} }
	team := policy.Term{Scope: policy.ClientTeam}
	until := team
	until.Until = time.Unix(9, 0)
	of := func(classes ...policy.ClassSet) rightsAsked { return rightsAsked{classes: classes} }
	for name, x := range map[string]struct {
		way   policy.Reach
		asked rightsAsked
		right policy.Reach
		want  bool
	}{
		"team":                      {reach(team), of(), reach(team), true},
		"the same classes":          {reach(team, lent(6)), of(), reach(team, lent(6)), true},
		"more classes":              {reach(team, lent(6)), of(), reach(team, lent(2), lent(4)), true},
		"fewer classes":             {reach(team, lent(6)), of(), reach(team, lent(2)), false},
		"one of two ways":           {reach(lent(2), lent(4)), of(), reach(lent(2)), false},
		"asked besides":             {reach(team, lent(6)), of(2), reach(team, lent(2)), true},
		"asked besides, of several": {reach(team, lent(6)), of(4, 2), reach(team, lent(2)), true},
		"more is asked besides":     {reach(team, lent(14)), of(6), reach(team, lent(2)), false},
		"without grants":            {reach(team, lent(6)), of(2), reach(team), false},
		"asked for without grants":  {reach(team, lent(6)), of(0), reach(team), true},
		"another way":               {reach(team, lent(6)), of(2), reach(lent(6)), false},
		"the right has an end":      {reach(team), of(), reach(until), false},
		"the way has an end":        {reach(until), of(), reach(team), false},
		"a denial":                  {reach(team), of(), policy.Reach{Entity: policy.OnClient, Allow: []policy.Term{team}, Deny: []policy.Term{team}}, false},
	} {
		if got := x.asked.gives(&branch{reach: x.way, way: side}, x.right); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Who finds clients by grants alone filters those by a group for whose class he has a grant, in one grant or another.
func TestFiltersAskForTheirOwnClassOfGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	k := &maker{w: w, m: m, rnd: rand.New(rand.NewPCG(9, 9))}
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	k.clock(start)
	k.exec(`UPDATE access_grants SET revoked_at = $2, version = version + 1 WHERE tenant_id = $1 AND revoked_at IS NULL`, m.id.UUID(), start)
	k.exec(`UPDATE clients SET grade = 'A' WHERE tenant_id = $1`, m.id.UUID())
	lend := func(client uuid.UUID, classes ...policy.Class) {
		mask := 0
		for _, c := range classes {
			mask |= 1 << c
		}
		k.insert("access_grants", map[string]any{
			"grantee_staff_id": m.staff[0], "client_id": client, "class_mask": mask, "purpose": "p", "valid_from": start, "valid_until": start.AddDate(9, 0, 0),
			"granted_by": m.staff[1], "created_at": start, "updated_at": start,
		})
	}
	clients := m.ids["clients"]
	lend(clients[0], 0)
	lend(clients[1], 0, 1)
	lend(clients[2], 0)
	lend(clients[2], 1, 2)
	lend(clients[3], 2)
	rules := append(without(everything(), policy.OnClient, policy.Read), allow(policy.OnClient, policy.Read, policy.Granted))
	rules = append(without(rules, policy.ClientStandard, policy.Filter), allow(policy.ClientStandard, policy.Filter, policy.Granted))
	s := w.session(m, 0, rules)
	for query, want := range map[string]int{`{ clients { totalCount { value } nodes { id } } }`: 4, `{ clients(filter: {grades: [A]}) { totalCount { value } nodes { id } } }`: 2} {
		for _, sides := range []int{1, 500} { // the order's first rows are looked at, or not
			w.gate.turns.sides = sides
			w.gate.rendered.InvalidateAll()
			a := w.ask(s, query, nil)
			if nodes, count := get(t, a, "clients", "nodes").([]any), get(t, a, "clients", "totalCount", "value"); len(nodes) != want || count != float64(want) {
				t.Errorf("%s: %s", query, a.Data)
			}
		}
	}

	// What is seen of them is what a grant has the class of, whatever the list asks for.
	rules = append(without(rules, policy.ClientStandard, policy.Reveal), allow(policy.ClientStandard, policy.Reveal, policy.Granted))
	s = w.session(m, 0, rules)
	for query, want := range map[string]int{`{ clients { nodes { grade } } }`: 2, `{ clients(filter: {grades: [A]}) { nodes { grade } } }`: 2} {
		seen := 0
		for _, n := range get(t, w.ask(s, query, nil), "clients", "nodes").([]any) {
			if n.(map[string]any)["grade"] != nil {
				seen++
			}
		}
		if seen != want {
			t.Errorf("%s: grades of %d", query, seen)
		}
	}
}

func TestCoversSaysYesOnlyForCertain(t *testing.T) {
	t.Parallel()
	term := func(s policy.Scope, n int) policy.Term { return policy.Term{Scope: s, IDs: ids(n)} }
	reach := func(terms ...policy.Term) policy.Reach { return policy.Reach{Entity: policy.OnClient, Allow: terms} }
	until := term(policy.Dept, 1)
	until.Until = time.Unix(9, 0)
	conditional := term(policy.Dept, 1)
	conditional.Cond = []policy.Comparison{{Op: "=", Text: "KEY"}}
	lent := func(classes policy.ClassSet) policy.Term {
		return policy.Term{Scope: policy.Granted, Classes: classes}
	}
	denied := reach(term(policy.Dept, 1))
	denied.Deny = []policy.Term{term(policy.Self, 1)}
	foreign := reach(term(policy.Dept, 1))
	foreign.Entity = policy.OnContract
	for name, x := range map[string]struct {
		base, other policy.Reach
		want        bool
	}{
		"everything":               {reach(term(policy.Dept, 1)), policy.Reach{All: true}, true},
		"the same":                 {reach(term(policy.Dept, 2)), reach(term(policy.Dept, 2)), true},
		"one of two":               {reach(term(policy.Dept, 2)), reach(term(policy.Self, 1), term(policy.Dept, 3)), true},
		"fewer classes":            {reach(lent(1)), reach(lent(3)), true},
		"under the same denial":    {denied, denied, true},
		"nothing":                  {reach(term(policy.Dept, 1)), policy.Reach{None: true}, false},
		"all rows need all":        {policy.Reach{All: true}, reach(term(policy.Dept, 1)), false},
		"another scope":            {reach(term(policy.Dept, 1)), reach(term(policy.DeptTree, 1)), false},
		"fewer ids":                {reach(term(policy.Dept, 2)), reach(term(policy.Dept, 1)), false},
		"a term that is not there": {reach(term(policy.Dept, 1), term(policy.Self, 1)), reach(term(policy.Dept, 1)), false},
		"more classes":             {reach(lent(3)), reach(lent(1)), false},
		"a condition more":         {reach(term(policy.Dept, 1)), reach(conditional), false},
		"an end sooner":            {reach(term(policy.Dept, 1)), reach(until), false},
		"a denial more":            {reach(term(policy.Dept, 1)), denied, false},
		"another noun":             {reach(term(policy.Dept, 1)), foreign, false},
	} {
		if got := covers(x.base, x.other); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestUnjoined(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"TRUE":                     "TRUE",
		"(EXISTS (SELECT 1) OR a)": "(EXISTS (SELECT 1 OFFSET 0) OR a)",
		"NOT EXISTS (SELECT f(x))": "NOT EXISTS (SELECT f(x) OFFSET 0)",
		"EXISTS (a (b)) AND EXISTS (c = ANY($1))": "EXISTS (a (b) OFFSET 0) AND EXISTS (c = ANY($1) OFFSET 0)",
	} {
		if got := unjoined(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestFrequentTermsAreCountedToTheirEnd: a search counts to 1,000, by the term alone or by the clients of a scope.
func TestFrequentTermsAreCountedToTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gate.turns.rare = 100
	m := w.tenants[0]
	w.grow(m, 1_050)
	_, err := w.conn.Exec(context.Background(), `INSERT INTO client_search_terms (tenant_id, field_class, term, client_id)
		SELECT tenant_id, class, 'every', id FROM clients CROSS JOIN (VALUES (0), (1)) c (class) WHERE tenant_id = $1`, m.id.UUID())
	must(t, err)
	query := `{ clients(first: 1, filter: {search: "every"}) { totalCount(limit: TEN_THOUSAND) { value capped } } few: clients(first: 1, filter: {search: "every 1234"}) { totalCount { capped } }
		before: clients(first: 1, filter: {search: "every 1234"}, asOf: "2026-01-05T07:00:00Z") { nodes { id } totalCount { value } } }`
	narrow := append(without(everything(), policy.OnClient, policy.Read), allow(policy.OnClient, policy.Read, policy.CompanyTree), allow(policy.OnClient, policy.Read, policy.Self))
	condition := allow(policy.OnClient, policy.Read, policy.Tenant)
	condition.Condition = "grade != VIP"
	for name, rules := range map[string][]policy.Rule{"all": everything(), "several ways": append(narrow, condition)} {
		a := w.ask(w.session(m, 0, rules), query, nil)
		if want := `{"clients":{"totalCount":{"value":1000,"capped":true}},"few":{"totalCount":{"capped":false}},"before":{"nodes":[],"totalCount":{"value":0}}}`; string(a.Data) != want {
			t.Errorf("%s: %s", name, a.Data)
		}
	}
}
