package walls

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	entschema "entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/db/migrate"
	"github.com/clientele/clientele/internal/testkit"
)

// column is what both sides say of one; the keys are not compared: ent knows one id per type, the database has
// (tenant_id, id), and the walk holds the database's keys to that.
type column struct {
	name, typ string
	nullable  bool
}

// notInEnt are the tables of the database that ent does not know, with the reason.
func notInEnt() map[string]string {
	reasons := map[string]string{
		"tenants":             "read and written by the operator's statements; its key is the tenant",
		"tenant_epochs":       "written by triggers, read by the first statement of a transaction",
		"tenant_counters":     "numbers taken in one statement",
		"events":              "appended by the last statement before COMMIT",
		"audit_checkpoints":   "written and read by the sealer and the verifier",
		"audit_tree":          "written and read by the sealer and the verifier",
		"audit_records":       "appended in the same pipeline",
		"idempotency_keys":    "claimed and filled in pipelines",
		"client_search_terms": "written in bulk, read by the gate; no id",
		"auth_directory":      "read before a tenant is known; no id",
		"goose_db_version":    goose,
	}
	for _, t := range tables() {
		if t.history {
			reasons[t.name+"_history"] = "written by a trigger, read by the gate"
		}
	}
	return reasons
}

// columnsNotInEnt are left to triggers everywhere.
func columnsNotInEnt() map[string]string {
	return map[string]string{"recorded_from": "set by the trigger that keeps history"}
}

func entTables(t testing.TB) map[string][]column {
	t.Helper()
	types := map[field.Type]string{
		field.TypeUUID: "uuid", field.TypeString: "text", field.TypeBool: "boolean", field.TypeInt64: "bigint", field.TypeInt: "bigint",
		field.TypeInt16: "smallint", field.TypeInt32: "integer", field.TypeTime: "timestamp with time zone", field.TypeBytes: "bytea", field.TypeJSON: "jsonb",
	}
	out := map[string][]column{}
	for _, table := range migrate.Tables {
		for _, c := range table.Columns {
			typ, ok := c.SchemaType["postgres"]
			if !ok {
				typ, ok = types[c.Type]
			}
			if !ok {
				t.Fatalf("%s.%s: ent type %s has no counterpart here", table.Name, c.Name, c.Type)
			}
			out[table.Name] = append(out[table.Name], column{c.Name, typ, c.Nullable})
		}
		if len(table.ForeignKeys) > 0 {
			t.Errorf("%s: ent has foreign keys; references stand in the migrations alone", table.Name)
		}
		if key := names(table.PrimaryKey); key != "id" {
			t.Errorf("%s: ent's key is %s", table.Name, key)
		}
	}
	return out
}

func names(columns []*entschema.Column) string {
	var list []string
	for _, c := range columns {
		list = append(list, c.Name)
	}
	return strings.Join(list, ",")
}

func databaseTables(t testing.TB, dsn string) map[string][]column {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull FROM pg_attribute a
		JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]column{}
	var table string
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&table, &c.name, &c.typ, &c.nullable}, func() error {
		out[table] = append(out[table], c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// differences are sorted sentences; none when the two are equal but for the lists.
func differences(ent, database map[string][]column, tables, columns map[string]string) []string {
	var out []string
	index := func(cs []column) map[string]column {
		m := map[string]column{}
		for _, c := range cs {
			m[c.name] = c
		}
		return m
	}
	usedTables, usedColumns := map[string]bool{}, map[string]bool{}
	for table, cs := range ent {
		have, ok := database[table]
		if !ok {
			out = append(out, fmt.Sprintf("%s: not in the database", table))
			continue
		}
		byName := index(have)
		for _, c := range cs {
			d, ok := byName[c.name]
			switch {
			case !ok:
				out = append(out, fmt.Sprintf("%s.%s: not in the database", table, c.name))
			case d.typ != c.typ:
				out = append(out, fmt.Sprintf("%s.%s: %s in ent, %s in the database", table, c.name, c.typ, d.typ))
			case d.nullable != c.nullable:
				out = append(out, fmt.Sprintf("%s.%s: nullable is %t in ent, %t in the database", table, c.name, c.nullable, d.nullable))
			}
		}
		known := index(cs)
		for _, d := range have {
			if _, ok := known[d.name]; ok {
				continue
			}
			if _, ok := columns[d.name]; !ok {
				out = append(out, fmt.Sprintf("%s.%s: not in ent", table, d.name))
			}
			usedColumns[d.name] = true
		}
	}
	for table := range database {
		if _, ok := ent[table]; ok {
			continue
		}
		if _, ok := tables[table]; !ok {
			out = append(out, fmt.Sprintf("%s: not in ent", table))
		}
		usedTables[table] = true
	}
	for table := range tables {
		if !usedTables[table] {
			out = append(out, fmt.Sprintf("%s: an exception that nothing needs", table))
		}
	}
	for c := range columns {
		if !usedColumns[c] {
			out = append(out, fmt.Sprintf("column %s: an exception that nothing needs", c))
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

func TestEntAndTheDatabaseAreEqual(t *testing.T) {
	t.Parallel()
	ent, database := entTables(t), databaseTables(t, testkit.NewDatabase(t).App)
	if len(ent) < 20 {
		t.Fatalf("ent has %d tables", len(ent))
	}
	for _, d := range differences(ent, database, notInEnt(), columnsNotInEnt()) {
		t.Error(d)
	}
}

func TestEveryDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	base := func() map[string][]column {
		return map[string][]column{"clients": {{"id", "uuid", false}, {"name", "text", false}}}
	}
	for want, change := range map[string]func(ent, database map[string][]column){
		"contacts: not in the database":                                    func(e, _ map[string][]column) { e["contacts"] = nil },
		"contacts: not in ent":                                             func(_, d map[string][]column) { d["contacts"] = nil },
		"clients.code: not in the database":                                func(e, _ map[string][]column) { e["clients"] = append(e["clients"], column{"code", "text", true}) },
		"clients.code: not in ent":                                         func(_, d map[string][]column) { d["clients"] = append(d["clients"], column{"code", "text", true}) },
		"clients.name: text in ent, character varying(20) in the database": func(_, d map[string][]column) { d["clients"][1].typ = "character varying(20)" },
		"clients.name: nullable is false in ent, true in the database":     func(_, d map[string][]column) { d["clients"][1].nullable = true },
		"clients.name: nullable is true in ent, false in the database":     func(e, _ map[string][]column) { e["clients"][1].nullable = true },
	} {
		ent, database := base(), base()
		change(ent, database)
		if got := differences(ent, database, nil, nil); !slices.Equal(got, []string{want}) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := differences(base(), base(), map[string]string{"gone": ""}, map[string]string{"gone": ""}); len(got) != 2 {
		t.Errorf("exceptions that nothing needs: %v", got)
	}
	if got := differences(base(), base(), nil, nil); len(got) != 0 {
		t.Errorf("equal: %v", got)
	}
}
