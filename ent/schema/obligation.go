package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Obligation is something one side owes by a date (B15).
type Obligation struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Obligation) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Obligation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "obligations"}}
}

// Fields mirrors the columns of obligations; CHECKs, keys and indexes stand in ent/migrations.
func (Obligation) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("contract_id", uuid.UUID{}),
		field.Text("side"),
		field.Text("kind"),
		field.Text("title"),
		field.Time("due_on").SchemaType(pgDate),
		field.Int64("amount_minor").Optional().Nillable(),
		field.Text("currency").Optional().Nillable(),
		field.Text("state").Default("due"),
		field.Time("settled_on").SchemaType(pgDate).Optional().Nillable(),
		field.Text("settle_note").Optional().Nillable(),
	}
}
