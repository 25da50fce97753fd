package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Role names a set of permission rules.
type Role struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Role) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Role) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "roles"}}
}

// Fields mirrors the columns of roles; CHECKs, keys and indexes stand in ent/migrations.
func (Role) Fields() []ent.Field {
	return []ent.Field{
		field.Text("key"),
		field.Text("name_zh"),
		field.Text("name_en"),
		field.Text("template").Optional().Nillable(),
		field.UUID("parent_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("company_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("state").Default("active"),
	}
}
