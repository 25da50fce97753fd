package approval_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"

	"github.com/google/uuid"
)

// fixture is a tenant with those who decide: keeper and second lend, kam leads the key accounts, head the department; rep asks.
type fixture struct {
	*world.Tenant
	t                                            *testing.T
	keeper, second, kam, head, boss, rep, reader world.Person
	client                                       uuid.UUID
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	x := world.New(t).Tenant("alpha")
	f := &fixture{
		Tenant: x, t: t, keeper: x.Person(x.Sibling, "archive_custodian"), second: x.Person(x.Sibling, "archive_custodian"), kam: x.Person(x.Department, "kam_manager"),
		head: x.Person(x.Department, "dept_manager"), boss: x.Person(x.Sibling, "general_manager"), rep: x.Person(x.Department, "ka_sales_rep"), reader: x.Person(x.Sibling, "list_reader"),
	}
	r, err := archive.New(x.Runner).ClientOpen(t.Context(), f.rep.Session, archive.ClientOpen{Name: "长安汽车", Kinds: []string{"KEY"}, DepartmentID: x.Department, Source: "展会"}, x.Key())
	if err != nil {
		t.Fatal(err)
	}
	f.client = r.Subject.ID
	return f
}

// subject is something that waits, asked for by somebody; content is what is approved of it.
func (f *fixture) subject(typ approval.Type, by world.Person, class policy.Class, content string) approval.Subject {
	hash := sha256.Sum256([]byte(content))
	s := approval.Subject{
		Subject: act.Subject{Type: "Borrowing", ID: f.IDs.New(), Version: 1}, Type: typ, Client: f.client, Requester: by.Staff, Hash: hash[:],
		Row: &policy.Row{Client: f.client, Company: f.Company, Department: f.Department, Owner: f.rep.Staff, Kinds: []string{"KEY"}, Staff: by.Staff, FieldClass: class, FieldClassSet: true},
	}
	if typ == approval.AccessRequest {
		s.Subject.Type = "AccessRequest"
	}
	s.Row.ID = s.ID
	return s
}

var tried = act.Spec{Name: "test.step", Object: policy.OnBorrowing, Action: policy.BorrowingLend, Event: "test.stepped.v1", Sensitive: true}

// within works in an act of the person.
func (f *fixture) within(p world.Person, fn func(ctx context.Context, w *act.Work) error) error {
	_, err := f.Runner.Run(context.Background(), p.Session, tried, f.Key(), nil, func(ctx context.Context, w *act.Work) (act.Result, error) {
		return act.Result{Subject: act.Subject{Type: "Client", ID: f.client, Version: 1}}, fn(ctx, w)
	})
	return err
}

func (f *fixture) start(p world.Person, s approval.Subject) approval.Subject {
	f.t.Helper()
	if err := f.within(p, func(ctx context.Context, w *act.Work) error { return approval.Fixed{}.Start(ctx, w, s) }); err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) decide(p world.Person, s approval.Subject, key approval.Key, approve bool) (done bool, err error) {
	err = f.within(p, func(ctx context.Context, w *act.Work) (err error) {
		done, err = approval.Fixed{}.Decide(ctx, w, s, key, approval.Verdict{Approve: approve})
		return err
	})
	return done, err
}

// approves is a decision that succeeds; done tells whether it is the last one.
func (f *fixture) approves(p world.Person, s approval.Subject, key approval.Key, done bool) {
	f.t.Helper()
	if got, err := f.decide(p, s, key, true); err != nil || got != done {
		f.t.Fatalf("%s: done %v, %v", key, got, err)
	}
}

// refused is a decision that does not, and changes nothing.
func (f *fixture) refused(what, want string, p world.Person, s approval.Subject, key approval.Key) {
	f.t.Helper()
	all := func() string {
		return f.Fingerprint() + f.Text(`SELECT md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM approval_steps r WHERE tenant_id = $1`)
	}
	before := all()
	for _, approve := range []bool{true, false} {
		if _, err := f.decide(p, s, key, approve); reason(err) != want {
			f.t.Errorf("%s: %s, want %s", what, reason(err), want)
		}
	}
	if all() != before {
		f.t.Errorf("%s: something changed", what)
	}
}

// steps are key, state and whether somebody decided.
func (f *fixture) steps(want string, s approval.Subject) {
	f.t.Helper()
	if got := f.Text(`SELECT key, state, decided_by IS NOT NULL FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq`, s.ID); got != want {
		f.t.Errorf("steps: %s, want %s", got, want)
	}
}

// stands asks for the step that waits and whether all is approved.
func (f *fixture) stands(s approval.Subject, active approval.Key, approved bool) {
	f.t.Helper()
	var key approval.Key
	var yes bool
	if err := f.within(f.keeper, func(ctx context.Context, w *act.Work) (err error) {
		if key, err = (approval.Fixed{}).Active(ctx, w, s); err != nil {
			return err
		}
		yes, err = approval.Fixed{}.Approved(ctx, w, s)
		return err
	}); err != nil || key != active || yes != approved {
		f.t.Errorf("%q waits, approved %v, want %q, %v: %v", key, yes, active, approved, err)
	}
}

func reason(err error) string {
	list, ok := fault.As(err)
	if !ok {
		return fmt.Sprint(err)
	}
	return strings.TrimSpace(string(list[0].Code) + " " + list[0].Reason)
}

// together starts all at once and counts the answers.
func together(acts ...func() error) map[string]int {
	out := map[string]int{}
	for _, err := range testkit.Together(acts...) {
		out[reason(err)]++
	}
	return out
}
