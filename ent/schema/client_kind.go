package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientKind is one of the kinds a client has.
type ClientKind struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientKind) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (ClientKind) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "client_kinds"}}
}

// Fields mirrors the columns of client_kinds; CHECKs, keys and indexes stand in ent/migrations.
func (ClientKind) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.Text("kind"),
	}
}
