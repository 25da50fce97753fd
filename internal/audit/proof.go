package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// Proof shows that one record is in the signed trail without showing any other record; it is handed out as JSON.
type Proof struct {
	Format     string `json:"format"` // ProofFormat
	Number     int64  `json:"number"`
	Previous   Hash   `json:"previousSeal"` // seal of the record before; it tells nothing of that record
	Record     Record `json:"record"`
	Hashes     []Hash `json:"hashes"` // audit path of RFC 6962
	Checkpoint string `json:"checkpoint"`
}

// ProofFormat names the proof's form.
const ProofFormat = "clientele-audit-proof-1"

const (
	sealAndPrevious = `SELECT r.seal_seq, (SELECT p.seal_hash FROM audit_records p WHERE p.tenant_id = $1 AND p.seal_seq = r.seal_seq - 1)
		FROM audit_records r WHERE r.tenant_id = $1 AND r.id = $2`
	covering = `SELECT tree_size, note FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size >= $2 ORDER BY tree_size LIMIT 1`
)

// Prove makes the proof of a record against the oldest checkpoint that covers it. Errors: NOT_FOUND; INVALID_STATE with
// reason NOT_YET_SIGNED in the first minute of a record.
func Prove(ctx context.Context, db *tenancy.DB, s *tenancy.Session, record uuid.UUID) (Proof, error) {
	proof := Proof{Format: ProofFormat, Hashes: []Hash{}}
	tenant := s.Tenant.UUID()
	err := db.InTx(ctx, s, func(ctx context.Context, tx *tenancy.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM audit_records WHERE tenant_id = $1 AND id = $2`, tenant, record)
		if err != nil {
			return err
		}
		proof.Record, err = pgx.CollectExactlyOneRow(rows, scanRecord)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound("AuditRecord")
		}
		if err != nil {
			return err
		}
		var number *int64
		var previous []byte
		if err := tx.QueryRow(ctx, sealAndPrevious, tenant, record).Scan(&number, &previous); err != nil {
			return err
		}
		var size int64
		if number != nil {
			err = tx.QueryRow(ctx, covering, tenant, *number).Scan(&size, &proof.Checkpoint)
		}
		if number == nil || errors.Is(err, pgx.ErrNoRows) {
			return fault.State("NOT_YET_SIGNED", fault.Text{ZH: "该记录尚未被签名的检查点覆盖", EN: "no signed checkpoint covers the record yet"},
				fault.Text{ZH: "检查点每分钟签署一次，请稍后再试", EN: "a checkpoint is signed each minute, try again later"})
		}
		if err != nil {
			return err
		}
		proof.Number = *number
		copy(proof.Previous[:], previous)
		path, err := tlog.ProveRecord(size, proof.Number-1, tlog.HashReaderFunc(func(positions []int64) ([]Hash, error) {
			return readHashes(ctx, tx, tenant, positions)
		}))
		if path != nil {
			proof.Hashes = path
		}
		return err
	})
	if err != nil {
		return Proof{}, fmt.Errorf("audit: prove record %s: %w", record, err)
	}
	return proof, nil
}

// Check verifies a proof without a database and answers the checkpoint that it holds against. The tenant is the one the
// asker expects, not the one the proof names.
func (p *Proof) Check(tenant uuid.UUID, keys note.Verifiers) (Checkpoint, error) {
	if p.Format != ProofFormat {
		return Checkpoint{}, fmt.Errorf("audit: proof: its form is %q, not %s", p.Format, ProofFormat)
	}
	c, err := OpenCheckpoint(p.Checkpoint, tenant, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("audit: proof: %w", err)
	}
	if p.Number < 1 || p.Number > c.Size || p.Record.Tenant != tenant {
		return Checkpoint{}, errors.New("audit: proof: the record is of another tenant or above the checkpoint")
	}
	var h hasher
	seal, err := h.seal(p.Previous, p.Number, &p.Record)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("audit: proof: %w", err)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Number-1, leaf(seal)); err != nil {
		return Checkpoint{}, errors.New("audit: proof: the record is not in the signed trail as it stands here")
	}
	return c, nil
}

// ParseProof reads the JSON form.
func ParseProof(text []byte) (Proof, error) {
	var p Proof
	if err := unmarshal(text, &p); err != nil {
		return Proof{}, fmt.Errorf("audit: proof: %w", err)
	}
	return p, nil
}
