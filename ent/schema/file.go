package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// File is what is known of bytes in the blob store: their hash, whether they were scanned, and the ticket they may be sent by.
type File struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (File) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (File) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "files"}}
}

// Fields mirrors the columns of files; CHECKs, keys and indexes stand in ent/migrations.
func (File) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("original_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("name"),
		field.Text("media_type"),
		field.Int64("size"),
		field.Bytes("sha256"),
		field.Text("state").Default("awaiting"),
		field.Bytes("ticket_hash").Optional(),
		field.Time("ticket_until").Optional().Nillable(),
		field.Time("received_at").Optional().Nillable(),
		field.Time("scanned_at").Optional().Nillable(),
		field.Text("scan_note").Optional().Nillable(),
		field.Int32("scan_attempts").Default(0),
		field.Time("scan_after").Optional().Nillable(),
	}
}
