package policyadmin

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PolicyPublish: permission policy.publish. The draft is in force for every transaction that begins after it returns.
// FORBIDDEN BEYOND_CEILING with the rules that are new and that neither author nor publisher holds on every row, whoever
// comes to hold the role; DUTY_CONFLICT AUTHOR_PUBLISHES for one's own draft, DUTIES_IN_ONE_HAND when somebody would newly hold duties that must
// not be in one hand; CONFLICT BASE_NOT_IN_FORCE when another version came into force meanwhile; INVALID_STATE NOT_A_DRAFT,
// POLICY_LOCKS_OUT when nobody could draft, publish or bind roles any more.
func (s *Service) PolicyPublish(ctx context.Context, session *tenancy.Session, in PolicyPublish, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyPublish(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		v, err := versionToChange(ctx, w, in.PolicyVersion, in.ExpectedVersion)
		if err != nil {
			return act.Result{}, err
		}
		if v.State != stateDraft {
			return act.Result{}, notADraft()
		}
		publisher := w.Session().Actor.Account
		// SECURITY: four eyes. A draft whose author is not known is nobody's to publish.
		if v.AuthorID == nil || *v.AuthorID == publisher {
			return act.Result{}, fault.Duty("AUTHOR_PUBLISHES", fault.Text{ZH: "不能发布自己起草的策略", EN: "nobody publishes a policy that he drafted"}, "F16",
				fault.Text{ZH: "请由另一名有发布权的人员发布", EN: "ask somebody else who may publish"})
		}
		current, err := versionInForce(ctx, w.Tx)
		if err != nil {
			return act.Result{}, err
		}
		if v.BaseNumber == nil || *v.BaseNumber != current.Number {
			return act.Result{}, baseNotInForce("input.policyVersionId")
		}
		r := &review{now: w.Now(), tenant: w.Tenant(), author: *v.AuthorID}
		if err := r.versions(ctx, w.Tx, current, v); err != nil {
			return act.Result{}, err
		}
		// SECURITY: what comes into force is what was drafted.
		if !bytes.Equal(identity.ClassesHash(identity.VersionHash(r.newRules, r.newConflicts), r.after.Classes()), v.ContentHash) {
			return act.Result{}, wrap("publish", errContent)
		}
		if err := r.load(ctx, w.Tx); err != nil {
			return act.Result{}, err
		}
		ceiling := func() error { return r.ceiling(w.Rights) }
		for _, check := range []func() error{r.duties, ceiling, r.lockOut, r.verify} {
			if err := check(); err != nil {
				return act.Result{}, err
			}
		}
		if err := setState(ctx, w, current, stateSuperseded, nil); err != nil {
			return act.Result{}, err
		}
		if err := setState(ctx, w, v, stateInForce, &publisher); err != nil {
			return act.Result{}, err
		}
		return act.Result{
			Subject: act.Subject{Type: typeVersion, ID: v.ID, Version: v.Version}, Snapshot: versionSnapshot(v),
			Changes: []act.Change{{Field: "state", Old: stateDraft, New: stateInForce}, {Field: "inForce", Old: current.Number, New: v.Number}},
		}, nil
	})
}

// duties refuses a version under which somebody newly holds duties that must not be in one hand.
func (r *review) duties() error {
	var refused fault.List
	for _, h := range r.holders {
		// SECURITY: what awaits endorsement counts, as it does when somebody is given another role: otherwise the endorsement
		// alone would have to find the conflict.
		roles := append(r.rolesHeld(h), r.awaited[h.Account]...)
		before := r.before.DutyBreaches(r.oldConflicts, roles)
		for _, b := range r.after.DutyBreaches(r.newConflicts, roles) {
			if slices.ContainsFunc(before, func(old policy.DutyBreach) bool {
				return old.Conflict.A == b.Conflict.A && old.Conflict.B == b.Conflict.B
			}) {
				continue
			}
			path := h.Login + ": " + b.RoleA + " → " + string(b.Conflict.A) + "; " + b.RoleB + " → " + string(b.Conflict.B)
			refused = append(refused, fault.Duty("DUTIES_IN_ONE_HAND",
				fault.Text{ZH: "职责互斥（" + b.Conflict.Label.ZH + "）：" + path, EN: "duties that must not be in one hand (" + b.Conflict.Label.EN + "): " + path},
				b.Conflict.Source, fault.Text{ZH: "请先收回其中一个角色，或修改草案", EN: "unbind one of the roles first, or change the draft"}))
			if len(refused) == 20 {
				return refused
			}
		}
	}
	return refused.Err()
}

// rolesHeld are those bound now or later.
func (r *review) rolesHeld(h access.Holder) (roles []string) {
	for _, b := range h.Bindings {
		if b.Until.IsZero() || b.Until.After(r.now) {
			roles = append(roles, b.Role)
		}
	}
	return roles
}

// lockOut refuses a version after which nobody could change policy or give roles any more: only the operator could help.
func (r *review) lockOut() error {
	for _, a := range []policy.Action{policy.PolicyWrite, policy.PolicyPublish, policy.RoleBind} {
		if r.somebodyMay(r.before, a) && !r.somebodyMay(r.after, a) {
			label, _ := policy.ActionLabel(a)
			return fault.State("POLICY_LOCKS_OUT",
				fault.Text{ZH: "生效后将无人可以「" + label.ZH + "」", EN: "nobody could do this any more: " + label.EN},
				fault.Text{ZH: "请保留至少一名可办理的人员", EN: "leave it to at least one person"})
		}
	}
	return nil
}

func (r *review) somebodyMay(t *policy.Table, a policy.Action) bool {
	return slices.ContainsFunc(r.holders, func(h access.Holder) bool {
		rights := t.Bind(&h.Principal, r.org, r.now)
		return rights.Decide(policy.OnPolicy, a, &policy.Row{}).Allow && rights.Decide(policy.PolicyRules, policy.Write, &policy.Row{}).Allow
	})
}

// versions reads and compiles the version in force and the one on its way.
func (r *review) versions(ctx context.Context, tx *tenancy.Tx, current, v *entdb.PolicyVersion) (err error) {
	if r.before, r.oldRules, err = compiled(ctx, tx, current); err != nil {
		return err
	}
	if r.oldConflicts, err = access.Conflicts(ctx, tx, &current.ID); err != nil {
		return err
	}
	if r.newConflicts, err = access.Conflicts(ctx, tx, &v.ID); err != nil {
		return err
	}
	r.after, r.newRules, err = compiled(ctx, tx, v)
	return err
}

// load reads what both versions are judged on.
func (r *review) load(ctx context.Context, tx *tenancy.Tx) (err error) {
	if r.org, err = access.Organisation(ctx, tx); err != nil {
		return err
	}
	if r.holders, err = access.Holders(ctx, tx, nil); err != nil {
		return err
	}
	if r.awaited, err = awaited(ctx, tx); err != nil {
		return err
	}
	r.ids, err = sampleIDs(ctx, tx)
	return err
}

const selectAwaited = `SELECT b.account_id, r.key FROM role_bindings b JOIN roles r ON r.tenant_id = b.tenant_id AND r.id = b.role_id AND r.state = 'active'
	WHERE b.tenant_id = $1 AND b.awaits_endorsement AND b.revoked_at IS NULL AND COALESCE(LEAST(b.valid_until, b.review_due_at) > $2, true) ORDER BY b.id`

// awaited are the roles that accounts have as soon as somebody endorses them.
func awaited(ctx context.Context, tx *tenancy.Tx) (map[uuid.UUID][]string, error) {
	rows, err := tx.Query(ctx, selectAwaited, tx.Session().Tenant.UUID(), tx.Now())
	if err != nil {
		return nil, wrap("awaited", err)
	}
	out := map[uuid.UUID][]string{}
	var account uuid.UUID
	var key string
	_, err = pgx.ForEachRow(rows, []any{&account, &key}, func() error {
		out[account] = append(out[account], key)
		return nil
	})
	return out, wrap("awaited", err)
}

// sampleIDs are places and people that rows for the verification stand in.
func sampleIDs(ctx context.Context, tx *tenancy.Tx) (ids struct{ companies, departments, staff []uuid.UUID }, err error) {
	err = tx.QueryRow(ctx, `SELECT ARRAY(SELECT id FROM companies WHERE tenant_id = $1 ORDER BY id LIMIT 8),
		ARRAY(SELECT id FROM departments WHERE tenant_id = $1 ORDER BY id LIMIT 16), ARRAY(SELECT id FROM staff WHERE tenant_id = $1 ORDER BY id LIMIT 16)`,
		tx.Session().Tenant.UUID()).Scan(&ids.companies, &ids.departments, &ids.staff)
	return ids, wrap("sample", err)
}
