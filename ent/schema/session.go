package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Session is one sign-in; the bearer token is kept as a hash.
type Session struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (Session) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "sessions"}}
}

// Fields mirrors the columns of sessions; CHECKs, keys and indexes stand in ent/migrations.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("account_id", uuid.UUID{}),
		field.Bytes("token_hash").Sensitive(),
		field.Text("user_agent").Default(""),
		field.Text("address").Default(""),
		field.Time("created_at"),
		field.Time("last_seen_at"),
		field.Time("expires_at"),
		field.Time("revoked_at").Optional().Nillable(),
		field.UUID("revoked_by", uuid.UUID{}).Optional().Nillable(),
	}
}
