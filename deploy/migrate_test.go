//go:build deploy

package deploy_test

import (
	"strings"
	"testing"
)

// TestMigratingThroughAPooler: where a pooler hands connections on, nothing is migrated and the remedy is told; one that keeps
// sessions is as good as the server.
func TestMigratingThroughAPooler(t *testing.T) {
	t.Parallel()
	for mode, c := range map[string]struct {
		settings []string
		refused  bool
	}{
		"transaction, one connection":  {[]string{"default_pool_size = 1", "min_pool_size = 0", "reserve_pool_size = 0"}, true},
		"transaction, two connections": {[]string{"default_pool_size = 2", "min_pool_size = 0", "reserve_pool_size = 0"}, true},
		"transaction, as shipped":      {nil, true},
		"statement":                    {[]string{"pool_mode = statement"}, true},
		"session":                      {[]string{"pool_mode = session"}, false},
		"session, two connections":     {[]string{"pool_mode = session", "default_pool_size = 2", "min_pool_size = 0", "reserve_pool_size = 0"}, false},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := readyCluster(t)
			port := s.pooler(c.settings...)
			owner := dsn("clientele_owner", passwords()["owner"], port, "clientele")
			out, err := runToEnd([]string{"CLIENTELE_OWNER_URL=" + owner}, binary, "migrate")
			var tables int
			if err := s.super("clientele").QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil {
				t.Fatal(err)
			}
			t.Log(out)
			if !c.refused {
				if err != nil || tables == 0 {
					t.Fatalf("%v, %d tables: %s", err, tables, out)
				}
				return
			}
			if err == nil || tables != 0 || !strings.Contains(out, "remedy: let CLIENTELE_OWNER_URL name the PostgreSQL server itself") || !strings.Contains(out, "办法：请把 CLIENTELE_OWNER_URL") {
				t.Fatalf("%v, %d tables: %s", err, tables, out)
			}
			// Behind it the same command does it.
			s.install(s.port).migrate(binary)
		})
	}
}
