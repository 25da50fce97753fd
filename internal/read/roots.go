package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func roots() []*Root {
	org, rules, grants := policy.OrganisationList, policy.PolicyRules, policy.GrantAdmin
	return []*Root{
		{Name: "viewer", Kind: RootViewer},
		{Name: "tenant", Kind: RootTenant, Type: "Tenant"},
		{Name: "node", Kind: RootNode},
		{Name: "nodes", Kind: RootNodes},
		{Name: "company", Kind: RootByID, Type: "Company"},
		{Name: "department", Kind: RootByID, Type: "Department"},
		{Name: "staffMember", Kind: RootByID, Type: "Staff"},
		{Name: "account", Kind: RootByID, Type: "Account"},
		{Name: "client", Kind: RootByID, Type: "Client"},
		{Name: "contract", Kind: RootByID, Type: "Contract"},
		{Name: "companies", Kind: RootList, Type: "Company", List: &List{Target: "Company"}},
		{Name: "departments", Kind: RootList, Type: "Department", List: &List{Target: "Department", Args: []Filter{
			{Name: "companyId", Group: org, Kind: FilterID, Prefix: id.Company, SQL: "{}.company_id = ?::uuid"},
		}}},
		{Name: "staffMembers", Kind: RootList, Type: "Staff", List: staffList()},
		{Name: "accounts", Kind: RootList, Type: "Account", List: &List{Target: "Account"}},
		{Name: "roles", Kind: RootList, Type: "Role", List: &List{Target: "Role"}},
		{Name: "roleBindings", Kind: RootList, Type: "RoleBinding", List: &List{Target: "RoleBinding", Args: []Filter{
			{Name: "accountId", Group: rules, Kind: FilterID, Prefix: id.Account, SQL: "{}.account_id = ?::uuid"},
			{Name: "roleId", Group: rules, Kind: FilterID, Prefix: id.Role, SQL: "{}.role_id = ?::uuid"},
			{Name: "awaitsEndorsement", Group: rules, Kind: FilterBool, SQL: "{}.awaits_endorsement = ?::boolean"},
		}}},
		{Name: "policyTests", Kind: RootList, Type: "PolicyTest", List: &List{Target: "PolicyTest", Args: []Filter{
			{Name: "states", Group: rules, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
		}}},
		{Name: "policyVersions", Kind: RootList, Type: "PolicyVersion", List: &List{
			Target:  "PolicyVersion",
			Default: Order{Group: Open, Expr: "{}.number", Kind: KindBigInt, Desc: true, IDDesc: true},
		}},
		{Name: "accessGrants", Kind: RootList, Type: "AccessGrant", List: &List{Target: "AccessGrant", Args: []Filter{
			{Name: "clientId", Group: grants, Kind: FilterID, Prefix: id.Client, SQL: "{}.client_id = ?::uuid"},
			{Name: "granteeId", Group: grants, Kind: FilterID, Prefix: id.Staff, SQL: "{}.grantee_staff_id = ?::uuid"},
		}}},
		{Name: "clients", Kind: RootList, Type: "Client", List: clientList()},
		{Name: "contracts", Kind: RootList, Type: "Contract", List: contractList("")},
		{Name: "original", Kind: RootByID, Type: "Original"},
		{Name: "originals", Kind: RootList, Type: "Original", List: originalList("")},
		{Name: "borrowing", Kind: RootByID, Type: "Borrowing"},
		{Name: "borrowings", Kind: RootList, Type: "Borrowing", List: borrowingList("")},
		{Name: "accessRequest", Kind: RootByID, Type: "AccessRequest"},
		{Name: "accessRequests", Kind: RootList, Type: "AccessRequest", List: accessRequestList("")},
		{Name: "approvalSteps", Kind: RootList, Type: "ApprovalStep", List: approvalStepList()},
		{Name: "accessReviews", Kind: RootList, Type: "AccessReview", List: &List{
			Target: "AccessReview", Default: Order{Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true},
		}},
		{Name: "accessReviewItems", Kind: RootList, Type: "AccessReviewItem", List: reviewItemList()},
		{Name: "auditRecords", Kind: RootList, Type: "AuditRecord", List: auditList()},
	}
}
