package policy_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// bigOrg has 400 departments in a tree and 10,000 staff.
func bigOrg(tb testing.TB) *policy.Org {
	tb.Helper()
	company := uid('c', 1)
	id := func(kind byte, n int) (u uuid.UUID) {
		u[0] = kind
		binary.BigEndian.PutUint32(u[12:], uint32(n))
		return u
	}
	var departments []policy.OrgDepartment
	for n := range 400 {
		d := policy.OrgDepartment{ID: id('d', n+1), Company: company}
		if n > 0 {
			d.Parent = id('d', (n-1)/3+1)
		}
		departments = append(departments, d)
	}
	var employments []policy.OrgEmployment
	for n := range 10000 {
		e := policy.OrgEmployment{Staff: id('s', n+1), Company: company, Department: departments[n%400].ID}
		if n > 0 {
			e.Superior = id('s', (n-1)/8+1)
		}
		employments = append(employments, e)
	}
	o, err := policy.NewOrg(tenantA, 1, []policy.OrgCompany{{ID: company}}, departments, employments)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func BenchmarkPolicy(b *testing.B) {
	org := bigOrg(b)
	table := mustCompile(b, policy.ShippedRules(), policy.ShippedInherits())
	p := person(uid('s', 2), "kam_manager", "ka_sales_rep")
	rights := table.Bind(p, org, noon)
	key := &policy.Row{Company: uid('c', 1), Department: uid('d', 399), Kinds: []string{"KEY"}, Client: uid('x', 1)}
	foreign := &policy.Row{Company: uid('c', 9), Department: uid('d', 9999), Client: uid('x', 1)}
	self := table.Bind(person(uid('s', 2), "list_reader"), org, noon)
	b.Logf("%d rules, %d lines after expansion", len(policy.ShippedRules()), table.Lines())

	b.Run("decide/no_role", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			self.Decide(policy.ClientCredit, policy.Reveal, foreign)
		}
	})
	b.Run("decide/whole_tenant", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			self.Decide(policy.OnClient, policy.Read, key)
		}
	})
	b.Run("decide/tree_of_400_departments", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rights.Decide(policy.OnClient, policy.Read, key)
		}
	})
	b.Run("decide/refused_after_all_scopes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rights.Decide(policy.OnClient, policy.Read, foreign)
		}
	})
	b.Run("fields/five_groups", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, g := range [...]policy.Object{policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit} {
				rights.Field(g, key)
			}
		}
	})
	b.Run("reach", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rights.Reach(policy.OnClient, policy.Read)
		}
	})
	b.Run("reach_and_sql", func(b *testing.B) {
		b.ReportAllocs()
		args := &parameters{values: make([]any, 0, 32)}
		for b.Loop() {
			args.values = args.values[:0]
			policy.SQL(rights.Reach(policy.OnClient, policy.Read), thingColumns, args.add)
		}
	})
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rights.Explain(policy.OnClient, policy.Read, foreign)
		}
	})
	b.Run("bind/two_roles", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.Bind(p, org, noon)
		}
	})
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		rules, inherits := policy.ShippedRules(), policy.ShippedInherits()
		for b.Loop() {
			if _, err := policy.Compile(1, rules, inherits); err != nil {
				b.Fatal(err)
			}
		}
	})
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("casbin/enforce", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := judge.Enforce(p, org, noon, policy.OnClient, policy.Read, key); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("casbin/build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := table.Enforcer(tenantA); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestDecisionsDoNotAllocate(t *testing.T) {
	table, org := mustCompile(t, policy.ShippedRules(), policy.ShippedInherits()), worldOrg(t)
	rights := table.Bind(person(staffIDs[1], "kam_manager", "ka_developer"), org, noon)
	row := &policy.Row{Kinds: []string{"KEY"}, DistributedTo: departmentIDs[:3], Department: departmentIDs[8]}
	allocations := testing.AllocsPerRun(200, func() {
		rights.Decide(policy.OnClient, policy.Read, row)
		rights.Decide(policy.OnClient, policy.ClientOpen, row)
		rights.Decide(policy.OnClient, policy.ClientChangeProfile, row)
		rights.Field(policy.ClientCredit, row)
		rights.Decide("nothing", "known", row)
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
