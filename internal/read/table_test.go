package read

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// TestTableMatchesTheSchema takes away and adds, on either side.
func TestTableMatchesTheSchema(t *testing.T) {
	t.Parallel()
	schema := publicSchema(t)
	fresh := func() *Table {
		x, err := newTable()
		must(t, err)
		return x
	}
	must(t, fresh().matches(schema))
	for _, typ := range fresh().Types {
		for name := range typ.byName {
			x := fresh()
			delete(x.byName[typ.Name].byName, name)
			if err := x.matches(schema); err == nil || !strings.Contains(err.Error(), typ.Name+"."+name) {
				t.Errorf("%s.%s could be left out: %v", typ.Name, name, err)
			}
		}
		x := fresh()
		delete(x.byName, typ.Name)
		if x.matches(schema) == nil {
			t.Errorf("%s could be left out", typ.Name)
		}
	}
	for _, r := range fresh().Roots {
		x := fresh()
		delete(x.roots, r.Name)
		if x.matches(schema) == nil {
			t.Errorf("the root %s could be left out", r.Name)
		}
	}
	x := fresh()
	x.Types[0].Fields = append(x.Types[0].Fields, col(Open, KindText, "extra", "extra"))
	if x.matches(schema) == nil {
		t.Error("the table may have a field that the SDL has not")
	}
	x = fresh()
	x.Types[0].Fields[1].Group = ""
	if x.checkType(x.Types[0]) == nil {
		t.Error("a field needs no group")
	}
}

// TestGroupsAreThoseOfTheDescriptions reads the group in a field's description, or else in its type's.
func TestGroupsAreThoseOfTheDescriptions(t *testing.T) {
	t.Parallel()
	schema := publicSchema(t)
	table, err := newTable()
	must(t, err)
	checked := 0
	for _, typ := range table.Types {
		for i := range typ.Fields {
			f := &typ.Fields[i]
			def := schema.Types[typ.Name].Fields.ForName(f.Name)
			word := strings.TrimSuffix(strings.Fields(def.Description + " -")[0], ".")
			if strings.Contains(word, "#") {
				checked++
				if string(f.Group) != word {
					t.Errorf("%s.%s is of %s, the SDL says %s", typ.Name, f.Name, f.Group, word)
				}
			} else if f.Group == Open && !openNames(f.Name) && f.Kind != KindMany {
				t.Errorf("%s.%s is open to whoever sees the row", typ.Name, f.Name)
			}
			if !strings.Contains(word, "#") && f.Group != Open && f.Group != byFieldClass && strings.Contains(schema.Types[typ.Name].Description, "#") &&
				!strings.Contains(schema.Types[typ.Name].Description, string(f.Group)) {
				t.Errorf("%s.%s is of %s, which its type's description does not name", typ.Name, f.Name, f.Group)
			}
		}
	}
	if checked < 40 {
		t.Fatalf("only %d descriptions name a group", checked)
	}
}

func openNames(name string) bool {
	return slices.Contains([]string{"id", "version", "createdAt", "updatedAt"}, name)
}

// TestRowsOfThenHaveTheirColumns asks the database for every column that rows of then are taken with, of the table and of
// its history.
func TestRowsOfThenHaveTheirColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table, err := newTable()
	must(t, err)
	twins := map[string]bool{}
	for _, typ := range table.Types {
		if typ.Twin {
			twins[typ.Table] = true
		}
	}
	for _, c := range childTables() {
		twins[c.name] = true
	}
	if len(twins) < 20 {
		t.Fatalf("only %d tables keep a history", len(twins))
	}
	for name := range twins {
		for _, from := range []string{name, name + "_history"} {
			if _, err := w.conn.Exec(context.Background(), "SELECT "+table.columns[name]+" FROM "+from+" LIMIT 0"); err != nil {
				t.Errorf("%s: %v", from, err)
			}
		}
	}
}
