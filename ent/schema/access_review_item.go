package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// AccessReviewItem is one binding or grant under review, and what its reviewer decided.
type AccessReviewItem struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (AccessReviewItem) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (AccessReviewItem) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "access_review_items"}}
}

// Fields mirrors the columns of access_review_items; CHECKs, keys and indexes stand in ent/migrations.
func (AccessReviewItem) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("review_id", uuid.UUID{}),
		field.Text("kind"),
		field.UUID("binding_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("grant_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("holder_account_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("holder_staff_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("reviewer_staff_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("decision").Optional().Nillable(),
		field.UUID("decided_by", uuid.UUID{}).Optional().Nillable(),
		field.Time("decided_at").Optional().Nillable(),
		field.Text("reason").Optional().Nillable(),
	}
}
