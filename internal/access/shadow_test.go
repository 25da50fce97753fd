package access

import (
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// A disagreement outlives the snapshot in which it was found, for as long as the same policy version is in force.
func TestATripIsKept(t *testing.T) {
	t.Parallel()
	p, err := New(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	tenant := tenancy.TenantID(uuid.New())
	epoch := int64(0)
	at := func(version int64) *snapshot {
		table, err := policy.Compile(version, policy.ShippedRules(), policy.ShippedInherits())
		if err != nil {
			t.Fatal(err)
		}
		epoch++ // drafts and roles move it, too
		return &snapshot{tenant: tenant, epochs: tenancy.Epochs{Policy: epoch}, table: table}
	}
	first := p.watch(at(3), nil)
	if first.shadow.Tripped() {
		t.Fatal("tripped before anything differed")
	}
	for _, action := range []policy.Action{policy.Read, policy.Count, policy.Read} {
		p.trip(tenant, 3, policy.Disagreement{Version: 3, Object: policy.OnClient, Action: action})
	}
	if again := p.watch(at(3), nil); !again.shadow.Tripped() {
		t.Error("the same version, loaded again, is trusted again")
	}
	if known := p.trips(tenant, 3); len(known) != 2 {
		t.Errorf("%d questions are remembered, want both", len(known))
	}
	if p.watch(&snapshot{tenant: tenancy.TenantID(uuid.New()), table: first.table}, nil).shadow.Tripped() {
		t.Error("another tenant is not trusted")
	}
	if next := p.watch(at(4), first); next.shadow.Tripped() {
		t.Error("another version is not trusted")
	}
	same := at(3)
	same.table = first.table
	if taken := p.watch(same, first); taken.shadow != first.shadow {
		t.Error("the table of the snapshot before has another shadow")
	}
}
