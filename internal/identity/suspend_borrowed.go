package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/read"
)

// What somebody borrowed and asked for ends with his account. The originals stay out until the custodian has them back in
// his hands: that is not decided here.
const (
	endBorrowings = `UPDATE borrowings SET state = 'revoked', ended_at = $3, updated_at = $3, updated_by = $4, version = version + 1
		WHERE tenant_id = $1 AND borrower_staff_id = $2 AND state IN ('requested', 'approved', 'out') RETURNING id`
	endItems = `UPDATE borrowing_items SET ended_at = $3, updated_at = $3, updated_by = $4, version = version + 1
		WHERE tenant_id = $1 AND borrower_staff_id = $2 AND ended_at IS NULL RETURNING id`
	endRequests = `UPDATE access_requests SET state = 'withdrawn', ended_at = $3, updated_at = $3, updated_by = $4, version = version + 1
		WHERE tenant_id = $1 AND requester_staff_id = $2 AND state = 'requested' RETURNING id`
	// SECURITY: a step that stays open would turn into a right when the account comes back.
	endSteps = `UPDATE approval_steps SET state = 'void', updated_at = $3, updated_by = $4, version = version + 1
		WHERE tenant_id = $1 AND requester_staff_id = $2 AND state IN ('waiting', 'active') RETURNING id`
)

func endBorrowed(ctx context.Context, w *act.Work, staff uuid.UUID, end func(field, prefix, sql string, args ...any) error) error {
	for _, x := range []struct{ field, prefix, sql string }{{"borrowings", id.Borrowing, endBorrowings}, {"accessRequests", id.AccessRequest, endRequests}} {
		if err := end(x.field, x.prefix, x.sql, w.Tenant(), staff, w.Now(), w.Staff()); err != nil {
			return err
		}
	}
	for _, sql := range []string{endItems, endSteps} {
		if _, err := returned(ctx, w, sql, w.Tenant(), staff, w.Now(), w.Staff()); err != nil {
			return err
		}
	}
	return nil
}

// stillReachable counts what the person reaches now, in this transaction.
func stillReachable(ctx context.Context, w *act.Work, h *holder) (total int64, err error) {
	if h.StaffID == nil || w.Rights == nil {
		return 0, nil
	}
	holders, err := access.Holders(ctx, w.Tx, h.StaffID)
	if err != nil || len(holders) != 1 {
		return 0, err
	}
	found, err := read.Reachable(ctx, w.Tx, w.Rights.Other(&holders[0].Principal, w.Now()), read.Person{Staff: *h.StaffID, Account: h.ID})
	for _, r := range found {
		total += r.Rows
	}
	return total, wrap("reachable", err)
}
