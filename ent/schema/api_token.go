package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ApiToken is a long-lived credential of an account; kept as a hash.
type ApiToken struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ApiToken) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Versioned{}} }

// Annotations names the table.
func (ApiToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "api_tokens"}}
}

// Fields mirrors the columns of api_tokens; CHECKs, keys and indexes stand in ent/migrations.
func (ApiToken) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("account_id", uuid.UUID{}),
		field.Text("name"),
		field.Text("token_prefix"),
		field.Bytes("token_hash").Sensitive(),
		field.Text("scopes").Default(""),
		field.Time("created_at"),
		field.UUID("created_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("expires_at"),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
		field.UUID("revoked_by", uuid.UUID{}).Optional().Nillable(),
	}
}
