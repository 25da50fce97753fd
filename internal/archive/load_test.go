package archive

import (
	"reflect"
	"strings"
	"testing"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/clientrecord"
)

func TestEveryColumnOfAClientGoesIntoItsField(t *testing.T) {
	t.Parallel()
	var r entdb.ClientRecord
	fields := map[string]uintptr{}
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i).Addr().Pointer()
	}
	targets := columnsOf(&r)
	if len(targets) != len(clientrecord.Columns) {
		t.Fatalf("%d places for %d columns", len(targets), len(clientrecord.Columns))
	}
	for i, column := range clientrecord.Columns {
		if reflect.ValueOf(targets[i]).Pointer() != fields[column] {
			t.Errorf("column %s does not go into its field", column)
		}
	}
}
