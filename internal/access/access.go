// Package access owns the snapshot of what decides rights, per tenant and epochs: compiled policy, organisation, bindings.
// It does not own the language of rights (policy), nor where they are asked (act, read): it hands out policy.Rights.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
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
}

// trip is a disagreement at a policy version.
type trip struct {
	version int64
	what    policy.Disagreement
}

// snapshot is immutable but for the memo of principals, which is valid exactly as long as the snapshot.
type snapshot struct {
	tenant tenancy.TenantID
	epochs tenancy.Epochs
	table  *policy.Table
	shadow *policy.Shadow // of table
	org    *policy.Org

	mu         sync.RWMutex
	principals map[uuid.UUID]*policy.Principal // by account
	rights     map[rightsKey]*policy.Rights
}

type rightsKey struct {
	account uuid.UUID
	scopes  string
}

// New makes a provider that keeps the snapshots of at most maxTenants tenants.
func New(db *tenancy.DB, maxTenants int) (*Provider, error) {
	cache, err := otter.New(&otter.Options[tenancy.TenantID, *snapshot]{MaximumSize: maxTenants})
	if err != nil {
		return nil, fmt.Errorf("access: cache: %w", err)
	}
	return &Provider{db: db, snapshots: cache}, nil
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
	tenant, at := snap.tenant, snap.epochs.Policy
	snap.shadow = snap.table.Shadow(tenant.UUID(), p.every, func(d policy.Disagreement) {
		p.tripped.Store(tenant, trip{at, d})
		if p.disagreed != nil {
			p.disagreed(tenant, d)
		}
	})
	if t, ok := p.tripped.Load(tenant); ok && t.(trip).version == at {
		snap.shadow.Trip(t.(trip).what)
	}
	return snap
}

// Current is the newest rights known of the session's actor, to be used only if the transaction's epochs turn out to be
// the returned ones. ok is false when nothing is known yet or a validity boundary has passed.
func (p *Provider) Current(s *tenancy.Session, now time.Time) (rights *policy.Rights, epochs tenancy.Epochs, ok bool) {
	snap, found := p.snapshots.GetIfPresent(s.Tenant)
	if !found {
		return nil, tenancy.Epochs{}, false
	}
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
		fresh := &snapshot{tenant: tenant, epochs: epochs, table: old.table, org: old.org, principals: map[uuid.UUID]*policy.Principal{}, rights: map[rightsKey]*policy.Rights{}}
		p.snapshots.Set(tenant, p.watch(fresh, old))
		return fresh, nil
	}
	loaded, err := load(ctx, tenant, epochs, old, send)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	p.snapshots.Set(tenant, p.watch(loaded, old))
	return loaded, nil
}

func (s *snapshot) known(session *tenancy.Session, now time.Time) (*policy.Rights, bool) {
	s.mu.RLock()
	rights, ok := s.rights[keyOf(session)]
	s.mu.RUnlock()
	if !ok || !rights.ValidUntil.IsZero() && !now.Before(rights.ValidUntil) {
		return nil, false
	}
	return rights, true
}

func keyOf(session *tenancy.Session) rightsKey {
	scopes := slices.Clone(session.Actor.Scopes)
	slices.Sort(scopes)
	return rightsKey{session.Actor.Account, strings.Join(scopes, " ")}
}

func (p *Provider) bind(ctx context.Context, session *tenancy.Session, snap *snapshot, now time.Time, send sender) (*policy.Rights, error) {
	account := session.Actor.Account
	snap.mu.RLock()
	principal, ok := snap.principals[account]
	snap.mu.RUnlock()
	if !ok {
		var err error
		if principal, err = loadPrincipal(ctx, session, send); err != nil {
			return nil, fault.Down("POLICY_UNREADABLE", err)
		}
	}
	narrowed := *principal
	narrowed.Scopes = session.Actor.Scopes
	rights := snap.table.Bind(&narrowed, snap.org, now).Watched(snap.shadow)
	snap.mu.Lock()
	snap.principals[account] = principal
	snap.rights[keyOf(session)] = rights
	snap.mu.Unlock()
	return rights, nil
}
