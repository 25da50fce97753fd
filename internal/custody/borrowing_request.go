package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// BorrowingRequest registers a loan that is asked for (G04): originals of one client that the actor sees in the register. It waits for
// the steps of the chain and gives nothing before it is handed out. INVALID_INPUT: OTHER_CLIENT, NOTHING_FILED, DUE_AT;
// INVALID_STATE ORIGINAL_STATE: missing or disposed of. One that is lent may be asked for.
func (s *Service) BorrowingRequest(ctx context.Context, session *tenancy.Session, in BorrowingRequest, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, borrowingRequest, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		_, about, err := archive.LoadRow(ctx, w, in.ClientID, archive.ForUse)
		if err != nil {
			return act.Result{}, err
		}
		if w.Rights == nil || !w.Rights.Decide(policy.OnClient, policy.Read, &about).Allow {
			return act.Result{}, w.Absent("Client", in.ClientID)
		}
		borrower, err := acting(w)
		if err != nil {
			return act.Result{}, err
		}
		b := Borrowing{Borrowing: &entdb.Borrowing{
			ID: w.IDs.New(), TenantID: w.Tenant(), ClientID: in.ClientID, BorrowerStaffID: borrower, Purpose: in.Purpose, State: string(Requested), DueAt: w.Now().Add(defaultLoan), Version: 1,
		}, about: about}
		if in.DueAt != nil {
			b.DueAt = *in.DueAt
		}
		if !b.DueAt.After(w.Now()) || b.DueAt.After(w.Now().Add(longestLoan)) {
			return act.Result{}, dueAt()
		}
		originals, err := wanted(ctx, w, in, about)
		if err != nil {
			return act.Result{}, err
		}
		for _, o := range originals {
			b.TopClass = max(b.TopClass, o.FieldClass)
		}
		if err := require(w, act.Subject{Type: typeBorrowing}, b.row(), policy.BorrowingRegister); err != nil {
			return act.Result{}, err
		}
		if err := insertBorrowing(ctx, w, &b, originals); err != nil {
			return act.Result{}, err
		}
		if err := s.chain.Start(ctx, w, b.waiting()); err != nil {
			return act.Result{}, err
		}
		return borrowingResult(b, []act.Change{{Field: "state", New: b.State}, {Field: "purpose", New: b.Purpose}, {Field: "dueAt", New: b.DueAt}, {Field: "items", New: len(b.items)}}), nil
	})
}

func dueAt() error {
	return cite(fault.Invalid("input.dueAt", "DUE_AT", text("归还期限须在现在之后、30 天之内", "the due date is later than now and within thirty days"), fault.Text{}), clauseBorrowing)
}

// wanted are the originals asked for, each of the client, to be seen, and with something filed.
func wanted(ctx context.Context, w *act.Work, in BorrowingRequest, about policy.Row) ([]Original, error) {
	originals, err := lockOriginals(ctx, w, about, in.OriginalIDs, forUse)
	if err != nil {
		return nil, err
	}
	var refused fault.List
	for i, o := range originals {
		at := fmt.Sprintf("input.originalIds.%d", i)
		row := o.row()
		row.Client = in.ClientID
		switch {
		// SECURITY: an original of another client is judged by that client's facts, which are not at hand: it looks absent.
		case o.ClientID != in.ClientID, !w.Rights.Decide(policy.OnOriginal, policy.Read, &row).Allow:
			return nil, w.Absent(typeOriginal, o.ID)
		case o.VersionSeq == 0:
			refused = append(refused, fault.Invalid(at, "NOTHING_FILED", text("该资料尚无归档版本", "nothing of the original is filed yet"), fault.Text{}))
		default:
			if err := present(o, filed, out); err != nil {
				return nil, err
			}
		}
	}
	return originals, refused.Err()
}

func insertBorrowing(ctx context.Context, w *act.Work, b *Borrowing, originals []Original) error {
	rows := &pgx.Batch{}
	rows.Queue(`INSERT INTO borrowings (tenant_id, id, client_id, borrower_staff_id, purpose, state, top_class, due_at, created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $10)`, w.Tenant(), b.ID, b.ClientID, b.BorrowerStaffID, b.Purpose, b.State, b.TopClass, b.DueAt, w.Now(), w.Staff())
	for _, o := range originals {
		v, err := versionOf(ctx, w, o.ID, o.VersionSeq)
		if err != nil {
			return err
		}
		if v == nil {
			return fmt.Errorf("custody: original %s has no version %d", o.ID, o.VersionSeq)
		}
		item := &entdb.BorrowingItem{
			ID: w.IDs.New(), BorrowingID: b.ID, OriginalID: o.ID, OriginalVersionID: v.ID, BorrowerStaffID: b.BorrowerStaffID, ClientID: b.ClientID,
			FieldClass: o.FieldClass, ContentHash: v.ContentHash, ValidUntil: b.DueAt, Version: 1,
		}
		b.items = append(b.items, item)
		rows.Queue(`INSERT INTO borrowing_items (tenant_id, id, borrowing_id, original_id, original_version_id, borrower_staff_id, client_id, field_class, content_hash, valid_until,
			created_at, created_by, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $12)`,
			w.Tenant(), item.ID, b.ID, o.ID, v.ID, b.BorrowerStaffID, b.ClientID, o.FieldClass, v.ContentHash, b.DueAt, w.Now(), w.Staff())
	}
	return wrap("insert borrowing", w.SendBatch(ctx, rows).Close())
}

// waiting is the borrowing as the chain knows it.
func (b Borrowing) waiting() approval.Subject {
	row := b.row()
	return approval.Subject{Subject: b.subject(), Type: approval.Borrowing, Client: b.ClientID, Requester: b.BorrowerStaffID, Hash: contentHash(b), Row: &row}
}

// contentHash is over what is approved: who borrows which content, and what for. The due date of a renewal is a decision of its own.
func contentHash(b Borrowing) []byte {
	parts := []string{"borrowing 1", b.ClientID.String(), b.BorrowerStaffID.String(), b.Purpose}
	lines := make([]string, len(b.items))
	for i, item := range b.items {
		lines[i] = item.OriginalID.String() + " " + item.OriginalVersionID.String() + " " + hex.EncodeToString(item.ContentHash)
	}
	return hashOf(append(parts, sorted(lines)...))
}

func hashOf(parts []string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(p), p)
	}
	return h.Sum(nil)
}

// is tells whether the actor is the person.
func is(w *act.Work, staff uuid.UUID) bool {
	return staff != uuid.Nil && w.Session().Actor.Staff == staff
}
