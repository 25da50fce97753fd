package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Borrowing is a registered loan of originals; it is a right that ends by itself (G04).
type Borrowing struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Borrowing) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Borrowing) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "borrowings"}}
}

// Fields mirrors the columns of borrowings; CHECKs, keys and indexes stand in ent/migrations.
func (Borrowing) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.UUID("borrower_staff_id", uuid.UUID{}),
		field.Text("purpose"),
		field.Text("state").Default("requested"),
		field.Int16("top_class"),
		field.Time("due_at"),
		field.Time("out_at").Optional().Nillable(),
		field.Time("ended_at").Optional().Nillable(),
		field.Time("renewed_at").Optional().Nillable(),
		field.Text("condition_note").Optional().Nillable(),
	}
}
