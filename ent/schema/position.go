package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Position is a post in a department with its written duties (requirements A01).
type Position struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Position) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Position) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "positions"}}
}

// Fields mirrors the columns of positions; CHECKs, keys and indexes stand in ent/migrations.
func (Position) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("department_id", uuid.UUID{}),
		field.Text("title"),
		field.Text("duties").Default(""),
		field.Text("state").Default("in_force"),
	}
}
