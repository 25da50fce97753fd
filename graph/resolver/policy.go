package resolver

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Policy has the mutations of graph/schema/policy.graphql.
type Policy struct{ Service *policyadmin.Service }

// PolicyDraft resolves policyDraft. The warnings are those of now, also when the draft was made earlier under the same key.
func (r Policy) PolicyDraft(ctx context.Context, from model.PolicyDraftInput, key string) (p model.PolicyDraftPayload, err error) {
	var d decoder
	in := draftOf(from)
	var drafted uuid.UUID
	p.PolicyVersion, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		result, err := r.Service.PolicyDraft(ctx, s, in, key)
		drafted = result.Subject.ID
		return result, err
	})
	if err == nil && p.PolicyVersion != nil {
		if warnings, failed := r.Service.DraftWarnings(ctx, graph.SessionFrom(ctx), drafted); failed == nil {
			p.Warnings = warned(ctx, warnings)
		}
	}
	return p, err
}

func draftOf(from model.PolicyDraftInput) policyadmin.PolicyDraft {
	in := policyadmin.PolicyDraft{BaseNumber: from.BaseNumber, Reason: from.Reason, Remove: from.Remove}
	for _, l := range from.Add {
		in.Add = append(in.Add, policyadmin.Rule{
			RoleKey: l.RoleKey, Object: l.Object, Action: l.Action, Scope: string(l.DataScope), Classes: l.Classes, Condition: given(l.Condition),
			Effect: strings.ToLower(string(l.Effect)), ValidFrom: l.ValidFrom, ValidUntil: l.ValidUntil, Clause: given(l.Clause), Note: given(l.Note),
		})
	}
	for _, x := range from.Classes {
		in.Classes = append(in.Classes, policyadmin.Class{Group: x.Object, Class: x.Class})
	}
	for _, k := range from.AddConflicts {
		in.AddConflicts = append(in.AddConflicts, policyadmin.Conflict{Key: k.Key, ActionA: k.ActionA, ActionB: k.ActionB, NameZH: k.NameZh, NameEN: k.NameEn, Clause: given(k.Clause)})
	}
	in.RemoveConflicts = from.RemoveConflicts
	return in
}

// given is a text, empty when it was left out.
func given(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// PolicyDiscard resolves policyDiscard.
func (r Policy) PolicyDiscard(ctx context.Context, from model.PolicyDiscardInput, key string) (p model.PolicyDiscardPayload, err error) {
	var d decoder
	in := policyadmin.PolicyDiscard{
		PolicyVersion:   d.id(id.PolicyVersion, "input.policyVersionId", from.PolicyVersionID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.PolicyVersion, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyDiscard(ctx, s, in, key)
	})
	return p, err
}

// PolicyPublish resolves policyPublish.
func (r Policy) PolicyPublish(ctx context.Context, from model.PolicyPublishInput, key string) (p model.PolicyPublishPayload, err error) {
	var d decoder
	in := policyadmin.PolicyPublish{
		PolicyVersion:   d.id(id.PolicyVersion, "input.policyVersionId", from.PolicyVersionID),
		ExpectedVersion: from.ExpectedVersion,
	}
	p.PolicyVersion, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyPublish(ctx, s, in, key)
	})
	return p, err
}

// PolicyRollback resolves policyRollback.
func (r Policy) PolicyRollback(ctx context.Context, from model.PolicyRollbackInput, key string) (p model.PolicyRollbackPayload, err error) {
	var d decoder
	in := policyadmin.PolicyRollback{ToNumber: from.ToNumber, Reason: from.Reason}
	p.PolicyVersion, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PolicyRollback(ctx, s, in, key)
	})
	return p, err
}

// RoleCreate resolves roleCreate.
func (r Policy) RoleCreate(ctx context.Context, from model.RoleCreateInput, key string) (p model.RoleCreatePayload, err error) {
	var d decoder
	in := policyadmin.RoleCreate{
		Key: from.Key, NameZH: from.NameZh, NameEN: from.NameEn, ParentKey: from.ParentKey, Template: from.Template,
		Company: d.optional(id.Company, "input.companyId", from.CompanyID),
	}
	p.Role, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.RoleCreate(ctx, s, in, key)
	})
	return p, err
}

// RoleRetire resolves roleRetire.
func (r Policy) RoleRetire(ctx context.Context, from model.RoleRetireInput, key string) (p model.RoleRetirePayload, err error) {
	var d decoder
	in := policyadmin.RoleRetire{
		Role:            d.id(id.Role, "input.roleId", from.RoleID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.Role, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.RoleRetire(ctx, s, in, key)
	})
	return p, err
}

// PolicyQuestions has the Query fields of graph/schema/policy.graphql that services answer.
type PolicyQuestions struct{ Service *policyadmin.Service }

// PolicyCompare resolves policyCompare.
func (r PolicyQuestions) PolicyCompare(ctx context.Context, from, to int64) (*model.PolicyComparison, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	c, err := r.Service.PolicyCompare(ctx, s, from, to)
	if err != nil {
		return nil, err
	}
	classes := make([]*model.PolicyClassChange, len(c.Classes))
	for i, x := range c.Classes {
		classes[i] = &model.PolicyClassChange{Object: string(x.Object), From: int(x.From), To: int(x.To)}
	}
	return &model.PolicyComparison{
		Classes: classes,
		From:    &read.Ref{Type: "PolicyVersion", ID: c.From}, To: &read.Ref{Type: "PolicyVersion", ID: c.To}, Added: said(c.Added), Removed: said(c.Removed),
		ConflictsAdded: c.ConflictsAdded, ConflictsRemoved: c.ConflictsRemoved,
	}, nil
}

// PolicyLint resolves policyLint.
func (r PolicyQuestions) PolicyLint(ctx context.Context, version string) ([]*model.PolicyWarning, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	of := d.id(id.PolicyVersion, "policyVersionId", version)
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	warnings, err := r.Service.PolicyLint(ctx, s, of)
	if err != nil {
		return nil, err
	}
	return warned(ctx, warnings), nil
}

func said(sentences []policyadmin.Sentence) []*model.PolicyRuleSentence {
	out := make([]*model.PolicyRuleSentence, len(sentences))
	for i, x := range sentences {
		out[i] = &model.PolicyRuleSentence{Seq: x.Seq, Rule: &read.Ref{Type: "PolicyRule", ID: x.Rule}, Zh: x.Text.ZH, En: x.Text.EN}
	}
	return out
}

// warned is never nil: none is an empty list.
func warned(ctx context.Context, warnings []policyadmin.Warning) []*model.PolicyWarning {
	language := graph.SessionFrom(ctx).Language
	out := make([]*model.PolicyWarning, len(warnings))
	for i, x := range warnings {
		out[i] = &model.PolicyWarning{Code: x.Code, Seq: x.Seq, Rule: &read.Ref{Type: "PolicyRule", ID: x.Rule}, Message: fault.Text(x.Message).In(language)}
	}
	return out
}
