package policy_test

import (
	"encoding/binary"
	"syscall"
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

// measured runs f as a benchmark that also says how much processor time of this process it took, which other processes do not
// lengthen as they do the time on the clock.
func measured(b *testing.B, name string, f func()) {
	b.Helper()
	cpu := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		before := cpu()
		for b.Loop() {
			f()
		}
		b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	})
}

// BenchmarkPolicy puts the compiled table beside casbin's own Enforce: the same rules, person and row.
func BenchmarkPolicy(b *testing.B) {
	org := bigOrg(b)
	rules, inherits := policy.ShippedRules(), policy.ShippedInherits()
	table := mustCompile(b, rules, inherits)
	p := person(uid('s', 2), "kam_manager", "ka_sales_rep")
	rights := table.Bind(p, org, noon)
	key := &policy.Row{Company: uid('c', 1), Department: uid('d', 399), Kinds: []string{"KEY"}, Client: uid('x', 1)}
	foreign := &policy.Row{Company: uid('c', 9), Department: uid('d', 9999), Kinds: []string{"DEALER"}, Client: uid('x', 1)}
	lent := &policy.Row{Company: uid('c', 9), Department: uid('d', 9999), Kinds: []string{"DEALER"}, Client: uid('x', 1), Granted: policy.AllClasses}
	self := table.Bind(person(uid('s', 2), "list_reader"), org, noon)
	b.Logf("%d rules, %d lines after expansion, %d bytes; rights of two roles %d bytes", len(rules), table.Lines(), table.Bytes(), rights.Bytes())
	judge, err := table.Enforcer(tenantA)
	if err != nil {
		b.Fatal(err)
	}
	decide := func(r *policy.Rights, o policy.Object, a policy.Action, row *policy.Row, want bool) func() {
		if r.Decide(o, a, row).Allow != want {
			b.Fatalf("%s %s: not %v", a, o, want)
		}
		return func() { r.Decide(o, a, row) }
	}

	measured(b, "casbin/enforce", func() {
		if ok, err := judge.Enforce(p, org, noon, policy.OnClient, policy.Read, key); err != nil || !ok {
			b.Fatal(ok, err)
		}
	})
	measured(b, "lookup/no_role", decide(self, policy.ClientCredit, policy.Reveal, foreign, false))
	measured(b, "lookup/whole_tenant", decide(self, policy.OnClient, policy.Read, key, true))
	measured(b, "decide/tree_of_400_departments", decide(rights, policy.OnClient, policy.Read, key, true))
	measured(b, "decide/by_a_grant_after_scopes_and_conditions", decide(rights, policy.OnClient, policy.Read, lent, true))
	measured(b, "decide/refused_after_all_scopes", decide(rights, policy.OnClient, policy.Read, foreign, false))
	measured(b, "fields/five_groups", func() {
		for _, g := range [...]policy.Object{policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit} {
			rights.Field(g, key)
		}
	})
	measured(b, "reach", func() { rights.Reach(policy.OnClient, policy.Read) })
	args := &parameters{values: make([]any, 0, 32)}
	measured(b, "reach_and_sql", func() {
		args.values = args.values[:0]
		policy.SQL(rights.Reach(policy.OnClient, policy.Read), thingColumns, args.add)
	})
	measured(b, "explain", func() { rights.Explain(policy.OnClient, policy.Read, foreign) })
	measured(b, "bind/two_roles", func() { table.Bind(p, org, noon) })
	for name, part := range map[string][]policy.Rule{"compile/200_rules": rules[:200], "compile/shipped_rules": rules} {
		measured(b, name, func() { mustCompile(b, part, inherits) })
	}
	measured(b, "casbin/build", func() {
		if _, err := table.Enforcer(tenantA); err != nil {
			b.Fatal(err)
		}
	})
	watched := table.Bind(p, org, noon).Watched(table.Shadow(tenantA, 1, func(d policy.Disagreement) { b.Errorf("%+v", d) }))
	measured(b, "casbin/one_sampled_decision", func() { watched.Decide(policy.OnClient, policy.Read, key) })
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
