package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/clientele/clientele/internal/tenancy"
)

// ErrTampered means that what is stored does not continue what was signed: the tail is cut off, or a hash was altered.
// Nothing is sealed or signed over it, so that the evidence stays; Verify names the record.
var ErrTampered = errors.New("audit: the stored trail does not continue its last checkpoint")

const (
	// One sealer per tenant at a time; the lock ends with the transaction, so a transaction pooler does not matter. Two
	// tenants on one lock only wait for each other. Statements after it take their snapshots after it.
	lockTenant = `SELECT pg_try_advisory_xact_lock(hashtextextended('clientele.audit.seal:' || $1::text, 0))`
	waitTenant = `SELECT pg_advisory_xact_lock(hashtextextended('clientele.audit.seal:' || $1::text, 0))::text = ''`
	lastSeal   = `SELECT seal_seq, seal_hash FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NOT NULL ORDER BY seal_seq DESC LIMIT 1`
	lastSigned = `SELECT tree_size, note FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY tree_size DESC LIMIT 1`
	columns    = `tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type, object_id, object_version, reason, rule_id, clause, detail::text, request_id, occurred_at`
	unsealed   = `SELECT ` + columns + ` FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL%s ORDER BY id LIMIT $2`
	treeHashes = `SELECT position, hash FROM audit_tree WHERE tenant_id = $1 AND position = ANY($2::bigint[])`
	setSeals   = `UPDATE audit_records r SET seal_seq = v.seq, seal_hash = v.hash
		FROM unnest($2::uuid[], $3::bigint[], $4::bytea[]) AS v (id, seq, hash)
		WHERE r.tenant_id = $1 AND r.id = v.id AND r.seal_seq IS NULL`
	growTree  = `INSERT INTO audit_tree (tenant_id, position, hash) SELECT $1, $2 + v.n - 1, v.hash FROM unnest($3::bytea[]) WITH ORDINALITY AS v (hash, n)`
	addSigned = `INSERT INTO audit_checkpoints (tenant_id, tree_size, note, created_at) VALUES ($1, $2, $3, $4)`
)

// looked is how far back unsealed records are looked for: those of all times, or the latest alone.
//
// The index of unsealed records keeps an entry of every record that was sealed until the table is vacuumed, for a large trail after
// millions of them, and a look from its beginning passes them all: 35 ms where a look at the latest takes 0.1. Ids grow with time, so
// the latest lie at its end. What a long transaction, or a process whose clock is far behind, brings later is found by the looks
// at everything, each minute.
type looked string

const (
	everything looked = ""
	theLatest  looked = ` AND id >= (lpad(to_hex(floor(extract(epoch FROM current_setting('app.now')::timestamptz - interval '5 minutes') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`
)

// state is where a tenant's trail stands.
type state struct {
	locked bool
	last   int64 // number of the last sealed record
	seal   Hash
	size   int64 // of the newest checkpoint
	note   string
	fresh  []Record
}

// readState takes the tenant's lock (lockTenant or waitTenant) and reads on; locked is false when another sealer has it.
func readState(ctx context.Context, tx *tenancy.Tx, tenant uuid.UUID, limit int, lock string, at looked) (state, error) {
	var st state
	b := &pgx.Batch{}
	b.Queue(lock, tenant.String())
	b.Queue(lastSeal, tenant)
	b.Queue(lastSigned, tenant)
	b.Queue(fmt.Sprintf(unsealed, at), tenant, limit)
	br := tx.SendBatch(ctx, b)
	defer br.Close()
	if err := br.QueryRow().Scan(&st.locked); err != nil || !st.locked {
		return st, err
	}
	var seal []byte
	if err := br.QueryRow().Scan(&st.last, &seal); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return st, err
	}
	copy(st.seal[:], seal)
	if err := br.QueryRow().Scan(&st.size, &st.note); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return st, err
	}
	rows, err := br.Query()
	if err != nil {
		return st, err
	}
	st.fresh, err = pgx.CollectRows(rows, scanRecord)
	return st, err
}

func scanRecord(r pgx.CollectableRow) (Record, error) {
	var rec Record
	var detail string
	err := r.Scan(&rec.Tenant, &rec.ID, &rec.Kind, &rec.Act, &rec.ActorKind, &rec.ActorID, &rec.ActorName, &rec.CredentialID,
		&rec.ObjectType, &rec.ObjectID, &rec.ObjectVersion, &rec.Reason, &rec.RuleID, &rec.Clause, &detail, &rec.RequestID, &rec.OccurredAt)
	rec.Detail, rec.OccurredAt = []byte(detail), rec.OccurredAt.UTC()
	return rec, err
}

// seal seals at most limit records in one transaction and signs when the last checkpoint is due old. busy: another sealer
// has the tenant; with due 0, where somebody waits for the signature, it is waited for.
func (s *Sealer) seal(ctx context.Context, tenant tenancy.TenantID, limit int, due time.Duration, at looked) (sealed int, busy bool, err error) {
	err = s.db.InTx(ctx, tenancy.ForSystem(tenant, tenancy.SystemSealer), func(ctx context.Context, tx *tenancy.Tx) error {
		lock := lockTenant
		if due == 0 {
			lock = waitTenant
		}
		st, err := readState(ctx, tx, tenant.UUID(), limit, lock, at)
		if err != nil || !st.locked {
			busy = err == nil
			return err
		}
		if st.last < st.size {
			return fmt.Errorf("%w: %d records are left of the %d that were signed", ErrTampered, st.last, st.size)
		}
		tree, err := loadFrontier(ctx, tx, tenant.UUID(), st.last)
		if err != nil {
			return err
		}
		if sealed = len(st.fresh); sealed > 0 {
			if err := sealRecords(ctx, tx, tenant.UUID(), &st, tree); err != nil {
				return err
			}
		}
		if s.key == nil || tree.size == st.size {
			return nil
		}
		return s.signWhenDue(ctx, tx, &st, tree, due)
	})
	if err != nil {
		return 0, false, fmt.Errorf("audit: seal tenant %s: %w", tenant, err)
	}
	return sealed, busy, nil
}

func loadFrontier(ctx context.Context, tx *tenancy.Tx, tenant uuid.UUID, size int64) (*frontier, error) {
	f := &frontier{size: size}
	var err error
	f.roots, err = readHashes(ctx, tx, tenant, frontierPositions(size))
	return f, err
}

// readHashes reads hashes of the tree, in the order of positions; one that is not there was taken away.
func readHashes(ctx context.Context, tx *tenancy.Tx, tenant uuid.UUID, positions []int64) ([]Hash, error) {
	if len(positions) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, treeHashes, tenant, positions)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]Hash, len(positions))
	var position int64
	var hash []byte
	if _, err := pgx.ForEachRow(rows, []any{&position, &hash}, func() error {
		if len(hash) != len(Hash{}) {
			return fmt.Errorf("%w: tree hash %d has %d bytes", ErrTampered, position, len(hash))
		}
		found[position] = Hash(hash)
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]Hash, len(positions))
	for i, p := range positions {
		h, ok := found[p]
		if !ok {
			return nil, fmt.Errorf("%w: tree hash %d is missing", ErrTampered, p)
		}
		out[i] = h
	}
	return out, nil
}

func sealRecords(ctx context.Context, tx *tenancy.Tx, tenant uuid.UUID, st *state, tree *frontier) error {
	n := len(st.fresh)
	ids, numbers, seals := make([]uuid.UUID, n), make([]int64, n), make([][]byte, n)
	position := tlog.StoredHashCount(tree.size)
	var stored []Hash
	var h hasher
	for i := range st.fresh {
		seal, err := h.seal(st.seal, st.last+1, &st.fresh[i])
		if err != nil {
			return err
		}
		st.seal, st.last = seal, st.last+1
		ids[i], numbers[i], seals[i] = st.fresh[i].ID, st.last, seal[:]
		stored = tree.add(stored, leaf(seal))
	}
	hashes := make([][]byte, len(stored))
	for i := range stored {
		hashes[i] = stored[i][:]
	}
	b := &pgx.Batch{}
	b.Queue(setSeals, tenant, ids, numbers, seals)
	b.Queue(growTree, tenant, position, hashes)
	br := tx.SendBatch(ctx, b)
	defer br.Close()
	tag, err := br.Exec()
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(n) {
		return fmt.Errorf("%d of %d records took their seal", tag.RowsAffected(), n)
	}
	_, err = br.Exec()
	return err
}

// signWhenDue adds a checkpoint when the last one is at least due old.
func (s *Sealer) signWhenDue(ctx context.Context, tx *tenancy.Tx, st *state, tree *frontier, due time.Duration) error {
	tenant := tx.Session().Tenant.UUID()
	c := Checkpoint{Tenant: tenant, Size: tree.size, Root: tree.root(), Time: tx.Now().UTC().Truncate(time.Microsecond)}
	if st.size > 0 {
		last, err := OpenCheckpoint(st.note, tenant, s.keys)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTampered, err)
		}
		if c.Time.Sub(last.Time) < due {
			return nil
		}
		// SECURITY: what is signed continues what was signed; a trail that was rewritten since gets no signature.
		reader := tlog.HashReaderFunc(func(positions []int64) ([]Hash, error) { return readHashes(ctx, tx, tenant, positions) })
		proof, err := tlog.ProveTree(c.Size, last.Size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, c.Size, c.Root, last.Size, last.Root); err != nil {
			return fmt.Errorf("%w: %w", ErrTampered, err)
		}
	}
	signed, err := c.sign(s.key)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, addSigned, tenant, c.Size, signed, pgtype.Timestamptz{Time: c.Time, Valid: true})
	return err
}
