package matrix

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/policy"
)

// reading are the verbs that the run of reads can observe.
func reading(v policy.Action) bool {
	return v == policy.Read || v == policy.Reveal || v == policy.Filter || v == policy.PolicyRead
}

// with is the sheet with one role's ways on one question exchanged.
func (s sheet) with(q question, role string, ways []alternative) sheet {
	out := maps.Clone(s)
	out[q] = maps.Clone(s[q])
	out[q][role] = ways
	return out
}

// unobservable says why a cell can be exchanged without anybody outside seeing it; "" when it can be seen.
func unobservable(q question) string {
	if q.object == policy.OnTenant {
		return "everybody's row"
	}
	if q.verb != policy.Filter {
		return ""
	}
	for _, n := range filters() {
		if n.group == q.object {
			return ""
		}
	}
	return "no filter and no order is offered on it"
}

// shown is the sheet with one question exchanged for a role, so that it can be seen from outside: a group on rows that are not
// there shows nothing, nor do rows of which no group is shown.
func (s sheet) shown(q question, role string, more bool) sheet {
	if !more {
		return s.with(q, role, nil)
	}
	out := s.with(q, role, []alternative{{scope: "TENANT"}})
	for _, e := range policy.Catalogue() {
		for _, g := range e.Groups {
			if e.Object == q.object && q.verb == policy.Read {
				out = out.with(question{g.Object, policy.Reveal}, role, []alternative{{scope: "TENANT"}})
			}
		}
	}
	return out
}

// beyondOneself tells whether the role has a way to others' rows: one's own are seen without any.
func (s sheet) beyondOneself(q question, p *person) bool {
	return slices.ContainsFunc(s[q][p.role], func(a alternative) bool { return a.scope != "PARTNERSHIP" && a.scope != "SELF" })
}

// moved are ways with every bound of a class moved.
func moved(ways []alternative, by int) (out []alternative) {
	for _, a := range ways {
		a.condition = slices.Clone(a.condition)
		for i := range a.condition {
			if a.condition[i].op == "<=" {
				a.condition[i].number += by
			}
		}
		out = append(out, a)
	}
	return out
}

// everyCellIsSeen exchanges in the sheets, for every question about reading, one role that may for one that may not, and the
// other way round. The answers that were given have to be found wrong each time: no cell is written for nothing.
func everyCellIsSeen(t *testing.T, x *town, s sheet) {
	t.Helper()
	exchanged, nouns := 0, map[policy.Object]int{}
	for _, q := range slices.SortedFunc(maps.Keys(s), func(a, b question) int { return strings.Compare(a.String(), b.String()) }) {
		if !reading(q.verb) || unobservable(q) != "" {
			continue
		}
		for _, more := range []bool{false, true} {
			i := slices.IndexFunc(x.people, func(p *person) bool {
				if more {
					entity, _ := policy.EntityOf(q.object)
					return !s.ever(q, p) && (s.ever(question{entity, policy.Read}, p) || q.object == entity)
				}
				return s.beyondOneself(q, p)
			})
			if i < 0 {
				continue
			}
			p := x.people[i]
			faults, _ := observe(x, s.shown(q, p.role, more), []*person{p}, true)
			exchanged++
			entity, _ := policy.EntityOf(q.object)
			nouns[entity]++
			if len(faults) == 0 {
				t.Errorf("the sheets could say of %s: %s, more %v, and the answers would be found right", p.role, q, more)
			}
		}
	}
	for _, role := range []string{"kam_manager", "general_manager"} { // the bound of a class, by one
		q := question{policy.OriginalContent, policy.Reveal}
		for _, by := range []int{-1, 1} {
			faults, _ := observe(x, s.with(q, role, moved(s[q][role], by)), []*person{x.somebody(role)}, true)
			exchanged++
			if len(faults) == 0 {
				t.Errorf("the sheets could say of %s: %s, the class %+d, and the answers would be found right", role, q, by)
			}
		}
	}
	t.Logf("%d cells of the sheets exchanged: %v", exchanged, nouns)
	for _, e := range policy.Catalogue() {
		if e.Object != policy.OnTenant && nouns[e.Object] < 2 {
			t.Errorf("%d cells of %s exchanged", nouns[e.Object], e.Object)
		}
	}
	if exchanged < 30 {
		t.Error("that shows little")
	}
}

// aRuleTooManyIsSeen changes the rules in force, one at a time, and asks those concerned again.
func aRuleTooManyIsSeen(t *testing.T, x *town, s sheet) {
	t.Helper()
	bump := func() { x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`) }
	for _, change := range []struct {
		name, role string
		do         func()
	}{
		{"a group more", "list_reader", func() { x.Allow("list_reader", policy.ClientCredit, policy.Reveal, policy.Dept) }},
		{"a filter more", "roster_clerk_market", func() { x.Allow("roster_clerk_market", policy.ClientStandard, policy.Filter, policy.Company) }},
		{"rows more", "hr_officer", func() { x.Allow("hr_officer", policy.OnClient, policy.Read, policy.Distributed) }},
		{"a masked group more", "store_manager", func() { x.Allow("store_manager", policy.ClientContacts, policy.Peek, policy.Dept) }},
		{"a group less", "vip_officer", func() {
			x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'vip_officer' AND object = 'client' AND action = 'reveal' AND data_scope = 'COMPANY'`)
			bump()
		}},
		{"rows less", "ka_developer", func() {
			x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'ka_developer' AND object = 'contract' AND action = 'read' AND data_scope = 'SELF'`)
			bump()
		}},
		{"a scope wider", "reviewer_legal", func() {
			x.Exec(`UPDATE policy_rules SET condition = '' WHERE tenant_id = $1 AND role_key = 'reviewer_legal' AND object = 'contract'`)
			bump()
		}},
		{"a more secret content", "kam_manager", func() {
			x.Exec(`UPDATE policy_rules SET condition = 'class <= 7' WHERE tenant_id = $1 AND role_key = 'kam_manager' AND object = 'original#content' AND data_scope = 'DEPT_TREE'`)
			bump()
		}},
		{"requests of more clients", "sales_manager", func() {
			x.Exec(`UPDATE policy_rules SET data_scope = 'TENANT' WHERE tenant_id = $1 AND role_key = 'sales_manager' AND object = 'accessRequest' AND action = 'read'`)
			bump()
		}},
		{"loans less", "archive_custodian", func() {
			x.Exec(`UPDATE policy_rules SET data_scope = 'COMPANY' WHERE tenant_id = $1 AND role_key = 'archive_custodian' AND object = 'borrowing' AND action = 'reveal'`)
			bump()
		}},
		{"what is lent is not read", "tech_engineer", func() {
			x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'staff' AND object = 'original#content' AND action = 'reveal'`)
			bump()
		}},
	} {
		change.do()
		faults, _ := observe(x, s, []*person{x.somebody(change.role)}, true)
		if len(faults) == 0 {
			t.Errorf("%s for %s: nobody noticed", change.name, change.role)
		} else {
			t.Logf("%s for %s: %d answers are found wrong, the first: %.200s", change.name, change.role, len(faults), faults[0])
		}
	}
}
