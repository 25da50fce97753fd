package policy

// script writes down the shipped rules: who sees what (see) and who does what (may).
type script struct {
	rules []Rule
	seen  map[Rule]bool // without Seq, Clause and Note
	role  string
	from  string // clause of the rules that follow
}

// as starts the rules of a role; clause is where they come from.
func (s *script) as(role, clause string) *script {
	s.role, s.from = role, clause
	return s
}

func (s *script) add(o Object, a Action, sc Scope, classes ClassSet, cond string) {
	r := Rule{Role: s.role, Object: o, Action: a, Scope: sc, Classes: classes, Condition: cond, Effect: Allow}
	if s.seen[r] {
		return
	}
	if s.seen == nil {
		s.seen = map[Rule]bool{}
	}
	s.seen[r] = true
	r.Seq, r.Clause = len(s.rules)+1, s.from
	s.rules = append(s.rules, r)
}

// see lets the role read, count and filter the rows of a scope, and the field groups of the classes in full. Groups of
// these classes must exist on the entity. For Granted, a grant opens only those of the classes that it carries.
func (s *script) see(o Object, sc Scope, classes ClassSet, cond string) *script {
	rows := ClassSet(0)
	if sc == Granted {
		rows = classes & rowClasses(words.entities[o], nil)
	}
	s.add(o, Read, sc, rows, cond)
	s.add(o, Count, sc, rows, cond)
	for _, verb := range []Action{Peek, Reveal, Filter} {
		s.add(o, verb, sc, classes, cond)
	}
	return s
}

// seeMasked lets the role see the field groups of the classes in their masked form only.
func (s *script) seeMasked(o Object, sc Scope, classes ClassSet, cond string) *script {
	s.add(o, Peek, sc, classes, cond)
	return s
}

// archive is see for clients, their contracts and the register of their originals: the classes L0–L4 are groups of the client, L3 and L5
// of the contract, and whoever sees the standard archive (L1) sees which originals there are. Granted means borrowed there and is
// everybody's: see baseRules. Conditions on contracts are those on originals too.
func (s *script) archive(sc Scope, classes ClassSet, clientCond, contractCond string) *script {
	s.see(OnClient, sc, classes, clientCond)
	if classes&(Class(3).Set()|Class(5).Set()) != 0 {
		s.see(OnContract, sc, classes, contractCond)
	}
	if sc != Granted && classes.Has(1) {
		s.see(OnOriginal, sc, Class(1).Set(), contractCond)
	}
	return s
}

// may lets the role do acts in a scope, and write the field groups that these acts change.
func (s *script) may(o Object, sc Scope, cond string, acts ...Action) *script {
	for _, a := range acts {
		s.add(o, a, sc, 0, cond)
		for _, g := range words.acts[a].Writes {
			s.add(g, Write, sc, 0, cond)
		}
	}
	return s
}
