package file

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

const (
	insertFile = `INSERT INTO files (tenant_id, id, original_id, name, media_type, size, sha256, state, ticket_hash, ticket_until, created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'awaiting', $8, $9, $10, $11, $10, $11)`
	selectFile = `SELECT id, original_id, name, media_type, size, sha256, state, COALESCE(scan_note, ''), received_at, scanned_at, version,
		ticket_hash, ticket_until, scan_attempts FROM files WHERE tenant_id = $1 AND id = $2`
	lockFile = selectFile + ` FOR UPDATE`
	// A ticket is spent with the state: its hash goes.
	receiveFile = `UPDATE files SET state = 'quarantined', received_at = $3, ticket_hash = NULL, scan_after = $3, version = version + 1, updated_at = $3, updated_by = $4
		WHERE tenant_id = $1 AND id = $2 AND state = 'awaiting'`
	judgeFile = `UPDATE files SET state = $3, scanned_at = $4, scan_note = NULLIF($5, ''), scan_after = NULL, version = version + 1, updated_at = $4, updated_by = NULL
		WHERE tenant_id = $1 AND id = $2 AND state = 'quarantined'`
	removeFile = `UPDATE files SET state = 'gone', ticket_hash = NULL, scan_after = NULL, version = version + 1, updated_at = $3, updated_by = $4
		WHERE tenant_id = $1 AND id = $2 AND state <> 'gone'`
)

func insert(ctx context.Context, w *act.Work, f *File, ticket []byte) error {
	var original *uuid.UUID
	if f.Original != uuid.Nil {
		original = &f.Original
	}
	if _, err := w.Exec(ctx, insertFile, w.Tenant(), f.ID, original, f.Name, f.MediaType, f.Size, f.SHA256[:], ticket, f.Until, w.Now(), w.Staff()); err != nil {
		return fmt.Errorf("file: new row: %w", err)
	}
	return nil
}

// row is a File with what no caller sees.
type row struct {
	File
	ticket   []byte
	attempts int
}

// load reads a row; query is selectFile or lockFile. What is not there is NOT_FOUND.
func load(ctx context.Context, tx *tenancy.Tx, query string, file uuid.UUID) (row, error) {
	r := row{File: File{Tenant: tx.Session().Tenant}}
	var original *uuid.UUID
	var hash []byte
	var received, scanned, until *time.Time
	err := tx.QueryRow(ctx, query, r.Tenant.UUID(), file).Scan(&r.ID, &original, &r.Name, &r.MediaType, &r.Size, &hash, &r.State, &r.Note,
		&received, &scanned, &r.Version, &r.ticket, &until, &r.attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, fault.NotFound("File")
	}
	if err != nil {
		return r, fmt.Errorf("file: read row: %w", err)
	}
	copy(r.SHA256[:], hash)
	if original != nil {
		r.Original = *original
	}
	for to, from := range map[*time.Time]*time.Time{&r.Received: received, &r.Scanned: scanned, &r.Until: until} {
		if from != nil {
			*to = *from
		}
	}
	return r, nil
}

// Load reads a file in the caller's transaction. Errors: NOT_FOUND.
func (s *Service) Load(ctx context.Context, tx *tenancy.Tx, file uuid.UUID) (File, error) {
	r, err := load(ctx, tx, selectFile, file)
	return r.File, err
}

// Attach binds a file that belongs to nothing yet to an original, in the caller's act. Errors: NOT_FOUND, INVALID_STATE
// (FILE_ATTACHED: it belongs to something).
func (s *Service) Attach(ctx context.Context, w *act.Work, file, original uuid.UUID) error {
	r, err := load(ctx, w.Tx, lockFile, file)
	if err != nil {
		return err
	}
	if r.Original != uuid.Nil && r.Original != original {
		return fault.State("FILE_ATTACHED", fault.Text{ZH: "该文件已属于另一份资料", EN: "the file belongs to something else"}, fault.Text{ZH: "请重新上传", EN: "upload it again"})
	}
	_, err = w.Exec(ctx, `UPDATE files SET original_id = $3, version = version + 1, updated_at = $4, updated_by = $5 WHERE tenant_id = $1 AND id = $2`,
		w.Tenant(), file, original, w.Now(), w.Staff())
	return err
}
