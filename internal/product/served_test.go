package product_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// served is the product as the program serves it, on pools of its own: two of them on one database are two processes.
type served struct {
	t        *testing.T
	db       *tenancy.DB
	services *product.Services
	tel      *telemetry.Telemetry
	log      *lines // what was logged as an error
	url      string
}

func serveProduct(t *testing.T, w *world.World) *served {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: w.App, AuthnURL: w.Authn, SystemURL: w.System, MaxConns: 12, TransactionPooler: w.Pooler}, w.Clock, log)
	must(err)
	logged := &lines{}
	tel, err := telemetry.Start(t.Context(), telemetry.Config{LogFormat: "text", LogLevel: slog.LevelError, LogTo: io.MultiWriter(logged, t.Output())})
	must(err)
	s, err := product.NewServices(db, w.Clock, w.Clock.Now, rand.Reader, tel.Log, tel.Tracer(), nil)
	must(err)
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "audit.key"))
	must(err)
	trail, err := product.StartTrail(s, key, tel.Log)
	must(err)
	api, err := product.NewAPI(s, product.Settings{CursorKey: bytes.Repeat([]byte{7}, 32)}, tel, telemetry.NewHealth(db.Ready), trail)
	must(err)
	server := httptest.NewServer(api)
	t.Cleanup(func() {
		api.Shutdown()
		server.Close()
		api.Close()
		trail.Close()
		db.Close()
	})
	return &served{t: t, db: db, services: s, tel: tel, log: logged, url: server.URL}
}

// sessionToken signs a person in.
func sessionToken(t *testing.T, x *world.Tenant, p world.Person) string {
	t.Helper()
	token, hash, _, err := credential.New(credential.Session, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	session := x.IDs.New()
	x.Exec(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, now(), now(), now() + interval '1 hour')`, session, p.Account, hash)
	x.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`, hash, session)
	return token
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   string
}

func (a answered) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatal(err, a.body)
	}
}

// send makes one request with the bearer token.
func (s *served) send(method, path, token, body string) answered {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(b)}
}

// ask executes a document.
func (s *served) ask(token, query string, vars map[string]any) answered {
	s.t.Helper()
	b, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(http.MethodPost, "/graphql", token, string(b))
}

// socket opens a graphql-transport-ws socket and says connection_init.
func (s *served) socket(token string) *websocket.Conn {
	s.t.Helper()
	c, _, err := websocket.Dial(s.t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	if err := c.Write(s.t.Context(), websocket.MessageText, []byte(`{"type":"connection_init","payload":{"Authorization":"Bearer `+token+`"}}`)); err != nil {
		s.t.Fatal(err)
	}
	return c
}
