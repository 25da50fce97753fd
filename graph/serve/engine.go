package serve

import (
	"context"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

const (
	maxBuckets  = 200_000 // keys of rates in memory
	bytesAPoint = 50      // of a document that was not seen before
)

// engine parses, checks, prices and executes operations for every transport.
type engine struct {
	Config
	schema     *ast.Schema
	rules      *rules.Rules
	registered map[string]bool // texts of Registered

	// documents are parsed and validated texts. They hold nothing of any tenant: texts and the schema only.
	documents  *otter.Cache[string, *document]
	principals *limit.Buckets[principal]
	tenants    *limit.Buckets[tenancy.TenantID]
}

func newEngine(c Config) (*engine, error) {
	cache, err := otter.New(&otter.Options[string, *document]{MaximumSize: c.Limits.CachedDocuments})
	if err != nil {
		return nil, err
	}
	e := &engine{
		Config: c, schema: c.Exec.Schema(), documents: cache, rules: rules.NewDefaultRules(),
		principals: limit.NewBuckets[principal](c.Limits.PrincipalPoints, c.Limits.PrincipalLeak, maxBuckets, c.Now),
		registered: make(map[string]bool, len(c.Registered)),
		tenants:    limit.NewBuckets[tenancy.TenantID](c.Limits.TenantPoints, c.Limits.TenantLeak, maxBuckets, c.Now),
	}
	for _, text := range c.Registered {
		e.registered[text] = true
	}
	if c.Production { // no names of what exists in messages about what does not
		e.rules.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
		e.rules.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
		e.rules.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		e.rules.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
		e.rules.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	}
	return e, nil
}

// operation is one request that may be executed.
type operation struct {
	text  string
	name  string
	doc   *ast.QueryDocument
	from  *document
	op    *ast.OperationDefinition
	vars  map[string]any
	ext   map[string]any
	cost  int
	start time.Time
}

// refused is a request error: nothing was executed.
type refused struct{ errs []error }

func refuse(errs ...error) *refused { return &refused{errs: errs} }

// prepare brings a request to the point where it may be executed, or refuses it. The panic of a rule on a strange
// document is a refusal like any other.
func (e *engine) prepare(ctx context.Context, s *tenancy.Session, p *params) (o *operation, spent limit.Spent, r *refused) {
	defer func() {
		if v := recover(); v != nil {
			o, spent, r = nil, e.charge(s, 1), refuse(e.recovered(ctx, v))
		}
	}()
	o = &operation{start: e.Now(), name: p.operationName(), ext: p.Extensions}
	var err error
	if o.text, err = e.text(p); err != nil {
		return nil, e.charge(s, 1), refuse(err)
	}
	known, ok := e.documents.GetIfPresent(o.text)
	if !ok {
		// SECURITY: parsing and validating cost time before any cost is known, so they are paid for first.
		if spent = e.charge(s, 1+len(o.text)/bytesAPoint); !spent.OK {
			return nil, spent, refuse(busy(spent))
		}
		if known, r = e.document(o.text); r != nil {
			return nil, spent, r
		}
	}
	o.from, o.doc = known, known.ast
	if o.op = o.doc.Operations.ForName(o.name); o.op == nil {
		return nil, e.charge(s, 1), refuse(fault.Invalid("operationName", "OPERATION_NOT_FOUND",
			fault.Text{ZH: "文档中没有该操作，或未指明操作", EN: "the document has no such operation, or several and none was named"}, fault.Text{}))
	}
	if o.vars, err = validator.VariableValues(e.schema, o.op, p.Variables); err != nil {
		return nil, e.charge(s, 1), refuse(err)
	}
	if errs := e.inputs(o.op, o.vars); len(errs) > 0 {
		return nil, e.charge(s, 1), refuse(widen(errs)...)
	}
	if o.cost, err = known.prices[o.op].Price(e.Limits, e.schema, o.doc, o.op, o.vars); err != nil {
		return nil, e.charge(s, 1), refuse(err)
	}
	if e.Production && introspects(o.op.SelectionSet, o.doc) {
		return nil, e.charge(s, 1), refuse(fault.Forbidden("INTROSPECTION_DISABLED",
			fault.Text{ZH: "生产环境不提供内省", EN: "introspection is disabled"}, "",
			fault.Text{ZH: "请使用随发布提供的 SDL", EN: "use the published SDL"}))
	}
	if spent = e.charge(s, o.cost); !spent.OK {
		return nil, spent, refuse(busy(spent).With("cost", o.cost))
	}
	return o, spent, nil
}

func busy(spent limit.Spent) *fault.Error {
	return fault.Busy("POINTS", fault.Text{ZH: "请求过于频繁，请稍后再试", EN: "too many points were spent, try again later"}).
		With("retryAfter", seconds(spent.Retry))
}

// charge takes points from the principal and then from the tenant.
func (e *engine) charge(s *tenancy.Session, points int) limit.Spent {
	spent := e.principals.Take(principalOf(s), points)
	if !spent.OK {
		return spent
	}
	if all := e.tenants.Take(s.Tenant, points); !all.OK {
		all.Remaining = min(all.Remaining, spent.Remaining)
		return all
	}
	return spent
}

// document parses, bounds and validates a text.
func (e *engine) document(text string) (*document, *refused) {
	doc, err := e.Limits.Parse(text)
	if err != nil {
		return nil, refuse(err)
	}
	if len(doc.Operations) == 0 {
		return nil, refuse(fault.Invalid("query", "NO_OPERATION", fault.Text{ZH: "文档中没有操作", EN: "the document has no operation"}, fault.Text{}))
	}
	// SECURITY: before validation, which such documents would keep busy for minutes.
	if err := e.Limits.Document(doc); err != nil {
		return nil, refuse(err)
	}
	errs := validator.ValidateWithRules(e.schema, doc, e.rules)
	if len(errs) == 0 {
		errs = literals(doc)
	}
	if len(errs) > 0 {
		for _, g := range errs {
			if g.Extensions["code"] == nil {
				g.Extensions = map[string]any{"code": string(fault.InvalidInput), "reason": "GRAPHQL_VALIDATION_FAILED"}
			}
		}
		return nil, refuse(widen(errs)...)
	}
	d := newDocument(doc, e.registered[text])
	if len(text) <= e.Limits.CachedLength {
		e.documents.Set(text, d)
	}
	return d, nil
}

// introspects reports whether the roots ask for the schema itself; __typename is no introspection here.
func introspects(set ast.SelectionSet, doc *ast.QueryDocument) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if strings.HasPrefix(s.Name, "__") && s.Name != "__typename" {
				return true
			}
		case *ast.InlineFragment:
			if introspects(s.SelectionSet, doc) {
				return true
			}
		case *ast.FragmentSpread:
			if f := doc.Fragments.ForName(s.Name); f != nil && introspects(f.SelectionSet, doc) {
				return true
			}
		}
	}
	return false
}

// seconds rounds up, as Retry-After wants it.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// answer is what an executed operation gives.
type answer struct {
	data        []byte // JSON, nil for null
	errs        gqlerror.List
	cost, limit int // in points; limit 0: not told
	masked      []read.MaskedField
	more        bool // masked fields that are not listed
}
