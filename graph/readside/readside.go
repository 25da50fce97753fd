// Package readside owns the one rule that says which types and root fields of the SDL are answered by the compiled
// read gate (internal/read) and which by generated code and services. It does not know tables or columns.
package readside

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// serviceTypes are object types that services compute and resolvers return whole. Every other object type, except
// the roots, payloads, and UserError, is read by the gate.
func serviceTypes() []string {
	return []string{
		"AccessExplanation", "AccessLine", "AccessPath", "AccessPaths", "DownloadLink", "PolicyClassChange", "PolicyComparison", "PolicyEffectOnStaff", "PolicyRuleSentence", "PolicySimulation", "PolicyTestResult", "PolicyWarning",
		"ReachCount", "ReachPreview", "RightsVersions", "UploadTicket",
	}
}

// serviceRoots are Query fields that resolvers answer (computed answers, the person signed in). Every other Query
// field is answered by the gate.
func serviceRoots() []string {
	return []string{"explainAccess", "policyCompare", "policyLint", "policySimulate", "policyTestRun", "reachPreview", "whoCanSee"}
}

// IsServiceType reports whether generated code marshals this object type.
func IsServiceType(name string) bool {
	return name == "UserError" || strings.HasSuffix(name, "Payload") || slices.Contains(serviceTypes(), name)
}

// IsServiceRoot reports whether a resolver answers this Query field.
func IsServiceRoot(field string) bool { return slices.Contains(serviceRoots(), field) }

// Listed gives both lists, for tests that hold them to the schema.
func Listed() (types, roots []string) { return serviceTypes(), serviceRoots() }

// Types gives the names of all types that the gate serves, sorted: objects, and the interfaces and unions whose
// members are all among them.
func Types(s *ast.Schema) []string {
	var names []string
	for name, def := range s.Types {
		if def.BuiltIn || def == s.Query || def == s.Mutation || def == s.Subscription {
			continue
		}
		switch def.Kind {
		case ast.Object:
			if !IsServiceType(name) {
				names = append(names, name)
			}
		case ast.Interface, ast.Union:
			if !slices.ContainsFunc(s.GetPossibleTypes(def), func(d *ast.Definition) bool { return IsServiceType(d.Name) }) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Roots gives the names of all Query fields that the gate serves, in the order of the SDL.
func Roots(s *ast.Schema) []string {
	var names []string
	for _, f := range s.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") && !IsServiceRoot(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
