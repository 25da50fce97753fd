package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientDistribution gives a prospect to a section (requirement E03).
type ClientDistribution struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientDistribution) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (ClientDistribution) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "client_distributions"}}
}

// Fields mirrors the columns of client_distributions; CHECKs, keys and indexes stand in ent/migrations.
func (ClientDistribution) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.UUID("department_id", uuid.UUID{}),
		field.Time("valid_from"),
		field.Time("valid_until").Optional().Nillable(),
	}
}
