package read

import (
	"reflect"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/policy"
)

// What explanations, simulations and assertions know of a row is what reads compare, for every type that is served.
func TestExplanationsJudgeByTheFactsOfReads(t *testing.T) {
	t.Parallel()
	table, err := newTable()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, x := range table.Types {
		if x.Public { // everybody sees the tenant; nobody asks why
			if _, known := access.FactsOf(x.Name); known {
				t.Errorf("%s is explained, and public", x.Name)
			}
			continue
		}
		f, known := access.FactsOf(x.Name)
		if !known {
			t.Errorf("%s is not explained", x.Name)
			continue
		}
		if typ, ok := access.TypeOf(x.Prefix); !ok || typ != x.Name {
			t.Errorf("an id %s_… is said to be of %q", x.Prefix, typ)
		}
		for _, wrong := range factsDiffer(x, f) {
			t.Errorf("%s: %s", x.Name, wrong)
		}
		compared++
	}
	if compared != len(table.Types)-1 {
		t.Errorf("%d of %d types were compared", compared, len(table.Types))
	}

	// The comparison sees a fact that differs, one that is missing, and a row that is found elsewhere.
	original, _ := access.FactsOf("Original")
	for what, spoil := range map[string]func(x *Type, f *access.Facts){
		"another column": func(x *Type, _ *access.Facts) { x.Facts.Owner = "{}.custodian_staff_id" },
		"no class":       func(_ *Type, f *access.Facts) { f.Cols.FieldClass = "" },
		"another table":  func(x *Type, _ *access.Facts) { x.Table = "files" },
		"another entity": func(_ *Type, f *access.Facts) { f.Entity = policy.OnClient },
		"own rows":       func(x *Type, _ *access.Facts) { x.Own = Own{Column: "custodian_staff_id", Staff: true} },
		"a cover":        func(_ *Type, f *access.Facts) { f.Cover = policy.OriginalRegister },
	} {
		x, f := *table.byName["Original"], original
		x.anchor = &x
		spoil(&x, &f)
		if len(factsDiffer(&x, f)) == 0 {
			t.Errorf("the comparison does not see %s", what)
		}
	}
}

// factsDiffer tells what differs, from the names and templates of the type table alone.
func factsDiffer(x *Type, f access.Facts) (wrong []string) {
	from := x.Table + " t"
	alias := "t"
	if x.anchor != x {
		alias = "x"
		from = x.Table + " x JOIN " + x.anchor.Table + " t ON t.tenant_id = x.tenant_id AND t." + x.anchor.Key + " = x." + x.AnchorKey
	}
	if f.From != from || f.Alias() != alias || x.Key != "id" {
		wrong = append(wrong, "rows are found as "+f.From+", and read as "+from)
	}
	if f.Entity != x.anchor.Entity || f.Cover != x.Cover {
		wrong = append(wrong, "judged as "+string(f.Entity)+" "+string(f.Cover))
	}
	if f.Own != access.Own(x.Own) {
		wrong = append(wrong, "one's own by "+f.Own.Column)
	}
	got, want := reflect.ValueOf(f.Cols), reflect.ValueOf(x.anchor.Facts)
	for i := range want.NumField() {
		name := want.Type().Field(i).Name
		// A subquery's own alias is nobody's business.
		if g, w := plain(got.Field(i).String()), plain(strings.ReplaceAll(want.Field(i).String(), "{}", "t")); g != w {
			wrong = append(wrong, name+" is "+g+", reads have "+w)
		}
	}
	return wrong
}

// plain gives every alias of a lookup the same name.
func plain(expr string) string {
	for _, alias := range []string{"a_of", "b_of", "c_of", "s_of"} {
		expr = strings.ReplaceAll(expr, alias, "o_of")
	}
	return expr
}
