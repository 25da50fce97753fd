package matrix

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// records are the rows that no scope but the whole tenant's is about.
func (x *town) records() {
	x.add("AuditRecord", "audit_records", nil, values{
		"kind": "change", "act": fixtureAct, "actor_kind": "staff", "actor_id": x.observer.account, "actor_name": x.mark(), "object_type": "Client",
		"object_id": x.clients["elsewhere"], "reason": x.mark(), "clause": x.mark(), "detail": `{"changes":[{"field":"creditNote","new":"` + x.mark() + `"}]}`,
		"request_id": x.mark(), "occurred_at": time.Now(),
	})
	hash := sha256.Sum256(nil)
	x.add("PolicyVersion", "policy_versions", nil, values{
		"number": 2, "base_number": 1, "state": "superseded", "reason": x.mark(), "content_hash": hash[:], "published_at": time.Now(), "author_id": x.observer.account,
	})
	x.add("", "policy_conflicts", nil, values{
		"policy_version_id": x.uuids[x.ids["PolicyVersion"][0]], "seq": 99, "key": "one_more", "action_a": "client.open", "action_b": "client.lift", "name_zh": x.mark(), "name_en": x.mark(), "clause": x.mark(),
	})
	for _, u := range strings.Split(x.Text(`SELECT id FROM policy_conflicts WHERE tenant_id = $1 ORDER BY seq DESC`), ";") {
		x.note("PolicyConflict", uuid.MustParse(u), nil, uuid.Nil)
	}
	x.add("PolicyClass", "policy_classes", nil, values{ // of a version that is not in force
		"policy_version_id": x.uuids[x.ids["PolicyVersion"][0]], "object": "client#contacts", "field_class": 4,
	})
	x.add("PolicyTest", "policy_tests", nil, values{
		"name": x.mark(), "expectation": "NEVER", "role_key": "list_reader", "staff_id": x.junior, "staff_department_id": x.thirdDept, "object": "client", "action": "read",
		"row_company_id": x.third, "row_department_id": x.thirdDept, "row_condition": "grade = VIP", "row_own": "OTHERS", "clause": x.mark(), "state": "retired",
	})
	x.note("PolicyVersion", uuid.MustParse(x.Text(`SELECT id FROM policy_versions WHERE tenant_id = $1 AND number = 1`)), nil, uuid.Nil)
	for _, u := range strings.Split(x.Text(`SELECT id FROM policy_rules WHERE tenant_id = $1 ORDER BY seq DESC`), ";") {
		x.note("PolicyRule", uuid.MustParse(u), nil, uuid.Nil)
	}
	x.ids["PolicyRule"] = x.ids["PolicyRule"][:30] // one rule is seen by those who see them all
	for _, u := range strings.Split(x.Text(`SELECT id FROM roles WHERE tenant_id = $1 AND key <> 'observer' ORDER BY id`), ";") {
		x.note("Role", uuid.MustParse(u), nil, uuid.Nil)
	}
}

// reviews are a campaign with an item that the observer's binding is in, and one for everybody to review, about a grant.
func (x *town) reviews() {
	review := x.add("AccessReview", "access_reviews", nil, values{"period": reviewPeriod, "state": "closed", "due_at": time.Now().AddDate(10, 0, 0), "closed_at": time.Now()})
	binding := uuid.MustParse(x.Text(`SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NOT NULL`, x.observer.account))
	about := &facts{person: x.observer.staff}
	x.add("AccessReviewItem", "access_review_items", about, values{
		"review_id": review, "kind": "BINDING", "binding_id": binding, "holder_account_id": x.observer.account, "holder_staff_id": x.observer.staff,
		"reviewer_staff_id": x.junior, "decision": "KEEP", "decided_by": x.junior, "decided_at": time.Now(), "reason": x.mark(),
	})
	reviewer := x.people[slices.IndexFunc(x.people, func(p *person) bool { return p.role == "list_reader" })].staff
	item := x.add("AccessReviewItem", "access_review_items", about, values{
		"review_id": review, "kind": "GRANT", "grant_id": x.grants["department"], "holder_account_id": x.observer.account, "holder_staff_id": x.observer.staff, "reviewer_staff_id": reviewer,
	})
	x.rows[x.gid("AccessReviewItem", item)].own = reviewer
}

// reviewPeriod is the half year that has been reviewed.
const reviewPeriod = "2026-H2"

// fixtureAct is the act of the one audit record that was there before anybody asked.
const fixtureAct = "fixture.act"

// later changes what can be seen as of then: new texts, and two clients that moved. Rights are those of where they stand now.
func (x *town) later() {
	x.Exec(`UPDATE clients SET name = name || 'n', credit_note = credit_note || 'n', attitude = attitude || 'n', address = address || 'n', version = version + 1 WHERE tenant_id = $1`)
	x.Exec(`UPDATE contacts SET phone = '139' || right(phone, 8), title = title || 'n', version = version + 1 WHERE tenant_id = $1`)
	x.Exec(`UPDATE contracts SET title = title || 'n', amount_minor = amount_minor + 5000, version = version + 1 WHERE tenant_id = $1`)
	x.Exec(`UPDATE staff SET phone = '139' || right(phone, 8), version = version + 1 WHERE tenant_id = $1`)
	x.custodyLater()
	for name, to := range map[string][2]uuid.UUID{"moved away": {x.third, x.thirdDept}, "moved here": {x.Company, x.Department}} {
		client, contract := x.clients[name], x.contracts[name]
		x.Exec(`UPDATE clients SET company_id = $3, department_id = $4 WHERE tenant_id = $1 AND id = $2`, client, to[0], to[1])
		x.Exec(`UPDATE contracts SET company_id = $3, department_id = $4 WHERE tenant_id = $1 AND id = $2`, contract, to[0], to[1])
		for _, f := range append(x.of[client], x.clientFacts[client], x.contractFacts[contract]) {
			f.company, f.department = to[0], to[1]
		}
	}
}
