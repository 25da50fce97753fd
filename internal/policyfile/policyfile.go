// Package policyfile owns the written form of a policy version: YAML that an administrator keeps in a repository of his own.
// It does not own what a rule means (policy) nor how a version comes into force (policyadmin): it reads, writes and compares.
package policyfile

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"

	"github.com/clientele/clientele/policy"
)

// Policy is what files say, or what a version is.
type Policy struct {
	Rules   []Rule
	Classes policy.Classes
	// Conflicts are the duty conflicts; Governs tells that the files list them, be it none. Files that do not leave them as they are.
	Conflicts []Conflict
	Governs   bool
	Tests     []Test
}

// Place is where something stands; the zero value is no file.
type Place struct {
	File string
	Line int
}

// Rule is a line of the policy. Its number is not part of it: files name rules by what they say.
type Rule struct {
	policy.Rule
	Place
}

// Conflict says that two acts must not be in one hand. Its order among the others is not part of it.
type Conflict struct {
	policy.DutyConflict
	Place
}

// Test is an assertion of a file. With Expectation (NEVER, ALWAYS) it is about everybody of a kind and rows of a kind, as the tenant's
// own policy tests are; without one it says what one person may or may not do, about one row or none. Ids are in their API form.
type Test struct {
	Place
	Name, Staff, Object, Action string

	About string
	Allow bool

	Expectation, Role, StaffDepartment, RowCompany, RowDepartment, RowCondition, RowOwn, Clause string
}

// content is a rule as files tell rules apart: everything but its id and number.
func content(r policy.Rule) policy.Rule {
	r.ID, r.Seq = uuid.Nil, 0
	r.ValidFrom, r.ValidUntil = r.ValidFrom.UTC(), r.ValidUntil.UTC()
	return r
}

// Difference is what a version lacks and has too much compared with files.
type Difference struct {
	Add     []Rule
	Remove  []policy.Rule // rules of the version, with their numbers
	Classes policy.Classes
	// A conflict that means something else in the files is removed and added.
	AddConflicts    []Conflict
	RemoveConflicts []policy.DutyConflict
}

// Empty tells whether files and version say the same.
func (d Difference) Empty() bool {
	return len(d.Add)+len(d.Remove)+len(d.Classes)+len(d.AddConflicts)+len(d.RemoveConflicts) == 0
}

// Compare gives what would turn the version into what the files say. Order does not count; a rule that stands twice counts twice.
func Compare(version, files Policy) Difference {
	var d Difference
	have := map[policy.Rule]int{}
	for _, r := range version.Rules {
		have[content(r.Rule)]++
	}
	for _, r := range files.Rules {
		if c := content(r.Rule); have[c] > 0 {
			have[c]--
		} else {
			d.Add = append(d.Add, r)
		}
	}
	for _, r := range slices.Backward(version.Rules) {
		if c := content(r.Rule); have[c] > 0 {
			have[c]--
			d.Remove = append(d.Remove, r.Rule)
		}
	}
	slices.Reverse(d.Remove)
	for _, e := range policy.Catalogue() {
		for _, g := range e.Groups {
			was, _ := version.Classes.Of(g.Object)
			if will, _ := files.Classes.Of(g.Object); was != will {
				if d.Classes == nil {
					d.Classes = policy.Classes{}
				}
				d.Classes[g.Object] = will
			}
		}
	}
	if files.Governs {
		d.AddConflicts, d.RemoveConflicts = compareConflicts(version.Conflicts, files.Conflicts)
	}
	return d
}

func compareConflicts(version, files []Conflict) (add []Conflict, remove []policy.DutyConflict) {
	in := func(all []Conflict, c policy.DutyConflict) bool {
		return slices.ContainsFunc(all, func(o Conflict) bool { return o.DutyConflict == c })
	}
	for _, c := range files {
		if !in(version, c.DutyConflict) {
			add = append(add, c)
		}
	}
	for _, c := range version {
		if !in(files, c.DutyConflict) {
			remove = append(remove, c.DutyConflict)
		}
	}
	return add, remove
}

// Write gives the YAML of a version. title stands above it as a comment.
func Write(p Policy, title string) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: title}
	put := func(to *yaml.Node, key string, value *yaml.Node) {
		to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	}
	text := func(s string) *yaml.Node {
		n := &yaml.Node{}
		n.SetString(s)
		return n
	}
	number := func(v any) *yaml.Node {
		n := &yaml.Node{}
		_ = n.Encode(v) // integers always encode
		return n
	}
	if len(p.Classes) > 0 {
		classes := &yaml.Node{Kind: yaml.MappingNode}
		for _, group := range p.Classes.Groups() {
			put(classes, string(group), number(int(p.Classes[group])))
		}
		put(root, "classes", classes)
	}
	if p.Governs {
		conflicts := &yaml.Node{Kind: yaml.SequenceNode}
		for _, c := range p.Conflicts {
			line := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
			for _, x := range []struct{ key, value string }{{"key", c.Key}, {"actionA", string(c.A)}, {"actionB", string(c.B)}, {"nameZh", c.Label.ZH}, {"nameEn", c.Label.EN}, {"clause", c.Source}} {
				if x.value != "" {
					put(line, x.key, text(x.value))
				}
			}
			conflicts.Content = append(conflicts.Content, line)
		}
		put(root, "conflicts", conflicts)
	}
	rules := &yaml.Node{Kind: yaml.SequenceNode}
	role := ""
	for _, r := range p.Rules {
		line := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		if r.Role != role {
			role = r.Role
			line.HeadComment = role
			if label, ok := policy.RoleLabel(role); ok {
				line.HeadComment = label.ZH + " " + label.EN
			}
		}
		put(line, "role", text(r.Role))
		put(line, "object", text(string(r.Object)))
		put(line, "action", text(string(r.Action)))
		put(line, "scope", text(r.Scope.String()))
		if r.Classes != 0 {
			classes := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for _, c := range r.Classes.List() {
				classes.Content = append(classes.Content, number(int(c)))
			}
			put(line, "classes", classes)
		}
		if r.Effect == policy.Deny {
			put(line, "effect", text("deny"))
		}
		for _, x := range []struct {
			key string
			at  time.Time
		}{{"validFrom", r.ValidFrom}, {"validUntil", r.ValidUntil}} {
			if !x.at.IsZero() {
				put(line, x.key, text(x.at.UTC().Format(time.RFC3339Nano)))
			}
		}
		for _, x := range []struct{ key, value string }{{"condition", r.Condition}, {"clause", r.Clause}, {"note", r.Note}} {
			if x.value != "" {
				put(line, x.key, text(x.value))
			}
		}
		rules.Content = append(rules.Content, line)
	}
	put(root, "rules", rules)
	return yaml.Marshal(root)
}
