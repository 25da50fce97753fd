package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// PolicyClass gives a field group another field class than the shipped one under a policy version.
type PolicyClass struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (PolicyClass) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (PolicyClass) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "policy_classes"}}
}

// Fields mirrors the columns of policy_classes; CHECKs, keys and indexes stand in ent/migrations.
func (PolicyClass) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("policy_version_id", uuid.UUID{}),
		field.Text("object"),
		field.Int16("field_class"),
		field.Text("note").Default(""),
	}
}
