package custody

import (
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/fault"
)

// Every state × every trigger, said out loud; what is not said is refused.
func TestStateTable(t *testing.T) {
	t.Parallel()
	want := map[string]State{}
	for _, step := range strings.Fields(`
		requested+consent=requested requested+approve=approved requested+refuse=refused requested+withdraw=withdrawn
		approved+withdraw=withdrawn approved+handOut=out approved+revoke=revoked
		out+renew=out out+return=returned out+lose=lost out+revoke=revoked revoked+takeBack=revoked`) {
		from, to, _ := strings.Cut(step, "=")
		want[from] = State(to)
	}
	for _, from := range States() {
		for _, by := range Triggers() {
			got, err := Next(from, by)
			expected, allowed := want[string(from)+"+"+string(by)]
			switch {
			case allowed && (err != nil || got != expected):
				t.Errorf("%s by %s: %s %v, want %s", from, by, got, err, expected)
			case !allowed && (fault.CodeOf(err) != fault.InvalidState || got != from):
				t.Errorf("%s by %s: %s %v, want a refusal", from, by, got, err)
			}
			delete(want, string(from)+"+"+string(by))
		}
	}
	if len(want) > 0 {
		t.Errorf("states or triggers that do not exist: %v", want)
	}
	if _, err := Next(Requested, "unheard"); fault.CodeOf(err) != fault.InvalidState {
		t.Error(err)
	}
	for by := range table() {
		if !slices.Contains(Triggers(), by) {
			t.Errorf("%s is not listed", by)
		}
	}
}
