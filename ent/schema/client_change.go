package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientChange records a major change with old and new value and its source (F06, G08).
type ClientChange struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientChange) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (ClientChange) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "client_changes"}}
}

// Fields mirrors the columns of client_changes; CHECKs, keys and indexes stand in ent/migrations.
func (ClientChange) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.Text("field"),
		field.Int16("field_class"),
		field.Text("old_value").Optional().Nillable(),
		field.Text("new_value").Optional().Nillable(),
		field.Text("source"),
		field.UUID("reported_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("recorded_at"),
	}
}
