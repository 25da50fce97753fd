package scalar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/graph/scalar"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	n := func(s string) json.Number { return json.Number(s) }
	for name, c := range map[string]struct{ good, bad []any }{
		"String":     {[]any{"", "客户", "a\nb"}, []any{nil, 1, n("1"), true, "a\x00", "\xff", []any{"x"}}},
		"ID":         {[]any{"cli_1", n("12"), int64(7), ""}, []any{nil, n("1.5"), n("1e3"), 1.5, "a\x00", "\xff", strings.Repeat("x", 257), true}},
		"Int":        {[]any{n("-2147483648"), n("2147483647"), int64(0), n("1e2"), n("3.0")}, []any{nil, n("2147483648"), n("-2147483649"), n("1.5"), "1", true, n("1e99")}},
		"Float":      {[]any{n("1.5"), int64(2), 2.5, n("-1e300")}, []any{nil, n("1e400"), "1", math.Inf(1), math.NaN()}},
		"Date":       {[]any{"2026-03-01", "2024-02-29", "0001-01-01", "9999-12-31"}, []any{nil, "2026-02-29", "2026-13-01", "2026-3-1", "2026-03-01T00:00:00Z", "0000-01-01", 20260301, " 2026-03-0", "+026-03-01"}},
		"DateTime":   {[]any{"2026-03-01T09:30:00+08:00", "2026-03-01T09:30:00.123456Z"}, []any{nil, "2026-03-01", "2026-03-01T09:30:00", "2026-03-01T09:30:00.1234567Z", "2026-02-30T00:00:00Z", "2026-03-01T25:00:00Z", 1, "0001-01-01T00:00:00+08:00"}},
		"MinorUnits": {[]any{"0", "9223372036854775807"}, []any{nil, "-1", "9223372036854775808", "1.5", "01", "+1", "", " 1", n("1"), 1, "１"}},
		"BigInt":     {[]any{"0", "-9223372036854775808", "9223372036854775807"}, []any{nil, "-9223372036854775809", "-0", "1e3", n("1")}},
		"JSON":       {[]any{map[string]any{"a": []any{"b", n("1")}}}, []any{nil, "x", []any{}, map[string]any{"a": "\x00"}, map[string]any{"\x00": 1}, map[string]any{"a": []any{map[string]any{"b": "\xff"}}}}},
		"Unknown":    {[]any{nil, 1, "x"}, nil},
	} {
		for _, v := range c.good {
			if err := scalar.Check(name, v); err != nil {
				t.Errorf("%s refused %#v: %v", name, v, err)
			}
		}
		for _, v := range c.bad {
			var g *gqlerror.Error
			if err := scalar.Check(name, v); !errors.As(err, &g) || g.Extensions["code"] != "INVALID_INPUT" || g.Err != nil {
				t.Errorf("%s took %#v: %v", name, v, err)
			}
		}
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]graphql.Marshaler{
		`"2026-03-01"`:             scalar.MarshalDate(scalar.LocalDate{Year: 2026, Month: 3, Day: 1}),
		`"2026-03-01T01:30:00.5Z"`: scalar.MarshalDateTime(time.Date(2026, 3, 1, 9, 30, 0, 5e8, time.FixedZone("", 8*3600))),
		`"9223372036854775807"`:    scalar.MarshalMinorUnits(math.MaxInt64),
		`"-1"`:                     scalar.MarshalBigInt(-1),
		`null`:                     scalar.MarshalFloat(math.NaN()),
		`{"a":1}`:                  scalar.MarshalJSON(map[string]any{"a": 1}),
	} {
		var b bytes.Buffer
		m.MarshalGQL(&b)
		if b.String() != want {
			t.Errorf("got %s, want %s", b.String(), want)
		}
	}
}

func TestDatesAndInstantsComeBack(t *testing.T) {
	t.Parallel()
	d, err := scalar.UnmarshalDate("2024-02-29")
	if err != nil || d.String() != "2024-02-29" || scalar.FromTime(d.ToTime(time.UTC)) != d {
		t.Fatalf("%v %v", d, err)
	}
	at, err := scalar.UnmarshalDateTime("2026-03-01T09:30:00+08:00")
	if err != nil || !at.Equal(time.Date(2026, 3, 1, 1, 30, 0, 0, time.UTC)) || at.Location() != time.UTC {
		t.Fatalf("%v %v", at, err)
	}
}
