package access

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

func numbered(kind byte, n int) (u uuid.UUID) {
	u[0] = kind
	binary.BigEndian.PutUint32(u[12:], uint32(n))
	return u
}

// idle makes the snapshot of a tenant of usual size that nobody works in: the shipped rules, 30 departments, 100 people.
func idle(b testing.TB, tenant int) *snapshot {
	b.Helper()
	id, company := numbered('t', tenant), numbered('c', tenant)
	table, err := policy.Compile(1, policy.ShippedRules(), policy.ShippedInherits())
	if err != nil {
		b.Fatal(err)
	}
	var departments []policy.OrgDepartment
	for n := range 30 {
		d := policy.OrgDepartment{ID: numbered('d', n+1), Company: company}
		if n > 0 {
			d.Parent = numbered('d', (n-1)/3+1)
		}
		departments = append(departments, d)
	}
	var employments []policy.OrgEmployment
	for n := range 100 {
		employments = append(employments, policy.OrgEmployment{Staff: numbered('s', n+1), Company: company, Department: departments[n%30].ID})
	}
	org, err := policy.NewOrg(id, 1, []policy.OrgCompany{{ID: company}}, departments, employments)
	if err != nil {
		b.Fatal(err)
	}
	return &snapshot{tenant: tenancy.TenantID(id), table: table, org: org, rights: map[rightsKey]*known{}}
}

// BenchmarkIdleTenants reports what a tenant that nobody works in just now keeps in memory; at most 64 KiB is the aim.
func BenchmarkIdleTenants(b *testing.B) {
	const tenants = 1000
	for b.Loop() {
		heap := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		kept := make([]*snapshot, tenants)
		for n := range kept {
			kept[n] = idle(b, n+1)
		}
		b.ReportMetric(float64(heap()-before)/tenants/1024, "KiB/tenant")
		runtime.KeepAlive(kept)
	}
}
