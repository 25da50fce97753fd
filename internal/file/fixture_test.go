package file

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// fixture is a service behind HTTP, with a tenant and a person in it who may read what Decide lets him.
type fixture struct {
	*world.Tenant
	t      *testing.T
	s      *Service
	dir    string // of the blobs
	server *httptest.Server
	person caller

	mu      sync.Mutex
	decide  Decide
	fail    error // of Opened
	opened  []string
	refused []string
}

// caller is a person with a bearer token.
type caller struct {
	world.Person
	token      string
	credential uuid.UUID
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newFixture(t *testing.T, configure ...func(*Config)) *fixture {
	t.Helper()
	w := world.New(t)
	x := &fixture{Tenant: w.Tenant("alpha"), t: t, dir: filepath.Join(t.TempDir(), "blobs")}
	store, err := blob.OpenFolder(x.dir)
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	c := Config{DB: w.DB, Run: w.Runner, IDs: w.IDs, Store: store, Log: log, Key: bytes.Repeat([]byte{7}, 32), NoScan: true, Temp: t.TempDir(), Workshop: []string{"/proc/self/exe"}}
	for _, f := range configure {
		f(&c)
	}
	x.s, err = New(c)
	must(t, err)
	hasher := credential.NewHasher(1)
	signIn, err := authn.New(authn.Config{DB: w.DB, Hasher: hasher, IDs: w.IDs, Now: w.Clock.Now, Log: log, Limits: authn.DefaultLimits()})
	must(t, err)
	h, err := x.s.Handler(Web{
		Authenticate: signIn.Authenticate, RequestID: serve.RequestID, Origins: []string{"https://app.example.com"},
		Decide: func(ctx context.Context, tx *tenancy.Tx, c Click) (Terms, error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.decide == nil {
				return Terms{}, nil
			}
			return x.decide(ctx, tx, c)
		},
		Opened: func(_ context.Context, s *tenancy.Session, o Opening) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.fail == nil {
				x.opened = append(x.opened, fmt.Sprintf("%s %s %s by %s %s", o.Act, o.File.Name, o.Purpose, s.Actor.Name, s.Actor.Account))
			}
			return x.fail
		},
		Refused: func(_ context.Context, s *tenancy.Session, r Refusal) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.refused = append(x.refused, fmt.Sprintf("%s %s %s by %s", r.Act, r.Reason, id.Encode(id.File, r.File), s.Actor.Account))
			return nil
		},
	})
	must(t, err)
	x.server = httptest.NewUnstartedServer(nil)
	x.server.Config = serve.NewServer("", serve.Edge(h, log), limit.Default())
	x.server.Start()
	t.Cleanup(func() {
		x.server.Close()
		signIn.Close()
		x.s.Close()
		_ = store.Close()
	})
	x.person = x.signIn(x.Tenant)
	return x
}

// signIn gives a new person of the tenant a session.
func (x *fixture) signIn(in *world.Tenant) caller {
	x.t.Helper()
	p := caller{Person: in.Person(in.Department), credential: in.IDs.New()}
	token, hash, _, err := credential.New(credential.Session, rand.Reader)
	must(x.t, err)
	in.Exec(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, now(), now(), now() + interval '1 day')`, p.credential, p.Account, hash)
	in.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`, hash, p.credential)
	p.token = token
	p.Session.Actor.Credential = p.credential
	return p
}

func (x *fixture) deciding(d Decide) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.decide = d
}

func (x *fixture) told() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.opened
}

// refusals are those that were recorded since the last look.
func (x *fixture) refusals() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := x.refused
	x.refused = nil
	return list
}

func wantOf(name, media string, body []byte) Want {
	sum := sha256.Sum256(body)
	return Want{Name: name, MediaType: media, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
}

var testTicket = act.Spec{Name: "test.ticket", Event: "test.ticket.v1"}

// ticket asks for an upload in an act of the person.
func (x *fixture) ticket(p caller, want Want) (f File, secret string, err error) {
	x.t.Helper()
	_, err = x.Runner.Run(x.t.Context(), p.Session, testTicket, x.Key(), want, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if f, secret, err = x.s.Ticket(ctx, w, want); err != nil {
			return act.Result{}, err
		}
		return act.Result{Subject: act.Subject{Type: "File", ID: f.ID, Version: 1}}, nil
	})
	return f, secret, err
}

func (x *fixture) mustTicket(name, media string, body []byte) (File, string) {
	x.t.Helper()
	f, secret, err := x.ticket(x.person, wantOf(name, media, body))
	must(x.t, err)
	return f, secret
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reason is that of the error in the answer, with its code.
func (a answer) reason() string {
	var e struct {
		Error struct{ Code, Reason, Message string }
	}
	if json.Unmarshal(a.body, &e) != nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, e.Error.Code, e.Error.Reason))
}

func (x *fixture) do(method, path string, body io.Reader, header ...string) answer {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.t.Context(), method, x.server.URL+path, body)
	must(x.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := x.server.Client().Do(r)
	must(x.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(x.t, err)
	return answer{resp.StatusCode, resp.Header, b}
}

func pathOf(f uuid.UUID) string { return "/files/" + id.Encode(id.File, f) }

func (x *fixture) put(p caller, f uuid.UUID, secret string, body []byte, header ...string) answer {
	x.t.Helper()
	return x.do(http.MethodPut, pathOf(f), bytes.NewReader(body), append([]string{"Authorization", "Bearer " + p.token, TicketHeader, secret}, header...)...)
}

// clean uploads the bytes and has them scanned.
func (x *fixture) clean(name, media string, body []byte) File {
	x.t.Helper()
	f, secret := x.mustTicket(name, media, body)
	if a := x.put(x.person, f.ID, secret, body); a.status != http.StatusCreated {
		x.t.Fatalf("upload: %d %s", a.status, a.body)
	}
	must(x.t, x.s.ScanTenant(x.t.Context(), f.Tenant))
	return x.load(f.ID)
}

func (x *fixture) load(file uuid.UUID) (f File) {
	x.t.Helper()
	must(x.t, x.DB.InTx(x.t.Context(), x.person.Session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
		f, err = x.s.Load(ctx, tx, file)
		return err
	}))
	return f
}

func (x *fixture) link(p caller, f uuid.UUID, purpose string) string {
	x.t.Helper()
	l, err := x.tryLink(p, f, purpose)
	must(x.t, err)
	return l.Path
}

func (x *fixture) tryLink(p caller, f uuid.UUID, purpose string) (l Link, err error) {
	err = x.DB.InTx(x.t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
		l, err = x.s.Link(ctx, tx, Ask{File: f, Purpose: purpose})
		return err
	})
	return l, err
}

// blobs are the files in the folder of the store.
func (x *fixture) blobs() string {
	x.t.Helper()
	var all []string
	must(x.t, filepath.WalkDir(x.dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(p, x.dir+"/"))
		}
		return err
	}))
	return strings.Join(all, " ")
}

// row is the state of a file and how often it changed.
func (x *fixture) row(file uuid.UUID) string {
	return x.Text(`SELECT state, COALESCE(scan_note, '-'), version FROM files WHERE tenant_id = $1 AND id = $2`, file)
}

// until waits for the condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
