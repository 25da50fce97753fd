package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ApprovalStep is one step that a borrowing or access request waits for, and the decision taken on it.
type ApprovalStep struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ApprovalStep) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (ApprovalStep) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "approval_steps"}}
}

// Fields mirrors the columns of approval_steps; CHECKs, keys and indexes stand in ent/migrations.
func (ApprovalStep) Fields() []ent.Field {
	return []ent.Field{
		field.Text("subject_type"),
		field.UUID("subject_id", uuid.UUID{}),
		field.UUID("client_id", uuid.UUID{}),
		field.Int32("seq"),
		field.Text("key"),
		field.Text("state"),
		field.UUID("assignee_staff_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("requester_staff_id", uuid.UUID{}),
		field.UUID("decided_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("decided_at").Optional().Nillable(),
		field.Text("comment").Optional().Nillable(),
		field.Bytes("content_hash").Optional(),
	}
}
