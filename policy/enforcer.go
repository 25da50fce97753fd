package policy

import (
	_ "embed" // the model file
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/rbac"
	"github.com/google/uuid"
)

//go:embed model.conf
var modelConf string

// Enforcer is the reference judge: casbin deciding by model.conf over the same policy version. It is some thousand
// times slower than Rights.Decide and must always give the same answer; control-plane acts ask both.
//
// Scopes are judged here from the row upwards (walking parents), in Rights from the person downwards (lists of ids):
// two ways to the same answer, so that a mistake in one shows as a difference.
type Enforcer struct {
	casbin *casbin.Enforcer
	tenant uuid.UUID
	conds  map[string][]Comparison // by entity and stored form
}

// ErrIncomplete says that a question was refused because a part of it is missing or foreign.
var ErrIncomplete = errors.New("policy: incomplete or foreign request")

// subject is who asks, with the place and time of asking: the sub of model.conf.
type subject struct {
	*Principal
	org *Org
	now time.Time
}

// Enforcer builds casbin's judge of this policy version for a tenant: some hundred KiB, for whoever asks many questions at once.
func (t *Table) Enforcer(tenant uuid.UUID) (*Enforcer, error) {
	return t.enforcer(tenant, 0, len(words.keys))
}

// enforcer builds a judge of the questions from first up to, not including, end. No line of another question can be met by them.
func (t *Table) enforcer(tenant uuid.UUID, first, end int) (*Enforcer, error) {
	if tenant == uuid.Nil || len(t.starts) <= end || t.starts[first] == t.starts[end] { // casbin may say yes where no line is
		return nil, ErrIncomplete
	}
	m, err := model.NewModelFromString(modelConf)
	if err != nil {
		return nil, fmt.Errorf("policy: model: %w", err)
	}
	ce, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("policy: enforcer: %w", err)
	}
	e := &Enforcer{casbin: ce, tenant: tenant, conds: map[string][]Comparison{}}
	dom := tenant.String()
	lines := make([][]string, 0, t.starts[end]-t.starts[first])
	for n := first; n < end; n++ {
		key, entity := words.keys[n], string(words.on[n])
		for _, l := range t.cell(n) {
			rule := &t.rules[l]
			parsed, valid := t.cond(rule), t.valid(rule)
			cond := canonical(parsed)
			e.conds[entity+":"+cond] = parsed
			lines = append(lines, []string{
				t.roles[rule.role].Value(), dom, string(key.obj), string(key.act), rule.scope().String(),
				strconv.Itoa(int(t.mask(n, rule))), cond, formatTime(valid.from), formatTime(valid.until), rule.effect().String(),
			})
		}
	}
	if _, err := ce.AddPoliciesEx(lines); err != nil { // Ex: equal lines are one line
		return nil, fmt.Errorf("policy: lines: %w", err)
	}
	if len(t.parents) > 0 {
		pairs := make([][]string, len(t.parents))
		for i, p := range t.parents {
			pairs[i] = []string{t.roles[p[0]].Value(), t.roles[p[1]].Value(), dom}
		}
		if _, err := ce.AddGroupingPoliciesEx(pairs); err != nil {
			return nil, fmt.Errorf("policy: inheritance: %w", err)
		}
	}
	e.addFunctions(ce.GetRoleManager())
	return e, nil
}

// Enforce answers as Rights.Decide does. Any error means no.
//
// SECURITY: empty parts, unknown names and foreign tenants never reach casbin, which would answer yes to some of them.
func (e *Enforcer) Enforce(p *Principal, o *Org, now time.Time, obj Object, act Action, row *Row) (bool, error) {
	if p == nil || o == nil || row == nil || !Known(obj, act) || p.Tenant != e.tenant || o.tenant != e.tenant {
		return false, ErrIncomplete
	}
	ok, err := e.casbin.Enforce(&subject{p, o, now}, p.Tenant.String(), string(obj), string(act), row)
	return ok && err == nil, err
}

// addFunctions gives the matcher its words. A panic inside casbin's evaluation becomes an error there, hence a no.
func (e *Enforcer) addFunctions(roles rbac.RoleManager) {
	e.casbin.AddFunction("mayAsk", func(a ...any) (any, error) {
		s := a[0].(*subject)
		return !s.Suspended && s.tokenAllows(Action(a[1].(string))), nil
	})
	e.casbin.AddFunction("during", func(a ...any) (any, error) {
		from, err := parseTime(a[1].(string))
		if err != nil {
			return false, err
		}
		until, err := parseTime(a[2].(string))
		return err == nil && inForce(from, until, a[0].(*subject).now), err
	})
	e.casbin.AddFunction("reaches", func(a ...any) (any, error) {
		s, role, dom, row := a[0].(*subject), a[1].(string), a[2].(string), a[4].(*Row)
		scope, err := ParseScope(a[5].(string))
		if err != nil {
			return false, err
		}
		mask, err := strconv.Atoi(a[6].(string))
		if err != nil {
			return false, err
		}
		entity := words.entities[Object(a[3].(string))].Object
		for i := range s.Bindings {
			b := &s.Bindings[i]
			if !inForce(b.From, b.Until, s.now) {
				continue
			}
			has, err := roles.HasLink(b.Role, role, dom)
			if err != nil {
				return false, err
			}
			if has && s.reaches(scope, ClassSet(mask), entity, b, row) {
				return true, nil
			}
		}
		return false, nil
	})
	e.casbin.AddFunction("holds", func(a ...any) (any, error) {
		deny := a[3].(string) == Deny.String()
		cond, ok := e.conds[string(words.entities[Object(a[0].(string))].Object)+":"+a[2].(string)]
		if !ok { // a condition nobody parsed: met on a deny line, not met on an allow line
			return deny, nil
		}
		row := a[1].(*Row)
		for i := range cond {
			if !cond[i].holds(row, deny) {
				return false, nil
			}
		}
		return true, nil
	})
}

// reaches judges one scope from the row's side.
func (s *subject) reaches(scope Scope, mask ClassSet, entity Object, b *Binding, row *Row) bool {
	person := uuid.UUID(personOf(entity, row))
	switch scope {
	case Self:
		return person != uuid.Nil && person == s.Staff
	case Subordinates:
		return s.isAbove(person, map[uuid.UUID]bool{})
	case ClientTeam:
		return s.Staff != uuid.Nil && row.OnTeam
	case Dept:
		return s.standsIn(b, row.Department)
	case DeptTree:
		for d := row.Department; d != uuid.Nil; d = s.org.parentDepartment(d) {
			if s.standsIn(b, d) {
				return true
			}
		}
	case Distributed:
		return slices.ContainsFunc(row.DistributedTo, func(d uuid.UUID) bool { return s.standsIn(b, d) })
	case Company:
		return s.standsInCompany(b, row.Company)
	case CompanyTree:
		for c := row.Company; c != uuid.Nil; c = s.org.parentCompany(c) {
			if s.standsInCompany(b, c) {
				return true
			}
		}
	case Tenant:
		return true
	case Granted:
		if entity == OnOriginal {
			return s.Staff != uuid.Nil && row.Borrowed
		}
		return s.Staff != uuid.Nil && row.Granted&mask != 0
	}
	return false
}

// isAbove climbs from a person by superiors of current employments.
func (s *subject) isAbove(person uuid.UUID, seen map[uuid.UUID]bool) bool {
	if person == uuid.Nil || s.Staff == uuid.Nil || seen[person] {
		return false
	}
	if person == s.Staff {
		return true
	}
	seen[person] = true
	return slices.ContainsFunc(s.org.Employments(person, s.now), func(e OrgEmployment) bool { return s.isAbove(e.Superior, seen) })
}

func (s *subject) standsIn(b *Binding, department uuid.UUID) bool {
	company, known := s.org.companyOf(department)
	if department == uuid.Nil {
		return false
	}
	if b.Department != uuid.Nil {
		return known && department == b.Department && (b.Company == uuid.Nil || b.Company == company)
	}
	if b.Company != uuid.Nil && !s.org.hasCompany(b.Company) {
		return false
	}
	return slices.ContainsFunc(s.org.Employments(s.Staff, s.now), func(e OrgEmployment) bool {
		return e.Department == department && (b.Company == uuid.Nil || e.Company == b.Company)
	})
}

func (s *subject) standsInCompany(b *Binding, company uuid.UUID) bool {
	if company == uuid.Nil {
		return false
	}
	if b.Department != uuid.Nil {
		return s.org.CompanyOf(b.Department) == company && (b.Company == uuid.Nil || b.Company == company)
	}
	if b.Company != uuid.Nil {
		return b.Company == company && s.org.hasCompany(company)
	}
	return slices.ContainsFunc(s.org.Employments(s.Staff, s.now), func(e OrgEmployment) bool { return e.Company == company })
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}
