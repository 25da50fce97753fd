package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// OriginalVersion is one filing of an original: a file, or the hash of a record on paper.
type OriginalVersion struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (OriginalVersion) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (OriginalVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "original_versions"}}
}

// Fields mirrors the columns of original_versions; CHECKs, keys and indexes stand in ent/migrations.
func (OriginalVersion) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("original_id", uuid.UUID{}),
		field.Int32("seq"),
		field.UUID("file_id", uuid.UUID{}).Optional().Nillable(),
		field.Bytes("content_hash"),
		field.Text("note").Optional().Nillable(),
		field.Time("filed_at"),
		field.UUID("filed_by", uuid.UUID{}).Optional().Nillable(),
	}
}
