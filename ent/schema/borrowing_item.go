package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// BorrowingItem is one original of a borrowing, with the term of the right that it gives.
type BorrowingItem struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (BorrowingItem) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (BorrowingItem) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "borrowing_items"}}
}

// Fields mirrors the columns of borrowing_items; CHECKs, keys and indexes stand in ent/migrations.
func (BorrowingItem) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("borrowing_id", uuid.UUID{}),
		field.UUID("original_id", uuid.UUID{}),
		field.UUID("original_version_id", uuid.UUID{}),
		field.UUID("borrower_staff_id", uuid.UUID{}),
		field.UUID("client_id", uuid.UUID{}),
		field.Int16("field_class"),
		field.Bytes("content_hash"),
		field.Time("valid_from").Optional().Nillable(),
		field.Time("valid_until"),
		field.Time("ended_at").Optional().Nillable(),
		field.Text("condition").Optional().Nillable(),
	}
}
