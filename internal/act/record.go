package act

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

const (
	insertAudit = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id,
		object_type, object_id, object_version, reason, clause, detail, request_id, occurred_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	storeOutcome = `UPDATE idempotency_keys SET outcome = $4 WHERE tenant_id = $1 AND account_id = $2 AND key = $3`
	// The dense number is taken by the last statement before COMMIT, so the row lock on the counter is held for one round
	// trip. Without a counter row the number is NULL, which the column refuses: the statement cannot silently do nothing.
	appendEvent = `WITH n AS (UPDATE tenant_counters SET event_seq = event_seq + 1 WHERE tenant_id = $1 RETURNING event_seq)
		INSERT INTO events (tenant_id, seq, id, type, subject_type, subject_id, subject_version, actor_kind, actor_id, occurred_at, snapshot, hash)
		VALUES ($1, (SELECT event_seq FROM n), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
)

// record queues audit record, outcome and event; they go out with COMMIT in one round trip.
func (r *Runner) record(w *Work, key string, result Result) error {
	s := w.Session()
	outcome, err := json.Marshal(result.Subject)
	if err != nil {
		return fmt.Errorf("act: %s: outcome: %w", w.spec.Name, err)
	}
	b := &w.later
	w.later.Queue(storeOutcome, w.Tenant(), s.Actor.Account, key, outcome)
	done := append(slices.Clone(result.Also), Done{w.spec, result})
	for _, d := range done {
		if err := r.audit(w, d); err != nil {
			return err
		}
	}
	for i, d := range done { // last: they hold the tenant's counter until COMMIT
		subject := outcome
		if i < len(result.Also) {
			if subject, err = json.Marshal(d.Result.Subject); err != nil {
				return fmt.Errorf("act: %s: envelope: %w", d.Spec.Name, err)
			}
		}
		if err := r.tell(w, d, subject); err != nil {
			return err
		}
	}
	n := b.Len()
	w.Last(b, func(br pgx.BatchResults) error {
		for range n {
			if _, err := br.Exec(); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

func (r *Runner) audit(w *Work, d Done) error {
	s, changes := w.Session(), d.Result.Changes
	if changes == nil {
		changes = []Change{}
	}
	detail, err := json.Marshal(map[string]any{"changes": changes})
	if err != nil {
		return fmt.Errorf("act: %s: audit detail: %w", d.Spec.Name, err)
	}
	kind := "change"
	if s.Actor.Kind == tenancy.OperatorActor {
		kind = "operator"
	}
	w.later.Queue(insertAudit, w.Tenant(), r.ids.New(), kind, d.Spec.Name, string(s.Actor.Kind), nullable(s.Actor.Account), s.Actor.Name, nullable(s.Actor.Credential),
		d.Result.Subject.Type, d.Result.Subject.ID, d.Result.Subject.Version, "", "", detail, s.RequestID, w.Now())
	return nil
}

// tell queues the event; subject is the act's subject as JSON.
func (r *Runner) tell(w *Work, d Done, subject []byte) error {
	e, err := newEvent(r.ids.New(), w, d, subject)
	if err != nil {
		return err
	}
	s := w.Session()
	w.later.Queue(appendEvent, w.Tenant(), e.id, d.Spec.Event, d.Result.Subject.Type, d.Result.Subject.ID, d.Result.Subject.Version,
		string(s.Actor.Kind), nullable(s.Actor.Account), w.Now(), e.snapshot, e.hash)
	return nil
}

type event struct {
	id       uuid.UUID
	snapshot []byte
	hash     []byte
}

// newEvent renders the envelope once: the same bytes at every door and redelivery, so its hash is made here.
func newEvent(eventID uuid.UUID, w *Work, d Done, subject []byte) (event, error) {
	body, err := appendSnapshot(make([]byte, 0, 1024), d.Result.Snapshot)
	if err != nil {
		return event{}, fmt.Errorf("act: %s: snapshot: %w", d.Spec.Name, err)
	}
	// Keys are sorted and what stands around them has its order here: the bytes are canonical. Names of events and
	// kinds of actors are plain letters.
	sealed := make([]byte, 0, len(body)+len(subject)+256)
	sealed = append(append(append(sealed, `{"id":"`...), eventID.String()...), `","type":"`...)
	sealed = append(append(append(sealed, d.Spec.Event...), `","subject":`...), subject...)
	sealed = w.Now().UTC().AppendFormat(append(sealed, `,"occurredAt":"`...), time.RFC3339Nano)
	sealed = append(append(append(sealed, `","actorKind":"`...), w.Session().Actor.Kind...), `","snapshot":`...)
	sealed = append(append(sealed, body...), '}')
	hash := sha256.Sum256(sealed)
	return event{id: eventID, snapshot: body, hash: hash[:]}, nil
}

// writeRefusal records a refusal in a transaction of its own.
func (r *Runner) writeRefusal(ctx context.Context, s *tenancy.Session, spec Spec, e *fault.Error, err error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	objectType, objectID := "", (*uuid.UUID)(nil)
	if subject, ok := subjectOf(err); ok {
		objectType, objectID = subject.Type, &subject.ID
	}
	return r.db.InTx(ctx, s, func(ctx context.Context, tx *tenancy.Tx) error {
		reason := e.Reason
		if reason == "" {
			reason = string(e.Code)
		}
		_, err := tx.Exec(ctx, insertAudit, s.Tenant.UUID(), r.ids.New(), "refusal", spec.Name, s.Actor.Kind, nullable(s.Actor.Account), s.Actor.Name,
			nullable(s.Actor.Credential), objectType, objectID, nil, reason, e.Clause, []byte("{}"), s.RequestID, tx.Now())
		return err
	})
}

func nullable(u uuid.UUID) *uuid.UUID {
	if u == uuid.Nil {
		return nil
	}
	return &u
}
