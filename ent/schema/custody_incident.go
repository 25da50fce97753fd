package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// CustodyIncident is damage, loss or a changed hash of an original (G05).
type CustodyIncident struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (CustodyIncident) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (CustodyIncident) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "custody_incidents"}}
}

// Fields mirrors the columns of custody_incidents; CHECKs, keys and indexes stand in ent/migrations.
func (CustodyIncident) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("original_id", uuid.UUID{}),
		field.UUID("client_id", uuid.UUID{}),
		field.UUID("borrowing_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("kind"),
		field.Text("note"),
		field.UUID("reported_by", uuid.UUID{}).Optional().Nillable(),
		field.Text("state").Default("open"),
		field.Time("closed_at").Optional().Nillable(),
		field.Text("resolution").Optional().Nillable(),
	}
}
