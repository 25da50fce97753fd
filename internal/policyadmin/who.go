package policyadmin

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Path is a staff member who sees an object, and by which way.
type Path struct {
	Staff, Binding uuid.UUID
	Access         string // FULL, MASKED; ROW when no group was asked for
	Role           string // "" for what is about himself: no rule opens it
	Rule           policy.Rule
	Sentence       policy.Text
}

const maxPaths = 100

// askedAtOnce is how many people's rows go into one round trip.
const askedAtOnce = 200

// WhoCanSee: permission policy.read. The object's row, or what may be seen of one of its field groups, by everybody with an
// account in use; with asOf as everything was then; more tells that there are others. NOT_FOUND; INVALID_INPUT at objectId, group and first.
func (s *Service) WhoCanSee(ctx context.Context, session *tenancy.Session, about Object, group policy.Object, first int, asOf *time.Time) (paths []Path, more bool, err error) {
	f, ok := access.FactsOf(about.Type)
	if !ok {
		return nil, false, fault.Invalid("objectId", "OBJECT_OF_ANOTHER_KIND", fault.Text{ZH: "不支持此类对象", EN: "objects of this kind are not explained"}, fault.Text{})
	}
	if entity, _ := policy.EntityOf(group); group != "" && (entity != f.Entity || !policy.Known(group, policy.Reveal)) {
		return nil, false, fault.Invalid("group", "GROUP_UNKNOWN", fault.Text{ZH: "该对象没有此字段组", EN: "the object has no such field group"}, fault.Text{})
	}
	if first < 1 || first > maxPaths {
		return nil, false, fault.Invalid("first", "PAGE_SIZE", fault.Text{ZH: "须为 1 至 100", EN: "1 to 100"}, fault.Text{})
	}
	err = s.asking(ctx, session, question{"policy.whoCanSee", about}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if err := mayReadRules(rights); err != nil {
			return err
		}
		m, err := momentOf(ctx, tx, asOf)
		if err != nil {
			return err
		}
		row, err := m.row(ctx, tx, f, rights, about.ID)
		if err != nil {
			return err
		}
		if row == nil {
			return fault.NotFound(about.Type)
		}
		holders, err := m.holders(ctx, tx, nil)
		if err != nil {
			return err
		}
		holders = slices.DeleteFunc(holders, func(h access.Holder) bool { return h.Staff == uuid.Nil || h.Suspended || len(h.Bindings) == 0 })
		for part := range slices.Chunk(holders, askedAtOnce) {
			rows, err := m.rows(ctx, tx, f, rights, part, about.ID)
			if err != nil {
				return err
			}
			for i := range part {
				if rows[i] == nil {
					continue // gone since
				}
				found := m.sees(rights, &part[i].Principal, f, group, rows[i])
				if found == nil {
					continue
				}
				if len(paths) == first {
					more = true
					return nil
				}
				paths = append(paths, *found)
			}
		}
		return nil
	})
	return paths, more, err
}

// sees is nil for somebody who does not see it. A field group needs the row: what stands in no row that he sees, he sees not.
func (m moment) sees(rights *policy.Rights, p *policy.Principal, f access.Facts, group policy.Object, row *access.Row) *Path {
	theirs := m.bind(rights, p)
	if !f.Sees(theirs, row) {
		return nil
	}
	object, action, how := f.Entity, policy.Read, "ROW"
	if group != "" {
		object = group
		switch level, _ := theirs.Field(group, &row.Row); {
		case level == policy.Full || row.Own:
			action, how = policy.Reveal, "FULL"
		case level == policy.Masked:
			action, how = policy.Peek, "MASKED"
		default:
			return nil
		}
	}
	d := theirs.Decide(object, action, &row.Row)
	rule := d.Rule()
	if rule == nil || !d.Allow { // his own
		return &Path{Staff: p.Staff, Access: how, Rule: policy.Rule{Scope: policy.Self}, Sentence: ownRow}
	}
	out := &Path{Staff: p.Staff, Access: how, Role: rule.Role, Rule: *rule}
	if b, alone := path(theirs, p, m.at, object, action, &row.Row); b != nil {
		out.Binding, out.Role, out.Rule = b.ID, b.Role, *alone.Rule()
	}
	out.Sentence = policy.RuleSentence(&out.Rule)
	return out
}
