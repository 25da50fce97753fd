package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// question is a verb on a noun, as the sheets write it: "client#list reveal".
type question struct {
	object policy.Object
	verb   policy.Action
}

func (q question) String() string { return string(q.object) + " " + string(q.verb) }

// alternative is one way in which a role may: a scope, the classes that a grant needs, a condition.
type alternative struct {
	scope     string
	classes   policy.ClassSet
	condition []comparison
}

type comparison struct {
	field, op, value string
	number           int // the value of a field class
}

// sheet is what all files say: question -> role -> ways. A role without a way may not.
type sheet map[question]map[string][]alternative

type sheetFile struct {
	Noun  string `yaml:"noun"`
	Cells []struct {
		Verbs  []string            `yaml:"verbs"`
		May    map[string][]string `yaml:"may"`
		Denied []string            `yaml:"denied"`
	} `yaml:"cells"`
}

func readSheet(t testing.TB) sheet {
	t.Helper()
	paths, err := filepath.Glob("../../policy/testdata/matrix/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sheets: %v", err)
	}
	out := sheet{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f sheetFile
		if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, cell := range f.Cells {
			for _, v := range cell.Verbs {
				noun, verb, _ := strings.Cut(v, " ")
				q := question{policy.Object(noun), policy.Action(verb)}
				out[q] = map[string][]alternative{}
				for way, roles := range cell.May {
					a, err := parseAlternative(q, way)
					if err != nil {
						t.Fatalf("%s: %s: %v", path, v, err)
					}
					for _, r := range roles {
						out[q][r] = append(out[q][r], a)
					}
				}
			}
		}
	}
	return out
}

// parseAlternative reads "GRANTED L0,L1 if grade = VIP & kind != KEY".
func parseAlternative(q question, way string) (_ alternative, err error) {
	head, condition, conditional := strings.Cut(way, " if ")
	scope, classes, listed := strings.Cut(head, " ")
	a := alternative{scope: scope}
	if _, err := policy.ParseScope(scope); err != nil {
		return a, err
	}
	class, isGroup := policy.ClassOf(q.object)
	switch {
	case isGroup:
		a.classes = class.Set()
	case listed:
		for _, name := range strings.Split(classes, ",") {
			c, err := policy.ParseClass(name)
			if err != nil {
				return a, err
			}
			a.classes |= c.Set()
		}
	case q.object == policy.OnClient:
		a.classes = policy.AllClasses
	default: // a grant on the client opens what belongs to it as far as it names a class that stands there
		for _, e := range policy.Catalogue() {
			for _, g := range e.Groups {
				if e.Object == q.object {
					a.classes |= g.Class.Set()
				}
			}
		}
	}
	if !conditional {
		return a, nil
	}
	for _, part := range strings.Split(condition, " & ") {
		words := strings.Fields(part)
		if len(words) != 3 || words[1] != "=" && words[1] != "!=" && (words[1] != "<=" || words[0] != "class") {
			return a, fmt.Errorf("condition %q: this run reads = and !=, and <= of a class", part)
		}
		c := comparison{field: words[0], op: words[1], value: words[2]}
		if c.field == "class" {
			if c.number, err = strconv.Atoi(c.value); err != nil {
				return a, fmt.Errorf("condition %q: %w", part, err)
			}
		}
		a.condition = append(a.condition, c)
	}
	return a, nil
}

// facts are what scopes and conditions may speak of: where a row stands and whose it is, as it was placed.
type facts struct {
	company, department uuid.UUID
	person              uuid.UUID // owner of a client or contract; subject of anything else
	grade, kind, state  string
	kinds               []string // of the client
	team                []uuid.UUID
	distributed         []uuid.UUID                   // departments
	granted             map[uuid.UUID]policy.ClassSet // staff -> classes, in force
	class               policy.Class                  // of an original's content; of a borrowing the highest among its items
	classed             bool                          // there is such a class
	holder              uuid.UUID                     // staff who has the original in his hands now
}

// person is one who asks.
type person struct {
	role, token                 string
	staff, account              uuid.UUID
	company, department         uuid.UUID
	subordinates                []uuid.UUID
	departmentTree, companyTree []uuid.UUID // with his own
}

// may tells what the sheets say.
func (s sheet) may(q question, p *person, f *facts) bool {
	return slices.ContainsFunc(s[q][p.role], func(a alternative) bool { return a.reaches(q, p, f) && a.holds(q, f) })
}

// ever tells whether the sheets give the role any row at all.
func (s sheet) ever(q question, p *person) bool {
	return slices.ContainsFunc(s[q][p.role], func(a alternative) bool { return a.scope != "PARTNERSHIP" })
}

func (a alternative) reaches(q question, p *person, f *facts) bool {
	some := func(id uuid.UUID, among []uuid.UUID) bool { return id != uuid.Nil && slices.Contains(among, id) }
	switch a.scope {
	case "SELF":
		return some(f.person, []uuid.UUID{p.staff})
	case "SUBORDINATES":
		return some(f.person, append([]uuid.UUID{p.staff}, p.subordinates...))
	case "CLIENT_TEAM":
		return some(p.staff, f.team)
	case "DEPT":
		return some(f.department, []uuid.UUID{p.department})
	case "DEPT_TREE":
		return some(f.department, p.departmentTree)
	case "DISTRIBUTED":
		return some(p.department, f.distributed)
	case "COMPANY":
		return some(f.company, []uuid.UUID{p.company})
	case "COMPANY_TREE":
		return some(f.company, p.companyTree)
	case "TENANT":
		return true
	case "GRANTED": // of an original: lent, whatever was granted on its client
		if entity, _ := policy.EntityOf(q.object); entity == policy.OnOriginal {
			return some(f.holder, []uuid.UUID{p.staff})
		}
		return f.granted[p.staff]&a.classes != 0
	}
	return false // PARTNERSHIP: nothing is disclosed
}

func (a alternative) holds(q question, f *facts) bool {
	entity, _ := policy.EntityOf(q.object)
	for _, c := range a.condition {
		var is bool
		switch field := strings.TrimPrefix(c.field, "client"); {
		case field == "Kind" || field == "kind" && entity == policy.OnClient:
			is = slices.Contains(f.kinds, c.value)
		case field == "Grade" || field == "grade":
			is = f.grade == c.value
		case field == "kind":
			is = f.kind == c.value
		case field == "state":
			is = f.state == c.value
		case field == "class":
			if !f.classed {
				return false
			}
			is = int(f.class) == c.number || c.op == "<=" && int(f.class) < c.number
		default:
			panic("this run does not know the condition field " + c.field)
		}
		if is == (c.op == "!=") {
			return false
		}
	}
	return true
}
