package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/clientele/clientele/internal/tenancy"
)

// Sealed is a record as it is stored, with its seal and the tree hashes that belong to its number. What a superuser may
// have left there is taken as it is: the verifier judges it.
type Sealed struct {
	Number int64
	Seal   []byte
	Tree   [][]byte // nil where one is missing
	Record Record
	Broken string // why the row is no record at all; then Record is not to be used
}

// Signed is a stored checkpoint: Size and CreatedAt are its columns, the note says the same under its signature.
type Signed struct {
	Size      int64
	Note      string
	CreatedAt pgtype.Timestamptz
}

// End is what stands behind the last record.
type End struct {
	TreeHashes int64 // the highest position in the tree, plus one
	Unsealed   int64 // records without a number yet
}

// Item is one of the three. Records come by number, each followed by the checkpoints of its size; End comes last.
type Item struct {
	Record     *Sealed
	Checkpoint *Signed
	End        *End
}

// Trail is a whole trail of one tenant, from a database or from a file. It may be gone through once.
type Trail struct {
	Tenant uuid.UUID
	Items  iter.Seq2[Item, error]
}

const (
	pageNumbers   = 2_000
	highestNumber = 1 << 48 // beyond it positions of tree hashes would overflow

	pageRecords = `SELECT seal_seq, seal_hash, ` + columns + ` FROM audit_records
		WHERE tenant_id = $1 AND seal_seq >= $2 AND seal_seq < $3 ORDER BY seal_seq, id`
	pageTree   = `SELECT position, hash FROM audit_tree WHERE tenant_id = $1 AND position >= $2 AND position < $3 ORDER BY position`
	pageSigned = `SELECT tree_size, COALESCE(note, ''), created_at FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size >= $2 AND tree_size < $3 ORDER BY tree_size`
	// Ordered look-ups of one row take the index whatever the statistics say: while records are sealed, those lag behind.
	beyond = `SELECT LEAST((SELECT seal_seq FROM audit_records WHERE tenant_id = $1 AND seal_seq >= $2 ORDER BY seal_seq LIMIT 1),
		(SELECT tree_size FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size >= $2 ORDER BY tree_size LIMIT 1))`
	lowest = `SELECT LEAST(1, (SELECT seal_seq FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NOT NULL ORDER BY seal_seq LIMIT 1),
		(SELECT tree_size FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY tree_size LIMIT 1))`
	whatIsEnd = `SELECT COALESCE((SELECT position + 1 FROM audit_tree WHERE tenant_id = $1 ORDER BY position DESC LIMIT 1), 0),
		(SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL)`
)

// FromDatabase reads the trail of the session's tenant in pages, in one snapshot.
func FromDatabase(ctx context.Context, db *tenancy.DB, s *tenancy.Session) Trail {
	return Trail{Tenant: s.Tenant.UUID(), Items: func(yield func(Item, error) bool) {
		r := db.BeginRead(s)
		defer r.Close(ctx)
		p := pages{read: r, tenant: s.Tenant.UUID()}
		if err := p.walk(ctx, yield); err != nil && !errors.Is(err, errStopped) {
			yield(Item{}, fmt.Errorf("audit: trail of tenant %s: %w", s.Tenant, err))
		}
	}}
}

var errStopped = errors.New("audit: the reader has stopped")

type pages struct {
	read   *tenancy.Read
	tenant uuid.UUID
}

type page struct {
	records []Sealed
	tree    map[int64][]byte
	signed  []Signed
	next    *int64 // lowest number or size beyond the page
}

func (p *pages) walk(ctx context.Context, yield func(Item, error) bool) error {
	var from int64
	b := &pgx.Batch{}
	b.Queue(lowest, p.tenant)
	if err := p.read.Send(ctx, b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&from) }); err != nil {
		return err
	}
	for next := &from; next != nil; {
		if *next > highestNumber {
			if !yield(Item{Record: &Sealed{Number: *next, Broken: "no record has such a number"}}, nil) {
				return errStopped
			}
			break
		}
		page, err := p.load(ctx, *next)
		if err != nil {
			return err
		}
		if !page.deliver(yield) {
			return errStopped
		}
		next = page.next
	}
	var end End
	b = &pgx.Batch{}
	b.Queue(whatIsEnd, p.tenant)
	if err := p.read.Send(ctx, b, func(br pgx.BatchResults) error {
		return br.QueryRow().Scan(&end.TreeHashes, &end.Unsealed)
	}); err != nil {
		return err
	}
	yield(Item{End: &end}, nil)
	return nil
}

func (p *pages) load(ctx context.Context, from int64) (page, error) {
	to := from + pageNumbers
	pg := page{tree: map[int64][]byte{}}
	b := &pgx.Batch{}
	b.Queue(pageRecords, p.tenant, from, to)
	b.Queue(pageTree, p.tenant, tlog.StoredHashCount(max(from, 1)-1), tlog.StoredHashCount(max(to, 1)-1))
	b.Queue(pageSigned, p.tenant, from, to)
	b.Queue(beyond, p.tenant, to)
	err := p.read.Send(ctx, b, func(br pgx.BatchResults) error {
		rows, err := br.Query()
		if err != nil {
			return err
		}
		if pg.records, err = pgx.CollectRows(rows, scanSealed); err != nil {
			return err
		}
		if rows, err = br.Query(); err != nil {
			return err
		}
		var position int64
		var hash []byte
		if _, err := pgx.ForEachRow(rows, []any{&position, &hash}, func() error {
			pg.tree[position] = append([]byte(nil), hash...)
			return nil
		}); err != nil {
			return err
		}
		if rows, err = br.Query(); err != nil {
			return err
		}
		if pg.signed, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (Signed, error) {
			var c Signed
			err := r.Scan(&c.Size, &c.Note, &c.CreatedAt)
			return c, err
		}); err != nil {
			return err
		}
		return br.QueryRow().Scan(&pg.next)
	})
	return pg, err
}

// deliver merges records and checkpoints by number.
func (pg *page) deliver(yield func(Item, error) bool) bool {
	signed := pg.signed
	for i := range pg.records {
		rec := &pg.records[i]
		for len(signed) > 0 && signed[0].Size < rec.Number {
			if !yield(Item{Checkpoint: &signed[0]}, nil) {
				return false
			}
			signed = signed[1:]
		}
		if n := rec.Number; n > 0 {
			for at := tlog.StoredHashCount(n - 1); at < tlog.StoredHashCount(n); at++ {
				rec.Tree = append(rec.Tree, pg.tree[at])
			}
		}
		if !yield(Item{Record: rec}, nil) {
			return false
		}
	}
	for i := range signed {
		if !yield(Item{Checkpoint: &signed[i]}, nil) {
			return false
		}
	}
	return true
}

// scanSealed takes rows that a superuser has freed of their constraints too.
func scanSealed(r pgx.CollectableRow) (Sealed, error) {
	var s Sealed
	var text [9]*string
	var at pgtype.Timestamptz
	rec := &s.Record
	err := r.Scan(&s.Number, &s.Seal, &rec.Tenant, &rec.ID, &text[0], &text[1], &text[2], &rec.ActorID, &text[3], &rec.CredentialID,
		&text[4], &rec.ObjectID, &rec.ObjectVersion, &text[5], &rec.RuleID, &text[6], &text[7], &text[8], &at)
	if err != nil {
		return s, err
	}
	for _, t := range text {
		if t == nil {
			s.Broken = "a column that is never empty is NULL"
			return s, nil
		}
	}
	if !at.Valid || at.InfinityModifier != pgtype.Finite {
		s.Broken = "occurred_at is no time"
		return s, nil
	}
	rec.Kind, rec.Act, rec.ActorKind, rec.ActorName, rec.ObjectType = *text[0], *text[1], *text[2], *text[3], *text[4]
	rec.Reason, rec.Clause, rec.Detail, rec.RequestID, rec.OccurredAt = *text[5], *text[6], []byte(*text[7]), *text[8], at.Time.UTC()
	return s, nil
}
