package read

import (
	"github.com/google/uuid"
)

// makeReviews writes three reviews, one of them open, over bindings and grants: kept, revoked, lapsed and undecided.
func (k *maker) makeReviews(stamp func(map[string]any) map[string]any, staff func() uuid.UUID) {
	for i, period := range []string{"2025-H1", "2025-H2", "2026-H1"} {
		state, closed := "closed", any(start)
		if i == 2 {
			state, closed = "open", nil
		}
		review := k.insert("access_reviews", stamp(map[string]any{"period": period, "state": state, "due_at": start.AddDate(0, 6*i-9, 0), "closed_at": closed}))
		item := func(kind, column string, of uuid.UUID) {
			holder, decision := maybe(k, staff()), pick[any](k, "KEEP", "REVOKE", "LAPSED", nil)
			var by, at any
			if decision != nil {
				at = k.at()
				if decision != "LAPSED" {
					for by = staff(); by == holder; {
						by = staff()
					}
				}
			}
			k.insert("access_review_items", stamp(map[string]any{
				"review_id": review, "kind": kind, column: of, "holder_staff_id": holder, "reviewer_staff_id": maybe(k, staff()), "decision": decision,
				"decided_by": by, "decided_at": at, "reason": maybe(k, "仍需要"),
			}))
		}
		for _, b := range k.m.ids["role_bindings"] {
			if k.rnd.IntN(2) == 0 {
				item("BINDING", "binding_id", b)
			}
		}
		for _, g := range k.m.ids["access_grants"] {
			if k.rnd.IntN(3) == 0 {
				item("GRANT", "grant_id", g)
			}
		}
	}
}
