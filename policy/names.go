package policy

import (
	"fmt"
	"strings"
)

// scopeNames are the stored and shown forms, by Scope.
var scopeNames = [...]string{
	Self: "SELF", Subordinates: "SUBORDINATES", ClientTeam: "CLIENT_TEAM", Dept: "DEPT", DeptTree: "DEPT_TREE", Distributed: "DISTRIBUTED",
	Company: "COMPANY", CompanyTree: "COMPANY_TREE", Tenant: "TENANT", Granted: "GRANTED", Partnership: "PARTNERSHIP",
}

// ParseScope reads the stored form, e.g. "DEPT_TREE". Nothing else is accepted: a misspelt scope must not be stored.
func ParseScope(s string) (Scope, error) {
	for i, n := range scopeNames {
		if n != "" && n == s {
			return Scope(i), nil
		}
	}
	return 0, fmt.Errorf("policy: unknown scope %q", s)
}

// String gives the stored form.
func (s Scope) String() string {
	if s.known() {
		return scopeNames[s]
	}
	return fmt.Sprintf("Scope(%d)", uint8(s))
}

func (s Scope) known() bool { return s >= Self && int(s) < len(scopeNames) }

// Scopes lists all scopes.
func Scopes() []Scope {
	out := make([]Scope, 0, len(scopeNames))
	for s := Self; s.known(); s++ {
		out = append(out, s)
	}
	return out
}

// ParseEffect reads the stored form, "allow" or "deny", and nothing else.
func ParseEffect(s string) (Effect, error) {
	switch s {
	case "allow":
		return Allow, nil
	case "deny":
		return Deny, nil
	}
	return 0, fmt.Errorf("policy: unknown effect %q", s)
}

// String gives the stored form.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "allow"
	case Deny:
		return "deny"
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}

// String gives "L3".
func (c Class) String() string { return fmt.Sprintf("L%d", uint8(c)) }

// ParseClass reads "L0" to "L7".
func ParseClass(s string) (Class, error) {
	if len(s) == 2 && s[0] == 'L' && s[1] >= '0' && s[1] < '0'+byte(NumClasses) {
		return Class(s[1] - '0'), nil
	}
	return 0, fmt.Errorf("policy: unknown field class %q", s)
}

// List gives the classes of the set in order.
func (s ClassSet) List() []Class {
	var out []Class
	for c := Class(0); c < NumClasses; c++ {
		if s.Has(c) {
			out = append(out, c)
		}
	}
	return out
}

// String gives "L0,L1,L3"; "" for the empty set.
func (s ClassSet) String() string {
	var parts []string
	for _, c := range s.List() {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, ",")
}
