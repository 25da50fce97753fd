package graphiql

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vektah/gqlparser/v2"

	"github.com/clientele/clientele/graph"
)

func get(t *testing.T, f fs.FS, path string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	handler(f).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

// with is the embedded page together with a made-up GraphiQL or none.
func with(t *testing.T, built bool) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(files, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, path)
		out[path] = &fstest.MapFile{Data: body}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if built {
		out[mainScript] = &fstest.MapFile{Data: []byte("window.GraphiQL = {};")}
	}
	return out
}

func TestPageWithAndWithoutNpm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		built bool
		says  string
	}{{true, "/console/dist/graphiql.min.js"}, {false, "make console"}} {
		rec := get(t, with(t, c.built), "/")
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), c.says) || rec.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("built %v: %d %s", c.built, rec.Code, rec.Body)
		}
	}
}

// The page works with no internet: it names no other host, and the policy allows none.
func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`(src|href)="(https?:)?//`)
	for _, name := range []string{"page/graphiql.html", "page/plain.html"} {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if found := elsewhere.FindString(string(body)); found != "" {
			t.Errorf("%s loads %s", name, found)
		}
	}
	if !elsewhere.MatchString(`<script src="https://cdn.example/x.js">`) {
		t.Error("the check finds nothing")
	}
	if strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Error("the policy allows another host")
	}
}

func TestOnlyPageFilesAreServed(t *testing.T) {
	t.Parallel()
	f := with(t, true)
	for path, want := range map[string]int{
		"/console/page/bar.js": 200, "/console/dist/graphiql.min.js": 200, "/console/dist/.keep": 404, "/console/graphiql.go": 404,
		"/console/page/../page/bar.js": 404, "/console/": 404, "/other": 404, "/console/page": 404,
	} {
		if got := get(t, f, path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// Every saved query is valid against the product's schema and has a title in both languages.
func TestSavedQueriesAreValid(t *testing.T) {
	t.Parallel()
	body, err := fs.ReadFile(files, "page/queries.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		ZH, EN, Query string
		Variables     map[string]any
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
		t.Fatalf("%d queries: %v", len(list), err)
	}
	for _, q := range list {
		if q.ZH == "" || q.EN == "" {
			t.Errorf("a title is missing: %+v", q)
		}
		if _, errs := gqlparser.LoadQueryWithRules(graph.Schema(), q.Query, nil); len(errs) > 0 {
			t.Errorf("%s: %v", q.EN, errs)
		}
	}
	if _, errs := gqlparser.LoadQueryWithRules(graph.Schema(), "{ nothing }", nil); len(errs) == 0 {
		t.Error("the check finds nothing")
	}
}
