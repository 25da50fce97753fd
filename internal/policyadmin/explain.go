package policyadmin

import (
	"context"

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
	About  *Object // nil: about no row in particular
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
	RulesShown bool
	Sentence   policy.Text
	Role       string
	Binding    uuid.UUID // zero when no single binding brought the rule
	Way        string    // "" when there is none: allowed, denied by a rule, or no rule at all
	Remedy     policy.Text
	Ask        uuid.UUID // whom to ask; zero when the one who asks may not see the row
	Lines      []policy.Line
}

// ExplainAccess answers by the same table, organisation and bindings that decide. One's own question needs no right, but a
// row that one cannot read is NOT_FOUND as it is everywhere; another's needs policy.read and sight of that person.
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
			f, _ := factsOf("Staff")
			row, err := f.row(ctx, tx, rights, staff)
			if err != nil {
				return err
			}
			if row == nil || !rights.Decide(policy.OnStaff, policy.Read, row).Allow {
				return fault.NotFound("Staff")
			}
		}
		p, err := principal(ctx, tx, staff)
		if err != nil {
			return err
		}
		theirs := rights // with the scopes of the token that asks
		if !own {
			theirs = rights.Other(p, tx.Now())
		}
		row, seen := &policy.Row{}, false
		if q.About != nil {
			f, _ := factsOf(q.About.Type)
			if row, err = f.row(ctx, tx, theirs, q.About.ID); err != nil {
				return err
			}
			mine := row
			if row != nil && !own && f.cols.Client != "" {
				if mine, err = f.row(ctx, tx, rights, q.About.ID); err != nil {
					return err
				}
			}
			seen = mine != nil && rights.Decide(f.entity, policy.Read, mine).Allow
			// SECURITY: who may not read rules learns of no row that he cannot read, not even that it is there.
			if row == nil || refusal != nil && !seen {
				return fault.NotFound(q.About.Type)
			}
		}
		e := theirs.Explain(q.Object, q.Action, row)
		out = Explanation{Decision: e.Decision, RulesShown: refusal == nil, Remedy: e.Remedy}
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
			if b, d := path(rights, p, tx.Now(), q.Object, q.Action, row); b != nil {
				out.Binding, out.Role, out.Rule = b.ID, b.Role, d.Rule
				if out.RulesShown {
					out.Sentence = policy.RuleSentence(d.Rule)
				}
			}
			return nil
		}
		out.Way = way(e)
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
	f, ok := factsOf(q.About.Type)
	if entity, _ := policy.EntityOf(q.Object); !ok || entity != f.entity {
		return fault.Invalid("objectId", "OBJECT_OF_ANOTHER_KIND", fault.Text{ZH: "标识不属于所问的对象", EN: "the id is of another kind of object"}, fault.Text{})
	}
	return nil
}

// principal is a staff member as policy sees him; without an account he holds nothing.
func principal(ctx context.Context, tx *tenancy.Tx, staff uuid.UUID) (*policy.Principal, error) {
	holders, err := access.Holders(ctx, tx, &staff)
	if err != nil {
		return nil, err
	}
	p := policy.Principal{Tenant: tx.Session().Tenant.UUID(), Staff: staff}
	if len(holders) == 1 {
		p = holders[0].Principal
	}
	return &p, nil
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
