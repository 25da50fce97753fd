package main

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestForgetRemovesNamesAtEveryDepth(t *testing.T) {
	t.Parallel()
	var v any
	if err := json.Unmarshal([]byte(`{"a":{"version":"2","b":[{"version":"3","c":1}]},"version":1}`), &v); err != nil {
		t.Fatal(err)
	}
	forget(v, "version")
	want := map[string]any{"a": map[string]any{"b": []any{map[string]any{"c": 1.0}}}}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("left %v, want %v", v, want)
	}
}
