package matrix

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/readside"
	"github.com/clientele/clientele/policy"
)

// run is one asking of everything by one person.
type run struct {
	*judge
	truths *truths
	counts map[string]int // by path
	enough bool           // one fault is
}

// compare asks a document and holds the answer to the truth without what the sheets do not give.
func (r *run) compare(path, query string, variables map[string]any, keep func(*placed) bool) {
	if r.settled() {
		return
	}
	truth, err := r.town.truth(r.truths, query, variables)
	if err != nil {
		r.fail("%s: %v", path, err)
		return
	}
	got, err := r.ask(r.who, query, variables)
	if err != nil {
		r.fail("%s: %v", path, err)
		return
	}
	want := canonical(r.expect(truth.again(), keep))
	r.counts[path]++
	if d := difference(path, canonical(any(got.data)), want); d != "" || len(got.errors) > 0 {
		r.fail("%s %s: %s; errors %q; asked %.160s", r.who.role, path, d, got.codes(), query)
	}
	r.noLeak(path, got, asText(want), query+asText(variables))
}

// noLeak looks through the whole answer, with errors and extensions.
func (r *run) noLeak(path string, got answer, want, asked string) {
	if found := leaked(got.text, want, asked); len(found) > 0 {
		r.fail("%s %s: the answer has %v; asked %.200s", r.who.role, path, found, asked)
	}
}

// refused asks what has to be refused as a whole.
func (r *run) refused(path, query, code string) { r.refusedWith(path, query, nil, code) }

func (r *run) refusedWith(path, query string, variables map[string]any, code string) {
	got, err := r.ask(r.who, query, variables)
	if err != nil {
		r.fail("%s: %v", path, err)
		return
	}
	r.counts[path]++
	if got.codes() != code {
		r.fail("%s %s: answered %.300s, want %s; asked %.160s", r.who.role, path, got.text, code, query)
	}
	r.noLeak(path, got, "", query)
}

// everything asks by every path.
func (r *run) everything() {
	for _, ask := range []func(){r.byNode, r.narrowed, r.narrowedInside, r.byID, r.lists, r.viewer, r.questions} {
		if ask(); r.settled() {
			return
		}
	}
}

// settled tells that one fault was enough.
func (r *run) settled() bool { return r.enough && len(r.faults) > 0 }

// byNode asks for every placed row by node and nodes, and for everything that it leads to in one step.
func (r *run) byNode() {
	for _, typ := range nodeTypes(r.schema) {
		gids := r.sample(typ)
		query := "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on " + typ + " { " + whole(r.schema, typ) + " } } }"
		for part := range slices.Chunk(gids, 20) {
			r.compare("nodes", query, map[string]any{"ids": part}, nil)
		}
		one := "query ($id: ID!) { node(id: $id) { ... on " + typ + " { " + leaves(r.schema, typ) + " } } }"
		for _, gid := range gids[:1] {
			r.compare("node", one, map[string]any{"id": gid}, nil)
		}
	}
}

// sample are rows of a type: all of those that scopes tell apart by themselves; of what hangs on them, on people and on the tenant, one's
// own and some from everywhere. Lists show the rest.
func (r *run) sample(typ string) []string {
	const enough = 40
	all := r.ids[typ]
	if typ == "Client" || typ == "Contract" || len(all) <= enough {
		return all
	}
	always := r.spotted[typ]
	step := max(len(all)-always, 0)/(enough-min(always, 3*enough/4)) + 1
	var out []string
	for i, gid := range all {
		if f := r.rows[gid].facts; i < always || i%step == 0 || r.isOwn(r.rows[gid]) || f.classed && (f.person == r.who.staff || f.holder == r.who.staff) {
			out = append(out, gid)
		}
	}
	return out
}

// byID asks by the roots that take one id, now and as of then.
func (r *run) byID() {
	for _, root := range r.schema.Query.Fields {
		if root.Arguments.ForName("id") == nil || root.Name == "node" || readside.IsServiceRoot(root.Name) {
			continue
		}
		typ := root.Type.Name()
		for _, when := range r.times(root) {
			for part := range slices.Chunk(r.ids[typ], 40) {
				var b strings.Builder
				for i, gid := range part {
					fmt.Fprintf(&b, "x%d: %s(id: %q%s) { %s } ", i, root.Name, gid, when.argument, leaves(r.schema, typ))
				}
				r.compare("by id"+when.name, "{ "+b.String()+"}", nil, nil)
			}
			if when.argument != "" {
				r.belongings(root, when)
			}
		}
	}
}

// belongings asks for some rows as of then with everything that they lead to in one step; every other person for others.
func (r *run) belongings(root *ast.FieldDefinition, when moment) {
	const enough = 6
	typ := root.Type.Name()
	gids := r.ids[typ]
	for i := slices.Index(r.people, r.who) % 2; i < enough; i += 2 {
		gid := gids[i*len(gids)/enough]
		r.compare("by id"+when.name+" with all", fmt.Sprintf("{ %s(id: %q%s) { %s } }", root.Name, gid, when.argument, whole(r.schema, typ)), nil, nil)
	}
}

type moment struct{ name, argument string }

func (r *run) times(root *ast.FieldDefinition) []moment {
	out := []moment{{"", ""}}
	if root.Arguments.ForName("asOf") != nil {
		out = append(out, moment{" as of then", `, asOf: "` + r.then.Format(time.RFC3339Nano) + `"`})
	}
	return out
}

func isList(root *ast.FieldDefinition) bool { return strings.HasSuffix(root.Type.Name(), "Connection") }

// lists asks for every list of the roots to its end, with its count, now and as of then.
func (r *run) lists() {
	for _, root := range r.schema.Query.Fields {
		if !isList(root) || r.settled() {
			continue
		}
		typ := strings.TrimSuffix(root.Type.Name(), "Connection")
		for _, when := range r.times(root) {
			b, mine := base(root.Name), ""
			if b != "" {
				b = ", filter: {" + b + "}"
				if r.sheet.ever(question{policy.AuditRecords, policy.Filter}, r.who) { // who may not filter sees nothing without it, too
					mine = b
				}
			}
			want, err := r.pages(r.observer, root.Name, b+when.argument, leaves(r.schema, typ))
			if err != nil {
				r.fail("list: the truth: %v", err)
				return
			}
			got, err := r.pages(r.who, root.Name, mine+when.argument, leaves(r.schema, typ))
			if err != nil {
				r.fail("list: %v", err)
				return
			}
			expected := canonical(r.expect(want, nil))
			r.counts["list"+when.name]++
			if d := difference(root.Name+when.name, canonical(any(got)), expected); d != "" {
				r.fail("%s list%s: %s", r.who.role, when.name, d)
			}
		}
	}
}

// pages joins the pages of a list. The pages of the truth are asked once.
func (r *run) pages(p *person, root, arguments, fields string) (map[string]any, error) {
	nodes, after := []any{}, ""
	for {
		query := fmt.Sprintf("{ %s(first: 100%s%s) { nodes { %s } edges { node { id } } totalCount { value capped } pageInfo { hasNextPage endCursor } } }", root, arguments, after, fields)
		var a answer
		var err error
		if p == r.observer {
			a, err = r.town.truth(r.truths, query, nil)
		} else {
			a, err = r.ask(p, query, nil)
		}
		if err != nil || a.data == nil {
			return nil, fmt.Errorf("%w: %.300s", err, a.text)
		}
		c := a.again()[root].(map[string]any)
		part := c["nodes"].([]any)
		for i, e := range c["edges"].([]any) {
			if idOf(e.(map[string]any)["node"]) != idOf(part[i]) {
				return nil, fmt.Errorf("%s: edges and nodes differ", root)
			}
		}
		nodes = append(nodes, part...)
		info := c["pageInfo"].(map[string]any)
		if info["hasNextPage"] != true {
			return map[string]any{"nodes": nodes, "totalCount": c["totalCount"]}, nil
		}
		after = fmt.Sprintf(`, after: "%s"`, info["endCursor"])
	}
}

func nodeTypes(s *ast.Schema) (out []string) {
	for _, def := range s.GetPossibleTypes(s.Types["Node"]) {
		out = append(out, def.Name)
	}
	slices.Sort(out)
	return out
}

// observe asks everything as everybody; the faults of all come back, with how often each path was compared.
func observe(x *town, s sheet, people []*person, enough bool) (faults []string, counts map[string]int) {
	known := &truths{known: map[string]answer{}}
	counts = map[string]int{}
	queue := make(chan *person)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for p := range queue {
				r := &run{judge: x.judge(s, p), truths: known, counts: map[string]int{}, enough: enough}
				r.everything()
				mu.Lock()
				faults = append(faults, r.faults...)
				for k, n := range r.counts {
					counts[k] += n
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range people {
		queue <- p
	}
	close(queue)
	wg.Wait()
	return faults, counts
}

// TestEveryRoleSeesWhatTheSheetsSay asks everything that the API can be asked, as somebody of every shipped role, and holds every
// answer to the sheets in both directions.
func TestEveryRoleSeesWhatTheSheetsSay(t *testing.T) {
	t.Parallel()
	x, s := newTown(t), readSheet(t)
	if problems := x.complete(graph.Schema()); len(problems) > 0 {
		t.Fatalf("the rows do not cover the schema:\n%s", strings.Join(problems, "\n"))
	}
	started := time.Now()
	x.remembers = true
	faults, counts := observe(x, s, x.people, false)
	x.remembers = false
	report(t, faults)
	total := 0
	for _, n := range counts {
		total += n
	}
	t.Logf("%d roles, %d answers compared in %s: %v", len(x.people), total, time.Since(started).Round(time.Second), counts)
	for _, path := range []string{"nodes", "node", "by id", "by id as of then", "by id as of then with all", "nested filter", "nested filter refused", "steps that wait", "who can see", "list", "list as of then", "filter", "filter refused", "order", "order refused", "viewer", "tenant", "question", "question refused"} {
		if counts[path] == 0 {
			t.Errorf("nothing was asked by %s", path)
		}
	}
	if t.Failed() {
		return
	}
	started = time.Now()
	everyCellIsSeen(t, x, s)
	t.Logf("… in %s", time.Since(started).Round(time.Second))
	x.remembered.Clear()
	aRuleTooManyIsSeen(t, x, s)
}

// report shows the first faults and how many there are.
func report(t *testing.T, faults []string) {
	t.Helper()
	slices.Sort(faults)
	faults = slices.Compact(faults)
	for _, f := range faults[:min(40, len(faults))] {
		t.Error(f)
	}
	if len(faults) > 40 {
		t.Errorf("and %d more", len(faults)-40)
	}
}
