package limit

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Weights of the cost model, in points.
const (
	objectCost    = 1   // an object, interface or union that is read
	countCost     = 10  // a total count to 1,000
	farCountCost  = 100 // a total count to 10,000
	mutationCost  = 10  // a root field of a mutation
	subscribeCost = 5   // a root field of a subscription; its events cost nothing more
)

// countLimit is the type of the argument that says how far a total count counts.
const countLimit = "CountLimit"

// QuestionCosts are the points of Query fields that services compute, besides those of the objects that they bring: each reads
// rules, organisation and bindings, and a simulation counts rows for everybody. The fields' descriptions say the same numbers.
func QuestionCosts() map[string]int {
	return map[string]int{"explainAccess": 100, "policyCompare": 100, "policyLint": 100, "policySimulate": 1000, "policyTestRun": 1000, "reachPreview": 200, "whoCanSee": 200}
}

// Price gives the points of one operation, which must have been validated, and refuses what is over the limits: page
// sizes, lists of ids, lists in inputs, and the cost itself.
//
// A scalar costs nothing, an object one point and its own fields. A connection costs one point and multiplies its
// edges and nodes by `first` or `last`; a total count costs ten, and to 10,000 a hundred; a list of ids multiplies by its length, any other
// list by PlainList; edges, payloads and page infos cost nothing themselves; a question that a service computes costs what
// QuestionCosts says. Introspection is free. A fragment is
// costed once for each page size it stands in, so the walk is linear.
func (l Limits) Price(s *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any) (int, error) {
	c := coster{limits: l, schema: s, vars: vars, questions: QuestionCosts(), fragments: map[spread]*int{}}
	if err := l.inputs(s, op, vars); err != nil {
		return 0, err
	}
	total := c.set(op.SelectionSet, 1)
	if c.err != nil {
		return 0, c.err
	}
	switch op.Operation {
	case ast.Mutation:
		total = add(total, mutationCost*len(op.SelectionSet))
	case ast.Subscription:
		total = add(total, subscribeCost*len(op.SelectionSet))
	}
	total = max(total, 1)
	if total > l.Cost {
		return total, exceeded("COST", l.Cost, "操作的成本超过 %d 点", "the operation costs more than %d points").With("cost", total)
	}
	return total, nil
}

// inputs checks lengths of lists and depth of the variables.
func (l Limits) inputs(s *ast.Schema, op *ast.OperationDefinition, vars map[string]any) error {
	c := coster{limits: l, schema: s}
	for _, v := range op.VariableDefinitions {
		if err := c.input(v.Type, vars[v.Variable], 0); err != nil {
			return err
		}
	}
	return nil
}

type coster struct {
	limits    Limits
	schema    *ast.Schema
	vars      map[string]any
	questions map[string]int
	fragments map[spread]*int // nil while being costed
	err       error
}

// spread is a fragment in a place whose connection has a page.
type spread struct {
	def  *ast.FragmentDefinition
	page int
}

// set costs a selection set; page is that of the connection it belongs to, 1 elsewhere.
func (c *coster) set(set ast.SelectionSet, page int) int {
	total := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			total = add(total, c.field(s, page))
		case *ast.InlineFragment:
			total = add(total, c.set(s.SelectionSet, page))
		case *ast.FragmentSpread:
			total = add(total, c.fragment(spread{s.Definition, page}))
		}
	}
	return total
}

func (c *coster) fragment(s spread) int {
	if n, ok := c.fragments[s]; ok {
		if n == nil {
			return 0
		}
		return *n
	}
	c.fragments[s] = nil
	n := c.set(s.def.SelectionSet, s.page)
	c.fragments[s] = &n
	return n
}

func (c *coster) field(f *ast.Field, page int) int {
	if strings.HasPrefix(f.Name, "__") || f.Definition == nil || c.err != nil {
		return 0
	}
	if f.ObjectDefinition != nil && strings.HasSuffix(f.ObjectDefinition.Name, "Connection") {
		switch f.Name {
		case "edges", "nodes":
			return multiply(add(c.own(f), c.set(f.SelectionSet, 1)), page)
		case "totalCount":
			return c.count(f)
		}
	}
	times := c.times(f)
	if strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		return add(objectCost, c.set(f.SelectionSet, times))
	}
	total := multiply(add(c.own(f), c.set(f.SelectionSet, 1)), times)
	if f.ObjectDefinition != nil && f.ObjectDefinition == c.schema.Query {
		total = add(total, c.questions[f.Name])
	}
	return total
}

// own is the cost of what a field returns, without its fields.
func (c *coster) own(f *ast.Field) int {
	def := c.schema.Types[f.Definition.Type.Name()]
	if def == nil || !def.IsCompositeType() || free(def.Name) {
		return 0
	}
	return objectCost
}

// free types only carry others.
func free(name string) bool {
	return strings.HasSuffix(name, "Edge") || strings.HasSuffix(name, "Payload") || name == "PageInfo"
}

// times says how many objects one field may bring, and checks what the caller asked.
func (c *coster) times(f *ast.Field) int {
	page, ids := 0, 0
	connection := false
	for _, a := range f.Definition.Arguments {
		paging := a.Name == "first" || a.Name == "last"
		connection = connection || paging
		var v any
		if given := f.Arguments.ForName(a.Name); given != nil {
			if paging && given.Value.Kind != ast.Variable && given.Value.Kind != ast.IntValue && given.Value.Kind != ast.NullValue {
				continue
			}
			v, _ = given.Value.Value(c.vars)
			if given.Value.Kind == ast.Variable {
				if _, set := c.vars[given.Value.Raw]; !set {
					v = nil
				}
			}
		}
		switch n, ok := number(v); {
		case paging && ok:
			if n > int64(c.limits.Page) {
				c.fail(exceeded("PAGE", c.limits.Page, "每页超过 %d 条", "a page has more than %d entries").At(f.Name + "." + a.Name))
				return 0
			}
			page = max(page, int(max(n, 0)))
		case isList(a.Type):
			if err := c.input(a.Type, v, 0); err != nil {
				c.fail(err)
				return 0
			}
			if list, ok := v.([]any); ok && a.Type.Elem.Name() == "ID" {
				ids = max(ids, len(list))
			}
		case v != nil:
			if err := c.input(a.Type, v, 0); err != nil {
				c.fail(err)
				return 0
			}
		}
	}
	switch {
	case connection && page > 0:
		return page
	case connection:
		return c.defaultPage(f)
	case isList(f.Definition.Type) && ids > 0:
		return ids
	case isList(f.Definition.Type) && !free(f.Definition.Type.Name()):
		return c.limits.PlainList
	}
	return 1
}

// count is the cost of a total count: a hundredth of the rows that it may pass.
func (c *coster) count(f *ast.Field) int {
	if f.ArgumentMap(c.vars)["limit"] == "TEN_THOUSAND" {
		return farCountCost
	}
	return countCost
}

func (c *coster) defaultPage(f *ast.Field) int {
	if a := f.Definition.Arguments.ForName("first"); a != nil && a.DefaultValue != nil {
		if v, err := a.DefaultValue.Value(nil); err == nil {
			if n, ok := number(v); ok && n > 0 {
				return int(n)
			}
		}
	}
	return c.limits.DefaultPage
}

func (c *coster) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// input checks lengths of lists and depth of a value that fits its type.
func (c *coster) input(t *ast.Type, v any, depth int) error {
	if v == nil || t == nil {
		return nil
	}
	if depth > c.limits.ValueDepth {
		return exceeded("VALUE_DEPTH", c.limits.ValueDepth, "参数值嵌套超过 %d 层", "a value is more than %d levels deep")
	}
	switch v := v.(type) {
	case []any:
		most, reason := c.limits.InputList, "LIST"
		if t.Name() == "ID" {
			most, reason = c.limits.IDs, "IDS"
		}
		if len(v) > most {
			return exceeded(reason, most, "列表超过 %d 项", "a list has more than %d members")
		}
		for _, e := range v {
			if err := c.input(element(t), e, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		def := c.schema.Types[t.Name()]
		if def == nil {
			return nil
		}
		for k, e := range v {
			if f := def.Fields.ForName(k); f != nil {
				if err := c.input(f.Type, e, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func element(t *ast.Type) *ast.Type {
	if t.Elem != nil {
		return t.Elem
	}
	return t
}

func isList(t *ast.Type) bool { return t.Elem != nil }

func multiply(a, b int) int {
	if b != 0 && a > (1<<30)/b {
		return 1 << 30
	}
	return a * b
}
