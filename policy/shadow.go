package policy

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// Shadow is casbin behind the decisions of one compiled version for one tenant: it judges a sample of them, and all of those that
// must be certain. It is safe for concurrent use, and keeps no enforcer: one of the question at hand is built and dropped. When the
// two disagree, the decision is a refusal, and from then on the Shadow is tripped: casbin alone decides for the tenant – slower and
// by the same rules – and the question that disagreed reaches no row in lists, until another version is compiled.
//
// Reads are decided by SQL made of a Reach, row by row in the database: no sample of theirs passes here. What a disagreement
// has shown about a question is taken into account; the rest is what the tests hold to.
type Shadow struct {
	every   uint32
	tell    func(Disagreement)
	table   *Table // that casbin judges by
	tenant  uuid.UUID
	tripped atomic.Bool

	mu     sync.Mutex
	closed map[cellKey]bool
}

// Disagreement is one decision on which the compiled table and casbin differ. Err is casbin's, if it could not judge at all.
type Disagreement struct {
	Version  int64
	Object   Object
	Action   Action
	Compiled bool
	Judged   bool
	Err      error
}

// Shadow makes a judge of this version for a tenant. One of every decisions is sampled; 0 is none. tell hears of each
// disagreement, on the goroutine that decided.
func (t *Table) Shadow(tenant uuid.UUID, every uint32, tell func(Disagreement)) *Shadow {
	return &Shadow{every: every, tell: tell, table: t, tenant: tenant}
}

// Watched puts a shadow behind rights that nobody else has yet. nil takes none away.
func (r *Rights) Watched(s *Shadow) *Rights {
	if s != nil {
		r.shadow = s
	}
	return r
}

// Certain are the same rights, every decision of which is taken by the table and by casbin: a difference is a refusal. For acts
// that change rights. Rights without a shadow behind them stay as they are.
func (r *Rights) Certain() *Rights {
	if r == nil || r.shadow == nil {
		return r
	}
	certain := *r
	certain.certain = true
	return &certain
}

// Tripped tells whether casbin alone decides.
func (s *Shadow) Tripped() bool { return s != nil && s.tripped.Load() }

// chosen is whether this decision is judged twice. It is asked for every decision: no lock, no counter that cores share.
func (s *Shadow) chosen() bool { return s.tripped.Load() || s.every > 0 && rand.Uint32N(s.every) == 0 }

// judge asks casbin, too.
//
// SECURITY: a disagreement and everything that keeps casbin from judging are refusals.
//
//go:noinline
func (s *Shadow) judge(r *Rights, obj Object, act Action, row *Row, d Decision) Decision {
	var judged bool
	var err error
	if row != nil && r.refused == "" {
		seen := *row // casbin takes it as an interface: the caller's row stays where it is
		judged, err = s.ask(r, obj, act, &seen)
	}
	tripped := s.tripped.Load()
	if err == nil && judged == d.Allow {
		return d
	}
	if !Known(obj, act) { // both refuse it; casbin is not even asked
		return d
	}
	refusal := Decision{Reason: ReasonIncomplete, Version: d.Version}
	if !tripped || err != nil {
		s.Trip(Disagreement{d.Version, obj, act, d.Allow, judged, err})
		if s.tell != nil {
			s.tell(Disagreement{d.Version, obj, act, d.Allow, judged, err})
		}
		return refusal
	}
	if by := r.ruleFor(obj, act, row); judged && by != 0 {
		return Decision{Allow: true, Reason: ReasonAllowed, Version: d.Version, table: r.table, by: by}
	}
	return refusal
}

func (s *Shadow) ask(r *Rights, obj Object, act Action, row *Row) (bool, error) {
	n, known := words.cells[cellKey{obj, act}]
	if !known {
		return false, ErrIncomplete
	}
	if len(s.table.cell(n)) == 0 {
		return false, nil // nothing allows it, and an empty policy is never put to casbin
	}
	e, err := s.table.enforcer(s.tenant, n, n+1)
	if err != nil {
		return false, err
	}
	return e.Enforce(&r.principal, r.org, r.boundAt, obj, act, row)
}

// Trip has casbin decide alone, and closes the question of a disagreement that was found before.
func (s *Shadow) Trip(d Disagreement) {
	s.mu.Lock()
	if s.closed == nil {
		s.closed = map[cellKey]bool{}
	}
	s.closed[cellKey{d.Object, d.Action}] = true
	s.mu.Unlock()
	s.tripped.Store(true)
}

// ruleFor is the number, plus one, of the first Allow rule that is met as casbin's words have it, for a decision that the compiled
// table did not take; 0 when there is none.
func (r *Rights) ruleFor(obj Object, act Action, row *Row) int32 {
	n := words.cells[cellKey{obj, act}]
	for _, l := range r.table.cell(n) {
		if !r.table.rules[l].deny() && r.explainLine(l, n, row).Fails == TestNone {
			return int32(l) + 1
		}
	}
	return 0
}

// shut tells whether a question reaches no row because of a disagreement.
func (s *Shadow) shut(obj Object, act Action) bool {
	if !s.Tripped() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed[cellKey{obj, act}]
}
