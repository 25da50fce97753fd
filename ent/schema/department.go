package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Department is a unit of one company; departments form a tree.
type Department struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Department) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Department) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "departments"}}
}

// Fields mirrors the columns of departments; CHECKs, keys and indexes stand in ent/migrations.
func (Department) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("company_id", uuid.UUID{}),
		field.UUID("parent_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("kind"),
		field.Text("name"),
		field.UUID("head_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("state").Default("active"),
	}
}
