package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Account is what signs in: a staff member or a partner app.
type Account struct{ ent.Schema }

// Mixin gives the columns that every row of its kind has.
func (Account) Mixin() []ent.Mixin { return []ent.Mixin{TenantRow{}, Trail{}, Versioned{}} }

// Annotations names the table.
func (Account) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "accounts"}}
}

// Fields mirrors the columns of accounts; CHECKs, keys and indexes stand in ent/migrations.
func (Account) Fields() []ent.Field {
	return []ent.Field{
		field.Text("kind").Default("staff"),
		field.UUID("staff_id", uuid.UUID{}).Optional().Nillable(),
		field.Text("login"),
		field.Text("display_name"),
		field.Text("password_hash").Optional().Nillable().Sensitive(),
		field.Bool("must_change_password").Default(false),
		field.Text("state").Default("active"),
	}
}
