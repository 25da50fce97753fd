package tenancy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// bindsTenant says whether a statement, as ent writes them, holds itself to the tenant. INSERT has the column and the
// tenant's id once for each row. Everything else has `"tenant_id" = $n` with the tenant's id as a conjunct of its
// outermost WHERE: not inside parentheses, where an OR may stand, and not beside an OR. The text has no literals: ent
// sends values as arguments and quotes every name.
func bindsTenant(query string, args []any, tenant uuid.UUID) bool {
	if columns, ok := strings.CutPrefix(query, "INSERT INTO "); ok {
		return insertsTenant(columns, args, tenant)
	}
	where, ok := outermost(query, " WHERE ")
	if !ok {
		return false
	}
	if _, either := outermost(where, " OR "); either {
		return false
	}
	const column = `"tenant_id" = $`
	for rest, ok := outermost(where, column); ok; rest, ok = outermost(rest, column) {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil && n >= 1 && n <= len(args) && args[n-1] == any(tenant) {
			return true
		}
	}
	return false
}

// outermost is what follows the first occurrence of word outside of parentheses.
func outermost(text, word string) (string, bool) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(text[i:], word) {
			return text[i+len(word):], true
		}
	}
	return "", false
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
