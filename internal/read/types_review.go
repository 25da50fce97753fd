package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func reviewTypes() []*Type {
	rules := policy.PolicyRules
	count := func(name, of string) Field {
		return Field{Name: name, Group: rules, Kind: KindBigInt, Expr: "(SELECT count(*) FROM access_review_items i_of WHERE i_of.tenant_id = $1 AND i_of.review_id = {}.id" + of + ")"}
	}
	said := func(kind Kind, name, expr string) Field {
		return Field{Name: name, Group: rules, Kind: kind, Expr: expr}
	}
	ofReview := func(column string) string {
		return "(SELECT v_of." + column + " FROM access_reviews v_of WHERE v_of.tenant_id = $1 AND v_of.id = {}.review_id)"
	}
	ofGrant := func(column string) string {
		return "(SELECT g_of." + column + " FROM access_grants g_of WHERE g_of.tenant_id = $1 AND g_of.id = {}.grant_id)"
	}
	return []*Type{
		{
			Name: "AccessReview", Prefix: id.AccessReview, Table: "access_reviews", Twin: true, Entity: policy.OnPolicy,
			Fields: []Field{
				idField(id.AccessReview, "id"),
				col(rules, KindText, "period", "period"), col(rules, KindEnum, "state", "state"), col(rules, KindTime, "dueAt", "due_at"), col(rules, KindTime, "closedAt", "closed_at"),
				count("total", ""), count("kept", " AND i_of.decision = 'KEEP'"), count("revoked", " AND i_of.decision = 'REVOKE'"), count("lapsed", " AND i_of.decision = 'LAPSED'"),
				count("undecided", " AND i_of.decision IS NULL"),
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
				said(KindText, "roleKey", "(SELECT r_of.key FROM role_bindings b_of JOIN roles r_of ON r_of.tenant_id = $1 AND r_of.id = b_of.role_id"+
					" WHERE b_of.tenant_id = $1 AND b_of.id = {}.binding_id)"),
				said(KindText, "place", "(SELECT COALESCE(d_of.name, c_of.name) FROM role_bindings b_of LEFT JOIN departments d_of ON d_of.tenant_id = $1 AND d_of.id = b_of.department_id"+
					" LEFT JOIN companies c_of ON c_of.tenant_id = $1 AND c_of.id = b_of.company_id WHERE b_of.tenant_id = $1 AND b_of.id = {}.binding_id)"),
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
