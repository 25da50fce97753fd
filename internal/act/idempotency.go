package act

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func checkKey(key string) error {
	if n := len(key); n < 8 || n > 200 {
		return fault.Invalid("idempotencyKey", "IDEMPOTENCY_KEY_LENGTH",
			fault.Text{ZH: "幂等键须为 8 至 200 个字符", EN: "An idempotency key has 8 to 200 characters"},
			fault.Text{ZH: "为每次操作生成一个 UUID，并在重试时重复使用", EN: "Make one UUID per action and send it again on a retry"})
	}
	for _, c := range []byte(key) {
		if c < 0x21 || c > 0x7e {
			return fault.Invalid("idempotencyKey", "IDEMPOTENCY_KEY_CHARACTERS",
				fault.Text{ZH: "幂等键只能含可见 ASCII 字符", EN: "An idempotency key has visible ASCII characters only"},
				fault.Text{ZH: "请使用 UUID", EN: "Use a UUID"})
		}
	}
	return nil
}

func hashInput(spec Spec, input any) ([]byte, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("act: %s: input: %w", spec.Name, err)
	}
	h := sha256.New()
	h.Write([]byte(spec.Name))
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil), nil
}

const (
	// A concurrent call with the same key waits here until the first one has committed or gone.
	claimKey = `INSERT INTO idempotency_keys (tenant_id, account_id, key, act, input_hash, created_at)
		VALUES ($1, $2, $3, $4, $5, current_setting('app.now')::timestamptz)
		ON CONFLICT (tenant_id, account_id, key) DO NOTHING`
	readKey = `SELECT act, input_hash, outcome FROM idempotency_keys WHERE tenant_id = $1 AND account_id = $2 AND key = $3`
)

// claim is the taking of a key by a transaction.
type claim struct {
	spec  Spec
	key   string
	hash  []byte
	taken bool
}

func (c *claim) queue(b *pgx.Batch, s *tenancy.Session) {
	b.Queue(claimKey, s.Tenant.UUID(), s.Actor.Account, c.key, c.spec.Name, c.hash)
}

func (c *claim) read(br pgx.BatchResults) error {
	tag, err := br.Exec()
	if err != nil {
		return fmt.Errorf("act: claim key: %w", err)
	}
	c.taken = tag.RowsAffected() == 1
	return nil
}

// stored returns the outcome of the act that took the key before; nil when this one did.
func (c *claim) stored(ctx context.Context, tx *tenancy.Tx) (*Subject, error) {
	if c.taken {
		return nil, nil
	}
	s := tx.Session()
	var name string
	var storedHash, outcome []byte
	err := tx.QueryRow(ctx, readKey, s.Tenant.UUID(), s.Actor.Account, c.key).Scan(&name, &storedHash, &outcome)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.Busy("IDEMPOTENCY_KEY_EXPIRED", fault.Text{ZH: "幂等键刚刚过期，请重试", EN: "The idempotency key has just expired; try again"})
	}
	if err != nil {
		return nil, fmt.Errorf("act: read key: %w", err)
	}
	if name != c.spec.Name || string(storedHash) != string(c.hash) {
		return nil, fault.KeyReused()
	}
	var subject Subject
	if err := json.Unmarshal(outcome, &subject); err != nil {
		return nil, fmt.Errorf("act: stored outcome: %w", err)
	}
	return &subject, nil
}

// hold locks the tenant's epochs for a sensitive act.
//
// SECURITY: it serialises changes of rights in the tenant until the transaction ends, and the act is decided by the rights of
// after the wait for it. An actor whose credential ended meanwhile acts no more.
type hold struct {
	epochs tenancy.Epochs
	found  bool
}

const holdEpochs = `SELECT policy_version, org_version, revocation_version FROM tenant_epochs WHERE tenant_id = $1 FOR NO KEY UPDATE`

func (h *hold) queue(b *pgx.Batch, s *tenancy.Session) { b.Queue(holdEpochs, s.Tenant.UUID()) }

func (h *hold) read(br pgx.BatchResults) error {
	err := br.QueryRow().Scan(&h.epochs.Policy, &h.epochs.Org, &h.epochs.Revocation)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("act: hold epochs: %w", err)
	}
	h.found = err == nil
	return nil
}

func (h *hold) take(ctx context.Context, tx *tenancy.Tx) error {
	switch {
	case h.found:
		return tx.Held(ctx, h.epochs)
	case tx.Session().Actor.System == tenancy.SystemOperator:
		return nil // the tenant is being made
	}
	return fmt.Errorf("act: hold epochs: %w", pgx.ErrNoRows)
}
