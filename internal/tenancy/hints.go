package tenancy

import "sync"

// Hints are the tenants that a worker is told of: a set, so that telling never blocks and a tenant told of twice is visited
// once. A worker also looks for work that nobody told of.
type Hints struct {
	mu    sync.Mutex
	told  map[TenantID]struct{}
	ready chan struct{}
}

// NewHints makes an empty set.
func NewHints() *Hints { return &Hints{told: map[TenantID]struct{}{}, ready: make(chan struct{}, 1)} }

// Tell adds a tenant.
func (h *Hints) Tell(tenant TenantID) {
	h.mu.Lock()
	h.told[tenant] = struct{}{}
	h.mu.Unlock()
	select {
	case h.ready <- struct{}{}:
	default:
	}
}

// Ready receives when there may be something to take.
func (h *Hints) Ready() <-chan struct{} { return h.ready }

// Take empties the set.
func (h *Hints) Take() []TenantID {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]TenantID, 0, len(h.told))
	for t := range h.told {
		list = append(list, t)
	}
	clear(h.told)
	return list
}
