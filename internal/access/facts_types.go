package access

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// kind is a type of rows: where they live and what policy may know of them. Columns are templates in which {} stands for the row
// that decides: the row itself, or the anchor's row that it names by key.
//
// SECURITY: the read gate's type table says the same, column for column; a test of package read holds the two equal for every
// type that it serves, so that an explanation and a reading never judge by different facts.
type kind struct {
	name, prefix, table string
	entity              policy.Object // empty: the anchor's
	facts               policy.Columns
	anchor, key         string
	cover               policy.Object // of the anchor, without which rows of the type are not seen
	own                 Own
}

// Own opens a row to the person it is about, whatever the policy says: the column holds his staff id, or his account's. No column:
// the row is nobody's own.
type Own struct {
	Column string
	Staff  bool
}

func of(table, column, expr string) string {
	return "(SELECT o_of." + column + " FROM " + table + " o_of WHERE o_of.tenant_id = $1 AND o_of.id = " + expr + ")"
}

// ofClient are the facts of a row that belongs to a client and has no place of its own.
func ofClient(f policy.Columns) policy.Columns {
	f.Client = "{}.client_id"
	f.Owner, f.Company, f.Department = of("clients", "owner_id", f.Client), of("clients", "company_id", f.Client), of("clients", "department_id", f.Client)
	return gradeOf(f)
}

// gradeOf adds what the client says about a row of its own.
func gradeOf(f policy.Columns) policy.Columns {
	f.Grade, f.Important, f.Suspended = of("clients", "grade", f.Client), of("clients", "important", f.Client), of("clients", "suspended", f.Client)
	return f
}

func kinds() []kind {
	const accountID = "{}.account_id"
	holder := of("accounts", "staff_id", accountID)
	mine := Own{Column: "account_id"}
	return []kind{
		{name: "Company", prefix: id.Company, table: "companies", entity: policy.OnOrganisation, facts: policy.Columns{Company: "{}.id"}},
		{name: "Department", prefix: id.Department, table: "departments", entity: policy.OnOrganisation, facts: policy.Columns{Company: "{}.company_id", Department: "{}.id"}},
		{name: "Position", prefix: id.Position, table: "positions", anchor: "Department", key: "department_id", cover: policy.OrganisationList},
		{
			name: "Staff", prefix: id.Staff, table: "staff", entity: policy.OnStaff,
			facts: policy.Columns{Company: "{}.company_id", Department: "{}.department_id", Staff: "{}.id"},
		},
		{name: "Employment", prefix: id.Employment, table: "employments", anchor: "Staff", key: "staff_id", cover: policy.StaffDirectory},

		{
			name: "Account", prefix: id.Account, table: "accounts", entity: policy.OnAccount, own: Own{Column: "id"},
			facts: policy.Columns{Staff: "{}.staff_id", Company: of("staff", "company_id", "{}.staff_id"), Department: of("staff", "department_id", "{}.staff_id")},
		},
		{name: "Session", prefix: id.Session, table: "sessions", anchor: "Account", key: "account_id", cover: policy.AccountAdmin, own: mine},
		{name: "ApiToken", prefix: id.APIToken, table: "api_tokens", anchor: "Account", key: "account_id", cover: policy.AccountAdmin, own: mine},
		{name: "Role", prefix: id.Role, table: "roles", entity: policy.OnPolicy, facts: policy.Columns{Company: "{}.company_id"}},
		{ // a binding stands where its anchor is, else where its holder is employed
			name: "RoleBinding", prefix: id.RoleBinding, table: "role_bindings", entity: policy.OnPolicy, own: mine,
			facts: policy.Columns{
				Staff: holder, Company: "COALESCE({}.company_id, " + of("staff", "company_id", holder) + ")",
				Department: "COALESCE({}.department_id, " + of("staff", "department_id", holder) + ")",
			},
		},
		{name: "PolicyVersion", prefix: id.PolicyVersion, table: "policy_versions", entity: policy.OnPolicy},
		{name: "PolicyRule", prefix: id.PolicyRule, table: "policy_rules", anchor: "PolicyVersion", key: "policy_version_id", cover: policy.PolicyRules},
		{name: "PolicyConflict", prefix: id.PolicyConflict, table: "policy_conflicts", anchor: "PolicyVersion", key: "policy_version_id", cover: policy.PolicyRules},
		{name: "PolicyClass", prefix: id.PolicyClass, table: "policy_classes", anchor: "PolicyVersion", key: "policy_version_id", cover: policy.PolicyRules},
		{name: "PolicyTest", prefix: id.PolicyTest, table: "policy_tests", entity: policy.OnPolicy},
		{
			name: "AccessGrant", prefix: id.Grant, table: "access_grants", entity: policy.OnGrant, own: Own{Column: "grantee_staff_id", Staff: true},
			facts: ofClient(policy.Columns{Staff: "{}.grantee_staff_id"}),
		},
		{name: "AccessReview", prefix: id.AccessReview, table: "access_reviews", entity: policy.OnPolicy},
		{
			name: "AccessReviewItem", prefix: id.AccessReviewItem, table: "access_review_items", entity: policy.OnPolicy, own: Own{Column: "reviewer_staff_id", Staff: true},
			facts: policy.Columns{Staff: "{}.holder_staff_id"},
		},

		{
			name: "Client", prefix: id.Client, table: "clients", entity: policy.OnClient,
			facts: policy.Columns{
				Company: "{}.company_id", Department: "{}.department_id", Owner: "{}.owner_id", Client: "{}.id",
				Grade: "{}.grade", Stage: "{}.stage", Important: "{}.important", Suspended: "{}.suspended",
			},
		},
		{name: "ClientTeamMember", prefix: id.ClientTeamMember, table: "client_team_members", anchor: "Client", key: "client_id", cover: policy.ClientList},
		{name: "ClientDistribution", prefix: id.ClientDistribution, table: "client_distributions", anchor: "Client", key: "client_id", cover: policy.ClientList},
		{name: "Contact", prefix: id.Contact, table: "contacts", anchor: "Client", key: "client_id", cover: policy.ClientContacts},
		{name: "ClientChange", prefix: id.ClientChange, table: "client_changes", anchor: "Client", key: "client_id", cover: policy.ClientDealings},

		{
			name: "Contract", prefix: id.Contract, table: "contracts", entity: policy.OnContract,
			facts: gradeOf(policy.Columns{
				Company: "{}.company_id", Department: "{}.department_id", Owner: "{}.owner_id", Client: "{}.client_id",
				Kind: "{}.kind", State: "{}.state", Amount: "{}.amount_minor",
			}),
		},
		{name: "ContractRevision", prefix: id.Revision, table: "contract_revisions", anchor: "Contract", key: "contract_id", cover: policy.ContractTerms},
		{name: "ContractParty", prefix: id.Party, table: "contract_parties", anchor: "Contract", key: "contract_id", cover: policy.ContractTerms},
		{name: "Obligation", prefix: id.Obligation, table: "obligations", anchor: "Contract", key: "contract_id", cover: policy.ContractSummary},

		{name: "Original", prefix: id.Original, table: "originals", entity: policy.OnOriginal, facts: ofClient(policy.Columns{Original: "{}.id", FieldClass: "{}.field_class"})},
		{name: "OriginalVersion", prefix: id.OriginalVersion, table: "original_versions", anchor: "Original", key: "original_id", cover: policy.OriginalRegister},
		{name: "File", prefix: id.File, table: "files", anchor: "Original", key: "original_id", cover: policy.OriginalRegister},
		{name: "CustodyIncident", prefix: id.Incident, table: "custody_incidents", anchor: "Original", key: "original_id", cover: policy.OriginalRegister},
		{
			name: "Borrowing", prefix: id.Borrowing, table: "borrowings", entity: policy.OnBorrowing,
			facts: ofClient(policy.Columns{Staff: "{}.borrower_staff_id", FieldClass: "{}.top_class"}),
		},
		{name: "BorrowingItem", prefix: id.BorrowingItem, table: "borrowing_items", anchor: "Borrowing", key: "borrowing_id", cover: policy.BorrowingRegister},
		{name: "AccessRequest", prefix: id.AccessRequest, table: "access_requests", entity: policy.OnAccessRequest, facts: ofClient(policy.Columns{Staff: "{}.requester_staff_id"})},
		{
			name: "ApprovalStep", prefix: id.ApprovalStep, table: "approval_steps", entity: policy.OnApproval,
			facts: ofClient(policy.Columns{Staff: "{}.requester_staff_id", FieldClass: of("borrowings", "top_class", "{}.subject_id")}),
		},

		{name: "AuditRecord", prefix: id.AuditRecord, table: "audit_records", entity: policy.OnAudit, facts: policy.Columns{Staff: of("accounts", "staff_id", "{}.actor_id")}},
	}
}

func kindNamed(name string) (kind, bool) {
	for _, k := range kinds() {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// TypeOf gives the type whose ids have a prefix; false for what nobody explains.
func TypeOf(prefix string) (string, bool) {
	for _, k := range kinds() {
		if k.prefix == prefix {
			return k.name, true
		}
	}
	return "", false
}
