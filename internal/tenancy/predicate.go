package tenancy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// bindsTenant says whether a statement, as ent writes them, holds itself to the tenant. INSERT has the column and the
// tenant's id once for each row. Everything else has `"tenant_id" = $n` with the tenant's id as one of the conditions of
// its outermost WHERE that all have to hold. The text has no literals: ent sends values as arguments and quotes every name.
func bindsTenant(query string, args []any, tenant uuid.UUID) bool {
	if columns, ok := strings.CutPrefix(query, "INSERT INTO "); ok {
		return insertsTenant(columns, args, tenant)
	}
	_, where, ok := cutOutermost(query, " WHERE ")
	return ok && conjunct(withoutTail(where), args, tenant)
}

// conjunct says whether the predicate is one of those that all have to hold: (a AND (b AND c)) has a, b and c.
func conjunct(where string, args []any, tenant uuid.UUID) bool {
	if _, _, either := cutOutermost(where, " OR "); either {
		return false
	}
	for rest, more := where, true; more; {
		var one string
		one, rest, more = cutOutermost(rest, " AND ")
		if inner, ok := strings.CutPrefix(one, "("); ok && strings.HasSuffix(one, ")") {
			if conjunct(strings.TrimSuffix(inner, ")"), args, tenant) {
				return true
			}
			continue
		}
		column, number, ok := strings.Cut(one, " = $")
		if !ok || column != `"tenant_id"` && !strings.HasSuffix(column, `"."tenant_id"`) || strings.ContainsAny(column, " (") {
			continue
		}
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(args) && args[n-1] == any(tenant) {
			return true
		}
	}
	return false
}

// withoutTail cuts off what follows the conditions.
func withoutTail(where string) string {
	for _, word := range []string{" GROUP BY ", " HAVING ", " ORDER BY ", " LIMIT ", " OFFSET ", " FOR ", " RETURNING "} {
		where, _, _ = cutOutermost(where, word)
	}
	return where
}

// cutOutermost is strings.Cut at the first occurrence of word outside of parentheses.
func cutOutermost(text, word string) (before, after string, found bool) {
	if !strings.Contains(text, word) { // most words are not there at all
		return text, "", false
	}
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(text[i:], word) {
			return text[:i], text[i+len(word):], true
		}
	}
	return text, "", false
}

// insertsTenant: every row of `"table" ("a", "tenant_id") VALUES ($1, $2), ($3, $4)` is the tenant's.
func insertsTenant(rest string, args []any, tenant uuid.UUID) bool {
	_, rest, _ = strings.Cut(rest, " (")
	columns, rest, ok := strings.Cut(rest, ") VALUES ")
	if !ok {
		return false
	}
	at := slices.Index(strings.Split(columns, ", "), `"tenant_id"`)
	if at < 0 {
		return false
	}
	rows := strings.Split(rest, "), (")
	for i, row := range rows {
		row = strings.TrimPrefix(row, "(")
		if i == len(rows)-1 {
			row, _, _ = strings.Cut(row, ")")
		}
		values := strings.Split(row, ", ")
		if at >= len(values) {
			return false
		}
		n, err := strconv.Atoi(strings.TrimPrefix(values[at], "$"))
		if err != nil || n < 1 || n > len(args) || args[n-1] != any(tenant) {
			return false
		}
	}
	return true
}
