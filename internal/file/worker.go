package file

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

const (
	// A file is claimed by moving the time at which it may be tried next: whoever dies with it leaves it to be claimed again
	// then. SKIP LOCKED: several processes claim different ones.
	claimFile = `UPDATE files SET scan_attempts = scan_attempts + 1, scan_after = $3, updated_at = $2
		WHERE tenant_id = $1 AND id = (SELECT id FROM files WHERE tenant_id = $1 AND state = 'quarantined' AND scan_after <= $2 ORDER BY scan_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id`
	postponeFile = `UPDATE files SET scan_after = $3, scan_note = $4, updated_at = $5 WHERE tenant_id = $1 AND id = $2 AND state = 'quarantined'`
	anyWaiting   = `SELECT EXISTS (SELECT FROM files WHERE tenant_id = $1 AND state = 'quarantined' AND scan_after <= current_setting('app.now')::timestamptz)`
	abandoned    = `SELECT id FROM files WHERE tenant_id = $1 AND (state = 'awaiting' AND ticket_until < $2 OR state = 'infected' AND scanned_at < $3) ORDER BY id LIMIT 100`
)

// clearEvery is how many looks for work lie between two looks for what was abandoned.
const clearEvery = 300

// Wake says that a tenant has something to scan. It never blocks; without it the file is found by the next look.
func (s *Service) Wake(tenant tenancy.TenantID) { s.hints.Tell(tenant) }

// Run scans and clears away until ctx ends. Any number of processes may run one: no two scan a file at once. Failures are
// logged and tried again; one tenant's do not stop the others.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(s.limits.Sweep)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.hints.Ready():
			for _, t := range s.hints.Take() {
				s.logged(ctx, "files not scanned", s.ScanTenant(ctx, t))
			}
		case <-tick.C:
			s.look(ctx, n)
			n++
		}
	}
}

// look visits every tenant: the system role gives their ids and nothing else, the work is the tenant's own.
func (s *Service) look(ctx context.Context, n int) {
	tenants, err := s.db.Tenants(ctx, "active")
	if err != nil {
		s.logged(ctx, "tenants to scan", err)
		return
	}
	for _, t := range tenants {
		if ctx.Err() != nil {
			return
		}
		if s.Scans() {
			waiting, err := s.waiting(ctx, t)
			s.logged(ctx, "files to scan", err)
			if waiting {
				s.logged(ctx, "files not scanned", s.ScanTenant(ctx, t))
			}
		}
		if n%clearEvery == 0 {
			s.logged(ctx, "abandoned files not cleared away", s.Clear(ctx, t))
		}
	}
}

func (s *Service) logged(ctx context.Context, what string, err error) {
	if err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		s.log.ErrorContext(ctx, what, slog.Any("error", err))
	}
}

func (s *Service) waiting(ctx context.Context, tenant tenancy.TenantID) (yes bool, err error) {
	r := s.db.BeginRead(tenancy.ForSystem(tenant, tenancy.SystemFiles))
	defer r.Close(ctx)
	b := &pgx.Batch{}
	b.Queue(anyWaiting, tenant.UUID())
	err = r.Send(ctx, b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&yes) })
	return yes, err
}

// ScanTenant scans what waits in the tenant now.
func (s *Service) ScanTenant(ctx context.Context, tenant tenancy.TenantID) error {
	if !s.Scans() {
		return nil
	}
	for {
		f, ok, err := s.claim(ctx, tenant)
		if err != nil || !ok {
			return err
		}
		if err := s.scanOne(ctx, f); err != nil {
			return err
		}
	}
}

// claim takes the next file for as long as a scan may last.
func (s *Service) claim(ctx context.Context, tenant tenancy.TenantID) (r row, ok bool, err error) {
	err = s.db.InTx(ctx, tenancy.ForSystem(tenant, tenancy.SystemFiles), func(ctx context.Context, tx *tenancy.Tx) error {
		var file uuid.UUID
		err := tx.QueryRow(ctx, claimFile, tenant.UUID(), tx.Now(), tx.Now().Add(s.limits.Scan+time.Minute)).Scan(&file)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("file: claim: %w", err)
		}
		ok = true
		r, err = load(ctx, tx, selectFile, file)
		return err
	})
	return r, ok, err
}

// scanOne gives the file its verdict, or a later time.
func (s *Service) scanOne(ctx context.Context, r row) error {
	within, cancel := context.WithTimeout(ctx, s.limits.Scan)
	v, err := s.judge(within, &r.File)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // the program ends: the claim runs out
	}
	if err != nil {
		s.log.WarnContext(ctx, "a file could not be scanned", slog.String("file", r.ID.String()), slog.Int("attempt", r.attempts), slog.Any("error", err))
		return s.postpone(ctx, r)
	}
	return s.settle(ctx, r, v)
}

// postpone: 5 s, 10 s, 20 s … up to an hour.
func (s *Service) postpone(ctx context.Context, r row) error {
	wait := min(time.Hour, 5*time.Second<<min(r.attempts-1, 12))
	return s.db.InTx(ctx, tenancy.ForSystem(r.Tenant, tenancy.SystemFiles), func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, postponeFile, r.Tenant.UUID(), r.ID, tx.Now().Add(wait), "SCAN_FAILED", tx.Now())
		return err
	})
}

// settle writes the verdict, with event and audit record.
func (s *Service) settle(ctx context.Context, r row, v Verdict) error {
	state := Clean
	if v.Infected {
		state = Infected
	}
	input := struct{ File, State string }{r.ID.String(), string(state)}
	key := fmt.Sprintf("file-scan-%s-%d", r.ID, r.attempts)
	_, err := s.run.Run(ctx, tenancy.ForSystem(r.Tenant, tenancy.SystemFiles), fileScan, key, input, func(ctx context.Context, w *act.Work) (act.Result, error) {
		now, err := load(ctx, w.Tx, lockFile, r.ID)
		if err != nil {
			return act.Result{}, err
		}
		if now.State != Quarantined {
			return act.Result{}, fault.State("FILE_SCANNED", fault.Text{ZH: "该文件已扫描", EN: "the file was scanned"}, fault.Text{})
		}
		if _, err := w.Exec(ctx, judgeFile, w.Tenant(), r.ID, string(state), w.Now(), v.Found); err != nil {
			return act.Result{}, err
		}
		changes := []act.Change{{Field: "state", Old: Quarantined, New: state}}
		if v.Found != "" {
			changes = append(changes, act.Change{Field: "scanNote", New: v.Found})
		}
		return act.Result{Subject: act.Subject{Type: "File", ID: r.ID, Version: now.Version + 1}, Changes: changes}, nil
	})
	if fault.CodeOf(err) == fault.InvalidState {
		return nil // another process had it after this one's claim ran out
	}
	return err
}

// judge looks into the bytes: is it what it says, may it be kept, what does the scanner say. Reason codes in
// Verdict.Found: HASH_MISMATCH, FILE_TYPE_MISMATCH, HAS_MACROS, ENCRYPTED_PDF, IMAGE_TOO_LARGE; of a clean file
// UNMARKABLE: no reader's name can be put on it.
func (s *Service) judge(ctx context.Context, f *File) (Verdict, error) {
	same, err := s.Verify(ctx, *f)
	if err != nil {
		return Verdict{}, err
	}
	if !same {
		return Verdict{Infected: true, Found: reasonHash}, nil
	}
	if s.scanner != nil {
		in, err := s.store.Open(ctx, f.key(), 0, -1)
		if err != nil {
			return Verdict{}, err
		}
		defer in.Close()
		v, err := s.scanner.Scan(ctx, in)
		if err != nil || v.Infected {
			return v, err
		}
	}
	return s.inspect(ctx, f)
}

// Clear clears away uploads that never came and the bytes of files that did not pass.
func (s *Service) Clear(ctx context.Context, tenant tenancy.TenantID) error {
	session := tenancy.ForSystem(tenant, tenancy.SystemFiles)
	for {
		var ids []uuid.UUID
		err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
			rows, err := tx.Query(ctx, abandoned, tenant.UUID(), tx.Now().Add(-s.limits.Abandoned), tx.Now().Add(-s.limits.Infected))
			if err != nil {
				return err
			}
			ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, file := range ids {
			if err := s.clearOne(ctx, session, file); err != nil {
				return err
			}
		}
	}
}

// clearOne removes the bytes while it holds the row: nobody accepts them meanwhile.
func (s *Service) clearOne(ctx context.Context, session *tenancy.Session, file uuid.UUID) error {
	return s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		r, err := load(ctx, tx, lockFile, file)
		if err != nil || r.State != Infected && (r.State != Awaiting || tx.Now().Before(r.Until)) {
			return err
		}
		if err := s.store.Delete(ctx, r.key()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, removeFile, session.Tenant.UUID(), file, tx.Now(), nil)
		return err
	})
}
