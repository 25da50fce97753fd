package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Employment places a staff member in a department, under a superior, for a time.
type Employment struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Employment) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Employment) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "employments"}}
}

// Fields mirrors the columns of employments; CHECKs, keys and indexes stand in ent/migrations.
func (Employment) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("staff_id", uuid.UUID{}),
		field.UUID("company_id", uuid.UUID{}),
		field.UUID("department_id", uuid.UUID{}),
		field.UUID("position_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("superior_id", uuid.UUID{}).Optional().Nillable(),
		field.Bool("is_primary").Default(true),
		field.Time("valid_from"),
		field.Time("valid_until").Optional().Nillable(),
	}
}
