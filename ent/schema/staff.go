package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Staff is a person who works for the tenant.
type Staff struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Staff) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Staff) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "staff"}}
}

// Fields mirrors the columns of staff; CHECKs, keys and indexes stand in ent/migrations.
func (Staff) Fields() []ent.Field {
	return []ent.Field{
		field.Text("number"),
		field.Text("name"),
		field.Text("pinyin").Default(""),
		field.Text("phone").Optional().Nillable(),
		field.Text("email").Optional().Nillable(),
		field.Time("hired_on").SchemaType(pgDate).Optional().Nillable(),
		field.Time("left_on").SchemaType(pgDate).Optional().Nillable(),
		field.Text("state").Default("active"),
		field.UUID("company_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("department_id", uuid.UUID{}).Optional().Nillable(),
	}
}
