package policyadmin_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// recordedAnswer is what was answered at an instant.
type recordedAnswer struct {
	at    time.Time
	q     policyadmin.Question
	allow bool
	rule  uuid.UUID
	why   policy.Reason
	n     int64
}

// instant is one between what has been committed and what comes next.
func (x *town) instant(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05.999999-07", x.Text(`SELECT clock_timestamp()::text WHERE $1::uuid IS NOT NULL`))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// change changes something of everything that decides rights.
func (x *town) change(t *testing.T, random *rand.Rand, round int, admin, manager world.Person) {
	t.Helper()
	some := func(of []uuid.UUID) uuid.UUID { return of[random.IntN(len(of))] }
	person := func() world.Person { return x.people[random.IntN(len(x.people)-2)] }
	for range 6 {
		x.Exec(`UPDATE clients SET department_id = d.id, company_id = d.company_id, owner_id = $4, grade = $5 FROM departments d WHERE clients.tenant_id = $1 AND clients.id = $2 AND d.tenant_id = $1 AND d.id = $3`,
			some(x.rows["Client"]), some(x.rows["Department"]), person().Staff, []any{nil, "VIP"}[random.IntN(2)])
		x.Exec(`UPDATE contracts SET department_id = d.id, company_id = d.company_id, owner_id = $4, amount_minor = 100, currency = 'CNY' FROM departments d WHERE contracts.tenant_id = $1 AND contracts.id = $2 AND d.tenant_id = $1 AND d.id = $3`,
			some(x.rows["Contract"]), some(x.rows["Department"]), person().Staff)
		x.Exec(`UPDATE client_team_members SET valid_until = now() WHERE tenant_id = $1 AND client_id = $2 AND valid_from < now()`, some(x.rows["Client"]))
		x.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, 'ENGINEER', now(), now(), now()) ON CONFLICT DO NOTHING`,
			x.IDs.New(), some(x.rows["Client"]), person().Staff)
		x.Exec(`UPDATE access_grants SET revoked_at = now() WHERE tenant_id = $1 AND client_id = $2`, some(x.rows["Client"]))
		x.Exec(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, created_at, updated_at) VALUES ($1, $2, $3, $4, 63, 'x', now(), now() + interval '1 day', now(), now())`,
			x.IDs.New(), person().Staff, some(x.rows["Client"]))
		x.Exec(`UPDATE borrowing_items SET ended_at = now() WHERE tenant_id = $1 AND original_id = $2`, some(x.rows["Original"]))
		x.Exec(`UPDATE borrowing_items SET valid_from = now(), valid_until = now() + interval '1 day' WHERE tenant_id = $1 AND original_id = $2 AND valid_from IS NULL
			AND NOT EXISTS (SELECT FROM borrowing_items o WHERE o.tenant_id = $1 AND o.original_id = $2 AND o.valid_from IS NOT NULL AND o.ended_at IS NULL)`, some(x.rows["Original"]))
		x.Exec(`UPDATE originals SET field_class = $3 WHERE tenant_id = $1 AND id = $2`, some(x.rows["Original"]), random.IntN(8))
	}
	p := person()
	x.Exec(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND account_id = $2`, p.Account)
	x.Exec(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at) SELECT $1, $2, $3, id, now(), now(), now() FROM roles WHERE tenant_id = $1 AND key = $4`,
		x.IDs.New(), p.Account, []string{"sales_manager", "region_manager", "ka_sales_rep", "list_reader"}[random.IntN(4)])
	x.Exec(`UPDATE employments SET department_id = d.id, company_id = d.company_id FROM departments d WHERE employments.tenant_id = $1 AND staff_id = $2 AND d.tenant_id = $1 AND d.id = $3`, person().Staff, some(x.rows["Department"]))
	x.Exec(`UPDATE accounts SET state = CASE state WHEN 'active' THEN 'suspended' ELSE 'active' END WHERE tenant_id = $1 AND id = $2`, person().Account)
	if round%2 == 0 {
		return
	}
	draft, err := x.service.PolicyDraft(t.Context(), admin.Session, policyadmin.PolicyDraft{
		BaseNumber: int64(round+1) / 2, Reason: "调整", Remove: []int{100 + random.IntN(150)}, Classes: reclassify("client#contacts", []int{2, 3, 4}[random.IntN(3)], "client#credit", random.IntN(5)),
		Add: []policyadmin.Rule{{RoleKey: "list_reader", Object: "client", Action: "reveal", Scope: "DEPT", Effect: "allow", Classes: []int{random.IntN(3)}}},
	}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.service.PolicyPublish(t.Context(), manager.Session, policyadmin.PolicyPublish{PolicyVersion: draft.Subject.ID, ExpectedVersion: 1}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
}

// Whatever was answered at an instant is answered about that instant ever after.
func TestExplanationsOfThePastAreThoseOfThen(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin, manager := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "general_manager")
	x.people = append(x.people, admin, manager)
	random := rand.New(rand.NewPCG(3, 5))
	all := append(kinds(), custodyKinds()...)
	var told []recordedAnswer
	type list struct {
		at  time.Time
		row uuid.UUID
		who []uuid.UUID
	}
	var lists []list
	who := func(row uuid.UUID, asOf *time.Time) (out []uuid.UUID) {
		paths, _, err := x.service.WhoCanSee(t.Context(), x.auditor.Session, policyadmin.Object{Type: "Client", ID: row}, policy.ClientContacts, 100, asOf)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			out = append(out, p.Staff)
		}
		return out
	}
	for round := range 6 {
		x.change(t, random, round, admin, manager)
		for range 120 {
			k := all[random.IntN(len(all))]
			q := policyadmin.Question{
				Staff: &x.people[random.IntN(len(x.people))].Staff, Object: k.object, Action: k.action,
				About: &policyadmin.Object{Type: k.typ, ID: x.rows[k.typ][random.IntN(len(x.rows[k.typ]))]},
			}
			told = append(told, x.answer(t, q))
		}
		row := x.rows["Client"][random.IntN(len(x.rows["Client"]))]
		lists = append(lists, list{row: row, who: who(row, nil)})
		at := x.instant(t)
		for i := range told {
			if told[i].at.IsZero() {
				told[i].at = at
			}
		}
		lists[round].at = at
	}
	random.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
	moved, allowed := 0, 0
	for _, was := range told {
		q := was.q
		if x.answer(t, q).allow != was.allow {
			moved++
		}
		if was.allow {
			allowed++
		}
		q.AsOf = &was.at
		if got := x.answer(t, q); got.allow != was.allow || got.rule != was.rule || got.why != was.why || got.n != was.n {
			t.Errorf("%s %s on %v at %v: was %+v, is now told as %+v", q.Object, q.Action, q.About, was.at, was, got)
		}
	}
	for _, l := range lists {
		if got := who(l.row, &l.at); !slices.Equal(got, l.who) {
			t.Errorf("who could see %s at %v: %v, was %v", l.row, l.at, got, l.who)
		}
	}
	t.Logf("%d answers, %d allowed; %d are others by now", len(told), allowed, moved)
	if moved < 40 || allowed < 100 {
		t.Error("the run shows little")
	}
	q := told[0].q
	for at, want := range map[time.Time]string{time.Now().Add(time.Hour): "AS_OF_AHEAD", time.Now().AddDate(-1, 0, 0): "AS_OF_BEFORE_POLICY"} {
		q.AsOf = &at
		_, err := x.service.ExplainAccess(t.Context(), x.auditor.Session, q)
		identitytest.Refused(t, err, "INVALID_INPUT "+want+" asOf")
	}
}

func (x *town) answer(t *testing.T, q policyadmin.Question) recordedAnswer {
	t.Helper()
	e, err := x.service.ExplainAccess(t.Context(), x.auditor.Session, q)
	if err != nil {
		t.Fatal(err)
	}
	out := recordedAnswer{q: q, allow: e.Allow, why: e.Reason, n: e.Version}
	if e.Rule != nil {
		out.rule = e.Rule.ID
	}
	return out
}

// Who may read rules and not the row learns the verdict and the rule, and nothing of what is in the row: two rows that differ in
// everything that is not the person's look the same to him.
func TestAnExplanationTellsNothingOfARowThatTheAskerCannotRead(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin := x.Person(x.Department, "tenant_admin") // policy.read, and no client or contract
	buyer := x.Person(x.Department, "vip_officer", "reviewer_legal")
	shown := func(typ string, object policy.Object, action policy.Action, row uuid.UUID) string {
		e, err := x.service.ExplainAccess(t.Context(), admin.Session, policyadmin.Question{Staff: &buyer.Staff, Object: object, Action: action, About: &policyadmin.Object{Type: typ, ID: row}})
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprint(e.Allow, e.Reason, e.Way, e.Chain, e.Remedy, e.Ask)
		for _, l := range e.Lines {
			if l.Fails == policy.TestCondition || l.Fails == policy.TestScope || l.Missed != nil {
				t.Errorf("a line tells of the row: %+v", l)
			}
			out += fmt.Sprint(" ", l.Rule.Seq, l.Fails, l.Text)
		}
		return out
	}
	for typ, q := range map[string]struct {
		object policy.Object
		action policy.Action
	}{"Client": {policy.ClientContacts, policy.Reveal}, "Contract": {policy.ContractTerms, policy.Reveal}} {
		verdicts := map[bool]map[string]bool{}
		for _, row := range x.rows[typ] {
			e, err := x.service.ExplainAccess(t.Context(), admin.Session, policyadmin.Question{Staff: &buyer.Staff, Object: q.object, Action: q.action, About: &policyadmin.Object{Type: typ, ID: row}})
			if err != nil {
				t.Fatal(err)
			}
			if verdicts[e.Allow] == nil {
				verdicts[e.Allow] = map[string]bool{}
			}
			verdicts[e.Allow][shown(typ, q.object, q.action, row)] = true
		}
		if len(verdicts[false]) != 1 {
			t.Errorf("%s: refusals look %d ways", typ, len(verdicts[false]))
			for s := range verdicts[false] {
				t.Log(s)
			}
		}
	}
	// Who can read it is told all of it.
	e, err := x.service.ExplainAccess(t.Context(), x.people[0].Session, policyadmin.Question{Staff: &buyer.Staff, Object: policy.ClientContacts, Action: policy.Reveal, About: &policyadmin.Object{Type: "Client", ID: x.rows["Client"][0]}})
	if err != nil || e.Allow == false && e.Ask == uuid.Nil && e.Way == "" {
		t.Errorf("%+v %v", e, err)
	}
}

// Accounts, bindings and grants are explained like other rows.
func TestWhatGivesRightsIsExplainedToo(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin := x.Person(x.Department, "tenant_admin")
	one := func(sql string) uuid.UUID { return uuid.MustParse(x.Text(sql)) }
	binding, grant := one(`SELECT id FROM role_bindings WHERE tenant_id = $1 ORDER BY id LIMIT 1`), one(`SELECT id FROM access_grants WHERE tenant_id = $1 ORDER BY id LIMIT 1`)
	for _, c := range []struct {
		who    world.Person
		object policy.Object
		action policy.Action
		about  policyadmin.Object
		want   bool
	}{
		{admin, policy.OnAccount, policy.AccountSuspend, policyadmin.Object{Type: "Account", ID: x.people[0].Account}, true},
		{x.people[5], policy.OnAccount, policy.AccountSuspend, policyadmin.Object{Type: "Account", ID: x.people[0].Account}, false},
		{x.people[5], policy.OnAccount, policy.SessionRevoke, policyadmin.Object{Type: "Account", ID: x.people[5].Account}, true},
		{admin, policy.OnPolicy, policy.RoleUnbind, policyadmin.Object{Type: "RoleBinding", ID: binding}, true},
		{x.people[1], policy.OnPolicy, policy.RoleUnbind, policyadmin.Object{Type: "RoleBinding", ID: binding}, false},
		{x.people[0], policy.OnGrant, policy.GrantRevoke, policyadmin.Object{Type: "AccessGrant", ID: grant}, true},
		{admin, policy.OnGrant, policy.GrantRevoke, policyadmin.Object{Type: "AccessGrant", ID: grant}, false},
	} {
		e, err := x.service.ExplainAccess(t.Context(), x.auditor.Session, policyadmin.Question{Staff: &c.who.Staff, Object: c.object, Action: c.action, About: &c.about})
		if err != nil || e.Allow != c.want {
			t.Errorf("%s on %s: %v %s %v", c.action, c.about.Type, e.Allow, e.Reason, err)
		}
	}
	refused := policyadmin.Question{Object: policy.OnClient, Action: policy.Read, About: &policyadmin.Object{Type: "Account", ID: x.people[0].Account}}
	if _, err := x.service.ExplainAccess(t.Context(), x.auditor.Session, refused); fault.CodeOf(err) != fault.InvalidInput {
		t.Error(err)
	}
}
