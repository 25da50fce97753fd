package custody

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// oneHolder is the index by which an original has one holder at a time.
const oneHolder = "borrowing_items_one_holder"

// BorrowingHandOut hands the originals out: from now until the due date the borrower may read just these. CONFLICT ORIGINAL_LENT: somebody
// holds one of them. INVALID_STATE: NOT_APPROVED, CONTENT_CHANGED (another version is filed than was asked for), DUE_PASSED,
// BORROWER_INACTIVE, ORIGINAL_STATE. DUTY_CONFLICT OWN_LOAN: nobody lends to himself.
func (s *Service) BorrowingHandOut(ctx context.Context, session *tenancy.Session, in BorrowingHandOut, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingHandOut, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		to, err := Next(State(before.State), HandOut)
		if err != nil {
			return act.Result{}, err
		}
		if err := notToHimself(w, before); err != nil {
			return act.Result{}, err
		}
		now := w.Now()
		if !before.DueAt.After(now) {
			return act.Result{}, cite(fault.State("DUE_PASSED", text("借阅期限已过", "the due date has passed"), text("请重新申请借阅", "ask again with a later date")), clauseBorrowing)
		}
		// SECURITY: approval is of a content; what is handed out must be it.
		approved, err := s.chain.Approved(ctx, w, before.waiting())
		if err != nil {
			return act.Result{}, err
		}
		if !approved {
			return act.Result{}, cite(fault.State("NOT_APPROVED", text("审批内容与借阅不一致", "what was approved is not what would be handed out"), text("请重新申请借阅", "ask again")), clauseBorrowing)
		}
		if err := activeBorrower(ctx, w, before.BorrowerStaffID); err != nil {
			return act.Result{}, err
		}
		if err := s.lend(ctx, w, before); err != nil {
			return act.Result{}, err
		}
		after, err := updateBorrowing(ctx, w, before, func(b *entdb.Borrowing) { b.State, b.OutAt = string(to), &now })
		if err != nil {
			return act.Result{}, err
		}
		return borrowingResult(after, []act.Change{{Field: "state", Old: before.State, New: after.State}, {Field: "outAt", New: now}, {Field: "dueAt", New: after.DueAt}}), nil
	})
}

// notToHimself: SECURITY: whatever roles somebody has, he neither lends to himself nor checks his own return.
func notToHimself(w *act.Work, b Borrowing) error {
	if !is(w, b.BorrowerStaffID) {
		return nil
	}
	return fault.Duty("OWN_LOAN", text("不能办理本人的借阅", "nobody lends to himself, nor checks what he brings back"), clauseBorrowing, text("请由另一名保管员办理", "ask another custodian"))
}

// activeBorrower refuses to hand out to somebody who could not read it or is about to leave.
func activeBorrower(ctx context.Context, w *act.Work, staff uuid.UUID) error {
	var active bool
	err := w.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM staff s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.staff_id = s.id
		WHERE s.tenant_id = $1 AND s.id = $2 AND s.state NOT IN ('leaving', 'left') AND a.state = 'active')`, w.Tenant(), staff).Scan(&active)
	if err != nil {
		return wrap("borrower", err)
	}
	if !active {
		return cite(fault.State("BORROWER_INACTIVE", text("借阅人账号已停用或正在离职", "the borrower's account is suspended, or he is leaving"), text("请退回该借阅", "refuse or revoke the request")), clauseBorrowing)
	}
	return nil
}

// lend makes the items rights and the originals out.
func (s *Service) lend(ctx context.Context, w *act.Work, b Borrowing) error {
	originals, err := lockOriginals(ctx, w, b.about, b.originals(), forChange)
	if err != nil {
		return err
	}
	for i, o := range originals {
		if o.State == out {
			return lent(ctx, w, o)
		}
		if err := present(o, filed); err != nil {
			return err
		}
		v, err := versionOf(ctx, w, o.ID, o.VersionSeq)
		if err != nil {
			return err
		}
		if v == nil || v.ID != b.items[i].OriginalVersionID || !bytes.Equal(v.ContentHash, b.items[i].ContentHash) || o.FieldClass != b.items[i].FieldClass {
			return cite(fault.State("CONTENT_CHANGED", text("《"+o.Title+"》在申请后已有新版本", "another version of “"+o.Title+"” is filed than was asked for"),
				text("请重新申请借阅", "ask again")), clauseBorrowing)
		}
		if _, err := updateOriginal(ctx, w, o, func(n *entdb.Original) { n.State = out }); err != nil {
			return err
		}
	}
	_, err = w.Exec(ctx, `UPDATE borrowing_items SET valid_from = $3, valid_until = $4, version = version + 1, updated_at = $3, updated_by = $5
		WHERE tenant_id = $1 AND borrowing_id = $2 AND ended_at IS NULL`, w.Tenant(), b.ID, w.Now(), b.DueAt, w.Staff())
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == oneHolder { // the state of an original was not that of its items
		return lentOut(text("有资料已借出", "one of the originals is lent"))
	}
	return wrap("lend", err)
}

// lent is the conflict: who holds the original, and until when, is told to those who may see that loan.
func lent(ctx context.Context, w *act.Work, o Original) error {
	var name string
	var due time.Time
	row := o.about
	row.Kind, row.Stage, row.State = "", "", ""
	row.FieldClassSet = true
	var top int16
	err := w.QueryRow(ctx, `SELECT b.id, b.borrower_staff_id, b.top_class, b.due_at, s.name FROM borrowing_items i
		JOIN borrowings b ON b.tenant_id = i.tenant_id AND b.id = i.borrowing_id JOIN staff s ON s.tenant_id = b.tenant_id AND s.id = b.borrower_staff_id
		WHERE i.tenant_id = $1 AND i.original_id = $2 AND i.valid_from IS NOT NULL AND i.ended_at IS NULL`, w.Tenant(), o.ID).Scan(&row.ID, &row.Staff, &top, &due, &name)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return wrap("holder", err)
	}
	row.FieldClass = policy.Class(top)
	if err != nil || w.Rights == nil || !w.Rights.Decide(policy.OnBorrowing, policy.Read, &row).Allow {
		return lentOut(text("《"+o.Title+"》已借出", "“"+o.Title+"” is lent"))
	}
	day := due.UTC().Format(time.RFC3339)
	return lentOut(text("《"+o.Title+"》已由"+name+"借出，应于 "+day+" 前归还", "“"+o.Title+"” is lent to "+name+", due "+day))
}

func lentOut(message fault.Text) error {
	return cite(fault.Conflicts("", "ORIGINAL_LENT", message, text("请待归还后再出借", "wait until it is back")), clauseBorrowing)
}

// BorrowingRenew moves the due date, once, before it has passed, with the lender's consent: he does it when the borrower asks.
// INVALID_STATE: RENEWED_ALREADY, DUE_PASSED; INVALID_INPUT DUE_AT; DUTY_CONFLICT OWN_LOAN.
func (s *Service) BorrowingRenew(ctx context.Context, session *tenancy.Session, in BorrowingRenew, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingRenew, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := borrowingFor(ctx, w, in.BorrowingTarget)
		if err != nil {
			return act.Result{}, err
		}
		row := before.row()
		if err := w.RequireFor(before.subject(), policy.OnBorrowing, policy.BorrowingLend, &row); err != nil {
			return act.Result{}, err
		}
		if _, err := Next(State(before.State), Renew); err != nil {
			return act.Result{}, err
		}
		if err := notToHimself(w, before); err != nil {
			return act.Result{}, err
		}
		now, due := w.Now(), before.DueAt.Add(defaultLoan)
		if in.DueAt != nil {
			due = *in.DueAt
		}
		switch {
		case before.RenewedAt != nil:
			return act.Result{}, cite(fault.State("RENEWED_ALREADY", text("借阅只能续借一次", "a loan is renewed once"), text("请先归还再重新申请", "bring it back and ask again")), clauseBorrowing)
		case !before.DueAt.After(now):
			return act.Result{}, cite(fault.State("DUE_PASSED", text("借阅期限已过，不能续借", "the due date has passed"), text("请归还资料", "bring it back")), clauseBorrowing)
		case !due.After(before.DueAt), due.After(now.Add(longestLoan)):
			return act.Result{}, dueAt()
		}
		_, err = w.Exec(ctx, `UPDATE borrowing_items SET valid_until = $3, version = version + 1, updated_at = $4, updated_by = $5
			WHERE tenant_id = $1 AND borrowing_id = $2 AND ended_at IS NULL`, w.Tenant(), before.ID, due, now, w.Staff())
		if err != nil {
			return act.Result{}, wrap("renew items", err)
		}
		after, err := updateBorrowing(ctx, w, before, func(b *entdb.Borrowing) { b.DueAt, b.RenewedAt = due, &now })
		if err != nil {
			return act.Result{}, err
		}
		return borrowingResult(after, []act.Change{{Field: "dueAt", Old: before.DueAt, New: due}}), nil
	})
}
