package serve_test

import (
	"encoding/json"
	"testing"

	"github.com/clientele/clientele/graph/servetest"
)

// Whatever a variable holds that is none of its scalar is told with its place, each with its own.
func TestRefusedValuesHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := post(t, s, `query($at: DateTime, $f: ClientFilter) { clients(asOf: $at, filter: $f) { nodes { id } } }`, map[string]any{
		"at": "yesterday",
		"f":  map[string]any{"code": "a\x00", "regions": []string{"华东", "b\x00", "c\x00", "华北"}},
	}, nil)
	var got [][]any
	for _, e := range r.json.Errors {
		got = append(got, e.Path)
	}
	told, err := json.Marshal(got)
	if want := `[["variable","at"],["variable","f","code"],["variable","f","regions",1],["variable","f","regions",2]]`; err != nil || string(told) != want || len(r.json.Data) > 0 {
		t.Errorf("got  %s\nwant %s\n%s", told, want, r.body)
	}
}
