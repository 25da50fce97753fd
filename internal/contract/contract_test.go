package contract_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/testkit/world"
)

type fixture struct {
	*world.Tenant
	*contract.Service
	archive *archive.Service
	t       *testing.T
	// kam heads the department, rep owns the client, mate is on its team, stranger is not, reader sees lists only
	kam, rep, mate, stranger, reader, foreign world.Person
	other                                     *world.Tenant
	client                                    uuid.UUID
}

func newFixture(t *testing.T) *fixture {
	w := world.New(t)
	x, other := w.Tenant("alpha"), w.Tenant("beta")
	f := &fixture{
		Tenant: x, Service: contract.New(w.Runner), archive: archive.New(w.Runner), t: t, other: other,
		kam: x.Person(x.Department, "kam_manager"), rep: x.Person(x.Department, "ka_sales_rep"), mate: x.Person(x.Department, "ka_sales_rep"),
		stranger: x.Person(x.Department, "ka_sales_rep"), reader: x.Person(x.Sibling, "list_reader"), foreign: other.Person(other.Department, "kam_manager"),
	}
	r, err := f.archive.ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: f.Department, Source: "展会"}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	f.client = r.Subject.ID
	_, err = f.archive.ClientAssignTeam(t.Context(), f.kam.Session, archive.ClientAssignTeam{
		Target:  archive.Target{ClientID: f.client, ExpectedVersion: 1},
		Members: []archive.TeamMember{{StaffID: f.rep.Staff, Duty: "OWNER"}, {StaffID: f.mate.Staff, Duty: "SERVICE"}},
	}, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) input() contract.ContractDraft {
	return contract.ContractDraft{
		ClientID: f.client, CompanyID: f.Company, Kind: "SUPPLY", Title: "供应合同", Terms: "第一条\r\n第二条",
		Amount: &input.Money{Minor: 1 << 40, Currency: "CNY"}, StartsOn: day("2026-01-01"), EndsOn: day("2026-12-31"),
	}
}

func (f *fixture) draft(p world.Person) contract.Target {
	f.t.Helper()
	r, err := f.ContractDraft(f.t.Context(), p.Session, f.input(), f.Key())
	if err != nil {
		f.t.Fatal(err)
	}
	return contract.Target{ContractID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
}

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
		out = append(out, strings.TrimSpace(string(e.Code)+" "+e.Field+" "+e.Reason))
	}
	return strings.Join(out, "; ")
}

// refused asserts the refusal, that nothing changed, and that a refusal of rights was recorded.
func (f *fixture) refused(what, want string, do func() error) {
	f.t.Helper()
	before, audits := f.Fingerprint(), f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`)
	if got := reason(do()); got != want {
		f.t.Errorf("%s: %s, want %s", what, got, want)
	}
	if f.Fingerprint() != before {
		f.t.Errorf("%s: something changed", what)
	}
	recorded := f.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1`) != audits
	if due := strings.HasPrefix(want, "FORBIDDEN") || strings.HasPrefix(want, "NOT_FOUND"); recorded != due {
		f.t.Errorf("%s: recorded %v, want %v", what, recorded, due)
	}
}

func day(s string) *time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return &d
}

func TestDraft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := f.input()
	third, signatory, capacity := "担保人", "张三", "LEGAL_REPRESENTATIVE"
	in.Parties = []contract.Party{{Side: "OURS", CompanyID: &f.OtherCompany, Signatory: &signatory, Capacity: &capacity}, {Side: "THIRD", Name: &third}}
	r, err := f.ContractDraft(t.Context(), f.mate.Session, in, "draft-key")
	if err != nil {
		t.Fatal(err)
	}
	year := time.Now().In(time.FixedZone("", 8*3600)).Year()
	f.is(fmt.Sprintf("HT-%d-000001|SUPPLY|draft|%s|%s|%s|1099511627776|2026-12-31|1", year, f.mate.Staff, f.Company, f.Department),
		`SELECT number, kind, state, owner_id, company_id, department_id, amount_minor, ends_on, version FROM contracts WHERE tenant_id = $1`)
	f.is("1|第一条\n第二条|draft|true", `SELECT seq, terms, state, octet_length(content_hash) = 32 FROM contract_revisions WHERE tenant_id = $1`)
	f.is("OURS|alpha子公司|张三|pending;THEIRS|长安汽车|-|pending;THIRD|担保人|-|pending", `SELECT side, name, signatory, state FROM contract_parties WHERE tenant_id = $1 ORDER BY side`)
	f.is("contract.drafted.v1|DRAFT|true", `SELECT type, snapshot->'contract#summary'->>'state', NOT snapshot->'contract#summary' ? 'amount' FROM events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1`)
	f.is("change|1", `SELECT kind, object_version FROM audit_records WHERE tenant_id = $1 AND act = 'contract.draft'`)
	if again, err := f.ContractDraft(t.Context(), f.mate.Session, in, "draft-key"); err != nil || !again.Replayed || again.Subject != r.Subject {
		t.Errorf("%+v %v", again, err)
	}
	f.draft(f.kam) // not on the team: the client's owner owns it
	f.is(f.rep.Staff.String(), `SELECT owner_id FROM contracts WHERE tenant_id = $1 AND created_by = $2`, f.kam.Staff)
	f.is("OURS|alpha总公司;THEIRS|长安汽车", `SELECT side, p.name FROM contract_parties p JOIN contracts c ON c.tenant_id = p.tenant_id AND c.id = p.contract_id
		WHERE c.tenant_id = $1 AND c.created_by = $2 ORDER BY side`, f.kam.Staff)
}

func TestDraftRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	with := func(change func(*contract.ContractDraft)) contract.ContractDraft {
		in := f.input()
		change(&in)
		return in
	}
	blank := " "
	for what, c := range map[string]struct {
		who  world.Person
		in   contract.ContractDraft
		want string
	}{
		"not on the team":   {f.stranger, f.input(), "NOT_FOUND  NOT_FOUND"},
		"no such client":    {f.kam, with(func(in *contract.ContractDraft) { in.ClientID = f.Nowhere }), "NOT_FOUND  NOT_FOUND"},
		"only the list":     {f.reader, f.input(), "FORBIDDEN  NO_ROLE"},
		"no such company":   {f.rep, with(func(in *contract.ContractDraft) { in.CompanyID = f.Nowhere }), "NOT_FOUND input.companyId NOT_FOUND"},
		"a foreign company": {f.rep, with(func(in *contract.ContractDraft) { in.CompanyID = f.other.Company }), "NOT_FOUND input.companyId NOT_FOUND"},
		"another company":   {f.rep, with(func(in *contract.ContractDraft) { in.CompanyID = f.OtherCompany }), "INVALID_INPUT input.companyId COMPANY_NOT_OF_DEPARTMENT"},
		"a foreign party": {f.rep, with(func(in *contract.ContractDraft) {
			in.Parties = []contract.Party{{Side: "OURS", CompanyID: &f.other.Company}}
		}), "NOT_FOUND input.parties.1.companyId NOT_FOUND"},
		"everything wrong": {f.rep, contract.ContractDraft{
			ClientID: f.client, Kind: "BARTER", Title: blank, Amount: &input.Money{Minor: -1, Currency: "CNY"}, StartsOn: day("2026-02-01"), EndsOn: day("2026-01-01"),
			Parties: []contract.Party{{Side: "THIRD"}, {Side: "THEIRS", CompanyID: &f.Company}, {Side: "THEIRS"}},
		}, "INVALID_INPUT input.kind UNKNOWN_VALUE; INVALID_INPUT input.title REQUIRED; INVALID_INPUT input.terms REQUIRED; INVALID_INPUT input.amount.amount NEGATIVE_AMOUNT; " +
			"INVALID_INPUT input.endsOn ENDS_BEFORE_START; INVALID_INPUT input.parties.0.name REQUIRED; INVALID_INPUT input.parties.1.companyId COMPANY_OF_OURS_ONLY; INVALID_INPUT input.parties ONE_CLIENT"},
	} {
		f.refused(what, c.want, func() error {
			_, err := f.ContractDraft(t.Context(), c.who.Session, c.in, f.Key())
			return err
		})
	}
	if _, err := f.ContractDraft(t.Context(), f.foreign.Session, f.input(), f.Key()); reason(err) != "NOT_FOUND  NOT_FOUND" {
		t.Error(err)
	}
	if _, err := f.archive.ClientSuspend(t.Context(), f.rep.Session, archive.ClientReason{Target: archive.Target{ClientID: f.client, ExpectedVersion: 2}, Reason: "资信"}, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.refused("suspended (E11)", "INVALID_STATE  CLIENT_SUSPENDED", func() error {
		_, err := f.ContractDraft(t.Context(), f.rep.Session, f.input(), f.Key())
		if list, ok := fault.As(err); !ok || list[0].Clause != "E11" {
			t.Errorf("%v", err)
		}
		return err
	})
	f.Exec(`UPDATE clients SET suspended = false, stage = 'terminated' WHERE tenant_id = $1`)
	f.refused("ended", "INVALID_STATE  CLIENT_ENDED", func() error {
		_, err := f.ContractDraft(t.Context(), f.rep.Session, f.input(), f.Key())
		return err
	})
}

func TestRevise(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.draft(f.rep)
	first := f.Text(`SELECT encode(content_hash, 'hex') FROM contract_revisions WHERE tenant_id = $1`)
	revise := func(in contract.ContractRevise) error {
		in.Target, in.ChangeNote = c, "价格调整"
		r, err := f.ContractRevise(t.Context(), f.rep.Session, in, f.Key())
		if err == nil {
			c.ExpectedVersion = r.Subject.Version
		}
		return err
	}
	if err := revise(contract.ContractRevise{Amount: input.Set(input.Money{Minor: 5, Currency: "CNY"}), EndsOn: input.Null[time.Time]()}); err != nil {
		t.Fatal(err)
	}
	f.is("2|5|-|2026-01-01|2", `SELECT current_revision, amount_minor, ends_on, starts_on, version FROM contracts WHERE tenant_id = $1`)
	f.is("1|superseded|;2|draft|价格调整", `SELECT seq, state, change_note FROM contract_revisions WHERE tenant_id = $1 ORDER BY seq`)
	f.is("1|2", `SELECT count(DISTINCT terms), count(DISTINCT content_hash) FROM contract_revisions WHERE tenant_id = $1`)
	if err := revise(contract.ContractRevise{Amount: input.Set(input.Money{Minor: 1 << 40, Currency: "CNY"}), EndsOn: input.Set(*day("2026-12-31"))}); err != nil {
		t.Fatal(err)
	}
	f.is(first, `SELECT encode(content_hash, 'hex') FROM contract_revisions WHERE tenant_id = $1 AND seq = 3`) // the same content, the same hash
	f.Exec(`UPDATE contract_parties SET signatory = '王五' WHERE tenant_id = $1 AND side = 'THEIRS'`)
	if err := revise(contract.ContractRevise{}); err != nil { // of a contract with another signatory
		t.Fatal(err)
	}
	f.is("false", `SELECT encode(content_hash, 'hex') = $2 FROM contract_revisions WHERE tenant_id = $1 AND seq = 4`, first)
	f.refused("order", "INVALID_INPUT input.endsOn ENDS_BEFORE_START", func() error {
		return revise(contract.ContractRevise{StartsOn: input.Set(*day("2027-01-01"))})
	})
	f.refused("null", "INVALID_INPUT input.title REQUIRED; INVALID_INPUT input.terms REQUIRED", func() error {
		return revise(contract.ContractRevise{Title: input.Null[string](), Terms: input.Null[string]()})
	})
	c.ExpectedVersion = 1
	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", func() error { return revise(contract.ContractRevise{}) })
	c.ExpectedVersion = 4
	f.refused("not the owner", "FORBIDDEN  OUT_OF_SCOPE", func() error {
		_, err := f.ContractRevise(t.Context(), f.mate.Session, contract.ContractRevise{Target: c, ChangeNote: "x"}, f.Key())
		return err
	})
}

// Every state × every act that takes a contract through the table, in the database.
func TestStepsInEveryState(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	acts := map[contract.Trigger]func(contract.Target) (act.Result, error){
		contract.Revise: func(c contract.Target) (act.Result, error) {
			return f.ContractRevise(t.Context(), f.kam.Session, contract.ContractRevise{Target: c, ChangeNote: "x"}, f.Key())
		},
		contract.Submit: func(c contract.Target) (act.Result, error) {
			return f.ContractSubmit(t.Context(), f.kam.Session, contract.ContractSubmit{Target: c}, f.Key())
		},
		contract.Return: func(c contract.Target) (act.Result, error) {
			return f.ContractReturn(t.Context(), f.kam.Session, contract.ContractReason{Target: c, Reason: "补充条款"}, f.Key())
		},
		contract.Withdraw: func(c contract.Target) (act.Result, error) {
			return f.ContractWithdraw(t.Context(), f.kam.Session, contract.ContractReason{Target: c, Reason: "不再需要"}, f.Key())
		},
		contract.Complete: func(c contract.Target) (act.Result, error) {
			return f.ContractComplete(t.Context(), f.kam.Session, contract.ContractComplete{Target: c, Note: "履行完毕"}, f.Key())
		},
		contract.Terminate: func(c contract.Target) (act.Result, error) {
			return f.ContractTerminate(t.Context(), f.kam.Session, contract.ContractReason{Target: c, Reason: "违约"}, f.Key())
		},
		contract.AddDuty: func(c contract.Target) (act.Result, error) {
			return f.ObligationAdd(t.Context(), f.kam.Session, contract.ObligationAdd{ContractID: c.ContractID, Side: "OURS", Kind: "DELIVERY", Title: "交货", DueOn: *day("2026-06-01")}, f.Key())
		},
		contract.Settle: func(c contract.Target) (act.Result, error) {
			f.Exec(`INSERT INTO obligations (tenant_id, id, contract_id, side, kind, title, due_on, created_at, updated_at)
				VALUES ($1, gen_random_uuid(), $2, 'OURS', 'OTHER', 'x', '2026-01-01', now(), now())`, c.ContractID)
			o := uuid.MustParse(f.Text(`SELECT id::text FROM obligations WHERE tenant_id = $1 AND contract_id = $2 AND state = 'due' LIMIT 1`, c.ContractID))
			return f.ObligationSettle(t.Context(), f.kam.Session, contract.ObligationSettle{ObligationID: o, ExpectedVersion: 1, Outcome: "WAIVED"}, f.Key())
		},
	}
	for _, by := range contract.Triggers() {
		c := f.draft(f.kam)
		for _, from := range contract.States() {
			f.Exec(`DELETE FROM obligations WHERE tenant_id = $1`)
			f.Exec(`UPDATE contracts SET state = $3 WHERE tenant_id = $1 AND id = $2`, c.ContractID, string(from))
			version := f.Text(`SELECT version FROM contracts WHERE tenant_id = $1 AND id = $2`, c.ContractID)
			if _, err := fmt.Sscan(version, &c.ExpectedVersion); err != nil {
				t.Fatal(err)
			}
			to, refusal := contract.Next(from, by)
			_, err := acts[by](c)
			if (refusal == nil) != (err == nil) || refusal != nil && reason(err) != "INVALID_STATE  CONTRACT_STATE" {
				t.Errorf("%s by %s: %v", from, by, err)
			}
			f.is(string(to), `SELECT state FROM contracts WHERE tenant_id = $1 AND id = $2`, c.ContractID)
		}
	}
}

func TestEndsHaveANoteAndReturnsAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.draft(f.rep)
	if _, err := f.ContractSubmit(t.Context(), f.rep.Session, contract.ContractSubmit{Target: c}, f.Key()); err != nil {
		t.Fatal(err)
	}
	c.ExpectedVersion = 2
	f.refused("a drafter does not return", "FORBIDDEN  NO_ROLE", func() error {
		_, err := f.ContractReturn(t.Context(), f.rep.Session, contract.ContractReason{Target: c, Reason: "x"}, f.Key())
		return err
	})
	legal := f.Person(f.Department, "reviewer_legal")
	if _, err := f.ContractReturn(t.Context(), legal.Session, contract.ContractReason{Target: c, Reason: "补充条款"}, f.Key()); err != nil {
		t.Fatal(err)
	}
	c.ExpectedVersion = 3
	f.is("补充条款", `SELECT snapshot->'contract#summary'->>'reason' FROM events WHERE tenant_id = $1 AND type = 'contract.returned.v1'`)
	if _, err := f.ContractWithdraw(t.Context(), f.rep.Session, contract.ContractReason{Target: c, Reason: "不再需要"}, f.Key()); err != nil {
		t.Fatal(err)
	}
	f.is("withdrawn|不再需要|4", `SELECT state, closing_note, version FROM contracts WHERE tenant_id = $1`)
	f.is("3", `SELECT count(*) FROM contracts_history WHERE tenant_id = $1`)
}

func TestRegister(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := contract.ContractRegister{
		ClientID: f.client, CompanyID: f.Company, Kind: "QA", Title: "质量保证合同", Terms: "条款", SignedOn: *day("2020-01-01"), StartsOn: *day("2020-01-01"), PaperReference: "柜 3",
	}
	register := func(endsOn *time.Time) error {
		in.EndsOn = endsOn
		_, err := f.ContractRegister(t.Context(), f.kam.Session, in, f.Key())
		return err
	}
	now := time.Now().In(time.FixedZone("", 8*3600)) // the tenants' time zone is Asia/Shanghai
	for _, ends := range []*time.Time{nil, day(now.Format(time.DateOnly)), day(now.AddDate(0, 0, -1).Format(time.DateOnly))} {
		if err := register(ends); err != nil {
			t.Fatal(err)
		}
	}
	f.is("effective;effective;expired", `SELECT state FROM contracts WHERE tenant_id = $1 ORDER BY number`)
	f.is("柜 3|2020-01-01|approved|signed|2", `SELECT c.paper_reference, c.signed_on, r.state, min(p.state), count(*) FROM contracts c
		JOIN contract_revisions r ON r.tenant_id = c.tenant_id AND r.contract_id = c.id JOIN contract_parties p ON p.tenant_id = c.tenant_id AND p.contract_id = c.id
		WHERE c.tenant_id = $1 AND c.state = 'expired' GROUP BY 1, 2, 3`)
	f.refused("signed tomorrow", "INVALID_INPUT input.signedOn SIGNED_IN_THE_FUTURE", func() error {
		tomorrow := in
		tomorrow.SignedOn = *day(now.AddDate(0, 0, 1).Format(time.DateOnly))
		tomorrow.EndsOn = nil
		_, err := f.ContractRegister(t.Context(), f.kam.Session, tomorrow, f.Key())
		return err
	})
	f.refused("no paper", "INVALID_INPUT input.endsOn ENDS_BEFORE_START; INVALID_INPUT input.paperReference REQUIRED", func() error {
		in.PaperReference = ""
		return register(day("2019-01-01"))
	})
}

func TestObligations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.draft(f.rep)
	add := contract.ObligationAdd{ContractID: c.ContractID, Side: "THEIRS", Kind: "PAYMENT", Title: "首付款", DueOn: *day("2026-03-01"), Amount: &input.Money{Minor: 7, Currency: "CNY"}}
	r, err := f.ObligationAdd(t.Context(), f.rep.Session, add, f.Key())
	if err != nil {
		t.Fatal(err)
	}
	f.is("due|2026-03-01|7|CNY|1", `SELECT state, due_on, amount_minor, currency, version FROM obligations WHERE tenant_id = $1`)
	f.is("true|7", `SELECT NOT snapshot->'contract#summary' ? 'amount', snapshot->'contract#terms'->'amount'->>'amount' FROM events WHERE tenant_id = $1 AND type = 'obligation.added.v1'`)
	settle := contract.ObligationSettle{ObligationID: r.Subject.ID, ExpectedVersion: 1, Outcome: "MET", SettledOn: day("2026-02-28")}
	do := func(p world.Person) func() error {
		return func() error {
			_, err := f.ObligationSettle(t.Context(), p.Session, settle, f.Key())
			return err
		}
	}
	f.refused("of a draft", "INVALID_STATE  CONTRACT_STATE", do(f.rep))
	f.Exec(`UPDATE contracts SET state = 'effective' WHERE tenant_id = $1`)
	f.refused("with something due", "INVALID_STATE  OBLIGATIONS_DUE", func() error {
		_, err := f.ContractComplete(t.Context(), f.kam.Session, contract.ContractComplete{Target: c, Note: "完"}, f.Key())
		return err
	})
	f.refused("a stranger", "NOT_FOUND  NOT_FOUND", do(f.stranger))
	f.refused("not the owner", "FORBIDDEN  OUT_OF_SCOPE", do(f.mate))
	f.refused("not the owner adds", "FORBIDDEN  OUT_OF_SCOPE", func() error {
		_, err := f.ObligationAdd(t.Context(), f.mate.Session, add, f.Key())
		return err
	})
	settle.SettledOn = day("2999-01-01")
	f.refused("tomorrow", "INVALID_INPUT input.settledOn SETTLED_IN_THE_FUTURE", do(f.rep))
	settle.SettledOn = day("2026-02-28")
	if err := do(f.rep)(); err != nil {
		t.Fatal(err)
	}
	f.is("met|2026-02-28|2", `SELECT state, settled_on, version FROM obligations WHERE tenant_id = $1`)
	f.refused("stale", "STALE_VERSION input.expectedVersion STALE_VERSION", do(f.rep))
	settle.ExpectedVersion = 2
	f.refused("twice", "INVALID_STATE  OBLIGATION_SETTLED", do(f.rep))
	if _, err := f.ContractComplete(t.Context(), f.kam.Session, contract.ContractComplete{Target: c, Note: "完"}, f.Key()); err != nil {
		t.Error(err)
	}
	settle.ObligationID = f.Nowhere
	f.refused("nobody's id", "NOT_FOUND  NOT_FOUND", do(f.rep))
}

func TestConcurrentDraftsHaveDistinctNumbers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 12 {
				if _, err := f.ContractDraft(t.Context(), f.rep.Session, f.input(), f.Key()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 50 {
		wg.Go(func() {
			if _, err := f.ContractDraft(t.Context(), f.rep.Session, f.input(), "the-one-key"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.is("97|97|000097", `SELECT count(*), count(DISTINCT number), max(right(number, 6)) FROM contracts WHERE tenant_id = $1`)
}

// Suspension and drafting meet: no contract is drafted after the suspension has committed.
func TestSuspensionIsNotOvertaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 10 {
				_, err := f.ContractDraft(t.Context(), f.rep.Session, f.input(), f.Key())
				if got := reason(err); got != "<nil>" && got != "INVALID_STATE  CLIENT_SUSPENDED" {
					t.Error(got)
				}
			}
		})
	}
	wg.Go(func() {
		in := archive.ClientReason{Target: archive.Target{ClientID: f.client, ExpectedVersion: 2}, Reason: "资信"}
		if _, err := f.archive.ClientSuspend(t.Context(), f.rep.Session, in, f.Key()); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	f.is("0", `SELECT count(*) FROM events WHERE tenant_id = $1 AND type = 'contract.drafted.v1'
		AND seq > (SELECT seq FROM events WHERE tenant_id = $1 AND type = 'client.suspended.v1')`)
}
