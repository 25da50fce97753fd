package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
)

// What lies above a node. UNION without ALL ends on a cycle, should one ever be.
const (
	aboveCompany = `WITH RECURSIVE up AS (
		SELECT c.id, c.parent_id FROM companies c WHERE c.tenant_id = $1 AND c.id = $2
		UNION SELECT c.id, c.parent_id FROM companies c JOIN up ON c.id = up.parent_id WHERE c.tenant_id = $1)
		SELECT EXISTS (SELECT FROM up WHERE id = $3)`
	aboveDepartment = `WITH RECURSIVE up AS (
		SELECT d.id, d.parent_id FROM departments d WHERE d.tenant_id = $1 AND d.id = $2
		UNION SELECT d.id, d.parent_id FROM departments d JOIN up ON d.id = up.parent_id WHERE d.tenant_id = $1)
		SELECT EXISTS (SELECT FROM up WHERE id = $3)`
	// Employments that have ended do not count; those that begin later do.
	aboveStaff = `WITH RECURSIVE up AS (
		SELECT $2::uuid AS id
		UNION SELECT e.superior_id FROM employments e JOIN up ON e.staff_id = up.id
			WHERE e.tenant_id = $1 AND e.superior_id IS NOT NULL AND (e.valid_until IS NULL OR e.valid_until > $4))
		SELECT EXISTS (SELECT FROM up WHERE id = $3)`
)

// acyclic refuses a parent that is the node itself or lies below it.
//
// SECURITY: the act holds the tenant's epochs, so no other change of the tree commits between this question and the
// change; of two moves that together would make a cycle, the second sees the first.
func acyclic(ctx context.Context, w *act.Work, query, field string, node, parent uuid.UUID, extra ...any) error {
	var cycle bool
	if err := w.QueryRow(ctx, query, append([]any{w.Tenant(), parent, node}, extra...)...).Scan(&cycle); err != nil {
		return wrap("tree", err)
	}
	if cycle {
		return fault.Invalid(field, "CYCLE", fault.Text{ZH: "不能是自身或其下级", EN: "it is the same one or one below it"}, fault.Text{ZH: "请选择其他上级", EN: "choose another one"})
	}
	return nil
}
