package custody_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

type fixture struct {
	*world.Tenant
	*custody.Service
	t *testing.T
	// kam heads the department; keeper and second are custodians; rep owns the client, mate is on its team, stranger is not; boss is the
	// general manager; head manages the department; reader sees lists only
	kam, keeper, second, rep, mate, stranger, boss, head, reader, foreign world.Person
	client                                                                uuid.UUID
	other                                                                 *world.Tenant
	store                                                                 *store
}

// store stands for the owner of bytes: rows of files, and which of them no longer hash to what was filed.
type store struct {
	mu      sync.Mutex
	changed map[uuid.UUID]bool
	links   int
	// hashing is called while a file is hashed; hashed counts.
	hashing func()
	hashed  int
}

var errTenant = errors.New("a file of no tenant")

func (s *store) files(db *tenancy.DB) custody.Files {
	return custody.Files{
		Ticket: func(ctx context.Context, w *act.Work, original uuid.UUID, want custody.Upload) (custody.Ticket, error) {
			if want.MediaType != "application/pdf" {
				return custody.Ticket{}, fault.List{fault.Invalid("mediaType", "UNSUPPORTED_MEDIA_TYPE", fault.Text{ZH: "类型", EN: "type"}, fault.Text{})}
			}
			f := w.IDs.New()
			_, err := w.Exec(ctx, `INSERT INTO files (tenant_id, id, original_id, name, media_type, size, sha256, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $8)`,
				w.Tenant(), f, original, want.Name, want.MediaType, want.Size, want.SHA256, w.Now())
			return custody.Ticket{File: f, Secret: "secret", Until: w.Now().Add(time.Minute)}, err
		},
		Link: func(_ context.Context, tx *tenancy.Tx, file uuid.UUID, purpose string) (custody.Link, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.links++
			return custody.Link{Path: "/files/" + file.String() + "?for=" + purpose, Until: tx.Now().Add(time.Minute)}, nil
		},
		Verify: func(ctx context.Context, session *tenancy.Session, file uuid.UUID) (bool, error) {
			var found int
			if err := db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
				return tx.QueryRow(ctx, `SELECT count(*) FROM files WHERE tenant_id = $1 AND id = $2`, session.Tenant.UUID(), file).Scan(&found)
			}); err != nil || found != 1 {
				return false, errTenant
			}
			s.mu.Lock()
			hashing := s.hashing
			s.hashed++
			s.mu.Unlock()
			if hashing != nil {
				hashing()
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			return !s.changed[file], nil
		},
	}
}

func newFixture(t *testing.T) *fixture {
	w := world.New(t)
	x, other := w.Tenant("alpha"), w.Tenant("beta")
	rights, err := access.New(w.DB, 10)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{changed: map[uuid.UUID]bool{}}
	f := &fixture{
		Tenant: x, Service: custody.New(w.Runner, w.DB, rights, approval.Fixed{}).WithFiles(s.files(w.DB)), t: t, other: other, store: s,
		kam: x.Person(x.Department, "kam_manager"), keeper: x.Person(x.Sibling, "archive_custodian"), second: x.Person(x.Sibling, "archive_custodian"),
		rep: x.Person(x.Department, "ka_sales_rep"), mate: x.Person(x.Department, "ka_sales_rep"), stranger: x.Person(x.Sibling, "ka_sales_rep"),
		boss: x.Person(x.Sibling, "general_manager"), head: x.Person(x.Department, "dept_manager"), reader: x.Person(x.Sibling, "list_reader"),
		foreign: other.Person(other.Department, "kam_manager"),
	}
	a := archive.New(w.Runner)
	r, err := a.ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "展会"}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	f.client = r.Subject.ID
	_, err = a.ClientAssignTeam(t.Context(), f.kam.Session, archive.ClientAssignTeam{
		Target:  archive.Target{ClientID: f.client, ExpectedVersion: 1},
		Members: []archive.TeamMember{{StaffID: f.rep.Staff, Duty: "OWNER"}, {StaffID: f.mate.Staff, Duty: "SERVICE"}},
	}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func ptr[T any](v T) *T { return &v }

func (f *fixture) ok(r act.Result, err error) act.Result {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// paper files an original on paper.
func (f *fixture) paper(title string, class int) uuid.UUID {
	f.t.Helper()
	r, _, err := f.OriginalFile(f.t.Context(), f.keeper.Session, custody.OriginalFile{
		ClientID: f.client, Kind: "CREDIT", Title: title, FieldClass: class, Provenance: "客户提供", Paper: ptr("共三页 " + title),
	}, f.Key())
	return f.ok(r, err).Subject.ID
}

// file files an original with a clean file, and gives both.
func (f *fixture) file(title string, class int) (original, file uuid.UUID) {
	f.t.Helper()
	r, ticket, err := f.OriginalFile(f.t.Context(), f.keeper.Session, custody.OriginalFile{
		ClientID: f.client, Kind: "CONTRACT", Title: title, FieldClass: class, Provenance: "客户提供",
		File: &custody.Upload{Name: "a.pdf", MediaType: "application/pdf", Size: 3, SHA256: strings.Repeat("ab", 32)},
	}, f.Key())
	f.ok(r, err)
	f.Exec(`UPDATE files SET state = 'clean', version = version + 1 WHERE tenant_id = $1 AND id = $2`, ticket.File)
	f.ok(f.OriginalAddVersion(f.t.Context(), f.keeper.Session, custody.OriginalAddVersion{OriginalID: r.Subject.ID, ExpectedVersion: 1, FileID: &ticket.File}, f.Key()))
	return r.Subject.ID, ticket.File
}

func (f *fixture) request(p world.Person, due *time.Time, originals ...uuid.UUID) custody.BorrowingTarget {
	f.t.Helper()
	return target(f.ok(f.BorrowingRequest(f.t.Context(), p.Session, custody.BorrowingRequest{ClientID: f.client, OriginalIDs: originals, Purpose: "核对信用", DueAt: due}, f.Key())))
}

func target(r act.Result) custody.BorrowingTarget {
	return custody.BorrowingTarget{BorrowingID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
}

func (f *fixture) endorse(p world.Person, t custody.BorrowingTarget) custody.BorrowingTarget {
	f.t.Helper()
	return target(f.ok(f.BorrowingEndorse(f.t.Context(), p.Session, custody.BorrowingDecision{BorrowingTarget: t}, f.Key())))
}

func (f *fixture) approve(p world.Person, t custody.BorrowingTarget) custody.BorrowingTarget {
	f.t.Helper()
	return target(f.ok(f.BorrowingApprove(f.t.Context(), p.Session, custody.BorrowingDecision{BorrowingTarget: t}, f.Key())))
}

func (f *fixture) handOut(p world.Person, t custody.BorrowingTarget) custody.BorrowingTarget {
	f.t.Helper()
	return target(f.ok(f.BorrowingHandOut(f.t.Context(), p.Session, custody.BorrowingHandOut{BorrowingTarget: t}, f.Key())))
}

// lend takes a loan of class below L4 to the borrower's hands.
func (f *fixture) lend(p world.Person, due *time.Time, originals ...uuid.UUID) custody.BorrowingTarget {
	f.t.Helper()
	return f.handOut(f.keeper, f.endorse(f.keeper, f.request(p, due, originals...)))
}

// is holds a value behind the walls to what is wanted.
func (f *fixture) is(want, sql string, args ...any) {
	f.t.Helper()
	if got := f.Text(sql, args...); got != want {
		f.t.Errorf("%s:\ngot  %s\nwant %s", sql, got, want)
	}
}

func reason(err error) string {
	list, ok := fault.As(err)
	if !ok {
		return fmt.Sprint(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, strings.Join(strings.Fields(string(e.Code)+" "+e.Field+" "+e.Reason), " "))
	}
	return strings.Join(out, "; ")
}

// everything that acts of custody write.
func (f *fixture) everything() string {
	out := f.Fingerprint()
	for _, table := range []string{"originals", "original_versions", "borrowings", "borrowing_items", "access_requests", "approval_steps", "custody_incidents", "files", "access_grants"} {
		out += f.Text(`SELECT md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM ` + table + ` r WHERE tenant_id = $1`)
	}
	return out
}

// refused asserts the refusal, that nothing changed, and that a refusal of rights was recorded.
func (f *fixture) refused(what, want string, do func() error) {
	f.t.Helper()
	before, audits := f.everything(), f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`)
	if got := reason(do()); got != want {
		f.t.Errorf("%s: %s, want %s", what, got, want)
	}
	if f.everything() != before {
		f.t.Errorf("%s: something changed", what)
	}
	recorded := f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`) != audits
	if what == "another tenant" { // there it is recorded
		return
	}
	if due := strings.HasPrefix(want, "FORBIDDEN") || strings.HasPrefix(want, "NOT_FOUND") || strings.HasPrefix(want, "DUTY"); recorded != due {
		f.t.Errorf("%s: recorded %v, want %v", what, recorded, due)
	}
}

// open tries to open the content.
func (f *fixture) open(p world.Person, original uuid.UUID, seq *int32) error {
	_, link, err := f.OriginalOpen(f.t.Context(), p.Session, custody.OriginalOpen{OriginalID: original, VersionSeq: seq}, f.Key())
	if err == nil && link == nil {
		f.t.Error("opened without a link")
	}
	return err
}

// click follows a link: whether the bytes would leave, asked in a transaction of the person.
func (f *fixture) click(p world.Person, file uuid.UUID) (terms custody.Terms, err error) {
	e := f.DB.InTx(f.t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		terms, err = f.Click(ctx, tx, file)
		return nil
	})
	if e != nil {
		f.t.Fatal(e)
	}
	return terms, err
}

// now is the time of a transaction.
func (f *fixture) now() time.Time {
	f.t.Helper()
	var now time.Time
	err := f.DB.InTx(f.t.Context(), f.keeper.Session, func(_ context.Context, tx *tenancy.Tx) error {
		now = tx.Now()
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return now
}
