package identity_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
)

// Roles that must not be in one hand are bound to the same account at once, by two administrators: exactly one is.
func TestConflictingRolesBoundAtOnce(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	second := x.Person(t, "second", "tenant_admin")
	won := map[string]int{}
	for round := range 25 {
		roles := []string{"tenant_admin", "policy_auditor", "general_manager"} // one drafts policy, two publish it
		errs := make([]error, len(roles))
		var wg sync.WaitGroup
		for i, role := range roles {
			by := x.Admin.Session
			if (i+round)%2 == 0 {
				by = second.Session
			}
			wg.Go(func() {
				_, errs[i] = x.Identity.RoleBind(t.Context(), by, identity.RoleBind{Account: x.Nobody.Account, RoleKey: role}, identitytest.Key())
			})
		}
		wg.Wait()
		for i, err := range errs {
			if list, ok := fault.As(err); err != nil && (!ok || list[0].Code != fault.DutyConflict) {
				t.Fatalf("round %d: %s: %v", round, roles[i], err)
			}
		}
		drafts, publishes := errs[0] == nil, errs[1] == nil || errs[2] == nil
		if drafts == publishes || publishes && (errs[1] != nil || errs[2] != nil) {
			t.Fatalf("round %d: %v", round, errs)
		}
		won[fmt.Sprint(drafts)]++
		var held string
		x.Scan(t, `WITH ended AS (UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL RETURNING role_id)
			SELECT string_agg(r.key, ' ' ORDER BY r.key) FROM ended e JOIN roles r ON r.tenant_id = $1 AND r.id = e.role_id`, []any{x.Nobody.Account}, &held)
		want := map[bool]string{true: "tenant_admin", false: "general_manager policy_auditor"}[drafts]
		if round == 0 {
			want = map[bool]string{true: "list_reader tenant_admin", false: "general_manager list_reader policy_auditor"}[drafts]
		}
		if held != want {
			t.Fatalf("round %d: held %q, want %q", round, held, want)
		}
	}
	t.Logf("the one who drafts won: %v", won)
}
