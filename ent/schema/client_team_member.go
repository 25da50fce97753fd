package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ClientTeamMember is a staff member with a duty for a client, for a time.
type ClientTeamMember struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ClientTeamMember) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (ClientTeamMember) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "client_team_members"}}
}

// Fields mirrors the columns of client_team_members; CHECKs, keys and indexes stand in ent/migrations.
func (ClientTeamMember) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("client_id", uuid.UUID{}),
		field.UUID("staff_id", uuid.UUID{}),
		field.Text("duty"),
		field.Time("valid_from"),
		field.Time("valid_until").Optional().Nillable(),
	}
}
