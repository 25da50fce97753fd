package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// PolicyConflict names two acts that must not be in one hand under a policy version.
type PolicyConflict struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (PolicyConflict) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (PolicyConflict) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "policy_conflicts"}}
}

// Fields mirrors the columns of policy_conflicts; CHECKs, keys and indexes stand in ent/migrations.
func (PolicyConflict) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("policy_version_id", uuid.UUID{}),
		field.Int32("seq"),
		field.Text("key"),
		field.Text("action_a"),
		field.Text("action_b"),
		field.Text("name_zh"),
		field.Text("name_en"),
		field.Text("clause").Default(""),
	}
}
