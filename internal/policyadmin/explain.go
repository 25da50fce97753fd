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
	Way        string    // "" when there is none: allowed, denied by a rule, or no rule at all
	Chain      string    // the approval chain behind Way: AC-10, AC-09; "" when there is none
	Remedy     policy.Text
	Ask        uuid.UUID // whom to ask; zero when the one who asks may not see the row
	Lines      []policy.Line
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
			if row == nil || !rights.Decide(policy.OnStaff, policy.Read, row).Allow {
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
		row, seen := &policy.Row{}, false
		if q.About != nil {
			f, _ := access.FactsOf(q.About.Type)
			if row, err = m.row(ctx, tx, f, theirs, q.About.ID); err != nil {
				return err
			}
			mine := row
			if row != nil && (m.then != nil || !own && f.Cols.Client != "") {
				if mine, err = f.Row(ctx, tx, rights, q.About.ID); err != nil {
					return err
				}
			}
			seen = mine != nil && rights.Decide(f.Entity, policy.Read, mine).Allow
			// SECURITY: who may not read rules learns of no row that he cannot read, not even that it is there.
			if row == nil || refusal != nil && !seen {
				return fault.NotFound(q.About.Type)
			}
		}
		e := theirs.Explain(q.Object, q.Action, row)
		if q.About != nil && !seen {
			e = veil(e)
		}
		out = Explanation{Decision: e.Decision, Rule: e.Decision.Rule(), RulesShown: refusal == nil, Remedy: e.Remedy}
		if out.Rule != nil {
			out.Role = out.Rule.Role
			if out.RulesShown {
				out.Sentence = policy.RuleSentence(out.Rule)
			}
		}
		if out.RulesShown {
			out.Lines = e.Lines
		}
		if out.Allow {
			if b, d := path(theirs, p, m.at, q.Object, q.Action, row); b != nil {
				out.Binding, out.Role, out.Rule = b.ID, b.Role, d.Rule()
				if out.RulesShown {
					out.Sentence = policy.RuleSentence(out.Rule)
				}
			}
			return nil
		}
		out.Way = way(e)
		out.Chain = chainOf(out.Way)
		if seen {
			out.Ask, err = whomToAsk(ctx, tx, row)
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

// chainOf is the approval chain that opens a way; the others are somebody's act alone.
func chainOf(way string) string {
	if way == WayGrant {
		return "AC-10"
	}
	return ""
}

// way names the nearest lawful way: of the rules that fail by their scope alone, one that somebody can open to the person
// comes before one that would need him or the row to move.
func way(e policy.Explanation) string {
	if e.Nearest == nil {
		return ""
	}
	switch e.Nearest.Fails {
	case policy.TestRole:
		return WayRole
	case policy.TestValidity:
		return WayValidity
	case policy.TestCondition:
		return WayCondition
	}
	for _, open := range []struct {
		scope policy.Scope
		way   string
	}{{policy.Granted, WayGrant}, {policy.ClientTeam, WayTeam}, {policy.Distributed, WayDistribution}} {
		for i := range e.Lines {
			if l := &e.Lines[i]; l.Fails == policy.TestScope && l.Rule.Effect == policy.Allow && l.Rule.Scope == open.scope {
				return open.way
			}
		}
	}
	return WayScope
}

// whomToAsk is the head of the row's department, else its owner.
func whomToAsk(ctx context.Context, tx *tenancy.Tx, row *policy.Row) (uuid.UUID, error) {
	var head uuid.UUID
	err := tx.QueryRow(ctx, `SELECT COALESCE((SELECT head_id FROM departments WHERE tenant_id = $1 AND id = $2), $3)`,
		tx.Session().Tenant.UUID(), row.Department, row.Owner).Scan(&head)
	return head, wrap("head", err)
}
