package read

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// The reference executor: a plain interpreter of documents, row by row over rows read whole, that asks policy.Decide
// for every row and every field group. It shares with the gate the names of columns and nothing of its SQL.

type rec map[string]any

// data is every row of a tenant, now and then.
type data struct {
	now, then map[string][]rec
	byID      map[string]map[uuid.UUID]rec
	zh        map[string]int // rank of names in Chinese order
}

func (w *world) load(m *made) *data {
	w.t.Helper()
	d := &data{now: map[string][]rec{}, then: map[string][]rec{}, byID: map[string]map[uuid.UUID]rec{}, zh: map[string]int{}}
	read := func(table string) []rec {
		extra := ""
		if table == "audit_records" {
			extra = `, detail::text AS "detail::text"`
		}
		rows, err := w.conn.Query(context.Background(), "SELECT *"+extra+" FROM "+table+" WHERE tenant_id = $1", m.id.UUID())
		must(w.t, err)
		var out []rec
		for rows.Next() {
			values, err := rows.Values()
			must(w.t, err)
			r := rec{}
			for i, f := range rows.FieldDescriptions() {
				v := values[i]
				if b, ok := v.([16]byte); ok {
					v = uuid.UUID(b)
				}
				r[f.Name] = v
			}
			out = append(out, r)
		}
		must(w.t, rows.Err())
		return out
	}
	tables := []string{"client_kinds", "client_former_names", "client_search_terms"}
	for _, t := range w.gate.table.Types {
		tables = append(tables, t.Table)
	}
	for _, t := range tables {
		d.now[t] = read(t)
		d.byID[t] = map[uuid.UUID]rec{}
		for _, r := range d.now[t] {
			if u, ok := r["id"].(uuid.UUID); ok {
				d.byID[t][u] = r
			} else if t == "tenants" {
				d.byID[t][r["tenant_id"].(uuid.UUID)] = r
			}
		}
		if _, ok := d.now[t]; ok && len(d.now[t]) > 0 && d.now[t][0]["recorded_from"] != nil {
			d.then[t] = read(t + "_history")
		}
	}
	rows, err := w.conn.Query(context.Background(), `SELECT n FROM (SELECT DISTINCT name AS n FROM staff UNION SELECT name FROM staff_history) x ORDER BY n COLLATE "zh-x-icu"`)
	must(w.t, err)
	for rows.Next() {
		var n string
		must(w.t, rows.Scan(&n))
		d.zh[n] = len(d.zh)
	}
	must(w.t, rows.Err())
	return d
}

// reference answers one operation.
type reference struct {
	w      *world
	g      *Gate
	d      *data
	s      *tenancy.Session
	rights *policy.Rights
	vars   map[string]any
	asOf   *time.Time
	at     time.Time

	out      bytes.Buffer
	errs     []string
	bad      map[string]bool // static paths that are null because of their arguments
	masked   []string
	openings map[string]*Opening
}

type outcome struct {
	data     string
	errs     []string
	masked   []string
	openings []string
}

func (w *world) reference(d *data, s *tenancy.Session, doc document) outcome {
	r := &reference{w: w, g: w.gate, d: d, s: s, rights: w.rightsOf(s), vars: doc.vars, at: time.Now(), bad: map[string]bool{}, openings: map[string]*Opening{}}
	sel := make(ast.SelectionSet, len(doc.roots))
	for i, f := range doc.roots {
		sel[i] = f
	}
	fields := w.gate.collect("Query", []ast.SelectionSet{sel}, doc.vars)
	dead := false
	for _, c := range fields {
		dead = r.checkRoot(c) || dead
	}
	if dead {
		return outcome{data: "null", errs: sorted(r.errs)}
	}
	r.out.WriteByte('{')
	for i, c := range fields {
		r.comma(i)
		r.root(c)
	}
	r.out.WriteByte('}')
	o := outcome{data: r.out.String(), errs: sorted(r.errs), masked: r.masked}
	for _, x := range r.openings {
		o.openings = append(o.openings, openingText(*x))
	}
	o.openings = sorted(o.openings)
	return o
}

func sorted(s []string) []string { slices.Sort(s); return s }

func openingText(o Opening) string {
	g := slices.Clone(o.Groups)
	slices.Sort(g)
	return fmt.Sprint(o.Type, o.ID, g, o.ByID)
}

func (r *reference) comma(i int) {
	if i > 0 {
		r.out.WriteByte(',')
	}
}
func (r *reference) put(s string)     { r.out.WriteString(s) }
func (r *reference) key(alias string) { r.put(strconv.Quote(alias) + ":") }
func (r *reference) fail(path, code, reason string) {
	r.errs = append(r.errs, path+" "+code+" "+reason)
}

// ---- arguments, judged before any row

func (r *reference) checkRoot(c collected) (dead bool) {
	path := c.field.Alias
	args := c.field.ArgumentMap(r.vars)
	r.setAsOf(args)
	switch name := c.field.Name; name {
	case "__typename", "viewer", "tenant":
		r.walkRoot(c, path)
	case "node", "nodes":
		ids := append(list(args["id"]), list(args["ids"])...)
		if name == "nodes" && len(ids) > 100 {
			r.fail(path, "LIMIT_EXCEEDED", "TOO_MANY_IDS")
			dead = true
		} else {
			for i, v := range ids {
				if t, _ := r.parse(v); t == nil {
					at := path
					if name == "nodes" {
						at += fmt.Sprintf(".%d", i)
					}
					r.fail(at, "INVALID_INPUT", "INVALID_ID")
				}
			}
		}
		seen := map[*Type]bool{}
		for _, v := range ids {
			if t, _ := r.parse(v); t != nil && !seen[t] {
				seen[t] = true
				r.walk(t, c.sels, path)
			}
		}
	default:
		root := r.g.table.roots[name]
		bad := false
		if v := args["asOf"]; v != nil && r.asOf == nil {
			r.fail(path, "INVALID_INPUT", "INVALID_DATE_TIME")
			bad = true
		}
		if root.Kind == RootByID {
			t := r.g.table.byName[root.Type]
			if got, _ := r.parse(args["id"]); got != t {
				r.fail(path, "INVALID_INPUT", "INVALID_ID")
				bad = true
			}
			r.bad[path] = bad
			r.walk(t, c.sels, path)
			return false
		}
		bad = r.checkList(c, root.List, path, bad) || bad
		r.bad[path] = bad
		dead = bad
		r.walkPage(r.g.table.byName[root.Type], c.sels, path)
	}
	return dead
}

func (r *reference) setAsOf(args map[string]any) {
	r.asOf = nil
	if s, ok := args["asOf"].(string); ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			r.asOf = &t
		}
	}
}

func (r *reference) walkRoot(c collected, path string) {
	switch c.field.Name {
	case "tenant":
		r.walk(r.g.table.byName["Tenant"], c.sels, path)
	case "viewer":
		for _, x := range r.g.collect("Viewer", c.sels, r.vars) {
			if t := map[string]string{"account": "Account", "staff": "Staff"}[x.field.Name]; t != "" {
				r.walk(r.g.table.byName[t], x.sels, path+"."+x.field.Alias)
			}
		}
	}
}

// walk judges the arguments of every list below a selection.
func (r *reference) walk(t *Type, sels []ast.SelectionSet, path string) {
	for _, c := range r.g.collect(t.Name, sels, r.vars) {
		f := t.byName[c.field.Name]
		at := path + "." + c.field.Alias
		switch {
		case f == nil:
		case f.Kind == KindOne:
			r.walk(r.g.table.byName[f.Target], c.sels, at)
		case f.Kind == KindMany:
			r.bad[at] = r.checkList(c, f.List, at, false)
			r.walkPage(r.g.table.byName[f.List.Target], c.sels, at)
		}
	}
}

func (r *reference) walkPage(t *Type, sels []ast.SelectionSet, path string) {
	for _, c := range r.g.collect(t.Name+"Connection", sels, r.vars) {
		at := path + "." + c.field.Alias
		switch c.field.Name {
		case "nodes":
			r.walk(t, c.sels, at)
		case "edges":
			for _, e := range r.g.collect(t.Name+"Edge", c.sels, r.vars) {
				if e.field.Name == "node" {
					r.walk(t, e.sels, at+"."+e.field.Alias)
				}
			}
		}
	}
}

func (r *reference) parse(v any) (*Type, uuid.UUID) {
	s, _ := v.(string)
	prefix, u, err := id.Decode(s)
	if err != nil {
		return nil, u
	}
	return r.g.table.byPre[prefix], u
}

// pageArgs are a list's arguments, understood.
type pageArgs struct {
	n             int
	backward      bool
	after, before *position
	filters       map[string]any
	order         Order
	masked        bool // rows sort by what may be seen of the key
}

func (r *reference) checkList(c collected, l *List, path string, bad bool) bool {
	args := c.field.ArgumentMap(r.vars)
	if args["first"] != nil && args["last"] != nil {
		r.fail(path, "INVALID_INPUT", "FIRST_AND_LAST")
		bad = true
	}
	for _, n := range []string{"first", "last"} {
		if v := args[n]; v != nil {
			if x, err := whole(v); err != nil || x < 1 || x > 100 {
				r.fail(path, "INVALID_INPUT", "PAGE_SIZE")
				bad = true
			}
		}
	}
	t := r.g.table.byName[l.Target]
	filters := r.filters(args, l)
	refused := false
	_, order := r.order(args, l, t)
	if o, chosen := r.chosenOrder(args, l, c); chosen && o.Group != Open && r.never(t, o.Group, policy.Filter) {
		refused = true
	}
	for _, f := range slices.Concat(l.Filter, l.Args) {
		v, given := filters[f.Name]
		if !given {
			continue
		}
		switch f.Kind {
		case FilterID, FilterIDs, FilterAnyIDs:
			for _, x := range list(v) {
				got, _ := r.parse(x)
				if s, _ := x.(string); f.Kind == FilterAnyIDs {
					if _, _, err := id.Decode(s); err == nil {
						continue
					}
				}
				if got == nil || got.Prefix != f.Prefix {
					r.fail(path, "INVALID_INPUT", "INVALID_ID")
					bad = true
					break
				}
			}
		case FilterSearch:
			any := false
			for _, g := range clientGroups() {
				any = any || !r.none(r.rights.Reach(g, policy.Filter))
			}
			refused = refused || !any
			continue
		}
		if f.Group != Open && r.never(t, f.Group, policy.Filter) {
			refused = true
		}
	}
	if refused {
		r.fail(path, "FORBIDDEN", "FILTER_RIGHT_MISSING")
		return true
	}
	if bad {
		return true
	}
	for _, n := range []string{"after", "before"} {
		if v := args[n]; v != nil {
			if _, ok := r.g.decodeCursor(v.(string), r.s.Tenant, (&site{list: l}).ordering(order), order); !ok {
				r.fail(path, "INVALID_INPUT", "INVALID_CURSOR")
				bad = true
			}
		}
	}
	return bad
}

func clientGroups() []policy.Object {
	return []policy.Object{policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit}
}

func (r *reference) filters(args map[string]any, l *List) map[string]any {
	out := map[string]any{}
	given, _ := args["filter"].(map[string]any)
	for _, f := range l.Filter {
		if v := given[f.Name]; v != nil {
			if f.Kind == FilterSearch && len(strings.Fields(v.(string))) == 0 {
				continue
			}
			out[f.Name] = v
		}
	}
	for _, f := range l.Args {
		if v := args[f.Name]; v != nil {
			out[f.Name] = v
		}
	}
	return out
}

func (r *reference) chosenOrder(args map[string]any, l *List, c collected) (Order, bool) {
	by, _ := args["orderBy"].(map[string]any)
	if by == nil {
		return Order{}, false
	}
	for _, o := range l.Orders {
		if o.Name == by["field"] {
			dir, ok := by["direction"].(string)
			if !ok {
				dir = map[string]string{"Client": "ASC", "Staff": "ASC", "Contract": "DESC"}[l.Target]
			}
			o.Desc = dir == "DESC"
			o.IDDesc = o.Desc
			return o, true
		}
	}
	return Order{}, false
}

// order gives the order in effect, and whether its key is masked per row.
func (r *reference) order(args map[string]any, l *List, t *Type) (masked bool, o Order) {
	if o, chosen := r.chosenOrder(args, l, collected{}); chosen {
		return false, o
	}
	o = l.Default
	switch {
	case o.Expr == "" || o.Group == Open || r.rights.Reach(o.Group, policy.Reveal).All:
		return false, o
	case r.never(t, o.Group, policy.Reveal):
		return false, Order{}
	}
	o.Nullable = true
	return true, o
}

func (r *reference) none(x policy.Reach) bool { return x.None || !x.All && len(x.Allow) == 0 }

func (r *reference) never(t *Type, g policy.Object, a policy.Action) bool {
	return t.Own.Column == "" && r.none(r.rights.Reach(g, a))
}

// ---- rights of rows

// current row of a type; nil when there is none now.
func (r *reference) current(t *Type, u uuid.UUID) rec { return r.d.byID[t.Table][u] }

func nid(v any) uuid.UUID { u, _ := v.(uuid.UUID); return u }
func str(v any) string    { s, _ := v.(string); return s }

func (r *reference) staff(v any) rec {
	if x := r.d.byID["staff"][nid(v)]; x != nil {
		return x
	}
	return rec{}
}

// facts of the anchor of a current row.
func (r *reference) facts(t *Type, row rec) *policy.Row {
	if t.Anchor != "" {
		return r.facts(t.anchor, r.d.byID[t.anchor.Table][nid(row[t.AnchorKey])])
	}
	f := &policy.Row{ID: nid(row["id"])}
	client := func(c rec) {
		f.Client = nid(c["id"])
		f.Grade = str(c["grade"])
		f.Important, _ = c["important"].(bool)
		f.ClientSuspended, _ = c["suspended"].(bool)
		for _, k := range r.d.now["client_kinds"] {
			if k["client_id"] == c["id"] {
				f.Kinds = append(f.Kinds, str(k["kind"]))
			}
		}
		valid := func(x rec) bool {
			from, _ := x["valid_from"].(time.Time)
			until, limited := x["valid_until"].(time.Time)
			return !from.After(r.at) && (!limited || until.After(r.at))
		}
		for _, m := range r.d.now["client_team_members"] {
			if m["client_id"] == c["id"] && m["staff_id"] == r.s.Actor.Staff && valid(m) {
				f.OnTeam = true
			}
		}
		for _, x := range r.d.now["client_distributions"] {
			if x["client_id"] == c["id"] && valid(x) {
				f.DistributedTo = append(f.DistributedTo, nid(x["department_id"]))
			}
		}
		for _, g := range r.d.now["access_grants"] {
			if g["client_id"] == c["id"] && g["grantee_staff_id"] == r.s.Actor.Staff && valid(g) && g["revoked_at"] == nil {
				f.Granted |= policy.ClassSet(g["class_mask"].(int16))
			}
		}
	}
	switch t.Name {
	case "Company":
		f.Company = nid(row["id"])
	case "Department":
		f.Company, f.Department = nid(row["company_id"]), nid(row["id"])
	case "Staff":
		f.Company, f.Department, f.Staff = nid(row["company_id"]), nid(row["department_id"]), nid(row["id"])
	case "Account":
		s := r.staff(row["staff_id"])
		f.Staff, f.Company, f.Department = nid(row["staff_id"]), nid(s["company_id"]), nid(s["department_id"])
	case "Role":
		f.Company = nid(row["company_id"])
	case "RoleBinding":
		account := r.d.byID["accounts"][nid(row["account_id"])]
		s := r.staff(account["staff_id"])
		f.Staff, f.Company, f.Department = nid(account["staff_id"]), nid(s["company_id"]), nid(s["department_id"])
		if row["company_id"] != nil {
			f.Company = nid(row["company_id"])
		}
		if row["department_id"] != nil {
			f.Department = nid(row["department_id"])
		}
	case "AccessGrant":
		c := r.d.byID["clients"][nid(row["client_id"])]
		client(c)
		f.Staff, f.Owner, f.Company, f.Department = nid(row["grantee_staff_id"]), nid(c["owner_id"]), nid(c["company_id"]), nid(c["department_id"])
	case "AuditRecord":
		if a := r.d.byID["accounts"][nid(row["actor_id"])]; a != nil {
			f.Staff = nid(a["staff_id"])
		}
	case "Client":
		client(row)
		f.Company, f.Department, f.Owner, f.Stage = nid(row["company_id"]), nid(row["department_id"]), nid(row["owner_id"]), str(row["stage"])
	case "Contract":
		client(r.d.byID["clients"][nid(row["client_id"])])
		f.Company, f.Department, f.Owner = nid(row["company_id"]), nid(row["department_id"]), nid(row["owner_id"])
		f.Kind, f.State = str(row["kind"]), str(row["state"])
		f.Amount, f.AmountSet = row["amount_minor"].(int64)
	}
	return f
}

func (r *reference) own(t *Type, row rec) bool {
	switch t.Name {
	case "Account":
		return row["id"] == r.s.Actor.Account
	case "Session", "ApiToken", "RoleBinding":
		return row["account_id"] == r.s.Actor.Account
	case "AccessGrant":
		return row["grantee_staff_id"] == r.s.Actor.Staff
	}
	return false
}

// visible tells whether a row, given by its current form, is seen.
func (r *reference) visible(t *Type, row rec) bool {
	if row == nil {
		return false
	}
	if t.Name == "Tenant" || r.own(t, row) {
		return true
	}
	f := r.facts(t, row)
	if !r.rights.Decide(t.anchor.Entity, policy.Read, f).Allow {
		return false
	}
	if t.Cover == "" {
		return true
	}
	access, _ := r.rights.Field(t.Cover, f)
	return access != policy.Hidden
}

// access to a group of a row: 0 hidden, 1 masked, 2 in full, 3 own.
func (r *reference) access(t *Type, g policy.Object, row rec, then rec) (int, string) {
	if g == Open {
		return 2, ""
	}
	f := r.facts(t, row)
	if g == byFieldClass {
		for _, x := range clientGroups() {
			if class, _ := policy.ClassOf(x); int16(class) == then["field_class"] && r.rights.Decide(x, policy.Reveal, f).Allow {
				return 2, ""
			}
		}
		return 0, "OUT_OF_SCOPE"
	}
	if r.own(t, row) {
		return 3, ""
	}
	access, _ := r.rights.Field(g, f)
	switch access {
	case policy.Full:
		return 2, ""
	case policy.Masked:
		return 1, "MASKED_ONLY"
	}
	if t.Own.Column == "" && r.none(r.rights.Reach(g, policy.Reveal)) && r.none(r.rights.Reach(g, policy.Peek)) {
		return 0, string(r.rights.Decide(g, policy.Reveal, &policy.Row{}).Reason)
	}
	return 0, "OUT_OF_SCOPE"
}

func (r *reference) may(t *Type, g policy.Object, a policy.Action, row rec) bool {
	return g == Open || r.own(t, row) || r.rights.Decide(g, a, r.facts(t, row)).Allow
}

// ---- rows

// rowsAt gives the rows of a table that the operation sees.
func (r *reference) rowsAt(table string) []rec {
	if r.asOf == nil || r.d.now[table] == nil || (len(r.d.now[table]) > 0 && r.d.now[table][0]["recorded_from"] == nil) {
		return r.d.now[table]
	}
	var out []rec
	for _, x := range r.d.now[table] {
		if !x["recorded_from"].(time.Time).After(*r.asOf) {
			out = append(out, x)
		}
	}
	for _, x := range r.d.then[table] {
		if !x["recorded_from"].(time.Time).After(*r.asOf) && x["recorded_to"].(time.Time).After(*r.asOf) {
			out = append(out, x)
		}
	}
	return out
}

func (r *reference) rowAt(t *Type, u uuid.UUID) rec {
	for _, x := range r.rowsAt(t.Table) {
		if x[t.Key] == u {
			return x
		}
	}
	return nil
}

// find gives an object by id as far as it is seen.
func (r *reference) find(t *Type, u uuid.UUID) rec {
	if t.Twin && !r.visible(t, r.current(t, u)) || !t.Twin && !r.visible(t, r.current(t, u)) {
		return nil
	}
	return r.rowAt(t, u)
}

// ---- output

func (r *reference) root(c collected) {
	r.key(c.field.Alias)
	path := c.field.Alias
	args := c.field.ArgumentMap(r.vars)
	r.setAsOf(args)
	switch c.field.Name {
	case "__typename":
		r.put(`"Query"`)
	case "tenant":
		r.found(r.g.table.byName["Tenant"], r.s.Tenant.UUID(), c.sels, path, path)
	case "viewer":
		r.put("{")
		for i, x := range r.g.collect("Viewer", c.sels, r.vars) {
			r.comma(i)
			r.key(x.field.Alias)
			at := path + "." + x.field.Alias
			switch x.field.Name {
			case "account":
				r.found(r.g.table.byName["Account"], r.s.Actor.Account, x.sels, at, at)
			case "staff":
				r.found(r.g.table.byName["Staff"], r.s.Actor.Staff, x.sels, at, at)
			default:
				r.put(`"Viewer"`)
			}
		}
		r.put("}")
	case "node":
		r.node(args["id"], c, path, path)
	case "nodes":
		r.put("[")
		for i, v := range list(args["ids"]) {
			r.comma(i)
			r.node(v, c, path, fmt.Sprintf("%s.%d", path, i))
		}
		r.put("]")
	default:
		root := r.g.table.roots[c.field.Name]
		if r.bad[path] {
			r.put("null")
			return
		}
		if root.Kind == RootByID {
			r.node(args["id"], c, path, path)
			return
		}
		r.page(c, root.List, nil, path, path)
	}
}

func (r *reference) node(v any, c collected, static, path string) {
	t, u := r.parse(v)
	if t == nil {
		r.put("null")
		return
	}
	if row := r.find(t, u); row != nil && t.Name == "Client" {
		r.open(t, u).ByID = true
	}
	r.found(t, u, c.sels, static, path)
}

func (r *reference) open(t *Type, u uuid.UUID) *Opening {
	k := t.Name + u.String()
	if r.openings[k] == nil {
		r.openings[k] = &Opening{Type: t.Name, ID: u}
	}
	return r.openings[k]
}

func (r *reference) found(t *Type, u uuid.UUID, sels []ast.SelectionSet, static, path string) {
	row := r.find(t, u)
	if row == nil {
		r.put("null")
		return
	}
	r.object(t, row, sels, static, path)
}

func (r *reference) object(t *Type, row rec, sels []ast.SelectionSet, static, path string) {
	current := r.current(t, nid(row[t.Key]))
	r.put("{")
	for i, c := range r.g.collect(t.Name, sels, r.vars) {
		r.comma(i)
		r.key(c.field.Alias)
		if c.field.Name == "__typename" {
			r.put(strconv.Quote(t.Name))
			continue
		}
		f := t.byName[c.field.Name]
		code, reason := r.access(t, f.Group, current, row)
		if class, ok := policy.ClassOf(f.Group); ok && class >= 4 && code == 2 {
			if o := r.open(t, nid(row[t.Key])); !slices.Contains(o.Groups, f.Group) {
				o.Groups = append(o.Groups, f.Group)
			}
		}
		at := path + "." + c.field.Alias
		st := static + "." + c.field.Alias
		if code == 0 || code == 1 && f.Kind != KindMany && f.Mask == "" {
			r.put("null")
			r.masked = append(r.masked, at+" "+reason)
			continue
		}
		value := row[strings.TrimPrefix(f.Expr, "{}.")]
		switch f.Kind {
		case KindOne:
			if value == nil {
				r.put("null")
				continue
			}
			r.found(r.g.table.byName[f.Target], nid(value), c.sels, st, at)
		case KindMany:
			if r.bad[st] {
				r.put("null")
				continue
			}
			r.page(c, f.List, row[t.Key], st, at)
		case KindMoney:
			if value == nil {
				r.put("null")
				continue
			}
			r.put("{")
			for n, m := range r.g.collect("Money", c.sels, r.vars) {
				r.comma(n)
				r.key(m.field.Alias)
				switch m.field.Name {
				case "amount":
					r.put(fmt.Sprintf(`"%d"`, value))
				case "currency":
					r.put(fmt.Sprintf(`"%s"`, row[strings.TrimPrefix(f.Second, "{}.")]))
				default:
					r.put(`"Money"`)
				}
			}
			r.put("}")
		case KindTexts:
			r.texts(f, row)
		default:
			r.scalar(f, row, value, code)
		}
	}
	r.put("}")
}

func (r *reference) texts(f *Field, row rec) {
	out := []string{}
	if f.Name == "kinds" {
		for _, k := range r.rowsAt("client_kinds") {
			if k["client_id"] == row["id"] {
				out = append(out, str(k["kind"]))
			}
		}
		slices.Sort(out)
	} else {
		var all []rec
		for _, k := range r.rowsAt("client_former_names") {
			if k["client_id"] == row["id"] {
				all = append(all, k)
			}
		}
		slices.SortFunc(all, func(a, b rec) int {
			return cmp.Or(b["used_until"].(time.Time).Compare(a["used_until"].(time.Time)), cmp.Compare(str(a["name"]), str(b["name"])))
		})
		for _, k := range all {
			out = append(out, str(k["name"]))
		}
	}
	r.json(out)
}

func (r *reference) json(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	must(r.w.t, e.Encode(v))
	r.put(strings.TrimSpace(b.String()))
}

func (r *reference) scalar(f *Field, row rec, v any, code int) {
	if v == nil {
		r.put("null")
		return
	}
	switch f.Kind {
	case KindID:
		r.json(gid(f.Prefix, nid(v)))
	case KindObjectID:
		t := r.g.table.byName[str(row["object_type"])]
		if t == nil {
			r.put("null")
			return
		}
		r.json(gid(t.Prefix, nid(v)))
	case KindEnum:
		r.json(strings.ToUpper(str(v)))
	case KindBigInt:
		r.json(fmt.Sprint(v))
	case KindTime:
		r.json(v.(time.Time).UTC().Format(time.RFC3339Nano))
	case KindDate:
		r.json(v.(time.Time).Format(time.DateOnly))
	case KindHex:
		r.json(hex.EncodeToString(v.([]byte)))
	case KindJSON:
		r.put(str(v))
	case KindText:
		s := str(v)
		if code == 1 && f.Name == "phone" {
			switch n := len(s); {
			case n >= 11:
				s = s[:3] + "****" + s[n-4:]
			case n >= 7:
				s = "****" + s[n-2:]
			default:
				s = "****"
			}
		}
		r.json(s)
	default:
		r.json(v)
	}
}

// ---- pages

type candidate struct {
	row rec
	key any // nil is NULL
}

func (r *reference) page(c collected, l *List, parent any, static, path string) {
	t := r.g.table.byName[l.Target]
	args := c.field.ArgumentMap(r.vars)
	masked, order := r.order(args, l, t)
	filters := r.filters(args, l)
	column := strings.TrimSuffix(strings.TrimPrefix(order.Expr, "{}."), ` COLLATE "zh-x-icu"`)
	_, chosen := r.chosenOrder(args, l, c)
	var all []candidate
	for _, row := range r.rowsAt(t.Table) {
		current := r.current(t, nid(row[t.Key]))
		if parent != nil && row[l.By] != parent || !r.visible(t, current) || !r.passes(t, l, filters, row, current) {
			continue
		}
		if chosen && !r.may(t, order.Group, policy.Filter, current) {
			continue
		}
		x := candidate{row: row}
		if column != "" && (!masked || r.own(t, current) || r.rights.Decide(order.Group, policy.Reveal, r.facts(t, current)).Allow) {
			x.key = row[column]
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b candidate) int { return r.compare(order, a, b) })
	var after, before *candidate
	ordering := (&site{list: l}).ordering(order)
	for name, into := range map[string]**candidate{"after": &after, "before": &before} {
		if v := args[name]; v != nil {
			p, _ := r.g.decodeCursor(v.(string), r.s.Tenant, ordering, order)
			*into = &candidate{row: rec{t.Key: uuid.UUID(p.id)}, key: p.key}
		}
	}
	rest := []candidate{}
	prev, next := false, false
	for _, x := range all {
		switch {
		case after != nil && r.compare(order, x, *after) <= 0:
			prev = true
		case before != nil && r.compare(order, x, *before) >= 0:
			next = true
		default:
			rest = append(rest, x)
		}
		// a row can lie on both sides at once
		if after != nil && before != nil && r.compare(order, x, *before) >= 0 {
			next = true
		}
	}
	n := 20
	if v := args["first"]; v != nil {
		n, _ = whole(v)
	}
	if v := args["last"]; v != nil {
		n, _ = whole(v)
		if len(rest) > n {
			rest, prev = rest[len(rest)-n:], true
		}
	} else if len(rest) > n {
		rest, next = rest[:n], true
	}
	r.put("{")
	for i, x := range r.g.collect(t.Name+"Connection", c.sels, r.vars) {
		r.comma(i)
		r.key(x.field.Alias)
		at, st := path+"."+x.field.Alias, static+"."+x.field.Alias
		switch x.field.Name {
		case "__typename":
			r.put(strconv.Quote(t.Name + "Connection"))
		case "nodes":
			r.put("[")
			for k, row := range rest {
				r.comma(k)
				r.object(t, row.row, x.sels, st, fmt.Sprintf("%s.%d", at, k))
			}
			r.put("]")
		case "edges":
			r.put("[")
			for k, row := range rest {
				r.comma(k)
				r.put("{")
				for j, e := range r.g.collect(t.Name+"Edge", x.sels, r.vars) {
					r.comma(j)
					r.key(e.field.Alias)
					switch e.field.Name {
					case "cursor":
						r.cursor(order, ordering, t, row)
					case "node":
						r.object(t, row.row, e.sels, st+"."+e.field.Alias, fmt.Sprintf("%s.%d.%s", at, k, e.field.Alias))
					default:
						r.put(strconv.Quote(t.Name + "Edge"))
					}
				}
				r.put("}")
			}
			r.put("]")
		case "pageInfo":
			r.put("{")
			for j, e := range r.g.collect("PageInfo", x.sels, r.vars) {
				r.comma(j)
				r.key(e.field.Alias)
				switch e.field.Name {
				case "hasNextPage":
					r.json(next)
				case "hasPreviousPage":
					r.json(prev)
				case "startCursor", "endCursor":
					switch {
					case len(rest) == 0:
						r.put("null")
					case e.field.Name == "startCursor":
						r.cursor(order, ordering, t, rest[0])
					default:
						r.cursor(order, ordering, t, rest[len(rest)-1])
					}
				default:
					r.put(`"PageInfo"`)
				}
			}
			r.put("}")
		case "totalCount":
			r.put("{")
			for j, e := range r.g.collect("Count", x.sels, r.vars) {
				r.comma(j)
				r.key(e.field.Alias)
				switch e.field.Name {
				case "value":
					r.json(len(all))
				case "capped":
					r.json(false)
				default:
					r.put(`"Count"`)
				}
			}
			r.put("}")
		}
	}
	r.put("}")
}

func (r *reference) compare(o Order, a, b candidate) int {
	flip := func(desc bool, n int) int {
		if desc {
			return -n
		}
		return n
	}
	n := 0
	switch {
	case a.key == nil && b.key == nil:
	case a.key == nil:
		n = 1
	case b.key == nil:
		n = -1
	default:
		switch x := a.key.(type) {
		case string:
			y := b.key.(string)
			if strings.Contains(o.Expr, "COLLATE") {
				n = cmp.Compare(r.d.zh[x], r.d.zh[y])
			} else {
				n = cmp.Compare(x, y)
			}
		case time.Time:
			n = x.Compare(b.key.(time.Time))
		case bool:
			n = cmp.Compare(fmt.Sprint(x), fmt.Sprint(b.key))
		default:
			n = cmp.Compare(number(x), number(b.key))
		}
	}
	if n != 0 {
		return flip(o.Desc, n)
	}
	key := "id"
	u, v := nid(a.row[key]), nid(b.row[key])
	return flip(o.IDDesc, bytes.Compare(u[:], v[:]))
}

func number(v any) int64 {
	switch v := v.(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case int64:
		return v
	}
	panic(fmt.Sprintf("%T is no number", v))
}

func (r *reference) cursor(o Order, ordering string, t *Type, x candidate) {
	u := nid(x.row[t.Key])
	var key []byte
	switch v := x.key.(type) {
	case string:
		key = append([]byte{}, v...)
	case time.Time:
		if o.Kind == KindDate {
			key = binary.BigEndian.AppendUint32(nil, uint32(int32(v.Sub(epoch).Hours()/24)))
		} else {
			key = binary.BigEndian.AppendUint64(nil, uint64(v.Sub(epoch).Microseconds()))
		}
	case bool:
		key = []byte{0}
		if v {
			key[0] = 1
		}
	case int16:
		key = binary.BigEndian.AppendUint16(nil, uint16(v))
	case int32:
		key = binary.BigEndian.AppendUint32(nil, uint32(v))
	case int64:
		key = binary.BigEndian.AppendUint64(nil, uint64(v))
	}
	r.out.Write(r.g.appendCursor(nil, r.s.Tenant, ordering, u[:], key))
}

// passes tells whether the row meets every filter, and may be asked about it.
func (r *reference) passes(t *Type, l *List, filters map[string]any, row, current rec) bool {
	in := func(v any, column string, change func(string) string) bool {
		for _, x := range list(v) {
			if s, ok := row[column].(string); ok && s == change(x.(string)) {
				return true
			}
		}
		return false
	}
	same := func(s string) string { return s }
	ids := func(v any, column string) bool {
		for _, x := range list(v) {
			if _, u := r.parse(x); row[column] != nil && row[column] == u {
				return true
			}
			if _, u, err := id.Decode(x.(string)); err == nil && row[column] != nil && row[column] == u {
				return true
			}
		}
		return false
	}
	after := func(v any, column string) int {
		x, err := time.Parse(time.RFC3339, v.(string))
		if err != nil {
			x, err = time.Parse(time.DateOnly, v.(string))
		}
		must(r.w.t, err)
		at, ok := row[column].(time.Time)
		if !ok {
			return -9
		}
		return at.Compare(x)
	}
	for name, v := range filters {
		var f Filter
		for _, x := range slices.Concat(l.Filter, l.Args) {
			if x.Name == name {
				f = x
			}
		}
		if f.Kind != FilterSearch && !r.may(t, f.Group, policy.Filter, current) {
			return false
		}
		ok := false
		switch t.Name + "." + name {
		case "Client.search":
			ok = r.searched(strings.Fields(v.(string)), t, current)
		case "Client.code", "Staff.number", "Contract.number":
			ok = row[name] == v
		case "Client.unifiedCreditCode":
			ok = row["unified_credit_code"] == v
		case "Client.kinds":
			for _, k := range r.rowsAt("client_kinds") {
				ok = ok || k["client_id"] == row["id"] && slices.Contains(list(v), k["kind"])
			}
		case "Client.stages":
			ok = in(v, "stage", strings.ToLower)
		case "Client.grades":
			ok = in(v, "grade", same)
		case "Client.acquisitions":
			ok = in(v, "acquisition", same)
		case "Client.regions":
			ok = in(v, "region", same)
		case "Client.suspended", "Client.important":
			ok = row[name] == v
		case "Client.updatedAfter":
			ok = after(v, "updated_at") == 1
		case "Client.updatedBefore":
			ok = after(v, "updated_at") == -1
		case "Client.nextContactOnOrBefore":
			n := after(v, "next_contact_on")
			ok = n == -1 || n == 0
		case "Contract.kinds":
			ok = in(v, "kind", same)
		case "Contract.states", "Staff.states":
			ok = in(v, "state", strings.ToLower)
		case "Contract.endsBefore":
			ok = after(v, "ends_on") == -1
		case "Contract.amountAtLeast", "Contract.amountAtMost":
			n, err := strconv.ParseInt(v.(string), 10, 64)
			must(r.w.t, err)
			if have, set := row["amount_minor"].(int64); set {
				ok = name == "amountAtLeast" && have >= n || name == "amountAtMost" && have <= n
			}
		case "Staff.name":
			ok = strings.HasPrefix(str(row["name"]), v.(string))
		case "AuditRecord.kinds":
			ok = in(v, "kind", strings.ToLower)
		case "AuditRecord.acts":
			ok = in(v, "act", same)
		case "AuditRecord.occurredAfter":
			ok = after(v, "occurred_at") == 1
		case "AuditRecord.occurredBefore":
			ok = after(v, "occurred_at") == -1
		default:
			column := map[string]string{
				"companyIds": "company_id", "departmentIds": "department_id", "ownerIds": "owner_id", "clientIds": "client_id", "actorIds": "actor_id", "objectIds": "object_id",
				"companyId": "company_id", "accountId": "account_id", "roleId": "role_id", "clientId": "client_id", "granteeId": "grantee_staff_id",
			}[name]
			if column == "" {
				r.w.t.Fatalf("the reference does not know the filter %s of %s", name, t.Name)
			}
			ok = ids(v, column)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (r *reference) searched(terms []string, t *Type, current rec) bool {
	f := r.facts(t, current)
	for _, term := range terms[:min(len(terms), 8)] {
		hit := false
		for _, s := range r.d.now["client_search_terms"] {
			if s["client_id"] != current["id"] || s["term"] != term {
				continue
			}
			for _, g := range clientGroups() {
				if class, _ := policy.ClassOf(g); int16(class) == s["field_class"] && r.rights.Decide(g, policy.Filter, f).Allow {
					hit = true
				}
			}
		}
		if !hit {
			return false
		}
	}
	return true
}
