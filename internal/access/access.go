// Package access owns the snapshot of what decides rights, per tenant and epochs: compiled policy, organisation, bindings.
// It does not own the language of rights (policy), nor where they are asked (act, read): it hands out policy.Rights.
package access

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Provider caches snapshots. A snapshot answers only for a transaction with exactly its epochs: an older one is loaded
// anew inside the request, and when that fails the request fails (UNAVAILABLE), never with the old answer.
type Provider struct {
	db        *tenancy.DB
	snapshots *otter.Cache[tenancy.TenantID, *snapshot]
	every     uint32
	disagreed func(tenancy.TenantID, policy.Disagreement)
	tripped   sync.Map // tenancy.TenantID -> trip: a snapshot may be dropped and loaded again
	tripping  sync.Mutex

	most          int          // bytes of rights
	added, tidied atomic.Int64 // bytes of rights since tidy ran, and when that was
}

// trip are the disagreements at a policy version: not at an epoch, which drafts and roles move as well.
type trip struct {
	version int64
	what    []policy.Disagreement // one of each question
}

// snapshot is immutable but for the memo of rights, which is valid exactly as long as the snapshot.
type snapshot struct {
	tenant tenancy.TenantID
	epochs tenancy.Epochs
	table  *policy.Table
	shadow *policy.Shadow // of table
	org    *policy.Org

	mu     sync.RWMutex
	rights map[rightsKey]*known
}

// New makes a provider that keeps the snapshots of at most maxTenants tenants; a tenant whose policy and organisation take more than
// is usual counts as several.
func New(db *tenancy.DB, maxTenants int) (*Provider, error) {
	cache, err := otter.New(&otter.Options[tenancy.TenantID, *snapshot]{MaximumWeight: uint64(max(maxTenants, 1)), Weigher: weight})
	if err != nil {
		return nil, fmt.Errorf("access: cache: %w", err)
	}
	return &Provider{db: db, snapshots: cache, most: mostRights}, nil
}

// Shadowed has casbin judge one of every decisions, too (0: none), and disagreed hear where the two differ: the decision was
// refused then, and casbin decides alone for that tenant until another version of its policy is in force or the process ends.
// Called before the first question.
func (p *Provider) Shadowed(every uint32, disagreed func(tenancy.TenantID, policy.Disagreement)) *Provider {
	p.every, p.disagreed = every, disagreed
	return p
}

// watch puts a shadow behind a snapshot's table, or takes over that of the snapshot that the table is from.
func (p *Provider) watch(snap, old *snapshot) *snapshot {
	if old != nil && old.table == snap.table {
		snap.shadow = old.shadow
		return snap
	}
	tenant, at := snap.tenant, snap.table.Version()
	snap.shadow = snap.table.Shadow(tenant.UUID(), p.every, func(d policy.Disagreement) {
		p.trip(tenant, at, d)
		if p.disagreed != nil {
			p.disagreed(tenant, d)
		}
	})
	for _, d := range p.trips(tenant, at) {
		snap.shadow.Trip(d)
	}
	return snap
}

// trip notes a disagreement for the snapshots to come, and drops the one there is: what was made of its rights, as the statements
// of lists, goes with them.
func (p *Provider) trip(tenant tenancy.TenantID, version int64, d policy.Disagreement) {
	p.tripping.Lock()
	defer p.tripping.Unlock()
	known := p.trips(tenant, version)
	if !slices.ContainsFunc(known, func(o policy.Disagreement) bool { return o.Object == d.Object && o.Action == d.Action }) {
		p.tripped.Store(tenant, trip{version, append(slices.Clone(known), d)})
		p.snapshots.Invalidate(tenant)
	}
}

// install keeps a snapshot. A disagreement that was found while it was loaded is heard of now, at the latest.
func (p *Provider) install(snap, old *snapshot) *snapshot {
	heard := len(p.trips(snap.tenant, snap.table.Version()))
	p.watch(snap, old)
	p.snapshots.Set(snap.tenant, snap)
	if trips := p.trips(snap.tenant, snap.table.Version()); len(trips) > heard {
		for _, d := range trips {
			snap.shadow.Trip(d)
		}
		p.snapshots.Invalidate(snap.tenant)
	}
	return snap
}

// trips are the disagreements of a tenant at a policy version.
func (p *Provider) trips(tenant tenancy.TenantID, version int64) []policy.Disagreement {
	if t, ok := p.tripped.Load(tenant); ok && t.(trip).version == version {
		return t.(trip).what
	}
	return nil
}

// Current is the newest rights known of the session's actor, to be used only if the transaction's epochs turn out to be
// the returned ones. ok is false when nothing is known yet or a validity boundary has passed.
func (p *Provider) Current(s *tenancy.Session, now time.Time) (rights *policy.Rights, epochs tenancy.Epochs, ok bool) {
	snap, found := p.snapshots.GetIfPresent(s.Tenant)
	if !found {
		return nil, tenancy.Epochs{}, false
	}
	p.tidy(now)
	rights, ok = snap.known(s, now)
	return rights, snap.epochs, ok
}

// Load reads rights anew in r, which goes on afterwards: rights and rows are then of one snapshot. For the read gate, when
// Current did not match.
func (p *Provider) Load(ctx context.Context, s *tenancy.Session, r *tenancy.Read) (*policy.Rights, tenancy.Epochs, error) {
	if err := r.Send(ctx, &pgx.Batch{}, func(pgx.BatchResults) error { return nil }); err != nil {
		return nil, tenancy.Epochs{}, err
	}
	snap, err := p.snapshot(ctx, s.Tenant, r.Epochs(), r.Send)
	if err != nil {
		return nil, tenancy.Epochs{}, err
	}
	rights, err := p.bind(ctx, s, snap, r.Now(), r.Send)
	return rights, snap.epochs, err
}

// For is the rights of the transaction's actor at the transaction's epochs.
func (p *Provider) For(ctx context.Context, tx *tenancy.Tx) (*policy.Rights, error) {
	s := tx.Session()
	send := func(ctx context.Context, b *pgx.Batch, consume func(pgx.BatchResults) error) error {
		br := tx.SendBatch(ctx, b)
		err := consume(br)
		if e := br.Close(); err == nil {
			err = e
		}
		return err
	}
	epochs := tx.Epochs()
	for attempt := range 5 {
		if attempt == 2 {
			// Rights change faster than they can be read: let this transaction go first. Whoever changes rights waits for it.
			if _, err := tx.Exec(ctx, `SELECT 1 FROM tenant_epochs WHERE tenant_id = $1 FOR SHARE`, s.Tenant.UUID()); err != nil {
				return nil, fault.Down("POLICY_UNREADABLE", err)
			}
			var err error
			if epochs, err = currentEpochs(ctx, tx); err != nil {
				return nil, err
			}
		}
		if snap, ok := p.snapshots.GetIfPresent(s.Tenant); ok && snap.epochs == epochs {
			if rights, ok := snap.known(s, tx.Now()); ok {
				p.tidy(tx.Now())
				return rights, nil
			}
		}
		snap, err := p.snapshot(ctx, s.Tenant, epochs, send)
		if err != nil {
			return nil, err
		}
		rights, err := p.bind(ctx, s, snap, tx.Now(), send)
		if err != nil {
			return nil, err
		}
		// READ COMMITTED: the statements above saw one state only if the epochs are still the same after them.
		after, err := currentEpochs(ctx, tx)
		if err != nil {
			return nil, err
		}
		if after == snap.epochs {
			return rights, nil
		}
		p.snapshots.Invalidate(s.Tenant)
		epochs = after
	}
	return nil, fault.Down("POLICY_CHANGING", nil)
}

func currentEpochs(ctx context.Context, tx *tenancy.Tx) (tenancy.Epochs, error) {
	var e tenancy.Epochs
	err := tx.QueryRow(ctx, `SELECT policy_version, org_version, revocation_version FROM tenant_epochs WHERE tenant_id = $1`,
		tx.Session().Tenant.UUID()).Scan(&e.Policy, &e.Org, &e.Revocation)
	if err != nil {
		return e, fault.Down("POLICY_UNREADABLE", err)
	}
	return e, nil
}

type sender func(ctx context.Context, b *pgx.Batch, consume func(pgx.BatchResults) error) error

// snapshot returns the cached snapshot at these epochs or loads it over send.
func (p *Provider) snapshot(ctx context.Context, tenant tenancy.TenantID, epochs tenancy.Epochs, send sender) (*snapshot, error) {
	old, _ := p.snapshots.GetIfPresent(tenant)
	if old != nil && old.epochs == epochs {
		return old, nil
	}
	if old != nil && old.epochs.Policy == epochs.Policy && old.epochs.Org == epochs.Org {
		// Only credentials changed: transactions verify those themselves.
		fresh := &snapshot{tenant: tenant, epochs: epochs, table: old.table, org: old.org, rights: map[rightsKey]*known{}}
		return p.install(fresh, old), nil
	}
	loaded, err := load(ctx, tenant, epochs, old, send)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return p.install(loaded, old), nil
}

// bind reads the bindings of the session's account and resolves its rights.
//
// SECURITY: the person is of the session's tenant, and Bind refuses a person of another tenant than the organisation's: however the
// snapshot came to be, nobody gets rights in a tenant that is not his.
func (p *Provider) bind(ctx context.Context, session *tenancy.Session, snap *snapshot, now time.Time, send sender) (*policy.Rights, error) {
	principal, err := loadPrincipal(ctx, session, send)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	principal.Scopes = session.Actor.Scopes
	rights := snap.table.Bind(principal, snap.org, now).Watched(snap.shadow)
	p.keep(snap, session, rights, now)
	return rights, nil
}
