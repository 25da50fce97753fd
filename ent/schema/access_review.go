package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// AccessReview is a half-yearly campaign over every binding and grant.
type AccessReview struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (AccessReview) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (AccessReview) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "access_reviews"}}
}

// Fields mirrors the columns of access_reviews; CHECKs, keys and indexes stand in ent/migrations.
func (AccessReview) Fields() []ent.Field {
	return []ent.Field{
		field.Text("period"),
		field.Text("state").Default("open"),
		field.Time("due_at"),
		field.Time("closed_at").Optional().Nillable(),
	}
}
