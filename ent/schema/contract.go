package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Contract is an agreement with a client.
type Contract struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Contract) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Contract) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "contracts"}}
}

// Fields mirrors the columns of contracts; CHECKs, keys and indexes stand in ent/migrations.
func (Contract) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.UUID("company_id", uuid.UUID{}),
		field.UUID("department_id", uuid.UUID{}),
		field.UUID("owner_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("number"),
		field.Text("kind"),
		field.Text("title"),
		field.Text("state").Default("draft"),
		field.Time("starts_on").SchemaType(pgDate).Optional().Nillable(),
		field.Time("ends_on").SchemaType(pgDate).Optional().Nillable(),
		field.Time("signed_on").SchemaType(pgDate).Optional().Nillable(),
		field.Text("paper_reference").Optional().Nillable(),
		field.Text("closing_note").Optional().Nillable(),
		field.Int32("current_revision").Default(1),
		field.Int64("amount_minor").Optional().Nillable(),
		field.Text("currency").Optional().Nillable(),
	}
}
