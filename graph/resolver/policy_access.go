package resolver

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/policy"
)

// object reads the id of something that access is explained of.
func (d *decoder) object(field, text string) policyadmin.Object {
	prefix, u, err := id.Decode(text)
	o, known := policyadmin.ObjectOf(prefix, u)
	if err != nil || !known {
		d.checks.Refuse(field, "ID_MALFORMED", "标识格式不正确，或不支持此类对象", "not an id of a kind of object that access is explained of")
	}
	return o
}

// ExplainAccess resolves explainAccess.
func (r PolicyQuestions) ExplainAccess(ctx context.Context, staff *string, object, action string, about, field *string, asOf *time.Time) (*model.AccessExplanation, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	q := policyadmin.Question{Staff: d.optional(id.Staff, "staffId", staff), Object: policy.Object(object), Action: policy.Action(action), AsOf: asOf}
	if about != nil {
		o := d.object("objectId", *about)
		q.About = &o
	}
	if field != nil && q.About != nil {
		group, ok := read.GroupOf(q.About.Type, *field)
		if !ok {
			d.checks.Refuse("field", "FIELD_UNKNOWN", "该对象没有此字段", "the object has no such field")
		}
		q.Object = group
	} else if field != nil {
		d.checks.Refuse("field", "OBJECT_NEEDED", "须同时给出对象标识", "a field is one of an object: give objectId")
	}
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	e, err := r.Service.ExplainAccess(ctx, s, q)
	if err != nil {
		return nil, err
	}
	return explained(e, s.Language), nil
}

func explained(e policyadmin.Explanation, language string) *model.AccessExplanation {
	say := func(t policy.Text) *string { return filled(fault.Text(t).In(language)) }
	out := &model.AccessExplanation{
		Allow: e.Allow, Reason: string(e.Reason), Message: fault.Text(e.Reason.Label()).In(language), Sentence: say(e.Sentence), Role: filled(e.Role),
		Remedy: say(e.Remedy), Chain: filled(e.Chain), Binding: ref("RoleBinding", e.Binding), Ask: ref("Staff", e.Ask), PolicyVersion: e.Version,
	}
	if e.Way != "" {
		way := model.AccessWay(e.Way)
		out.Way = &way
	}
	if e.Rule != nil {
		scope := model.DataScope(e.Rule.Scope.String())
		out.Rule, out.Scope, out.Clause = ref("PolicyRule", e.Rule.ID), &scope, filled(e.Rule.Clause)
	}
	if e.RulesShown {
		out.Lines = []*model.AccessLine{}
	}
	for _, l := range e.Lines {
		out.Lines = append(out.Lines, &model.AccessLine{Rule: ref("PolicyRule", l.Rule.ID), Seq: l.Rule.Seq, Fails: filled(string(l.Fails)), Sentence: fault.Text(l.Text).In(language)})
	}
	return out
}

// WhoCanSee resolves whoCanSee.
func (r PolicyQuestions) WhoCanSee(ctx context.Context, about string, group *string, first *int, asOf *time.Time) (*model.AccessPaths, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	o, most := d.object("objectId", about), 50
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	if first != nil {
		most = *first
	}
	paths, more, err := r.Service.WhoCanSee(ctx, s, o, policy.Object(given(group)), most, asOf)
	if err != nil {
		return nil, err
	}
	out := &model.AccessPaths{Paths: []*model.AccessPath{}, More: more}
	for _, p := range paths {
		out.Paths = append(out.Paths, &model.AccessPath{
			Staff: ref("Staff", p.Staff), Access: model.FieldAccess(p.Access), Role: p.Role, Binding: ref("RoleBinding", p.Binding),
			Scope: model.DataScope(p.Rule.Scope.String()), Rule: ref("PolicyRule", p.Rule.ID), Sentence: fault.Text(p.Sentence).In(s.Language),
		})
	}
	return out, nil
}

// ref is nil for no object.
func ref(typ string, u uuid.UUID) *read.Ref {
	if u == uuid.Nil {
		return nil
	}
	return &read.Ref{Type: typ, ID: u}
}

func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// PolicySimulate resolves policySimulate.
func (r PolicyQuestions) PolicySimulate(ctx context.Context, version string) (*model.PolicySimulation, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	of := d.id(id.PolicyVersion, "policyVersionId", version)
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	found, err := r.Service.PolicySimulate(ctx, s, of)
	if err != nil {
		return nil, err
	}
	out := &model.PolicySimulation{
		Base: ref("PolicyVersion", found.Base), Version: ref("PolicyVersion", found.Version), More: found.More, Duties: []string{},
		Effects: []*model.PolicyEffectOnStaff{}, OverCeiling: said(found.OverCeiling),
	}
	for _, t := range found.Duties {
		out.Duties = append(out.Duties, fault.Text(t).In(s.Language))
	}
	for _, e := range found.Effects {
		effect := &model.PolicyEffectOnStaff{
			Staff: ref("Staff", e.Staff), Roles: append([]string{}, e.Roles...), Object: string(e.Object), Action: string(e.Action), Change: model.RightChange(e.Change),
			SampleClients: []*read.Ref{}, SampleContracts: []*read.Ref{},
		}
		if e.Rows {
			effect.Gained, effect.Lost = &e.Gained, &e.Lost
		}
		for _, row := range e.Sample {
			if row.Type == "Client" {
				effect.SampleClients = append(effect.SampleClients, ref(row.Type, row.ID))
			} else {
				effect.SampleContracts = append(effect.SampleContracts, ref(row.Type, row.ID))
			}
		}
		out.Effects = append(out.Effects, effect)
	}
	return out, nil
}
