package contract_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/testkit/world"
)

// ids are what the acts of a test are aimed at.
type ids struct{ client, contact, contract, obligation, company, department, staff uuid.UUID }

// every act of both contexts, aimed at ids; by the name of its spec.
func (f *fixture) acts(p world.Person, x ids) map[string]func() (act.Result, error) {
	ctx, s, target := f.t.Context(), p.Session, archive.Target{ClientID: x.client, ExpectedVersion: 2}
	person, con := archive.ContactTarget{ContactID: x.contact, ExpectedVersion: 1}, contract.Target{ContractID: x.contract, ExpectedVersion: 1}
	reason, conReason := archive.ClientReason{Target: target, Reason: "x"}, contract.ContractReason{Target: con, Reason: "x"}
	return map[string]func() (act.Result, error){
		"client.open": func() (act.Result, error) {
			return f.archive.ClientOpen(ctx, s, archive.ClientOpen{Name: "x", Kinds: []string{"KEY"}, DepartmentID: x.department, OwnerID: &x.staff, Source: "x"}, f.Key())
		},
		"client.changeProfile": func() (act.Result, error) {
			return f.archive.ClientChangeProfile(ctx, s, archive.ClientChangeProfile{Target: target, Source: "x", Profile: archive.Profile{Address: input.Set("x")}}, f.Key())
		},
		"client.changeList": func() (act.Result, error) {
			return f.archive.ClientChangeList(ctx, s, archive.ClientChangeList{Target: target, Source: "x", Region: input.Set("x")}, f.Key())
		},
		"client.changeDealings": func() (act.Result, error) {
			return f.archive.ClientChangeDealings(ctx, s, archive.ClientChangeDealings{Target: target, Source: "x", Attitude: input.Set("x")}, f.Key())
		},
		"client.changeCredit": func() (act.Result, error) {
			return f.archive.ClientChangeCredit(ctx, s, archive.ClientChangeCredit{Target: target, Source: "x", CreditNote: input.Set("x")}, f.Key())
		},
		"client.suspend": func() (act.Result, error) { return f.archive.ClientSuspend(ctx, s, reason, f.Key()) },
		"client.lift":    func() (act.Result, error) { return f.archive.ClientLift(ctx, s, reason, f.Key()) },
		"client.moveDepartment": func() (act.Result, error) {
			return f.archive.ClientMove(ctx, s, archive.ClientMove{Target: target, DepartmentID: x.department, Reason: "x"}, f.Key())
		},
		"client.assignTeam": func() (act.Result, error) {
			return f.archive.ClientAssignTeam(ctx, s, archive.ClientAssignTeam{Target: target, Members: []archive.TeamMember{{StaffID: x.staff, Duty: "OWNER"}}}, f.Key())
		},
		"client.distribute": func() (act.Result, error) {
			return f.archive.ClientDistribute(ctx, s, archive.ClientDistribute{Target: target, DepartmentID: &x.department}, f.Key())
		},
		"client.recordChange": func() (act.Result, error) {
			return f.archive.ClientRecordChange(ctx, s, archive.ClientRecordChange{ClientID: x.client, Field: "phone", NewValue: "x", Source: "x"}, f.Key())
		},
		"contact.add": func() (act.Result, error) {
			return f.archive.ContactAdd(ctx, s, archive.ContactAdd{ClientID: x.client, Name: "x"}, f.Key())
		},
		"contact.change": func() (act.Result, error) {
			return f.archive.ContactChange(ctx, s, archive.ContactChange{ContactTarget: person, Title: input.Set("x")}, f.Key())
		},
		"contact.leave": func() (act.Result, error) {
			return f.archive.ContactLeave(ctx, s, archive.ContactLeave{ContactTarget: person}, f.Key())
		},
		"contract.draft": func() (act.Result, error) {
			in := f.input()
			in.ClientID, in.CompanyID = x.client, x.company
			return f.ContractDraft(ctx, s, in, f.Key())
		},
		"contract.revise": func() (act.Result, error) {
			return f.ContractRevise(ctx, s, contract.ContractRevise{Target: con, ChangeNote: "x"}, f.Key())
		},
		"contract.submit": func() (act.Result, error) {
			return f.ContractSubmit(ctx, s, contract.ContractSubmit{Target: con}, f.Key())
		},
		"contract.return":   func() (act.Result, error) { return f.ContractReturn(ctx, s, conReason, f.Key()) },
		"contract.withdraw": func() (act.Result, error) { return f.ContractWithdraw(ctx, s, conReason, f.Key()) },
		"contract.register": func() (act.Result, error) {
			return f.ContractRegister(ctx, s, contract.ContractRegister{
				ClientID: x.client, CompanyID: x.company, Kind: "NDA", Title: "x", Terms: "x", SignedOn: *day("2020-01-01"), StartsOn: *day("2020-01-01"), PaperReference: "x",
			}, f.Key())
		},
		"contract.complete": func() (act.Result, error) {
			return f.ContractComplete(ctx, s, contract.ContractComplete{Target: con, Note: "x"}, f.Key())
		},
		"contract.terminate": func() (act.Result, error) { return f.ContractTerminate(ctx, s, conReason, f.Key()) },
		"obligation.add": func() (act.Result, error) {
			return f.ObligationAdd(ctx, s, contract.ObligationAdd{ContractID: x.contract, Side: "OURS", Kind: "OTHER", Title: "x", DueOn: *day("2026-01-01")}, f.Key())
		},
		"obligation.settle": func() (act.Result, error) {
			return f.ObligationSettle(ctx, s, contract.ObligationSettle{ObligationID: x.obligation, ExpectedVersion: 1, Outcome: "MET"}, f.Key())
		},
	}
}

// aim makes one of everything.
func (f *fixture) aim() ids {
	f.t.Helper()
	contact, err := f.archive.ContactAdd(f.t.Context(), f.rep.Session, archive.ContactAdd{ClientID: f.client, Name: "李四"}, f.Key())
	if err != nil {
		f.t.Fatal(err)
	}
	con := f.draft(f.rep)
	o, err := f.ObligationAdd(f.t.Context(), f.rep.Session, contract.ObligationAdd{ContractID: con.ContractID, Side: "OURS", Kind: "OTHER", Title: "x", DueOn: *day("2026-01-01")}, f.Key())
	if err != nil {
		f.t.Fatal(err)
	}
	return ids{f.client, contact.Subject.ID, con.ContractID, o.Subject.ID, f.Company, f.Department, f.rep.Staff}
}

// For whoever stands outside, what exists and what does not look the same in every act, and each try is recorded.
func TestNobodyOutsideTellsWhatExists(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	real := f.aim()
	made := ids{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	var names []string
	for _, s := range append(archive.Specs(), contract.Specs()...) {
		names = append(names, s.Name)
	}
	before := f.Fingerprint()
	tries := 0
	for name, do := range f.acts(f.foreign, real) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is no act", name)
		}
		_, err := do()
		_, nothing := f.acts(f.foreign, made)[name]()
		if fault.CodeOf(err) != fault.NotFoundCode || err.Error() != nothing.Error() {
			t.Errorf("%s: %v, for what does not exist %v", name, err, nothing)
		}
		tries += 2
	}
	if tries != 2*len(names) {
		t.Errorf("%d tries of %d acts", tries, len(names))
	}
	if f.Fingerprint() != before {
		t.Error("something changed")
	}
	if got := f.other.Text(`SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal'`); got != "48" {
		t.Errorf("%s refusals recorded", got)
	}
	// a colleague who may see neither the client nor its contracts gets no other answers
	for name, do := range f.acts(f.stranger, real) {
		if name == "client.open" { // about no client
			continue
		}
		if _, err := do(); fault.CodeOf(err) != fault.NotFoundCode {
			t.Errorf("%s by a stranger: %v", name, err)
		}
	}
}

// All acts at once on the same rows: some come too late, none waits for ever, and the log has no gap.
func TestAllActsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.aim()
	var wg sync.WaitGroup
	for _, p := range []world.Person{f.kam, f.rep, f.mate, f.kam} {
		for name, do := range f.acts(p, x) {
			wg.Go(func() {
				for range 3 {
					if _, err := do(); err != nil && fault.CodeOf(err) == fault.Internal {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
	wg.Wait()
	f.is("true|true", `SELECT count(*) = max(seq), max(seq) = (SELECT event_seq FROM tenant_counters WHERE tenant_id = $1) FROM events WHERE tenant_id = $1`)
	f.is("true", `SELECT count(*) = (SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'change') FROM events WHERE tenant_id = $1`)
	f.is("1", `SELECT count(*) FROM client_team_members WHERE tenant_id = $1 AND client_id = $2 AND valid_until IS NULL AND duty = 'OWNER'`, f.client)
}
