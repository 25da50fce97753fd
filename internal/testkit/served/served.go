// Package served owns the product on a loopback address for a test: the same parts that the program joins, and bearer tokens
// of its people. It does not own the rows of the tenants (testkit/world), nor what is asked.
package served

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// Start serves the product on the pools and gives the URL of its GraphQL endpoint; it ends before the pools do. configure changes
// the services before anything is asked. All limits are the published ones but the rates, which no test reaches: one who is held
// back is told the same of everything.
func Start(t testing.TB, w *world.World, db *tenancy.DB, configure ...func(*product.Services)) (url string) {
	t.Helper()
	return StartWith(t, w, db, product.Files{NoScan: true}, configure...)
}

// StartWith is Start with files that are scanned and marked as said; where they are kept, and the key, are given here.
func StartWith(t testing.TB, w *world.World, db *tenancy.DB, files product.Files, configure ...func(*product.Services)) (url string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tel, err := telemetry.Start(t.Context(), telemetry.Config{LogFormat: "text", LogLevel: slog.LevelWarn, LogTo: t.Output()})
	must(err)
	store, err := blob.OpenFolder(t.TempDir())
	must(err)
	t.Cleanup(func() { must(store.Close()) })
	secret := bytes.Repeat([]byte{7}, 32)
	files.Store, files.Key = store, secret
	s, err := product.NewServices(db, w.Clock, w.Clock.Now, rand.Reader, tel.Log, tel.Tracer(), &files)
	must(err)
	for _, c := range configure {
		c(s)
	}
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "audit.key"))
	must(err)
	trail, err := product.StartTrail(s, key, tel.Log)
	must(err)
	limits := limit.Default()
	limits.PrincipalPoints, limits.PrincipalLeak, limits.TenantPoints, limits.TenantLeak = 1<<40, 1<<40, 1<<40, 1<<40
	api, err := product.NewAPI(s, product.Settings{CursorKey: secret, Limits: &limits}, tel, telemetry.NewHealth(db.Ready), trail)
	must(err)
	server := httptest.NewUnstartedServer(nil)
	server.Config = serve.NewServer("", api, limits)
	server.Start()
	t.Cleanup(func() {
		api.Shutdown()
		server.Close()
		api.Close()
		trail.Close()
	})
	return server.URL + "/graphql"
}

// SignIn gives a bearer token of the account, as sign-in would, good for ten years, and the session that it is of.
func SignIn(t testing.TB, x *world.Tenant, account uuid.UUID) (token string, session uuid.UUID) {
	t.Helper()
	token, hash, _, err := credential.New(credential.Session, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	session = x.IDs.New()
	x.Exec(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, user_agent, address, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, 'a test', '127.0.0.1', now(), now(), now() + interval '10 years')`, session, account, hash)
	x.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`, hash, session)
	return token, session
}

// Send sends one request, with the bearer token where there is one and headers as pairs of name and value, and gives status and body.
func Send(t testing.TB, token, method, url string, body []byte, headers ...string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if answer, err = io.ReadAll(got.Body); err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, answer
}
