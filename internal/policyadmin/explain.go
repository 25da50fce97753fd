package policyadmin

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Question asks why somebody may or may not do something.
type Question struct {
	Staff  *uuid.UUID // nil: the one who asks
	Object policy.Object
	Action policy.Action
	About  *Object    // nil: about no row in particular
	AsOf   *time.Time // nil: now
}

// The nearest lawful ways.
const (
	WayRole         = "ROLE"
	WayBorrowing    = "BORROWING"
	WayGrant        = "GRANT"
	WayTeam         = "TEAM"
	WayDistribution = "DISTRIBUTION"
	WayScope        = "SCOPE"
	WayCondition    = "CONDITION"
	WayValidity     = "VALIDITY"
)

// Explanation answers a Question. Sentence and Lines are there for those who may read rules only.
type Explanation struct {
	policy.Decision
	Rule       *policy.Rule // of the decision; nil when none was met
	RulesShown bool
	Sentence   policy.Text
	Role       string
	Binding    uuid.UUID // zero when no single binding brought the rule
	Own        bool      // allowed because the row is about the person: no rule decided
	Lines      []policy.Line
	lawful
}

// ExplainAccess answers by the same table, organisation and bindings that decide. One's own question needs no right, but a
// row that one cannot read is NOT_FOUND as it is everywhere; another's needs policy.read and sight of that person. Who has
// policy.read and cannot read the row learns the verdict and the rule that decided; see veil. With AsOf everything is as it
// was then, but what the one who asks may learn, which is by his rights of now.
// INVALID_INPUT UNKNOWN_PERMISSION for names outside the catalogue, OBJECT_OF_ANOTHER_KIND for a row of another entity.
func (s *Service) ExplainAccess(ctx context.Context, session *tenancy.Session, q Question) (out Explanation, err error) {
	if err := q.validate(); err != nil {
		return out, err
	}
	asked := question{name: "policy.explain"}
	switch {
	case q.About != nil:
		asked.about = *q.About
	case q.Staff != nil:
		asked.about = Object{"Staff", *q.Staff}
	}
	err = s.asking(ctx, session, asked, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		refusal := mayReadRules(rights)
		staff := session.Actor.Staff
		own := q.Staff == nil || *q.Staff == staff
		if !own {
			if refusal != nil {
				return refusal
			}
			staff = *q.Staff
			f, _ := access.FactsOf("Staff")
			row, err := f.Row(ctx, tx, rights, staff)
			if err != nil {
				return err
			}
			if !f.Sees(rights, row) {
				return fault.NotFound("Staff")
			}
		}
		m, err := momentOf(ctx, tx, q.AsOf)
		if err != nil {
			return err
		}
		p, err := m.principal(ctx, tx, staff)
		if err != nil {
			return err
		}
		theirs := rights // with the scopes of the token that asks
		if !own || m.then != nil {
			theirs = m.bind(rights, p)
		}
		var f access.Facts
		row, seen := &access.Row{}, false
		if q.About != nil {
			f, _ = access.FactsOf(q.About.Type)
			if row, err = m.row(ctx, tx, f, theirs, q.About.ID); err != nil {
				return err
			}
			mine := row
			if row != nil && (m.then != nil || !own) {
				if mine, err = f.Row(ctx, tx, rights, q.About.ID); err != nil {
					return err
				}
			}
			seen = f.Sees(rights, mine)
			// SECURITY: who may not read rules learns of no row that he cannot read, not even that it is there.
			if row == nil || refusal != nil && !seen {
				return fault.NotFound(q.About.Type)
			}
		}
		e, byOwn := judged(theirs, f, q, row, seen)
		if q.About != nil && !seen {
			e = veil(e)
		}
		out = Explanation{Decision: e.Decision, Rule: e.Decision.Rule(), RulesShown: refusal == nil, Own: byOwn}
		out.Remedy = e.Remedy
		if out.Rule != nil {
			out.Role = out.Rule.Role
			if out.RulesShown {
				out.Sentence = policy.RuleSentence(out.Rule)
			}
		}
		if out.RulesShown {
			out.Lines = e.Lines
		}
		switch {
		case byOwn:
			out.Sentence = ownRow
		case out.Allow:
			if b, d := path(theirs, p, m.at, q.Object, q.Action, &row.Row); b != nil {
				out.Binding, out.Role, out.Rule = b.ID, b.Role, d.Rule()
				if out.RulesShown {
					out.Sentence = policy.RuleSentence(out.Rule)
				}
			}
		default:
			out.lawful, err = nearest{m, theirs, q, row, seen}.way(ctx, tx, e)
		}
		return err
	})
	return out, err
}

func (q *Question) validate() error {
	if !policy.Known(q.Object, q.Action) {
		return fault.Invalid("action", "UNKNOWN_PERMISSION", fault.Text{ZH: "没有此项权限名", EN: "there is no such permission"}, fault.Text{})
	}
	if q.About == nil {
		return nil
	}
	f, ok := access.FactsOf(q.About.Type)
	if entity, _ := policy.EntityOf(q.Object); !ok || entity != f.Entity {
		return fault.Invalid("objectId", "OBJECT_OF_ANOTHER_KIND", fault.Text{ZH: "标识不属于所问的对象", EN: "the id is of another kind of object"}, fault.Text{})
	}
	return nil
}

// ownRow says why somebody sees a row that is about himself.
var ownRow = policy.Text{ZH: "本人的数据，不论策略均可查看", EN: "the row is about the person, who sees it whatever the policy says"}

// judged answers the question as reads and acts do. A row is seen, or nothing of it: a field group is read only where its row is,
// and a row of a child type only where the group that covers it is shown; the answer is then about that. What is about a person
// himself he sees in full (own).
func judged(theirs *policy.Rights, f access.Facts, q Question, row *access.Row, seen bool) (e policy.Explanation, own bool) {
	e = theirs.Explain(q.Object, q.Action, &row.Row)
	if q.About == nil || q.Action != policy.Read && q.Action != policy.Peek && q.Action != policy.Reveal {
		return e, false
	}
	if row.Own && e.Decision.Reason != policy.ReasonSuspended && e.Decision.Reason != policy.ReasonToken {
		e.Decision = policy.Decision{Allow: true, Reason: policy.ReasonAllowed, Version: e.Decision.Version}
		e.Nearest, e.Remedy = nil, policy.Text{}
		return e, true
	}
	var first policy.Explanation
	if q.Object != f.Entity {
		first = theirs.Explain(f.Entity, policy.Read, &row.Row)
	}
	if (q.Object == f.Entity || first.Decision.Allow) && e.Decision.Allow && f.Cover != "" {
		if level, _ := theirs.Field(f.Cover, &row.Row); level == policy.Hidden {
			first = theirs.Explain(f.Cover, policy.Reveal, &row.Row)
		}
	}
	if first.Decision.Allow || first.Decision.Reason == "" {
		return e, false
	}
	if seen {
		return first, false
	}
	// SECURITY: which of the two was refused would tell of the row; the lines are those of the question that was asked.
	if e.Decision.Allow {
		e.Decision = first.Decision
		if first.Nearest != nil {
			e.Nearest = &e.Lines[0] // a rule that is met: what it lacks is the row
		}
	}
	return e, false
}
