package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ContractRevision is one version of the terms.
type ContractRevision struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ContractRevision) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}} }

// Annotations names the table.
func (ContractRevision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "contract_revisions"}}
}

// Fields mirrors the columns of contract_revisions; CHECKs, keys and indexes stand in ent/migrations.
func (ContractRevision) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("contract_id", uuid.UUID{}),
		field.Int32("seq"),
		field.Text("terms"),
		field.Int64("amount_minor").Optional().Nillable(),
		field.Text("currency").Optional().Nillable(),
		field.Bytes("content_hash"),
		field.Text("state").Default("draft"),
		field.Text("change_note").Default(""),
		field.Time("created_at"),
		field.UUID("created_by", uuid.UUID{}).Optional().Nillable(),
	}
}
