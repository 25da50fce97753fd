package limit

import (
	"encoding/json"
	"math"
)

// number reads an integer however the parser, the JSON decoder or the coercion of variables left it.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case float64:
		if v >= math.MaxInt64 || v <= math.MinInt64 {
			return math.MaxInt64, true
		}
		return int64(v), true
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return math.MaxInt64, true // too large to be a page: refused by the page limit
		}
		return n, true
	}
	return 0, false
}
