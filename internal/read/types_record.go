package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

func recordTypes() []*Type {
	rec := policy.AuditRecords
	return []*Type{{
		Name: "AuditRecord", Prefix: id.AuditRecord, Table: "audit_records", Entity: policy.OnAudit,
		Facts: policy.Columns{Staff: "(SELECT a_of.staff_id FROM accounts a_of WHERE a_of.tenant_id = $1 AND a_of.id = {}.actor_id)"},
		Fields: []Field{
			idField(id.AuditRecord, "id"),
			col(rec, KindEnum, "kind", "kind"), col(rec, KindText, "act", "act"), col(rec, KindEnum, "actorKind", "actor_kind"),
			{Name: "actorId", Group: rec, Kind: KindID, Prefix: id.Account, Expr: "{}.actor_id"},
			col(rec, KindText, "actorName", "actor_name"), col(rec, KindText, "objectType", "object_type"),
			{Name: "objectId", Group: rec, Kind: KindObjectID, Expr: "{}.object_id", Second: "{}.object_type"},
			col(rec, KindText, "reason", "reason"), col(rec, KindText, "clause", "clause"),
			{Name: "detail", Group: rec, Kind: KindJSON, Expr: "{}.detail::text"},
			col(rec, KindText, "requestId", "request_id"), col(rec, KindTime, "occurredAt", "occurred_at"),
		},
	}}
}

func auditList() *List {
	rec := policy.AuditRecords
	return &List{
		Target: "AuditRecord",
		Filter: []Filter{
			{Name: "kinds", Group: rec, Kind: FilterEnums, SQL: "{}.kind = ANY(?::text[])"},
			{Name: "acts", Group: rec, Kind: FilterTexts, SQL: "{}.act = ANY(?::text[])"},
			{Name: "actorIds", Group: rec, Kind: FilterIDs, Prefix: id.Account, SQL: "{}.actor_id = ANY(?::uuid[])"},
			{Name: "objectIds", Group: rec, Kind: FilterAnyIDs, SQL: "{}.object_id = ANY(?::uuid[])"},
			{Name: "occurredAfter", Group: rec, Kind: FilterTime, SQL: "{}.occurred_at > ?::timestamptz"},
			{Name: "occurredBefore", Group: rec, Kind: FilterTime, SQL: "{}.occurred_at < ?::timestamptz"},
		},
		Default: Order{Group: Open, Expr: "{}.occurred_at", Kind: KindTime, Desc: true, IDDesc: true},
	}
}
