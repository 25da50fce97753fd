package custody

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// BorrowingReturn takes a loan back, overdue or not, and checks every original (G05): damage, a missing one, a file whose bytes are not
// those filed and a due date that has passed become incidents. INVALID_INPUT ITEMS: the list is not that of the loan. DUTY_CONFLICT OWN_LOAN.
func (s *Service) BorrowingReturn(ctx context.Context, session *tenancy.Session, in BorrowingReturn, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	same, err := s.compared(ctx, session, in.BorrowingTarget)
	if err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingReturn, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		by := Return
		if stillOut(before) { // revoked with the account of its borrower: the right is over, the originals are not back
			by = TakeBack
		}
		if _, err := Next(State(before.State), by); err != nil {
			return act.Result{}, err
		}
		if err := notToHimself(w, before); err != nil {
			return act.Result{}, err
		}
		conditions, err := conditionsOf(w, before, in.Items)
		if err != nil {
			return act.Result{}, err
		}
		return s.back(ctx, w, before, by, in.Note, func(o Original, item *entdb.BorrowingItem) (condition, kind string, err error) {
			switch condition = conditions[o.ID]; condition {
			case Missing:
				return condition, Lost, nil
			case Damaged:
				return condition, Damaged, nil
			}
			switch same, known := same[item.OriginalVersionID]; {
			case !known: // the loan was another one when its files were compared
				return "", "", fault.Stale(before.Version).At("input.expectedVersion")
			case !same:
				kind = HashMismatch
			}
			return condition, kind, nil
		})
	})
}

// stillOut tells whether a revoked loan was handed out and nobody has checked what came back.
func stillOut(b Borrowing) bool {
	return State(b.State) == RevokedLoan && slices.ContainsFunc(b.items, func(i *entdb.BorrowingItem) bool { return i.ValidFrom != nil && i.Condition == nil })
}

// conditionsOf makes sure that every original of the loan, and nothing else, is listed once.
func conditionsOf(w *act.Work, b Borrowing, items []ReturnedItem) (map[uuid.UUID]string, error) {
	of := map[uuid.UUID]bool{}
	for _, item := range b.items {
		of[item.OriginalID] = true
	}
	out := map[uuid.UUID]string{}
	var refused fault.List
	for i, item := range items {
		if !of[item.OriginalID] { // not told from one that does not exist
			return nil, w.Absent(typeOriginal, item.OriginalID)
		}
		if _, twice := out[item.OriginalID]; twice {
			refused = append(refused, fault.Invalid(fmt.Sprintf("input.items.%d.originalId", i), "TWICE", text("同一份资料只能列一次", "an original is listed once"), fault.Text{}))
		}
		out[item.OriginalID] = item.Condition
	}
	if len(out) != len(of) {
		refused = append(refused, fault.Invalid("input.items", "ITEMS", text("须逐一登记本次借阅的全部资料", "every original of the loan is listed"), fault.Text{}))
	}
	return out, refused.Err()
}

// BorrowingReportLost says that the borrower no longer has the originals: the right ends, they are missing.
func (s *Service) BorrowingReportLost(ctx context.Context, session *tenancy.Session, in BorrowingReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingReportLost, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(before.State), Lose); err != nil {
			return act.Result{}, err
		}
		return s.back(ctx, w, before, Lose, &in.Reason, func(Original, *entdb.BorrowingItem) (string, string, error) { return Missing, Lost, nil })
	})
}

// BorrowingRevoke takes a loan back before its end: the right ends now, and the originals are filed again.
func (s *Service) BorrowingRevoke(ctx context.Context, session *tenancy.Session, in BorrowingReason, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingRevoke, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		if State(before.State) == Approved {
			return s.end(ctx, w, before, Revoke, in.Reason)
		}
		if _, err := Next(State(before.State), Revoke); err != nil {
			return act.Result{}, err
		}
		return s.back(ctx, w, before, Revoke, &in.Reason, func(Original, *entdb.BorrowingItem) (string, string, error) { return Intact, "", nil })
	})
}

// back ends a loan that is out. judge says in which condition each original is, and of which kind its incident is, if any.
func (s *Service) back(ctx context.Context, w *act.Work, before Borrowing, by Trigger, note *string,
	judge func(o Original, item *entdb.BorrowingItem) (condition, kind string, err error),
) (act.Result, error) {
	to, err := Next(State(before.State), by)
	if err != nil {
		return act.Result{}, err
	}
	originals, err := lockOriginals(ctx, w, before.about, before.originals(), forChange)
	if err != nil {
		return act.Result{}, err
	}
	changes := []act.Change{{Field: "state", Old: before.State, New: string(to)}}
	for i, o := range originals {
		condition, kind, err := judge(o, before.items[i])
		if err != nil {
			return act.Result{}, err
		}
		state := filed
		if kind == Lost {
			state = missing
		}
		if _, err := updateOriginal(ctx, w, o, func(n *entdb.Original) { n.State = state }); err != nil {
			return act.Result{}, err
		}
		_, err = w.Exec(ctx, `UPDATE borrowing_items SET ended_at = COALESCE(ended_at, $3), condition = $4, version = version + 1, updated_at = $3, updated_by = $5
			WHERE tenant_id = $1 AND id = $2`, w.Tenant(), before.items[i].ID, w.Now(), condition, w.Staff())
		if err != nil {
			return act.Result{}, wrap("end item", err)
		}
		if kind != "" {
			if _, err := incident(ctx, w, o, &before.ID, kind, incidentNote(kind, note)); err != nil {
				return act.Result{}, err
			}
			changes = append(changes, act.Change{Field: "incident", New: o.Title + " " + kind})
		}
	}
	now := w.Now()
	if late(before, now) {
		n, err := overdue(ctx, w, before)
		if err != nil {
			return act.Result{}, err
		}
		if n > 0 {
			changes = append(changes, act.Change{Field: "overdue", New: n})
		}
	}
	after, err := updateBorrowing(ctx, w, before, func(b *entdb.Borrowing) {
		if b.State, b.ConditionNote = string(to), note; b.EndedAt == nil {
			b.EndedAt = &now
		}
	})
	if err != nil {
		return act.Result{}, err
	}
	if note != nil {
		changes = append(changes, act.Change{Field: "note", New: *note})
	}
	return borrowingResult(after, changes), nil
}

func incidentNote(kind string, note *string) string {
	if note != nil {
		return *note
	}
	return map[string]string{Lost: "归还时缺失", Damaged: "归还时损坏", HashMismatch: "归还时文件与归档内容不一致"}[kind]
}
