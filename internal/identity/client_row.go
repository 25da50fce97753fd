package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// clientRow is what policy may know of the client that a grant is about. FOR SHARE keeps it as it is until the act is over:
// a client that moves to another department is granted before or after, not in between.
func clientRow(ctx context.Context, w *act.Work, client uuid.UUID) (row *policy.Row, found bool, err error) {
	row = &policy.Row{ID: client, Client: client}
	if w.Rights == nil { // the operator sees no archive
		return row, false, nil
	}
	tag, err := w.Exec(ctx, `SELECT 1 FROM clients WHERE tenant_id = $1 AND id = $2 FOR SHARE`, w.Tenant(), client)
	if err != nil || tag.RowsAffected() == 0 {
		return row, false, wrap("client", err)
	}
	args := []any{w.Tenant(), client, w.Now()}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	team, distributed, granted := w.Rights.Facts(policy.Columns{Tenant: "c.tenant_id", Now: "$3::timestamptz", Client: "c.id"}, arg)
	var owner *uuid.UUID
	var grade *string
	var mask int
	err = w.QueryRow(ctx, `SELECT c.company_id, c.department_id, c.owner_id, c.grade, c.stage, c.important, c.suspended,
		ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = c.tenant_id AND k.client_id = c.id ORDER BY k.kind), `+team+`, `+distributed+`, `+granted+`
		FROM clients c WHERE c.tenant_id = $1 AND c.id = $2 AND $3::timestamptz IS NOT NULL`, args...).
		Scan(&row.Company, &row.Department, &owner, &grade, &row.Stage, &row.Important, &row.ClientSuspended, &row.Kinds, &row.OnTeam, &row.DistributedTo, &mask)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, false, nil
	}
	row.Owner, row.Granted = value(owner), policy.ClassSet(mask)
	if grade != nil {
		row.Grade = *grade
	}
	return row, err == nil, wrap("client", err)
}
