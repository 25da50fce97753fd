package read

import (
	"context"
	"testing"

	"github.com/clientele/clientele/policy"
)

const benchPage = `query($after: String) { clients(first: 50, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
	pageInfo { hasNextPage endCursor }
	edges { node { id code name stage grade owner { id name } contacts(first: 3) { nodes { name phone } } contracts(first: 2) { nodes { number state } } } } } }`

func benchRules() map[string][]policy.Rule {
	narrow := without(everything(), policy.OnClient, policy.Read)
	narrow = without(narrow, policy.ClientStandard, policy.Reveal)
	narrow = append(narrow, allow(policy.OnClient, policy.Read, policy.DeptTree), allow(policy.OnClient, policy.Read, policy.Self), allow(policy.OnClient, policy.Read, policy.ClientTeam),
		allow(policy.ClientStandard, policy.Reveal, policy.Self), allow(policy.ClientStandard, policy.Reveal, policy.ClientTeam))
	return map[string][]policy.Rule{"tenant": everything(), "scopes": narrow}
}

func BenchmarkCompile(b *testing.B) {
	w := newWorld(b)
	d := w.parse(benchPage, nil)
	b.ReportAllocs()
	for b.Loop() {
		w.gate.compileRoots(d.roots, d.vars)
	}
}

func BenchmarkRender(b *testing.B) {
	w := newWorld(b)
	d := w.parse(benchPage, nil)
	for name, rules := range benchRules() {
		b.Run(name, func(b *testing.B) {
			rights := w.rightsOf(w.session(w.tenants[0], 1, rules))
			plan := w.gate.compileRoots(d.roots, d.vars)
			b.ReportAllocs()
			for b.Loop() {
				w.gate.render(plan, rights)
			}
		})
	}
}

// BenchmarkBind is what a hot request does before it sends anything: shape, plan, rendered plan, arguments.
func BenchmarkBind(b *testing.B) {
	w := newWorld(b)
	d := w.parse(benchPage, nil)
	s := w.session(w.tenants[0], 1, everything())
	rights := w.rightsOf(s)
	b.ReportAllocs()
	for b.Loop() {
		key := planKey{op: d.op, roots: d.roots[0].Alias, shape: w.gate.shapeOf(d.op.VariableDefinitions, d.vars)}
		plan, ok := w.gate.plans.GetIfPresent(key)
		if !ok {
			plan = w.gate.compileRoots(d.roots, d.vars)
			w.gate.plans.Set(key, plan)
		}
		r := w.gate.buffers.get()
		r.gate, r.session, r.plan, r.rendered = w.gate, s, plan, w.gate.under(s, plan, rights)
		for len(r.sets) < len(r.rendered.stmts) {
			r.sets = append(r.sets, rowset{})
		}
		r.bind(d.vars, nil)
		r.queue(r.rendered.levels[0])
		w.gate.buffers.put(r)
	}
}

// BenchmarkRun answers over 20 000 clients: the whole way, the database included.
func BenchmarkRun(b *testing.B) {
	w := newWorld(b)
	m := w.tenants[0]
	w.grow(m, 20_000)
	_, err := w.conn.Exec(context.Background(), `ANALYZE`)
	must(b, err)
	for name, query := range map[string]string{
		"client":   `{ client(id: "` + gid("cli", m.ids["clients"][0]) + `") { id name owner { name } contacts { nodes { name phone } } contracts { nodes { number } } } }`,
		"page":     benchPage,
		"filtered": `{ clients(first: 20, filter: {stages: [TRADING, PROSPECT], search: "客户"}, orderBy: {field: NAME}) { nodes { id name } totalCount { value capped } } }`,
	} {
		d := w.parse(query, nil)
		for who, rules := range benchRules() {
			b.Run(name+"/"+who, func(b *testing.B) {
				s := w.session(m, 1, rules)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := w.gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
