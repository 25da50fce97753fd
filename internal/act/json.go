package act

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/clientele/clientele/policy"
)

// appendSnapshot writes a snapshot as encoding/json does, keys sorted, without its detour through reflection: a snapshot has a
// few dozen values of a few plain types, and every change renders one.
func appendSnapshot(dst []byte, snapshot map[policy.Object]map[string]any) ([]byte, error) {
	groups := make([]policy.Object, 0, len(snapshot))
	for g := range snapshot {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	dst = append(dst, '{')
	for i, g := range groups {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendText(dst, string(g)); err != nil {
			return nil, err
		}
		if dst, err = appendMap(append(dst, ':'), snapshot[g]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendMap(dst []byte, m map[string]any) ([]byte, error) {
	if m == nil {
		return append(dst, "null"...), nil
	}
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendText(dst, k); err != nil {
			return nil, err
		}
		if dst, err = appendValue(append(dst, ':'), m[k]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendText(dst, v)
	case *string:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendText(dst, *v)
	case bool:
		if v {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case map[string]any:
		return appendMap(dst, v)
	}
	return appendAny(dst, v)
}

// appendText writes text; what needs escaping is left to encoding/json.
func appendText(dst []byte, s string) ([]byte, error) {
	for i := range len(s) {
		// 0xe2 begins U+2028 and U+2029, which are escaped too.
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0xe2 {
			return appendAny(dst, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendAny(dst, s)
	}
	return append(append(append(dst, '"'), s...), '"'), nil
}

func appendAny(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(dst, b...), err
}
