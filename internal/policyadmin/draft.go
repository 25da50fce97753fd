package policyadmin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/policyversion"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// PolicyDraft: permission policy.write. The draft has a complete set of rules, those of the base without the removed ones
// and then the added ones, numbered anew. CONFLICT BASE_NOT_IN_FORCE when the base is not the version in force;
// INVALID_INPUT at input.add.N.<field> with the code of policy.Problem, ROLE_UNKNOWN or ROLE_RETIRED; RULE_NOT_IN_BASE at
// input.remove.N; LIMIT_EXCEEDED as saveDraft.
func (s *Service) PolicyDraft(ctx context.Context, session *tenancy.Session, in PolicyDraft, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, policyDraft(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if err := require(w, act.Subject{Type: typeVersion}, &policy.Row{}); err != nil {
			return act.Result{}, err
		}
		d, err := drafted(ctx, w.Tx, in)
		if err != nil {
			return act.Result{}, err
		}
		changes := []act.Change{{Field: "added", New: sentences(d.rules[len(d.rules)-len(in.Add):])}, {Field: "removed", New: in.Remove}, {Field: "reason", New: in.Reason}}
		if len(in.Classes) > 0 {
			changes = append(changes, act.Change{Field: "classes", New: d.classes})
		}
		if len(in.AddConflicts)+len(in.RemoveConflicts) > 0 {
			changes = append(changes, act.Change{Field: "conflictsAdded", New: in.AddConflicts}, act.Change{Field: "conflictsRemoved", New: in.RemoveConflicts})
		}
		return saveDraft(ctx, w, d.base.Number, in.Reason, d.rules, d.conflicts, d.classes, changes)
	})
}

// draftContent is what a draft holds, saved or not.
type draftContent struct {
	base      *entdb.PolicyVersion
	rules     []policy.Rule // the added ones last
	conflicts []policy.DutyConflict
	classes   policy.Classes
}

// drafted makes the content of a draft out of its base, or says what is wrong with it.
func drafted(ctx context.Context, tx *tenancy.Tx, in PolicyDraft) (d draftContent, err error) {
	d.base, err = versionNumbered(ctx, tx, in.BaseNumber)
	switch {
	case err != nil:
		return d, err
	case d.base == nil:
		return d, absentReference("input.baseNumber")
	case d.base.State != stateInForce:
		return d, baseNotInForce("input.baseNumber")
	}
	if d.classes, err = reclassified(ctx, tx, d.base, in); err != nil {
		return d, err
	}
	if d.rules, err = edited(ctx, tx, d.base, in, d.classes); err != nil {
		return d, err
	}
	d.conflicts, err = editedConflicts(ctx, tx, d.base, in)
	return d, err
}

func baseNotInForce(field string) *fault.Error {
	return fault.Conflicts(field, "BASE_NOT_IN_FORCE", fault.Text{ZH: "所依据的策略版本已不在生效中", EN: "the version it is based on is no longer in force"},
		fault.Text{ZH: "请依据现行版本重新起草", EN: "draft anew from the version in force"})
}

// edited gives the rules of the draft, or what is wrong with each added or removed line.
func edited(ctx context.Context, tx *tenancy.Tx, base *entdb.PolicyVersion, in PolicyDraft, classes policy.Classes) ([]policy.Rule, error) {
	rules, err := access.Rules(ctx, tx, base.ID)
	if err != nil {
		return nil, err
	}
	var c input.Checks
	for i, seq := range in.Remove {
		at := slices.IndexFunc(rules, func(r policy.Rule) bool { return r.Seq == seq })
		if at < 0 {
			c.Refuse(fmt.Sprintf("input.remove.%d", i), "RULE_NOT_IN_BASE", "所依据的版本没有此序号的规则", "the base has no rule of this number")
			continue
		}
		rules = slices.Delete(rules, at, at+1)
	}
	first := len(rules)
	roles, err := rolesByKey(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i := range in.Add {
		switch r := roles[in.Add[i].RoleKey]; {
		case r == nil:
			c.Refuse(fmt.Sprintf("input.add.%d.roleKey", i), "ROLE_UNKNOWN", "没有此角色", "there is no such role")
		case r.State != stateActive:
			c.Refuse(fmt.Sprintf("input.add.%d.roleKey", i), "ROLE_RETIRED", "该角色已停用", "the role is retired")
		}
		rules = append(rules, in.Add[i].rule())
	}
	number(rules)
	if len(rules) > maxRules {
		c.Refuse("input.add", "TOO_MANY", fmt.Sprintf("一个版本最多 %d 条规则", maxRules), fmt.Sprintf("a version has at most %d rules", maxRules))
	}
	inherits, err := access.Inherits(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := policy.CompileWith(base.Number, rules, inherits, classes); err != nil {
		refuseLines(&c, err, first)
	}
	return rules, c.Err()
}

// editedConflicts gives the duty conflicts of the draft.
func editedConflicts(ctx context.Context, tx *tenancy.Tx, base *entdb.PolicyVersion, in PolicyDraft) ([]policy.DutyConflict, error) {
	conflicts, err := access.Conflicts(ctx, tx, &base.ID)
	if err != nil {
		return nil, err
	}
	var c input.Checks
	at := func(key string) int {
		return slices.IndexFunc(conflicts, func(k policy.DutyConflict) bool { return k.Key == key })
	}
	for i, key := range in.RemoveConflicts {
		n := at(key)
		if n < 0 {
			c.Refuse(fmt.Sprintf("input.removeConflicts.%d", i), "CONFLICT_NOT_IN_BASE", "所依据的版本没有此职责互斥", "the base has no duty conflict of this key")
			continue
		}
		conflicts = slices.Delete(conflicts, n, n+1)
	}
	for i, k := range in.AddConflicts {
		if at(k.Key) >= 0 {
			c.Refuse(fmt.Sprintf("input.addConflicts.%d.key", i), "CONFLICT_KEY_TAKEN", "已有此键的职责互斥", "there is a duty conflict of this key")
			continue
		}
		conflicts = append(conflicts, policy.DutyConflict{
			Key: k.Key, A: policy.Action(k.ActionA), B: policy.Action(k.ActionB), Label: policy.Text{ZH: k.NameZH, EN: k.NameEN}, Source: k.Clause,
		})
	}
	return conflicts, c.Err()
}

func number(rules []policy.Rule) {
	for i := range rules {
		rules[i].Seq = i + 1
	}
}

// refuseLines says at which field of which added line a version does not compile. A problem of no added line is one of the
// whole draft.
func refuseLines(c *input.Checks, err error, first int) {
	var bad *policy.CompileError
	if !errors.As(err, &bad) {
		c.Refuse("input.add", "POLICY_REFUSED", "策略无法编译", "the policy does not compile")
		return
	}
	fields := map[string]string{"role": "roleKey", "scope": "dataScope", "validity": "validUntil"}
	for _, p := range bad.Problems {
		field := "input.remove"
		if p.Seq > first {
			name := p.Field
			if api, ok := fields[name]; ok {
				name = api
			}
			field = fmt.Sprintf("input.add.%d.%s", p.Seq-first-1, name)
		}
		c.Refuse(field, p.Code, p.Message.ZH, p.Message.EN)
	}
}

// Open drafts at a time: each has a complete set of rules.
const (
	maxDraftsOfAuthor = 20
	maxDraftsOfTenant = 200
)

// roomForDraft refuses one more open draft. Acts on policy hold the tenant's epochs, so nobody drafts meanwhile.
func roomForDraft(ctx context.Context, w *act.Work) error {
	var own, all int
	err := w.QueryRow(ctx, `SELECT count(*) FILTER (WHERE author_id = $2), count(*) FROM policy_versions WHERE tenant_id = $1 AND state = 'draft'`,
		w.Tenant(), w.Session().Actor.Account).Scan(&own, &all)
	if err != nil {
		return wrap("open drafts", err)
	}
	remedy := fault.Text{ZH: "请先发布或作废已有草案", EN: "publish or discard a draft first"}
	for _, l := range []struct {
		n, most int
		reason  string
		who     fault.Text
	}{
		{own, maxDraftsOfAuthor, "OPEN_DRAFTS_OF_AUTHOR", fault.Text{ZH: "每人最多 %d 份未决草案", EN: "one person has at most %d open drafts"}},
		{all, maxDraftsOfTenant, "OPEN_DRAFTS_OF_TENANT", fault.Text{ZH: "租户最多 %d 份未决草案", EN: "a tenant has at most %d open drafts"}},
	} {
		if l.n >= l.most {
			f := fault.Limit(l.reason, fault.Text{ZH: fmt.Sprintf(l.who.ZH, l.most), EN: fmt.Sprintf(l.who.EN, l.most)}).With("limit", l.most)
			f.Remedy = remedy
			return f
		}
	}
	return nil
}

// saveDraft stores a complete version in state draft. LIMIT_EXCEEDED OPEN_DRAFTS_OF_AUTHOR (20), OPEN_DRAFTS_OF_TENANT (200).
func saveDraft(ctx context.Context, w *act.Work, base int64, reason string, rules []policy.Rule, conflicts []policy.DutyConflict, classes policy.Classes, changes []act.Change) (act.Result, error) {
	if err := roomForDraft(ctx, w); err != nil {
		return act.Result{}, err
	}
	last, err := w.Ent().PolicyVersion.Query().Where(policyversion.TenantID(w.Tenant())).Order(entdb.Desc(policyversion.FieldNumber)).First(ctx)
	if err != nil {
		return act.Result{}, wrap("last number", err)
	}
	author := w.Session().Actor.Account
	v, err := w.Ent().PolicyVersion.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetNumber(last.Number + 1).SetBaseNumber(base).SetState(stateDraft).SetReason(reason).
		SetContentHash(identity.ClassesHash(identity.VersionHash(rules, conflicts), classes)).SetAuthorID(author).SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
	if err != nil {
		return act.Result{}, wrap("write version", err)
	}
	if err := saveClasses(ctx, w, v.ID, classes); err != nil {
		return act.Result{}, err
	}
	for part := range slices.Chunk(rules, 1000) { // PostgreSQL takes 65 535 parameters a statement
		lines := make([]*entdb.PolicyRuleCreate, len(part))
		for i, r := range part {
			lines[i] = w.Ent().PolicyRule.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetPolicyVersionID(v.ID).SetSeq(int32(r.Seq)).SetRoleKey(r.Role).
				SetObject(string(r.Object)).SetAction(string(r.Action)).SetDataScope(r.Scope.String()).SetClassMask(int16(r.Classes)).SetCondition(r.Condition).
				SetEffect(r.Effect.String()).SetNillableValidFrom(open(r.ValidFrom)).SetNillableValidUntil(open(r.ValidUntil)).SetClause(r.Clause).SetNote(r.Note)
		}
		if _, err := w.Ent().PolicyRule.CreateBulk(lines...).Save(ctx); err != nil {
			return act.Result{}, wrap("write rules", err)
		}
	}
	if err := identity.SaveConflicts(ctx, w, v.ID, conflicts); err != nil {
		return act.Result{}, err
	}
	return act.Result{Subject: act.Subject{Type: typeVersion, ID: v.ID, Version: v.Version}, Snapshot: versionSnapshot(v), Changes: changes}, nil
}

func open(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// sentences are rules as the audit trail shows them.
func sentences(rules []policy.Rule) []string {
	out := make([]string, len(rules))
	for i := range rules {
		out[i] = policy.RuleSentence(&rules[i]).ZH
	}
	return out
}

// setState moves a version on and counts its row's version up.
func setState(ctx context.Context, w *act.Work, v *entdb.PolicyVersion, state string, publisher *uuid.UUID) error {
	u := w.Ent().PolicyVersion.Update().Where(policyversion.TenantID(w.Tenant()), policyversion.ID(v.ID), policyversion.Version(v.Version)).
		SetState(state).AddVersion(1).SetUpdatedAt(w.Now())
	if staff := w.Staff(); staff != nil {
		u.SetUpdatedBy(*staff)
	} else {
		u.ClearUpdatedBy()
	}
	if publisher != nil {
		u.SetPublishedAt(w.Now()).SetPublishedBy(*publisher)
	}
	v.State, v.Version = state, v.Version+1
	return act.Once(u.Save(ctx))
}
