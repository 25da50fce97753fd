package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// PolicyVersion is one immutable set of rules with author, reason and state.
type PolicyVersion struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (PolicyVersion) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (PolicyVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "policy_versions"}}
}

// Fields mirrors the columns of policy_versions; CHECKs, keys and indexes stand in ent/migrations.
func (PolicyVersion) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("number"),
		field.Int64("base_number").Optional().Nillable(),
		field.Text("state").Default("draft"),
		field.Text("reason"),
		field.Bytes("content_hash"),
		field.UUID("author_id", uuid.UUID{}).Optional().Nillable(),
		field.Time("published_at").Optional().Nillable(),
		field.UUID("published_by", uuid.UUID{}).Optional().Nillable(),
	}
}
