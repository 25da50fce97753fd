package identity

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/role"
	"github.com/clientele/clientele/ent/db/rolebinding"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// RoleEndorse puts a binding into force that gives more than its giver holds.
type RoleEndorse struct {
	Binding         uuid.UUID
	ExpectedVersion int64
}

// Validate reports all field errors at once.
func (in *RoleEndorse) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// RoleEndorse: permission role.endorse where the binding's holder is employed, and at its anchor. FORBIDDEN BEYOND_CEILING
// with the rules that neither giver nor endorser holds and who could endorse; DUTY_CONFLICT GIVER_ENDORSES, HOLDER_ENDORSES,
// DUTIES_IN_ONE_HAND; INVALID_STATE NOT_WAITING, ROLE_RETIRED, BINDING_ENDED.
func (s *Service) RoleEndorse(ctx context.Context, session *tenancy.Session, in RoleEndorse, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, roleEndorse(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		b, err := w.Ent().RoleBinding.Query().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(in.Binding)).Only(ctx)
		if entdb.IsNotFound(err) {
			return act.Result{}, w.Absent(typeBinding, in.Binding)
		}
		if err != nil {
			return act.Result{}, wrap("binding", err)
		}
		x, err := readWaiting(ctx, w.Tx, b.ID)
		if err != nil {
			return act.Result{}, err
		}
		row := *x.row
		row.ID = b.ID
		subject := act.Subject{Type: typeBinding, ID: b.ID, Version: b.Version + 1}
		for _, place := range []*policy.Row{&row, x.anchor} {
			if place == nil {
				continue
			}
			if err := require(w, subject, place, policy.PolicyRules); err != nil {
				return act.Result{}, err
			}
		}
		if err := version(in.ExpectedVersion, b.Version); err != nil {
			return act.Result{}, err
		}
		r, err := w.Ent().Role.Query().Where(role.TenantID(w.Tenant()), role.ID(b.RoleID)).Only(ctx)
		if err != nil {
			return act.Result{}, wrap("role", err)
		}
		if err := endorsable(w, b, r, x); err != nil {
			return act.Result{}, err
		}
		if err := compatible(ctx, w, bound{b.ID, b.AccountID, r.Key, b.CompanyID, b.DepartmentID}, ""); err != nil {
			return act.Result{}, err
		}
		behind := append(x.given(w.Rights, w.Now()), policy.Backer{Rights: w.Rights, Directs: true})
		// SECURITY: what two people together do not hold they cannot give together either.
		if excess := w.Rights.Exceeding(&x.holder.Principal, x.binding, behind...); len(excess) > 0 {
			others, err := x.endorsers(ctx, w.Tx, w.Rights)
			if err != nil {
				return act.Result{}, err
			}
			remedy, err := askWhom(ctx, w.Tx, others)
			if err != nil {
				return act.Result{}, err
			}
			return act.Result{}, BeyondCeiling(excess, remedy)
		}
		now, endorser := w.Now(), w.Session().Actor.Staff
		if b.ValidFrom.Before(now) { // it gave nothing before
			b.ValidFrom = now
		}
		u := w.Ent().RoleBinding.Update().Where(rolebinding.TenantID(w.Tenant()), rolebinding.ID(b.ID), rolebinding.Version(b.Version)).
			SetAwaitsEndorsement(false).SetEndorsedAt(now).SetEndorsedBy(endorser).SetValidFrom(b.ValidFrom).AddVersion(1).SetUpdatedAt(now).SetUpdatedBy(endorser)
		if err := act.Once(u.Save(ctx)); err != nil {
			return act.Result{}, err
		}
		b.AwaitsEndorsement, b.EndorsedAt, b.EndorsedBy, b.Version = false, &now, &endorser, b.Version+1
		return act.Result{
			Subject: subject, Snapshot: bindingSnapshot(b, r.Key),
			Changes: []act.Change{{Field: "account", New: x.holder.Login}, {Field: "role", New: r.Key}, {Field: "endorsedAt", New: now}, {Field: "validFrom", New: b.ValidFrom}},
		}, nil
	})
}

// endorsable refuses what does not wait any more, and whoever has a part in it already.
func endorsable(w *act.Work, b *entdb.RoleBinding, r *entdb.Role, x *waiting) error {
	actor := w.Session().Actor
	switch {
	case over(w.Now(), b.RevokedAt, b.ValidUntil, b.ReviewDueAt):
		return ended()
	case !b.AwaitsEndorsement:
		return fault.State("NOT_WAITING", fault.Text{ZH: "该授予无需确认", EN: "the binding awaits no endorsement"}, fault.Text{})
	case r.State != stateActive:
		return fault.State("ROLE_RETIRED", fault.Text{ZH: "该角色已停用", EN: "the role is retired"}, fault.Text{})
	// SECURITY: two people, neither of whom gains.
	case actor.Staff == uuid.Nil || actor.Staff == x.giver:
		return fault.Duty("GIVER_ENDORSES", fault.Text{ZH: "授予人不能确认自己的授予", EN: "nobody endorses what he gives himself"}, "F16",
			fault.Text{ZH: "请由另一名有授权确认权的人员确认", EN: "ask somebody else who may endorse"})
	case actor.Account == b.AccountID || actor.Staff == x.holder.Staff:
		return fault.Duty("HOLDER_ENDORSES", fault.Text{ZH: "不能确认授予自己的角色", EN: "nobody endorses what he is given"}, "F16",
			fault.Text{ZH: "请由另一名有授权确认权的人员确认", EN: "ask somebody else who may endorse"})
	}
	return nil
}
