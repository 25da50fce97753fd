package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// row is a record of a read before it has a time: that is the transaction's.
type row struct {
	id         uuid.UUID
	kind, act  string
	actorKind  string
	actor      *uuid.UUID
	actorName  string
	credential *uuid.UUID
	objectType string
	object     *uuid.UUID
	reason     string
	detail     string
	request    string
}

func (w *Writer) row(s *tenancy.Session, kind, act, objectType string, object uuid.UUID) row {
	return row{
		id: w.ids.New(), kind: kind, act: fit(act, 64),
		actorKind: string(s.Actor.Kind), actor: nullable(s.Actor.Account), actorName: fit(s.Actor.Name, 100),
		credential: nullable(s.Actor.Credential), objectType: fit(objectType, 40), object: nullable(object),
		detail: "{}", request: fit(s.RequestID, 64),
	}
}

func (w *Writer) opening(s *tenancy.Session, o Opening) row {
	r := w.row(s, "opening", o.Act, o.Type, o.ID)
	if len(o.Groups) > 0 {
		// Marshal of strings does not fail.
		detail, _ := json.Marshal(map[string][]policy.Object{"groups": o.Groups})
		r.detail = string(detail)
	}
	return r
}

func (w *Writer) refusal(s *tenancy.Session, o Refusal) row {
	r := w.row(s, "refusal", o.Act, o.Type, o.ID)
	r.reason = "NOT_FOUND"
	if o.Reason != "" {
		r.reason = fit(o.Reason, 200)
	}
	return r
}

// fit makes text that its column takes: one caller's odd request id must not fail the group of others.
func fit(s string, runes int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes])
	}
	return s
}

func nullable(u uuid.UUID) *uuid.UUID {
	if u == uuid.Nil {
		return nil
	}
	return &u
}

// COPY is refused on tables with row-level security; arrays cost one round trip too.
const insertRows = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id,
	object_type, object_id, reason, detail, request_id, occurred_at)
	SELECT $1, v.id, v.kind, v.act, v.actor_kind, v.actor, v.actor_name, v.credential, v.object_type, v.object, v.reason, v.detail::jsonb, v.request, $2
	FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::uuid[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::text[])
		AS v (id, kind, act, actor_kind, actor, actor_name, credential, object_type, object, reason, detail, request)`

// insert writes one group in a transaction of its own. The session is the audit's own: every caller's was found alive by
// the transaction that read what is recorded here.
func insert(ctx context.Context, db *tenancy.DB, tenant tenancy.TenantID, rows []row) error {
	n := len(rows)
	var (
		ids                                     = make([]uuid.UUID, n)
		actors, credentials, objects            = make([]*uuid.UUID, n), make([]*uuid.UUID, n), make([]*uuid.UUID, n)
		kinds, acts, actorKinds, names          = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		objectTypes, reasons, details, requests = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	)
	for i, r := range rows {
		ids[i], kinds[i], acts[i], actorKinds[i], actors[i], names[i] = r.id, r.kind, r.act, r.actorKind, r.actor, r.actorName
		credentials[i], objectTypes[i], objects[i], reasons[i], details[i], requests[i] = r.credential, r.objectType, r.object, r.reason, r.detail, r.request
	}
	return db.InTx(ctx, tenancy.ForSystem(tenant, tenancy.SystemSealer), func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, insertRows, tenant.UUID(), tx.Now(), ids, kinds, acts, actorKinds, actors, names, credentials,
			objectTypes, objects, reasons, details, requests)
		if err != nil {
			return fmt.Errorf("audit: insert: %w", err)
		}
		return nil
	})
}
