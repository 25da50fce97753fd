package graph_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/readside"
)

// Generated code must know nothing of what the gate serves: a function for such a type would be a second way to read.
func TestNothingIsGeneratedForTheGate(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("generated.go")
	if err != nil {
		t.Fatal(err)
	}
	code := string(b)
	for _, name := range readside.Types(graph.Schema()) {
		if strings.Contains(code, "executionContext) _"+name+"(") || strings.Contains(code, "executionContext) _"+name+"_") {
			t.Errorf("%s has a marshaller", name)
		}
	}
	for _, f := range readside.Roots(graph.Schema()) {
		if strings.Contains(code, "executionContext) _Query_"+f+"(") {
			t.Errorf("Query.%s has a resolver", f)
		}
	}
	if !strings.Contains(code, "executionContext) _ClientOpenPayload_client(") {
		t.Error("this test finds nothing at all")
	}
}

// One mutation for each business action: an input and an idempotency key in, a payload with userErrors out.
func TestEveryMutationHasTheSameManner(t *testing.T) {
	t.Parallel()
	resolver := reflect.TypeFor[graph.MutationResolver]()
	s := graph.Schema()
	if got, want := resolver.NumMethod(), len(s.Mutation.Fields); got != want {
		t.Errorf("%d methods for %d mutations", got, want)
	}
	for _, f := range s.Mutation.Fields {
		input, key := f.Arguments.ForName("input"), f.Arguments.ForName("idempotencyKey")
		if len(f.Arguments) != 2 || input == nil || key == nil || key.Type.String() != "String!" || !input.Type.NonNull {
			t.Errorf("%s: arguments", f.Name)
			continue
		}
		name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if input.Type.Name() != name+"Input" || f.Type.String() != name+"Payload!" {
			t.Errorf("%s: %s -> %s", f.Name, input.Type, f.Type)
		}
		payload := s.Types[f.Type.Name()]
		for _, out := range payload.Fields {
			if out.Name == "userErrors" {
				if out.Type.String() != "[UserError!]!" {
					t.Errorf("%s: userErrors is %s", f.Name, out.Type)
				}
			} else if out.Type.NonNull { // what cannot be read back is null, never a failed mutation
				t.Errorf("%s: %s.%s must be nullable", f.Name, payload.Name, out.Name)
			}
		}
		if payload.Fields.ForName("userErrors") == nil || f.Description == "" {
			t.Errorf("%s: no userErrors or no description", f.Name)
		}
	}
}

// The cost model goes by the names of Relay.
func TestConnectionsAreRelays(t *testing.T) {
	t.Parallel()
	s := graph.Schema()
	for _, def := range s.Types {
		if def.Kind != ast.Object || def.BuiltIn {
			continue
		}
		for _, f := range def.Fields {
			if !strings.HasSuffix(f.Type.Name(), "Connection") {
				continue
			}
			for _, a := range []string{"first", "last", "after", "before"} {
				if f.Arguments.ForName(a) == nil {
					t.Errorf("%s.%s has no argument %s", def.Name, f.Name, a)
				}
			}
			for _, name := range []string{"edges", "pageInfo"} {
				if s.Types[f.Type.Name()].Fields.ForName(name) == nil {
					t.Errorf("%s has no %s", f.Type.Name(), name)
				}
			}
		}
	}
}
