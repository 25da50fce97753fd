package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// AccessRequest asks for field classes of one archive until an end (F10).
type AccessRequest struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (AccessRequest) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (AccessRequest) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "access_requests"}}
}

// Fields mirrors the columns of access_requests; CHECKs, keys and indexes stand in ent/migrations.
func (AccessRequest) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("requester_staff_id", uuid.UUID{}),
		field.UUID("client_id", uuid.UUID{}),
		field.Int16("class_mask"),
		field.Text("purpose"),
		field.Time("wanted_from"),
		field.Time("wanted_until"),
		field.Text("state").Default("requested"),
		field.UUID("grant_id", uuid.UUID{}).Optional().Nillable(),
		field.Time("ended_at").Optional().Nillable(),
	}
}
