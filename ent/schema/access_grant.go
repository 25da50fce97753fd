package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// AccessGrant opens field classes of one archive to one staff member until an end (F10).
type AccessGrant struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (AccessGrant) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (AccessGrant) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "access_grants"}}
}

// Fields mirrors the columns of access_grants; CHECKs, keys and indexes stand in ent/migrations.
func (AccessGrant) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("grantee_staff_id", uuid.UUID{}),
		field.UUID("client_id", uuid.UUID{}),
		field.Int16("class_mask"),
		field.Text("purpose"),
		field.Time("valid_from"),
		field.Time("valid_until"),
		field.Time("revoked_at").Optional().Nillable(),
		field.UUID("granted_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("review_due_at").Optional().Nillable(),
	}
}
