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
	at := func(version int64) *snapshot {
		table, err := policy.Compile(version, policy.ShippedRules(), policy.ShippedInherits())
		if err != nil {
			t.Fatal(err)
		}
		return &snapshot{tenant: tenant, epochs: tenancy.Epochs{Policy: version}, table: table}
	}
	first := p.watch(at(3), nil)
	if first.shadow.Tripped() {
		t.Fatal("tripped before anything differed")
	}
	p.tripped.Store(tenant, trip{3, policy.Disagreement{Version: 3, Object: policy.OnClient, Action: policy.Read}})
	if again := p.watch(at(3), nil); !again.shadow.Tripped() {
		t.Error("the same version, loaded again, is trusted again")
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
