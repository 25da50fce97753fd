package isolation

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// mutation is the form of a mutation by its name.
func mutation(t *testing.T, w *world.World, name string, mine *side) *form {
	t.Helper()
	f := graph.Schema().Mutation.Fields.ForName(name)
	if f == nil {
		t.Fatalf("there is no mutation %s", name)
	}
	x := newForm(t, newAsker(t, w), f, mine)
	for _, problem := range x.errors {
		t.Error(problem)
	}
	return x
}

// input is the form's input.
func (x *form) input() map[string]any { return x.variables["input"].(map[string]any) }

const traces = `SELECT (SELECT count(*) FROM clients WHERE tenant_id = $1), (SELECT count(*) FROM events WHERE tenant_id = $1),
	(SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1), (SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'change')`

// left is what was added to the traces since: clients|events|keys|changes. Those of filling the side are none of the test's.
func (s *side) left(t *testing.T, since string) string {
	t.Helper()
	was, is := strings.Split(since, "|"), strings.Split(s.Text(traces), "|")
	if len(was) != 4 || len(is) != 4 {
		t.Fatalf("traces %q, before %q", is, was)
	}
	added := make([]string, len(is))
	for i := range is {
		x, errX := strconv.Atoi(is[i])
		y, errY := strconv.Atoi(was[i])
		if errX != nil || errY != nil {
			t.Fatalf("traces %q, before %q", is, was)
		}
		added[i] = strconv.Itoa(x - y)
	}
	return strings.Join(added, "|")
}

func TestOneKeyIsOneActOverHTTP(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	other := serveOn(t, w, w.DB) // a second process beside it
	token := a.caller(t)
	x := mutation(t, w, "clientOpen", a)
	x.document = `mutation ($input: ClientOpenInput!, $idempotencyKey: String!) {
		clientOpen(input: $input, idempotencyKey: $idempotencyKey) { client { id name version } userErrors { code field reason } } }`
	x.variables["idempotencyKey"] = w.Key()
	filled := a.Text(traces)
	replies := make([]reply, 50)
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() {
			replies[i] = []*endpoint{e, other}[i%2].ask(token, x.document, x.variables)
		})
	}
	all.Wait()
	for i, r := range replies {
		if r.body != replies[0].body || !strings.Contains(r.body, `"name":"new name","version":"1"`) || !strings.Contains(r.body, `"userErrors":[]`) {
			t.Errorf("call %d: %s, the first %s", i, r, replies[0])
		}
	}
	if got := a.left(t, filled); got != "1|1|1|1" {
		t.Errorf("50 calls left clients|events|keys|changes %s", got)
	}

	// Another input under the same key, and another mutation.
	before := a.state(false)
	x.input()["name"] = "another name"
	if r := e.ask(token, x.document, x.variables); !strings.Contains(r.body, `"client":null`) || !strings.Contains(r.body, `"code":"IDEMPOTENCY_MISMATCH"`) {
		t.Errorf("another input: %s", r)
	}
	lift := mutation(t, w, "clientLift", a)
	lift.variables["idempotencyKey"] = x.variables["idempotencyKey"]
	if r := other.ask(token, lift.document, lift.variables); !strings.Contains(r.body, `"client":null`) || !strings.Contains(r.body, `"code":"IDEMPOTENCY_MISMATCH"`) {
		t.Errorf("another mutation: %s", r)
	}
	if after := a.state(false); after != before {
		t.Errorf("a mismatch changed something: %s", changed(before, after))
	}
	// Keys are of one account: somebody else's is another.
	if r := e.ask(a.caller(t), x.document, x.variables); !strings.Contains(r.body, `"name":"another name"`) {
		t.Errorf("somebody else's key: %s", r)
	}
}

// Of 50 calls that change one version under keys of their own, one is done; the others are told which version is current.
func TestAStaleVersionIsToldOverHTTP(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	e, a := serveOn(t, w, w.DB), newSide(w, "alpha")
	token := a.caller(t)
	x := mutation(t, w, "clientChangeDealings", a)
	filled := a.Text(traces)
	const document = `mutation ($input: ClientChangeDealingsInput!, $idempotencyKey: String!) {
		clientChangeDealings(input: $input, idempotencyKey: $idempotencyKey) { client { id version } userErrors { code field currentVersion } } }`
	replies := make([]reply, 50)
	var all sync.WaitGroup
	for i := range replies {
		variables := map[string]any{"input": x.input(), "idempotencyKey": w.Key()}
		all.Go(func() { replies[i] = e.ask(token, document, variables) })
	}
	all.Wait()
	done, stale := 0, 0
	for _, r := range replies {
		switch {
		case strings.Contains(r.body, fmt.Sprintf(`{"client":{"id":"%s","version":"2"},"userErrors":[]}`, id.Encode(id.Client, a.ids["client"]))):
			done++
		case strings.Contains(r.body, `{"client":null,"userErrors":[{"code":"STALE_VERSION","field":"input.expectedVersion","currentVersion":"2"}]}`):
			stale++
		default:
			t.Errorf("%s", r)
		}
	}
	if got := a.left(t, filled); done != 1 || stale != 49 || got != "0|1|1|1" {
		t.Errorf("%d done, %d stale, clients|events|keys|changes %s", done, stale, got)
	}
}
