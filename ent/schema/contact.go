package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Contact is a person at a client.
type Contact struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Contact) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Contact) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "contacts"}}
}

// Fields mirrors the columns of contacts; CHECKs, keys and indexes stand in ent/migrations.
func (Contact) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.Text("name"),
		field.Text("title").Optional().Nillable(),
		field.Text("phone").Optional().Nillable(),
		field.Text("email").Optional().Nillable(),
		field.Time("birthday").SchemaType(pgDate).Optional().Nillable(),
		field.Bool("is_primary").Default(false),
		field.Bool("refuses_calls").Default(false),
		field.Bool("refuses_mail").Default(false),
		field.Text("state").Default("active"),
	}
}
