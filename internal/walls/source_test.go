package walls

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one hand-written file that is no test; dir is its package's folder from the root of the repository.
type source struct {
	dir, name string
	file      *ast.File
}

func (s source) at(what string) string { return s.dir + "/" + s.name + ": " + what }

func parse(t testing.TB, name, text string) source {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path.Dir(name), path.Base(name), f}
}

func repository(t testing.TB) []source {
	t.Helper()
	var all []source
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if s := parse(t, filepath.ToSlash(rel), string(text)); !ast.IsGenerated(s.file) {
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 80 {
		t.Fatalf("only %d files", len(all))
	}
	return all
}

// imports maps the names that a file uses to the packages behind them.
func (s source) imports() map[string]string {
	m := map[string]string{}
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		} else if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(p))
		}
		m[name] = p
	}
	return m
}

// uses calls fn for every "package.Name" of the file.
func (s source) uses(fn func(pkg, name string)) {
	imports := s.imports()
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && imports[x.Name] != "" {
				fn(imports[x.Name], sel.Sel.Name)
			}
		}
		return true
	})
}

func under(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return dir == r || strings.HasPrefix(dir, r+"/") })
}

// openers: only these packages open database handles; everybody else has to go through a Session.
func openers(files []source) (found []string) {
	for _, s := range files {
		if under(s.dir, "internal/tenancy", "ent/migrations", "internal/pglocal", "internal/testkit", "ent/db", "internal/bench") {
			continue
		}
		for name, p := range s.imports() {
			if name == "." && (strings.Contains(p, "jackc/pgx") || p == "database/sql") {
				found = append(found, s.at("imports "+p+" without a name"))
			}
			if p == "github.com/jackc/pgx/v5/stdlib" || p == "github.com/jackc/pgx/v5/pgxpool" || p == "github.com/lib/pq" {
				found = append(found, s.at("imports "+p))
			}
		}
		s.uses(func(pkg, name string) {
			opens := pkg == "github.com/jackc/pgx/v5" && strings.HasPrefix(name, "Connect") || pkg == "github.com/jackc/pgx/v5/pgconn" && strings.HasPrefix(name, "Connect") ||
				pkg == "database/sql" && strings.HasPrefix(name, "Open") || pkg == "entgo.io/ent/dialect/sql" && (strings.HasPrefix(name, "Open") || name == "WithVar") ||
				strings.HasSuffix(pkg, "/ent/db") && (name == "Open" || name == "NewClient")
			if opens {
				found = append(found, s.at("uses "+pkg+"."+name))
			}
		})
	}
	return found
}

// layers: who may import what.
func layers(files []source) (found []string) {
	for _, s := range files {
		for _, p := range s.imports() {
			switch {
			case strings.Contains(p, "casbin/") && !under(s.dir, "policy"),
				under(s.dir, "graph") && !under(s.dir, "graph/generate", "graph/servetest") && (strings.Contains(p, "entgo.io/") || strings.Contains(p, "/clientele/ent") || strings.Contains(p, "jackc/pgx") || p == "database/sql"),
				under(s.dir, "policy") && (strings.Contains(p, "entgo.io/") || strings.Contains(p, "jackc/pgx") || strings.Contains(p, "/clientele/internal/")),
				strings.HasSuffix(p, "internal/testkit") && !under(s.dir, "internal/testkit", "internal/bench", "internal/clienttest") && !strings.HasSuffix(s.dir, "test"):
				found = append(found, s.at("imports "+p))
			}
		}
	}
	return found
}

// inits: nothing happens before main.
func inits(files []source) (found []string) {
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				found = append(found, s.at("has an init function"))
			}
		}
	}
	return found
}

// wallClocks: rights, deadlines and stored times come from the transaction, never from this machine.
func wallClocks(files []source) (found []string) {
	services := []string{"internal/archive", "internal/contract", "internal/organisation", "internal/identity", "internal/act", "internal/access", "internal/read", "internal/tenancy", "policy"}
	for _, s := range files {
		if !under(s.dir, services...) || strings.HasSuffix(s.dir, "test") || s.at("") == "internal/read/gate.go: " {
			continue // worlds for tests; and the gate, which falls back to the wall's clock only to choose among known rights
		}
		s.uses(func(pkg, name string) {
			if pkg == "time" && (name == "Now" || name == "Since" || name == "Until") {
				found = append(found, s.at("uses time."+name))
			}
		})
		ast.Inspect(s.file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				for _, word := range []string{"now()", "current_timestamp", "clock_timestamp()", "localtimestamp", "statement_timestamp()"} {
					if strings.Contains(strings.ToLower(l.Value), word) {
						found = append(found, s.at("has "+word+" in a statement"))
					}
				}
			}
			return true
		})
	}
	return found
}

// sharedState finds what lives longer than a request: fields of caches, of maps beside a mutex, and package variables of
// those types. Its key has to be TenantID or a struct of the same package with a TenantID in it, or the place is listed
// with the reason why it needs none.
func sharedState(files []source, listed map[string]string) (found []string) {
	carries := map[string]bool{"TenantID": true}
	for range 2 { // a key may be a struct in a struct
		for _, s := range files {
			eachType(s, func(name string, typ ast.Expr) {
				st, ok := typ.(*ast.StructType)
				if !ok {
					return
				}
				for _, f := range st.Fields.List {
					if k := keyName(s, f.Type); k == "TenantID" || carries[k] {
						carries[s.dir+"."+name] = true
					}
				}
			})
		}
	}
	report := func(s source, place string, typ ast.Expr, shared bool) {
		key, is := keyOf(s, typ, shared)
		if !is || carries[keyName(s, key)] {
			return
		}
		if _, ok := listed[s.dir+"."+place]; !ok {
			found = append(found, s.at(place+" is kept over requests and its key has no TenantID"))
		}
	}
	for _, s := range files {
		if !under(s.dir, "internal", "policy", "graph", "cmd") || under(s.dir, "internal/testkit", "internal/bench", "internal/clienttest", "graph/servetest") {
			continue
		}
		eachType(s, func(name string, typ ast.Expr) {
			st, ok := typ.(*ast.StructType)
			if !ok {
				return
			}
			locked := slices.ContainsFunc(st.Fields.List, func(f *ast.Field) bool { x := selector(s, f.Type); return x == "sync.Mutex" || x == "sync.RWMutex" })
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					report(s, name+"."+n.Name, f.Type, locked)
				}
			}
		})
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, sp := range g.Specs {
				if v := sp.(*ast.ValueSpec); v.Type != nil {
					report(s, v.Names[0].Name, v.Type, false)
				}
			}
		}
	}
	return found
}

func eachType(s source, fn func(name string, typ ast.Expr)) {
	for _, d := range s.file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			for _, sp := range g.Specs {
				ts := sp.(*ast.TypeSpec)
				fn(ts.Name.Name, ts.Type)
			}
		}
	}
}

// selector is "path.Name" of a type, without the pointer.
func selector(s source, e ast.Expr) string {
	if p, ok := e.(*ast.StarExpr); ok {
		e = p.X
	}
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			return s.imports()[x.Name] + "." + sel.Sel.Name
		}
	}
	return ""
}

// keyOf is the key's type where typ keeps things by key: a cache, or a map that a mutex guards.
func keyOf(s source, typ ast.Expr, locked bool) (key ast.Expr, is bool) {
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	switch x := typ.(type) {
	case *ast.MapType:
		return x.Key, locked
	case *ast.IndexListExpr:
		name := selector(s, x.X)
		return x.Indices[0], strings.Contains(name, "otter") || strings.Contains(name, "lru") || strings.Contains(name, "xsync")
	case *ast.SelectorExpr:
		name := selector(s, x)
		return nil, name == "sync.Map" || strings.HasSuffix(name, "singleflight.Group") // their keys have no type
	}
	return nil, false
}

// keyName is "TenantID" for tenancy's type and "dir.Name" for one of the same package.
func keyName(s source, e ast.Expr) string {
	if strings.HasSuffix(selector(s, e), "internal/tenancy.TenantID") {
		return "TenantID"
	}
	if id, ok := e.(*ast.Ident); ok {
		if s.dir == "internal/tenancy" && id.Name == "TenantID" {
			return "TenantID"
		}
		return s.dir + "." + id.Name
	}
	return ""
}

// withoutTenant is what is kept over requests without a tenant in its key.
func withoutTenant() map[string]string {
	return map[string]string{
		"internal/access.snapshot.rights":  "a snapshot is one tenant's and stands under its TenantID",
		"internal/authn.Service.known":     "by the hash of a bearer token, which belongs to one tenant and credential for ever",
		"internal/authn.Service.unknown":   "hashes of tokens that belong to nobody",
		"internal/read.Gate.plans":         "compiled document shapes: no data and no rights of anybody",
		"graph/serve.Handler.documents":    "parsed and validated documents: texts of callers, no data",
		"graph/serve.engine.documents":     "parsed and validated documents: texts of callers, no data",
		"graph/serve.document.prices":      "of one text and its operations: what they cost, no data",
		"graph/serve.document.roots":       "of one text and its operations: its own fields, no data",
		"graph/limit.Prices.known":         "points of one operation by the page sizes asked for: no data",
		"graph/serve.connections.all":      "open sockets, to close them at the end",
		"graph/limit.Buckets.m":            "generic; its users' keys are checked where they are made",
		"internal/access.Provider.tripped": "a sync.Map, whose key is said in words: TenantID",
		"internal/telemetry.options.made":  "labels of measurements, of closed sets: routes, methods, statuses, codes",
		"policy.Shadow.closed":             "of one compiled table, which is one tenant's: questions on which the two judges differed",
		"graph/serve.socket.ops":           "of one socket, which has one session",
	}
}

func TestTheSourceKeepsTheWalls(t *testing.T) {
	t.Parallel()
	files := repository(t)
	for name, found := range map[string][]string{
		"opens database handles": openers(files), "layers": layers(files), "init": inits(files), "wall clock": wallClocks(files),
		"keys": sharedState(files, withoutTenant()),
	} {
		for _, f := range found {
			t.Errorf("%s: %s", name, f)
		}
	}
}

func TestEveryCheckOfTheSourceCanFail(t *testing.T) {
	t.Parallel()
	pkg := func(imports, body string) string { return "package p\nimport (" + imports + ")\n" + body }
	for i, c := range []struct {
		check            func([]source) []string
		file, text, want string
	}{
		{openers, "internal/archive/x.go", pkg(`"github.com/jackc/pgx/v5"`, `var x = pgx.ConnectConfig`), "uses github.com/jackc/pgx/v5.ConnectConfig"},
		{openers, "internal/archive/x.go", pkg(`p "github.com/jackc/pgx/v5"`, `func f() { p.Connect(nil, "") }`), "uses github.com/jackc/pgx/v5.Connect"},
		{openers, "internal/read/x.go", pkg(`"github.com/jackc/pgx/v5/pgxpool"`, ``), "imports github.com/jackc/pgx/v5/pgxpool"},
		{openers, "cmd/clientele/x.go", pkg(`_ "github.com/jackc/pgx/v5/stdlib"`, ``), "imports github.com/jackc/pgx/v5/stdlib"},
		{openers, "graph/x.go", pkg(`"database/sql"`, `var x, _ = sql.Open("pgx", "")`), "uses database/sql.Open"},
		{openers, "internal/archive/x.go", pkg(`entdb "github.com/clientele/clientele/ent/db"`, `var x = entdb.NewClient()`), "uses github.com/clientele/clientele/ent/db.NewClient"},
		{openers, "internal/archive/x.go", pkg(`"entgo.io/ent/dialect/sql"`, `var x = sql.WithVar`), "uses entgo.io/ent/dialect/sql.WithVar"},
		{openers, "internal/archive/x.go", pkg(`. "github.com/jackc/pgx/v5"`, ``), "imports github.com/jackc/pgx/v5 without a name"},
		{layers, "internal/access/x.go", pkg(`"github.com/casbin/casbin/v2/model"`, ``), "imports github.com/casbin/casbin/v2/model"},
		{layers, "graph/resolver/x.go", pkg(`"github.com/clientele/clientele/ent/db"`, ``), "imports github.com/clientele/clientele/ent/db"},
		{layers, "graph/x.go", pkg(`"github.com/jackc/pgx/v5"`, ``), "imports github.com/jackc/pgx/v5"},
		{layers, "policy/x.go", pkg(`"github.com/clientele/clientele/internal/tenancy"`, ``), "imports github.com/clientele/clientele/internal/tenancy"},
		{layers, "internal/archive/x.go", pkg(`"github.com/clientele/clientele/internal/testkit"`, ``), "imports github.com/clientele/clientele/internal/testkit"},
		{inits, "internal/archive/x.go", pkg(``, `func init() {}`), "has an init function"},
		{wallClocks, "internal/archive/x.go", pkg(`"time"`, `var x = time.Now()`), "uses time.Now"},
		{wallClocks, "policy/x.go", pkg(`t "time"`, `var now = t.Now`), "uses time.Now"},
		{wallClocks, "internal/act/x.go", pkg(``, "const q = `SELECT NOW()`"), "has now() in a statement"},
	} {
		if got := c.check([]source{parse(t, c.file, c.text)}); !slices.Equal(got, []string{c.file + ": " + c.want}) {
			t.Errorf("case %d: %q, want %s", i, got, c.want)
		}
	}
	tenancyImport := `"github.com/clientele/clientele/internal/tenancy"`
	for i, c := range []struct {
		text string
		want []string
	}{
		{pkg(`"github.com/maypok86/otter/v2"`, `type c struct { rows *otter.Cache[string, int] }`), []string{"c.rows"}},
		{pkg(`"github.com/google/uuid"; "sync"`, `type c struct { mu sync.Mutex; rows map[uuid.UUID]int }`), []string{"c.rows"}},
		{pkg(`"sync"`, `type k struct { id string }; type c struct { mu *sync.RWMutex; rows map[k]int }`), []string{"c.rows"}},
		{pkg(`"sync"`, `var rows sync.Map`), []string{"rows"}},
		{pkg(`"golang.org/x/sync/singleflight"`, `type c struct { flight singleflight.Group }`), []string{"c.flight"}},
		{pkg(`"github.com/maypok86/otter/v2"; `+tenancyImport, `type c struct { rows *otter.Cache[tenancy.TenantID, int] }`), nil},
		{pkg(`"sync"; `+tenancyImport, `type k struct { tenant tenancy.TenantID; id string }; type c struct { mu sync.Mutex; rows map[k]int }`), nil},
		{pkg(`"sync"; `+tenancyImport, `type j struct { k; n int }; type k struct { tenant tenancy.TenantID }; type c struct { mu sync.Mutex; rows map[j]int }`), nil},
		{pkg(``, `type c struct { rows map[string]int }`), nil},
		{pkg(`"sync"`, `type listed struct { mu sync.Mutex; rows map[string]int }`), nil},
	} {
		var want []string
		for _, w := range c.want {
			want = append(want, fmt.Sprintf("internal/x/x.go: %s is kept over requests and its key has no TenantID", w))
		}
		if got := sharedState([]source{parse(t, "internal/x/x.go", c.text)}, map[string]string{"internal/x.listed.rows": "a test"}); !slices.Equal(got, want) {
			t.Errorf("case %d: %q, want %q", i, got, want)
		}
	}
}
