package policyadmin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// desk is a town with a client of the department, its originals, and those who keep and borrow them.
type desk struct {
	*town
	t                                *testing.T
	custody                          *custody.Service
	client                           uuid.UUID
	keeper, kam, boss, rep, list, no world.Person
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	x := &desk{town: newTown(t), t: t}
	x.custody = custody.New(x.Runner, x.DB, x.rights, approval.Fixed{})
	x.keeper, x.kam, x.boss = x.Person(x.Sibling, "archive_custodian"), x.Person(x.Department, "kam_manager"), x.Person(x.Sibling, "general_manager")
	x.rep, x.list, x.no = x.Person(x.Department, "ka_sales_rep"), x.Person(x.Sibling, "list_reader"), x.Person(x.Sibling)
	x.client = x.IDs.New()
	x.Exec(`INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, 'D', 'D', now(), now())`, x.client, x.Company, x.Department)
	x.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, 'OWNER', now(), now(), now())`, x.IDs.New(), x.client, x.rep.Staff)
	return x
}

func (x *desk) ok(r act.Result, err error) act.Subject {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
	return r.Subject
}

func (x *desk) original(class int) uuid.UUID {
	x.t.Helper()
	paper := "三页"
	r, _, err := x.custody.OriginalFile(x.t.Context(), x.keeper.Session, custody.OriginalFile{ClientID: x.client, Kind: "CREDIT", Title: "原件", FieldClass: class, Provenance: "客户", Paper: &paper}, x.Key())
	return x.ok(r, err).ID
}

func (x *desk) why(asker, of world.Person, object policy.Object, action policy.Action, typ string, row uuid.UUID) policyadmin.Explanation {
	x.t.Helper()
	q := policyadmin.Question{Staff: &of.Staff, Object: object, Action: action}
	if typ != "" {
		q.About = &policyadmin.Object{Type: typ, ID: row}
	}
	e, err := x.service.ExplainAccess(x.t.Context(), asker.Session, q)
	if err != nil {
		x.t.Fatal(err)
	}
	return e
}

func (x *desk) way(e policyadmin.Explanation, way, chain string, says ...string) {
	x.t.Helper()
	if e.Allow || e.Way != way || e.Chain != chain {
		x.t.Errorf("%v, way %q, chain %q; want %q, %q", e.Allow, e.Way, e.Chain, way, chain)
	}
	for _, s := range says {
		if !strings.Contains(e.Remedy.ZH+e.Remedy.EN, s) {
			x.t.Errorf("the remedy does not say %q: %s · %s", s, e.Remedy.ZH, e.Remedy.EN)
		}
	}
}

// The way that a refusal names is open to the person, and whoever follows it reads.
func TestTheWayToAnOriginalLeadsThere(t *testing.T) {
	t.Parallel()
	x := newDesk(t)
	for class, says := range map[int][]string{2: {"borrowingRequest", "AC-09：资料保管员）", "AC-09: the custodian)"}, 5: {"L4 及以上另须部门主管", "from L4 also the department head"}} {
		original := x.original(class)
		refused := x.why(x.rep, x.rep, policy.OriginalContent, policy.Reveal, "Original", original)
		x.way(refused, policyadmin.WayBorrowing, "AC-09", says...)
		if refused.Ask != x.keeper.Staff {
			t.Errorf("L%d: ask %s, the custodian is %s", class, refused.Ask, x.keeper.Staff)
		}
		loan := x.ok(x.custody.BorrowingRequest(t.Context(), x.rep.Session, custody.BorrowingRequest{ClientID: x.client, OriginalIDs: []uuid.UUID{original}, Purpose: "核对"}, x.Key()))
		target := func() custody.BorrowingTarget {
			return custody.BorrowingTarget{BorrowingID: loan.ID, ExpectedVersion: loan.Version}
		}
		loan = x.ok(x.custody.BorrowingEndorse(t.Context(), x.keeper.Session, custody.BorrowingDecision{BorrowingTarget: target()}, x.Key()))
		if class >= int(approval.HeadFrom) {
			loan = x.ok(x.custody.BorrowingApprove(t.Context(), x.kam.Session, custody.BorrowingDecision{BorrowingTarget: target()}, x.Key()))
		}
		before := x.instant(t)
		loan = x.ok(x.custody.BorrowingHandOut(t.Context(), x.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: target()}, x.Key()))
		during := x.instant(t)
		e := x.why(x.rep, x.rep, policy.OriginalContent, policy.Reveal, "Original", original)
		if !e.Allow || e.Rule.Scope != policy.Granted || e.Role != policy.BaseStaff && e.Role != "ka_sales_rep" {
			t.Errorf("L%d: the way did not lead there: %+v", class, e)
		}
		x.ok(x.custody.BorrowingReturn(t.Context(), x.keeper.Session, custody.BorrowingReturn{BorrowingTarget: target(), Items: x.items(loan.ID)}, x.Key()))
		for at, want := range map[time.Time]bool{before: false, during: true, x.instant(t): false} {
			q := policyadmin.Question{Object: policy.OriginalContent, Action: policy.Reveal, About: &policyadmin.Object{Type: "Original", ID: original}, AsOf: &at}
			if e, err := x.service.ExplainAccess(t.Context(), x.rep.Session, q); err != nil || e.Allow != want {
				t.Errorf("L%d as of %v: %v %v", class, at, e.Allow, err)
			}
		}
	}
}

func (x *desk) items(loan uuid.UUID) (out []custody.ReturnedItem) {
	for _, u := range strings.Split(x.Text(`SELECT original_id FROM borrowing_items WHERE tenant_id = $1 AND borrowing_id = $2`, loan), ";") {
		out = append(out, custody.ReturnedItem{OriginalID: uuid.MustParse(u), Condition: "INTACT"})
	}
	return out
}

func TestWaysToWhatCustodyKeeps(t *testing.T) {
	t.Parallel()
	x := newDesk(t)
	original, secret := x.original(2), x.original(7)
	loan := x.ok(x.custody.BorrowingRequest(t.Context(), x.rep.Session, custody.BorrowingRequest{ClientID: x.client, OriginalIDs: []uuid.UUID{original}, Purpose: "核对"}, x.Key()))
	step := uuid.MustParse(x.Text(`SELECT id FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 AND seq = 1`, loan.ID))

	// who may not borrow is not sent to borrow: the custodian keeps and does not read, the list reader does not see the register
	x.way(x.why(x.boss, x.keeper, policy.OriginalContent, policy.Reveal, "Original", original), policyadmin.WayScope, "", "保管员", "a grant on the client does not open them")
	x.way(x.why(x.boss, x.list, policy.OnOriginal, policy.Read, "Original", original), policyadmin.WayScope, "", "AC-09")
	// what is gone cannot be borrowed
	x.way(x.why(x.boss, x.rep, policy.OriginalContent, policy.Reveal, "Original", secret), policyadmin.WayBorrowing, "AC-09")
	x.Exec(`UPDATE originals SET state = 'missing' WHERE tenant_id = $1 AND id = $2`, secret)
	x.way(x.why(x.boss, x.rep, policy.OriginalContent, policy.Reveal, "Original", secret), policyadmin.WayScope, "")
	// about originals in general: by what the person may do
	x.way(x.why(x.boss, x.rep, policy.OriginalContent, policy.Reveal, "", uuid.Nil), policyadmin.WayBorrowing, "AC-09")
	x.way(x.why(x.boss, x.list, policy.OriginalContent, policy.Reveal, "", uuid.Nil), policyadmin.WayScope, "")
	x.way(x.why(x.boss, x.no, policy.OriginalContent, policy.Reveal, "", uuid.Nil), policyadmin.WayRole, "")
	// loans, requests and steps have parties, and no grant opens them
	x.way(x.why(x.boss, x.list, policy.OnBorrowing, policy.Read, "Borrowing", loan.ID), policyadmin.WayScope, "", "借阅人", "borrower")
	x.way(x.why(x.boss, x.list, policy.OnApproval, policy.Read, "ApprovalStep", step), policyadmin.WayScope, "", "审批步骤", "A step is seen")
	x.way(x.why(x.boss, x.rep, policy.OnBorrowing, policy.BorrowingLend, "Borrowing", loan.ID), policyadmin.WayRole, "")
	if e := x.why(x.rep, x.rep, policy.OnBorrowing, policy.Read, "Borrowing", loan.ID); !e.Allow || e.Rule.Scope != policy.Self {
		t.Errorf("one's own loan: %+v", e)
	}

	// a grant: he who sees the client asks himself, and names the class
	mate := x.Person(x.Sibling, "list_reader", "tech_engineer")
	x.way(x.why(x.boss, mate, policy.ClientStandard, policy.Reveal, "Client", x.client), policyadmin.WayGrant, "AC-10", "accessRequestSubmit", "L1", "部门负责人")
	request := x.ok(x.custody.AccessRequestSubmit(t.Context(), mate.Session, custody.AccessRequestSubmit{ClientID: x.client, Classes: []int{1}, Purpose: "核对", WantedUntil: time.Now().Add(time.Hour)}, x.Key()))
	x.way(x.why(x.boss, x.list, policy.OnAccessRequest, policy.Read, "AccessRequest", request.ID), policyadmin.WayScope, "", "申请人", "who asked")
	stranger := x.Person(x.Sibling, "tech_engineer")
	x.way(x.why(x.boss, stranger, policy.ClientStandard, policy.Reveal, "Client", x.client), policyadmin.WayGrant, "AC-10", "专项授权")
}

// Who may read rules and not the row learns the verdict of custody nouns and nothing of the row: originals that differ in everything
// that is not the person's look the same.
func TestAVeilHangsBeforeCustody(t *testing.T) {
	t.Parallel()
	x := newDesk(t)
	admin := x.Person(x.Department, "tenant_admin") // policy.read, and nothing of custody
	for typ, q := range map[string]struct {
		object policy.Object
		action policy.Action
	}{
		"Original": {policy.OriginalContent, policy.Reveal}, "File": {policy.OriginalContent, policy.Reveal}, "Borrowing": {policy.OnBorrowing, policy.Read},
		"AccessRequest": {policy.OnAccessRequest, policy.Read}, "ApprovalStep": {policy.OnApproval, policy.Read},
	} {
		looks := map[string]int{}
		for _, row := range x.rows[typ] {
			e := x.why(admin, x.people[6], q.object, q.action, typ, row) // a developer: by distribution, his own, and what he borrowed
			if e.Allow {
				continue
			}
			if e.Ask != uuid.Nil {
				t.Errorf("%s: whom to ask tells of the row", typ)
			}
			look := string(e.Reason) + e.Way + e.Chain + e.Remedy.EN
			for _, l := range e.Lines {
				if l.Fails == policy.TestCondition || l.Fails == policy.TestScope || l.Missed != nil {
					t.Errorf("%s: a line tells of the row: %+v", typ, l)
				}
				look += l.Text.EN
			}
			looks[look]++
		}
		if len(looks) != 1 {
			t.Errorf("%s: refusals look %d ways: %v", typ, len(looks), looks)
		}
	}
}

// Rows about a person himself are his to see, whatever the policy says, and nobody else's for that.
func TestWhatIsOnesOwnIsExplained(t *testing.T) {
	t.Parallel()
	x := newDesk(t)
	admin := x.Person(x.Department, "tenant_admin")
	binding := uuid.MustParse(x.Text(`SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $2`, x.rep.Account))
	e := x.why(x.rep, x.rep, policy.OnPolicy, policy.Read, "RoleBinding", binding)
	if !e.Allow || !e.Own || e.Rule != nil || e.Sentence.ZH == "" || e.Remedy.ZH != "" {
		t.Errorf("%+v", e)
	}
	if e := x.why(admin, x.list, policy.OnPolicy, policy.Read, "RoleBinding", binding); e.Allow || e.Own {
		t.Errorf("somebody else's: %+v", e)
	}
	if e := x.why(admin, x.rep, policy.OnPolicy, policy.RoleUnbind, "RoleBinding", binding); e.Allow {
		t.Errorf("seeing is not ending: %+v", e)
	}
	paths, _, err := x.service.WhoCanSee(t.Context(), admin.Session, policyadmin.Object{Type: "RoleBinding", ID: binding}, policy.PolicyRules, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, p := range paths {
		if p.Staff == x.rep.Staff {
			if mine++; p.Role != "" || p.Rule.Scope != policy.Self || p.Access != "FULL" || p.Sentence.EN == "" {
				t.Errorf("%+v", p)
			}
		} else if p.Role == "" {
			t.Errorf("another's: %+v", p)
		}
	}
	if mine != 1 {
		t.Errorf("the holder is named %d times", mine)
	}
	x.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, x.rep.Account)
	if e := x.why(admin, x.rep, policy.OnPolicy, policy.Read, "RoleBinding", binding); e.Allow || e.Reason != policy.ReasonSuspended {
		t.Errorf("an account that is suspended: %+v", e)
	}
	_, err = x.service.ExplainAccess(t.Context(), x.list.Session, policyadmin.Question{Object: policy.OnPolicy, Action: policy.Read, About: &policyadmin.Object{Type: "RoleBinding", ID: binding}})
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
}
