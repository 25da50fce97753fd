package authn

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
)

// record is one line of kind sign_in in the audit trail. What was typed never stands in it.
type record struct {
	act        string // "signIn", "signOut"
	reason     string // of a refusal; "" for success
	account    Account
	credential uuid.UUID
}

const insertRecord = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id,
	object_type, object_id, object_version, reason, clause, detail, request_id, occurred_at)
	VALUES ($1, $2, 'sign_in', $3, $4, $5, $6, $7, $8, $9, NULL, $10, '', $11, $12, $13)`

func (s *Service) queueRecord(ctx context.Context, b *pgx.Batch, tx *tenancy.Tx, r record) {
	kind, object := tenancy.SystemActor, ""
	if r.account.ID != uuid.Nil {
		object = "Account"
		if kind = tenancy.StaffActor; r.account.Kind == "app" {
			kind = tenancy.AppActor
		}
	}
	detail, err := json.Marshal(map[string]any{"loginKnown": r.account.ID != uuid.Nil})
	if err != nil {
		panic(err) // a map of one boolean
	}
	b.Queue(insertRecord, tx.Session().Tenant.UUID(), s.ids.New(), r.act, kind, nullable(r.account.ID), cut(r.account.DisplayName, 100), nullable(r.credential),
		object, nullable(r.account.ID), r.reason, detail, cut(s.requestID(ctx), 64), tx.Now())
}

// recordFailure audits a refused sign-in in a tenant that exists, for a login that exists and one that does not alike. A
// failure to record is logged and keeps nobody out or in: the answer is a refusal already.
func (s *Service) recordFailure(ctx context.Context, c candidate) {
	if c.tenant == (tenancy.TenantID{}) {
		return
	}
	// The caller may have gone; the attempt is recorded all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.db.InTx(ctx, tenancy.ForSystem(c.tenant, tenancy.SystemSignIn), func(ctx context.Context, tx *tenancy.Tx) error {
		b := &pgx.Batch{}
		s.queueRecord(ctx, b, tx, record{act: "signIn", reason: "SIGN_IN_REFUSED", account: c.account})
		return sendAll(ctx, tx, b)
	})
	if err != nil {
		s.log.ErrorContext(ctx, "refused sign-in not recorded", slog.Any("error", err))
	}
}

func sendAll(ctx context.Context, tx *tenancy.Tx, b *pgx.Batch) error {
	return tx.SendBatch(ctx, b).Close()
}
