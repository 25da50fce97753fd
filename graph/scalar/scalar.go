// Package scalar owns the Go side of the SDL's scalars: ranges, spellings, and what is refused.
// It does not own meaning (money has a currency beside it, dates have a calendar elsewhere).
package scalar

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxID is the longest id text that is looked at, bytes.
const maxID = 256

// refuse makes a fresh error each time: the executor writes the path into it. It is a *gqlerror.Error with a code of
// its own, so that it is shown to the caller instead of being masked as internal.
func refuse(kind, why string) error {
	return &gqlerror.Error{
		Message:    kind + " cannot represent this value: " + why,
		Extensions: map[string]any{"code": "INVALID_INPUT", "reason": "SCALAR_" + strings.ToUpper(kind)},
	}
}

func quoted(s string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(s)) })
}

// text is the check that String and ID share.
//
// SECURITY: PostgreSQL cannot store U+0000, and malformed UTF-8 must not reach logs, caches or SQL.
func text(kind, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return refuse(kind, "it holds U+0000")
	}
	if !utf8.ValidString(s) {
		return refuse(kind, "it is not valid UTF-8")
	}
	return nil
}

// MarshalString writes any string; malformed UTF-8 becomes U+FFFD.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString takes strings only, without U+0000 and of well-formed UTF-8.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", refuse("String", "it is not a string")
	}
	return s, text("String", s)
}

// MarshalID writes an id.
func MarshalID(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalID takes strings and integers (as the GraphQL specification asks), at most 256 bytes.
func UnmarshalID(v any) (string, error) {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "", refuse("ID", "it is neither a string nor an integer")
		}
		s = string(v)
	case int64:
		s = strconv.FormatInt(v, 10)
	case int:
		s = strconv.Itoa(v)
	default:
		return "", refuse("ID", "it is neither a string nor an integer")
	}
	if len(s) > maxID {
		return "", refuse("ID", "it is too long")
	}
	return s, text("ID", s)
}

// MarshalInt writes a 32-bit integer.
func MarshalInt(i int) graphql.Marshaler { return graphql.MarshalInt(i) }

// UnmarshalInt takes integers of 32 bits, as the GraphQL specification has them.
func UnmarshalInt(v any) (int, error) {
	n, ok := integer(v)
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, refuse("Int", "it is not a 32-bit signed integer")
	}
	return int(n), nil
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			// 1e2 and 1.0 are integers too where variables are concerned
			f, ferr := strconv.ParseFloat(string(v), 64)
			if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
				return 0, false
			}
			n = int64(f)
		}
		return n, true
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	}
	return 0, false
}

// MarshalFloat writes a finite number; infinities and NaN have no JSON form and become null.
func MarshalFloat(f float64) graphql.Marshaler {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return graphql.Null
	}
	return graphql.MarshalFloat(f)
}

// UnmarshalFloat takes finite numbers.
func UnmarshalFloat(v any) (float64, error) {
	var f float64
	switch v := v.(type) {
	case json.Number:
		x, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return 0, refuse("Float", "it is not a finite number")
		}
		f = x
	case float64:
		f = v
	default:
		n, ok := integer(v)
		if !ok {
			return 0, refuse("Float", "it is not a number")
		}
		f = float64(n)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, refuse("Float", "it is not a finite number")
	}
	return f, nil
}
