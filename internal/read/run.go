package read

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// errStale means that the rights were not those of the transaction's snapshot.
var errStale = errors.New("read: the rights are older than the snapshot")

// request is one answer in the making. Its buffers are used again.
type request struct {
	gate     *Gate
	session  *tenancy.Session
	plan     *Plan
	rendered *rendered
	bounds   []bound
	sets     []rowset
	sent     []*stmt
	writer   writer
}

// buffers is a pool of requests.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *request {
	if r, ok := b.pool.Get().(*request); ok {
		return r
	}
	return &request{}
}

const maxKept = 1 << 20

func (b *buffers) put(r *request) {
	if cap(r.writer.out) > maxKept {
		r.writer.out = nil
	}
	kept := r.sets[:0]
	for _, s := range r.sets[:cap(r.sets)] {
		if cap(s.buf) <= maxKept {
			kept = append(kept, s)
		}
	}
	*r = request{sets: kept, sent: r.sent[:0], writer: writer{out: r.writer.out[:0], path: r.writer.path[:0]}}
	b.pool.Put(r)
}

// attempt answers under the given rights, or with errStale when they are not those of the snapshot. It ends tx.
func (g *Gate) attempt(ctx context.Context, tx *tenancy.Read, plan *Plan, vars map[string]any, one *lookupOne, rights *policy.Rights, epochs tenancy.Epochs, span *readSpan) (Answer, error) {
	r := g.buffers.get()
	defer g.buffers.put(r)
	s := tx.Session()
	r.gate, r.session, r.plan, r.rendered = g, s, plan, g.under(s, plan, rights)
	for len(r.sets) < len(r.rendered.stmts) {
		r.sets = append(r.sets, rowset{})
	}
	for i := range r.sets {
		r.sets[i].reset()
	}
	r.bind(vars, one)

	defer tx.Close(ctx)
	if r.rendered.planOnce {
		tx.PlanOnce()
	}
	for i, level := range r.rendered.levels {
		batch := r.queue(level)
		if batch.Len() == 0 && i > 0 {
			break
		}
		span.levels++
		span.statements += batch.Len()
		send := tx.Send
		if i == len(r.rendered.levels)-1 {
			send = tx.SendLast
		}
		err := send(ctx, batch, func(br pgx.BatchResults) error {
			// SECURITY: rows are read only under rights of the very epochs that the snapshot has.
			if at := tx.Epochs(); i == 0 && (at.Policy != epochs.Policy || at.Org != epochs.Org || !rights.ValidAt(tx.Now())) {
				return errStale
			}
			return r.receive(br)
		})
		if err != nil {
			return Answer{}, err
		}
	}
	// The connection goes back before the openings are recorded: their writer needs one too.
	tx.Close(ctx)
	return r.answer(ctx)
}

// bind reads every site's arguments, and finds the ids that roots without arguments stand for.
func (r *request) bind(vars map[string]any, one *lookupOne) {
	r.bounds = make([]bound, len(r.plan.sites))
	for i, s := range r.plan.sites {
		if s.constant {
			r.bounds[i] = s.fixed
		} else {
			r.bounds[i] = r.gate.bindSite(s, vars)
		}
		if r.rendered.refused[i] == nil && !r.bounds[i].failed {
			r.gate.bindCursors(&r.bounds[i], s, r.rendered.orders[i], r.session.Tenant, vars)
		}
	}
	ids := func(s *site, t *Type, u uuid.UUID) {
		if u != uuid.Nil {
			r.bounds[s.index].ids = map[*Type]idKeys{t: {idKey(u)}}
		}
	}
	for i := range r.plan.roots {
		root := &r.plan.roots[i]
		switch {
		case one != nil:
			ids(root.site, one.typ, one.id)
		case root.kind == RootTenant:
			ids(root.site, root.one.typ, r.session.Tenant.UUID())
		}
		for _, part := range root.view {
			if part.one != nil {
				who := r.session.Actor.Account
				if part.one.typ.Name == "Staff" {
					who = r.session.Actor.Staff
				}
				ids(part.site, part.one.typ, who)
			}
		}
	}
}

// queue makes the batch of a level: every statement that has something to ask.
func (r *request) queue(level []*stmt) *pgx.Batch {
	b := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(level))}
	r.sent = r.sent[:0]
	for _, st := range level {
		if r.bounds[st.site.index].failed || r.rendered.refused[st.site.index] != nil {
			continue
		}
		var keys idKeys
		switch {
		case st.kind == stmtLookup:
			keys = r.bounds[st.site.index].ids[st.typ]
		case st.early:
			keys = r.bounds[st.parent.site.index].ids[st.parent.typ]
		case st.parent != nil:
			keys = r.sets[st.index].keys(&r.sets[st.parent.index], st.parentCol, st.parent.limit)
		}
		if len(keys) == 0 && (st.kind == stmtLookup || st.nested) {
			continue
		}
		b.Queue(st.sql, r.arguments(st, keys)...)
		r.sets[st.index].n = len(keys)
		r.sent = append(r.sent, st)
	}
	return b
}

func (r *request) arguments(st *stmt, keys idKeys) []any {
	out := make([]any, len(st.args))
	for i := range st.args {
		a := &st.args[i]
		var b *bound
		if a.site != nil {
			b = &r.bounds[a.site.index]
		}
		switch a.kind {
		case argTenant:
			out[i] = [16]byte(r.session.Tenant)
		case argConst:
			out[i] = a.value
		case argAccount:
			out[i] = [16]byte(r.session.Actor.Account)
		case argStaff:
			out[i] = [16]byte(r.session.Actor.Staff)
		case argKeys:
			out[i] = keys
		case argFilter:
			out[i] = b.values[a.n]
		case argAsOf:
			out[i] = b.asOf
		case argAfterKey:
			out[i] = b.after.key
		case argAfterID:
			out[i] = b.after.id
		case argBeforeKey:
			out[i] = b.before.key
		case argBeforeID:
			out[i] = b.before.id
		}
	}
	return out
}

// receive takes the results of the statements that were sent.
func (r *request) receive(br pgx.BatchResults) error {
	for _, st := range r.sent {
		rows, err := br.Query()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		set := &r.sets[st.index]
		ords := max(set.n, 1)
		set.n = 0
		ordCol := st.ordCol
		if err := set.read(rows, ordCol, ords); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if st.early {
			set.follow(&r.sets[st.parent.index], st.parentCol)
		}
	}
	return nil
}

// answer writes what was read. What is opened by it is recorded first.
func (r *request) answer(ctx context.Context) (Answer, error) {
	var a Answer
	whole := true
	for i, s := range r.plan.sites {
		b := &r.bounds[i]
		refused := r.rendered.refused[i]
		if refused != nil {
			a.Errors = append(a.Errors, refusal(refused, s.path, r.session.Language))
		}
		for _, e := range b.errs {
			path := s.path
			if e.index >= 0 {
				path = append(path[:len(path):len(path)], ast.PathIndex(e.index))
			}
			a.Errors = append(a.Errors, refusal(e.err, path, r.session.Language))
		}
		if (refused != nil || b.failed) && !s.null && s.field != nil {
			whole = false
		}
	}
	if !whole { // a field that cannot be null is: so is everything above it
		a.Data = []byte("null")
		return a, nil
	}
	w := &r.writer
	w.request = r
	if root := &r.rendered.roots[0]; root.key == nil {
		w.lookup(root.one, 1)
	} else {
		w.roots()
	}
	if w.err != nil {
		return Answer{}, w.err
	}
	if len(w.openings) > 0 && r.gate.cfg.Opened != nil {
		if err := r.gate.cfg.Opened(ctx, r.session, w.openings); err != nil {
			return Answer{}, err
		}
	}
	if len(w.absent) > 0 && r.gate.cfg.Refused != nil {
		if err := r.gate.cfg.Refused(ctx, r.session, w.absent); err != nil {
			return Answer{}, err
		}
	}
	a.Data = append(make([]byte, 0, len(w.out)), w.out...)
	a.Masked, a.MaskedMore = w.masked, w.more
	return a, nil
}
