package isolation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// mutationRun sends every mutation of the SDL with every id exchanged for B's of the same kind, and for one of nobody.
func mutationRun(t *testing.T, w *world.World, e *endpoint, b *side, mine func() *side, done bool) {
	q := newAsker(t, w)
	tried := 0
	for _, f := range graph.Schema().Mutation.Fields {
		t.Run(f.Name, func(t *testing.T) {
			e := &endpoint{t: t, url: e.url}
			a := mine()
			a.prepare(f.Name)
			form := newForm(t, q, f, a)
			for _, problem := range form.errors {
				t.Error(problem)
			}
			token := a.callerOf(t, f.Name)
			before, theirs, refused := a.state(true), b.state(false), 0
			for _, p := range form.blanks {
				refused += tryBlank(t, w, e, form, p, token, b)
				tried++
			}
			if after := a.state(true); after != before {
				t.Errorf("refused, and something of one's own changed: %s", changed(before, after))
			}
			if after := b.state(false); after != theirs {
				t.Errorf("something of the other tenant changed: %s", changed(theirs, after))
			}
			if got := a.Text(countRefusals); got != fmt.Sprint(refused) {
				t.Errorf("%s refusals are recorded of %d", got, refused)
			}
			if !done {
				return
			}
			// The ids above were what refused it.
			if got := form.send(e, token); !strings.Contains(got.body, `"userErrors":[]`) || strings.Contains(got.body, `"errors"`) {
				t.Errorf("with ids of one's own: %s", got)
			}
			if a.state(true) == before {
				t.Error("it was done, and nothing changed")
			}
			if after := b.state(false); after != theirs {
				t.Errorf("done, and something of the other tenant changed: %s", changed(theirs, after))
			}
		})
	}
	t.Logf("%d mutations, %d places of ids", len(graph.Schema().Mutation.Fields), tried)
	if tried < 55 {
		t.Error("the run shows little")
	}
}

const countRefusals = `SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal'`

// tryBlank gives how many refusals are on record after it: that of an object, not that of a field with the wrong value.
func tryBlank(t *testing.T, w *world.World, e *endpoint, form *form, p blank, token string, b *side) (refused int) {
	t.Helper()
	nobody, foreign, own := id.Encode(p.prefix, w.IDs.New()), id.Encode(p.prefix, b.ids[p.kind]), id.Encode(p.prefix, form.mine.ids[p.kind])
	p.set(nobody)
	x := form.send(e, token).same(nobody)
	p.set(foreign)
	y := form.send(e, token).same(foreign)
	p.set(own)
	switch {
	case x != y:
		t.Errorf("%s: another tenant's %s is answered %s\nan id of nobody %s", p.path, p.kind, y, x)
	case !strings.Contains(y, "NOT_FOUND") || strings.Contains(y, `"userErrors":[]`):
		t.Errorf("%s: another tenant's %s is answered %s", p.path, p.kind, y)
	}
	if what := b.leaks(y); what != "" {
		t.Errorf("%s: the answer has %s: %s", p.path, what, y)
	}
	return strings.Count(x+y, `"code":"NOT_FOUND"`)
}

func TestEveryMutationOfTheAPIWithAnotherTenantsIds(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, b, n := serveOn(t, w, w.DB), newSide(w, foreignMark), 0
	mutationRun(t, w, e, b, func() *side {
		n++
		return newSide(w, fmt.Sprintf("alpha%d", n))
	}, true)
}

// The predicates alone: row-level security is switched off in this database, after the program has looked.
func TestEveryMutationOfTheAPIBehindPredicatesAlone(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, b, n := serveOn(t, w, w.DB), newSide(w, foreignMark), 0
	openWalls(t, w)
	mutationRun(t, w, e, b, func() *side {
		n++
		return newSide(w, fmt.Sprintf("alpha%d", n))
	}, true)
}

// A mutation whose input has something that no rule knows makes the run red.
func TestAnInputWithoutARuleIsNoticed(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	q := newAsker(t, w)
	for arg, want := range map[string]int{"ghostId: ID!": 1, "ghost: JSON": 1, "clientId: ID!": 0} {
		name, typ, _ := strings.Cut(arg, ": ")
		def := &ast.FieldDefinition{
			Name: "clientSuspend", Type: ast.NonNullNamedType("ClientSuspendPayload", nil),
			Arguments: ast.ArgumentDefinitionList{{Name: name, Type: ast.NamedType(strings.TrimSuffix(typ, "!"), nil)}},
		}
		if x := newForm(t, q, def, newSide(w, "side"+strings.ToLower(name))); len(x.errors) != want {
			t.Errorf("%s: %v", arg, x.errors)
		}
	}
}
