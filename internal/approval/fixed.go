package approval

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// HeadFrom is the class from which a borrowing needs its second step (AC-09).
const HeadFrom policy.Class = 4

// Fixed is the chain that ships: AC-09 for borrowings, AC-10 for access requests.
type Fixed struct{}

// keys of the steps, in order.
func (Fixed) keys(s Subject) []Key {
	switch s.Type {
	case Borrowing:
		if s.Row.FieldClassSet && s.Row.FieldClass < HeadFrom {
			return []Key{Custodian}
		}
		return []Key{Custodian, DepartmentHead}
	case AccessRequest:
		return []Key{DepartmentHead, KeyAccountManager}
	}
	return nil
}

// clause is the article that a refusal cites.
func clause(t Type) string {
	if t == AccessRequest {
		return "F10"
	}
	return "G04"
}

// Start implements Chain. Steps name no assignee: whoever holds the act on the client decides, and at the click.
func (f Fixed) Start(ctx context.Context, w *act.Work, s Subject) error {
	keys := f.keys(s)
	if len(keys) == 0 || s.Requester == uuid.Nil || len(s.Hash) != 32 {
		return fmt.Errorf("approval: an incomplete subject of type %q", s.Type)
	}
	b := &pgx.Batch{}
	for i, key := range keys {
		state := "waiting"
		if i == 0 {
			state = "active"
		}
		b.Queue(`INSERT INTO approval_steps (tenant_id, id, subject_type, subject_id, client_id, seq, key, state, requester_staff_id, content_hash, created_at, created_by, updated_at, updated_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $12)`,
			w.Tenant(), w.IDs.New(), string(s.Type), s.ID, s.Client, i+1, string(key), state, s.Requester, s.Hash, w.Now(), w.Staff())
	}
	return wrap("start", w.SendBatch(ctx, b).Close())
}

// Decide implements Chain.
func (Fixed) Decide(ctx context.Context, w *act.Work, s Subject, key Key, v Verdict) (bool, error) {
	q, known := questionOf(s.Type, key)
	if !known {
		return false, fmt.Errorf("approval: no step %q of %q", key, s.Type)
	}
	if err := w.RequireFor(s.Subject, q.Object, q.Action, s.Row); err != nil {
		return false, err
	}
	decider := w.Session().Actor.Staff
	if decider == uuid.Nil {
		return false, fault.Forbidden("STAFF_ONLY", fault.Text{ZH: "只有员工可以审批", EN: "only a member of staff decides"}, clause(s.Type), fault.Text{})
	}
	// SECURITY: nobody decides what he asked for himself, nor two steps of one subject; constraints of the table are the last line.
	if decider == s.Requester {
		return false, fault.Duty("OWN_REQUEST", fault.Text{ZH: "不能审批本人的申请", EN: "nobody decides on a request of his own"}, clause(s.Type),
			fault.Text{ZH: "请由另一名有权人员审批", EN: "ask somebody else who may decide"})
	}
	steps, err := load(ctx, w, s.ID)
	if err != nil {
		return false, err
	}
	at := -1
	for i, st := range steps {
		switch {
		case st.decider != nil && *st.decider == decider:
			return false, fault.Duty("DECIDED_BEFORE", fault.Text{ZH: "同一人不能审批同一申请的两个步骤", EN: "nobody decides two steps of one request"}, clause(s.Type),
				fault.Text{ZH: "请由另一名有权人员审批本步骤", EN: "ask somebody else who may decide this step"})
		case st.state == "active":
			at = i
		}
	}
	if at < 0 || steps[at].key != key {
		return false, fault.State("STEP_NOT_ACTIVE", fault.Text{ZH: "当前不在此审批步骤", EN: "this step does not wait for a decision now"},
			fault.Text{ZH: "请刷新后查看当前步骤", EN: "read the request's present step"})
	}
	// SECURITY: a decision is about a content, not about a record.
	if !bytes.Equal(steps[at].hash, s.Hash) {
		return false, changed()
	}
	state := "refused"
	if v.Approve {
		state = "approved"
	}
	tag, err := w.Exec(ctx, `UPDATE approval_steps SET state = $4, decided_by = $5, decided_at = $6, comment = $7, content_hash = $8, version = version + 1, updated_at = $6, updated_by = $5
		WHERE tenant_id = $1 AND id = $2 AND version = $3 AND state = 'active'`, w.Tenant(), steps[at].id, steps[at].version, state, decider, w.Now(), v.Comment, s.Hash)
	if err != nil {
		return false, wrap("decide", err)
	}
	if tag.RowsAffected() != 1 {
		return false, fault.Stale(s.Version)
	}
	switch {
	case !v.Approve:
		return false, (Fixed{}).Void(ctx, w, s)
	case at+1 == len(steps):
		return true, nil
	}
	_, err = w.Exec(ctx, `UPDATE approval_steps SET state = 'active', version = version + 1, updated_at = $3, updated_by = $4 WHERE tenant_id = $1 AND id = $2`,
		w.Tenant(), steps[at+1].id, w.Now(), w.Staff())
	return false, wrap("next step", err)
}

func changed() error {
	return fault.State("CONTENT_CHANGED", fault.Text{ZH: "申请内容在审批后已变更", EN: "what was asked for has changed since it was approved"},
		fault.Text{ZH: "请重新提交申请", EN: "ask again"})
}

// Void implements Chain.
func (Fixed) Void(ctx context.Context, w *act.Work, s Subject) error {
	_, err := w.Exec(ctx, `UPDATE approval_steps SET state = 'void', version = version + 1, updated_at = $3, updated_by = $4
		WHERE tenant_id = $1 AND subject_id = $2 AND state IN ('waiting', 'active')`, w.Tenant(), s.ID, w.Now(), w.Staff())
	return wrap("void", err)
}

// Active implements Chain.
func (Fixed) Active(ctx context.Context, w *act.Work, s Subject) (Key, error) {
	var key Key
	err := w.QueryRow(ctx, `SELECT key FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 AND state = 'active'`, w.Tenant(), s.ID).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return key, wrap("active step", err)
}

// Approved implements Chain.
func (f Fixed) Approved(ctx context.Context, w *act.Work, s Subject) (bool, error) {
	steps, err := load(ctx, w, s.ID)
	if err != nil {
		return false, err
	}
	keys := f.keys(s)
	if len(steps) == 0 || len(steps) != len(keys) {
		return false, nil
	}
	for i, st := range steps {
		if st.state != "approved" || st.key != keys[i] || !bytes.Equal(st.hash, s.Hash) {
			return false, nil
		}
	}
	return true, nil
}

// step is a row as the chain works with it.
type step struct {
	id      uuid.UUID
	key     Key
	state   string
	decider *uuid.UUID
	hash    []byte
	version int64
}

func load(ctx context.Context, w *act.Work, subject uuid.UUID) ([]step, error) {
	rows, err := w.Query(ctx, `SELECT id, key, state, decided_by, content_hash, version FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq FOR NO KEY UPDATE`,
		w.Tenant(), subject)
	if err != nil {
		return nil, wrap("steps", err)
	}
	steps, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (step, error) {
		var s step
		err := r.Scan(&s.id, &s.key, &s.state, &s.decider, &s.hash, &s.version)
		return s, err
	})
	return steps, wrap("steps", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("approval: %s: %w", what, err)
}
