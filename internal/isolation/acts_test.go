package isolation

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/review"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// operation is one method of a service that a mutation calls.
type operation struct {
	name string
	in   reflect.Type
	call func(s *tenancy.Session, in reflect.Value, key string) error
}

// notActs are the exported methods that no tenant's actor reaches.
func notActs() map[string]string {
	return map[string]string{
		"CreateTenant":   "the operator's, at the command line of the server",
		"PolicyCompare":  "a question: the run over HTTP asks it",
		"ExplainAccess":  "a question: the run over HTTP asks it",
		"WhoCanSee":      "a question: the run over HTTP asks it",
		"PolicySimulate": "a question: the run over HTTP asks it",
		"PolicyLint":     "a question: the run over HTTP asks it",
		"PolicyTestRun":  "a question: the run over HTTP asks it",
		"RoleEndorsers":  "a question: whom to ask about a binding; roleBind's answer has it",
		"ReachPreview":   "a question: the run over HTTP asks it",
		"ReachOfAccount": "a question, asked with the suspension: the run over HTTP asks it",
		"Click":          "a question at every click on a link; internal/custody asks it across tenants",
		"WithFiles":      "makes the service",
		"Lapse":          "the system's, when a review was not answered in time",
		"Sweep":          "the system's, for every tenant",
		"List":           "the system's, when an opening broke off",
		"NoteOverdue":    "the system's, when a loan is past its due date",
	}
}

// operations are all methods of all services. One with another shape is not passed over: it makes the run red.
func operations(t *testing.T, w *world.World) []operation {
	t.Helper()
	var all []operation
	rights, err := access.New(w.DB, 10)
	if err != nil {
		t.Fatal(err)
	}
	lending, err := newCustody(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []any{
		archive.New(w.Runner), contract.New(w.Runner), organisation.New(w.Runner),
		identity.New(w.Runner, w.DB, credential.NewHasher(2), rand.Reader), policyadmin.New(w.Runner, w.DB, rights), review.New(w.Runner, w.DB, rights), lending,
	} {
		v := reflect.ValueOf(service)
		for i := range v.NumMethod() {
			name, m := v.Type().Method(i).Name, v.Method(i)
			if _, ok := notActs()[name]; ok {
				continue
			}
			mt := m.Type()
			act := mt.NumIn() == 4 && mt.In(2).Kind() == reflect.Struct && mt.In(3).Kind() == reflect.String
			ofOne := mt.NumIn() == 3 && mt.In(2) == reflect.TypeFor[uuid.UUID]() // what an act's answer asks of one object: it has no key
			if !act && !ofOne || mt.In(1) != reflect.TypeFor[*tenancy.Session]() || mt.NumOut() < 2 || mt.Out(mt.NumOut()-1) != reflect.TypeFor[error]() {
				t.Errorf("%T.%s has a shape that this run does not know: %s", service, name, mt)
				continue
			}
			all = append(all, operation{name, mt.In(2), func(s *tenancy.Session, in reflect.Value, key string) error {
				passed := []reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(s), in, reflect.ValueOf(key)}
				out := m.Call(passed[:mt.NumIn()])
				err, _ := out[len(out)-1].Interface().(error)
				return err
			}})
		}
	}
	if len(all) < 35 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

// shape is all that a caller learns from a refusal.
func shape(err error) string {
	if err == nil {
		return "done"
	}
	list, ok := fault.As(err)
	if !ok {
		return "INTERNAL " + err.Error()
	}
	var parts []string
	for _, e := range list {
		parts = append(parts, fmt.Sprintf("%s|%s|%s|%s|%s|%v", e.Code, e.Field, e.Reason, e.Message.EN, e.Clause, e.Current))
	}
	return strings.Join(parts, ";")
}

// trial is how the acts are tried.
type trial struct {
	w *world.World
	b *side
	// mine gives the side that acts.
	mine func() *side
	// done: with ids of one's own the act is done; the side is used up then.
	done bool
}

// run tries every id of every operation of A with B's id of the same kind and with an id of nobody.
func (x trial) run(t *testing.T) {
	for _, op := range operations(t, x.w) {
		t.Run(op.name, func(t *testing.T) {
			a, b, w := x.mine(), x.b, x.w
			a.prepare(op.name)
			in := reflect.New(op.in)
			f := &filler{act: op.name, mine: a}
			whole := ""
			if op.in == reflect.TypeFor[uuid.UUID]() {
				whole = "ID"
			}
			f.fill(whole, whole, in.Elem())
			for _, e := range f.errors {
				t.Error(e)
			}
			before := b.everything()
			for _, p := range f.places {
				p.set(w.IDs.New())
				nobody := shape(op.call(a.person.Session, in.Elem(), w.Key()))
				p.set(b.ids[p.kind])
				foreign := shape(op.call(a.person.Session, in.Elem(), w.Key()))
				p.set(a.ids[p.kind])
				switch {
				case foreign != nobody:
					t.Errorf("%s: another tenant's %s is answered %q, an id of nobody %q", p.path, p.kind, foreign, nobody)
				case !strings.Contains(foreign, "NOT_FOUND"):
					t.Errorf("%s: another tenant's %s is answered %q, which is not \"not found\"", p.path, p.kind, foreign)
				}
				if strings.Contains(foreign, b.mark) {
					t.Errorf("%s: the answer has something of the other tenant: %q", p.path, foreign)
				}
			}
			if x.done {
				// The ids above were what refused it.
				if got := shape(op.call(a.person.Session, in.Elem(), w.Key())); got != "done" {
					t.Errorf("with ids of one's own: %q", got)
				}
			}
			if after := b.everything(); after != before {
				t.Errorf("something of the other tenant changed: %s, was %s", after, before)
			}
		})
	}
}

// The walls as they ship; then row-level security alone: what was sent is sent again without its tenant predicates.
func TestEveryActWithAnotherTenantsIds(t *testing.T) {
	t.Parallel()
	rec := &recorder{sent: map[string][][]any{}}
	w := world.New(t, func(c *tenancy.Config) { c.Tracer = rec })
	var b *side
	rec.aside(func() { b = newSide(w, foreignMark) })
	n := 0
	rec.watch(b)
	trial{w, b, func() *side {
		n++
		var a *side
		rec.aside(func() { a = newSide(w, fmt.Sprintf("alpha%d", n)) })
		rec.tenants.Store(a.ID, true)
		return a
	}, true}.run(t)
	rec.replay(t, w, b)
}

// The predicates alone: row-level security is switched off in this database, after the program has looked.
func TestEveryActBehindPredicatesAlone(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a, b := newSide(w, "alpha"), newSide(w, foreignMark)
	openWalls(t, w)
	trial{w, b, func() *side { return a }, false}.run(t)
}
