package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/servetest"
)

// What the serving layer itself costs: one query by id and one page, without network and database.
func BenchmarkServe(b *testing.B) {
	for name, query := range map[string]string{
		"one":  `query($id: ID!) { client(id: $id) { id name owner { id name } } }`,
		"page": `query($id: ID!) { c: client(id: $id) { id } clients(first: 50) { edges { cursor node { id name owner { id name } contacts(first: 3) { nodes { name } } } } pageInfo { hasNextPage endCursor } } }`,
	} {
		b.Run(name, func(b *testing.B) {
			s, err := servetest.New("127.0.0.1:0", func(o *graph.Options) { o.Limits.PrincipalPoints, o.Limits.TenantPoints = 1<<30, 1<<30 })
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			body := `{"query":` + quote(query) + `,"variables":{"id":"` + servetest.ClientID(1) + `"}}`
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+servetest.Token)
				w := httptest.NewRecorder()
				s.Handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body.String())
				}
			}
		})
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
