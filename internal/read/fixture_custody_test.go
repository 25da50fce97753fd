package read

import (
	"fmt"

	"github.com/google/uuid"
)

// makeCustody writes originals of a client, loans of them with steps, requests for access, incidents.
func (k *maker) makeCustody(client uuid.UUID, stamp func(map[string]any) map[string]any, staff func() uuid.UUID) {
	past, future := start.AddDate(-1, 0, 0), start.AddDate(20, 0, 0)
	steps := func(typ string, subject, requester uuid.UUID, keys ...string) {
		decided := staff()
		for i, key := range keys {
			state, by, at := []string{"waiting", "active", "void"}[k.rnd.IntN(3)], any(nil), any(nil)
			if i == 0 && k.rnd.IntN(3) == 0 && decided != requester {
				state, by, at = "approved", decided, start
			}
			k.insert("approval_steps", stamp(map[string]any{
				"subject_type": typ, "subject_id": subject, "client_id": client, "seq": i + 1, "key": key, "state": state, "requester_staff_id": requester,
				"decided_by": by, "decided_at": at, "comment": maybe(k, "同意"), "content_hash": make([]byte, 32),
			}))
		}
	}
	for range k.rnd.IntN(3) {
		o := k.insert("originals", stamp(map[string]any{
			"client_id": client, "kind": pick(k, "CREDIT", "CONTRACT"), "title": "原件", "field_class": k.rnd.IntN(8), "provenance": "客户", "custodian_staff_id": staff(),
			"location": maybe(k, "柜"), "state": pick(k, "filed", "out"), "version_seq": 1,
		}))
		hash := make([]byte, 32)
		hash[0] = byte(k.rnd.IntN(256))
		var file any
		if k.rnd.IntN(2) == 0 {
			file = k.insert("files", stamp(map[string]any{"original_id": o, "name": "a.pdf", "media_type": "application/pdf", "size": 3, "sha256": hash, "state": "clean"}))
		}
		v := k.insert("original_versions", map[string]any{"original_id": o, "seq": 1, "file_id": file, "content_hash": hash, "note": maybe(k, "说明"), "filed_at": k.at(), "filed_by": maybe(k, staff())})
		for n := range k.rnd.IntN(3) {
			borrower := staff()
			b := k.insert("borrowings", stamp(map[string]any{
				"client_id": client, "borrower_staff_id": borrower, "purpose": fmt.Sprint("用途", n), "state": pick(k, "requested", "out", "returned"), "top_class": k.rnd.IntN(8),
				"due_at": pick(k, future, future, past.AddDate(0, 1, 0), start.AddDate(0, 0, 2)), "out_at": maybe(k, past), "ended_at": maybe(k, start), "condition_note": maybe(k, "完好"),
			}))
			var ended any
			if n > 0 {
				ended = start
			}
			k.insert("borrowing_items", stamp(map[string]any{
				"borrowing_id": b, "original_id": o, "original_version_id": v, "borrower_staff_id": borrower, "client_id": client, "field_class": k.rnd.IntN(8), "content_hash": hash,
				"valid_from": maybe(k, past), "valid_until": pick(k, future, future, past.AddDate(0, 1, 0)), "ended_at": ended, "condition": maybe(k, "INTACT"),
			}))
			steps("BORROWING", b, borrower, "custodian", "department_head")
		}
		if k.rnd.IntN(2) == 0 {
			k.insert("custody_incidents", stamp(map[string]any{"original_id": o, "client_id": client, "kind": "DAMAGED", "note": "破损", "reported_by": maybe(k, staff()), "resolution": maybe(k, "已修")}))
		}
	}
	if k.rnd.IntN(2) == 0 {
		requester := staff()
		r := k.insert("access_requests", stamp(map[string]any{
			"requester_staff_id": requester, "client_id": client, "class_mask": 1 + k.rnd.IntN(255), "purpose": "p", "wanted_from": past, "wanted_until": future,
		}))
		steps("ACCESS_REQUEST", r, requester, "department_head", "key_account_manager")
	}
}
