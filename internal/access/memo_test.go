package access

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// served is a provider with tenants of which people ask.
type served struct {
	*Provider
	t     *testing.T
	snaps []*snapshot
}

func serving(t *testing.T, tenants int) *served {
	t.Helper()
	p, err := New(nil, tenants)
	if err != nil {
		t.Fatal(err)
	}
	x := &served{Provider: p, t: t}
	for n := range tenants {
		s := idle(t, n+1)
		p.snapshots.Set(s.tenant, s)
		x.snaps = append(x.snaps, s)
	}
	return x
}

func session(s *snapshot, person int) *tenancy.Session {
	return &tenancy.Session{Tenant: s.tenant, Actor: tenancy.Actor{Account: numbered('a', person), Staff: numbered('s', person)}}
}

// asks binds a person at an instant, as a first question does.
func (x *served) asks(tenant, person int, now time.Time) {
	s := x.snaps[tenant]
	who := session(s, person)
	p := &policy.Principal{Tenant: s.tenant.UUID(), Staff: who.Actor.Staff, Account: who.Actor.Account, Bindings: []policy.Binding{{Role: "ka_sales_rep"}}}
	x.keep(s, who, s.table.Bind(p, s.org, now), now)
}

func (x *served) knows(tenant, person int, now time.Time, want bool) {
	x.t.Helper()
	if _, _, ok := x.Current(session(x.snaps[tenant], person), now); ok != want {
		x.t.Errorf("person %d of tenant %d at %s is known: %v", person, tenant, now.Format(time.TimeOnly), ok)
	}
}

// Rights that nobody asks for go, and nothing else does: the next question of anybody clears them away.
func TestIdleRightsAreDropped(t *testing.T) {
	t.Parallel()
	x := serving(t, 2)
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	x.asks(0, 1, noon)
	x.asks(0, 2, noon)
	x.asks(1, 1, noon)
	for minute := range 6 {
		x.knows(0, 1, noon.Add(time.Duration(minute)*time.Minute), true)
	}
	if n := len(x.snaps[0].rights); n != 1 {
		t.Errorf("%d people of the first tenant are known, want the one who asks", n)
	}
	if n := len(x.snaps[1].rights); n != 0 {
		t.Errorf("%d people of the idle tenant are known", n)
	}
	x.knows(1, 1, noon.Add(6*time.Minute), false)
	x.asks(1, 1, noon.Add(6*time.Minute))
	x.knows(1, 1, noon.Add(6*time.Minute), true)
	x.knows(0, 1, noon.Add(-time.Hour), false) // a clock that was set back makes nothing last for ever
}

// More rights than there may be are never kept for long, and those that were asked for last stay.
func TestRightsTakeNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	x := serving(t, 4)
	x.most = 100 << 10
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	held := func() (bytes, people int) {
		for _, s := range x.snaps {
			for _, k := range s.rights {
				bytes += k.bytes
				people++
			}
		}
		return bytes, people
	}
	const everybody = 400
	for n := range everybody {
		now := noon.Add(time.Duration(n) * time.Second / 2)
		x.asks(n%4, 1+n/4, now)
		if bytes, _ := held(); bytes > x.most+x.most/8+4096 {
			t.Fatalf("%d bytes after %d people, %d are allowed", bytes, n+1, x.most)
		}
		x.knows(n%4, 1+n/4, now, true)
	}
	bytes, people := held()
	if bytes < x.most/2 || people == everybody {
		t.Errorf("%d bytes of %d people are kept, %d are allowed", bytes, people, x.most)
	}
	x.knows(0, 1, noon.Add(everybody*time.Second/2), false)
}

// SECURITY (G3): tables say not whose they are. A snapshot that held another tenant's policy and organisation gives its people
// nothing, and a person bound to the organisation of another tenant gets nothing.
func TestASnapshotOfAnotherTenantAllowsNothing(t *testing.T) {
	t.Parallel()
	x := serving(t, 2)
	own, other := x.snaps[0], x.snaps[1]
	everything := func(r *policy.Rights) (allowed int) {
		for _, e := range policy.Catalogue() {
			if r.Decide(e.Object, policy.Read, &policy.Row{OnTeam: true, Granted: policy.AllClasses, Owner: numbered('s', 1), Staff: numbered('s', 1)}).Allow {
				allowed++
			}
		}
		return allowed
	}
	for what, c := range map[string]struct {
		tenant uuid.UUID
		in     *snapshot
		some   bool
	}{"own": {own.tenant.UUID(), own, true}, "foreign": {own.tenant.UUID(), other, false}, "nobody's": {uuid.Nil, own, false}} {
		p := &policy.Principal{Tenant: c.tenant, Staff: numbered('s', 1), Account: numbered('a', 1), Bindings: []policy.Binding{{Role: "general_manager"}}}
		// the table is anybody's: the organisation is whose the rights are
		r := own.table.Bind(p, c.in.org, time.Unix(0, 0))
		if n := everything(r); (n > 0) != c.some {
			t.Errorf("%s: %d kinds of rows may be read", what, n)
		}
		if !c.some && !r.Reach(policy.OnClient, policy.Read).None {
			t.Errorf("%s: lists reach something", what)
		}
	}
}
