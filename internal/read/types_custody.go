package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// ofClient are the facts of a row that belongs to a client and has no place of its own.
func ofClient(f policy.Columns) policy.Columns {
	f.Client, f.Owner, f.Company, f.Department = "{}.client_id", clientOf("owner_id"), clientOf("company_id"), clientOf("department_id")
	f.Grade, f.Important, f.Suspended = clientOf("grade"), clientOf("important"), clientOf("suspended")
	return f
}

func custodyTypes() []*Type {
	reg, content, loan, req, steps := policy.OriginalRegister, policy.OriginalContent, policy.BorrowingRegister, policy.AccessRequestRegister, policy.ApprovalSteps
	newest := Order{Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true}
	inOrder := Order{Group: steps, Expr: "{}.seq", Kind: KindInt}
	return []*Type{
		{
			Name: "Original", Prefix: id.Original, Table: "originals", Twin: true, Entity: policy.OnOriginal,
			Facts: ofClient(policy.Columns{Original: "{}.id", FieldClass: "{}.field_class"}),
			Fields: []Field{
				idField(id.Original, "id"),
				one(reg, "client", "client_id", "Client"), col(reg, KindEnum, "kind", "kind"), col(reg, KindText, "title", "title"), col(reg, KindInt, "fieldClass", "field_class"),
				col(reg, KindText, "provenance", "provenance"), one(reg, "custodian", "custodian_staff_id", "Staff"), col(reg, KindText, "location", "location"),
				col(reg, KindEnum, "state", "state"), col(reg, KindInt, "versionSeq", "version_seq"),
				many(reg, "versions", "OriginalVersion", "original_id", Order{Group: reg, Expr: "{}.seq", Kind: KindInt, Desc: true, IDDesc: true}),
				many(reg, "incidents", "CustodyIncident", "original_id", newest),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "OriginalVersion", Prefix: id.OriginalVersion, Table: "original_versions", Anchor: "Original", AnchorKey: "original_id", Cover: reg,
			Fields: []Field{
				idField(id.OriginalVersion, "id"),
				one(reg, "original", "original_id", "Original"), col(reg, KindInt, "seq", "seq"),
				{Name: "fileId", Group: reg, Kind: KindID, Prefix: id.File, Expr: "{}.file_id"},
				one(reg, "file", "file_id", "File"),
				col(reg, KindTime, "filedAt", "filed_at"), one(reg, "filedBy", "filed_by", "Staff"),
				col(content, KindHex, "contentHash", "content_hash"), col(content, KindText, "note", "note"),
			},
		},
		{
			Name: "CustodyIncident", Prefix: id.Incident, Table: "custody_incidents", Twin: true, Anchor: "Original", AnchorKey: "original_id", Cover: reg,
			Fields: []Field{
				idField(id.Incident, "id"),
				one(reg, "original", "original_id", "Original"), one(reg, "borrowing", "borrowing_id", "Borrowing"), col(reg, KindEnum, "kind", "kind"), col(reg, KindText, "note", "note"),
				one(reg, "reportedBy", "reported_by", "Staff"), col(reg, KindEnum, "state", "state"), col(reg, KindTime, "closedAt", "closed_at"),
				col(reg, KindText, "resolution", "resolution"), version(), createdAt(),
			},
		},
		{
			Name: "Borrowing", Prefix: id.Borrowing, Table: "borrowings", Twin: true, Entity: policy.OnBorrowing,
			Facts: ofClient(policy.Columns{Staff: "{}.borrower_staff_id", FieldClass: "{}.top_class"}),
			Fields: []Field{
				idField(id.Borrowing, "id"),
				one(loan, "client", "client_id", "Client"), one(loan, "borrower", "borrower_staff_id", "Staff"), col(loan, KindText, "purpose", "purpose"),
				col(loan, KindEnum, "state", "state"),
				{Name: "overdue", Group: loan, Kind: KindBool, Expr: "({}.state = 'out' AND {}.due_at <= @now)"},
				col(loan, KindInt, "topClass", "top_class"), col(loan, KindTime, "dueAt", "due_at"), col(loan, KindTime, "outAt", "out_at"),
				col(loan, KindTime, "endedAt", "ended_at"), col(loan, KindTime, "renewedAt", "renewed_at"), col(loan, KindText, "conditionNote", "condition_note"),
				many(loan, "items", "BorrowingItem", "borrowing_id", byID()), many(loan, "steps", "ApprovalStep", "subject_id", inOrder),
				version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "BorrowingItem", Prefix: id.BorrowingItem, Table: "borrowing_items", Twin: true, Anchor: "Borrowing", AnchorKey: "borrowing_id", Cover: loan,
			Fields: []Field{
				idField(id.BorrowingItem, "id"),
				one(loan, "borrowing", "borrowing_id", "Borrowing"), one(loan, "original", "original_id", "Original"), col(loan, KindInt, "fieldClass", "field_class"),
				col(loan, KindTime, "validFrom", "valid_from"), col(loan, KindTime, "validUntil", "valid_until"), col(loan, KindTime, "endedAt", "ended_at"),
				col(loan, KindEnum, "condition", "condition"), version(),
			},
		},
		{
			Name: "AccessRequest", Prefix: id.AccessRequest, Table: "access_requests", Twin: true, Entity: policy.OnAccessRequest,
			Facts: ofClient(policy.Columns{Staff: "{}.requester_staff_id"}),
			Fields: []Field{
				idField(id.AccessRequest, "id"),
				one(req, "requester", "requester_staff_id", "Staff"), one(req, "client", "client_id", "Client"), col(req, KindInt, "classMask", "class_mask"),
				col(req, KindText, "purpose", "purpose"), col(req, KindTime, "wantedFrom", "wanted_from"), col(req, KindTime, "wantedUntil", "wanted_until"),
				col(req, KindEnum, "state", "state"), one(req, "grant", "grant_id", "AccessGrant"), col(req, KindTime, "endedAt", "ended_at"),
				many(req, "steps", "ApprovalStep", "subject_id", inOrder), version(), createdAt(), updatedAt(),
			},
		},
		{
			Name: "ApprovalStep", Prefix: id.ApprovalStep, Table: "approval_steps", Twin: true, Entity: policy.OnApproval,
			Facts: ofClient(policy.Columns{
				Staff:      "{}.requester_staff_id",
				FieldClass: "(SELECT b_of.top_class FROM borrowings b_of WHERE b_of.tenant_id = $1 AND b_of.id = {}.subject_id)",
			}),
			Fields: []Field{
				idField(id.ApprovalStep, "id"),
				col(steps, KindEnum, "subjectType", "subject_type"), one(steps, "borrowing", "subject_id", "Borrowing"), one(steps, "accessRequest", "subject_id", "AccessRequest"),
				one(steps, "client", "client_id", "Client"), col(steps, KindInt, "seq", "seq"), col(steps, KindEnum, "key", "key"), col(steps, KindEnum, "state", "state"),
				one(steps, "requester", "requester_staff_id", "Staff"), one(steps, "decidedBy", "decided_by", "Staff"), col(steps, KindTime, "decidedAt", "decided_at"),
				col(steps, KindText, "comment", "comment"), col(steps, KindHex, "contentHash", "content_hash"), version(), createdAt(),
			},
		},
	}
}

// originalList is the list of originals, at the root or below what the column by names; so are the other two.
func originalList(by string) *List {
	reg := policy.OriginalRegister
	return &List{Target: "Original", By: by, Filter: []Filter{
		{Name: "clientIds", Group: reg, Kind: FilterIDs, Prefix: id.Client, SQL: "{}.client_id = ANY(?::uuid[])"},
		{Name: "kinds", Group: reg, Kind: FilterTexts, SQL: "{}.kind = ANY(?::text[])"},
		{Name: "states", Group: reg, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
		{Name: "custodianIds", Group: reg, Kind: FilterIDs, Prefix: id.Staff, SQL: "{}.custodian_staff_id = ANY(?::uuid[])"},
	}}
}

func borrowingList(by string) *List {
	loan := policy.BorrowingRegister
	return &List{
		Target: "Borrowing", By: by,
		Filter: []Filter{
			{Name: "clientIds", Group: loan, Kind: FilterIDs, Prefix: id.Client, SQL: "{}.client_id = ANY(?::uuid[])"},
			{Name: "borrowerIds", Group: loan, Kind: FilterIDs, Prefix: id.Staff, SQL: "{}.borrower_staff_id = ANY(?::uuid[])"},
			{Name: "states", Group: loan, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
			{Name: "dueBefore", Group: loan, Kind: FilterTime, SQL: "{}.due_at < ?::timestamptz"},
		},
		Default: Order{Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true},
	}
}

func accessRequestList(by string) *List {
	req := policy.AccessRequestRegister
	return &List{
		Target: "AccessRequest", By: by,
		Filter: []Filter{
			{Name: "clientIds", Group: req, Kind: FilterIDs, Prefix: id.Client, SQL: "{}.client_id = ANY(?::uuid[])"},
			{Name: "requesterIds", Group: req, Kind: FilterIDs, Prefix: id.Staff, SQL: "{}.requester_staff_id = ANY(?::uuid[])"},
			{Name: "states", Group: req, Kind: FilterEnums, SQL: "{}.state = ANY(?::text[])"},
		},
		Default: Order{Group: Open, Expr: "{}.created_at", Kind: KindTime, Desc: true, IDDesc: true},
	}
}

func approvalStepList() *List {
	return &List{Target: "ApprovalStep", Args: []Filter{{Name: "mine", Group: policy.ApprovalSteps, Kind: FilterMine}}}
}
