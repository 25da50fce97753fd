package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func archiveTypes() []*Type {
	list, std, ctc, deal, cred := policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit
	phone := col(std, KindText, "phone", "phone")
	phone.Mask = phoneMask
	contactPhone := col(ctc, KindText, "phone", "phone")
	contactPhone.Mask = phoneMask
	return []*Type{
		{
			Name: "Client", Prefix: id.Client, Table: "clients", Twin: true, Entity: policy.OnClient,
			Facts: policy.Columns{
				Company: "{}.company_id", Department: "{}.department_id", Owner: "{}.owner_id", Client: "{}.id",
				Grade: "{}.grade", Stage: "{}.stage", Important: "{}.important", Suspended: "{}.suspended",
			},
			Fields: []Field{
				idField(id.Client, "id"),
				col(list, KindText, "code", "code"), col(list, KindText, "name", "name"), col(list, KindText, "sortKey", "sort_key"),
				{
					Name: "kinds", Group: list, Kind: KindTexts,
					Expr: "ARRAY(SELECT k_of.kind FROM @client_kinds k_of WHERE k_of.tenant_id = $1 AND k_of.client_id = {}.id ORDER BY k_of.kind COLLATE \"C\")",
				},
				col(list, KindText, "region", "region"), col(list, KindEnum, "stage", "stage"), col(list, KindBool, "suspended", "suspended"),
				one(list, "company", "company_id", "Company"), one(list, "department", "department_id", "Department"), one(list, "owner", "owner_id", "Staff"),
				many(list, "team", "ClientTeamMember", "client_id", byID()), many(list, "distributions", "ClientDistribution", "client_id", byID()),
				{
					Name: "formerNames", Group: std, Kind: KindTexts,
					Expr: "ARRAY(SELECT n_of.name FROM @client_former_names n_of WHERE n_of.tenant_id = $1 AND n_of.client_id = {}.id ORDER BY n_of.used_until DESC, n_of.name COLLATE \"C\")",
				},
				col(std, KindText, "unifiedCreditCode", "unified_credit_code"), col(std, KindText, "legalRepresentative", "legal_representative"),
				col(std, KindText, "address", "address"), col(std, KindText, "postcode", "postcode"), phone, col(std, KindText, "fax", "fax"),
				col(std, KindText, "businessScope", "business_scope"), money(std, "registeredCapital", "registered_capital"),
				col(std, KindEnum, "specialType", "special_type"), col(std, KindEnum, "acquisition", "acquisition"), col(std, KindEnum, "grade", "grade"),
				col(std, KindBool, "important", "important"),
				col(deal, KindText, "policyNote", "policy_note"), col(deal, KindText, "attitude", "attitude"), col(deal, KindDate, "nextContactOn", "next_contact_on"),
				money(cred, "creditLimit", "credit_limit"), col(cred, KindText, "creditNote", "credit_note"),
				many(ctc, "contacts", "Contact", "client_id", Order{Group: ctc, Expr: "{}.is_primary", Kind: KindBool, Desc: true}),
				many(deal, "changes", "ClientChange", "client_id", Order{Group: deal, Expr: "{}.recorded_at", Kind: KindTime, Desc: true, IDDesc: true}),
				{Name: "contracts", Group: Open, Kind: KindMany, List: contractList("client_id")},
				{Name: "originals", Group: Open, Kind: KindMany, List: originalList("client_id")},
				{Name: "borrowings", Group: Open, Kind: KindMany, List: borrowingList("client_id")},
				{Name: "accessRequests", Group: Open, Kind: KindMany, List: accessRequestList("client_id")},
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "ClientTeamMember", Prefix: id.ClientTeamMember, Table: "client_team_members", Twin: true, Anchor: "Client", AnchorKey: "client_id", Cover: list,
			Fields: []Field{
				idField(id.ClientTeamMember, "id"),
				one(list, "client", "client_id", "Client"), one(list, "staff", "staff_id", "Staff"), col(list, KindEnum, "duty", "duty"),
				col(list, KindTime, "validFrom", "valid_from"), col(list, KindTime, "validUntil", "valid_until"), version(),
			},
		},
		{
			Name: "ClientDistribution", Prefix: id.ClientDistribution, Table: "client_distributions", Twin: true, Anchor: "Client", AnchorKey: "client_id", Cover: list,
			Fields: []Field{
				idField(id.ClientDistribution, "id"),
				one(list, "client", "client_id", "Client"), one(list, "department", "department_id", "Department"),
				col(list, KindTime, "validFrom", "valid_from"), col(list, KindTime, "validUntil", "valid_until"), version(),
			},
		},
		{
			Name: "Contact", Prefix: id.Contact, Table: "contacts", Twin: true, Anchor: "Client", AnchorKey: "client_id", Cover: ctc,
			Fields: []Field{
				idField(id.Contact, "id"),
				peekable(one(ctc, "client", "client_id", "Client")), peekable(col(ctc, KindText, "name", "name")), peekable(col(ctc, KindText, "title", "title")), contactPhone,
				col(ctc, KindText, "email", "email"), col(ctc, KindDate, "birthday", "birthday"), peekable(col(ctc, KindBool, "isPrimary", "is_primary")),
				peekable(col(ctc, KindBool, "refusesCalls", "refuses_calls")), col(ctc, KindBool, "refusesMail", "refuses_mail"), peekable(col(ctc, KindEnum, "state", "state")),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "ClientChange", Prefix: id.ClientChange, Table: "client_changes", Anchor: "Client", AnchorKey: "client_id", Cover: deal,
			Fields: []Field{
				idField(id.ClientChange, "id"),
				one(deal, "client", "client_id", "Client"), col(deal, KindText, "field", "field"),
				col(byFieldClass, KindText, "oldValue", "old_value"), col(byFieldClass, KindText, "newValue", "new_value"),
				col(deal, KindText, "source", "source"), one(deal, "reportedBy", "reported_by", "Staff"), col(deal, KindTime, "recordedAt", "recorded_at"),
			},
		},
	}
}

func clientList() *List {
	list, std := policy.ClientList, policy.ClientStandard
	byUpdate := Order{Name: "UPDATED_AT", Group: Open, Expr: "{}.updated_at", Kind: KindTime}
	newest := byUpdate
	newest.Desc, newest.IDDesc = true, true
	return &List{
		Target: "Client",
		Filter: []Filter{
			{Name: "search", Group: list, Kind: FilterSearch},
			{Name: "code", Group: list, Kind: FilterText, SQL: "{}.code = ?::text", Unique: true},
			{Name: "unifiedCreditCode", Group: std, Kind: FilterText, SQL: "{}.unified_credit_code = ?::text", Unique: true},
			{Name: "kinds", Group: list, Kind: FilterTexts, SQL: "EXISTS (SELECT 1 FROM @client_kinds k_of WHERE k_of.tenant_id = $1 AND k_of.client_id = {}.id AND k_of.kind = ANY(?::text[]))"},
			{Name: "stages", Group: list, Kind: FilterEnums, SQL: "{}.stage = ANY(?::text[])"},
			{Name: "grades", Group: std, Kind: FilterTexts, SQL: "{}.grade = ANY(?::text[])"},
			{Name: "acquisitions", Group: std, Kind: FilterTexts, SQL: "{}.acquisition = ANY(?::text[])"},
			{Name: "regions", Group: list, Kind: FilterTexts, SQL: "{}.region = ANY(?::text[])"},
			{Name: "companyIds", Group: list, Kind: FilterIDs, Prefix: id.Company, SQL: "{}.company_id = ANY(?::uuid[])"},
			{Name: "departmentIds", Group: list, Kind: FilterIDs, Prefix: id.Department, SQL: "{}.department_id = ANY(?::uuid[])"},
			{Name: "ownerIds", Group: list, Kind: FilterIDs, Prefix: id.Staff, SQL: "{}.owner_id = ANY(?::uuid[])"},
			{Name: "suspended", Group: list, Kind: FilterBool, SQL: "{}.suspended = ?::boolean"},
			{Name: "important", Group: std, Kind: FilterBool, SQL: "{}.important = ?::boolean"},
			{Name: "updatedAfter", Group: Open, Kind: FilterTime, SQL: "{}.updated_at > ?::timestamptz"},
			{Name: "updatedBefore", Group: Open, Kind: FilterTime, SQL: "{}.updated_at < ?::timestamptz"},
			{Name: "nextContactOnOrBefore", Group: policy.ClientDealings, Kind: FilterDate, SQL: "{}.next_contact_on <= ?::date"},
		},
		Orders: []Order{
			{Name: "NAME", Group: list, Expr: "{}.sort_key", Kind: KindText, Leads: []string{"grades", "stages"}},
			{Name: "CODE", Group: list, Expr: "{}.code", Kind: KindText},
			{Name: "CREATED_AT", Group: Open, Expr: "{}.created_at", Kind: KindTime},
			byUpdate,
		},
		Default: newest,
	}
}
