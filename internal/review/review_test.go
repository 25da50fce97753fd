package review_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/review"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

type tenant struct {
	*identitytest.Tenant
	reviews *review.Service
}

func newTenant(t testing.TB) *tenant {
	t.Helper()
	x := identitytest.New(t).Tenant(t, "home")
	return &tenant{x, review.New(x.Runner, x.DB, x.Access)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open starts a review that is due in half an hour: sessions of the test last longer.
func (x *tenant) open(t testing.TB) uuid.UUID {
	t.Helper()
	r, err := x.reviews.AccessReviewOpen(t.Context(), x.Manager.Session, review.AccessReviewOpen{Period: "2026-H2", DueAt: time.Now().Add(30 * time.Minute)}, identitytest.Key())
	must(t, err)
	return r.Subject.ID
}

func (x *tenant) pastDue() { x.Clock.SetOffset(31 * time.Minute) }

// itemOf is the item about the only binding that an account has under review.
func (x *tenant) itemOf(t testing.TB, p identitytest.Person) (item, binding uuid.UUID) {
	t.Helper()
	x.Scan(t, `SELECT id, binding_id FROM access_review_items WHERE tenant_id = $1 AND holder_account_id = $2 AND kind = 'BINDING'`, []any{p.Account}, &item, &binding)
	return item, binding
}

func (x *tenant) reviewer(t testing.TB, item uuid.UUID) *uuid.UUID {
	t.Helper()
	var who *uuid.UUID
	x.Scan(t, `SELECT reviewer_staff_id FROM access_review_items WHERE tenant_id = $1 AND id = $2`, []any{item}, &who)
	return who
}

func (x *tenant) decide(t testing.TB, by identitytest.Person, item uuid.UUID, decision string) (act.Result, error) {
	t.Helper()
	return x.reviews.AccessReviewDecide(t.Context(), by.Session, review.AccessReviewDecide{Item: item, ExpectedVersion: 1, Decision: decision, Reason: "半年复核"}, identitytest.Key())
}

// may asks with the rights of a new transaction.
func (x *tenant) may(t testing.TB, p identitytest.Person, object policy.Object, action policy.Action) bool {
	t.Helper()
	e, err := policyadmin.New(x.Runner, x.DB, x.Access).ExplainAccess(t.Context(), p.Session, policyadmin.Question{Object: object, Action: action})
	must(t, err)
	return e.Allow
}

// superior puts somebody below somebody else.
func (x *tenant) superior(t testing.TB, of, is identitytest.Person) {
	t.Helper()
	_, err := x.Organisation.StaffChangeSuperior(t.Context(), x.Admin.Session, organisation.StaffChangeSuperior{Staff: of.Staff, ExpectedVersion: 1, Superior: &is.Staff}, identitytest.Key())
	must(t, err)
}

func (x *tenant) client(t testing.TB) uuid.UUID {
	t.Helper()
	id := x.IDs.New()
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, '客户', $6, $6)`,
			x.ID.UUID(), id, x.Company, x.Department, "C"+id.String()[24:], tx.Now())
		return err
	})
	return id
}

func TestEveryAct(t *testing.T) {
	t.Parallel()
	manager := func(x *identitytest.Tenant) *tenancy.Session { return x.Manager.Session }
	named := func(name string) act.Spec {
		return review.Specs()[slices.IndexFunc(review.Specs(), func(s act.Spec) bool { return s.Name == name })]
	}
	of := func(x *identitytest.Tenant) *tenant { return &tenant{x, review.New(x.Runner, x.DB, x.Access)} }
	identitytest.EveryAct(t, review.Specs(), []identitytest.Case{
		{Spec: named("review.open"), By: manager, Own: true, Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (do, other identitytest.Call) {
			in := review.AccessReviewOpen{Period: "2026-H2", DueAt: time.Now().Add(time.Hour)}
			again := in
			again.Period = "2026-H1"
			s := of(x).reviews
			return func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return s.AccessReviewOpen(ctx, by, in, key)
				}, func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return s.AccessReviewOpen(ctx, by, again, key)
				}
		}},
		{Spec: named("review.decide"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (do, other identitytest.Call) {
			y := of(x)
			y.open(t)
			item, _ := y.itemOf(t, x.Manager) // reviewed by the administrator
			in := review.AccessReviewDecide{Item: item, ExpectedVersion: 1, Decision: "KEEP", Reason: "仍需要"}
			again := in
			again.Decision = "REVOKE"
			return func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewDecide(ctx, by, in, key)
				}, func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewDecide(ctx, by, again, key)
				}
		}},
		{Spec: named("review.reassign"), By: manager, Make: func(t testing.TB, x *identitytest.Tenant) (do, other identitytest.Call) {
			y := of(x)
			chief := x.Person(t, "chief", "tenant_admin") // may unbind, as the present reviewer may
			y.open(t)
			item, _ := y.itemOf(t, x.Nobody)
			in := review.AccessReviewReassign{Item: item, ExpectedVersion: 1, Reviewer: chief.Staff, Reason: "复核人离职"}
			if who := y.reviewer(t, item); who != nil && *who == chief.Staff {
				in.Reviewer = x.Admin.Staff
			}
			again := in
			again.Reason = "另一原因"
			return func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewReassign(ctx, by, in, key)
				}, func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewReassign(ctx, by, again, key)
				}
		}},
		{Spec: named("review.close"), By: manager, Make: func(t testing.TB, x *identitytest.Tenant) (do, other identitytest.Call) {
			y := of(x)
			in := review.AccessReviewClose{Review: y.open(t), ExpectedVersion: 1}
			x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE access_review_items SET decision = 'LAPSED', decided_at = $2 WHERE tenant_id = $1`, x.ID.UUID(), tx.Now())
				return err
			})
			again := in
			again.ExpectedVersion = 2
			return func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewClose(ctx, by, in, key)
				}, func(ctx context.Context, by *tenancy.Session, key string) (act.Result, error) {
					return y.reviews.AccessReviewClose(ctx, by, again, key)
				}
		}},
	})
}

func TestOneReviewForEachPeriodAndOneAtATime(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	var mu sync.Mutex
	var opened []act.Result
	var refused []error
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r, err := x.reviews.AccessReviewOpen(t.Context(), x.Manager.Session, review.AccessReviewOpen{Period: "2026-H2", DueAt: time.Now().Add(time.Hour)}, identitytest.Key())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused = append(refused, err)
			} else {
				opened = append(opened, r)
			}
		})
	}
	wg.Wait()
	if len(opened) != 1 || len(refused) != 19 {
		t.Fatalf("%d opened, %d refused", len(opened), len(refused))
	}
	for _, err := range refused {
		identitytest.Refused(t, err, "CONFLICT PERIOD_REVIEWED input.period")
	}
	_, err := x.reviews.AccessReviewOpen(t.Context(), x.Admin.Session, review.AccessReviewOpen{Period: "2027-H1", DueAt: time.Now().Add(time.Hour)}, identitytest.Key())
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	var items, distinct, live int
	x.Scan(t, `SELECT count(*), count(DISTINCT binding_id), (SELECT count(*) FROM role_bindings WHERE tenant_id = $1 AND revoked_at IS NULL) FROM access_review_items WHERE tenant_id = $1`, nil, &items, &distinct, &live)
	if items != live || distinct != live || live == 0 {
		t.Errorf("%d items of %d bindings, %d live", items, distinct, live)
	}
	_, err = x.reviews.AccessReviewOpen(t.Context(), x.Manager.Session, review.AccessReviewOpen{Period: "2027-H1", DueAt: time.Now().Add(time.Hour)}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE REVIEW_OPEN")
	_, err = x.reviews.AccessReviewClose(t.Context(), x.Manager.Session, review.AccessReviewClose{Review: opened[0].Subject.ID, ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE REVIEW_UNDECIDED")
	for in, want := range map[review.AccessReviewOpen]string{
		{Period: "2026-H3", DueAt: time.Now().Add(time.Hour)}:            "INVALID_INPUT PERIOD_MALFORMED input.period",
		{Period: "2027-H1", DueAt: time.Now().Add(-time.Hour)}:           "INVALID_INPUT DUE_DATE input.dueAt",
		{Period: "2027-H1", DueAt: time.Now().Add(200 * 24 * time.Hour)}: "INVALID_INPUT DUE_DATE input.dueAt",
	} {
		_, err := x.reviews.AccessReviewOpen(t.Context(), x.Manager.Session, in, identitytest.Key())
		identitytest.Refused(t, err, want)
	}
}

func TestWhoReviews(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	boss, below := x.Person(t, "boss", "list_reader"), x.Person(t, "below", "list_reader")
	x.superior(t, below, boss)
	give := identity.AccessGrantGive{Grantee: below.Staff, Client: x.client(t), Classes: []int{0}, Purpose: "项目", ValidUntil: time.Now().Add(48 * time.Hour)}
	granted, err := x.Identity.AccessGrantGive(t.Context(), x.Manager.Session, give, identitytest.Key())
	must(t, err)
	x.open(t)
	of := func(p identitytest.Person) *uuid.UUID {
		item, _ := x.itemOf(t, p)
		return x.reviewer(t, item)
	}
	if got := of(below); got == nil || *got != boss.Staff {
		t.Errorf("the direct superior does not review: %v", got)
	}
	if got := of(boss); got == nil || *got != x.Admin.Staff {
		t.Errorf("without a superior somebody who may unbind reviews: %v", got)
	}
	if got := of(x.Admin); got != nil {
		t.Errorf("the only one who may unbind has a reviewer: %v", got)
	}
	var giver uuid.UUID
	x.Scan(t, `SELECT reviewer_staff_id FROM access_review_items WHERE tenant_id = $1 AND grant_id = $2`, []any{granted.Subject.ID}, &giver)
	if giver != x.Manager.Staff {
		t.Errorf("a grant is reviewed by %v", giver)
	}
	// The administrator has nobody: whoever may open reviews decides, and not he himself.
	admins, _ := x.itemOf(t, x.Admin)
	_, err = x.decide(t, x.Admin, admins, "KEEP")
	identitytest.Refused(t, err, "DUTY_CONFLICT OWN_ACCESS")
	_, err = x.decide(t, x.Nobody, admins, "KEEP")
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	if _, err = x.decide(t, x.Manager, admins, "REVOKE"); err == nil {
		t.Error("the last administrator was taken away")
	}
	identitytest.Refused(t, err, "INVALID_STATE LAST_ADMIN")
	_, err = x.decide(t, x.Manager, admins, "KEEP")
	must(t, err)
	_, err = x.decide(t, x.Manager, admins, "KEEP")
	identitytest.Refused(t, err, "STALE_VERSION STALE_VERSION input.expectedVersion")

	// Nobody stands in for a reviewer who is there; for one who cannot sign in any more somebody does.
	item, binding := x.itemOf(t, below)
	_, err = x.decide(t, x.Manager, item, "REVOKE")
	identitytest.Refused(t, err, "FORBIDDEN NOT_THE_REVIEWER")
	_, err = x.Identity.AccountSuspend(t.Context(), x.Admin.Session, identity.AccountSuspend{Account: boss.Account, ExpectedVersion: 1, Reason: "离职"}, identitytest.Key())
	must(t, err)
	if _, err = x.decide(t, boss, item, "KEEP"); err == nil {
		t.Error("a suspended reviewer decided")
	}
	if !x.may(t, below, policy.OnClient, policy.Read) {
		t.Error("what is under review gives nothing")
	}
	_, err = x.decide(t, x.Manager, item, "REVOKE")
	must(t, err)
	if x.may(t, below, policy.OnClient, policy.Read) {
		t.Error("what was revoked still gives rights")
	}
	var events, audits int
	x.Scan(t, `SELECT (SELECT count(*) FROM events WHERE tenant_id = $1 AND type = 'roleBinding.unbound.v1' AND subject_id = $2),
		(SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND act = 'role.unbind' AND object_id = $2 AND kind = 'change')`, []any{binding}, &events, &audits)
	if events != 1 || audits != 1 {
		t.Errorf("%d events, %d audit records of the unbinding", events, audits)
	}
}

func TestWhatNobodyConfirmsEndsByTimeAlone(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	rep := x.Person(t, "rep", "ka_sales_rep")
	chief := x.Person(t, "chief", "general_manager") // confirmed below: endorses for longer than the review lasts
	client := x.client(t)
	give := identity.AccessGrantGive{Grantee: rep.Staff, Client: client, Classes: []int{0}, Purpose: "项目", ValidUntil: time.Now().Add(48 * time.Hour)}
	granted, err := x.Identity.AccessGrantGive(t.Context(), x.Manager.Session, give, identitytest.Key())
	must(t, err)
	admin := policyadmin.New(x.Runner, x.DB, x.Access)
	seen := func() bool {
		e, err := admin.ExplainAccess(t.Context(), x.Admin.Session, policyadmin.Question{
			Staff: &rep.Staff, Object: policy.OnClient, Action: policy.Read, About: &policyadmin.Object{Type: "Client", ID: client},
		})
		must(t, err)
		return e.Allow
	}
	opened := x.open(t)
	kept, _ := x.itemOf(t, x.Admin)
	_, err = x.decide(t, x.Manager, kept, "KEEP")
	must(t, err)
	repItem, _ := x.itemOf(t, rep)
	_, err = x.decide(t, x.Admin, repItem, "KEEP") // the role is confirmed, the grant is not
	must(t, err)
	chiefItem, _ := x.itemOf(t, chief)
	_, err = x.decide(t, x.Admin, chiefItem, "KEEP")
	must(t, err)
	later := x.Person(t, "later")
	bind := func(role string) identity.RoleEndorse {
		t.Helper()
		r, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: later.Account, RoleKey: role}, identitytest.Key())
		must(t, err)
		return identity.RoleEndorse{Binding: r.Subject.ID, ExpectedVersion: r.Subject.Version}
	}
	endorse := bind("list_reader")
	// Who may lapse with the review gives nothing that lasts longer.
	_, err = x.Identity.RoleEndorse(t.Context(), x.Manager.Session, endorse, identitytest.Key())
	if list, _ := fault.As(err); len(list) == 0 || list[0].Reason != "BEYOND_CEILING" {
		t.Errorf("endorsed by somebody whose own binding is not confirmed: %v", err)
	}
	_, err = x.Identity.RoleEndorse(t.Context(), chief.Session, endorse, identitytest.Key())
	must(t, err)
	if !seen() || !x.may(t, x.Nobody, policy.OnClient, policy.Read) {
		t.Fatal("what is under review gives nothing")
	}
	x.pastDue()
	if seen() {
		t.Error("a grant that nobody confirmed is read past the due date")
	}
	if x.may(t, x.Nobody, policy.OnClient, policy.Read) {
		t.Error("a binding that nobody confirmed gives rights past the due date")
	}
	if !x.may(t, x.Admin, policy.OnPolicy, policy.RoleBind) || !x.may(t, later, policy.OnClient, policy.Read) {
		t.Error("what was confirmed, or bound after the opening, ended")
	}
	// Nothing confirms late: not the reviewer, nor a program that forgets to ask.
	late, lateBinding := x.itemOf(t, x.Nobody)
	_, err = x.decide(t, x.Admin, late, "KEEP")
	identitytest.Refused(t, err, "INVALID_STATE REVIEW_PAST_DUE")
	err = x.DB.InTx(t.Context(), tenancy.ForSystem(x.ID, tenancy.SystemReview), func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE role_bindings SET review_due_at = NULL WHERE tenant_id = $1 AND id = $2`, x.ID.UUID(), lateBinding)
		return err
	})
	if err == nil {
		t.Error("the due date of what has lapsed was taken off")
	}
	_, err = x.Identity.RoleUnbind(t.Context(), x.Admin.Session, identity.RoleUnbind{Binding: lateBinding, ExpectedVersion: 2, Reason: "x"}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE ALREADY_ENDED")

	// Two sweeps at once write it down once.
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 4 {
		wg.Go(func() {
			n, err := x.reviews.Lapse(t.Context(), x.ID)
			mu.Lock()
			defer mu.Unlock()
			total += n
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var lapsed, undecided, unbound, grants int
	x.Scan(t, `SELECT count(*) FILTER (WHERE decision = 'LAPSED'), count(*) FILTER (WHERE decision IS NULL),
		(SELECT count(*) FROM events WHERE tenant_id = $1 AND type = 'roleBinding.unbound.v1'),
		(SELECT count(*) FROM access_grants g JOIN access_reviews v ON v.tenant_id = g.tenant_id WHERE g.tenant_id = $1 AND g.id = $2 AND g.revoked_at = v.due_at)
		FROM access_review_items WHERE tenant_id = $1`, []any{granted.Subject.ID}, &lapsed, &undecided, &unbound, &grants)
	if lapsed != 3 || undecided != 0 || unbound != 2 || grants != 1 || total != 3 { // manager and nobody, and the grant
		t.Errorf("%d lapsed, %d undecided, %d unbound, %d grants, %d counted", lapsed, undecided, unbound, grants, total)
	}
	// The manager's own binding lapsed: the period is closed by somebody who may, once there is one again.
	_, err = x.Identity.RoleEndorse(t.Context(), chief.Session, bind("policy_auditor"), identitytest.Key())
	must(t, err)
	_, err = x.reviews.AccessReviewClose(t.Context(), x.Manager.Session, review.AccessReviewClose{Review: opened, ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	_, err = x.reviews.AccessReviewClose(t.Context(), later.Session, review.AccessReviewClose{Review: opened, ExpectedVersion: 1}, identitytest.Key())
	must(t, err)
}

func TestTenThousandBindings(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		for _, sql := range []string{
			`INSERT INTO staff (tenant_id, id, number, name, company_id, department_id, created_at, updated_at)
				SELECT $1, gen_random_uuid(), 'M' || n, '员工', $2, $3, $4, $4 FROM generate_series(1, 10000) n`,
			`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at)
				SELECT $1, gen_random_uuid(), id, lower(number), name, $4, $4 FROM staff WHERE tenant_id = $1 AND number LIKE 'M%' AND company_id = $2 AND department_id = $3`,
			`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, company_id, department_id, valid_from, created_at, updated_at)
				SELECT $1, gen_random_uuid(), a.id, r.id, $2, $3, $4, $4, $4 FROM accounts a JOIN roles r ON r.tenant_id = a.tenant_id AND r.key = 'list_reader'
				JOIN staff s ON s.tenant_id = a.tenant_id AND s.id = a.staff_id WHERE a.tenant_id = $1 AND s.number LIKE 'M%'`,
		} {
			if _, err := tx.Exec(ctx, sql, x.ID.UUID(), x.Company, x.Department, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	var longest time.Duration
	waits := 0
	var others sync.WaitGroup
	others.Go(func() { // somebody who wants to change rights, again and again
		for ctx.Err() == nil {
			begun := time.Now()
			err := x.DB.InTx(ctx, tenancy.ForSystem(x.ID, tenancy.SystemReview), func(ctx context.Context, tx *tenancy.Tx) error {
				_, err := tx.Exec(ctx, `SELECT 1 FROM tenant_epochs WHERE tenant_id = $1 FOR NO KEY UPDATE`, x.ID.UUID())
				return err
			})
			if err == nil {
				longest, waits = max(longest, time.Since(begun)), waits+1
			}
		}
	})
	begun := time.Now()
	x.open(t)
	stop()
	others.Wait()
	t.Logf("opened in %v; %d others waited %v at most", time.Since(begun).Round(time.Millisecond), waits, longest.Round(time.Millisecond))
	var slices, most int
	x.Scan(t, `SELECT count(*), max((detail->'changes'->0->>'new')::int) FROM audit_records WHERE tenant_id = $1 AND act = 'review.list'`, nil, &slices, &most)
	if slices != 25 || most != 400 { // of 10,003, the opening itself with the first 400: nobody waits for the whole
		t.Errorf("%d slices of %d at most", slices, most)
	}
	var n int
	x.Scan(t, `SELECT count(*) FROM access_review_items WHERE tenant_id = $1 AND reviewer_staff_id = $2`, []any{x.Admin.Staff}, &n)
	if n != 10002 { // and the manager, and nobody
		t.Fatalf("%d items", n)
	}
	x.pastDue()
	begun = time.Now()
	if n, err := x.reviews.Lapse(t.Context(), x.ID); err != nil || n != 10003 {
		t.Fatalf("%d lapsed, %v", n, err)
	}
	t.Logf("written down in %v", time.Since(begun).Round(time.Millisecond))
	var left int
	x.Scan(t, `SELECT count(*) FROM role_bindings WHERE tenant_id = $1 AND revoked_at IS NULL`, nil, &left)
	if left != 0 {
		t.Errorf("%d bindings are left", left)
	}
}
