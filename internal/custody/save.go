package custody

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func scanAll[T any](rows pgx.Rows) ([]T, error) {
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// updateOriginal writes the changed columns at the next version.
func updateOriginal(ctx context.Context, w *act.Work, before Original, change func(*entdb.Original)) (Original, error) {
	row := *before.Original
	after := before
	after.Original = &row
	change(&row)
	row.Version++
	row.UpdatedAt, row.UpdatedBy = w.Now(), w.Staff()
	tag, err := w.Exec(ctx, `UPDATE originals SET custodian_staff_id = $4, location = $5, state = $6, version_seq = $7, version = version + 1, updated_at = $8, updated_by = $9
		WHERE tenant_id = $1 AND id = $2 AND version = $3`, w.Tenant(), row.ID, before.Version, row.CustodianStaffID, row.Location, row.State, row.VersionSeq, w.Now(), w.Staff())
	if err != nil {
		return after, wrap("update original", err)
	}
	if tag.RowsAffected() != 1 {
		return after, fault.Stale(before.Version)
	}
	return after, nil
}

// updateBorrowing writes the changed columns at the next version.
func updateBorrowing(ctx context.Context, w *act.Work, before Borrowing, change func(*entdb.Borrowing)) (Borrowing, error) {
	row := *before.Borrowing
	after := before
	after.Borrowing = &row
	change(&row)
	row.Version++
	row.UpdatedAt, row.UpdatedBy = w.Now(), w.Staff()
	tag, err := w.Exec(ctx, `UPDATE borrowings SET state = $4, due_at = $5, out_at = $6, ended_at = $7, renewed_at = $8, condition_note = $9, version = version + 1, updated_at = $10, updated_by = $11
		WHERE tenant_id = $1 AND id = $2 AND version = $3`, w.Tenant(), row.ID, before.Version, row.State, row.DueAt, row.OutAt, row.EndedAt, row.RenewedAt, row.ConditionNote, w.Now(), w.Staff())
	if err != nil {
		return after, wrap("update borrowing", err)
	}
	if tag.RowsAffected() != 1 {
		return after, fault.Stale(before.Version)
	}
	return after, nil
}

// endItems ends the rights of a borrowing, or what would have become rights.
func endItems(ctx context.Context, w *act.Work, borrowing uuid.UUID) error {
	_, err := w.Exec(ctx, `UPDATE borrowing_items SET ended_at = $3, version = version + 1, updated_at = $3, updated_by = $4
		WHERE tenant_id = $1 AND borrowing_id = $2 AND ended_at IS NULL`, w.Tenant(), borrowing, w.Now(), w.Staff())
	return wrap("end items", err)
}

// incident is written beside what an act does to an original.
func incident(ctx context.Context, w *act.Work, o Original, borrowing *uuid.UUID, kind, note string) (uuid.UUID, error) {
	u := w.IDs.New()
	_, err := w.Exec(ctx, `INSERT INTO custody_incidents (tenant_id, id, original_id, client_id, borrowing_id, kind, note, reported_by, created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9, $8)`, w.Tenant(), u, o.ID, o.ClientID, borrowing, kind, note, w.Staff(), w.Now())
	return u, wrap("incident", err)
}

func originalResult(o Original, changes []act.Change) act.Result {
	return act.Result{
		Subject: o.subject(), Changes: changes,
		Snapshot: map[policy.Object]map[string]any{policy.OriginalRegister: {
			"id": id.Encode(id.Original, o.ID), "client": id.Encode(id.Client, o.ClientID), "kind": o.Kind, "title": o.Title, "fieldClass": o.FieldClass,
			"custodian": id.Encode(id.Staff, o.CustodianStaffID), "location": o.Location, "provenance": o.Provenance, "state": enum(o.State), "versionSeq": o.VersionSeq,
		}},
	}
}

func borrowingResult(b Borrowing, changes []act.Change) act.Result {
	originals := make([]string, len(b.items))
	for i, item := range b.items {
		originals[i] = id.Encode(id.Original, item.OriginalID)
	}
	return act.Result{
		Subject: b.subject(), Changes: changes,
		Snapshot: map[policy.Object]map[string]any{policy.BorrowingRegister: {
			"id": id.Encode(id.Borrowing, b.ID), "client": id.Encode(id.Client, b.ClientID), "borrower": id.Encode(id.Staff, b.BorrowerStaffID), "purpose": b.Purpose,
			"state": enum(b.State), "topClass": b.TopClass, "dueAt": b.DueAt.UTC(), "outAt": instant(b.OutAt), "endedAt": instant(b.EndedAt), "renewedAt": instant(b.RenewedAt),
			"originals": originals, "contentHash": hex.EncodeToString(contentHash(b)),
		}},
	}
}

func instant(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC()
}
