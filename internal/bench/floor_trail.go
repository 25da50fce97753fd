package main

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
)

// openings are what a read shows that is recorded: a client by id, and each row whose amount is shown.
type openings struct {
	acts, types, details []string
	ids, objects         []uuid.UUID
}

func (o *openings) add(act, typ string, object uuid.UUID) {
	detail := "{}"
	if act == "reveal" {
		detail = `{"groups":["contract#terms"]}`
	}
	o.acts, o.types, o.details, o.objects = append(o.acts, act), append(o.types, typ), append(o.details, detail), append(o.objects, object)
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // no randomness
	}
	o.ids = append(o.ids, id)
}

const writeOpenings = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type, object_id, detail, occurred_at)
	SELECT $1, v.id, 'opening', v.act, 'staff', $2, $3, $4, v.type, v.object, v.detail::jsonb, $5
	FROM unnest($6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::text[]) AS v (id, act, type, object, detail)`

// opened writes the openings of a read at the end of its transaction, before its answer leaves.
func (f *floor) opened(t *transaction, o *openings) error {
	a := t.actor
	b := &pgx.Batch{}
	if len(o.ids) > 0 {
		b.Queue(writeOpenings, a.tenant, a.account, a.name, a.credential, t.now, o.ids, o.acts, o.types, o.objects, o.details)
	}
	b.Queue("commit")
	if err := t.send(b, func(br pgx.BatchResults) error {
		_, err := br.Exec()
		return err
	}); err != nil {
		return err
	}
	if len(o.ids) > 0 {
		f.sealer.Wake(tenancy.TenantID(a.tenant))
	}
	return nil
}
