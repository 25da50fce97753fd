package custody

import (
	"testing"

	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/policy"
)

// Every act is one that policy knows, under a name and an event of its own; what decides or begins a right holds the tenant's epochs.
func TestSpecs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Specs() {
		if !policy.Known(s.Object, s.Action) || seen[s.Name] || seen[s.Event] {
			t.Errorf("%+v", s)
		}
		seen[s.Name], seen[s.Event] = true, true
		decides := false
		for _, q := range approval.Questions() {
			decides = decides || q.Object == s.Object && q.Action == s.Action
		}
		if decides && !s.Sensitive && s.Name != "borrowing.return" {
			t.Errorf("%s decides a right and does not hold the epochs", s.Name)
		}
	}
	for _, q := range approval.Questions() {
		if !policy.Known(q.Object, q.Action) {
			t.Errorf("%+v", q)
		}
	}
}
