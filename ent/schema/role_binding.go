package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// RoleBinding gives a role to an account, for a time, relative to a company or department.
type RoleBinding struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (RoleBinding) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (RoleBinding) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "role_bindings"}}
}

// Fields mirrors the columns of role_bindings; CHECKs, keys and indexes stand in ent/migrations.
func (RoleBinding) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("account_id", uuid.UUID{}),
		field.UUID("role_id", uuid.UUID{}),
		field.UUID("company_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("department_id", uuid.UUID{}).Optional().Nillable(),
		field.Time("valid_from"),
		field.Time("valid_until").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
		field.UUID("granted_by", uuid.UUID{}).Optional().Nillable(),
		field.Bool("awaits_endorsement").Default(false),
		field.Time("endorsed_at").Optional().Nillable(),
		field.UUID("endorsed_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("review_due_at").Optional().Nillable(),
	}
}
