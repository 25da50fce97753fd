package read

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/readside"
)

// author writes random documents that are valid by the SDL.
type author struct {
	t       *rand.Rand
	w       *world
	m       *made
	schema  *ast.Schema
	n       int
	vars    map[string]any
	decl    []string
	frags   []string
	cursors []string
	later   []string // variables that will hold cursors
	lists   bool     // only lists of the archive
	asOf    int      // chance of asOf, in percent
}

// below draws from from..to, each as likely as the other: rapid's own draws lean to small values, which leaves rare
// combinations out. Rapid draws the seed.
func below(t *rand.Rand, from, to int, _ string) int { return from + t.IntN(to-from+1) }

func (a *author) chance(percent int, label string) bool {
	return below(a.t, 0, 99, label) >= 100-percent // shrinks to false
}

func one1[T any](a *author, _ string, xs []T) T { return xs[a.t.IntN(len(xs))] }

func (a *author) document() string {
	var roots []string
	for range below(a.t, 1, 2, "roots") {
		var fields []*ast.FieldDefinition
		for _, f := range a.schema.Query.Fields {
			if !strings.HasPrefix(f.Name, "__") && !readside.IsServiceRoot(f.Name) {
				fields = append(fields, f)
			}
		}
		f := one1(a, "root", fields)
		if a.chance(60, "a list") {
			f = a.schema.Query.Fields.ForName(one1(a, "list", []string{
				"clients", "contracts", "clients", "staffMembers", "nodes", "accessGrants", "auditRecords", "departments", "originals", "borrowings", "accessRequests", "approvalSteps",
				"accessReviews", "accessReviewItems", "roleBindings", "policyTests",
			}))
		}
		if a.lists {
			f = a.schema.Query.Fields.ForName(one1(a, "archive", []string{"clients", "clients", "contracts", "accessGrants"}))
			roots = append(roots, a.field(f, 2))
			continue
		}
		roots = append(roots, a.field(f, 4))
	}
	if a.chance(5, "typename") {
		roots = append(roots, "__typename")
	}
	q := "query Q"
	if len(a.decl) > 0 {
		q += "(" + strings.Join(a.decl, ", ") + ")"
	}
	return q + " { " + strings.Join(roots, " ") + " } " + strings.Join(a.frags, " ")
}

func (a *author) fresh(prefix string) string {
	a.n++
	return fmt.Sprintf("%s%d", prefix, a.n)
}

// variable declares a variable of a type; a nil value may be left out altogether.
func (a *author) variable(typ string, value any) string {
	name := a.fresh("v")
	a.decl = append(a.decl, "$"+name+": "+typ)
	if value != nil || a.chance(50, "null") && !strings.HasSuffix(typ, "!") {
		a.vars[name] = value
	}
	return "$" + name
}

func (a *author) directive() string {
	switch below(a.t, 0, 24, "directive") {
	case 24:
		return " @include(if: " + a.variable("Boolean!", a.chance(50, "if")) + ")"
	case 23:
		return " @skip(if: " + a.variable("Boolean!", a.chance(50, "if")) + ")"
	case 22:
		return " @skip(if: false)"
	}
	return ""
}

func (a *author) field(f *ast.FieldDefinition, depth int) string {
	head := f.Name
	if len(f.Arguments) > 0 || a.chance(15, "alias") {
		head = a.fresh("a") + ": " + f.Name
	}
	head += a.arguments(f)
	def := a.schema.Types[f.Type.Name()]
	if def.IsLeafType() {
		return head + a.directive()
	}
	s := head + a.directive() + " { " + a.selection(def, depth-1) + " }"
	if a.chance(6, "twice") { // the same response key once more, with another selection
		s += " " + head + " { " + a.selection(def, depth-1) + " }"
	}
	return s
}

func (a *author) selection(def *ast.Definition, depth int) string {
	var parts []string
	var fields []*ast.FieldDefinition
	for _, f := range def.Fields {
		composite := !a.schema.Types[f.Type.Name()].IsLeafType()
		inner := isPageType(a.schema, f.Type.Name()) && !strings.HasSuffix(f.Type.Name(), "Connection")
		if strings.HasPrefix(f.Name, "__") || composite && !inner && depth <= 0 && !strings.HasSuffix(def.Name, "Connection") && !strings.HasSuffix(def.Name, "Edge") {
			continue
		}
		fields = append(fields, f)
	}
	if def.Kind == ast.Interface {
		parts = append(parts, "__typename")
		for range below(a.t, 1, 3, "members") {
			t := one1(a, "member", a.schema.PossibleTypes[def.Name])
			parts = append(parts, "... on "+t.Name+a.directive()+" { "+a.selection(t, depth-1)+" }")
		}
	}
	if strings.HasSuffix(def.Name, "Connection") {
		parts = append(parts, a.field(def.Fields.ForName(one1(a, "rows", []string{"nodes", "edges"})), depth))
	} else if strings.HasSuffix(def.Name, "Edge") {
		parts = append(parts, a.field(def.Fields.ForName("node"), depth))
	}
	for range below(a.t, 1, max(2, 2*depth), "fields") {
		switch s := a.field(one1(a, "field", fields), depth); below(a.t, 0, 19, "wrap") {
		case 17:
			parts = append(parts, "..."+a.directive()+" { "+s+" }")
		case 18:
			name := a.fresh("F")
			a.frags = append(a.frags, "fragment "+name+" on "+def.Name+" { "+s+" }")
			parts = append(parts, "..."+name+a.directive())
		case 19:
			if slices.Contains(def.Interfaces, "Node") {
				s += " ... on Node { id }"
			}
			parts = append(parts, s, "__typename")
		default:
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func (a *author) arguments(f *ast.FieldDefinition) string {
	var parts []string
	backward := a.chance(25, "backward")
	for _, d := range f.Arguments {
		var v string
		switch d.Name {
		case "first", "last":
			if (d.Name == "last") != backward && !a.chance(2, "both") || a.chance(20, "default") {
				continue
			}
			n := one1(a, "n", []int{1, 2, 3, 5, 100, 1, 2, 3, 5, 7})
			if a.chance(1, "out of range") {
				n = one1(a, "wrong n", []int{0, -1, 101})
			}
			v = fmt.Sprint(n)
			if a.chance(30, "variable") {
				v = a.variable("Int", n)
			}
		case "after", "before":
			if a.chance(35, "later") { // given once cursors are known: see TestCompiledIsReference
				name := a.fresh("v")
				a.decl = append(a.decl, "$"+name+": String")
				a.later = append(a.later, name)
				v = "$" + name
				break
			}
			if len(a.cursors) == 0 || !a.chance(5, "cursor") {
				continue
			}
			c := one1(a, "which cursor", a.cursors)
			v = fmt.Sprintf("%q", c)
			if a.chance(30, "variable") {
				v = a.variable("String", c)
			}
		case "asOf":
			if !a.chance(a.asOf, "as of") {
				continue
			}
			v = fmt.Sprintf("%q", one1(a, "instant", a.m.instants).Format(time.RFC3339))
		case "orderBy":
			if !a.chance(50, "order") {
				continue
			}
			in := a.schema.Types[d.Type.Name()]
			value := a.schema.Types[in.Fields.ForName("field").Type.Name()].EnumValues
			by := one1(a, "by", value).Name
			direction := one1(a, "direction", []string{"", "ASC", "DESC"})
			if a.chance(30, "variable") {
				m := map[string]any{"field": by}
				if direction != "" {
					m["direction"] = direction
				}
				v = a.variable(d.Type.Name(), m)
				break
			}
			v = "{field: " + by
			if direction != "" {
				v += ", direction: " + direction
			}
			v += "}"
		case "filter":
			if !a.chance(50, "filter") {
				continue
			}
			v = a.filter(a.schema.Types[d.Type.Name()], d.Type.Name())
		case "id", "ids":
			v = a.ids(f, d)
		case "mine":
			if !a.chance(60, "mine") {
				continue
			}
			v = fmt.Sprint(a.chance(70, "really"))
			if a.chance(30, "variable") {
				v = a.variable("Boolean", v == "true")
			}
		default: // arguments that filter
			if !a.chance(50, "narrow") {
				continue
			}
			v = a.narrowing(d)
		}
		parts = append(parts, d.Name+": "+v)
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// narrowing is the value of an argument that filters: states, yes or no, an id.
func (a *author) narrowing(d *ast.ArgumentDefinition) string {
	def := a.schema.Types[d.Type.Name()]
	var value any
	switch {
	case def.Kind == ast.Enum:
		some := []any{}
		for range below(a.t, 0, 2, "states") {
			some = append(some, one1(a, "state", def.EnumValues).Name)
		}
		value = some
	case def.Name == "Boolean":
		value = a.chance(50, "yes")
	default:
		value = a.id(map[string]string{
			"companyId": "com", "accountId": "acc", "roleId": "rol", "clientId": "cli", "granteeId": "stf", "reviewId": "arv", "reviewerId": "stf",
		}[d.Name])
	}
	if a.chance(30, "variable") {
		return a.variable(d.Type.String(), value)
	}
	return literal(value, def.Kind == ast.Enum)
}

func (a *author) ids(f *ast.FieldDefinition, d *ast.ArgumentDefinition) string {
	prefix := ""
	if r := a.w.gate.table.roots[f.Name]; r.Type != "" {
		prefix = a.w.gate.table.byName[r.Type].Prefix
	}
	if d.Name == "id" {
		x := a.id(prefix)
		if a.chance(40, "variable") {
			return a.variable("ID!", x)
		}
		return fmt.Sprintf("%q", x)
	}
	var all []any
	for range below(a.t, 0, 5, "ids") {
		all = append(all, a.id(""))
	}
	return a.variable("[ID!]!", append([]any{}, all...))
}

// id of a type, mostly of a row that exists.
func (a *author) id(prefix string) string {
	if prefix == "" {
		prefix = one1(a, "type", a.w.gate.table.Types).Prefix
	}
	switch below(a.t, 0, 29, "id") {
	case 29:
		return one1(a, "garbage", []string{"", "cli_", "x", "cli_81h455vb4pex5vsknk084sn02q", "evt_01h455vb4pex5vsknk084sn02q"})
	case 28:
		return gid(prefix, uuid.UUID{1, 2, 3})
	case 27:
		prefix = one1(a, "other type", a.w.gate.table.Types).Prefix
	case 26:
		other := a.w.tenants[0]
		if other == a.m {
			other = a.w.tenants[1]
		}
		if theirs := other.ids[a.w.gate.table.byPre[prefix].Table]; len(theirs) > 0 {
			return gid(prefix, one1(a, "foreign", theirs))
		}
	}
	if mine := a.m.ids[a.w.gate.table.byPre[prefix].Table]; len(mine) > 0 {
		return gid(prefix, one1(a, "row", mine))
	}
	return gid(prefix, uuid.UUID{4}) // of a table that this world leaves empty
}

// filter makes a literal or a variable of an input type.
func (a *author) filter(in *ast.Definition, typ string) string {
	m := map[string]any{}
	for _, f := range in.Fields {
		if !a.chance(14, f.Name) && (f.Name != "search" || !a.chance(30, "search")) {
			continue
		}
		m[f.Name] = a.filterOf(typ, f)
	}
	if a.chance(50, "variable") {
		return a.variable(typ, m)
	}
	var parts []string
	for _, f := range in.Fields {
		if v, ok := m[f.Name]; ok {
			parts = append(parts, f.Name+": "+literal(v, a.schema.Types[f.Type.Name()].Kind == ast.Enum))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func literal(v any, enum bool) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, literal(x, enum))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		if enum {
			return v
		}
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

func (a *author) filterOf(typ string, f *ast.FieldDefinition) any {
	if a.chance(8, "null") {
		return nil
	}
	def := a.schema.Types[f.Type.Name()]
	single := func() any {
		switch {
		case def.Kind == ast.Enum:
			return one1(a, "value", def.EnumValues).Name
		case def.Name == "Boolean":
			return a.chance(50, "bool")
		case def.Name == "DateTime":
			return one1(a, "instant", []string{"2026-01-05T08:20:00Z", "2026-01-05T16:30:00.5+08:00", "2026-01-05T12:00:00Z"})
		case def.Name == "Date":
			return one1(a, "date", []string{"2026-01-10", "2027-01-05", "2027-01-06"})
		case def.Name == "MinorUnits":
			return one1(a, "amount", []string{"0", "2000", "3001"})
		case def.Name == "ID":
			return a.id(map[string]string{
				"companyIds": "com", "departmentIds": "dep", "ownerIds": "stf", "custodianIds": "stf", "borrowerIds": "stf", "requesterIds": "stf", "clientIds": "cli", "actorIds": "acc", "objectIds": one1(a, "object", []string{"cli", "con"}),
			}[f.Name])
		}
		return one1(a, "text", map[string][]string{
			"search": {"客户", "户1", "客户 户2", "1234", "  ", "!!", "none"}, "code": {"C001", "x"}, "regions": {"华东", "华南"}, "name": {"王", "赵芳"}, "number": {"N001", "K0102"},
			"acts": {"client.open", "y"}, "unifiedCreditCode": {"910000000000000003"},
		}[f.Name])
	}
	if f.Type.Elem == nil {
		return single()
	}
	out := []any{}
	for range below(a.t, 0, 4, "list") {
		out = append(out, single())
	}
	return out
}
