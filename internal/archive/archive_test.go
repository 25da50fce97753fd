package archive_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/testkit/world"
)

const creditCode = "91350100M000100Y43"

type fixture struct {
	*world.Tenant
	*archive.Service
	t *testing.T
	// kam heads the department, rep sells in it, rep2 too, clerk is of the market department, foreign of another tenant
	kam, rep, rep2, clerk, reader, foreign world.Person
	other                                  *world.Tenant
}

func newFixture(t *testing.T) *fixture {
	w := world.New(t)
	x, other := w.Tenant("alpha"), w.Tenant("beta")
	return &fixture{
		Tenant: x, Service: archive.New(w.Runner), t: t, other: other,
		kam: x.Person(x.Department, "kam_manager"), rep: x.Person(x.Department, "ka_sales_rep"), rep2: x.Person(x.Department, "ka_sales_rep"),
		clerk: x.Person(x.Sibling, "roster_clerk_market"), reader: x.Person(x.Sibling, "list_reader"), foreign: other.Person(other.Department, "kam_manager"),
	}
}

func (f *fixture) open(p world.Person, name string) archive.Target {
	f.t.Helper()
	r, err := f.ClientOpen(f.t.Context(), p.Session, archive.ClientOpen{Name: name, Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "展会"}, f.Key())
	if err != nil {
		f.t.Fatal(err)
	}
	return archive.Target{ClientID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
}

func reason(err error) string {
	list, ok := fault.As(err)
	if !ok {
		return fmt.Sprint(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, strings.TrimSpace(string(e.Code)+" "+e.Field+" "+e.Reason))
	}
	return strings.Join(out, "; ")
}

// refused asserts the refusal, that nothing changed, and that a refusal of rights was recorded.
func (f *fixture) refused(what, want string, do func() error) {
	f.t.Helper()
	before := f.Fingerprint()
	audits := f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`)
	err := do()
	if got := reason(err); got != want {
		f.t.Errorf("%s: %s, want %s", what, got, want)
	}
	if after := f.Fingerprint(); after != before {
		f.t.Errorf("%s: something changed:\n%s\n%s", what, before, after)
	}
	recorded := f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`) != audits
	if due := strings.HasPrefix(want, "FORBIDDEN") || strings.HasPrefix(want, "NOT_FOUND"); recorded != due {
		f.t.Errorf("%s: recorded %v, want %v", what, recorded, due)
	}
}

func (f *fixture) is(want, sql string, args ...any) {
	f.t.Helper()
	if got := f.Text(sql, args...); got != want {
		f.t.Errorf("%s:\ngot  %s\nwant %s", sql, got, want)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := archive.ClientOpen{
		Name: " 重庆长安汽车股份有限公司 ", Kinds: []string{"SUPPLIER", "KEY"}, DepartmentID: f.Department, Source: "展会",
		Profile: archive.Profile{UnifiedCreditCode: input.Set(strings.ToLower(creditCode)), RegisteredCapital: input.Set(input.Money{Minor: 1 << 62, Currency: "CNY"})},
	}
	r, err := f.ClientOpen(t.Context(), f.rep.Session, in, "key-open-1")
	if err != nil {
		t.Fatal(err)
	}
	id := r.Subject.ID
	f.is("KA-000001|重庆长安汽车股份有限公司|chong qing chang an qi che gu fen you xian gong si|prospect|"+f.rep.Staff.String()+"|"+f.Company.String()+"|"+creditCode+"|4611686018427387904|1|"+f.rep.Staff.String(),
		`SELECT code, name, sort_key, stage, owner_id, company_id, unified_credit_code, registered_capital_minor, version, created_by FROM clients WHERE tenant_id = $1 AND id = $2`, id)
	f.is("KEY;SUPPLIER", `SELECT kind FROM client_kinds WHERE tenant_id = $1 AND client_id = $2 ORDER BY 1`, id)
	f.is("OWNER|"+f.rep.Staff.String(), `SELECT duty, staff_id FROM client_team_members WHERE tenant_id = $1 AND client_id = $2 AND valid_until IS NULL`, id)
	f.is("1|client.opened.v1|Client|1|KA-000001", `SELECT seq, type, subject_type, subject_version, snapshot->'client#list'->>'code' FROM events WHERE tenant_id = $1`)
	f.is("change|client.open|1", `SELECT kind, act, object_version FROM audit_records WHERE tenant_id = $1`)
	f.is("3", `SELECT count(*) FROM client_search_terms WHERE tenant_id = $1 AND client_id = $2 AND field_class = 0 AND term IN ('长安', 'cqc', 'cha')`, id)
	f.is("1", `SELECT count(*) FROM client_search_terms WHERE tenant_id = $1 AND client_id = $2 AND field_class = 1 AND term = 'y43'`, id)

	again, err := f.ClientOpen(t.Context(), f.rep.Session, in, "key-open-1")
	if err != nil || !again.Replayed || again.Subject != r.Subject {
		t.Errorf("replay: %+v %v", again, err)
	}
	f.is("1", `SELECT count(*) FROM clients WHERE tenant_id = $1`)
	f.refused("another input", "IDEMPOTENCY_MISMATCH idempotencyKey IDEMPOTENCY_KEY_REUSED", func() error {
		other := in
		other.Name = "别的公司"
		_, err := f.ClientOpen(t.Context(), f.rep.Session, other, "key-open-1")
		return err
	})
	f.refused("the same code", "CONFLICT input.profile.unifiedCreditCode CREDIT_CODE_REGISTERED", func() error {
		_, err := f.ClientOpen(t.Context(), f.rep2.Session, in, f.Key())
		return err
	})
	if _, err := f.ClientOpen(t.Context(), f.foreign.Session, archive.ClientOpen{
		Name: "同码", Kinds: []string{"KEY"}, DepartmentID: f.other.Department, Source: "x", Profile: in.Profile,
	}, f.Key()); err != nil {
		t.Errorf("another tenant's code is an oracle: %v", err)
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good := archive.ClientOpen{Name: "甲公司", Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "展会"}
	with := func(change func(*archive.ClientOpen)) archive.ClientOpen {
		in := good
		change(&in)
		return in
	}
	ptr := func(u uuid.UUID) *uuid.UUID { return &u }
	text := func(s string) *string { return &s }
	gone := f.Person(f.Department)
	f.Exec(`UPDATE staff SET state = 'left' WHERE tenant_id = $1 AND id = $2`, gone.Staff)
	f.Exec(`UPDATE departments SET state = 'closed' WHERE tenant_id = $1 AND id = $2`, f.Section)
	for what, c := range map[string]struct {
		who  world.Person
		in   archive.ClientOpen
		want string
	}{
		"no department":        {f.rep, with(func(in *archive.ClientOpen) { in.DepartmentID = f.Nowhere }), "NOT_FOUND input.departmentId NOT_FOUND"},
		"foreign department":   {f.rep, with(func(in *archive.ClientOpen) { in.DepartmentID = f.other.Department }), "NOT_FOUND input.departmentId NOT_FOUND"},
		"closed department":    {f.rep, with(func(in *archive.ClientOpen) { in.DepartmentID = f.Section }), "INVALID_INPUT input.departmentId DEPARTMENT_CLOSED"},
		"no owner":             {f.rep, with(func(in *archive.ClientOpen) { in.OwnerID = ptr(f.Nowhere) }), "NOT_FOUND input.ownerId NOT_FOUND"},
		"foreign owner":        {f.rep, with(func(in *archive.ClientOpen) { in.OwnerID = ptr(f.foreign.Staff) }), "NOT_FOUND input.ownerId NOT_FOUND"},
		"owner has left":       {f.kam, with(func(in *archive.ClientOpen) { in.OwnerID = ptr(gone.Staff) }), "INVALID_INPUT input.ownerId STAFF_LEAVING"},
		"for somebody else":    {f.rep, with(func(in *archive.ClientOpen) { in.OwnerID = ptr(f.rep2.Staff) }), "FORBIDDEN  OUT_OF_SCOPE"},
		"without the right":    {f.reader, good, "FORBIDDEN  NO_ROLE"},
		"special without type": {f.rep, with(func(in *archive.ClientOpen) { in.Kinds = []string{"SPECIAL"} }), "INVALID_INPUT input.specialType SPECIAL_TYPE_REQUIRED"},
		"type without special": {f.rep, with(func(in *archive.ClientOpen) { in.SpecialType = text("BANK") }), "INVALID_INPUT input.specialType SPECIAL_TYPE_WITHOUT_KIND"},
		"everything wrong": {f.rep, archive.ClientOpen{
			Name: " ", Kinds: []string{"KEY", "KEY"}, Region: text("a\x00"), Grade: text("D"),
			Profile: archive.Profile{UnifiedCreditCode: input.Set(creditCode[:17] + "4"), Phone: input.Set("abc"), RegisteredCapital: input.Set(input.Money{Minor: -1, Currency: "CNY"})},
		}, "INVALID_INPUT input.name REQUIRED; INVALID_INPUT input.kinds KINDS_EMPTY_OR_REPEATED; INVALID_INPUT input.region TEXT_MALFORMED; " +
			"INVALID_INPUT input.grade UNKNOWN_VALUE; INVALID_INPUT input.profile.unifiedCreditCode CREDIT_CODE_CHECK_DIGIT; " +
			"INVALID_INPUT input.profile.phone PHONE_MALFORMED; INVALID_INPUT input.profile.registeredCapital.amount NEGATIVE_AMOUNT; INVALID_INPUT input.source REQUIRED"},
	} {
		f.refused(what, c.want, func() error {
			_, err := f.ClientOpen(t.Context(), c.who.Session, c.in, f.Key())
			return err
		})
	}
}

func TestFiftyCallsOfOneKeyOpenOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var wg sync.WaitGroup
	results := make([]act.Result, 50)
	for i := range results {
		wg.Go(func() {
			var err error
			results[i], err = f.ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{Name: "甲", Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "x"}, "the-one-key")
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	done := 0
	for _, r := range results {
		if !r.Replayed {
			done++
		}
		if r.Subject != results[0].Subject {
			t.Errorf("%+v", r.Subject)
		}
	}
	if done != 1 {
		t.Errorf("done %d times", done)
	}
	f.is("1|1", `SELECT (SELECT count(*) FROM clients WHERE tenant_id = $1), (SELECT count(*) FROM events WHERE tenant_id = $1)`)
}

// D13: concurrent openings get distinct codes, and the events are numbered without a gap.
func TestConcurrentOpensHaveDistinctCodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const workers, each = 10, 30
	var wg sync.WaitGroup
	for n := range workers {
		wg.Go(func() {
			for i := range each {
				_, err := f.ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{Name: fmt.Sprintf("客户%d-%d", n, i), Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "x"}, f.Key())
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	f.is("300|300|KA-000001|KA-000300", `SELECT count(*), count(DISTINCT code), min(code), max(code) FROM clients WHERE tenant_id = $1`)
	f.is("300|1|300", `SELECT count(*), min(seq), max(seq) FROM events WHERE tenant_id = $1`)
}

func TestConcurrentOpensOfOneCreditCode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var answers []string
	for range 8 {
		wg.Go(func() {
			_, err := f.ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{
				Name: "甲", Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "x", Profile: archive.Profile{UnifiedCreditCode: input.Set(creditCode)},
			}, f.Key())
			mu.Lock()
			answers = append(answers, reason(err))
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(answers)
	taken := "CONFLICT input.profile.unifiedCreditCode CREDIT_CODE_REGISTERED"
	if want := append([]string{"<nil>"}, slices.Repeat([]string{taken}, 7)...); !slices.Equal(answers, want) {
		t.Error(answers)
	}
	f.is("1", `SELECT count(*) FROM clients WHERE tenant_id = $1`)
}

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}
