package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// PolicyTest is a permanent assertion of the administrators: who never, or always, may do something on which rows.
type PolicyTest struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (PolicyTest) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (PolicyTest) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "policy_tests"}}
}

// Fields mirrors the columns of policy_tests; CHECKs, keys and indexes stand in ent/migrations.
func (PolicyTest) Fields() []ent.Field {
	return []ent.Field{
		field.Text("name"),
		field.Text("expectation"),
		field.Text("role_key").Optional().Nillable(),
		field.UUID("staff_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("staff_department_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("object"),
		field.Text("action"),
		field.UUID("row_company_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("row_department_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("row_condition").Default(""),
		field.Text("row_own").Default("ANY"),
		field.Text("clause").Default(""),
		field.Text("state").Default("active"),
	}
}
