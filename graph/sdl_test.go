package graph_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/readside"
)

// The printed SDL is refreshed by: go run ./graph/generate
func TestPrintedSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(graph.SDL())); d != "" {
		t.Fatalf("schema.graphql is stale (-file +schema):\n%s", d)
	}
}

func TestPrintedSchemaLoads(t *testing.T) {
	t.Parallel()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(graph.SDL())})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := readside.Types(s), readside.Types(graph.Schema()); cmp.Diff(a, b) != "" {
		t.Fatal(cmp.Diff(a, b))
	}
}

func TestListsNameWhatExists(t *testing.T) {
	t.Parallel()
	s := graph.Schema()
	types, roots := readside.Listed()
	for _, name := range types {
		if d := s.Types[name]; d == nil || d.Kind != ast.Object {
			t.Errorf("service type %s is no object type of the schema", name)
		}
	}
	for _, name := range roots {
		if s.Query.Fields.ForName(name) == nil {
			t.Errorf("service root %s is no field of Query", name)
		}
	}
}

// Every question that a service computes has its cost, and its description says it.
func TestQuestionsHaveTheirCost(t *testing.T) {
	t.Parallel()
	_, roots := readside.Listed()
	costs := limit.QuestionCosts()
	for _, name := range roots {
		if costs[name] == 0 {
			t.Errorf("%s costs nothing", name)
		}
		if want := fmt.Sprintf("Cost: %d points.", costs[name]); !strings.Contains(graph.Schema().Query.Fields.ForName(name).Description, want) {
			t.Errorf("the description of %s does not say %q", name, want)
		}
	}
	if len(costs) != len(roots) {
		t.Errorf("costs of %d questions, there are %d", len(costs), len(roots))
	}
}

// How far a list is counted has its cost, for every limit of the schema, and its description says it.
func TestCountsHaveTheirCost(t *testing.T) {
	t.Parallel()
	s, l := graph.Schema(), limit.Default()
	for _, v := range s.Types["CountLimit"].EnumValues {
		doc, errs := gqlparser.LoadQueryWithRules(s, "{ clients { totalCount(limit: "+v.Name+") { value } } }", nil)
		if errs != nil {
			t.Fatal(errs)
		}
		points, err := l.Price(s, doc, doc.Operations[0], nil)
		if want := fmt.Sprintf("cost %d", points-1); err != nil || !strings.HasSuffix(v.Description, want) {
			t.Errorf("the description of %s does not say %q: %v", v.Name, want, err)
		}
	}
}
