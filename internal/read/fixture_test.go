package read

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/policy"
)

// world is a database with two tenants full of made-up rows, and a gate before it.
type world struct {
	t       testing.TB
	conn    *pgx.Conn // superuser: what the walls do not hide
	db      *tenancy.DB
	gate    *Gate
	source  *source
	seen    *statements
	tenants []*made
	opened  []Opening
}

// made is one tenant.
type made struct {
	id        tenancy.TenantID
	ids       map[string][]uuid.UUID // by table
	org       *policy.Org
	staff     []uuid.UUID
	accountOf map[uuid.UUID]uuid.UUID // staff -> account
	epochs    tenancy.Epochs
	instants  []time.Time
}

// source gives a test the say over rights.
type source struct {
	mu      sync.Mutex
	rights  map[uuid.UUID]*policy.Rights // by account
	stale   int                          // how many times Current lies about the epochs
	loads   int
	epochs  map[tenancy.TenantID]tenancy.Epochs
	loadErr error
}

func (s *source) Current(x *tenancy.Session, _ time.Time) (*policy.Rights, tenancy.Epochs, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.epochs[x.Tenant]
	if s.stale > 0 {
		s.stale--
		e.Policy--
	}
	return s.rights[x.Actor.Account], e, true
}

func (s *source) Load(_ context.Context, x *tenancy.Session, _ *tenancy.Read) (*policy.Rights, tenancy.Epochs, error) {
	s.mu.Lock()
	s.loads++
	err := s.loadErr
	s.mu.Unlock()
	r, e, _ := s.Current(x, time.Time{})
	return r, e, err
}

// statements notes what is sent.
type statements struct {
	mu  sync.Mutex
	sql []string
	// round trips
	batches int
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for _, q := range d.Batch.QueuedQueries {
		s.sql = append(s.sql, q.SQL)
	}
	return ctx
}
func (s *statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (s *statements) take() (sql string, batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sql, batches = strings.Join(s.sql, "\n"), s.batches
	s.sql, s.batches = nil, 0
	return sql, batches
}

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	d := testkit.NewDatabase(t)
	conn, err := pgx.Connect(ctx, d.Superuser)
	must(t, err)
	t.Cleanup(func() { conn.Close(ctx) })
	w := &world{t: t, conn: conn, seen: &statements{}, source: &source{rights: map[uuid.UUID]*policy.Rights{}, epochs: map[tenancy.TenantID]tenancy.Epochs{}}}
	for i := range 2 {
		w.tenants = append(w.tenants, w.makeTenant(uint64(i)))
	}
	w.db, err = tenancy.Open(ctx, tenancy.Config{AppURL: d.App, AuthnURL: d.Authn, SystemURL: d.System, Tracer: w.seen}, clock.New(), slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(w.db.Close)
	w.gate, err = New(w.db, w.source, publicSchema(t), Config{
		CursorKey: []byte("a key that only tests ever use"), QueryTerms: testTerms,
		Opened: func(_ context.Context, _ *tenancy.Session, o []Opening) error {
			w.opened = append(w.opened, o...)
			return nil
		},
	})
	must(t, err)
	return w
}

// publicSchema reads the SDL as it is in the repository.
func publicSchema(t testing.TB) *ast.Schema {
	t.Helper()
	names, err := filepath.Glob("../../graph/schema/*.graphql")
	must(t, err)
	var sources []*ast.Source
	for _, n := range names {
		b, err := os.ReadFile(n)
		must(t, err)
		sources = append(sources, &ast.Source{Name: n, Input: string(b)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	must(t, err)
	return schema
}

// testTerms are the words of a text without its exclamation marks.
func testTerms(s string) []string { return strings.Fields(strings.ReplaceAll(s, "!", "")) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session of a staff member under the given rules, all bound where the person works.
func (w *world) session(m *made, who int, rules []policy.Rule) *tenancy.Session {
	w.t.Helper()
	staff := m.staff[who%len(m.staff)]
	account := m.accountOf[staff]
	table, err := policy.Compile(1, rules, nil)
	must(w.t, err)
	roles := map[string]bool{}
	p := &policy.Principal{Tenant: m.id.UUID(), Staff: staff, Account: account, Kind: "STAFF"}
	for _, r := range rules {
		if !roles[r.Role] {
			roles[r.Role] = true
			p.Bindings = append(p.Bindings, policy.Binding{ID: uuid.New(), Role: r.Role})
		}
	}
	w.source.mu.Lock()
	w.source.rights[account] = table.Bind(p, m.org, time.Now())
	w.source.mu.Unlock()
	s := &tenancy.Session{Tenant: m.id, Language: "en", Actor: tenancy.Actor{
		Kind: tenancy.StaffActor, Account: account, Staff: staff, Credential: uuid.New(), CredentialKind: tenancy.SessionCredential, Expires: time.Now().Add(time.Hour),
	}}
	s.VerifiedAt(m.epochs.Revocation)
	return s
}

func (w *world) rightsOf(s *tenancy.Session) *policy.Rights {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	return w.source.rights[s.Actor.Account]
}

// allow is a rule of the role "some_role".
func allow(o policy.Object, a policy.Action, sc policy.Scope) policy.Rule {
	return policy.Rule{Role: "some_role", Object: o, Action: a, Scope: sc, Effect: policy.Allow}
}

// everything allows everything that can be seen.
func everything() []policy.Rule {
	var rules []policy.Rule
	for _, e := range policy.Catalogue() {
		rules = append(rules, allow(e.Object, policy.Read, policy.Tenant))
		for _, g := range e.Groups {
			rules = append(rules, allow(g.Object, policy.Reveal, policy.Tenant), allow(g.Object, policy.Filter, policy.Tenant))
		}
	}
	return rules
}

// without leaves out rules of an object and action.
func without(rules []policy.Rule, o policy.Object, actions ...policy.Action) []policy.Rule {
	var out []policy.Rule
next:
	for _, r := range rules {
		for _, a := range actions {
			if r.Object == o && r.Action == a {
				continue next
			}
		}
		out = append(out, r)
	}
	return out
}

type document struct {
	doc   *ast.QueryDocument
	op    *ast.OperationDefinition
	vars  map[string]any
	roots []*ast.Field
}

func (w *world) parse(query string, vars map[string]any) document {
	w.t.Helper()
	d, err := w.tryParse(query, vars)
	if err != nil {
		w.t.Fatalf("%v in %s", err, query)
	}
	return d
}

func (w *world) tryParse(query string, vars map[string]any) (document, error) {
	doc, errs := gqlparser.LoadQueryWithRules(w.gate.schema, query, nil)
	if len(errs) > 0 {
		return document{}, errs
	}
	op := doc.Operations[0]
	coerced, err := validator.VariableValues(w.gate.schema, op, vars)
	if err != nil {
		return document{}, err
	}
	return document{doc: doc, op: op, vars: coerced, roots: flatten(w.gate, op.SelectionSet, coerced)}, nil
}

func flatten(g *Gate, sel ast.SelectionSet, vars map[string]any) []*ast.Field {
	var out []*ast.Field
	for _, s := range sel {
		switch s := s.(type) {
		case *ast.Field:
			if included(s.Directives, vars) {
				out = append(out, s)
			}
		case *ast.InlineFragment:
			if included(s.Directives, vars) {
				out = append(out, flatten(g, s.SelectionSet, vars)...)
			}
		case *ast.FragmentSpread:
			if included(s.Directives, vars) {
				out = append(out, flatten(g, s.Definition.SelectionSet, vars)...)
			}
		}
	}
	return out
}

func (w *world) ask(s *tenancy.Session, query string, vars map[string]any) Answer {
	w.t.Helper()
	d := w.parse(query, vars)
	a, err := w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, query)
	}
	if !json.Valid(a.Data) {
		w.t.Fatalf("no JSON: %s", a.Data)
	}
	return a
}

// get walks into an answer: names and indices.
func get(t testing.TB, a Answer, path ...any) any {
	t.Helper()
	var v any
	must(t, json.Unmarshal(a.Data, &v))
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func gid(prefix string, u uuid.UUID) string { return id.Encode(prefix, u) }
