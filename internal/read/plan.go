package read

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
)

// Plan is a document shape, compiled: what is selected, where arguments come from. It knows no tenant and no rights.
type Plan struct {
	roots []rootPlan
	sites []*site
}

// site is a field with arguments that are bound per request.
type site struct {
	index  int
	field  *ast.Field
	path   ast.Path // without list indices
	single *Root    // a root by id
	list   *List    // a root list or a connection
	target *Type    // of the list
	null   bool     // the field may be null

	// The shape of the arguments, equal for every request of the plan.
	backward      bool
	limit         int
	after, before bool
	asOf          bool
	filters       []Filter // given ones, in order; for the values of fields of "filter" and of arguments
	filterArg     []bool   // whether the filter is an argument of its own
	alone         []bool   // whether the filter has a single value
	terms         int      // of search
	order         Order
	chosen        bool // the order was asked for
	constant      bool // no argument has a variable: bound once
	fixed         bound
	scoped        *site // the root, whose asOf holds below it
}

type rootPlan struct {
	key   []byte
	alias string
	lit   []byte      // __typename
	one   *object     // by id, tenant
	site  *site       // arguments
	nodes []*object   // node, nodes: by type
	many  *connection // lists
	view  []viewPart  // viewer
	kind  RootKind
}

// viewPart is a field of viewer.
type viewPart struct {
	key   []byte
	alias string
	lit   []byte
	one   *object
	site  *site
}

// object is a selection on rows of one type.
type object struct {
	typ    *Type
	fields []selected
}

type selected struct {
	key   []byte
	alias string
	field *Field
	lit   []byte
	money []moneyPart
	one   *object
	many  *connection
}

type moneyPart struct {
	key      []byte
	currency bool
	lit      []byte
}

// connection is a selection on a page of rows.
type connection struct {
	site   *site
	target *Type
	fields []connField
	nodes  []*object // every selection on the nodes
	needs  struct{ page, next, prev bool }
	count  int // how far rows are counted; 0: no count is asked for
}

type connKind uint8

const (
	connLit connKind = iota + 1
	connEdges
	connNodes
	connPage
	connCount
)

type connField struct {
	key   []byte
	alias string
	kind  connKind
	lit   []byte
	node  int // nodes: index into connection.nodes
	most  int // total count: the number that is told at most
	sub   []subField
}

type subKind uint8

const (
	subLit subKind = iota + 1
	subCursor
	subNode
	subNext
	subPrev
	subStart
	subEnd
	subValue
	subCapped
)

type subField struct {
	key   []byte
	alias string
	kind  subKind
	lit   []byte
	node  int
}

const (
	maxPage     = 100
	defaultPage = 20
	maxIDs      = 100
	maxTerms    = 32
)

// compiler makes one plan.
type compiler struct {
	gate *Gate
	vars map[string]any
	plan *Plan
	root *site
}

// compileRoots makes the plan of root fields.
func (g *Gate) compileRoots(fields []*ast.Field, vars map[string]any) *Plan {
	c := &compiler{gate: g, vars: vars, plan: &Plan{}}
	sel := make(ast.SelectionSet, len(fields))
	for i, f := range fields {
		sel[i] = f
	}
	for _, x := range g.collect(g.schema.Query.Name, []ast.SelectionSet{sel}, vars) {
		c.plan.roots = append(c.plan.roots, c.compileRoot(x))
	}
	return c.finish()
}

// compileObject makes the plan of one object by its id, for payloads of mutations.
func (g *Gate) compileObject(t *Type, sel ast.SelectionSet, vars map[string]any) *Plan {
	c := &compiler{gate: g, vars: vars, plan: &Plan{}}
	s := c.site(nil, nil)
	c.root = s
	c.plan.roots = []rootPlan{{kind: RootByID, site: s, one: c.object(t, []ast.SelectionSet{sel}, nil)}}
	return c.finish()
}

// finish binds the sites whose arguments are the same in every request.
func (c *compiler) finish() *Plan {
	for _, s := range c.plan.sites {
		if s.constant {
			s.fixed = c.gate.bindSite(s, nil)
		}
	}
	return c.plan
}

func keyBytes(alias string) []byte { return []byte(`"` + alias + `":`) }

func (c *compiler) site(f *ast.Field, path ast.Path) *site {
	s := &site{index: len(c.plan.sites), field: f, path: path, scoped: c.root}
	if f != nil {
		s.null = f.Definition == nil || !f.Definition.Type.NonNull
		s.constant = !hasVariable(f.Arguments)
	}
	c.plan.sites = append(c.plan.sites, s)
	return s
}

func hasVariable(args ast.ArgumentList) bool {
	var in func(v *ast.Value) bool
	in = func(v *ast.Value) bool {
		if v.Kind == ast.Variable {
			return true
		}
		for _, ch := range v.Children {
			if in(ch.Value) {
				return true
			}
		}
		return false
	}
	for _, a := range args {
		if in(a.Value) {
			return true
		}
	}
	return false
}

func (c *compiler) compileRoot(x collected) rootPlan {
	f := x.field
	path := ast.Path{ast.PathName(f.Alias)}
	p := rootPlan{key: keyBytes(f.Alias), alias: f.Alias}
	if f.Name == "__typename" {
		p.lit = []byte(strconv.Quote(c.gate.schema.Query.Name))
		return p
	}
	r := c.gate.table.roots[f.Name]
	p.kind = r.Kind
	c.root = nil
	s := c.site(f, path)
	s.single = r
	p.site, c.root = s, s
	s.scoped = s
	args := f.ArgumentMap(c.vars)
	s.asOf = args["asOf"] != nil
	switch r.Kind {
	case RootByID, RootTenant:
		p.one = c.object(c.gate.table.byName[r.Type], x.sels, path)
	case RootList:
		p.many = c.connection(x, r.List, path, s)
	case RootNode, RootNodes:
		for _, t := range c.namedTypes(args) {
			p.nodes = append(p.nodes, c.object(t, x.sels, path))
		}
	case RootViewer:
		for _, y := range c.gate.collect("Viewer", x.sels, c.vars) {
			part := viewPart{key: keyBytes(y.field.Alias), alias: y.field.Alias}
			sub := append(path[:len(path):len(path)], ast.PathName(y.field.Alias))
			switch y.field.Name {
			case "__typename":
				part.lit = []byte(`"Viewer"`)
			case "account":
				part.site = c.site(nil, sub)
				part.one = c.object(c.gate.table.byName["Account"], y.sels, sub)
			case "staff":
				part.site = c.site(nil, sub)
				part.one = c.object(c.gate.table.byName["Staff"], y.sels, sub)
			}
			p.view = append(p.view, part)
		}
	}
	return p
}

// namedTypes gives the types that the ids of node and nodes name, each once.
func (c *compiler) namedTypes(args map[string]any) []*Type {
	var out []*Type
	for _, v := range append(list(args["id"]), list(args["ids"])...) {
		s, _ := v.(string)
		prefix, _, err := id.Decode(s)
		t := c.gate.table.byPre[prefix]
		if err != nil || t == nil {
			continue
		}
		seen := false
		for _, o := range out {
			seen = seen || o == t
		}
		if !seen {
			out = append(out, t)
		}
	}
	return out
}

func (c *compiler) object(t *Type, sels []ast.SelectionSet, path ast.Path) *object {
	o := &object{typ: t}
	for _, x := range c.gate.collect(t.Name, sels, c.vars) {
		f := x.field
		s := selected{key: keyBytes(f.Alias), alias: f.Alias}
		sub := append(path[:len(path):len(path)], ast.PathName(f.Alias))
		if f.Name == "__typename" {
			s.lit = []byte(strconv.Quote(t.Name))
			o.fields = append(o.fields, s)
			continue
		}
		s.field = t.byName[f.Name]
		switch s.field.Kind {
		case KindOne:
			s.one = c.object(c.gate.table.byName[s.field.Target], x.sels, sub)
		case KindMany:
			s.many = c.connection(x, s.field.List, sub, c.site(f, sub))
		case KindMoney:
			for _, y := range c.gate.collect("Money", x.sels, c.vars) {
				m := moneyPart{key: keyBytes(y.field.Alias), currency: y.field.Name == "currency"}
				if y.field.Name == "__typename" {
					m.lit = []byte(`"Money"`)
				}
				s.money = append(s.money, m)
			}
		}
		o.fields = append(o.fields, s)
	}
	return o
}

// connection compiles a page: its argument shape and the selections on edges, nodes, pageInfo and totalCount.
func (c *compiler) connection(x collected, l *List, path ast.Path, s *site) *connection {
	t := c.gate.table.byName[l.Target]
	n := &connection{site: s, target: t}
	s.list, s.target = l, t
	c.shapeArgs(s, l)
	name := t.Name + "Connection"
	for _, y := range c.gate.collect(name, x.sels, c.vars) {
		f := connField{key: keyBytes(y.field.Alias), alias: y.field.Alias}
		at := append(path[:len(path):len(path)], ast.PathName(y.field.Alias))
		switch y.field.Name {
		case "__typename":
			f.kind, f.lit = connLit, []byte(strconv.Quote(name))
		case "nodes":
			f.kind, f.node = connNodes, len(n.nodes)
			n.nodes = append(n.nodes, nil)
			n.nodes[f.node] = c.object(t, y.sels, at)
			n.needs.page = true
		case "edges":
			f.kind = connEdges
			n.needs.page = true
			for _, z := range c.gate.collect(t.Name+"Edge", y.sels, c.vars) {
				sf := subField{key: keyBytes(z.field.Alias), alias: z.field.Alias}
				switch z.field.Name {
				case "__typename":
					sf.kind, sf.lit = subLit, []byte(strconv.Quote(t.Name+"Edge"))
				case "cursor":
					sf.kind = subCursor
				case "node":
					sf.kind, sf.node = subNode, len(n.nodes)
					n.nodes = append(n.nodes, nil)
					n.nodes[sf.node] = c.object(t, z.sels, append(at[:len(at):len(at)], ast.PathName(z.field.Alias)))
				}
				f.sub = append(f.sub, sf)
			}
		case "pageInfo":
			f.kind = connPage
			n.needs.page = true
			for _, z := range c.gate.collect("PageInfo", y.sels, c.vars) {
				sf := subField{key: keyBytes(z.field.Alias), alias: z.field.Alias}
				switch z.field.Name {
				case "__typename":
					sf.kind, sf.lit = subLit, []byte(`"PageInfo"`)
				case "hasNextPage":
					sf.kind = subNext
					n.needs.next = true
				case "hasPreviousPage":
					sf.kind = subPrev
					n.needs.prev = true
				case "startCursor":
					sf.kind = subStart
				case "endCursor":
					sf.kind = subEnd
				}
				f.sub = append(f.sub, sf)
			}
		case "totalCount":
			f.kind, f.most = connCount, s.countLimit(y.field, c.vars)
			n.count = max(n.count, f.most)
			for _, z := range c.gate.collect("Count", y.sels, c.vars) {
				sf := subField{key: keyBytes(z.field.Alias), alias: z.field.Alias, kind: subValue}
				switch z.field.Name {
				case "__typename":
					sf.kind, sf.lit = subLit, []byte(`"Count"`)
				case "capped":
					sf.kind = subCapped
				}
				f.sub = append(f.sub, sf)
			}
		}
		n.fields = append(n.fields, f)
	}
	return n
}

// shapeArgs reads the shape of a list's arguments: everything that the text of its SQL depends on.
func (c *compiler) shapeArgs(s *site, l *List) {
	args := s.field.ArgumentMap(c.vars)
	s.backward = args["last"] != nil && args["first"] == nil
	s.limit = defaultPage
	for _, name := range [2]string{"first", "last"} {
		if v := args[name]; v != nil {
			if n, err := whole(v); err == nil && n >= 1 && n <= maxPage {
				s.limit = n
			}
		}
	}
	s.after, s.before = args["after"] != nil, args["before"] != nil
	filter, _ := args["filter"].(map[string]any)
	for _, f := range l.Filter {
		v := filter[f.Name]
		if v == nil {
			continue
		}
		if f.Kind == FilterSearch {
			text, _ := v.(string)
			terms, blank := c.gate.searchTerms(text)
			if blank {
				continue
			}
			s.terms = len(terms)
		}
		s.filters, s.filterArg, s.alone = append(s.filters, f), append(s.filterArg, false), append(s.alone, len(list(v)) == 1)
	}
	for _, f := range l.Args {
		if v := args[f.Name]; v != nil {
			s.filters, s.filterArg, s.alone = append(s.filters, f), append(s.filterArg, true), append(s.alone, len(list(v)) == 1)
		}
	}
	s.order = l.Default
	by, _ := args["orderBy"].(map[string]any)
	if by == nil {
		return
	}
	name, _ := by["field"].(string)
	direction, ok := by["direction"].(string)
	if !ok { // a literal input object is not given its defaults by the parser
		if def := c.gate.schema.Types[s.field.Definition.Arguments.ForName("orderBy").Type.Name()]; def != nil {
			if d := def.Fields.ForName("direction"); d != nil && d.DefaultValue != nil {
				direction = d.DefaultValue.Raw
			}
		}
	}
	for _, o := range l.Orders {
		if o.Name == name {
			o.Desc = direction == "DESC"
			o.IDDesc = o.Desc
			s.order, s.chosen = o, true
		}
	}
}

// led tells whether the filters that an index has before the order's key are given, each with one value.
func (s *site) led(o Order) bool {
	for _, name := range o.Leads {
		if i := slices.IndexFunc(s.filters, func(f Filter) bool { return f.Name == name }); i < 0 || !s.alone[i] {
			return false
		}
	}
	return len(o.Leads) > 0
}

// unique tells whether a filter leaves one row at most.
func (s *site) unique() bool {
	return slices.ContainsFunc(s.filters, func(f Filter) bool { return f.Unique })
}

// countLimit is how far a total count asks to count: of a search no further than 1,000, whose hits are found one by one.
func (s *site) countLimit(f *ast.Field, vars map[string]any) int {
	searches := slices.ContainsFunc(s.filters, func(f Filter) bool { return f.Kind == FilterSearch })
	if f.ArgumentMap(vars)["limit"] == "TEN_THOUSAND" && !searches {
		return 10_000
	}
	return 1_000
}

// narrowed tells whether a filter other than a search is given.
func (s *site) narrowed() bool {
	return slices.ContainsFunc(s.filters, func(f Filter) bool { return f.Kind != FilterSearch })
}

// name of the ordering a cursor belongs to.
func (s *site) ordering(o Order) string {
	var b strings.Builder
	b.WriteString(s.list.Target + "|" + s.list.By + "|" + o.Expr)
	if o.Desc {
		b.WriteString("|desc")
	}
	if o.IDDesc {
		b.WriteString("|iddesc")
	}
	if o.Nullable {
		b.WriteString("|masked")
	}
	return b.String()
}
