package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientFormerName is a name that a client bore until a time.
type ClientFormerName struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientFormerName) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (ClientFormerName) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "client_former_names"}}
}

// Fields mirrors the columns of client_former_names; CHECKs, keys and indexes stand in ent/migrations.
func (ClientFormerName) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.Text("name"),
		field.Time("used_until"),
	}
}
