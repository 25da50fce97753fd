package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func reviewTypes() []*Type {
	rules := policy.PolicyRules
	count := func(name, of string) Field {
		return Field{Name: name, Group: rules, Kind: KindBigInt, Expr: "(SELECT count(*) FROM access_review_items i9 WHERE i9.tenant_id = $1 AND i9.review_id = {}.id" + of + ")"}
	}
	said := func(kind Kind, name, expr string) Field {
		return Field{Name: name, Group: rules, Kind: kind, Expr: expr}
	}
	ofReview := func(column string) string {
		return "(SELECT v9." + column + " FROM access_reviews v9 WHERE v9.tenant_id = $1 AND v9.id = {}.review_id)"
	}
	ofGrant := func(column string) string {
		return "(SELECT g9." + column + " FROM access_grants g9 WHERE g9.tenant_id = $1 AND g9.id = {}.grant_id)"
	}
	return []*Type{
		{
			Name: "AccessReview", Prefix: id.AccessReview, Table: "access_reviews", Twin: true, Entity: policy.OnPolicy,
			Fields: []Field{
				idField(id.AccessReview, "id"),
				col(rules, KindText, "period", "period"), col(rules, KindEnum, "state", "state"), col(rules, KindTime, "dueAt", "due_at"), col(rules, KindTime, "closedAt", "closed_at"),
				count("total", ""), count("kept", " AND i9.decision = 'KEEP'"), count("revoked", " AND i9.decision = 'REVOKE'"), count("lapsed", " AND i9.decision = 'LAPSED'"),
				count("undecided", " AND i9.decision IS NULL"),
				many(rules, "items", "AccessReviewItem", "review_id", byID()), version(), createdAt(),
			},
		},
		{
			// The reviewer sees his items whatever the policy says: he could not decide otherwise.
			Name: "AccessReviewItem", Prefix: id.AccessReviewItem, Table: "access_review_items", Twin: true, Entity: policy.OnPolicy,
			Own: Own{Column: "reviewer_staff_id", Staff: true}, Facts: policy.Columns{Staff: "{}.holder_staff_id"},
			Fields: []Field{
				idField(id.AccessReviewItem, "id"),
				one(rules, "review", "review_id", "AccessReview"), said(KindText, "period", ofReview("period")), said(KindTime, "dueAt", ofReview("due_at")),
				col(rules, KindEnum, "kind", "kind"), one(rules, "binding", "binding_id", "RoleBinding"), one(rules, "grant", "grant_id", "AccessGrant"),
				one(rules, "holder", "holder_staff_id", "Staff"),
				said(KindText, "roleKey", "(SELECT r9.key FROM role_bindings b9 JOIN roles r9 ON r9.tenant_id = $1 AND r9.id = b9.role_id"+
					" WHERE b9.tenant_id = $1 AND b9.id = {}.binding_id)"),
				said(KindText, "place", "(SELECT COALESCE(d9.name, c9.name) FROM role_bindings b9 LEFT JOIN departments d9 ON d9.tenant_id = $1 AND d9.id = b9.department_id"+
					" LEFT JOIN companies c9 ON c9.tenant_id = $1 AND c9.id = b9.company_id WHERE b9.tenant_id = $1 AND b9.id = {}.binding_id)"),
				said(KindInt, "classMask", ofGrant("class_mask")), said(KindText, "purpose", ofGrant("purpose")),
				one(rules, "reviewer", "reviewer_staff_id", "Staff"), col(rules, KindEnum, "decision", "decision"), one(rules, "decidedBy", "decided_by", "Staff"),
				col(rules, KindTime, "decidedAt", "decided_at"), col(rules, KindText, "reason", "reason"), version(),
			},
		},
	}
}

func reviewItemList() *List {
	rules := policy.PolicyRules
	return &List{Target: "AccessReviewItem", Args: []Filter{
		{Name: "reviewId", Group: rules, Kind: FilterID, Prefix: id.AccessReview, SQL: "{}.review_id = ?::uuid"},
		{Name: "reviewerId", Group: rules, Kind: FilterID, Prefix: id.Staff, SQL: "{}.reviewer_staff_id = ?::uuid"},
		{Name: "undecided", Group: rules, Kind: FilterBool, SQL: "({}.decision IS NULL) = ?::boolean"},
	}}
}
