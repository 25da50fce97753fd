package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/policyversion"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// foundPolicy gives a new tenant the shipped roles, version 1 of its policy with the shipped rules, in force, and binds
// tenant_admin to its first account.
func foundPolicy(ctx context.Context, w *act.Work, admin uuid.UUID) error {
	roles, err := foundRoles(ctx, w)
	if err != nil {
		return err
	}
	rules, conflicts := policy.ShippedRules(), policy.ShippedDutyConflicts()
	number := w.IDs.New()
	if _, err := w.Ent().PolicyVersion.Create().SetID(number).SetTenantID(w.Tenant()).SetNumber(1).SetState("draft").SetReason("出厂策略 / shipped policy").
		SetContentHash(VersionHash(rules, conflicts)).SetCreatedAt(w.Now()).SetUpdatedAt(w.Now()).Save(ctx); err != nil {
		return wrap("policy version", err)
	}
	lines := make([]*entdb.PolicyRuleCreate, len(rules))
	for i, r := range rules {
		lines[i] = w.Ent().PolicyRule.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetPolicyVersionID(number).SetSeq(int32(r.Seq)).SetRoleKey(r.Role).
			SetObject(string(r.Object)).SetAction(string(r.Action)).SetDataScope(r.Scope.String()).SetClassMask(int16(r.Classes)).SetCondition(r.Condition).
			SetEffect(r.Effect.String()).SetNillableValidFrom(open(r.ValidFrom)).SetNillableValidUntil(open(r.ValidUntil)).SetClause(r.Clause).SetNote(r.Note)
	}
	if _, err := w.Ent().PolicyRule.CreateBulk(lines...).Save(ctx); err != nil {
		return wrap("policy rules", err)
	}
	if err := SaveConflicts(ctx, w, number, conflicts); err != nil {
		return err
	}
	// Lines are added to drafts alone, also to the first.
	if err := act.Once(w.Ent().PolicyVersion.Update().Where(policyversion.TenantID(w.Tenant()), policyversion.ID(number)).SetState("in_force").SetPublishedAt(w.Now()).Save(ctx)); err != nil {
		return err
	}
	_, err = w.Ent().RoleBinding.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetAccountID(admin).SetRoleID(roles[roleTenantAdmin]).
		SetValidFrom(w.Now()).SetCreatedAt(w.Now()).SetUpdatedAt(w.Now()).Save(ctx)
	return wrap("binding", err)
}

// foundRoles inserts the shipped roles, parents before those who inherit from them, and gives their ids by key.
func foundRoles(ctx context.Context, w *act.Work) (map[string]uuid.UUID, error) {
	parents := map[string]string{}
	for _, pair := range policy.ShippedInherits() {
		parents[pair[0]] = pair[1]
	}
	shipped := map[string]policy.ShippedRole{}
	for _, r := range policy.ShippedRoles() {
		shipped[r.Key] = r
	}
	made := map[string]uuid.UUID{}
	var insert func(r policy.ShippedRole) error
	insert = func(r policy.ShippedRole) error {
		if _, done := made[r.Key]; done {
			return nil
		}
		create := w.Ent().Role.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetKey(r.Key).SetNameZh(r.Name.ZH).SetNameEn(r.Name.EN).SetTemplate(r.Key).
			SetCreatedAt(w.Now()).SetUpdatedAt(w.Now())
		if parent, ok := parents[r.Key]; ok {
			if err := insert(shipped[parent]); err != nil {
				return err
			}
			create.SetParentID(made[parent])
		}
		row, err := create.Save(ctx)
		if err != nil {
			return wrap("role "+r.Key, err)
		}
		made[r.Key] = row.ID
		return nil
	}
	for _, r := range policy.ShippedRoles() {
		if err := insert(r); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// SaveConflicts writes the duty conflicts of a new policy version, in their order.
func SaveConflicts(ctx context.Context, w *act.Work, version uuid.UUID, conflicts []policy.DutyConflict) error {
	if len(conflicts) == 0 {
		return nil
	}
	lines := make([]*entdb.PolicyConflictCreate, len(conflicts))
	for i, c := range conflicts {
		lines[i] = w.Ent().PolicyConflict.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetPolicyVersionID(version).SetSeq(int32(i + 1)).SetKey(c.Key).
			SetActionA(string(c.A)).SetActionB(string(c.B)).SetNameZh(c.Label.ZH).SetNameEn(c.Label.EN).SetClause(c.Source)
	}
	_, err := w.Ent().PolicyConflict.CreateBulk(lines...).Save(ctx)
	return wrap("policy conflicts", err)
}

// VersionHash is the content hash of a policy version: SHA-256 over its rules and then its duty conflicts, in order, without
// their ids.
func VersionHash(rules []policy.Rule, conflicts []policy.DutyConflict) []byte {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, r := range rules {
		r.ID = uuid.Nil
		_ = enc.Encode(r) // a hash takes everything, and Rule has no field that JSON refuses
	}
	for _, c := range conflicts {
		_ = enc.Encode(c)
	}
	return h.Sum(nil)
}

func open(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ClassesHash adds a version's own field classes to the hash of the rest of it. A version without any keeps its hash.
func ClassesHash(rest []byte, classes policy.Classes) []byte {
	if len(classes) == 0 {
		return rest
	}
	h := sha256.New()
	h.Write(rest)
	for _, group := range classes.Groups() {
		fmt.Fprintf(h, "\n%s=%d", group, classes[group])
	}
	return h.Sum(nil)
}
