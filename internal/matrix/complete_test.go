package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"

	"github.com/google/uuid"
)

// gid is the API's form of an id of a type.
func (x *town) gid(typ string, u uuid.UUID) string { return id.Encode(prefixes()[typ], u) }

// value is what a filter is asked with, and the group it is about.
type value struct {
	text  string
	group policy.Object
}

// values gives the values of a filter or argument as they stand in a document.
func (r *run) values(name string) (out []value) {
	n, known := filters()[name]
	if !known {
		r.fail("lists_test.go does not say of which group the filter %s is, nor what to ask", name)
		return nil
	}
	ids := map[string]string{
		"company": r.gid("Company", r.Company), "department": r.gid("Department", r.Department), "junior": r.gid("Staff", r.junior), "me": r.gid("Staff", r.who.staff),
		"account": r.gid("Account", r.observer.account), "client": r.gid("Client", r.clients["elsewhere"]), "granted": r.gid("Client", r.clients["granted L1"]),
		"role": r.roleOf(r.who.role), "review": r.ids["AccessReview"][0],
		"lender": r.gid("Client", r.clients[r.lender(r.who)]),
	}
	for _, v := range n.values {
		if gid, ok := ids[strings.TrimSuffix(v, "!")]; ok {
			if strings.HasSuffix(v, "!") {
				out = append(out, value{fmt.Sprintf("%q", gid), n.group})
			} else {
				out = append(out, value{fmt.Sprintf("[%q]", gid), n.group})
			}
			continue
		}
		if field, at, ok := strings.Cut(strings.TrimSuffix(v, ")"), "("); ok {
			typ, root, row := "Client", "client", r.clients[at]
			if field == "number" {
				typ, root, row = "Contract", "contract", r.contracts[at]
			}
			truth, err := r.town.truth(r.truths, fmt.Sprintf("{ %s(id: %q) { %s } }", root, r.gid(typ, row), field), nil)
			if err != nil {
				r.fail("%s: %v", name, err)
				return nil
			}
			v = fmt.Sprintf("%q", truth.data[root].(map[string]any)[field])
		}
		out = append(out, value{v, n.group})
	}
	if name == "ClientFilter.search" { // former names are of the standard archive
		out = append(out, value{`"former"`, policy.ClientStandard})
	}
	return out
}

func (x *town) roleOf(key string) string {
	return x.gid("Role", uuid.MustParse(x.Text(`SELECT id FROM roles WHERE tenant_id = $1 AND key = $2`, key)))
}

// complete says what the fixture lacks to show something of every type and field: an empty field is told from a hidden one by nothing.
func (x *town) complete(s *ast.Schema) (problems []string) {
	known := &truths{known: map[string]answer{}}
	if s.Subscription != nil {
		for _, f := range s.Subscription.Fields {
			if !observedElsewhere(f.Name) {
				problems = append(problems, "Subscription."+f.Name+": no run observes what leaves by it; say in lists_test.go which does")
			}
		}
	}
	for _, typ := range nodeTypes(s) {
		if prefixes()[typ] == "" || len(x.ids[typ]) == 0 {
			problems = append(problems, typ+": place some rows of it in place_test.go, and its prefix in lists_test.go")
			continue
		}
		filled := map[string]bool{}
		for part := range slices.Chunk(x.ids[typ], 20) {
			a, err := x.truth(known, "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on "+typ+" { "+whole(s, typ)+" } } }", map[string]any{"ids": part})
			if err != nil {
				return append(problems, err.Error())
			}
			for i, n := range a.data["nodes"].([]any) {
				fields, ok := n.(map[string]any)
				if !ok {
					problems = append(problems, typ+" "+part[i]+" is not there for one who sees everything")
				}
				for name, v := range fields {
					if list, ok := v.(map[string]any); ok && list["nodes"] != nil && len(list["nodes"].([]any)) == 0 {
						continue
					}
					filled[name] = filled[name] || v != nil
				}
			}
		}
		for _, f := range s.Types[typ].Fields {
			if !strings.HasPrefix(f.Name, "__") && !filled[f.Name] {
				problems = append(problems, typ+"."+f.Name+": no placed row has a value: fill it in place_test.go")
			}
		}
	}
	return problems
}
