package walls

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/testkit"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// The application's own role walks: the catalogue hides nothing from it, and it is the one that walks at start-up.
func TestTheMigratedDatabaseBreaksNoRule(t *testing.T) {
	t.Parallel()
	db := testkit.NewDatabase(t)
	for _, dsn := range []string{db.App, db.Superuser} {
		found, err := Walk(t.Context(), connect(t, dsn))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			t.Error(v)
		}
	}
}
