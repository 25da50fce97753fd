package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// staffOf gives a column of the staff member behind an expression that holds his id.
func staffOf(expr, column string) string {
	return "(SELECT s_of." + column + " FROM staff s_of WHERE s_of.tenant_id = $1 AND s_of.id = " + expr + ")"
}

const accountStaff = "(SELECT a_of.staff_id FROM accounts a_of WHERE a_of.tenant_id = $1 AND a_of.id = {}.account_id)"

func identityTypes() []*Type {
	adm, rules := policy.AccountAdmin, policy.PolicyRules
	newest := Order{Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true}
	return []*Type{
		{
			Name: "Account", Prefix: id.Account, Table: "accounts", Twin: true, Entity: policy.OnAccount, Own: Own{Column: "id"},
			Facts: policy.Columns{Staff: "{}.staff_id", Company: staffOf("{}.staff_id", "company_id"), Department: staffOf("{}.staff_id", "department_id")},
			Fields: []Field{
				idField(id.Account, "id"),
				col(adm, KindEnum, "kind", "kind"), col(adm, KindText, "login", "login"), col(adm, KindText, "displayName", "display_name"),
				col(adm, KindEnum, "state", "state"), one(adm, "staff", "staff_id", "Staff"),
				many(adm, "sessions", "Session", "account_id", newest), many(adm, "apiTokens", "ApiToken", "account_id", newest),
				many(adm, "roleBindings", "RoleBinding", "account_id", byID()),
				version(), createdAt(),
			},
		},
		{
			Name: "Session", Prefix: id.Session, Table: "sessions", Anchor: "Account", AnchorKey: "account_id", Cover: adm, Own: Own{Column: "account_id"},
			Fields: []Field{
				idField(id.Session, "id"),
				one(adm, "account", "account_id", "Account"), col(adm, KindText, "userAgent", "user_agent"), col(adm, KindText, "address", "address"),
				createdAt(), col(adm, KindTime, "lastSeenAt", "last_seen_at"), col(adm, KindTime, "expiresAt", "expires_at"), col(adm, KindTime, "revokedAt", "revoked_at"),
			},
		},
		{
			Name: "ApiToken", Prefix: id.APIToken, Table: "api_tokens", Anchor: "Account", AnchorKey: "account_id", Cover: adm, Own: Own{Column: "account_id"},
			Fields: []Field{
				idField(id.APIToken, "id"),
				one(adm, "account", "account_id", "Account"), col(adm, KindText, "name", "name"), col(adm, KindText, "tokenPrefix", "token_prefix"),
				col(adm, KindText, "scopes", "scopes"), createdAt(), col(adm, KindTime, "lastUsedAt", "last_used_at"),
				col(adm, KindTime, "expiresAt", "expires_at"), col(adm, KindTime, "revokedAt", "revoked_at"), version(),
			},
		},
		{
			Name: "Role", Prefix: id.Role, Table: "roles", Twin: true, Entity: policy.OnPolicy, Facts: policy.Columns{Company: "{}.company_id"},
			Fields: []Field{
				idField(id.Role, "id"),
				col(rules, KindText, "key", "key"), col(rules, KindText, "nameZh", "name_zh"), col(rules, KindText, "nameEn", "name_en"),
				col(rules, KindText, "template", "template"), one(rules, "parent", "parent_id", "Role"), one(rules, "company", "company_id", "Company"), col(rules, KindEnum, "state", "state"), version(),
			},
		},
		{
			Name: "RoleBinding", Prefix: id.RoleBinding, Table: "role_bindings", Twin: true, Entity: policy.OnPolicy, Own: Own{Column: "account_id"},
			Facts: policy.Columns{
				Staff:      accountStaff,
				Company:    "COALESCE({}.company_id, " + staffOf(accountStaff, "company_id") + ")",
				Department: "COALESCE({}.department_id, " + staffOf(accountStaff, "department_id") + ")",
			},
			Fields: []Field{
				idField(id.RoleBinding, "id"),
				one(rules, "account", "account_id", "Account"), one(rules, "role", "role_id", "Role"), one(rules, "company", "company_id", "Company"),
				one(rules, "department", "department_id", "Department"), col(rules, KindTime, "validFrom", "valid_from"),
				col(rules, KindTime, "validUntil", "valid_until"), col(rules, KindTime, "revokedAt", "revoked_at"), col(rules, KindTime, "reviewDueAt", "review_due_at"),
				col(rules, KindBool, "awaitsEndorsement", "awaits_endorsement"), col(rules, KindTime, "endorsedAt", "endorsed_at"),
				one(rules, "endorsedBy", "endorsed_by", "Staff"), version(),
			},
		},
		{
			Name: "PolicyVersion", Prefix: id.PolicyVersion, Table: "policy_versions", Twin: true, Entity: policy.OnPolicy,
			Fields: []Field{
				idField(id.PolicyVersion, "id"),
				col(rules, KindBigInt, "number", "number"), col(rules, KindBigInt, "baseNumber", "base_number"), col(rules, KindEnum, "state", "state"),
				col(rules, KindText, "reason", "reason"), col(rules, KindTime, "publishedAt", "published_at"),
				many(rules, "rules", "PolicyRule", "policy_version_id", Order{Group: rules, Expr: "{}.seq", Kind: KindInt}),
				many(rules, "classes", "PolicyClass", "policy_version_id", Order{Group: rules, Expr: "{}.object", Kind: KindText}),
				many(rules, "conflicts", "PolicyConflict", "policy_version_id", Order{Group: rules, Expr: "{}.seq", Kind: KindInt}), version(), createdAt(),
			},
		},
		{
			Name: "PolicyConflict", Prefix: id.PolicyConflict, Table: "policy_conflicts", Anchor: "PolicyVersion", AnchorKey: "policy_version_id", Cover: rules,
			Fields: []Field{
				idField(id.PolicyConflict, "id"),
				col(rules, KindInt, "seq", "seq"), col(rules, KindText, "key", "key"), col(rules, KindText, "actionA", "action_a"), col(rules, KindText, "actionB", "action_b"),
				col(rules, KindText, "nameZh", "name_zh"), col(rules, KindText, "nameEn", "name_en"), col(rules, KindText, "clause", "clause"),
			},
		},
		{
			Name: "PolicyTest", Prefix: id.PolicyTest, Table: "policy_tests", Twin: true, Entity: policy.OnPolicy,
			Fields: []Field{
				idField(id.PolicyTest, "id"),
				col(rules, KindText, "name", "name"), col(rules, KindEnum, "expectation", "expectation"), col(rules, KindText, "roleKey", "role_key"),
				one(rules, "staff", "staff_id", "Staff"), one(rules, "staffDepartment", "staff_department_id", "Department"), col(rules, KindText, "object", "object"),
				col(rules, KindText, "action", "action"), one(rules, "rowCompany", "row_company_id", "Company"), one(rules, "rowDepartment", "row_department_id", "Department"),
				col(rules, KindText, "rowCondition", "row_condition"), col(rules, KindEnum, "rowOwn", "row_own"), col(rules, KindText, "clause", "clause"),
				col(rules, KindEnum, "state", "state"), version(), createdAt(),
			},
		},
		{
			Name: "PolicyRule", Prefix: id.PolicyRule, Table: "policy_rules", Anchor: "PolicyVersion", AnchorKey: "policy_version_id", Cover: rules,
			Fields: []Field{
				idField(id.PolicyRule, "id"),
				col(rules, KindInt, "seq", "seq"), col(rules, KindText, "roleKey", "role_key"), col(rules, KindText, "object", "object"),
				col(rules, KindText, "action", "action"), col(rules, KindEnum, "dataScope", "data_scope"), col(rules, KindInt, "classMask", "class_mask"),
				col(rules, KindText, "condition", "condition"), col(rules, KindEnum, "effect", "effect"), col(rules, KindTime, "validFrom", "valid_from"),
				col(rules, KindTime, "validUntil", "valid_until"), col(rules, KindText, "clause", "clause"), col(rules, KindText, "note", "note"),
			},
		},
		{
			Name: "PolicyClass", Prefix: id.PolicyClass, Table: "policy_classes", Anchor: "PolicyVersion", AnchorKey: "policy_version_id", Cover: rules,
			Fields: []Field{idField(id.PolicyClass, "id"), col(rules, KindText, "object", "object"), col(rules, KindInt, "class", "field_class")},
		},
		{
			Name: "AccessGrant", Prefix: id.Grant, Table: "access_grants", Twin: true, Entity: policy.OnGrant, Own: Own{Column: "grantee_staff_id", Staff: true},
			Facts: policy.Columns{
				Staff: "{}.grantee_staff_id", Client: "{}.client_id", Owner: clientOf("owner_id"), Company: clientOf("company_id"),
				Department: clientOf("department_id"), Grade: clientOf("grade"), Important: clientOf("important"), Suspended: clientOf("suspended"),
			},
			Fields: []Field{
				idField(id.Grant, "id"),
				one(policy.GrantAdmin, "grantee", "grantee_staff_id", "Staff"), one(policy.GrantAdmin, "client", "client_id", "Client"),
				col(policy.GrantAdmin, KindInt, "classMask", "class_mask"), col(policy.GrantAdmin, KindText, "purpose", "purpose"),
				col(policy.GrantAdmin, KindTime, "validFrom", "valid_from"), col(policy.GrantAdmin, KindTime, "validUntil", "valid_until"),
				col(policy.GrantAdmin, KindTime, "revokedAt", "revoked_at"), col(policy.GrantAdmin, KindTime, "reviewDueAt", "review_due_at"), version(),
			},
		},
	}
}

// clientOf gives a column of the client that the row belongs to.
func clientOf(column string) string {
	return "(SELECT c_of." + column + " FROM clients c_of WHERE c_of.tenant_id = $1 AND c_of.id = {}.client_id)"
}
