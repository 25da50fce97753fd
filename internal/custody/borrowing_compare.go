package custody

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// compared hashes the files of a loan that is about to be taken back, before the act begins: no row is locked and no transaction open while
// bytes are read. It tells by version whether what is stored is what was filed; paper is compared by the custodian's eyes. Of what the act
// will refuse it gives nothing, and refuses nothing itself.
func (s *Service) compared(ctx context.Context, session *tenancy.Session, t BorrowingTarget) (map[uuid.UUID]bool, error) {
	found, err := s.lentFiles(ctx, session, t)
	if err != nil {
		if _, refused := fault.As(err); refused { // the act says so, and records it
			return nil, nil
		}
		return nil, err
	}
	same := make(map[uuid.UUID]bool, len(found))
	for _, v := range found {
		if v.File == nil {
			same[v.Version] = true
			continue
		}
		if s.files.Verify == nil {
			return nil, fault.Down("FILES_NOT_KEPT", nil)
		}
		if same[v.Version], err = s.files.Verify(ctx, session, *v.File); err != nil {
			return nil, err
		}
	}
	return same, nil
}

type lentVersion struct {
	Version uuid.UUID
	File    *uuid.UUID // nil: on paper
}

// lentFiles are the versions of a loan that the actor may take back as it stands.
//
// SECURITY: nobody else makes the store read bytes.
func (s *Service) lentFiles(ctx context.Context, session *tenancy.Session, t BorrowingTarget) (found []lentVersion, err error) {
	err = s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := s.access.For(ctx, tx)
		if err != nil {
			return err
		}
		w := &act.Work{Tx: tx, Rights: rights}
		b, err := loadBorrowing(ctx, w, t.BorrowingID)
		if err != nil {
			return err
		}
		row := b.row()
		if !rights.Decide(policy.OnBorrowing, policy.Read, &row).Allow || !rights.Decide(policy.OnBorrowing, policy.BorrowingLend, &row).Allow ||
			b.Version != t.ExpectedVersion || is(w, b.BorrowerStaffID) || State(b.State) != Out && !stillOut(b) {
			return nil
		}
		versions := make([]uuid.UUID, len(b.items))
		for i, item := range b.items {
			versions[i] = item.OriginalVersionID
		}
		rows, err := tx.Query(ctx, `SELECT id, file_id FROM original_versions WHERE tenant_id = $1 AND id = ANY($2)`, w.Tenant(), versions)
		if err != nil {
			return wrap("versions", err)
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[lentVersion])
		return wrap("versions", err)
	})
	return found, err
}
