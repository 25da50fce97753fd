package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientRecord is the archive core of one client (ent reserves the name Client).
type ClientRecord struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientRecord) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (ClientRecord) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "clients"}}
}

// Fields mirrors the columns of clients; CHECKs, keys and indexes stand in ent/migrations.
func (ClientRecord) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("company_id", uuid.UUID{}),
		field.UUID("department_id", uuid.UUID{}),
		field.UUID("owner_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("code"),
		field.Text("name"),
		field.Text("sort_key").Default(""),
		field.Text("region").Optional().Nillable(),
		field.Text("stage").Default("prospect"),
		field.Bool("suspended").Default(false),
		field.Text("unified_credit_code").Optional().Nillable(),
		field.Text("legal_representative").Optional().Nillable(),
		field.Text("address").Optional().Nillable(),
		field.Text("postcode").Optional().Nillable(),
		field.Text("phone").Optional().Nillable(),
		field.Text("fax").Optional().Nillable(),
		field.Text("business_scope").Optional().Nillable(),
		field.Int64("registered_capital_minor").Optional().Nillable(),
		field.Text("registered_capital_currency").Optional().Nillable(),
		field.Text("special_type").Optional().Nillable(),
		field.Text("acquisition").Optional().Nillable(),
		field.Text("grade").Optional().Nillable(),
		field.Bool("important").Default(false),
		field.Text("policy_note").Optional().Nillable(),
		field.Text("attitude").Optional().Nillable(),
		field.Time("next_contact_on").SchemaType(pgDate).Optional().Nillable(),
		field.Int64("credit_limit_minor").Optional().Nillable(),
		field.Text("credit_limit_currency").Optional().Nillable(),
		field.Text("credit_note").Optional().Nillable(),
	}
}
