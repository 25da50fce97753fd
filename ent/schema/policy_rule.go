package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// PolicyRule is one line of a policy version; never changed.
type PolicyRule struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (PolicyRule) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (PolicyRule) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "policy_rules"}}
}

// Fields mirrors the columns of policy_rules; CHECKs, keys and indexes stand in ent/migrations.
func (PolicyRule) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("policy_version_id", uuid.UUID{}),
		field.Int32("seq"),
		field.Text("role_key"),
		field.Text("object"),
		field.Text("action"),
		field.Text("data_scope"),
		field.Int16("class_mask").Default(0),
		field.Text("condition").Default(""),
		field.Text("effect"),
		field.Time("valid_from").Optional().Nillable(),
		field.Time("valid_until").Optional().Nillable(),
		field.Text("clause").Default(""),
		field.Text("note").Default(""),
	}
}
