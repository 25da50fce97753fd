package policyadmin

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Sentence is a rule as people read it.
type Sentence struct {
	Rule uuid.UUID
	Seq  int
	Text policy.Text
}

// Comparison is what the version To has and has not that From has.
type Comparison struct {
	From, To       uuid.UUID
	Added, Removed []Sentence
	Classes        []ClassChange

	ConflictsAdded, ConflictsRemoved []string // keys of duty conflicts
}

// PolicyCompare: permission policy.read. Numbers of versions in any state; NOT_FOUND when there is no such version. Rules
// that differ in number, clause or note alone are the same rule.
func (s *Service) PolicyCompare(ctx context.Context, session *tenancy.Session, from, to int64) (out Comparison, err error) {
	err = s.asking(ctx, session, question{name: "policy.compare"}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if err := mayReadRules(rights); err != nil {
			return err
		}
		var rules [2][]policy.Rule
		var classes [2]policy.Classes
		var conflicts [2][]policy.DutyConflict
		for i, side := range []struct {
			number int64
			id     *uuid.UUID
		}{{from, &out.From}, {to, &out.To}} {
			v, err := versionNumbered(ctx, tx, side.number)
			if err != nil {
				return err
			}
			if v == nil {
				return fault.NotFound(typeVersion)
			}
			*side.id = v.ID
			if rules[i], err = access.Rules(ctx, tx, v.ID); err != nil {
				return err
			}
			if classes[i], err = access.Classes(ctx, tx, v.ID); err != nil {
				return err
			}
			if conflicts[i], err = access.Conflicts(ctx, tx, &v.ID); err != nil {
				return err
			}
		}
		out.Classes = classChanges(classes[0], classes[1])
		added, removed := compare(rules[0], rules[1])
		out.Added, out.Removed = said(added), said(removed)
		out.ConflictsAdded, out.ConflictsRemoved = keysWithout(conflicts[1], conflicts[0]), keysWithout(conflicts[0], conflicts[1])
		return nil
	})
	return out, err
}

// keysWithout are the conflicts of one side that the other has not, or not with these acts.
func keysWithout(of, without []policy.DutyConflict) []string {
	out := []string{}
	for _, c := range of {
		if !slices.ContainsFunc(without, func(o policy.DutyConflict) bool { return o.Key == c.Key && o.A == c.A && o.B == c.B }) {
			out = append(out, c.Key)
		}
	}
	return out
}

func said(rules []policy.Rule) []Sentence {
	out := make([]Sentence, len(rules))
	for i := range rules {
		out[i] = Sentence{rules[i].ID, rules[i].Seq, policy.RuleSentence(&rules[i])}
	}
	return out
}

// meaning is a rule without what decides nothing.
func meaning(r policy.Rule) policy.Rule {
	r.ID, r.Seq, r.Clause, r.Note = uuid.Nil, 0, "", ""
	r.ValidFrom, r.ValidUntil = r.ValidFrom.UTC(), r.ValidUntil.UTC()
	return r
}

// compare gives the rules that only one side has; a rule that stands twice counts twice.
func compare(from, to []policy.Rule) (added, removed []policy.Rule) {
	left := map[policy.Rule]int{}
	for _, r := range from {
		left[meaning(r)]++
	}
	for _, r := range to {
		if m := meaning(r); left[m] > 0 {
			left[m]--
		} else {
			added = append(added, r)
		}
	}
	for i := len(from) - 1; i >= 0; i-- { // of equal rules the later ones are gone
		if m := meaning(from[i]); left[m] > 0 {
			left[m]--
			removed = append([]policy.Rule{from[i]}, removed...)
		}
	}
	return added, removed
}
