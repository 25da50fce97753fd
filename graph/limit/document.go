package limit

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/clientele/clientele/internal/fault"
)

// exceeded makes the refusal; reason names the limit.
func exceeded(reason string, limit int, zh, en string) *fault.Error {
	return fault.Limit(reason, fault.Text{ZH: fmt.Sprintf(zh, limit), EN: fmt.Sprintf(en, limit)}).With("limit", limit)
}

// Parse reads a document of at most Tokens tokens. A syntax error is returned as the parser made it.
func (l Limits) Parse(text string) (*ast.QueryDocument, error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, l.Tokens)
	if err != nil {
		if strings.Contains(err.Error(), "exceeded token limit") {
			return nil, exceeded("TOKENS", l.Tokens, "文档超过 %d 个词法单元", "the document has more than %d tokens")
		}
		if strings.Contains(err.Error(), "exceeded maximum nesting depth") {
			return nil, exceeded("NESTING", 1000, "文档嵌套超过 %d 层", "the document is nested more than %d levels deep")
		}
		return nil, err
	}
	return doc, nil
}

// Document refuses a document that later steps could not afford.
//
// SECURITY: it must come before validation. The rule of overlapping fields is quadratic in the number of fields, and
// a walk that follows fragments without memory is exponential in their number; both may see small documents only.
// This walk visits every node once: a fragment is measured once and its measure is added wherever it is spread.
func (l Limits) Document(doc *ast.QueryDocument) error {
	switch {
	case len(doc.Operations) > l.Operations:
		return exceeded("OPERATIONS", l.Operations, "文档中的操作超过 %d 个", "the document has more than %d operations")
	case len(doc.Fragments) > l.Fragments:
		return exceeded("FRAGMENTS", l.Fragments, "文档中的片段超过 %d 个", "the document has more than %d fragments")
	}
	w := walker{doc: doc, limits: l, fragments: map[string]*measure{}}
	total := 0
	for _, op := range doc.Operations {
		m := w.set(op.SelectionSet, map[string]int{})
		w.directives(op.Directives, &m)
		for _, v := range op.VariableDefinitions {
			w.value(v.DefaultValue, 0, &m)
			w.directives(v.Directives, &m)
		}
		total = add(total, m.fields)
		if err := l.operation(op, m); err != nil {
			return err
		}
	}
	for _, f := range doc.Fragments { // those that nothing spreads are validated too
		if _, spread := w.fragments[f.Name]; spread {
			continue
		}
		m := w.fragment(f.Name)
		total = add(total, m.fields)
		if err := l.shape(m); err != nil {
			return err
		}
	}
	if total > l.Fields {
		return exceeded("FIELDS", l.Fields, "文档展开后的字段超过 %d 个", "the document has more than %d fields, fragments expanded")
	}
	return nil
}

func (l Limits) operation(op *ast.OperationDefinition, m measure) error {
	switch {
	case m.depth > l.Depth && !introspective(op):
		return exceeded("DEPTH", l.Depth, "查询嵌套超过 %d 层", "the operation is more than %d levels deep")
	case op.Operation == ast.Mutation && (len(op.SelectionSet) > l.RootMutations || m.roots > l.RootMutations):
		return exceeded("ROOT_MUTATIONS", l.RootMutations, "一次操作中的变更超过 %d 个", "the operation has more than %d mutations")
	case len(op.VariableDefinitions) > l.VariableCount:
		return exceeded("VARIABLES", l.VariableCount, "变量超过 %d 个", "the operation has more than %d variables")
	}
	return l.shape(m)
}

func (l Limits) shape(m measure) error {
	switch {
	case m.deferred:
		return fault.Limit("DEFER", fault.Text{ZH: "不支持 @defer 与 @stream", EN: "@defer and @stream are not supported"})
	case m.aliases > l.Aliases:
		return exceeded("ALIASES", l.Aliases, "别名超过 %d 个", "the operation has more than %d aliases")
	case m.same > l.SameName:
		return exceeded("SAME_NAME", l.SameName, "同一字段在一处重复超过 %d 次", "one field is selected more than %d times in one place")
	case m.directives > l.Directives:
		return exceeded("DIRECTIVES", l.Directives, "指令超过 %d 个", "the operation has more than %d directives")
	case m.fields > l.Fields:
		return exceeded("FIELDS", l.Fields, "文档展开后的字段超过 %d 个", "the document has more than %d fields, fragments expanded")
	case m.value > l.ValueDepth:
		return exceeded("VALUE_DEPTH", l.ValueDepth, "参数值嵌套超过 %d 层", "a value is more than %d levels deep")
	case m.list > max(l.InputList, l.IDs):
		return exceeded("LIST", max(l.InputList, l.IDs), "列表超过 %d 项", "a list has more than %d members")
	}
	return nil
}

// introspective: the usual introspection query is 13 to 15 levels deep; the validator bounds it by a rule of its own.
func introspective(op *ast.OperationDefinition) bool {
	for _, s := range op.SelectionSet {
		if f, ok := s.(*ast.Field); !ok || !strings.HasPrefix(f.Name, "__") {
			return false
		}
	}
	return true
}

// add saturates, so that no product of fragments overflows.
func add(a, b int) int { return min(a+b, 1<<30) }
