package walls

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// readsWaiting are the statements that read bindings and those that await endorsement with them: by file, and why.
func readsWaiting() map[string]string {
	return map[string]string{
		"internal/identity/role_bind.go":      "two that conflict must not wait side by side; what waits is not bound twice",
		"internal/policyadmin/role_retire.go": "a role that somebody waits for is not retired",
		"internal/review/items.go":            "what waits is reviewed with the rest: it may come into force before the review is due",
		"internal/read/types_review.go":       "shows what is under review",
	}
}

// waitingReaders finds statements that read role bindings as if those that await endorsement gave something.
func waitingReaders(files []source, listed map[string]string) (found []string) {
	for _, s := range files {
		if under(s.dir, "internal/testkit", "internal/bench", "internal/walls") || strings.HasSuffix(s.dir, "test") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			if !ok || l.Kind != token.STRING {
				return true
			}
			reads := strings.Contains(l.Value, "FROM role_bindings") || strings.Contains(l.Value, "JOIN role_bindings") || strings.Contains(l.Value, "(role_bindings")
			knows := strings.Contains(l.Value, "awaits_endorsement") || strings.Contains(l.Value, "b.id = $2")
			if _, ok := listed[s.dir+"/"+s.name]; reads && !knows && !ok {
				found = append(found, s.at("reads role bindings, and does not say whether those that await endorsement count"))
			}
			return true
		})
	}
	return found
}

func TestWhatAwaitsEndorsementGivesNothing(t *testing.T) {
	t.Parallel()
	files := repository(t)
	for _, problem := range waitingReaders(files, readsWaiting()) {
		t.Error(problem)
	}
	if found := waitingReaders(files, nil); len(found) < len(readsWaiting()) {
		t.Errorf("a listed file reads no bindings any more: %v", found)
	}
	forgets := parse(t, "internal/somewhere/load.go", "package somewhere\n\nconst q = `SELECT id FROM role_bindings WHERE tenant_id = $1`\n")
	if found := waitingReaders([]source{forgets}, readsWaiting()); !slices.Equal(found, []string{forgets.at("reads role bindings, and does not say whether those that await endorsement count")}) {
		t.Errorf("a statement that forgets it: %v", found)
	}
}
