package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Company is a legal entity inside a tenant; companies form a tree.
type Company struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Company) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Company) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "companies"}}
}

// Fields mirrors the columns of companies; CHECKs, keys and indexes stand in ent/migrations.
func (Company) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("parent_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("name"),
		field.Text("unified_credit_code").Optional().Nillable(),
		field.Text("legal_representative").Optional().Nillable(),
		field.Text("state").Default("active"),
	}
}
