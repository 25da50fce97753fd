package policyadmin_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// holdings writes originals of a client with their files and versions, loans of them with steps, and requests for access.
func (x *town) holdings(random *rand.Rand, client uuid.UUID) {
	staff := func() uuid.UUID { return x.people[random.IntN(len(x.people))].Staff }
	add := func(typ, table, columns, values string, args ...any) uuid.UUID {
		u := x.IDs.New()
		x.Exec(`INSERT INTO `+table+` (tenant_id, id, `+columns+`, created_at, updated_at) VALUES ($1, $2, `+values+`, now(), now())`, append([]any{u}, args...)...)
		x.rows[typ] = append(x.rows[typ], u)
		return u
	}
	steps := func(typ string, subject, requester uuid.UUID, keys ...string) {
		for i, key := range keys {
			add("ApprovalStep", "approval_steps", "subject_type, subject_id, client_id, seq, key, state, requester_staff_id, content_hash",
				"$3, $4, $5, $6, $7, $8, $9, decode(repeat('00', 32), 'hex')", typ, subject, client, i+1, key, []string{"active", "waiting"}[i], requester)
		}
	}
	for range 1 + random.IntN(2) {
		class := random.IntN(8)
		original := add("Original", "originals", "client_id, kind, title, field_class, provenance, custodian_staff_id, version_seq", "$3, 'CREDIT', '原件', $4, '客户', $5, 1", client, class, x.people[14].Staff)
		file := add("File", "files", "original_id, name, media_type, size, sha256, state", "$3, 'a.pdf', 'application/pdf', 3, decode(repeat('00', 32), 'hex'), 'clean'", original)
		version := x.IDs.New()
		x.Exec(`INSERT INTO original_versions (tenant_id, id, original_id, seq, file_id, content_hash, filed_at) VALUES ($1, $2, $3, 1, $4, decode(repeat('00', 32), 'hex'), now())`, version, original, file)
		for n := range random.IntN(3) { // the first may be out; the others have ended or never began
			borrower := staff()
			loan := add("Borrowing", "borrowings", "client_id, borrower_staff_id, purpose, state, top_class, due_at", "$3, $4, '核对', $5, $6, now() + interval '3 days'",
				client, borrower, []string{"out", "requested", "returned"}[n], class)
			x.Exec(`INSERT INTO borrowing_items (tenant_id, id, borrowing_id, original_id, original_version_id, borrower_staff_id, client_id, field_class, content_hash, valid_from, valid_until, ended_at, created_at, updated_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, decode(repeat('00', 32), 'hex'), CASE $9::int WHEN 1 THEN NULL ELSE now() - interval '2 days' END, now() + $10::int * interval '1 day',
				CASE $9::int WHEN 2 THEN now() END, now(), now())`,
				x.IDs.New(), loan, original, version, borrower, client, class, n, []int{-1, 3, 3}[random.IntN(3)])
			steps("BORROWING", loan, borrower, "custodian", "department_head")
		}
	}
	if random.IntN(2) == 0 {
		requester := staff()
		request := add("AccessRequest", "access_requests", "requester_staff_id, client_id, class_mask, purpose, wanted_from, wanted_until", "$3, $4, 15, '核对', now(), now() + interval '9 days'", requester, client)
		steps("ACCESS_REQUEST", request, requester, "department_head", "key_account_manager")
	}
}

// custodyKinds are the questions about originals and what is done with them.
func custodyKinds() (out []kind) {
	of := func(f policy.Columns) policy.Columns {
		client := func(column string) string {
			return "(SELECT c." + column + " FROM clients c WHERE c.tenant_id = $1 AND c.id = t.client_id)"
		}
		f.Client, f.Owner, f.Company, f.Department = "t.client_id", client("owner_id"), client("company_id"), client("department_id")
		f.Grade, f.Important, f.Suspended = client("grade"), client("important"), client("suspended")
		return f
	}
	add := func(typ, from, id string, f policy.Columns, object policy.Object, actions ...policy.Action) {
		for _, a := range actions {
			out = append(out, kind{typ, from, id, of(f), object, a})
		}
	}
	original := policy.Columns{Original: "t.id", FieldClass: "t.field_class"}
	loan := policy.Columns{Staff: "t.borrower_staff_id", FieldClass: "t.top_class"}
	request := policy.Columns{Staff: "t.requester_staff_id"}
	step := policy.Columns{Staff: "t.requester_staff_id", FieldClass: "(SELECT b.top_class FROM borrowings b WHERE b.tenant_id = $1 AND b.id = t.subject_id)"}
	add("Original", "originals t", "t.id", original, policy.OnOriginal, policy.Read, policy.OriginalAddVersion)
	add("Original", "originals t", "t.id", original, policy.OriginalRegister, policy.Peek, policy.Write)
	add("Original", "originals t", "t.id", original, policy.OriginalContent, policy.Peek, policy.Reveal, policy.Filter)
	add("File", "files x JOIN originals t ON t.tenant_id = x.tenant_id AND t.id = x.original_id", "x.id", original, policy.OnOriginal, policy.Read)
	add("File", "files x JOIN originals t ON t.tenant_id = x.tenant_id AND t.id = x.original_id", "x.id", original, policy.OriginalContent, policy.Reveal)
	add("Borrowing", "borrowings t", "t.id", loan, policy.OnBorrowing, policy.Read, policy.BorrowingLend, policy.BorrowingApprove, policy.BorrowingReportLost)
	add("Borrowing", "borrowings t", "t.id", loan, policy.BorrowingRegister, policy.Reveal)
	add("AccessRequest", "access_requests t", "t.id", request, policy.OnAccessRequest, policy.Read, policy.AccessRequestEndorse, policy.AccessRequestApprove)
	add("ApprovalStep", "approval_steps t", "t.id", step, policy.OnApproval, policy.Read)
	add("ApprovalStep", "approval_steps t", "t.id", step, policy.ApprovalSteps, policy.Reveal)
	return out
}

func describe(k kind) string { return fmt.Sprint(k.typ, " ", k.object, " ", k.action) }
