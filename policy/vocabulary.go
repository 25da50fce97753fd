package policy

// cellKey is one question of the language: an action on an object.
type cellKey struct {
	obj Object
	act Action
}

// vocabulary indexes the catalogue for compilation and decisions. It is built once and never written again.
type vocabulary struct {
	entities map[Object]*Entity // by entity and by group
	groups   map[Object]Group
	cells    map[cellKey]int // dense numbers of the questions
	keys     []cellKey
	acts     map[Action]Act

	on         []Object // the entity of a question, by its number
	entityCell []bool   // whether a question is about the entity, not one of its groups

	// Dense numbers of the nouns and verbs, for what is kept packed.
	objects       []Object
	objectNumbers map[Object]uint8
	actions       []Action
	actionNumbers map[Action]uint8
}

// words is the only vocabulary: the catalogue is code, equal for every tenant and version.
var words = newVocabulary(Catalogue())

func newVocabulary(entities []Entity) *vocabulary {
	v := &vocabulary{
		entities: map[Object]*Entity{}, groups: map[Object]Group{}, cells: map[cellKey]int{}, acts: map[Action]Act{},
		objectNumbers: map[Object]uint8{}, actionNumbers: map[Action]uint8{},
	}
	add := func(e *Entity, o Object, acts ...Action) {
		v.objectNumbers[o] = uint8(len(v.objects))
		v.objects = append(v.objects, o)
		for _, a := range acts {
			k := cellKey{o, a}
			v.cells[k] = len(v.keys)
			v.keys, v.on, v.entityCell = append(v.keys, k), append(v.on, e.Object), append(v.entityCell, o == e.Object)
			if _, known := v.actionNumbers[a]; !known {
				v.actionNumbers[a] = uint8(len(v.actions))
				v.actions = append(v.actions, a)
			}
		}
	}
	for i := range entities {
		e := &entities[i]
		v.entities[e.Object] = e
		verbs := []Action{Read, Count}
		for _, a := range e.Acts {
			v.acts[a.Action] = a
			verbs = append(verbs, a.Action)
		}
		add(e, e.Object, verbs...)
		for _, g := range e.Groups {
			v.entities[g.Object] = e
			v.groups[g.Object] = g
			add(e, g.Object, Peek, Reveal, Write, Filter)
		}
	}
	return v
}

// isFieldVerb tells whether the action is on field groups rather than on rows.
func isFieldVerb(a Action) bool { return a == Peek || a == Reveal || a == Write || a == Filter }

// isReading tells whether a token with the scope "read" may do the action.
func isReading(a Action) bool {
	return a == Read || a == Count || a == Peek || a == Reveal || a == Filter
}

// rowClasses are the classes of which a grant on a client must carry one to open rows of the entity. Any class opens the
// client's own row; its contracts stay absent unless the grant speaks of contracts.
func rowClasses(e *Entity, classes Classes) (s ClassSet) {
	if e.Object == OnClient {
		return AllClasses
	}
	for _, g := range e.Groups {
		class, _ := classes.Of(g.Object)
		s |= class.Set()
	}
	return s
}

// EntityOf gives the entity of an object or group; false when there is none of that name.
func EntityOf(o Object) (Object, bool) {
	e, ok := words.entities[o]
	if !ok {
		return "", false
	}
	return e.Object, true
}

// ClassOf gives the shipped field class of a group; see Rights.ClassOf for a tenant's own. False for entities and unknown names.
func ClassOf(group Object) (Class, bool) {
	g, ok := words.groups[group]
	return g.Class, ok
}

// Known tells whether the catalogue has this action on this object.
func Known(o Object, a Action) bool {
	_, ok := words.cells[cellKey{o, a}]
	return ok
}

// IsAct tells whether the catalogue has a business act of this name.
func IsAct(a Action) bool {
	_, ok := words.acts[a]
	return ok
}

// LabelOf an object or group.
func LabelOf(o Object) (Text, bool) {
	if g, ok := words.groups[o]; ok {
		return g.Label, true
	}
	if e, ok := words.entities[o]; ok {
		return e.Label, true
	}
	return Text{}, false
}

// ActionLabel of a verb or business act.
func ActionLabel(a Action) (Text, bool) {
	if t, ok := verbLabel(a); ok {
		return t, true
	}
	act, ok := words.acts[a]
	return act.Label, ok
}

// selfIsOwner tells whether Self and Subordinates compare the row's owner (true) or its subject (false).
func selfIsOwner(entity Object) bool {
	return entity == OnClient || entity == OnContract || entity == OnOriginal
}

// personOf a row: whom Self and Subordinates speak of.
func personOf(entity Object, row *Row) [16]byte {
	if selfIsOwner(entity) {
		return row.Owner
	}
	return row.Staff
}
