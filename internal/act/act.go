// Package act owns the frame of every change: idempotency key, decision, audit record, outcome and event in one
// transaction. It does not own any rule of what may change into what: the services give that as a function.
package act

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Spec names one business act. Specs are package variables of the services, and a test walks them.
type Spec struct {
	Name   string        // "client.open": in the audit trail and with the idempotency key
	Object policy.Object // entity or group that Action is asked on
	Action policy.Action
	Event  string // "client.opened.v1"
	// Sensitive acts change rights: they hold the tenant's epochs, so that no other change of rights commits between their
	// decision and their effect.
	Sensitive bool
	// ChangesRights: policy, roles, bindings, grants, companies, departments or employments are other ones afterwards. The
	// tenant's assertions about its policy then run before the commit, and an act that breaks one fails.
	ChangesRights bool
}

// Subject is the object that an act made or changed.
type Subject struct {
	Type    string    `json:"type"` // GraphQL type
	ID      uuid.UUID `json:"id"`
	Version int64     `json:"version"`
}

// Change is one changed field for the audit trail. Old and New are what a person would read; secrets never stand here.
type Change struct {
	Field string `json:"field"`
	Old   any    `json:"old,omitempty"`
	New   any    `json:"new,omitempty"`
}

// Result is what an act did.
type Result struct {
	Subject Subject
	// Snapshot is the subject as it is after the act, by field group: {"client#list": {"name": …}}. Receivers of the event
	// get the groups that they have a right to.
	Snapshot map[policy.Object]map[string]any
	Changes  []Change
	// Also are other acts that this one carried out in its transaction, each with the audit record and the event that it
	// has when it is done alone. They come first.
	Also []Done
	// Replayed: the act happened earlier under the same idempotency key; nothing was done now.
	Replayed bool
}

// Done is an act that another one carried out.
type Done struct {
	Spec   Spec
	Result Result
}

// Runner runs acts.
type Runner struct {
	db     *tenancy.DB
	access *access.Provider
	ids    *id.Source
	log    *slog.Logger
	tracer trace.Tracer
	hint   func(tenancy.TenantID) // nil: nobody is told
}

// NewRunner makes a runner. It makes no spans; see Traced.
func NewRunner(db *tenancy.DB, acc *access.Provider, ids *id.Source, log *slog.Logger) *Runner {
	return &Runner{db: db, access: acc, ids: ids, log: log, tracer: noop.NewTracerProvider().Tracer("")}
}

// Traced is the same runner with a span around every act.
func (r *Runner) Traced(tracer trace.Tracer) *Runner {
	traced := *r
	traced.tracer = tracer
	return &traced
}

// Hinting is the same runner that calls hint after every act that may have changed rights has committed. hint must not wait.
func (r *Runner) Hinting(hint func(tenant tenancy.TenantID)) *Runner {
	hinting := *r
	hinting.hint = hint
	return &hinting
}

// Work is what an act works with: the transaction, the actor's rights at its epochs, and new ids.
type Work struct {
	*tenancy.Tx
	Rights *policy.Rights // nil for the operator and system actors, who decide nothing by policy
	IDs    *id.Source
	spec   Spec
	later  pgx.Batch
}

// Later is for rows that nothing reads again before the act is over, and whose writing cannot be refused: the statement
// goes out with COMMIT, before audit record, outcome and event, and takes no round trip of its own.
func (w *Work) Later(sql string, args ...any) { w.later.Queue(sql, args...) }

// Tenant is the tenant's id, for predicates and new rows.
func (w *Work) Tenant() uuid.UUID { return w.Session().Tenant.UUID() }

// Staff is the acting staff member, for created_by and updated_by; nil for apps, operator and system.
func (w *Work) Staff() *uuid.UUID {
	if staff := w.Session().Actor.Staff; staff != uuid.Nil {
		return &staff
	}
	return nil
}

// Run carries out one act: it claims the key, calls fn, and writes audit record, outcome and event with the commit. A key
// that was used before returns the stored outcome when act and input are the same (Replayed), and IDEMPOTENCY_MISMATCH
// when they are not. Refusals (FORBIDDEN, NOT_FOUND, DUTY_CONFLICT) are recorded in a transaction of their own; nothing
// else of a failed act remains. input is what the key is bound to; secrets in it must carry `json:"-"` or be hashed.
func (r *Runner) Run(ctx context.Context, s *tenancy.Session, spec Spec, key string, input any, fn func(ctx context.Context, w *Work) (Result, error)) (Result, error) {
	return r.traced(ctx, s, spec, func(ctx context.Context) (Result, error) {
		return r.run(ctx, s, spec, key, input, nil, nothingAhead, fn)
	})
}

// Ahead is what an act reads, and locks, in the round trip that begins its transaction. Its statements run after the key was
// claimed and before it is known whether the actor may do anything: Read only keeps what they bring for fn to decide on.
type Ahead struct {
	Queue func(b *pgx.Batch)
	Read  func(br pgx.BatchResults) error
}

var nothingAhead = Ahead{func(*pgx.Batch) {}, func(pgx.BatchResults) error { return nil }}

// RunAhead is Run for an act that knows what it will read before it begins.
func (r *Runner) RunAhead(ctx context.Context, s *tenancy.Session, spec Spec, key string, input any, ahead Ahead, fn func(ctx context.Context, w *Work) (Result, error)) (Result, error) {
	return r.traced(ctx, s, spec, func(ctx context.Context) (Result, error) {
		return r.run(ctx, s, spec, key, input, nil, ahead, fn)
	})
}

// Found is Run for the one act that makes the tenant: found inserts the tenant's own rows, without which no key, audit
// record or event can stand, and then the act goes its way in the same transaction.
func (r *Runner) Found(ctx context.Context, s *tenancy.Session, spec Spec, key string, input any, found func(ctx context.Context, tx *tenancy.Tx) error, fn func(ctx context.Context, w *Work) (Result, error)) (Result, error) {
	return r.traced(ctx, s, spec, func(ctx context.Context) (Result, error) {
		return r.run(ctx, s, spec, key, input, found, nothingAhead, fn)
	})
}

func (r *Runner) run(ctx context.Context, s *tenancy.Session, spec Spec, key string, input any, found func(ctx context.Context, tx *tenancy.Tx) error, ahead Ahead, fn func(ctx context.Context, w *Work) (Result, error)) (Result, error) {
	if err := checkKey(key); err != nil {
		return Result{}, err
	}
	hash, err := hashInput(spec, input)
	if err != nil {
		return Result{}, err
	}
	var result Result
	c, h := &claim{spec: spec, key: key, hash: hash}, &hold{}
	b := &pgx.Batch{}
	c.queue(b, s)
	if spec.Sensitive {
		h.queue(b, s)
	}
	ahead.Queue(b)
	begun := func(br pgx.BatchResults) error {
		if err := c.read(br); err != nil {
			return err
		}
		if spec.Sensitive {
			if err := h.read(br); err != nil {
				return err
			}
		}
		return ahead.Read(br)
	}
	first, read := b, begun
	if found != nil { // no key stands before the tenant does
		first, read = &pgx.Batch{}, func(pgx.BatchResults) error { return nil }
	}
	err = r.db.InTxWith(ctx, s, first, read, func(ctx context.Context, tx *tenancy.Tx) error {
		if found != nil {
			if err := found(ctx, tx); err != nil {
				return err
			}
			br := tx.SendBatch(ctx, b)
			err := begun(br)
			if e := br.Close(); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
		}
		stored, err := c.stored(ctx, tx)
		if err != nil {
			return err
		}
		if stored != nil {
			result = Result{Subject: *stored, Replayed: true}
			return nil
		}
		w := &Work{Tx: tx, IDs: r.ids, spec: spec}
		if spec.Sensitive {
			if err := h.take(ctx, tx); err != nil {
				return err
			}
		}
		if kind := s.Actor.Kind; kind == tenancy.StaffActor || kind == tenancy.AppActor {
			if w.Rights, err = r.access.For(ctx, tx); err != nil {
				return err
			}
			if spec.Sensitive { // SECURITY: what changes rights is decided by the table and by casbin
				w.Rights = w.Rights.Certain()
			}
		}
		if result, err = fn(ctx, w); err != nil {
			return err
		}
		// SECURITY: the one place where assertions run: after all writes of the act, in its transaction, before it is recorded.
		if spec.ChangesRights {
			if err := policytest.Check(ctx, tx, w.Rights); err != nil {
				return err
			}
		}
		return r.record(w, key, result)
	})
	if err != nil {
		r.recordRefusal(ctx, s, spec, err)
		return Result{}, err
	}
	return result, nil
}

// refusals are the codes that say that somebody asked for what he may not have.
func refusal(err error) *fault.Error {
	list, ok := fault.As(err)
	if !ok {
		return nil
	}
	for _, e := range list {
		switch e.Code {
		case fault.ForbiddenCode, fault.NotFoundCode, fault.DutyConflict:
			return e
		}
	}
	return nil
}

func (r *Runner) recordRefusal(ctx context.Context, s *tenancy.Session, spec Spec, err error) {
	e := refusal(err)
	if e == nil {
		return
	}
	// The client may have gone; the refusal is recorded all the same.
	ctx = context.WithoutCancel(ctx)
	if werr := r.writeRefusal(ctx, s, spec, e, err); werr != nil && !errors.Is(werr, context.Canceled) {
		r.log.ErrorContext(ctx, "refusal not recorded", slog.String("act", spec.Name), slog.Any("error", werr))
	}
}
