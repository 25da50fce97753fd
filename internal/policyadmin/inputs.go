package policyadmin

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// Limits of one draft and of a version.
const (
	maxChanges = 500
	maxRules   = 5000
)

// Rule is a line to add. Names are those of policy's catalogue; Effect is allow or deny.
type Rule struct {
	RoleKey, Object, Action, Scope string
	Classes                        []int
	Condition, Effect              string
	ValidFrom, ValidUntil          *time.Time
	Clause, Note                   string
}

// PolicyDraft makes a new version out of the one in force.
type PolicyDraft struct {
	BaseNumber int64
	Reason     string
	Add        []Rule
	Remove     []int // seq of the base
	Classes    []Class
	// Duty conflicts, by key. A key may be removed and added in one draft: it then means something else.
	AddConflicts    []Conflict
	RemoveConflicts []string
}

// Conflict says that two acts must not be in one hand.
type Conflict struct {
	Key, ActionA, ActionB  string
	NameZH, NameEN, Clause string
}

// Validate trims texts and reports all field errors at once; what the lines mean is judged when they are compiled.
func (in *PolicyDraft) Validate() error {
	var c input.Checks
	c.Version("input.baseNumber", in.BaseNumber)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	switch {
	case len(in.Add)+len(in.Remove)+len(in.AddConflicts)+len(in.RemoveConflicts)+len(in.Classes) == 0:
		c.Refuse("input.add", "NOTHING_CHANGES", "没有任何变更", "nothing is added, removed or reclassified")
	case len(in.Add)+len(in.Remove)+len(in.AddConflicts)+len(in.RemoveConflicts) > maxChanges:
		c.Refuse("input.add", "TOO_MANY", fmt.Sprintf("一次最多变更 %d 条规则", maxChanges), fmt.Sprintf("at most %d rules change at once", maxChanges))
		return c.Err()
	}
	for i := range in.Add {
		in.Add[i].validate(&c, fmt.Sprintf("input.add.%d.", i))
	}
	for i := range in.AddConflicts {
		in.AddConflicts[i].validate(&c, fmt.Sprintf("input.addConflicts.%d.", i))
	}
	return c.Err()
}

func (k *Conflict) validate(c *input.Checks, at string) {
	k.Key = c.Line(at+"key", k.Key, 63)
	if k.Key != "" && !roleKey.MatchString(k.Key) {
		c.Refuse(at+"key", "KEY_MALFORMED", "键须以小写字母开头，只含小写字母、数字与下划线", "a key has lower-case letters, digits and underscores, a letter first")
	}
	k.NameZH, k.NameEN = c.Line(at+"nameZh", k.NameZH, 100), c.Line(at+"nameEn", k.NameEN, 100)
	if k.Clause = strings.TrimSpace(k.Clause); k.Clause != "" {
		k.Clause = c.Line(at+"clause", k.Clause, 200)
	}
	for _, a := range []struct{ name, action string }{{"actionA", k.ActionA}, {"actionB", k.ActionB}} {
		if !policy.IsAct(policy.Action(a.action)) {
			c.Refuse(at+a.name, "ACTION_UNKNOWN", "没有此动作", "there is no such act")
		}
	}
	if k.ActionA == k.ActionB {
		c.Refuse(at+"actionB", "SAME_ACTION", "两个动作须不同", "the two acts must differ")
	}
}

func (r *Rule) validate(c *input.Checks, at string) {
	for _, f := range []struct {
		name string
		text *string
		most int
	}{{"roleKey", &r.RoleKey, 63}, {"object", &r.Object, 64}, {"action", &r.Action, 64}} {
		*f.text = c.Line(at+f.name, *f.text, f.most)
	}
	for _, f := range []struct {
		name string
		text *string
		most int
	}{{"condition", &r.Condition, 400}, {"clause", &r.Clause, 200}, {"note", &r.Note, 400}} {
		*f.text = strings.TrimSpace(*f.text)
		if *f.text != "" {
			*f.text = c.Line(at+f.name, *f.text, f.most)
		}
	}
	for _, n := range r.Classes {
		if n < 0 || n >= int(policy.NumClasses) {
			c.Refuse(at+"classes", "CLASS_UNKNOWN", "字段密级为 0 至 7", "field classes are 0 to 7")
			break
		}
	}
}

// rule is the line in the language of policy. Names that the language does not have stay zero and are refused by Compile.
func (r *Rule) rule() policy.Rule {
	out := policy.Rule{
		Role: r.RoleKey, Object: policy.Object(r.Object), Action: policy.Action(r.Action), Condition: r.Condition, Clause: r.Clause, Note: r.Note,
	}
	out.Scope, _ = policy.ParseScope(r.Scope)
	out.Effect, _ = policy.ParseEffect(r.Effect)
	for _, n := range r.Classes {
		out.Classes |= policy.Class(n).Set()
	}
	// PostgreSQL keeps microseconds: the hash of what is stored must be the hash of what was given.
	if r.ValidFrom != nil {
		out.ValidFrom = r.ValidFrom.UTC().Truncate(time.Microsecond)
	}
	if r.ValidUntil != nil {
		out.ValidUntil = r.ValidUntil.UTC().Truncate(time.Microsecond)
	}
	return out
}

// PolicyDiscard gives a draft up.
type PolicyDiscard struct {
	PolicyVersion   uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *PolicyDiscard) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// PolicyPublish brings a draft into force.
type PolicyPublish struct {
	PolicyVersion   uuid.UUID
	ExpectedVersion int64
}

// Validate reports all field errors at once.
func (in *PolicyPublish) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// PolicyRollback drafts the rules of an older version.
type PolicyRollback struct {
	ToNumber int64
	Reason   string
}

// Validate trims texts and reports all field errors at once.
func (in *PolicyRollback) Validate() error {
	var c input.Checks
	c.Version("input.toNumber", in.ToNumber)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// RoleCreate makes a role of the tenant's own.
type RoleCreate struct {
	Key, NameZH, NameEN string
	ParentKey           *string // the role whose rules it has besides its own
	Template            *string // the shipped role that it was made from
	Company             *uuid.UUID
}

// Validate trims texts and reports all field errors at once.
func (in *RoleCreate) Validate() error {
	var c input.Checks
	in.Key = c.Line("input.key", in.Key, 63)
	if in.Key != "" && !roleKey.MatchString(in.Key) {
		c.Refuse("input.key", "ROLE_KEY_MALFORMED", "角色键须以小写字母开头，只含小写字母、数字与下划线，2 至 63 个字符", "a role key is 2 to 63 lower-case letters, digits and underscores, a letter first")
	}
	in.NameZH = c.Line("input.nameZh", in.NameZH, 100)
	in.NameEN = c.Line("input.nameEn", in.NameEN, 100)
	in.ParentKey = c.OptionalLine("input.parentKey", in.ParentKey, 63)
	in.Template = c.OptionalLine("input.template", in.Template, 64)
	return c.Err()
}

// RoleRetire ends a role that nobody holds.
type RoleRetire struct {
	Role            uuid.UUID
	ExpectedVersion int64
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *RoleRetire) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}
