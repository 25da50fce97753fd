package matrix

import (
	"fmt"

	"github.com/clientele/clientele/graph/readside"
	"github.com/clientele/clientele/policy"
)

func (r *run) viewer() {
	query := "{ viewer { account { " + leaves(r.schema, "Account") + " } staff { " + leaves(r.schema, "Staff") + " } } tenant { " + leaves(r.schema, "Tenant") + " } }"
	got, err := r.ask(r.who, query, nil)
	if err != nil {
		r.fail("viewer: %v", err)
		return
	}
	seen, _ := got.data["viewer"].(map[string]any)
	account, staff := seen["account"], seen["staff"]
	if idOf(account) == "" {
		r.fail("%s viewer: one's own account is not there", r.who.role)
		return
	}
	by := map[string]any{"ids": []string{idOf(account), r.gid("Staff", r.who.staff)}}
	truth, err := r.town.truth(r.truths, "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { "+leaves(r.schema, "Account")+" } } }", by)
	if err != nil {
		r.fail("viewer: %v", err)
		return
	}
	r.counts["viewer"]++
	want := r.expect(truth.again()["nodes"].([]any)[0], nil)
	if d := difference("viewer.account", canonical(account), canonical(want)); d != "" {
		r.fail("%s: %s", r.who.role, d)
	}
	if row := r.rows[r.gid("Staff", r.who.staff)]; (staff != nil) != r.sees(row) {
		r.fail("%s viewer: own staff record %v, the sheets say %v", r.who.role, staff, r.sees(row))
	}
	r.compare("tenant", "{ tenant { "+leaves(r.schema, "Tenant")+" } }", nil, nil)
}

// questions asks what only those who may read rules are answered; the objects in the answers are seen as everywhere.
func (r *run) questions() {
	client := r.gid("Client", r.clients["granted L1"])
	asked := map[string]string{
		"policySimulate": fmt.Sprintf(`(policyVersionId: %q) { more duties }`, r.ids["PolicyVersion"][1]),
		"whoCanSee":      fmt.Sprintf(`(objectId: %q, group: "client#standard", first: 100) { paths { role access staff { %s } binding { %s } rule { %s } } more }`, client, leaves(r.schema, "Staff"), leaves(r.schema, "RoleBinding"), leaves(r.schema, "PolicyRule")),
		"policyCompare":  `(from: "1", to: "2") { added { seq zh } removed { seq zh } }`,
		"policyTestRun":  fmt.Sprintf(`(policyVersionId: %q) { passed message }`, r.ids["PolicyVersion"][1]),
		"policyLint":     fmt.Sprintf(`(policyVersionId: %q) { code seq message }`, r.ids["PolicyVersion"][1]),
		"reachPreview":   fmt.Sprintf(`(staffId: %q) { staff { %s } rows counts { object action rows } }`, r.gid("Staff", r.junior), leaves(r.schema, "Staff")),
		"explainAccess":  fmt.Sprintf(`(staffId: %q, object: "client", action: "read", objectId: %q) { allow reason role }`, r.gid("Staff", r.junior), client),
	}
	_, roots := readside.Listed()
	for _, root := range roots {
		rest, ok := asked[root]
		if !ok {
			r.fail("nobody asks Query.%s: say in read_test.go how, and who may", root)
			continue
		}
		query := "{ " + root + rest + " }"
		may := r.sheet.may(question{policy.OnPolicy, policy.PolicyRead}, r.who, &facts{})
		if root == "reachPreview" { // for who is about to suspend somebody, too
			may = may || r.sheet.may(question{policy.OnAccount, policy.AccountSuspend}, r.who, r.rows[r.gid("Staff", r.junior)].facts)
		}
		if !may {
			got, err := r.ask(r.who, query, nil)
			if err != nil {
				r.fail("%s: %v", root, err)
				continue
			}
			r.counts["question refused"]++
			if code := got.codes(); code != "FORBIDDEN" && code != "NOT_FOUND" || got.data[root] != nil {
				r.fail("%s %s: answered %.300s", r.who.role, root, got.text)
			}
			r.noLeak(root, got, "", query)
			continue
		}
		got, err := r.ask(r.who, query, nil)
		if err != nil || got.data[root] == nil {
			r.fail("%s %s: %v %.200s", r.who.role, root, err, got.text)
			continue
		}
		r.counts["question"]++
		switch root {
		case "whoCanSee":
			r.compare("question", query, nil, nil)
			r.whoCanSee(got, r.rows[client], policy.ClientStandard)
			for name, group := range map[string]policy.Object{"held by list_reader": policy.OriginalContent, "overdue of list_reader": policy.OriginalRegister, "department L6": policy.OriginalContent} {
				original := r.gid("Original", r.originals[name])
				got, err := r.ask(r.who, fmt.Sprintf(`{ whoCanSee(objectId: %q, group: %q, first: 100) { paths { staff { id } } more } }`, original, group), nil)
				if err != nil || got.data["whoCanSee"] == nil {
					r.fail("%s %s: %v %.200s", r.who.role, root, err, got.text)
					continue
				}
				r.whoCanSee(got, r.rows[original], group)
			}
		case "reachPreview":
			r.compare("question", query, nil, nil)
		}
	}
}

// whoCanSee has to name exactly those whom the sheets let see it.
func (r *run) whoCanSee(got answer, row *placed, group policy.Object) {
	r.counts["who can see"]++
	named := map[string]bool{}
	for _, p := range got.data["whoCanSee"].(map[string]any)["paths"].([]any) {
		named[idOf(p.(map[string]any)["staff"])] = true
	}
	for _, p := range r.people {
		other := r.town.judge(r.sheet, p)
		sees := other.sees(row) && other.level(group, row) > hidden
		if named[r.gid("Staff", p.staff)] != sees {
			r.fail("whoCanSee %s: %s is named %v, the sheets say %v", group, p.role, !sees, sees)
		}
	}
}
