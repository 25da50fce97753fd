package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// ContractParty is one side of a contract and who signs for it.
type ContractParty struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (ContractParty) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (ContractParty) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "contract_parties"}}
}

// Fields mirrors the columns of contract_parties; CHECKs, keys and indexes stand in ent/migrations.
func (ContractParty) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("contract_id", uuid.UUID{}),
		field.Text("side"),
		field.UUID("company_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("client_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("name"),
		field.Text("signatory").Optional().Nillable(),
		field.Text("capacity").Optional().Nillable(),
		field.Text("state").Default("pending"),
		field.Time("signed_on").SchemaType(pgDate).Optional().Nillable(),
	}
}
