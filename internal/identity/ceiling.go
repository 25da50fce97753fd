package identity

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// How a binding comes to stand; the audit record of roleBind says it.
const (
	covers = "WITHIN"       // its giver holds all that it gives
	waits  = "WAITS"        // it gives more than its giver holds, and nothing until it is endorsed
	first  = "FIRST_HOLDER" // the tenant's first holder of role.endorse: nobody could endorse before him
)

// judge tells whether a binding that is about to be made is in force at once.
//
// SECURITY: what cannot be shown to lie within the giver's own reach waits.
func judge(ctx context.Context, w *act.Work, h *holder, given policy.Binding, anchor *policy.Row) (string, error) {
	if w.Rights == nil {
		return "", fault.Down("POLICY_UNREADABLE", nil) // no act of the operator binds roles by this way
	}
	to, err := access.HolderOf(ctx, w.Tx, h.ID)
	if err != nil || to == nil {
		return "", wrap("holder", err)
	}
	excess := w.Rights.Exceeding(&to.Principal, given, policy.Backer{Rights: w.Rights, Directs: endorses(w.Rights, h.row(), anchor)})
	if len(excess) == 0 {
		return covers, nil
	}
	if !w.Rights.Brings(policy.RoleEndorse, []string{given.Role}) {
		return waits, nil
	}
	begun, err := constituted(ctx, w)
	if err != nil || begun {
		return waits, err
	}
	return first, nil
}

// A binding that awaits endorsement, or was revoked before it began, was never in force.
const everInForce = `SELECT DISTINCT r.key FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
	WHERE b.tenant_id = $1 AND NOT b.awaits_endorsement AND (b.revoked_at IS NULL OR b.revoked_at > b.valid_from)`

// constituted tells whether anybody ever held a role that brings role.endorse.
func constituted(ctx context.Context, w *act.Work) (bool, error) {
	rows, err := w.Query(ctx, everInForce, w.Tenant())
	if err != nil {
		return false, wrap("bindings", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return false, wrap("bindings", err)
		}
		if w.Rights.Brings(policy.RoleEndorse, []string{key}) {
			return true, nil
		}
	}
	return false, wrap("bindings", rows.Err())
}

// endorses tells whether somebody may endorse where a binding stands: at its holder's place, and at its anchor.
func endorses(rights *policy.Rights, row, anchor *policy.Row) bool {
	return rights.Decide(policy.OnPolicy, policy.RoleEndorse, row).Allow && (anchor == nil || rights.Decide(policy.OnPolicy, policy.RoleEndorse, anchor).Allow)
}

// waiting is a binding that awaits endorsement, with everybody who is asked about it.
type waiting struct {
	binding     policy.Binding
	holder      *access.Holder
	row, anchor *policy.Row
	giver       uuid.UUID // staff; zero when it was given by nobody of the staff
	all         []access.Holder
}

const selectWaiting = `SELECT b.account_id, r.key, b.company_id, b.department_id, b.valid_from, LEAST(b.valid_until, b.review_due_at), b.granted_by, s.company_id, s.department_id
	FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
	JOIN accounts a ON a.tenant_id = b.tenant_id AND a.id = b.account_id LEFT JOIN staff s ON s.tenant_id = a.tenant_id AND s.id = a.staff_id
	WHERE b.tenant_id = $1 AND b.id = $2`

// readWaiting reads what a decision about the endorsement of a binding needs. The binding exists.
func readWaiting(ctx context.Context, tx *tenancy.Tx, binding uuid.UUID) (*waiting, error) {
	x := &waiting{binding: policy.Binding{ID: binding}}
	var account uuid.UUID
	var company, department, giver, at, in *uuid.UUID
	var until *time.Time
	err := tx.QueryRow(ctx, selectWaiting, tx.Session().Tenant.UUID(), binding).Scan(&account, &x.binding.Role, &company, &department, &x.binding.From, &until, &giver, &at, &in)
	if err != nil {
		return nil, wrap("binding", err)
	}
	x.binding.Company, x.binding.Department, x.binding.Until, x.giver = value(company), value(department), instantOr(until), value(giver)
	if x.all, err = access.Holders(ctx, tx, nil); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(x.all, func(h access.Holder) bool { return h.Account == account })
	x.holder = &x.all[i] // by a foreign key
	x.row = &policy.Row{ID: account, Staff: x.holder.Staff, Company: value(at), Department: value(in)}
	if company != nil || department != nil {
		x.anchor = &policy.Row{Company: value(company), Department: value(department)}
	}
	return x, nil
}

// backer is somebody's own reach behind the binding, by his roles of now.
func (x *waiting) backer(rights *policy.Rights, p *policy.Principal, now time.Time) policy.Backer {
	own := rights.Other(p, now)
	return policy.Backer{Rights: own, Directs: endorses(own, x.row, x.anchor)}
}

// given is the reach of the giver; none when he is not of the staff.
func (x *waiting) given(rights *policy.Rights, now time.Time) (out []policy.Backer) {
	for i := range x.all {
		if x.giver != uuid.Nil && x.all[i].Staff == x.giver {
			out = append(out, x.backer(rights, &x.all[i].Principal, now))
		}
	}
	return out
}

// endorsers are those who could endorse it now, the nearest to its holder first: of his department, of his company, others.
func (x *waiting) endorsers(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) ([]uuid.UUID, error) {
	now := tx.Now()
	giver := x.given(rights, now)
	org, err := access.Organisation(ctx, tx)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		staff uuid.UUID
		far   int
	}
	var found []candidate
	for i := range x.all {
		p := &x.all[i].Principal
		if p.Staff == uuid.Nil || p.Staff == x.giver || p.Staff == x.holder.Staff || p.Suspended {
			continue
		}
		if !slices.ContainsFunc(p.Bindings, func(b policy.Binding) bool { return rights.Brings(policy.RoleEndorse, []string{b.Role}) }) {
			continue
		}
		k := x.backer(rights, p, now)
		if !k.Directs || len(rights.Exceeding(&x.holder.Principal, x.binding, append(giver, k)...)) > 0 {
			continue
		}
		c := candidate{p.Staff, 2}
		for _, e := range org.Employments(p.Staff, now) {
			if e.Department == x.row.Department {
				c.far = 0
			} else if e.Company == x.row.Company {
				c.far = min(c.far, 1)
			}
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return bytes.Compare(a.staff[:], b.staff[:])
	})
	out := make([]uuid.UUID, len(found))
	for i, c := range found {
		out[i] = c.staff
	}
	return out, nil
}

// Endorsers names whom to ask about a binding that awaits endorsement, the nearest first; none when it does not wait, or
// when nobody's reach together with its giver's contains what it gives.
func Endorsers(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, binding uuid.UUID) ([]uuid.UUID, error) {
	x, err := readWaiting(ctx, tx, binding)
	if err != nil {
		return nil, err
	}
	return x.endorsers(ctx, tx, rights)
}

// BeyondCeiling names what is given and held by nobody who stands behind it, rule by rule, and who could give it.
func BeyondCeiling(excess []policy.Excess, remedy fault.Text) error {
	var refused fault.List
	for _, e := range excess {
		if len(refused) == 10 {
			break
		}
		said := policy.RuleSentence(&e.Rule)
		refused = append(refused, fault.Forbidden("BEYOND_CEILING",
			fault.Text{ZH: "超出授予人权限：" + said.ZH, EN: "beyond what those who give it hold: " + said.EN}, e.Rule.Clause, remedy))
	}
	return refused.Err()
}

// askWhom names the nearest who could.
func askWhom(ctx context.Context, tx *tenancy.Tx, staff []uuid.UUID) (fault.Text, error) {
	if len(staff) == 0 {
		return fault.Text{ZH: "目前无人可确认该授予：请缩小角色范围，或先由持有者获得授权确认权", EN: "nobody could endorse it now: give less, or let somebody who holds it have role.endorse first"}, nil
	}
	rows, err := tx.Query(ctx, `SELECT name FROM staff WHERE tenant_id = $1 AND id = ANY($2) ORDER BY array_position($2, id)`, tx.Session().Tenant.UUID(), staff[:min(3, len(staff))])
	if err != nil {
		return fault.Text{}, wrap("names", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fault.Text{}, wrap("names", err)
		}
		names = append(names, name)
	}
	return fault.Text{ZH: "请由其确认：" + strings.Join(names, "、"), EN: "ask for the endorsement of " + strings.Join(names, ", ")}, wrap("names", rows.Err())
}

func instantOr(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
