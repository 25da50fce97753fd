package product

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
)

// nextOfPerson is the next begin or end of what is a person's own: grants, loans, memberships of teams. What somebody's bindings, rules and
// employments say is known to his rights.
const nextOfPerson = `SELECT min(x.at) FROM (
	SELECT unnest(ARRAY[g.valid_from, g.valid_until, g.review_due_at]) FROM access_grants g WHERE g.tenant_id = $1 AND g.grantee_staff_id = $2 AND g.revoked_at IS NULL AND g.valid_until > $3
	UNION ALL SELECT i.valid_until FROM borrowing_items i WHERE i.tenant_id = $1 AND i.borrower_staff_id = $2 AND i.valid_from IS NOT NULL AND i.ended_at IS NULL
	UNION ALL SELECT unnest(ARRAY[m.valid_from, m.valid_until]) FROM client_team_members m WHERE m.tenant_id = $1 AND m.staff_id = $2
	) x (at) WHERE x.at > $3`

// boundary is the next instant at which time alone begins or ends a right of the session's actor; zero when there is none.
func (s *Services) boundary(ctx context.Context, session *tenancy.Session) (time.Time, error) {
	r := s.DB.BeginRead(session)
	defer r.Close(ctx)
	rights, _, err := s.Rights.Load(ctx, session, r)
	if err != nil {
		return time.Time{}, err
	}
	var own *time.Time
	b := &pgx.Batch{}
	b.Queue(nextOfPerson, session.Tenant.UUID(), session.Actor.Staff, r.Now())
	if err := r.Send(ctx, b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&own) }); err != nil {
		return time.Time{}, err
	}
	next := rights.ValidUntil
	if own != nil && (next.IsZero() || own.Before(next)) {
		next = *own
	}
	return next, nil
}
