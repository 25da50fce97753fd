package resolver_test

import (
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/resolver"
	"github.com/clientele/clientele/graph/scalar"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/testkit/world"
)

func given[T any](v T) graphql.Omittable[*T] { return graphql.OmittableOf(&v) }

func errorsOf(list []*model.UserError) string {
	var out []string
	for _, e := range list {
		field, reason := "", ""
		if e.Field != nil {
			field = *e.Field
		}
		if e.Reason != nil {
			reason = *e.Reason
		}
		out = append(out, strings.TrimSpace(field+" "+reason))
	}
	return strings.Join(out, "; ")
}

// The life of a client and a contract through every mutation of the two contexts.
func TestArchiveAndContractsThroughTheirResolvers(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	kam, rep := x.Person(x.Department, "kam_manager"), x.Person(x.Department, "ka_sales_rep")
	a, c := resolver.Archive{Service: archive.New(w.Runner)}, resolver.Contract{Service: contract.New(w.Runner)}
	ctx := graph.WithSession(t.Context(), kam.Session)
	ok := func(what string, ref *read.Ref, kind string, userErrors []*model.UserError, err error) string {
		t.Helper()
		if err != nil || len(userErrors) > 0 || userErrors == nil || ref == nil || ref.Type != kind {
			t.Fatalf("%s: %v %s %v", what, ref, errorsOf(userErrors), err)
		}
		return id.Encode(map[string]string{"Client": id.Client, "Contact": id.Contact, "ClientChange": id.ClientChange, "Contract": id.Contract, "Obligation": id.Obligation}[kind], ref.ID)
	}
	key, repID := w.Key, id.Encode(id.Staff, rep.Staff)

	opened, err := a.ClientOpen(ctx, model.ClientOpenInput{
		Name: "长安汽车", Kinds: []model.ClientKind{"KEY"}, DepartmentID: id.Encode(id.Department, x.Department), OwnerID: &repID, Source: "展会",
		Profile: &model.ClientProfileInput{Phone: given("010-88886666")},
	}, key())
	client := ok("open", opened.Client, "Client", opened.UserErrors, err)
	profile, err := a.ClientChangeProfile(ctx, model.ClientChangeProfileInput{
		ClientID: client, ExpectedVersion: 1, Source: "x",
		Profile: &model.ClientProfileInput{Phone: graphql.OmittableOf[*string](nil), RegisteredCapital: given(model.MoneyInput{Amount: 5, Currency: "CNY"})},
	}, key())
	ok("profile", profile.Client, "Client", profile.UserErrors, err)
	list, err := a.ClientChangeList(ctx, model.ClientChangeListInput{
		ClientID: client, ExpectedVersion: 2, Source: "x", Stage: given(model.ClientStage("DEVELOPING")), Grade: given(model.ClientGrade("A")), Important: given(true),
		Kinds: graphql.OmittableOf([]model.ClientKind{"KEY", "SUPPLIER"}),
	}, key())
	ok("list", list.Client, "Client", list.UserErrors, err)
	if got := x.Text(`SELECT phone, registered_capital_minor, stage, grade, important FROM clients WHERE tenant_id = $1`); got != "-|5|developing|A|true" {
		t.Error(got)
	}
	dealings, err := a.ClientChangeDealings(ctx, model.ClientChangeDealingsInput{ClientID: client, ExpectedVersion: 3, NextContactOn: given(scalar.LocalDate{Year: 2026, Month: 12, Day: 1}), Source: "x"}, key())
	ok("dealings", dealings.Client, "Client", dealings.UserErrors, err)
	credit, err := a.ClientChangeCredit(ctx, model.ClientChangeCreditInput{ClientID: client, ExpectedVersion: 4, CreditLimit: given(model.MoneyInput{Amount: 9, Currency: "CNY"}), Source: "x"}, key())
	ok("credit", credit.Client, "Client", credit.UserErrors, err)
	team, err := a.ClientAssignTeam(ctx, model.ClientAssignTeamInput{ClientID: client, ExpectedVersion: 5, Members: []*model.ClientTeamMemberInput{
		{StaffID: id.Encode(id.Staff, kam.Staff), Duty: "OWNER"}, {StaffID: repID, Duty: "SERVICE"},
	}}, key())
	ok("team", team.Client, "Client", team.UserErrors, err)
	section := id.Encode(id.Department, x.Section)
	given6, err := a.ClientDistribute(ctx, model.ClientDistributeInput{ClientID: client, ExpectedVersion: 6, DepartmentID: given(section)}, key())
	ok("distribute", given6.Client, "Client", given6.UserErrors, err)
	unsaid, err := a.ClientDistribute(ctx, model.ClientDistributeInput{ClientID: client, ExpectedVersion: 7}, key())
	if err != nil || errorsOf(unsaid.UserErrors) != "input.departmentId REQUIRED" {
		t.Errorf("%s %v", errorsOf(unsaid.UserErrors), err)
	}
	record, err := a.ClientRecordChange(ctx, model.ClientRecordChangeInput{ClientID: client, Field: "address", NewValue: "北京", Source: "x"}, key())
	ok("record", record.ClientChange, "ClientChange", record.UserErrors, err)
	added, err := a.ContactAdd(ctx, model.ContactAddInput{ClientID: client, Name: "李四", IsPrimary: true}, key())
	contact := ok("contact", added.Contact, "Contact", added.UserErrors, err)
	changed, err := a.ContactChange(ctx, model.ContactChangeInput{ContactID: contact, ExpectedVersion: 1, Title: given("经理"), Birthday: given(scalar.LocalDate{Year: 1980, Month: 1, Day: 2})}, key())
	ok("contact change", changed.Contact, "Contact", changed.UserErrors, err)
	left, err := a.ContactLeave(ctx, model.ContactLeaveInput{ContactID: contact, ExpectedVersion: 2}, key())
	ok("contact leave", left.Contact, "Contact", left.UserErrors, err)

	draft := model.ContractDraftInput{ClientID: client, CompanyID: id.Encode(id.Company, x.Company), Kind: "SUPPLY", Title: "供应合同", Terms: "条款", Amount: &model.MoneyInput{Amount: 7, Currency: "CNY"}}
	drafted, err := c.ContractDraft(ctx, draft, key())
	con := ok("draft", drafted.Contract, "Contract", drafted.UserErrors, err)
	revised, err := c.ContractRevise(ctx, model.ContractReviseInput{ContractID: con, ExpectedVersion: 1, Amount: graphql.OmittableOf[*model.MoneyInput](nil), ChangeNote: "x"}, key())
	ok("revise", revised.Contract, "Contract", revised.UserErrors, err)
	submitted, err := c.ContractSubmit(ctx, model.ContractSubmitInput{ContractID: con, ExpectedVersion: 2}, key())
	ok("submit", submitted.Contract, "Contract", submitted.UserErrors, err)
	returned, err := c.ContractReturn(ctx, model.ContractReturnInput{ContractID: con, ExpectedVersion: 3, Reason: "x"}, key())
	ok("return", returned.Contract, "Contract", returned.UserErrors, err)
	withdrawn, err := c.ContractWithdraw(ctx, model.ContractWithdrawInput{ContractID: con, ExpectedVersion: 4, Reason: "x"}, key())
	ok("withdraw", withdrawn.Contract, "Contract", withdrawn.UserErrors, err)
	day := scalar.LocalDate{Year: 2026, Month: 1, Day: 1}
	var registered [2]string
	for i := range registered {
		r, err := c.ContractRegister(ctx, model.ContractRegisterInput{
			ClientID: client, CompanyID: draft.CompanyID, Kind: "QA", Title: "质保", Terms: "条款", SignedOn: day, StartsOn: day, PaperReference: "柜 3",
		}, key())
		registered[i] = ok("register", r.Contract, "Contract", r.UserErrors, err)
	}
	owed, err := c.ObligationAdd(ctx, model.ObligationAddInput{ContractID: registered[0], Side: "OURS", Kind: "DELIVERY", Title: "交货", DueOn: day}, key())
	obligation := ok("obligation", owed.Obligation, "Obligation", owed.UserErrors, err)
	settled, err := c.ObligationSettle(ctx, model.ObligationSettleInput{ObligationID: obligation, ExpectedVersion: 1, Outcome: "LATE", Note: given("晚到")}, key())
	ok("settle", settled.Obligation, "Obligation", settled.UserErrors, err)
	completed, err := c.ContractComplete(ctx, model.ContractCompleteInput{ContractID: registered[0], ExpectedVersion: 1, Note: "x"}, key())
	ok("complete", completed.Contract, "Contract", completed.UserErrors, err)
	terminated, err := c.ContractTerminate(ctx, model.ContractTerminateInput{ContractID: registered[1], ExpectedVersion: 1, Reason: "x"}, key())
	ok("terminate", terminated.Contract, "Contract", terminated.UserErrors, err)

	suspended, err := a.ClientSuspend(ctx, model.ClientSuspendInput{ClientID: client, ExpectedVersion: 7, Reason: "x"}, key())
	ok("suspend", suspended.Client, "Client", suspended.UserErrors, err)
	refused, err := c.ContractDraft(ctx, draft, key())
	if err != nil || errorsOf(refused.UserErrors) != "CLIENT_SUSPENDED" || *refused.UserErrors[0].Clause != "E11" || refused.Contract != nil {
		t.Errorf("%s %v", errorsOf(refused.UserErrors), err)
	}
	lifted, err := a.ClientLift(ctx, model.ClientLiftInput{ClientID: client, ExpectedVersion: 8, Reason: "x"}, key())
	ok("lift", lifted.Client, "Client", lifted.UserErrors, err)
	moved, err := a.ClientMove(ctx, model.ClientMoveInput{ClientID: client, ExpectedVersion: 9, DepartmentID: section, Reason: "x"}, key())
	ok("move", moved.Client, "Client", moved.UserErrors, err)

	wrong, err := a.ClientMove(ctx, model.ClientMoveInput{ClientID: con, ExpectedVersion: 0, DepartmentID: "dep_1", Reason: ""}, key())
	if want := "input.clientId ID_MALFORMED; input.departmentId ID_MALFORMED; input.expectedVersion VERSION_MALFORMED; input.reason REQUIRED"; err != nil || errorsOf(wrong.UserErrors) != want {
		t.Errorf("%s %v", errorsOf(wrong.UserErrors), err)
	}
	if got := x.Text(`SELECT count(*) = max(seq) AND count(DISTINCT type) = 24 FROM events WHERE tenant_id = $1`); got != "true" {
		t.Error("events: " + x.Text(`SELECT DISTINCT type FROM events WHERE tenant_id = $1`))
	}
}
