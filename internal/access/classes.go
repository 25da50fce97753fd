package access

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Classes reads the field classes that a policy version keeps differently from the shipped ones; nil when there are none.
func Classes(ctx context.Context, tx *tenancy.Tx, version uuid.UUID) (policy.Classes, error) {
	rows, err := tx.Query(ctx, selectClassesOf, tx.Session().Tenant.UUID(), version)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	classes, err := readClasses(rows)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return classes, nil
}

func readClasses(rows pgx.Rows) (policy.Classes, error) {
	var out policy.Classes
	var group string
	var class int16
	_, err := pgx.ForEachRow(rows, []any{&group, &class}, func() error {
		if out == nil {
			out = policy.Classes{}
		}
		out[policy.Object(group)] = policy.Class(class)
		return nil
	})
	return out, err
}
