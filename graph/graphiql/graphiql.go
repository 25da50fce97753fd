// Package graphiql owns the console page at /: GraphiQL from its npm package where the build had npm, else a small page of
// our own that says so. It does not own the schema or any right: the page sends the token that its user gives it.
package graphiql

import (
	"bytes"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// dist holds what `make console` copies from npm packages; in a fresh work tree it has a placeholder alone.
//
//go:embed page all:dist
var files embed.FS

// main is the file of dist without which there is no GraphiQL.
const mainScript = "dist/graphiql.min.js"

// policy: the page loads nothing from anywhere else and talks to its own server alone. Editors set styles in elements.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Built tells whether GraphiQL was there at build time.
func Built() bool { return built(files) }

func built(f fs.FS) bool {
	_, err := fs.Stat(f, mainScript)
	return err == nil
}

// Handler serves the page at / and its files below /console/.
func Handler() http.Handler { return handler(files) }

func handler(f fs.FS) http.Handler {
	page := "page/plain.html"
	if built(f) {
		page = "page/graphiql.html"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := fileOf(r.URL.Path, page)
		if !ok {
			http.NotFound(w, r)
			return
		}
		body, err := fs.ReadFile(f, name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", contentType(name))
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

// fileOf maps a path to an embedded file; nothing but page and dist is reachable.
func fileOf(p, page string) (string, bool) {
	if p == "/" {
		return page, true
	}
	rest, ok := strings.CutPrefix(p, "/console/")
	if !ok || !fs.ValidPath(rest) || strings.HasPrefix(path.Base(rest), ".") || !strings.HasPrefix(rest, "page/") && !strings.HasPrefix(rest, "dist/") {
		return "", false
	}
	return rest, true
}

func contentType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
