package review

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// item is a binding or grant on its way into a review. reviewer is nil when there is nobody: then whoever may open reviews
// decides.
type item struct {
	binding, grant, account, holder, reviewer *uuid.UUID
}

// What is live, was there at the opening, and is not in the review; in slices, in the order of ids.
const (
	liveBindings = `SELECT b.id, b.account_id, a.staff_id, COALESCE(b.company_id, s.company_id), COALESCE(b.department_id, s.department_id)
		FROM role_bindings b JOIN accounts a ON a.tenant_id = b.tenant_id AND a.id = b.account_id LEFT JOIN staff s ON s.tenant_id = a.tenant_id AND s.id = a.staff_id
		WHERE b.tenant_id = $1` + bindingUnlisted + ` AND b.id > $5 ORDER BY b.id LIMIT $6`
	liveGrants = `SELECT g.id, a.id, g.grantee_staff_id, g.granted_by, d.head_id
		FROM access_grants g JOIN clients c ON c.tenant_id = g.tenant_id AND c.id = g.client_id JOIN departments d ON d.tenant_id = c.tenant_id AND d.id = c.department_id
		LEFT JOIN accounts a ON a.tenant_id = g.tenant_id AND a.staff_id = g.grantee_staff_id
		WHERE g.tenant_id = $1` + grantUnlisted + ` AND g.id > $5 ORDER BY g.id LIMIT $6`
	bindingUnlisted = ` AND b.revoked_at IS NULL AND (b.valid_until IS NULL OR b.valid_until > $2) AND b.created_at <= $3
		AND NOT EXISTS (SELECT FROM access_review_items i WHERE i.tenant_id = b.tenant_id AND i.review_id = $4 AND i.binding_id = b.id)`
	grantUnlisted = ` AND g.revoked_at IS NULL AND g.valid_until > $2 AND g.created_at <= $3
		AND NOT EXISTS (SELECT FROM access_review_items i WHERE i.tenant_id = g.tenant_id AND i.review_id = $4 AND i.grant_id = g.id)`
	anyUnlisted = `SELECT EXISTS (SELECT FROM role_bindings b WHERE b.tenant_id = $1` + bindingUnlisted + `) OR EXISTS (SELECT FROM access_grants g WHERE g.tenant_id = $1` + grantUnlisted + `)`
	superiors   = `SELECT DISTINCT ON (staff_id) staff_id, superior_id FROM employments
		WHERE tenant_id = $1 AND superior_id IS NOT NULL AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2) ORDER BY staff_id, is_primary DESC, valid_from, id`
)

// bindings are the next of those that the review does not list yet, after an id.
func (c *chooser) bindings(ctx context.Context, w *act.Work, v *entdb.AccessReview, after uuid.UUID) ([]item, error) {
	rows, err := w.Query(ctx, liveBindings, w.Tenant(), w.Now(), v.CreatedAt, v.ID, after, slice)
	if err != nil {
		return nil, wrap("bindings", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (item, error) {
		var binding, account uuid.UUID
		var holder, company, department *uuid.UUID
		if err := row.Scan(&binding, &account, &holder, &company, &department); err != nil {
			return item{}, err
		}
		at := &policy.Row{ID: binding, Staff: value(holder), Company: value(company), Department: value(department)}
		return item{binding: &binding, account: &account, holder: holder, reviewer: c.ofBinding(at)}, nil
	})
	return found, wrap("bindings", err)
}

// grants are the same of grants.
func (c *chooser) grants(ctx context.Context, w *act.Work, v *entdb.AccessReview, after uuid.UUID) ([]item, error) {
	rows, err := w.Query(ctx, liveGrants, w.Tenant(), w.Now(), v.CreatedAt, v.ID, after, slice)
	if err != nil {
		return nil, wrap("grants", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (item, error) {
		var grant, holder uuid.UUID
		var account, giver, head *uuid.UUID
		if err := row.Scan(&grant, &account, &holder, &giver, &head); err != nil {
			return item{}, err
		}
		return item{grant: &grant, account: account, holder: &holder, reviewer: c.first(holder, giver, head)}, nil
	})
	return found, wrap("grants", err)
}

// chooser knows who can review: people with an account in use.
type chooser struct {
	superior map[uuid.UUID]uuid.UUID
	signsIn  map[uuid.UUID]bool
	unbinds  []unbinder // by staff id
}

type unbinder struct {
	staff  uuid.UUID
	rights *policy.Rights
}

// reviewers reads who there is. rights are anybody's: what matters are the policy and the organisation that they are of.
func reviewers(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) (*chooser, error) {
	c := &chooser{superior: map[uuid.UUID]uuid.UUID{}, signsIn: map[uuid.UUID]bool{}}
	rows, err := tx.Query(ctx, superiors, tx.Session().Tenant.UUID(), tx.Now())
	if err != nil {
		return nil, wrap("superiors", err)
	}
	var staff, superior uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&staff, &superior}, func() error { c.superior[staff] = superior; return nil }); err != nil {
		return nil, wrap("superiors", err)
	}
	holders, err := access.Holders(ctx, tx, nil)
	if err != nil {
		return nil, err
	}
	brings := map[string]bool{}
	for i := range holders {
		h := &holders[i]
		if h.Staff == uuid.Nil || h.Suspended {
			continue
		}
		c.signsIn[h.Staff] = true
		if !slices.ContainsFunc(h.Bindings, func(b policy.Binding) bool {
			may, known := brings[b.Role]
			if !known {
				may = rights.Brings(policy.RoleUnbind, []string{b.Role})
				brings[b.Role] = may
			}
			return may
		}) {
			continue
		}
		his := rights.Other(&h.Principal, tx.Now())
		if reach := his.Reach(policy.OnPolicy, policy.RoleUnbind); reach.All || len(reach.Allow) > 0 {
			c.unbinds = append(c.unbinds, unbinder{h.Staff, his})
		}
	}
	slices.SortFunc(c.unbinds, func(a, b unbinder) int { return strings.Compare(a.staff.String(), b.staff.String()) })
	return c, nil
}

// ofBinding is the holder's direct superior, else the nearest above him who may take the role away, else anybody who may.
//
// SECURITY: never the holder himself.
func (c *chooser) ofBinding(row *policy.Row) *uuid.UUID {
	if direct, ok := c.superior[row.Staff]; ok && direct != row.Staff && c.signsIn[direct] {
		return &direct
	}
	may := func(u unbinder) bool {
		return u.staff != row.Staff && u.rights.Decide(policy.OnPolicy, policy.RoleUnbind, row).Allow
	}
	met := map[uuid.UUID]bool{}
	for at, ok := c.superior[row.Staff]; ok && !met[at]; at, ok = c.superior[at] {
		met[at] = true // superiors may stand in a ring
		if i := slices.IndexFunc(c.unbinds, func(u unbinder) bool { return u.staff == at }); i >= 0 && may(c.unbinds[i]) {
			return &c.unbinds[i].staff
		}
	}
	if i := slices.IndexFunc(c.unbinds, may); i >= 0 {
		return &c.unbinds[i].staff
	}
	return nil
}

// first is the first of them who can sign in and is not the holder.
func (c *chooser) first(holder uuid.UUID, of ...*uuid.UUID) *uuid.UUID {
	for _, u := range of {
		if u != nil && *u != holder && c.signsIn[*u] {
			return u
		}
	}
	return nil
}

func value(u *uuid.UUID) uuid.UUID {
	if u == nil {
		return uuid.Nil
	}
	return *u
}

func upper(s string) string { return strings.ToUpper(s) }

func instant(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}
