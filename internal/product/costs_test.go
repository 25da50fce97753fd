package product_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// Questions about policy are dear: an operation with many is refused before any is answered, and every answer says what it cost.
func TestQuestionsAreCounted(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	token := sessionToken(t, x, x.Person(x.Department, "policy_auditor"))
	version := id.Encode(id.PolicyVersion, x.ID) // of no version: what is refused by cost is not looked up
	department := id.Encode(id.Department, x.Department)
	for name, c := range map[string]struct {
		field string
		one   int // points of one
	}{
		"explainAccess":  {`explainAccess(object: "client", action: "read") { allow }`, 101},
		"reachPreview":   {fmt.Sprintf(`reachPreview(staffId: %q) { rows }`, id.Encode(id.Staff, x.ID)), 201},
		"whoCanSee":      {fmt.Sprintf(`whoCanSee(objectId: %q, first: 1) { more }`, department), 201},
		"policySimulate": {fmt.Sprintf(`policySimulate(policyVersionId: %q) { more }`, version), 1001},
		"policyTestRun":  {fmt.Sprintf(`policyTestRun(policyVersionId: %q) { __typename }`, version), 1010}, // a list counts as ten
		"policyCompare":  {`policyCompare(from: "1", to: "1") { __typename }`, 101},
		"policyLint":     {fmt.Sprintf(`policyLint(policyVersionId: %q) { code }`, version), 110}, // a list counts as ten
	} {
		ask := func(n int) answered {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "q%d: %s ", i, c.field)
			}
			return s.ask(token, "query { ... on Query { "+b.String()+"} }", nil)
		}
		a := ask(1)
		if want := fmt.Sprintf(`"cost":{"limit":5000,"requested":%d}`, c.one); a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %s does not say %s", name, a.body, want)
		}
		most := 5000 / c.one
		if a := ask(most + 1); !strings.Contains(a.body, `"code":"LIMIT_EXCEEDED"`) || !strings.Contains(a.body, `"reason":"COST"`) || !strings.Contains(a.body, fmt.Sprintf(`"cost":%d`, (most+1)*c.one)) || strings.Contains(a.body, `"data"`) {
			t.Errorf("%d of %s: %.300s", most+1, name, a.body)
		}
	}
}
