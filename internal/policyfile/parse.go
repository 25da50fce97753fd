package policyfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/clientele/clientele/policy"
)

// Problem is something wrong at a line of a file. A warning stops nothing.
type Problem struct {
	Place
	Code    string
	Message policy.Text
	Warning bool
}

func (p Problem) String() string {
	kind := "error"
	if p.Warning {
		kind = "warning"
	}
	return fmt.Sprintf("%s:%d: %s: %s: %s · %s", p.File, p.Line, kind, p.Code, p.Message.ZH, p.Message.EN)
}

// parser reads one file and keeps all that is wrong with it.
type parser struct {
	file string
	out  *Policy
	bad  []Problem
}

func (p *parser) fail(n *yaml.Node, code, zh, en string) {
	p.bad = append(p.bad, Problem{Place{p.file, n.Line}, code, policy.Text{ZH: zh, EN: en}, false})
}

// Parse adds what a file says to out. Comments mean nothing; a key that the form does not have is a problem, not a comment.
func Parse(file string, data []byte, out *Policy) []Problem {
	p := &parser{file: file, out: out}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		line := 1
		_, _ = fmt.Sscanf(err.Error(), "yaml: line %d:", &line)
		return []Problem{{Place{file, line}, "NOT_YAML", policy.Text{ZH: err.Error(), EN: err.Error()}, false}}
	}
	if doc.Kind == 0 {
		return nil // an empty file says nothing
	}
	p.mapping(doc.Content[0], map[string]func(*yaml.Node){
		"classes": p.classes,
		"conflicts": func(n *yaml.Node) {
			p.out.Governs = true
			p.sequence(n, p.conflict)
		},
		"rules": func(n *yaml.Node) { p.sequence(n, p.rule) },
		"tests": func(n *yaml.Node) { p.sequence(n, p.test) },
	})
	return p.bad
}

func (p *parser) mapping(n *yaml.Node, keys map[string]func(*yaml.Node)) (given []string) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "NOT_A_MAPPING", "此处应为键值对", "keys with values are wanted here")
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, known := keys[key.Value]
		switch {
		case !known:
			p.fail(key, "UNKNOWN_KEY", "没有键 "+key.Value, "there is no key "+key.Value)
		case slices.Contains(given, key.Value):
			p.fail(key, "KEY_TWICE", "键重复："+key.Value, "the key stands twice: "+key.Value)
		default:
			given = append(given, key.Value)
			read(value)
		}
	}
	return given
}

func (p *parser) sequence(n *yaml.Node, each func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "NOT_A_LIST", "此处应为列表", "a list is wanted here")
		return
	}
	for _, x := range n.Content {
		each(x)
	}
}

func (p *parser) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			p.fail(n, "NOT_A_TEXT", "此处应为文本", "a text is wanted here")
			return
		}
		if n.Tag != "!!null" {
			*into = strings.TrimSpace(n.Value)
		}
	}
}

func (p *parser) class(n *yaml.Node) (policy.Class, bool) {
	var c int
	if n.Kind != yaml.ScalarNode || n.Decode(&c) != nil || c < 0 || c >= int(policy.NumClasses) {
		p.fail(n, "CLASS_UNKNOWN", "字段密级为 0 至 7", "field classes are 0 to 7")
		return 0, false
	}
	return policy.Class(c), true
}

func (p *parser) classes(n *yaml.Node) {
	keys := map[string]func(*yaml.Node){}
	for _, e := range policy.Catalogue() {
		for _, g := range e.Groups {
			keys[string(g.Object)] = func(n *yaml.Node) {
				class, ok := p.class(n)
				if _, twice := p.out.Classes[g.Object]; twice {
					p.fail(n, "KEY_TWICE", "字段组在其他文件中已定级", "another file classes the group too")
				} else if ok {
					p.out.Classes = p.out.Classes.With(policy.Classes{g.Object: class})
				}
			}
		}
	}
	p.mapping(n, keys)
}

func (p *parser) instant(into *time.Time) func(*yaml.Node) {
	return func(n *yaml.Node) {
		at, err := time.Parse(time.RFC3339Nano, n.Value)
		if err != nil {
			p.fail(n, "TIME_MALFORMED", "时间格式为 2026-01-31T00:00:00+08:00", "a time reads 2026-01-31T00:00:00+08:00")
			return
		}
		*into = at.UTC().Truncate(time.Microsecond)
	}
}

func (p *parser) rule(n *yaml.Node) {
	r := Rule{Place: Place{p.file, n.Line}}
	r.Effect = policy.Allow
	var object, action, scope string
	given := p.mapping(n, map[string]func(*yaml.Node){
		"role": p.text(&r.Role), "object": p.text(&object), "action": p.text(&action),
		"scope": func(n *yaml.Node) {
			p.text(&scope)(n)
			var err error
			if r.Scope, err = policy.ParseScope(scope); err != nil {
				p.fail(n, "SCOPE_UNKNOWN", "没有范围 "+scope, "there is no scope "+scope)
			}
		},
		"classes": func(n *yaml.Node) {
			p.sequence(n, func(n *yaml.Node) {
				if c, ok := p.class(n); ok {
					r.Classes |= c.Set()
				}
			})
		},
		"effect": func(n *yaml.Node) {
			var effect string
			p.text(&effect)(n)
			var err error
			if r.Effect, err = policy.ParseEffect(effect); err != nil {
				p.fail(n, "EFFECT_UNKNOWN", "效果为 allow 或 deny", "an effect is allow or deny")
			}
		},
		"validFrom": p.instant(&r.ValidFrom), "validUntil": p.instant(&r.ValidUntil),
		"condition": p.text(&r.Condition), "clause": p.text(&r.Clause), "note": p.text(&r.Note),
	})
	r.Object, r.Action = policy.Object(object), policy.Action(action)
	if p.needs(n, given, "role", "object", "action", "scope") {
		p.out.Rules = append(p.out.Rules, r)
	}
}

func (p *parser) conflict(n *yaml.Node) {
	c := Conflict{Place: Place{p.file, n.Line}}
	var a, b string
	given := p.mapping(n, map[string]func(*yaml.Node){
		"key": p.text(&c.Key), "actionA": p.text(&a), "actionB": p.text(&b), "nameZh": p.text(&c.Label.ZH), "nameEn": p.text(&c.Label.EN), "clause": p.text(&c.Source),
	})
	c.A, c.B = policy.Action(a), policy.Action(b)
	if p.needs(n, given, "key", "actionA", "actionB", "nameZh", "nameEn") {
		p.out.Conflicts = append(p.out.Conflicts, c)
	}
}

func (p *parser) test(n *yaml.Node) {
	t := Test{Place: Place{p.file, n.Line}}
	given := p.mapping(n, map[string]func(*yaml.Node){
		"name": p.text(&t.Name), "staff": p.text(&t.Staff), "object": p.text(&t.Object), "action": p.text(&t.Action), "about": p.text(&t.About),
		"role": p.text(&t.Role), "staffDepartment": p.text(&t.StaffDepartment), "rowCompany": p.text(&t.RowCompany), "rowDepartment": p.text(&t.RowDepartment),
		"rowCondition": p.text(&t.RowCondition), "rowOwn": p.text(&t.RowOwn), "clause": p.text(&t.Clause),
		"expect": func(n *yaml.Node) {
			switch n.Value {
			case "allow", "deny":
				t.Allow = n.Value == "allow"
			case "NEVER", "ALWAYS":
				t.Expectation = n.Value
			default:
				p.fail(n, "EXPECT_UNKNOWN", "expect 为 allow、deny、NEVER 或 ALWAYS", "expect is allow, deny, NEVER or ALWAYS")
			}
		},
	})
	if !p.needs(n, given, "name", "object", "action", "expect") {
		return
	}
	if !policy.Known(policy.Object(t.Object), policy.Action(t.Action)) {
		p.fail(n, "UNKNOWN_PERMISSION", "没有此项权限名", "there is no such permission")
		return
	}
	if p.testKeys(n, &t, given) {
		p.out.Tests = append(p.out.Tests, t)
	}
}

// testKeys refuses keys that the kind of assertion does not have, and what it lacks.
func (p *parser) testKeys(n *yaml.Node, t *Test, given []string) bool {
	before := len(p.bad)
	foreign := []string{"about"}
	if t.Expectation == "" {
		foreign = []string{"role", "staffDepartment", "rowCompany", "rowDepartment", "rowCondition", "rowOwn", "clause"}
		p.needs(n, given, "staff")
	}
	for _, key := range foreign {
		if slices.Contains(given, key) {
			p.fail(n, "KEY_NOT_APPLICABLE", "此种断言没有键 "+key, "an assertion of this kind has no key "+key)
		}
	}
	if t.Expectation == "" {
		return len(p.bad) == before
	}
	if t.Role == "" && t.Staff == "" && t.StaffDepartment == "" {
		p.fail(n, "REQUIRED", "须指明角色、员工或部门", "say whom it is about: role, staff or staffDepartment")
	}
	if !slices.Contains([]string{"", "ANY", "OWN", "OTHERS"}, t.RowOwn) {
		p.fail(n, "VALUE_UNKNOWN", "rowOwn 为 ANY、OWN 或 OTHERS", "rowOwn is ANY, OWN or OTHERS")
	}
	if _, err := policy.Meets(policy.Object(t.Object), t.RowCondition); err != nil {
		p.fail(n, "CONDITION_INVALID", "条件无效："+t.RowCondition, "invalid condition: "+err.Error())
	}
	return len(p.bad) == before
}

func (p *parser) needs(n *yaml.Node, given []string, keys ...string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	all := true
	for _, key := range keys {
		if !slices.Contains(given, key) {
			p.fail(n, "REQUIRED", "缺少 "+key, key+" is missing")
			all = false
		}
	}
	return all
}

// Lint judges what files say by the catalogue alone: no database is asked, so that it cannot know a tenant's own roles.
func Lint(p Policy) (out []Problem) {
	at := func(r *Rule, code string, warning bool, zh, en string) {
		out = append(out, Problem{r.Place, code, policy.Text{ZH: zh, EN: en}, warning})
	}
	numbered := make([]policy.Rule, len(p.Rules))
	seen := map[policy.Rule]Place{}
	shipped := map[string]bool{}
	for _, r := range policy.ShippedRoles() {
		shipped[r.Key] = true
	}
	own := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		numbered[i] = r.Rule
		numbered[i].Seq = i + 1
		same := content(r.Rule)
		same.Clause, same.Note = "", ""
		if first, twice := seen[same]; twice {
			at(r, "DUPLICATE", true, fmt.Sprintf("与 %s 第 %d 行相同", first.File, first.Line), fmt.Sprintf("the same rule stands at %s:%d", first.File, first.Line))
		} else {
			seen[same] = r.Place
		}
		if !shipped[r.Role] && !own[r.Role] {
			own[r.Role] = true
			at(r, "ROLE_NOT_SHIPPED", true, "不是出厂角色："+r.Role, "no shipped role: "+r.Role)
		}
		if policy.Known(r.Object, policy.Read) && len(p.Classes.Targets(&r.Rule)) == 0 && len(r.Targets()) > 0 {
			at(r, "CLASS_EMPTY", true, "没有此密级的字段组，规则不起作用", "no field group has these classes: the rule does nothing")
		}
	}
	out = append(out, lintConflicts(p)...)
	if len(p.Rules) == 0 {
		return out // a file of assertions
	}
	if !p.Governs {
		out = append(out, Problem{p.Rules[0].Place, "CONFLICTS_NOT_GIVEN", policy.Text{ZH: "文件未列职责互斥（conflicts），保持不变", EN: "the files list no duty conflicts (conflicts): those stay as they are"}, true})
	}
	var refused *policy.CompileError
	if _, err := policy.CompileWith(0, numbered, nil, p.Classes); errors.As(err, &refused) {
		for _, x := range refused.Problems {
			if x.Seq >= 1 && x.Seq <= len(p.Rules) {
				at(&p.Rules[x.Seq-1], x.Code, false, x.Message.ZH, x.Message.EN)
			} else {
				out = append(out, Problem{Code: x.Code, Message: x.Message})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return out
}

var conflictKey = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// lintConflicts judges duty conflicts by the catalogue. Those that ship may name acts that the catalogue does not have yet.
func lintConflicts(p Policy) (out []Problem) {
	seen := map[string]Place{}
	for _, c := range p.Conflicts {
		bad := func(code, zh, en string) {
			out = append(out, Problem{c.Place, code, policy.Text{ZH: zh, EN: en}, false})
		}
		if first, twice := seen[c.Key]; twice {
			bad("CONFLICT_KEY_TAKEN", fmt.Sprintf("与 %s 第 %d 行的键相同", first.File, first.Line), fmt.Sprintf("the same key stands at %s:%d", first.File, first.Line))
		}
		seen[c.Key] = c.Place
		if !conflictKey.MatchString(c.Key) {
			bad("KEY_MALFORMED", "键须以小写字母开头，只含小写字母、数字与下划线", "a key has lower-case letters, digits and underscores, a letter first")
		}
		shipped := slices.ContainsFunc(policy.ShippedDutyConflicts(), func(o policy.DutyConflict) bool { return o.A == c.A && o.B == c.B })
		for _, a := range []policy.Action{c.A, c.B} {
			if !policy.IsAct(a) && !shipped {
				bad("ACTION_UNKNOWN", "没有此动作："+string(a), "there is no such act: "+string(a))
			}
		}
		if c.A == c.B {
			bad("SAME_ACTION", "两个动作须不同", "the two acts must differ")
		}
	}
	return out
}
