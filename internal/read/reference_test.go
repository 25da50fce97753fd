package read

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

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
	known    map[factKey]*policy.Row
}

type outcome struct {
	data     string
	errs     []string
	masked   []string
	openings []string
}

func (w *world) reference(d *data, s *tenancy.Session, doc document) outcome {
	r := &reference{w: w, g: w.gate, d: d, s: s, rights: w.rightsOf(s), vars: doc.vars, at: time.Now(), bad: map[string]bool{}, openings: map[string]*Opening{}, known: map[factKey]*policy.Row{}}
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
		value := r.value(t, f, row)
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
