package policy

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Packed rules keep nouns and verbs, classes and scopes in a byte each.
func TestTheVocabularyFitsIntoItsNumbers(t *testing.T) {
	t.Parallel()
	if len(words.objects) > 256 || len(words.actions) > 256 || AllClasses > 255 || len(scopeNames) > denies {
		t.Errorf("%d objects, %d actions, classes %b, %d scopes", len(words.objects), len(words.actions), AllClasses, len(scopeNames))
	}
}

// What a table gives back is what it was given.
func TestRulesAreUnpackedAsTheyWere(t *testing.T) {
	t.Parallel()
	rules := ShippedRules()
	at := time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC)
	rules[3].ValidFrom, rules[3].ValidUntil, rules[4].ValidUntil, rules[5].Note = at, at.Add(1), at, "附注"
	rules = append(rules, Rule{Role: "own_role", Object: OnClient, Action: Reveal, Scope: Granted, Classes: ClassRange(2, 7), Condition: " kind=KEY &grade != VIP", Effect: Deny, Seq: 1 << 30})
	for i := range rules {
		rules[i].ID = uuid.New()
	}
	table, err := Compile(1, rules, ShippedInherits())
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules {
		if got := table.rule(uint16(i)); *got != rules[i] {
			t.Fatalf("%+v became %+v", rules[i], *got)
		}
	}
	asked := map[uint16]int{}
	for n := range words.keys {
		last := 0
		for _, l := range table.cell(n) {
			asked[l]++
			if r := int(rank(table.rule(l))); r < last {
				t.Errorf("question %v: rule %d stands behind a rule of rank %d", words.keys[n], l, last)
			} else {
				last = r
			}
		}
	}
	for i := range rules {
		if want := len(rules[i].Targets()); asked[uint16(i)] != want {
			t.Errorf("rule %+v speaks of %d questions, want %d", rules[i], asked[uint16(i)], want)
		}
	}
}

func TestAPolicyMayBeTooLarge(t *testing.T) {
	t.Parallel()
	rules := make([]Rule, maxRules)
	for i := range rules { // as different as rules can be
		rules[i] = Rule{
			Role: fmt.Sprintf("role%d", i%50), Object: OnClient, Action: Reveal, Scope: Tenant, Classes: AllClasses, Effect: Allow, Clause: fmt.Sprint("c", i), Note: fmt.Sprint("n", i),
			Condition: "grade = VIP" + strings.Repeat(" ", i%300) + "& kind = KEY" + strings.Repeat(" ", i/300), ValidFrom: time.Unix(int64(i), 0), ValidUntil: time.Unix(int64(i), 1),
		}
	}
	table, err := Compile(1, rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, maxRules / 2, maxRules - 1} {
		if got := table.rule(uint16(i)); *got != rules[i] {
			t.Errorf("%+v became %+v", rules[i], *got)
		}
	}
	if _, err := Compile(1, append(rules, rules[0]), nil); err == nil || !strings.Contains(err.Error(), "POLICY_TOO_LARGE") {
		t.Error(err)
	}
	if _, err := Compile(1, rules[:1], make([][2]string, maxRules+1)); err == nil || !strings.Contains(err.Error(), "POLICY_TOO_LARGE") {
		t.Error(err)
	}
}

// What tables, organisations and rights say of their size is what the heap says, whatever texts they share.
func TestSizesAreThoseOfTheHeap(t *testing.T) {
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	const many = 60
	rules, tenant, company := ShippedRules(), uuid.UUID{1}, uuid.UUID{2}
	numbered := func(kind, n int) uuid.UUID { return uuid.UUID{byte(kind), byte(n >> 8), byte(n)} }
	var departments []OrgDepartment
	var employments []OrgEmployment
	for n := range 50 {
		departments = append(departments, OrgDepartment{ID: numbered(3, n), Company: company})
	}
	for n := range 500 {
		employments = append(employments, OrgEmployment{Staff: numbered(4, n), Company: company, Department: departments[n%50].ID, Superior: numbered(4, n/8), From: time.Unix(int64(n), 0)})
	}
	table, err := Compile(1, rules, ShippedInherits())
	if err != nil {
		t.Fatal(err)
	}
	org, err := NewOrg(tenant, 1, []OrgCompany{{ID: company}}, departments, employments)
	if err != nil {
		t.Fatal(err)
	}
	person := &Principal{Tenant: tenant, Staff: numbered(4, 1), Bindings: []Binding{{Role: "kam_manager"}, {Role: "ka_sales_supervisor", Department: departments[1].ID}}}
	for what, one := range map[string]func() interface{ Bytes() int }{
		"table": func() interface{ Bytes() int } { x, _ := Compile(1, rules, ShippedInherits()); return x },
		"organisation": func() interface{ Bytes() int } {
			x, _ := NewOrg(tenant, 1, []OrgCompany{{ID: company}}, departments, employments)
			return x
		},
		"rights": func() interface{ Bytes() int } { return table.Bind(person, org, time.Unix(1000, 0)) },
	} {
		said := one().Bytes()
		before := heap()
		kept := make([]any, many)
		for n := range kept {
			kept[n] = one()
		}
		held := (heap() - before) / many
		t.Logf("%s: %d bytes, by the heap %d", what, said, held)
		if held < said*8/10 || held > said*5/4+512 {
			t.Errorf("%s says %d bytes, the heap %d", what, said, held)
		}
		runtime.KeepAlive(kept)
	}
}
