package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clientele/clientele/policy"
)

// narrowed asks with every filter, argument and order there is.
func (r *run) narrowed() {
	for _, root := range r.schema.Query.Fields {
		if !isList(root) {
			continue
		}
		typ := strings.TrimSuffix(root.Type.Name(), "Connection")
		for _, arg := range root.Arguments {
			switch arg.Name {
			case "first", "after", "last", "before", "asOf":
			case "filter":
				for _, f := range r.schema.Types[arg.Type.Name()].Fields {
					for _, v := range r.values(arg.Type.Name() + "." + f.Name) {
						also := base(root.Name)
						if also == f.Name+": "+v.text {
							also = ""
						}
						r.narrow("filter", root.Name, typ, fmt.Sprintf("filter: {%s: %s %s}", f.Name, v.text, also), v.group, f.Name == "search")
					}
				}
			case "orderBy":
				field := r.schema.Types[arg.Type.Name()].Fields.ForName("field").Type.Name()
				for _, v := range r.schema.Types[field].EnumValues {
					group, known := orders()[field+"."+v.Name]
					if !known {
						r.fail("lists_test.go does not say of which group the order %s.%s is", field, v.Name)
						continue
					}
					r.narrow("order", root.Name, typ, fmt.Sprintf("orderBy: {field: %s, direction: ASC}", v.Name), group, false)
				}
			default:
				for _, v := range r.values(root.Name + "." + arg.Name) {
					if arg.Name == "mine" {
						r.waiting(v)
						continue
					}
					r.narrow("filter", root.Name, typ, fmt.Sprintf("%s: %s", arg.Name, v.text), v.group, false)
				}
			}
		}
	}
}

// narrowedInside asks with a filter of every list inside an object that has some; each person asks with another one.
func (r *run) narrowedInside() {
	at := slices.Index(r.people, r.who)
	for _, typ := range nodeTypes(r.schema) {
		for n, f := range r.schema.Types[typ].Fields {
			arg := f.Arguments.ForName("filter")
			if arg == nil || r.settled() {
				continue
			}
			if typ != "Client" {
				r.fail("nobody asks the list %s.%s with a filter: say in narrow_test.go of which rows", typ, f.Name)
				continue
			}
			fields := r.schema.Types[arg.Type.Name()].Fields
			by := fields[(at+n)%len(fields)]
			of := strings.TrimSuffix(f.Type.Name(), "Connection")
			for _, v := range r.values(arg.Type.Name() + "." + by.Name) {
				var gids []string
				for _, s := range []string{"department", "company", "company KEY", "elsewhere", "elsewhere KEY", "team", r.lender(r.who), "own of " + r.who.role} {
					gids = append(gids, r.gid(typ, r.clients[s]))
				}
				query := "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on " + typ + " { __typename id " + f.Name +
					fmt.Sprintf("(first: %d, filter: {%s: %s}) { nodes { __typename id } totalCount { value capped } } } } }", page, by.Name, v.text)
				if v.group != openToAll && !ownable(of) && !r.sheet.ever(question{v.group, policy.Filter}, r.who) {
					r.refusedWith("nested filter refused", query, map[string]any{"ids": gids}, "FORBIDDEN")
					continue
				}
				r.inside = func(row *placed) bool { return r.mayFilter(v.group, row) }
				r.compare("nested filter", query, map[string]any{"ids": gids}, nil)
				r.inside = nil
			}
		}
	}
}

// narrow asks one list narrowed by a field of a group: refused when the role has the right on no row, else of the rows that it
// may see those that it may find by that field. Orders are compared in order.
func (r *run) narrow(path, root, typ, argument string, group policy.Object, search bool) {
	if r.settled() {
		return
	}
	query := fmt.Sprintf("{ %s(first: 100, %s) { nodes { __typename id } totalCount { value capped } } }", root, argument)
	never := group != openToAll && !ownable(typ) && !r.sheet.ever(question{group, policy.Filter}, r.who)
	if search { // one word is looked for in what every group holds
		never = true
		for q := range r.sheet {
			if entity, _ := policy.EntityOf(q.object); entity == policy.OnClient && q.verb == policy.Filter && r.sheet.ever(q, r.who) {
				never = false
			}
		}
	}
	if never {
		r.refused(path+" refused", query, "FORBIDDEN")
		return
	}
	if path != "order" {
		r.compare(path, query, nil, func(row *placed) bool { return r.mayFilter(group, row) })
		return
	}
	truth, err := r.town.truth(r.truths, query, nil)
	if err != nil {
		r.fail("%v", err)
		return
	}
	got, err := r.ask(r.who, query, nil)
	if err != nil {
		r.fail("%v", err)
		return
	}
	r.counts[path]++
	want := r.expect(truth.again(), func(row *placed) bool { return r.mayFilter(group, row) })
	if d := difference(path, any(got.data), want); d != "" {
		r.fail("%s %s: %s; asked %s", r.who.role, path, d, query)
	}
	r.noLeak(path, got, asText(want), query)
}

// waiting asks for the steps that wait for the person: those that the sheets let him decide, but none of what he asked for himself, and
// none beside one that he has decided. What the truth says of "mine" is about somebody else: it is asked for all.
func (r *run) waiting(mine value) {
	if r.settled() {
		return
	}
	argument := ", mine: " + mine.text
	if !r.sheet.ever(question{mine.group, policy.Filter}, r.who) {
		r.refused("filter refused", "{ approvalSteps(first: 100"+argument+") { nodes { __typename id } totalCount { value capped } } }", "FORBIDDEN")
		return
	}
	all, err := r.pages(r.observer, "approvalSteps", ", mine: false", leaves(r.schema, "ApprovalStep"))
	if err != nil {
		r.fail("steps: the truth: %v", err)
		return
	}
	got, err := r.pages(r.who, "approvalSteps", argument, leaves(r.schema, "ApprovalStep"))
	if err != nil {
		r.fail("steps: %v", err)
		return
	}
	want := canonical(r.expect(all, func(row *placed) bool {
		return r.mayFilter(mine.group, row) && (mine.text == "false" || r.waitsFor(row))
	}))
	r.counts["filter"]++
	if mine.text == "true" {
		r.counts["steps that wait"] += len(want.(map[string]any)["nodes"].([]any))
	}
	if d := difference("approvalSteps"+argument, canonical(any(got)), want); d != "" {
		r.fail("%s: %s", r.who.role, d)
	}
}

// waitsFor tells whether somebody may decide the row's step, or the active one of what the row asks for.
func (j *judge) waitsFor(row *placed) bool {
	return row.waits != question{} && row.facts.person != j.who.staff && !slices.Contains(row.deciders, j.who.staff) && j.sheet.may(row.waits, j.who, row.facts)
}
