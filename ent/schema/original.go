package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Original is filed material about a client: held by the custodian and only lent (G02).
type Original struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Original) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Original) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "originals"}}
}

// Fields mirrors the columns of originals; CHECKs, keys and indexes stand in ent/migrations.
func (Original) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.Text("kind"),
		field.Text("title"),
		field.Int16("field_class"),
		field.Text("provenance"),
		field.UUID("custodian_staff_id", uuid.UUID{}),
		field.Text("location").Optional().Nillable(),
		field.Text("state").Default("filed"),
		field.Int32("version_seq").Default(0),
	}
}
