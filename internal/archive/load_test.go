package archive

import (
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/clientele/clientele/ent/db/clientrecord"
)

func TestEveryColumnOfAClientGoesIntoItsField(t *testing.T) {
	t.Parallel()
	var l loading
	fields := map[string]reflect.Value{}
	v := reflect.ValueOf(&l.record).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	targets := l.columns()
	if len(targets) != len(clientrecord.Columns) {
		t.Fatalf("%d places for %d columns", len(targets), len(clientrecord.Columns))
	}
	texts := map[string]bool{}
	for i, column := range clientrecord.Columns {
		if text, ok := targets[i].(*pgtype.Text); ok {
			text.String, text.Valid = column, true
			texts[column] = true
		} else if reflect.ValueOf(targets[i]).Pointer() != fields[column].Addr().Pointer() {
			t.Errorf("column %s does not go into its field", column)
		}
	}
	l.taken()
	for column := range texts {
		if to, ok := fields[column].Interface().(*string); !ok || to == nil || *to != column {
			t.Errorf("column %s does not go into its field", column)
		}
	}
	if len(texts) != len(l.texts) {
		t.Errorf("%d texts for %d columns", len(l.texts), len(texts))
	}
}
