package access

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Rights of people are kept in the snapshot they were bound to, as long as somebody asks for them: a tenant in which nobody works
// holds its policy and its organisation, and no more.

const (
	idleSeconds = 5 * 60   // rights that nobody asked for this long are dropped
	tidySeconds = 60       // how often that is looked after
	mostRights  = 64 << 20 // bytes of rights of all tenants
	usualTenant = 64 << 10 // bytes of policy and organisation that count as one tenant of New's most
)

// known are somebody's rights.
type known struct {
	rights *policy.Rights
	bytes  int
	used   atomic.Int64 // when they were asked for last, in seconds
}

// overhead of an entry: key, known, and its share of the map.
const overhead = 160

type rightsKey struct {
	account uuid.UUID
	scopes  string
}

func keyOf(session *tenancy.Session) rightsKey {
	scopes := slices.Clone(session.Actor.Scopes)
	slices.Sort(scopes)
	return rightsKey{session.Actor.Account, strings.Join(scopes, " ")}
}

// known gives the rights of the session's actor as long as they hold.
func (s *snapshot) known(session *tenancy.Session, now time.Time) (*policy.Rights, bool) {
	s.mu.RLock()
	k, ok := s.rights[keyOf(session)]
	s.mu.RUnlock()
	if !ok || !k.rights.ValidUntil.IsZero() && !now.Before(k.rights.ValidUntil) {
		return nil, false
	}
	if at := now.Unix(); k.used.Load() != at { // most requests write nothing that others read
		k.used.Store(at)
	}
	return k.rights, true
}

// keep remembers rights.
func (p *Provider) keep(s *snapshot, session *tenancy.Session, rights *policy.Rights, now time.Time) {
	key := keyOf(session)
	k := &known{rights: rights, bytes: rights.Bytes() + len(key.scopes) + overhead}
	k.used.Store(now.Unix())
	s.mu.Lock()
	s.rights[key] = k
	s.mu.Unlock()
	p.added.Add(int64(k.bytes))
	p.tidy(now)
}

// tidy drops what nobody asks for and, of more than there may be, what was asked for longest ago. What is dropped is read again
// when it is needed.
func (p *Provider) tidy(now time.Time) {
	at, before := now.Unix(), p.tidied.Load()
	if near(at, before, tidySeconds) && p.added.Load() <= int64(p.most/8) || !p.tidied.CompareAndSwap(before, at) {
		return
	}
	p.added.Store(0)
	type held struct {
		*known
		of  *snapshot
		key rightsKey
	}
	var all []held
	total := 0
	for s := range p.snapshots.Values() {
		s.drop(func(_ rightsKey, k *known) bool { return !near(at, k.used.Load(), idleSeconds) })
		s.mu.RLock()
		for key, k := range s.rights {
			all = append(all, held{k, s, key})
			total += k.bytes
		}
		s.mu.RUnlock()
	}
	if total <= p.most {
		return
	}
	slices.SortFunc(all, func(a, b held) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	old := map[*snapshot]map[rightsKey]bool{}
	for _, h := range all {
		if total <= p.most/4*3 {
			break
		}
		if old[h.of] == nil {
			old[h.of] = map[rightsKey]bool{}
		}
		old[h.of][h.key] = true
		total -= h.bytes
	}
	for s, keys := range old {
		s.drop(func(key rightsKey, _ *known) bool { return keys[key] })
	}
}

// near tells whether two instants are less apart than that; clocks that are set may put either first.
func near(a, b, seconds int64) bool { return a-b < seconds && b-a < seconds }

// drop forgets rights. Maps do not shrink: what stays moves to a new one.
func (s *snapshot) drop(goes func(rightsKey, *known) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stay := make(map[rightsKey]*known)
	for key, k := range s.rights {
		if !goes(key, k) {
			stay[key] = k
		}
	}
	if len(stay) < len(s.rights) {
		s.rights = stay
	}
}

// weight of a snapshot among those that are kept.
func weight(_ tenancy.TenantID, s *snapshot) uint32 {
	return uint32((s.table.Bytes() + s.org.Bytes() + usualTenant - 1) / usualTenant)
}
