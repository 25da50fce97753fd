package policy

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// Shadow is casbin behind the decisions of one compiled version for one tenant: it judges a sample of them, and all of those that
// must be certain. It is safe for concurrent use, and builds casbin's enforcer when it is first needed. When the two disagree, the
// decision is a refusal, and from then on the Shadow is tripped: casbin alone decides for the tenant – slower and by the same
// rules – and the question that disagreed reaches no row in lists, until another version is compiled.
//
// Reads are decided by SQL made of a Reach, row by row in the database: no sample of theirs passes here. What a disagreement
// has shown about a question is taken into account; the rest is what the tests hold to.
type Shadow struct {
	every   uint32
	tell    func(Disagreement)
	build   func() (*Enforcer, error)
	tripped atomic.Bool

	mu     sync.Mutex // casbin keeps state of its own while it judges
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
	return &Shadow{every: every, tell: tell, build: sync.OnceValues(func() (*Enforcer, error) { return t.Enforcer(tenant) }), closed: map[cellKey]bool{}}
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
	if rule := r.ruleFor(obj, act, row); judged && rule != nil {
		return Decision{Allow: true, Reason: ReasonAllowed, Rule: rule, Version: d.Version}
	}
	return refusal
}

func (s *Shadow) ask(r *Rights, obj Object, act Action, row *Row) (bool, error) {
	e, err := s.build()
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.Enforce(&r.principal, r.org, r.boundAt, obj, act, row)
}

// Trip has casbin decide alone, and closes the question of a disagreement that was found before.
func (s *Shadow) Trip(d Disagreement) {
	s.mu.Lock()
	s.closed[cellKey{d.Object, d.Action}] = true
	s.mu.Unlock()
	s.tripped.Store(true)
}

// ruleFor is the first Allow rule that is met as casbin's words have it, for a decision that the compiled table did not take.
func (r *Rights) ruleFor(obj Object, act Action, row *Row) *Rule {
	cell := r.table.cells[words.cells[cellKey{obj, act}]]
	for i := range cell {
		if l := r.explainLine(&cell[i], obj, row); l.Fails == TestNone && l.Rule.Effect == Allow {
			return l.Rule
		}
	}
	return nil
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
