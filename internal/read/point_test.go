package read

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// TestListIsPoint: a row is in a list, in its count and in a search if, and only if, the point decision on that row allows it;
// by random policies with denials, conditions and rows full of NULLs, on at least 10⁵ rows.
func TestListIsPoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	loaded := map[*made]*data{}
	for _, m := range w.tenants {
		loaded[m] = w.load(m)
	}
	terms := searchTermsOf(loaded[w.tenants[0]])
	dice := rand.New(rand.NewPCG(20, 26))
	compared, seen, found, counts, policies := 0, 0, 0, 0, 0
	for ; compared < 100_000; policies++ {
		m := w.tenants[policies%2]
		s := w.session(m, dice.IntN(len(m.staff)), randomRules(dice, true))
		r := &reference{w: w, g: w.gate, d: loaded[m], s: s, rights: w.rightsOf(s), at: time.Now(), known: map[factKey]*policy.Row{}}
		term := terms[dice.IntN(len(terms))]
		var a struct {
			Clients, Contracts, Found struct {
				Nodes      []struct{ ID string }
				TotalCount struct{ Value int }
			}
		}
		query := `query ($term: String!, $search: Boolean!) { clients(first: 100) { nodes { id } totalCount { value } } contracts(first: 100) { nodes { id } totalCount { value } }
			found: clients(first: 100, filter: {search: $term}) @include(if: $search) { nodes { id } totalCount { value } } }`
		mayAsk := slices.ContainsFunc(clientGroups(), func(g policy.Object) bool { return !r.none(r.rights.Reach(g, policy.Filter)) })
		must(t, json.Unmarshal(w.ask(s, query, map[string]any{"term": term, "search": mayAsk}).Data, &a))
		check := func(what, prefix string, nodes []struct{ ID string }, count int, all []uuid.UUID, decide func(uuid.UUID) bool) (in int) {
			t.Helper()
			got := map[string]bool{}
			for _, n := range nodes {
				got[n.ID] = true
			}
			for _, u := range all {
				want := decide(u)
				if got[id.Encode(prefix, u)] != want {
					t.Fatalf("policy %d, %s: %s is listed %v, the decision is %v", policies, what, id.Encode(prefix, u), !want, want)
				}
				if want {
					in++
				}
				compared++
			}
			if count != in || len(got) != in {
				t.Fatalf("policy %d, %s: %d rows, counted %d, allowed %d", policies, what, len(got), count, in)
			}
			counts++
			return in
		}
		row := func(typ string, u uuid.UUID) *policy.Row {
			x := w.gate.table.byName[typ]
			return r.facts(x, r.current(x, u))
		}
		sees := func(u uuid.UUID) bool { return r.rights.Decide(policy.OnClient, policy.Read, row("Client", u)).Allow }
		seen += check("clients", id.Client, a.Clients.Nodes, a.Clients.TotalCount.Value, m.ids["clients"], sees)
		seen += check("contracts", id.Contract, a.Contracts.Nodes, a.Contracts.TotalCount.Value, m.ids["contracts"], func(u uuid.UUID) bool {
			return r.rights.Decide(policy.OnContract, policy.Read, row("Contract", u)).Allow
		})
		if mayAsk {
			found += check("search", id.Client, a.Found.Nodes, a.Found.TotalCount.Value, m.ids["clients"], func(u uuid.UUID) bool {
				return sees(u) && slices.ContainsFunc(loaded[m].now["client_search_terms"], func(x rec) bool {
					if x["client_id"] != u || x["term"] != term {
						return false
					}
					g := groupOfClass(policy.Class(x["field_class"].(int16)))
					return g != "" && r.rights.Decide(g, policy.Filter, row("Client", u)).Allow
				})
			})
		}
	}
	t.Logf("%d rows compared by %d policies, %d of them seen, %d found by search, %d counts", compared, policies, seen, found, counts)
	if seen == 0 || found == 0 {
		t.Error("the generator is one-sided")
	}
}

func groupOfClass(c policy.Class) policy.Object {
	for _, g := range clientGroups() {
		if class, _ := policy.ClassOf(g); class == c {
			return g
		}
	}
	return ""
}

// searchTermsOf are the terms that stand in the tenant, each once.
func searchTermsOf(d *data) (terms []string) {
	for _, x := range d.now["client_search_terms"] {
		terms = append(terms, str(x["term"]))
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}
