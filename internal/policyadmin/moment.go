package policyadmin

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// moment is the state that a question is about: that of now, or that of an instant of the past with the policy, roles,
// bindings, organisation, grants, teams and rows of then.
type moment struct {
	at   time.Time
	then *access.Then // nil: now
}

func momentOf(ctx context.Context, tx *tenancy.Tx, asOf *time.Time) (moment, error) {
	if asOf == nil {
		return moment{at: tx.Now()}, nil
	}
	then, err := access.AsOf(ctx, tx, *asOf)
	return moment{*asOf, then}, err
}

// bind gives somebody's rights of the moment; asking are those of the one who asks, now.
func (m moment) bind(asking *policy.Rights, p *policy.Principal) *policy.Rights {
	if m.then == nil {
		return asking.Other(p, m.at)
	}
	return m.then.Table.Bind(p, m.then.Org, m.at)
}

func (m moment) holders(ctx context.Context, tx *tenancy.Tx, staff *uuid.UUID) ([]access.Holder, error) {
	if m.then == nil {
		return access.Holders(ctx, tx, staff)
	}
	return m.then.Holders(ctx, tx, staff)
}

// principal is a staff member as policy saw him; without an account he held nothing.
func (m moment) principal(ctx context.Context, tx *tenancy.Tx, staff uuid.UUID) (*policy.Principal, error) {
	holders, err := m.holders(ctx, tx, &staff)
	if err != nil {
		return nil, err
	}
	p := policy.Principal{Tenant: tx.Session().Tenant.UUID(), Staff: staff}
	if len(holders) == 1 {
		p = holders[0].Principal
	}
	return &p, nil
}

func (m moment) query(tx *tenancy.Tx, f access.Facts, theirs *policy.Rights, id uuid.UUID) (string, []any) {
	sql, args := f.Query(tx, theirs, id)
	if m.then == nil {
		return sql, args
	}
	return m.then.Statement(sql, args)
}

// row is nil when the tenant had no such row.
func (m moment) row(ctx context.Context, tx *tenancy.Tx, f access.Facts, theirs *policy.Rights, id uuid.UUID) (*access.Row, error) {
	sql, args := m.query(tx, f, theirs, id)
	return access.ScanRow(tx.QueryRow(ctx, sql, args...))
}

// rows are one row as it stood to each of the people, in one round trip.
func (m moment) rows(ctx context.Context, tx *tenancy.Tx, f access.Facts, asking *policy.Rights, holders []access.Holder, id uuid.UUID) ([]*access.Row, error) {
	b := &pgx.Batch{}
	for i := range holders {
		sql, args := m.query(tx, f, m.bind(asking, &holders[i].Principal), id)
		b.Queue(sql, args...)
	}
	br := tx.SendBatch(ctx, b)
	out := make([]*access.Row, len(holders))
	var err error
	for i := range holders {
		if out[i], err = access.ScanRow(br.QueryRow()); err != nil {
			break
		}
	}
	if e := br.Close(); err == nil {
		err = wrap("rows", e)
	}
	return out, err
}

// testOfRow stands for the scope and the condition of a rule where the one who asks may not see the row: which of the two it
// does not meet would tell what is in it.
const testOfRow policy.Test = "ROW"

// veil takes out of an explanation what it tells about a row that the one who asks cannot read: it leaves the verdict, the
// rule that decided, and whether the others fail by what the person has or by the row.
//
// SECURITY: a missed condition names a value of the row, and which of scope and condition was missed narrows it down.
func veil(e policy.Explanation) policy.Explanation {
	if e.Decision.Reason == policy.ReasonCondition {
		e.Decision.Reason = policy.ReasonOutOfScope
	}
	e.Remedy = e.Decision.Reason.Remedy()
	lines := make([]policy.Line, len(e.Lines))
	for i, l := range e.Lines {
		unseen := l.Fails == policy.TestNone && !e.Decision.Allow && l.Rule.Effect == policy.Allow && e.Decision.Reason != policy.ReasonDenied // met, and the row is not read
		if l.Fails == policy.TestScope || l.Fails == policy.TestCondition || unseen {
			l.Fails, l.Missed = testOfRow, nil
			rule := policy.RuleSentence(l.Rule)
			l.Text = policy.Text{ZH: rule.ZH + ":不适用于该数据", EN: rule.EN + ": does not apply to the data"}
		}
		lines[i] = l
	}
	// Their order would tell as well: met first, then those that the row misses by their number, then the rest.
	slices.SortStableFunc(lines, func(a, b policy.Line) int {
		if a.Fails == testOfRow && b.Fails == testOfRow {
			return a.Rule.Seq - b.Rule.Seq
		}
		return 0
	})
	e.Lines = lines
	if e.Nearest != nil && (e.Nearest.Fails == policy.TestScope || e.Nearest.Fails == policy.TestCondition || e.Nearest.Fails == policy.TestNone) {
		nearest := *e.Nearest
		nearest.Fails, nearest.Missed = policy.TestScope, nil
		e.Nearest = &nearest
	}
	return e
}
