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

// Codes of warnings.
const (
	WarnDuplicate   = "DUPLICATE"     // the same rule stands in the version before it
	WarnShadowed    = "SHADOWED"      // another rule allows or denies at least as much
	WarnAlwaysDeny  = "ALWAYS_DENIED" // a Deny takes all that the rule allows
	WarnRoleUnheld  = "ROLE_UNHELD"   // nobody holds the role now
	WarnClassEmpty  = "CLASS_EMPTY"   // no field group has a class of the rule in this version: it does nothing
	WarnRoleRetired = "ROLE_RETIRED"  // the role is retired or does not exist: the rule does nothing
)

// Warning is something about a line that is lawful and probably not meant.
type Warning struct {
	Code    string
	Rule    uuid.UUID
	Seq     int
	Message policy.Text
}

// PolicyLint: permission policy.read. Warnings about the lines that a version has and its base has not, and about those that
// these lines make superfluous. NOT_FOUND.
func (s *Service) PolicyLint(ctx context.Context, session *tenancy.Session, version uuid.UUID) (out []Warning, err error) {
	return s.lint(ctx, session, question{"policy.lint", Object{typeVersion, version}}, version)
}

// DraftWarnings is PolicyLint for the answer to a draft: nobody has asked, so no refusal is audited.
func (s *Service) DraftWarnings(ctx context.Context, session *tenancy.Session, version uuid.UUID) ([]Warning, error) {
	return s.lint(ctx, session, question{}, version)
}

func (s *Service) lint(ctx context.Context, session *tenancy.Session, q question, version uuid.UUID) (out []Warning, err error) {
	err = s.asking(ctx, session, q, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if err := mayReadRules(rights); err != nil {
			return err
		}
		v, err := versionByID(ctx, tx, version)
		if err != nil {
			return err
		}
		if v == nil {
			return fault.NotFound(typeVersion)
		}
		rules, err := access.Rules(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		var base []policy.Rule
		if v.BaseNumber != nil {
			b, err := versionNumbered(ctx, tx, *v.BaseNumber)
			if err != nil {
				return err
			}
			if b != nil {
				if base, err = access.Rules(ctx, tx, b.ID); err != nil {
					return err
				}
			}
		}
		l, err := newLinter(ctx, tx)
		if err != nil {
			return err
		}
		if l.classes, err = access.Classes(ctx, tx, v.ID); err != nil {
			return err
		}
		out = l.lint(base, rules)
		return nil
	})
	return out, err
}

// linter knows the roles: who inherits from whom, which are active and which somebody holds.
type linter struct {
	parents map[string]string
	active  map[string]bool
	held    map[string]bool
	classes policy.Classes
}

func newLinter(ctx context.Context, tx *tenancy.Tx) (*linter, error) {
	l := &linter{parents: map[string]string{}, active: map[string]bool{}, held: map[string]bool{}}
	roles, err := rolesByKey(ctx, tx)
	if err != nil {
		return nil, err
	}
	for key, r := range roles {
		l.active[key] = r.State == stateActive
	}
	inherits, err := access.Inherits(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, pair := range inherits {
		l.parents[pair[0]] = pair[1]
	}
	holders, err := access.Holders(ctx, tx, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range holders {
		for _, b := range h.Bindings {
			if b.From.After(tx.Now()) || !b.Until.IsZero() && !b.Until.After(tx.Now()) {
				continue
			}
			for _, key := range l.line(b.Role) {
				l.held[key] = true
			}
		}
	}
	return l, nil
}

// line is a role and all that it inherits from.
func (l *linter) line(role string) (keys []string) {
	for role != "" && !slices.Contains(keys, role) {
		keys = append(keys, role)
		role = l.parents[role]
	}
	return keys
}

func (l *linter) lint(base, rules []policy.Rule) []Warning {
	added, _ := compare(base, rules)
	fresh := map[int]bool{}
	for _, r := range added {
		fresh[r.Seq] = true
	}
	var out []Warning
	warn := func(code string, r *policy.Rule, zh, en string) {
		out = append(out, Warning{code, r.ID, r.Seq, policy.Text{ZH: zh, EN: en}})
	}
	for i := range rules {
		r := &rules[i]
		if len(l.classes.Targets(r)) == 0 { // every line, changed or not: a reclassification empties classes of old ones
			warn(WarnClassEmpty, r, "本版本没有此密级的字段组，规则不起作用", "no field group has these classes in this version: the rule does nothing")
		}
		if fresh[r.Seq] {
			switch {
			case !l.active[r.Role]:
				warn(WarnRoleRetired, r, "角色已停用或不存在，规则不起作用", "the role is retired or does not exist: the rule does nothing")
			case !l.held[r.Role]:
				warn(WarnRoleUnheld, r, "目前无人持有该角色", "nobody holds the role now")
			}
		}
		for k := range rules {
			by := &rules[k]
			if k == i || !fresh[r.Seq] && !fresh[by.Seq] {
				continue
			}
			if meaning(*r) == meaning(*by) {
				if k < i {
					warn(WarnDuplicate, r, "与另一条规则完全相同", "the same rule stands in the version already")
					break
				}
				continue
			}
			if !l.covers(by, r) {
				continue
			}
			if by.Effect == policy.Deny && r.Effect == policy.Allow {
				warn(WarnAlwaysDeny, r, "被另一条拒绝规则完全覆盖，永不生效", "another rule denies all that it allows")
				break
			}
			if by.Effect == r.Effect {
				warn(WarnShadowed, r, "另一条规则已包含其全部范围", "another rule reaches at least as far")
				break
			}
		}
	}
	return out
}

// covers tells whether a rule speaks of everything that another speaks of: same action, at least its objects, a role that
// the other's role is or inherits from, and the whole tenant at all times without condition.
func (l *linter) covers(wide, narrow *policy.Rule) bool {
	if wide.Action != narrow.Action || wide.Scope != policy.Tenant || wide.Condition != "" || !wide.ValidFrom.IsZero() || !wide.ValidUntil.IsZero() {
		return false
	}
	if !slices.Contains(l.line(narrow.Role), wide.Role) {
		return false
	}
	reached := l.classes.Targets(wide)
	return !slices.ContainsFunc(l.classes.Targets(narrow), func(o policy.Object) bool { return !slices.Contains(reached, o) })
}
