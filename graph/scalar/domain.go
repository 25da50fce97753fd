package scalar

import (
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// LocalDate is a calendar day without a time zone; the zero value is no day.
type LocalDate struct {
	Year  int
	Month time.Month
	Day   int
}

// FromTime gives the day of an instant in its own location.
func FromTime(t time.Time) LocalDate {
	y, m, d := t.Date()
	return LocalDate{y, m, d}
}

// ToTime gives the day's midnight in a location.
func (d LocalDate) ToTime(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// String is the form YYYY-MM-DD.
func (d LocalDate) String() string { return d.ToTime(time.UTC).Format(time.DateOnly) }

// MarshalDate writes YYYY-MM-DD.
func MarshalDate(d LocalDate) graphql.Marshaler { return quoted(d.String()) }

// UnmarshalDate takes YYYY-MM-DD of a day that exists, years 0001 to 9999.
func UnmarshalDate(v any) (LocalDate, error) {
	s, ok := v.(string)
	if !ok || len(s) != len(time.DateOnly) {
		return LocalDate{}, refuse("Date", "it is not of the form YYYY-MM-DD")
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return LocalDate{}, refuse("Date", "there is no such day")
	}
	return FromTime(t), nil
}

// MarshalDateTime writes RFC 3339 in UTC, with as many fractional digits as needed.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return quoted(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalDateTime takes an RFC 3339 instant with its offset, years 0001 to 9999, no finer than microseconds, which is
// what the database keeps.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok || len(s) > 40 {
		return time.Time{}, refuse("DateTime", "it is not an RFC 3339 instant")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, refuse("DateTime", "it is not an RFC 3339 instant")
	}
	t = t.UTC()
	if t.Nanosecond()%1000 != 0 {
		return time.Time{}, refuse("DateTime", "it is finer than microseconds")
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, refuse("DateTime", "its year is out of range")
	}
	return t, nil
}

// decimal reads the one spelling of a 64-bit integer: no plus sign, no leading zeros, no spaces.
func decimal(kind string, v any) (int64, error) {
	s, ok := v.(string)
	if !ok {
		return 0, refuse(kind, "it is not a decimal string")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, refuse(kind, "it is not a decimal string of a 64-bit integer")
	}
	return n, nil
}

// MarshalMinorUnits writes an amount of minor units as a decimal string.
func MarshalMinorUnits(n int64) graphql.Marshaler { return quoted(strconv.FormatInt(n, 10)) }

// UnmarshalMinorUnits takes a decimal string from 0 to the end of a bigint; numbers are refused, they lose digits in
// JavaScript.
func UnmarshalMinorUnits(v any) (int64, error) {
	n, err := decimal("MinorUnits", v)
	if err == nil && n < 0 {
		return 0, refuse("MinorUnits", "it is negative")
	}
	return n, err
}

// MarshalBigInt writes a 64-bit integer as a decimal string.
func MarshalBigInt(n int64) graphql.Marshaler { return quoted(strconv.FormatInt(n, 10)) }

// UnmarshalBigInt takes a decimal string in the range of a bigint.
func UnmarshalBigInt(v any) (int64, error) { return decimal("BigInt", v) }
