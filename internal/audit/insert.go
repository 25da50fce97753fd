package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// head is what records of one caller have in common; row is a record of a read before it has a time: that is the transaction's.
type head struct {
	kind, act, actorKind       string
	actor, credential          uuid.UUID // zero: none
	actorName, objectType      string
	reason, detail, requestTag string
}

type row struct {
	id, object uuid.UUID
	head       int // of the entry's
}

func (w *Writer) head(s *tenancy.Session, kind, act, objectType string) head {
	return head{
		kind: kind, act: fit(act, 64), actorKind: string(s.Actor.Kind), actor: s.Actor.Account, actorName: fit(s.Actor.Name, 100),
		credential: s.Actor.Credential, objectType: fit(objectType, 40), detail: "{}", requestTag: fit(s.RequestID, 64),
	}
}

// openings makes the records of a read. Objects of one type of which the same is revealed share what is said of them.
func (w *Writer) openings(s *tenancy.Session, all []Opening) *entry {
	e := newEntry(len(all))
	var first []Opening // of each head
	for i := range all {
		o := &all[i]
		n := slices.IndexFunc(first, func(f Opening) bool {
			return f.Type == o.Type && f.Act == o.Act && f.Purpose == o.Purpose && slices.Equal(f.Groups, o.Groups)
		})
		if n < 0 {
			n = len(first)
			first = append(first, *o)
			h := w.head(s, "opening", o.Act, o.Type)
			if len(o.Groups) > 0 || o.Purpose != "" {
				// Marshal of strings does not fail.
				detail, _ := json.Marshal(struct {
					Groups  []policy.Object `json:"groups,omitempty"`
					Purpose string          `json:"purpose,omitempty"`
				}{o.Groups, fit(o.Purpose, 200)})
				h.detail = string(detail)
			}
			e.heads = append(e.heads, h)
		}
		e.rows = append(e.rows, row{w.ids.New(), o.ID, n})
	}
	return e
}

func (w *Writer) refusals(s *tenancy.Session, all []Refusal) *entry {
	e := newEntry(len(all))
	for i, r := range all {
		h := w.head(s, "refusal", r.Act, r.Type)
		h.reason = "NOT_FOUND"
		if r.Reason != "" {
			h.reason = fit(r.Reason, 200)
		}
		e.heads = append(e.heads, h)
		e.rows = append(e.rows, row{w.ids.New(), r.ID, i})
	}
	return e
}

// fit makes text that its column takes: one caller's odd request id must not fail the group of others.
func fit(s string, runes int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes])
	}
	return s
}

// COPY is refused on tables with row-level security; arrays cost one round trip too. The time is that of the transaction.
const insertRows = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id,
	object_type, object_id, reason, detail, request_id, occurred_at)
	SELECT $1, v.id, h.kind, h.act, h.actor_kind, NULLIF(h.actor, '00000000-0000-0000-0000-000000000000'), h.actor_name,
		NULLIF(h.credential, '00000000-0000-0000-0000-000000000000'), h.object_type, NULLIF(v.object, '00000000-0000-0000-0000-000000000000'),
		h.reason, h.detail::jsonb, h.request, current_setting('app.now')::timestamptz
	FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS v (id, object, head)
	JOIN unnest($5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[])
		WITH ORDINALITY AS h (kind, act, actor_kind, actor, actor_name, credential, object_type, reason, detail, request, n) ON h.n = v.head`

// insert writes one group in a transaction of its own. The session is the audit's own: every caller's was found alive by
// the transaction that read what is recorded here.
func insert(ctx context.Context, db *tenancy.DB, tenant tenancy.TenantID, group []*entry) error {
	n, m := 0, 0
	for _, e := range group {
		n, m = n+len(e.rows), m+len(e.heads)
	}
	var (
		ids, objects                   = make([]uuid.UUID, 0, n), make([]uuid.UUID, 0, n)
		of                             = make([]int64, 0, n)
		actors, credentials            = make([]uuid.UUID, 0, m), make([]uuid.UUID, 0, m)
		kinds, acts, actorKinds, names = make([]string, 0, m), make([]string, 0, m), make([]string, 0, m), make([]string, 0, m)
		objectTypes, reasons           = make([]string, 0, m), make([]string, 0, m)
		details, requests              = make([]string, 0, m), make([]string, 0, m)
	)
	for _, e := range group {
		base := len(kinds) + 1 // ordinals begin with one
		for _, r := range e.rows {
			ids, objects, of = append(ids, r.id), append(objects, r.object), append(of, int64(base+r.head))
		}
		for i := range e.heads {
			h := &e.heads[i]
			kinds, acts, actorKinds, actors, names = append(kinds, h.kind), append(acts, h.act), append(actorKinds, h.actorKind), append(actors, h.actor), append(names, h.actorName)
			credentials, objectTypes, reasons = append(credentials, h.credential), append(objectTypes, h.objectType), append(reasons, h.reason)
			details, requests = append(details, h.detail), append(requests, h.requestTag)
		}
	}
	b := &pgx.Batch{}
	b.Queue(insertRows, tenant.UUID(), ids, objects, of, kinds, acts, actorKinds, actors, names, credentials, objectTypes, reasons, details, requests)
	if err := db.Write(ctx, tenancy.ForSystem(tenant, tenancy.SystemSealer), b); err != nil {
		return fmt.Errorf("audit: insert: %w", err)
	}
	return nil
}
