package read

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/clientele/clientele/policy"
)

// Templates of SQL use {} for the alias of the row, $1 for the tenant, and @table for a child table that asOf reads
// from its history as well.

// Type is an object type of the SDL that the gate serves: where its rows live and whose rights decide about them.
type Type struct {
	Name, Prefix, Table string
	// Key is the column of the id.
	Key string
	// Twin is set when <table>_history holds former rows: asOf then reads the rows of then.
	Twin bool

	// Entity is the noun whose read right decides about the rows; empty when Anchor's does.
	Entity policy.Object
	// Facts are what rights may compare, as templates over the anchor row.
	Facts policy.Columns
	// Anchor is the type whose row decides about rows of this one; AnchorKey is the column that names it.
	Anchor, AnchorKey string
	// Cover is the field group of the anchor that must be seen, in full or masked, for a row to be seen at all.
	Cover policy.Object
	// Own opens rows to the person they are about, whatever the policy says.
	Own Own
	// Public rows are seen by everybody signed in at the tenant.
	Public bool

	Fields []Field
	byName map[string]*Field
	anchor *Type
}

// Own says which column makes a row the actor's own.
type Own struct {
	Column string // of the row
	Staff  bool   // compared with the actor's staff id instead of his account's
}

// Open marks fields that whoever sees the row may see.
const Open policy.Object = "(row)"

// byFieldClass marks values whose class is in the row's column field_class: the group of the anchor with that class decides.
const byFieldClass policy.Object = "(field_class)"

// Kind is how a column becomes JSON.
type Kind uint8

// The kinds of fields.
const (
	KindID       Kind = iota + 1 // uuid, with Prefix
	KindText                     // text
	KindEnum                     // text, in capitals
	KindInt                      // smallint, integer
	KindBigInt                   // bigint, as a decimal string
	KindTime                     // timestamptz, RFC 3339 in UTC
	KindDate                     // date
	KindBool                     // boolean
	KindMoney                    // Expr the minor units, Second the currency
	KindTexts                    // text[]
	KindJSON                     // JSON as text
	KindHex                      // bytea
	KindObjectID                 // uuid of any type; Second is the name of the type
	KindOne                      // to-one: Expr holds the id of a Target
	KindMany                     // to-many: see List
)

// Field is a field of a Type.
type Field struct {
	Name   string
	Group  policy.Object
	Kind   Kind
	Expr   string
	Second string
	Prefix string
	Target string
	// Mask is the masked form of Expr, for those who may only peek; %[1]s stands for the value. Empty: nothing is shown.
	Mask string
	List *List
}

// List is how many rows of a type are paged, filtered and ordered.
type List struct {
	Target string
	// By is the column of the target that names the parent; empty at roots.
	By string
	// Filter are the fields of the argument "filter"; Args are arguments that filter.
	Filter, Args []Filter
	// Orders by the value of orderBy.field; Default is used without orderBy.
	Orders  []Order
	Default Order
}

// Order is an order of rows; ties are broken by id.
type Order struct {
	Name   string
	Group  policy.Object
	Expr   string // empty: by id alone
	Kind   Kind
	Desc   bool
	IDDesc bool // direction of the tie-break
	// Nullable keys sort as PostgreSQL does by default: as if larger than everything.
	Nullable bool
	// Leads are the filters whose columns an index has before this key: with one value of each it leads to rows in this order.
	Leads []string
}

// Filter is a condition that an argument adds.
type Filter struct {
	Name  string
	Group policy.Object
	Kind  FilterKind
	// SQL is the condition; ? stands for the value.
	SQL    string
	Prefix string
	// Unique values are those of one row at most.
	Unique bool
}

// FilterKind is the type of a filter's value.
type FilterKind uint8

// The kinds of filters.
const (
	FilterText FilterKind = iota + 1
	FilterTexts
	FilterEnums // stored in lower case
	FilterID
	FilterIDs
	FilterAnyIDs // ids of whatever type
	FilterBool
	FilterTime
	FilterDate
	FilterMinor
	FilterSearch
	FilterMine // a boolean: only approval steps that wait for the actor
)

// Root is a field of Query that the gate serves.
type Root struct {
	Name string
	Kind RootKind
	Type string
	List *List
}

// RootKind is the manner of a root field.
type RootKind uint8

// The kinds of roots.
const (
	RootByID RootKind = iota + 1
	RootList
	RootNode
	RootNodes
	RootTenant
	RootViewer
)

// Table is the type table: everything the gate knows about the SDL and the database.
type Table struct {
	Types   []*Type
	Roots   []*Root
	byName  map[string]*Type
	byPre   map[string]*Type
	roots   map[string]*Root
	columns map[string]string // table -> columns that templates use, for the rows of then
}

var columnOf = regexp.MustCompile(`\{\}\.([a-z0-9_]+)`)

// newTable joins the contexts' types and checks them among themselves.
func newTable() (*Table, error) {
	t := &Table{byName: map[string]*Type{}, byPre: map[string]*Type{}, roots: map[string]*Root{}, columns: map[string]string{}}
	for _, part := range [][]*Type{organisationTypes(), identityTypes(), archiveTypes(), contractTypes(), custodyTypes(), fileTypes(), recordTypes(), reviewTypes()} {
		t.Types = append(t.Types, part...)
	}
	t.Roots = roots()
	for _, x := range t.Types {
		if x.Key == "" {
			x.Key = "id"
		}
		if t.byName[x.Name] != nil || t.byPre[x.Prefix] != nil {
			return nil, fmt.Errorf("read: type %s or its prefix %q is listed twice", x.Name, x.Prefix)
		}
		t.byName[x.Name], t.byPre[x.Prefix] = x, x
		x.byName = map[string]*Field{}
		for i := range x.Fields {
			x.byName[x.Fields[i].Name] = &x.Fields[i]
		}
	}
	for _, x := range t.Types {
		if err := t.checkType(x); err != nil {
			return nil, err
		}
	}
	for _, r := range t.Roots {
		t.roots[r.Name] = r
		if r.Type != "" && t.byName[r.Type] == nil {
			return nil, fmt.Errorf("read: root %s has unknown type %s", r.Name, r.Type)
		}
	}
	t.collectColumns()
	return t, nil
}

// checkType makes sure that every field has a group that decides about it.
//
// SECURITY: a field without a group would have no rule; it must not exist.
func (t *Table) checkType(x *Type) error {
	if x.Anchor != "" {
		if x.anchor = t.byName[x.Anchor]; x.anchor == nil {
			return fmt.Errorf("read: %s has unknown anchor %s", x.Name, x.Anchor)
		}
	} else {
		x.anchor = x
	}
	if x.anchor.Entity == "" && !x.Public {
		return fmt.Errorf("read: nothing decides about rows of %s", x.Name)
	}
	for i := range x.Fields {
		f := &x.Fields[i]
		switch f.Group {
		case Open, byFieldClass:
		default:
			e, ok := policy.EntityOf(f.Group)
			if !ok || e == f.Group || e != x.entity() {
				return fmt.Errorf("read: %s.%s has no field group of %q", x.Name, f.Name, x.entity())
			}
		}
		if f.Target != "" && t.byName[f.Target] == nil || f.List != nil && t.byName[f.List.Target] == nil {
			return fmt.Errorf("read: %s.%s leads nowhere", x.Name, f.Name)
		}
	}
	return nil
}

// entity whose groups the type's fields belong to.
func (t *Type) entity() policy.Object {
	if t.anchor.Entity != "" {
		return t.anchor.Entity
	}
	e, _ := policy.EntityOf(t.Fields[1].Group)
	return e
}

func (t *Table) collectColumns() {
	use := map[string][]string{}
	add := func(table, template string) {
		for _, m := range columnOf.FindAllStringSubmatch(template, -1) {
			if !slices.Contains(use[table], m[1]) {
				use[table] = append(use[table], m[1])
			}
		}
	}
	list := func(l *List) {
		table := t.byName[l.Target].Table
		for _, f := range slices.Concat(l.Filter, l.Args) {
			add(table, f.SQL)
		}
		for _, o := range append(slices.Clone(l.Orders), l.Default) {
			add(table, o.Expr)
		}
		if l.By != "" {
			add(table, "{}."+l.By)
		}
	}
	for _, x := range t.Types {
		add(x.Table, "{}.tenant_id {}."+x.Key)
		for i := range x.Fields {
			f := &x.Fields[i]
			add(x.Table, f.Expr+" "+f.Second)
			if f.List != nil {
				list(f.List)
			}
		}
	}
	for _, r := range t.Roots {
		if r.List != nil {
			list(r.List)
		}
	}
	for table, cols := range use {
		t.columns[table] = strings.Join(cols, ", ")
	}
	for _, c := range childTables() {
		t.columns[c.name] = c.columns
	}
}

// childTable is a table that holds values of a field and has a history of its own.
type childTable struct{ name, columns string }

func childTables() []childTable {
	return []childTable{{"client_kinds", "tenant_id, client_id, kind"}, {"client_former_names", "tenant_id, client_id, name, used_until"}}
}

// phoneMask keeps what tells two numbers apart and not what dials: 138****1234. %[1]s is the number.
const phoneMask = `CASE WHEN char_length(%[1]s) >= 11 THEN left(%[1]s, 3) || '****' || right(%[1]s, 4) WHEN char_length(%[1]s) >= 7 THEN '****' || right(%[1]s, 2) WHEN %[1]s IS NOT NULL THEN '****' END`

// shownMasked is the masked form of what may be shown as it is to those who may only peek: whom to call, without the number.
const shownMasked = `%[1]s`

func peekable(f Field) Field {
	f.Mask = shownMasked
	return f
}

// Short forms for the tables below.

func idField(prefix, key string) Field {
	return Field{Name: "id", Group: Open, Kind: KindID, Prefix: prefix, Expr: "{}." + key}
}

func col(group policy.Object, kind Kind, name, column string) Field {
	return Field{Name: name, Group: group, Kind: kind, Expr: "{}." + column}
}

func one(group policy.Object, name, column, target string) Field {
	return Field{Name: name, Group: group, Kind: KindOne, Expr: "{}." + column, Target: target}
}

func many(group policy.Object, name, target, by string, order Order) Field {
	return Field{Name: name, Group: group, Kind: KindMany, List: &List{Target: target, By: by, Default: order}}
}

func money(group policy.Object, name, column string) Field {
	return Field{Name: name, Group: group, Kind: KindMoney, Expr: "{}." + column + "_minor", Second: "{}." + column + "_currency"}
}

func version() Field   { return col(Open, KindBigInt, "version", "version") }
func createdAt() Field { return col(Open, KindTime, "createdAt", "created_at") }
func updatedAt() Field { return col(Open, KindTime, "updatedAt", "updated_at") }

func byID() Order { return Order{} }
