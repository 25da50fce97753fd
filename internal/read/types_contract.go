package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func contractTypes() []*Type {
	sum, terms := policy.ContractSummary, policy.ContractTerms
	amount := Field{Name: "amount", Group: terms, Kind: KindMoney, Expr: "{}.amount_minor", Second: "{}.currency"}
	return []*Type{
		{
			Name: "Contract", Prefix: id.Contract, Table: "contracts", Twin: true, Entity: policy.OnContract,
			Facts: policy.Columns{
				Company: "{}.company_id", Department: "{}.department_id", Owner: "{}.owner_id", Client: "{}.client_id",
				Kind: "{}.kind", State: "{}.state", Amount: "{}.amount_minor",
				Grade: clientOf("grade"), Important: clientOf("important"), Suspended: clientOf("suspended"),
			},
			Fields: []Field{
				idField(id.Contract, "id"),
				col(sum, KindText, "number", "number"), col(sum, KindEnum, "kind", "kind"), col(sum, KindText, "title", "title"), col(sum, KindEnum, "state", "state"),
				one(sum, "client", "client_id", "Client"), one(sum, "company", "company_id", "Company"), one(sum, "department", "department_id", "Department"),
				one(sum, "owner", "owner_id", "Staff"), col(sum, KindDate, "startsOn", "starts_on"), col(sum, KindDate, "endsOn", "ends_on"),
				col(sum, KindDate, "signedOn", "signed_on"), col(sum, KindText, "paperReference", "paper_reference"), col(sum, KindText, "closingNote", "closing_note"),
				many(sum, "obligations", "Obligation", "contract_id", Order{Group: sum, Expr: "{}.due_on", Kind: KindDate}),
				amount, col(terms, KindInt, "currentRevision", "current_revision"),
				many(terms, "revisions", "ContractRevision", "contract_id", Order{Group: terms, Expr: "{}.seq", Kind: KindInt, Desc: true, IDDesc: true}),
				many(terms, "parties", "ContractParty", "contract_id", byID()),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "ContractRevision", Prefix: id.Revision, Table: "contract_revisions", Twin: true, Anchor: "Contract", AnchorKey: "contract_id", Cover: terms,
			Fields: []Field{
				idField(id.Revision, "id"),
				one(terms, "contract", "contract_id", "Contract"), col(terms, KindInt, "seq", "seq"), col(terms, KindText, "terms", "terms"), amount,
				col(terms, KindEnum, "state", "state"), col(terms, KindText, "changeNote", "change_note"), col(terms, KindHex, "contentHash", "content_hash"), createdAt(),
			},
		},
		{
			Name: "ContractParty", Prefix: id.Party, Table: "contract_parties", Twin: true, Anchor: "Contract", AnchorKey: "contract_id", Cover: terms,
			Fields: []Field{
				idField(id.Party, "id"),
				one(terms, "contract", "contract_id", "Contract"), col(terms, KindEnum, "side", "side"), one(terms, "company", "company_id", "Company"),
				one(terms, "client", "client_id", "Client"), col(terms, KindText, "name", "name"), col(terms, KindText, "signatory", "signatory"),
				col(terms, KindEnum, "capacity", "capacity"), col(terms, KindEnum, "state", "state"), col(terms, KindDate, "signedOn", "signed_on"), version(),
			},
		},
		{
			Name: "Obligation", Prefix: id.Obligation, Table: "obligations", Twin: true, Anchor: "Contract", AnchorKey: "contract_id", Cover: sum,
			Fields: []Field{
				idField(id.Obligation, "id"),
				one(sum, "contract", "contract_id", "Contract"), col(sum, KindEnum, "side", "side"), col(sum, KindEnum, "kind", "kind"), col(sum, KindText, "title", "title"),
				col(sum, KindDate, "dueOn", "due_on"), amount, col(sum, KindEnum, "state", "state"), col(sum, KindDate, "settledOn", "settled_on"),
				col(sum, KindText, "settleNote", "settle_note"), version(),
			},
		},
	}
}

// contractList is the list of contracts, at the root or below what the column by names.
func contractList(by string) *List {
	sum, terms := policy.ContractSummary, policy.ContractTerms
	byUpdate := Order{Name: "UPDATED_AT", Group: Open, Expr: "{}.updated_at", Kind: KindTime}
	newest := byUpdate
	newest.Desc, newest.IDDesc = true, true
	if by != "" { // below a client the order of contracts_client
		newest = Order{Name: "CREATED_AT", Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true}
	}
	return &List{
		Target: "Contract", By: by,
		Filter: []Filter{
			{Name: "number", Group: sum, Kind: FilterText, SQL: "{}.number = ?::text", Unique: true},
			{Name: "kinds", Group: sum, Kind: FilterTexts, SQL: "{}.kind = ANY(?::text[])"},
			{Name: "states", Group: sum, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
			{Name: "clientIds", Group: sum, Kind: FilterIDs, Prefix: id.Client, SQL: "{}.client_id = ANY(?::uuid[])"},
			{Name: "companyIds", Group: sum, Kind: FilterIDs, Prefix: id.Company, SQL: "{}.company_id = ANY(?::uuid[])"},
			{Name: "departmentIds", Group: sum, Kind: FilterIDs, Prefix: id.Department, SQL: "{}.department_id = ANY(?::uuid[])"},
			{Name: "ownerIds", Group: sum, Kind: FilterIDs, Prefix: id.Staff, SQL: "{}.owner_id = ANY(?::uuid[])"},
			{Name: "endsBefore", Group: sum, Kind: FilterDate, SQL: "{}.ends_on < ?::date"},
			{Name: "amountAtLeast", Group: terms, Kind: FilterMinor, SQL: "{}.amount_minor >= ?::bigint"},
			{Name: "amountAtMost", Group: terms, Kind: FilterMinor, SQL: "{}.amount_minor <= ?::bigint"},
		},
		Orders: []Order{
			{Name: "NUMBER", Group: sum, Expr: "{}.number", Kind: KindText},
			{Name: "CREATED_AT", Group: Open, Expr: "{}.created_at", Kind: KindTime},
			byUpdate,
		},
		Default: newest,
	}
}
