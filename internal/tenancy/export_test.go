package tenancy

import (
	"testing"
)

// LeftOver is the tenant setting on a connection of the application's pool, outside of any transaction.
func LeftOver(t *testing.T, db *DB) string {
	t.Helper()
	var left string
	if err := db.app.QueryRow(t.Context(), `SELECT COALESCE(current_setting('app.tenant_id', true), '') || COALESCE(current_setting('app.now', true), '')`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	return left
}

// BindsTenant is the driver's check of a statement.
var BindsTenant = bindsTenant
