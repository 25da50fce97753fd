package custody

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// OriginalOpen gives a short-lived link to the bytes of a version. It is a mutation: it is recorded, it makes something that must not be
// cached, fetched ahead or repeated by a client on its own, and it asks for a key. Policy is asked again when the link is followed, by Click.
// Who may read because he borrowed it reads the version that was handed out. NOT_FOUND: no such version; FORBIDDEN; INVALID_STATE:
// NOTHING_FILED, KEPT_ON_PAPER, VERSION_NOT_LENT.
func (s *Service) OriginalOpen(ctx context.Context, session *tenancy.Session, in OriginalOpen, key string) (act.Result, *Link, error) {
	var link *Link
	result, err := s.runner.Run(ctx, session, originalOpen, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		o, err := loadOriginal(ctx, w, in.OriginalID, forUse)
		if err != nil {
			return act.Result{}, err
		}
		row := o.row()
		if err := w.Require(o.subject(), &row); err != nil {
			return act.Result{}, err
		}
		seq := o.VersionSeq
		if in.VersionSeq != nil {
			seq = *in.VersionSeq
		}
		v, err := versionOf(ctx, w, o.ID, seq)
		switch {
		case err != nil:
			return act.Result{}, err
		case v == nil && in.VersionSeq == nil:
			return act.Result{}, fault.State("NOTHING_FILED", text("该资料尚无归档版本", "nothing of the original is filed yet"), fault.Text{})
		case v == nil:
			return act.Result{}, fault.NotFound("OriginalVersion").At("input.versionSeq")
		case v.FileID == nil:
			return act.Result{}, fault.State("KEPT_ON_PAPER", text("该版本为纸质资料，没有文件", "the version is on paper; there is no file"), text("请到保管处查阅", "look at it where it is kept"))
		}
		loan, err := readable(ctx, w.Tx, w.Rights, o, v)
		if err != nil {
			return act.Result{}, err
		}
		if s.files.Link == nil {
			return act.Result{}, fault.Down("FILES_NOT_KEPT", nil)
		}
		purpose := ""
		if loan != uuid.Nil {
			purpose = id.Encode(id.Borrowing, loan)
		}
		l, err := s.files.Link(ctx, w.Tx, *v.FileID, purpose)
		if err != nil {
			return act.Result{}, err
		}
		link = &l
		return originalResult(o, []act.Change{{Field: "versionSeq", New: seq}, {Field: "borrowing", New: purpose}}), nil
	})
	if err != nil || result.Replayed {
		return result, nil, err
	}
	return result, link, nil
}

// readable asks policy for the content and gives the loan that opens it, if it is a loan that does.
//
// SECURITY: a loan opens the version that was handed out, and nothing else of the original.
func readable(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, o Original, v *entdb.OriginalVersion) (uuid.UUID, error) {
	row := o.row()
	row.Borrowed = false
	d := rights.Decide(policy.OriginalContent, policy.Reveal, &row)
	if d.Allow { // by a role, whoever holds it
		return uuid.Nil, nil
	}
	if row.Borrowed = o.borrowed; !rights.Decide(policy.OriginalContent, policy.Reveal, &row).Allow {
		return uuid.Nil, fault.Forbidden(string(d.Reason), fault.Text(d.Reason.Label()), clauseBorrowing, text("请申请借阅该资料", "ask to borrow the original"))
	}
	var loan uuid.UUID
	err := tx.QueryRow(ctx, `SELECT borrowing_id FROM borrowing_items WHERE tenant_id = $1 AND original_id = $2 AND borrower_staff_id = $3 AND original_version_id = $4
		AND valid_from <= $5 AND valid_until > $5 AND ended_at IS NULL`, tx.Session().Tenant.UUID(), o.ID, tx.Session().Actor.Staff, v.ID, tx.Now()).Scan(&loan)
	if errors.Is(err, pgx.ErrNoRows) {
		return loan, cite(fault.State("VERSION_NOT_LENT", text("借出的不是该版本", "another version was handed out"), text("请打开借出的版本", "open the version that was handed out")), clauseBorrowing)
	}
	return loan, wrap("loan", err)
}
