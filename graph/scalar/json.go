package scalar

import (
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalJSON writes a JSON object.
func MarshalJSON(m map[string]any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		b, err := json.Marshal(m)
		if err != nil {
			b = []byte("null")
		}
		_, _ = w.Write(b)
	})
}

// UnmarshalJSON takes an object whose strings are good Strings at every level.
func UnmarshalJSON(v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("JSON", "it is not an object")
	}
	return m, inner(m)
}

func inner(v any) error {
	switch v := v.(type) {
	case string:
		return text("JSON", v)
	case []any:
		for _, e := range v {
			if err := inner(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, e := range v {
			if err := text("JSON", k); err != nil {
				return err
			}
			if err := inner(e); err != nil {
				return err
			}
		}
	}
	return nil
}
