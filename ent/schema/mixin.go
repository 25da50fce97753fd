// Package schema describes the entities for ent: columns and types, nothing that acts. It mirrors ent/migrations, and a
// test proves the two equal; it has no hooks, no interceptors, no privacy rules and no edges (reads are not ent's task).
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"
)

// pgDate is a date without time of day; Go sees midnight UTC.
var pgDate = map[string]string{dialect.Postgres: "date"}

// TenantRow: every row has an id of its own and the tenant it belongs to. The database's key is (tenant_id, id).
type TenantRow struct{ mixin.Schema }

// Fields of TenantRow.
func (TenantRow) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
	}
}

// Trail: who made the row and who changed it last (staff ids; none for apps and system actors), and when.
type Trail struct{ mixin.Schema }

// Fields of Trail.
func (Trail) Fields() []ent.Field {
	return []ent.Field{
		field.Time("created_at").Immutable(),
		field.UUID("created_by", uuid.UUID{}).Optional().Nillable().Immutable(),
		field.Time("updated_at"),
		field.UUID("updated_by", uuid.UUID{}).Optional().Nillable(),
	}
}

// Versioned: the optimistic lock; every change adds one.
type Versioned struct{ mixin.Schema }

// Fields of Versioned.
func (Versioned) Fields() []ent.Field {
	return []ent.Field{field.Int64("version").Default(1)}
}
