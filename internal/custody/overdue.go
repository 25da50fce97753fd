package custody

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
)

// borrowingOverdue is the system's act: it writes down what is so by time already. No right and no row of the loan changes by it.
var borrowingOverdue = act.Spec{Name: "borrowing.overdue", Event: "borrowing.overdue.v1"}

// overdueAtOnce is how many loans are looked up together; each is written down in a transaction of its own.
const overdueAtOnce = 100

// late tells whether the loan was out at its due date and is past it.
func late(b Borrowing, now time.Time) bool { return b.OutAt != nil && !b.DueAt.After(now) }

// overdue writes down of each original of a late loan that it was not back in time (G05), and gives how many of them nobody had written
// down before: the constraint custody_incidents_overdue keeps each one single, whoever comes first.
func overdue(ctx context.Context, w *act.Work, b Borrowing) (int, error) {
	ids := make([]uuid.UUID, len(b.items))
	for i := range ids {
		ids[i] = w.IDs.New()
	}
	due := b.DueAt.UTC().Format(time.RFC3339)
	note := "借阅逾期：应于 " + due + " 前归还 · overdue: it was to be back by " + due
	tag, err := w.Exec(ctx, `INSERT INTO custody_incidents (tenant_id, id, original_id, client_id, borrowing_id, kind, note, reported_by, created_at, created_by, updated_at, updated_by)
		SELECT $1, x.id, x.original, $4, $5, 'OVERDUE', $6, $7, $8, $7, $8, $7 FROM unnest($2::uuid[], $3::uuid[]) x (id, original)
		ON CONFLICT (tenant_id, borrowing_id, original_id) WHERE kind = 'OVERDUE' DO NOTHING`,
		w.Tenant(), ids, b.originals(), b.ClientID, b.ID, note, w.Staff(), w.Now())
	return int(tag.RowsAffected()), wrap("overdue", err)
}

// errNothing: it is back, or another process was faster.
var errNothing = errors.New("nothing to write down")

const overdueLoans = `SELECT b.id FROM borrowings b WHERE b.tenant_id = $1 AND b.state = 'out' AND b.due_at <= $2
	AND NOT EXISTS (SELECT FROM custody_incidents i WHERE i.tenant_id = b.tenant_id AND i.borrowing_id = b.id AND i.kind = 'OVERDUE') ORDER BY b.due_at, b.id LIMIT $3`

// NoteOverdue writes down the loans of one tenant that are out past their due date, each once, and gives how many that were. The right to
// read what was lent does not wait for it: it ended with the due date.
func (s *Service) NoteOverdue(ctx context.Context, tenant tenancy.TenantID) (int, error) {
	session := tenancy.ForSystem(tenant, tenancy.SystemCustody)
	session.RequestID = "custody-overdue"
	for total := 0; ; {
		before := total
		var loans []uuid.UUID
		err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
			rows, err := tx.Query(ctx, overdueLoans, tenant.UUID(), tx.Now(), overdueAtOnce)
			if err != nil {
				return err
			}
			loans, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		if err != nil {
			return total, wrap("overdue loans", err)
		}
		for _, loan := range loans {
			switch err := s.noteOverdue(ctx, session, loan); {
			case err == nil:
				total++
			case !errors.Is(err, errNothing):
				return total, err
			}
		}
		if len(loans) < overdueAtOnce || total == before { // another process is at them
			return total, nil
		}
	}
}

func (s *Service) noteOverdue(ctx context.Context, session *tenancy.Session, loan uuid.UUID) error {
	_, err := s.runner.Run(ctx, session, borrowingOverdue, uuid.NewString(), loan, func(ctx context.Context, w *act.Work) (act.Result, error) {
		b, err := loadBorrowing(ctx, w, loan)
		if err != nil {
			return act.Result{}, err
		}
		if State(b.State) != Out || !late(b, w.Now()) { // back, or renewed before the lock
			return act.Result{}, errNothing
		}
		n, err := overdue(ctx, w, b)
		if err == nil && n == 0 {
			err = errNothing
		}
		return borrowingResult(b, []act.Change{{Field: "overdue", New: n}, {Field: "dueAt", New: b.DueAt}}), err
	})
	return err
}

// Sweep calls NoteOverdue for every active tenant, every interval, until ctx ends.
func (s *Service) Sweep(ctx context.Context, every time.Duration, log *slog.Logger) {
	s.db.Sweep(ctx, every, func(ctx context.Context, t tenancy.TenantID) error {
		n, err := s.NoteOverdue(ctx, t)
		if n > 0 {
			log.InfoContext(ctx, "custody: loans past their due date are written down", slog.String("tenant", t.String()), slog.Int("loans", n))
		}
		return err
	}, func(t tenancy.TenantID, err error) {
		log.WarnContext(ctx, "custody: overdue loans not written down; their rights have ended all the same", slog.String("tenant", t.String()), slog.Any("error", err))
	})
}
