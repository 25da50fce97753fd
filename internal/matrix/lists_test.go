package matrix

import (
	"slices"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// What the SDL does not say in a form that a program reads stands here, once each. A type, filter, order or root that is missing
// turns the run red.

// prefixes of the types of Node.
func prefixes() map[string]string {
	return map[string]string{
		"Tenant": id.Tenant, "Company": id.Company, "Department": id.Department, "Position": id.Position, "Staff": id.Staff, "Employment": id.Employment,
		"Account": id.Account, "Session": id.Session, "ApiToken": id.APIToken, "Role": id.Role, "RoleBinding": id.RoleBinding, "PolicyVersion": id.PolicyVersion,
		"PolicyRule": id.PolicyRule, "AccessGrant": id.Grant, "Client": id.Client, "ClientTeamMember": id.ClientTeamMember, "ClientDistribution": id.ClientDistribution,
		"Contact": id.Contact, "ClientChange": id.ClientChange, "Contract": id.Contract, "ContractRevision": id.Revision, "ContractParty": id.Party,
		"Obligation": id.Obligation, "AuditRecord": id.AuditRecord,
		"PolicyTest": id.PolicyTest, "PolicyConflict": id.PolicyConflict, "PolicyClass": id.PolicyClass, "AccessReview": id.AccessReview, "AccessReviewItem": id.AccessReviewItem,
		"Original": id.Original, "OriginalVersion": id.OriginalVersion, "File": id.File, "CustodyIncident": id.Incident,
		"Borrowing": id.Borrowing, "BorrowingItem": id.BorrowingItem, "AccessRequest": id.AccessRequest, "ApprovalStep": id.ApprovalStep,
	}
}

// groupOfType is the group of types whose description names none.
func groupOfType() map[string]policy.Object {
	return map[string]policy.Object{"Session": policy.AccountAdmin, "ApiToken": policy.AccountAdmin, "Tenant": policy.TenantSettings}
}

// ownable tells the types whose rows somebody may call his own: he may ask lists by their fields whatever the policy says.
func ownable(typ string) bool {
	return typ == "RoleBinding" || typ == "AccessGrant" || typ == "AccessReviewItem"
}

// actsElsewhere are mutations whose right is in the row and not in the sheets, with the package whose tests hold it.
func actsElsewhere() map[string]string {
	return map[string]string{"accessReviewDecide": "internal/review: whoever the item names as its reviewer"}
}

// ofItself tells the types whose rows are there for whoever may read the noun, even where no group of them is shown to him.
func ofItself(typ string) bool {
	return slices.Contains([]string{"Client", "Contract", "Staff", "Original", "Borrowing", "AccessRequest", "ApprovalStep"}, typ)
}

// stepActs are the acts that decide steps, by subject and key (AC-09, AC-10).
func stepActs() map[string]question {
	return map[string]question{
		"BORROWING custodian": {policy.OnBorrowing, policy.BorrowingLend}, "BORROWING department_head": {policy.OnBorrowing, policy.BorrowingApprove},
		"ACCESS_REQUEST department_head": {policy.OnAccessRequest, policy.AccessRequestEndorse}, "ACCESS_REQUEST key_account_manager": {policy.OnAccessRequest, policy.AccessRequestApprove},
	}
}

// everybodys rows are seen by whoever is signed in.
func everybodys(typ string) bool { return typ == "Tenant" }

// openField is one that whoever sees the row may see.
func openField(typ, name string) bool {
	switch name {
	case "id", "version", "createdAt", "updatedAt":
		return true
	}
	return typ == "Client" && slices.Contains([]string{"contracts", "originals", "borrowings", "accessRequests"}, name) // they are judged by themselves
}

// plainWhenMasked are fields that `peek` shows as they are: whom to call, without the number.
func plainWhenMasked(typ, name string) bool {
	if typ != "Contact" {
		return false
	}
	switch name {
	case "client", "name", "title", "isPrimary", "refusesCalls", "state":
		return true
	}
	return false
}

// narrowing is what a filter, argument or order is about, and what is asked for.
type narrowing struct {
	group  policy.Object // "": whoever sees the row may
	values []string      // as they stand in a document; NAME(spot) is replaced by what the truth has there
}

const openToAll policy.Object = ""

// filters of inputs, "Input.field"; and arguments of roots, "root.argument".
func filters() map[string]narrowing {
	list, std, sum, dir, rec := policy.ClientList, policy.ClientStandard, policy.ContractSummary, policy.StaffDirectory, policy.AuditRecords
	reg, loan, req := policy.OriginalRegister, policy.BorrowingRegister, policy.AccessRequestRegister
	return map[string]narrowing{
		"ClientFilter.search": {list, []string{`"zq"`}}, "ClientFilter.code": {list, []string{"code(company)", "code(granted L1)", "code(team)"}},
		"ClientFilter.unifiedCreditCode": {std, []string{"unifiedCreditCode(company)", "unifiedCreditCode(granted L0)", "unifiedCreditCode(team)"}},
		"ClientFilter.kinds":             {list, []string{"[DEALER]"}}, "ClientFilter.stages": {list, []string{"[TRADING]"}}, "ClientFilter.grades": {std, []string{"[VIP, A]"}},
		"ClientFilter.acquisitions": {std, []string{"[GROUP]"}}, "ClientFilter.regions": {list, []string{`["north"]`}},
		"ClientFilter.companyIds": {list, []string{"company"}}, "ClientFilter.departmentIds": {list, []string{"department"}}, "ClientFilter.ownerIds": {list, []string{"junior"}},
		"ClientFilter.suspended": {list, []string{"true"}}, "ClientFilter.important": {std, []string{"true"}},
		"ClientFilter.updatedAfter": {openToAll, []string{`"2020-01-01T00:00:00Z"`}}, "ClientFilter.updatedBefore": {openToAll, []string{`"2100-01-01T00:00:00Z"`}},
		"ClientFilter.nextContactOnOrBefore": {policy.ClientDealings, []string{`"2030-01-01"`}},

		"ContractFilter.number": {sum, []string{"number(company)", "number(granted L3)"}}, "ContractFilter.kinds": {sum, []string{"[SALES]"}},
		"ContractFilter.states": {sum, []string{"[DRAFT, REVIEW]"}}, "ContractFilter.clientIds": {sum, []string{"client"}}, "ContractFilter.companyIds": {sum, []string{"company"}},
		"ContractFilter.departmentIds": {sum, []string{"department"}}, "ContractFilter.ownerIds": {sum, []string{"junior"}}, "ContractFilter.endsBefore": {sum, []string{`"2030-01-01"`}},
		"ContractFilter.amountAtLeast": {policy.ContractTerms, []string{`"1000"`}}, "ContractFilter.amountAtMost": {policy.ContractTerms, []string{`"1000000"`}},

		"StaffFilter.name": {dir, []string{`"zq"`}}, "StaffFilter.number": {dir, []string{`"3"`}}, "StaffFilter.departmentIds": {dir, []string{"department"}},
		"StaffFilter.companyIds": {dir, []string{"company"}}, "StaffFilter.states": {dir, []string{"[ACTIVE]"}},

		"AuditFilter.kinds": {rec, []string{"[CHANGE]"}}, "AuditFilter.acts": {rec, []string{`["` + fixtureAct + `"]`}}, "AuditFilter.actorIds": {rec, []string{"account"}},
		"AuditFilter.objectIds": {rec, []string{"client"}}, "AuditFilter.occurredAfter": {rec, []string{`"2020-01-01T00:00:00Z"`}}, "AuditFilter.occurredBefore": {rec, []string{`"2100-01-01T00:00:00Z"`}},

		"OriginalFilter.clientIds": {reg, []string{"client", "lender"}}, "OriginalFilter.kinds": {reg, []string{"[CREDIT]"}}, "OriginalFilter.states": {reg, []string{"[MISSING, DISPOSED]", "[OUT]"}},
		"OriginalFilter.custodianIds": {reg, []string{"junior"}},
		"BorrowingFilter.clientIds":   {loan, []string{"client", "lender"}}, "BorrowingFilter.borrowerIds": {loan, []string{"me", "junior"}},
		"BorrowingFilter.states": {loan, []string{"[RETURNED]", "[LOST, REFUSED, WITHDRAWN, REVOKED]"}}, "BorrowingFilter.dueBefore": {loan, []string{`"2030-01-01T00:00:00Z"`}},
		"AccessRequestFilter.clientIds": {req, []string{"client", "lender"}}, "AccessRequestFilter.requesterIds": {req, []string{"me", "junior"}},
		"AccessRequestFilter.states": {req, []string{"[GRANTED, REFUSED, WITHDRAWN]"}},
		"approvalSteps.mine":         {policy.ApprovalSteps, []string{"true", "false"}},

		"departments.companyId": {policy.OrganisationList, []string{"company!"}}, "roleBindings.accountId": {policy.PolicyRules, []string{"account!"}},
		"roleBindings.roleId": {policy.PolicyRules, []string{"role!"}}, "accessGrants.clientId": {policy.GrantAdmin, []string{"granted!"}}, "accessGrants.granteeId": {policy.GrantAdmin, []string{"me!"}},
		"roleBindings.awaitsEndorsement": {policy.PolicyRules, []string{"true", "false"}}, "policyTests.states": {policy.PolicyRules, []string{"[RETIRED]"}},
		"accessReviewItems.reviewId": {policy.PolicyRules, []string{"review!"}}, "accessReviewItems.reviewerId": {policy.PolicyRules, []string{"me!"}},
		"accessReviewItems.undecided": {policy.PolicyRules, []string{"true", "false"}},
	}
}

// orders, "Enum.VALUE".
func orders() map[string]policy.Object {
	return map[string]policy.Object{
		"ClientOrderField.NAME": policy.ClientList, "ClientOrderField.CODE": policy.ClientList, "ClientOrderField.CREATED_AT": openToAll, "ClientOrderField.UPDATED_AT": openToAll,
		"ContractOrderField.NUMBER": policy.ContractSummary, "ContractOrderField.CREATED_AT": openToAll, "ContractOrderField.UPDATED_AT": openToAll,
		"StaffOrderField.NAME": policy.StaffDirectory, "StaffOrderField.NUMBER": policy.StaffDirectory, "StaffOrderField.CREATED_AT": openToAll,
	}
}

// base are filters that make a list the same for everybody who asks later: the trail grows by every question.
func base(root string) string {
	if root == "auditRecords" {
		return `acts: ["` + fixtureAct + `"]`
	}
	return ""
}

// observedElsewhere are roots of Subscription that show nothing of any row, or that a run of their own holds to the sheets.
func observedElsewhere(root string) bool {
	return root == "rightsChanged" // says that rights may have changed, and no more: internal/product
}
