package policyadmin

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ReachPreview is what a person reaches now.
type ReachPreview struct {
	Staff  uuid.UUID
	Rows   int64 // of all counts together
	Counts []read.Reached
}

// ReachPreview: permission account.suspend on the person's account, or policy.read; and sight of that person. Counts by the
// predicates of the gate, for every type and question; nothing else is shown of the rows. NOT_FOUND, FORBIDDEN.
func (s *Service) ReachPreview(ctx context.Context, session *tenancy.Session, staff uuid.UUID) (out ReachPreview, err error) {
	err = s.asking(ctx, session, question{"policy.reachPreview", Object{"Staff", staff}}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		out, err = preview(ctx, tx, rights, staff)
		return err
	})
	return out, err
}

// ReachOfAccount is ReachPreview for who is behind an account; an app, which has no staff member, reaches nothing by itself.
func (s *Service) ReachOfAccount(ctx context.Context, session *tenancy.Session, account uuid.UUID) (out ReachPreview, err error) {
	err = s.asking(ctx, session, question{"policy.reachPreview", Object{"Account", account}}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		var staff *uuid.UUID
		if err := tx.QueryRow(ctx, `SELECT (SELECT staff_id FROM accounts WHERE tenant_id = $1 AND id = $2)`, tx.Session().Tenant.UUID(), account).Scan(&staff); err != nil {
			return wrap("account", err)
		}
		if staff == nil {
			return nil
		}
		out, err = preview(ctx, tx, rights, *staff)
		return err
	})
	return out, err
}

func preview(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, staff uuid.UUID) (ReachPreview, error) {
	out := ReachPreview{Staff: staff}
	f, _ := access.FactsOf("Staff")
	row, err := f.Row(ctx, tx, rights, staff)
	if err != nil {
		return out, err
	}
	if !f.Sees(rights, row) {
		return out, fault.NotFound("Staff")
	}
	if refusal := mayReadRules(rights); refusal != nil && !rights.Decide(policy.OnAccount, policy.AccountSuspend, &row.Row).Allow {
		return out, refusal
	}
	holders, err := access.Holders(ctx, tx, &staff)
	if err != nil || len(holders) == 0 {
		return out, err
	}
	p := &holders[0].Principal
	out.Counts, err = read.Reachable(ctx, tx, rights.Other(p, tx.Now()), read.Person{Staff: staff, Account: p.Account})
	for _, r := range out.Counts {
		out.Rows += r.Rows
	}
	return out, wrap("reachable", err)
}
