package act_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

func spec() act.Spec {
	return act.Spec{Name: "company.test", Object: policy.OnOrganisation, Action: "company.change", Event: "company.tested.v1"}
}

type fixture struct {
	*world.Tenant
	t      *testing.T
	person world.Person
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	x := world.New(t).Tenant("alpha")
	return &fixture{Tenant: x, t: t, person: x.Person(x.Department, "tenant_admin")}
}

func (f *fixture) is(want, sql string, args ...any) {
	f.t.Helper()
	if got := f.Text(sql, args...); got != want {
		f.t.Errorf("%s:\ngot  %s\nwant %s", sql, got, want)
	}
}

// left is everything that an act of this test can leave.
const left = `SELECT (SELECT string_agg(name, ',' ORDER BY id) FROM companies WHERE tenant_id = $1), (SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'change'),
	(SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1), (SELECT count(*) FROM events WHERE tenant_id = $1), (SELECT event_seq FROM tenant_counters WHERE tenant_id = $1)`

// rename is an act that changes a company.
func (f *fixture) rename(name string) func(context.Context, *act.Work) (act.Result, error) {
	return func(ctx context.Context, w *act.Work) (act.Result, error) {
		_, err := w.Exec(ctx, `UPDATE companies SET name = $3, version = version + 1 WHERE tenant_id = $1 AND id = $2`, w.Tenant(), f.Company, name)
		return act.Result{
			Subject: act.Subject{Type: "Company", ID: f.Company, Version: 2}, Changes: []act.Change{{Field: "name", New: name}},
			Snapshot: map[policy.Object]map[string]any{policy.OrganisationList: {"name": name}},
		}, err
	}
}

func (f *fixture) run(key string, input any, fn func(context.Context, *act.Work) (act.Result, error)) (act.Result, error) {
	f.t.Helper()
	return f.Runner.Run(f.t.Context(), f.person.Session, spec(), key, input, fn)
}

// Change, audit record, outcome and event are one: all of them in one transaction, and the event is the last.
func TestAnActLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.Text(left)
	for name, fn := range map[string]func(context.Context, *act.Work) (act.Result, error){
		"an error of fn": func(ctx context.Context, w *act.Work) (act.Result, error) {
			_, _ = f.rename("x")(ctx, w)
			return act.Result{}, errors.New("broken")
		},
		"a statement that failed": func(ctx context.Context, w *act.Work) (act.Result, error) {
			r, _ := f.rename("x")(ctx, w)
			_, _ = w.Exec(ctx, `SELECT 1 / 0`) // looked over by fn
			return r, nil
		},
		"a later statement that fails": func(ctx context.Context, w *act.Work) (act.Result, error) {
			w.Later(`UPDATE companies SET version = 1 / 0 WHERE tenant_id = $1`, w.Tenant())
			return f.rename("x")(ctx, w)
		},
		"an audit record that cannot be": func(ctx context.Context, w *act.Work) (act.Result, error) {
			r, err := f.rename("x")(ctx, w)
			r.Subject.Type = strings.Repeat("X", 41)
			return r, err
		},
		"a snapshot that is no JSON": func(ctx context.Context, w *act.Work) (act.Result, error) {
			r, err := f.rename("x")(ctx, w)
			r.Snapshot = map[policy.Object]map[string]any{policy.OrganisationList: {"f": func() {}}}
			return r, err
		},
	} {
		if _, err := f.run(f.Key(), name, fn); err == nil {
			t.Errorf("%s: done", name)
		}
		if after := f.Text(left); after != before {
			t.Errorf("%s: %s remained, before %s", name, after, before)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = f.run(f.Key(), "panic", func(ctx context.Context, w *act.Work) (act.Result, error) {
			_, _ = f.rename("x")(ctx, w)
			panic("fn")
		})
	}()
	if after := f.Text(left); after != before {
		t.Errorf("a panic: %s remained, before %s", after, before)
	}
	if _, err := f.run("the-first-key", "in", f.rename("新名")); err != nil {
		t.Fatal(err)
	}
	f.is("1|新名|1|1", `SELECT (SELECT event_seq FROM tenant_counters WHERE tenant_id = $1), (SELECT name FROM companies WHERE tenant_id = $1 AND id = $2),
		(SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND kind = 'change' AND act = 'company.test' AND object_id = $2 AND object_version = 2 AND detail->'changes'->0->>'new' = '新名'),
		(SELECT count(*) FROM events WHERE tenant_id = $1 AND seq = 1 AND type = 'company.tested.v1' AND subject_id = $2 AND snapshot->'organisation#list'->>'name' = '新名')`, f.Company)
	// all of them were written by one transaction
	f.is("1", `SELECT count(DISTINCT x) FROM (SELECT xmin::text x FROM companies WHERE tenant_id = $1 AND id = $2 UNION ALL SELECT xmin::text FROM audit_records WHERE tenant_id = $1 AND kind = 'change'
		UNION ALL SELECT xmin::text FROM events WHERE tenant_id = $1 UNION ALL SELECT xmin::text FROM idempotency_keys WHERE tenant_id = $1) t`, f.Company)
}

// Statements given with Later are written with the act, in their order, after what fn did.
func TestLaterStatementsComeAfterAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.run(f.Key(), nil, func(ctx context.Context, w *act.Work) (act.Result, error) {
		w.Later(`UPDATE companies SET name = name || '二' WHERE tenant_id = $1 AND id = $2`, w.Tenant(), f.Company)
		w.Later(`UPDATE companies SET name = name || '三' WHERE tenant_id = $1 AND id = $2`, w.Tenant(), f.Company)
		r, err := f.rename("一")(ctx, w)
		if err != nil {
			return r, err
		}
		var now string
		err = w.QueryRow(ctx, `SELECT name FROM companies WHERE tenant_id = $1 AND id = $2`, w.Tenant(), f.Company).Scan(&now)
		if now != "一" {
			t.Errorf("%s: written before the end", now)
		}
		return r, err
	})
	if err != nil {
		t.Fatal(err)
	}
	f.is("一二三", `SELECT name FROM companies WHERE tenant_id = $1 AND id = $2`, f.Company)
}

// A key is one act: again it answers what happened and does nothing; with another input or act it is a mismatch; of somebody
// else it is another key. At once it is done once.
func TestKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.Key()
	first, err := f.run(key, map[string]int{"a": 1}, f.rename("一"))
	if err != nil || first.Replayed {
		t.Fatal(first, err)
	}
	before := f.Text(left)
	never := func(context.Context, *act.Work) (act.Result, error) {
		t.Error("done again")
		return act.Result{}, nil
	}
	again, err := f.run(key, map[string]int{"a": 1}, never)
	if err != nil || !again.Replayed || again.Subject != first.Subject {
		t.Errorf("a replay: %+v %v", again, err)
	}
	if _, err := f.run(key, map[string]int{"a": 2}, never); fault.CodeOf(err) != fault.IdempotencyMismatch {
		t.Errorf("another input: %v", err)
	}
	other := spec()
	other.Name = "company.other"
	if _, err := f.Runner.Run(t.Context(), f.person.Session, other, key, map[string]int{"a": 1}, never); fault.CodeOf(err) != fault.IdempotencyMismatch {
		t.Errorf("another act: %v", err)
	}
	for _, bad := range []string{"", "short", strings.Repeat("k", 201), "white space", "幂等键幂等键", "12345678\x00"} {
		if _, err := f.run(bad, nil, never); fault.CodeOf(err) != fault.InvalidInput {
			t.Errorf("key %q: %v", bad, err)
		}
	}
	if after := f.Text(left); after != before {
		t.Errorf("%s, before %s", after, before)
	}
	second := f.Person(f.Department, "tenant_admin")
	if r, err := f.Runner.Run(t.Context(), second.Session, spec(), key, map[string]int{"a": 2}, f.rename("二")); err != nil || r.Replayed {
		t.Errorf("the same key of somebody else: %+v %v", r, err)
	}
	// a failed act leaves its key free
	free := f.Key()
	if _, err := f.run(free, nil, func(context.Context, *act.Work) (act.Result, error) { return act.Result{}, errors.New("broken") }); err == nil {
		t.Fatal("done")
	}
	if r, err := f.run(free, "another input", f.rename("三")); err != nil || r.Replayed {
		t.Errorf("after a failure: %+v %v", r, err)
	}
	at := f.Key()
	var all sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		all.Go(func() {
			r, err := f.run(at, nil, f.rename("四"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if !r.Replayed {
				done++
			}
		})
	}
	all.Wait()
	if done != 1 {
		t.Errorf("one key, done %d times", done)
	}
}

// A refusal stays in the audit trail though its transaction is gone, with object and reason; other failures are no refusals. It
// is recorded also when the caller has gone away meanwhile.
func TestRefusalsAreRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const recorded = `SELECT COALESCE(string_agg(act || ' ' || object_type || ' ' || COALESCE(object_id::text, '-') || ' ' || reason || ' ' || clause || ' ' || request_id, '; ' ORDER BY occurred_at, id), '') FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal'`
	before := f.Text(left)
	object := uuid.New()
	want := ""
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.Forbidden("OUT_OF_SCOPE", fault.Text{}, "F10", fault.Text{}), "company.test  - OUT_OF_SCOPE F10 test"},
		{fault.Duty("SELF", fault.Text{}, "B2", fault.Text{}), "company.test  - SELF B2 test"},
		{fault.List{fault.Invalid("a", "B", fault.Text{}, fault.Text{}), fault.Forbidden("SECOND", fault.Text{}, "", fault.Text{})}, "company.test  - SECOND  test"},
		{act.About(act.Subject{Type: "Company", ID: object}, fault.NotFound("Company")), "company.test Company " + object.String() + " NOT_FOUND  test"},
		{fault.Invalid("a", "B", fault.Text{}, fault.Text{}), ""},
		{fault.Stale(3), ""},
		{errors.New("broken"), ""},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := f.Runner.Run(ctx, f.person.Session, spec(), f.Key(), nil, func(ctx context.Context, w *act.Work) (act.Result, error) {
			_, _ = f.rename("x")(ctx, w)
			cancel() // the caller has gone
			return act.Result{}, c.err
		})
		cancel()
		if !errors.Is(err, c.err) && err.Error() != c.err.Error() {
			t.Errorf("%v came back as %v", c.err, err)
		}
		if c.want != "" {
			want = strings.TrimPrefix(want+"; "+c.want, "; ")
		}
		f.is(want, recorded)
	}
	if after := f.Text(left); after != before {
		t.Errorf("%s remained, before %s", after, before)
	}
	f.Runner.Refused(t.Context(), f.person.Session, "question.test", fault.Forbidden("NO_ROLE", fault.Text{}, "", fault.Text{}))
	f.is(want+"; question.test  - NO_ROLE  test", recorded)
}

// Who may not see the row is told that there is none; who sees it and may not act is told why; whoever has no rights at all may
// nothing, but for the operator.
func TestRequire(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	clerk, nobody := f.Person(f.Department, "list_reader"), f.Person(f.Department)
	here := policy.Row{ID: f.Company, Company: f.Company}
	for name, c := range map[string]struct {
		session *tenancy.Session
		id      uuid.UUID
		want    fault.Code
	}{
		"may": {f.person.Session, f.Company, ""}, "sees it": {clerk.Session, f.Company, fault.ForbiddenCode}, "does not see it": {nobody.Session, f.Company, fault.NotFoundCode},
		"makes one": {nobody.Session, uuid.Nil, fault.ForbiddenCode}, "operator": {tenancy.ForSystem(tenancy.TenantID(f.ID), tenancy.SystemOperator), f.Company, ""},
		"another system actor": {tenancy.ForSystem(tenancy.TenantID(f.ID), tenancy.SystemSealer), f.Company, fault.ForbiddenCode},
	} {
		var said error
		_, _ = f.Runner.Run(t.Context(), c.session, spec(), f.Key(), nil, func(_ context.Context, w *act.Work) (act.Result, error) {
			said = w.Require(act.Subject{Type: "Company", ID: c.id}, &here)
			return act.Result{}, errors.New("enough")
		})
		if got := fault.CodeOf(said); got != c.want {
			t.Errorf("%s: %v", name, said)
		}
	}
}

// Whoever waits is hinted at after the commit of acts that change rights, and never for one that failed or was replayed.
func TestHints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rights, err := access.New(f.DB, 2)
	if err != nil {
		t.Fatal(err)
	}
	var hints []tenancy.TenantID
	run := act.NewRunner(f.DB, rights, f.IDs, slog.New(slog.DiscardHandler)).Hinting(func(id tenancy.TenantID) {
		f.is("一", `SELECT name FROM companies WHERE tenant_id = $1 AND id = $2`, f.Company) // seen by others: it has committed
		hints = append(hints, id)
	})
	sensitive, key := spec(), f.Key()
	sensitive.Sensitive = true
	for range 2 {
		if _, err := run.Run(t.Context(), f.person.Session, sensitive, key, nil, f.rename("一")); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = run.Run(t.Context(), f.person.Session, sensitive, f.Key(), nil, func(context.Context, *act.Work) (act.Result, error) { return act.Result{}, errors.New("broken") })
	if _, err := run.Run(t.Context(), f.person.Session, spec(), f.Key(), nil, f.rename("二")); err != nil {
		t.Fatal(err)
	}
	if len(hints) != 1 || hints[0] != tenancy.TenantID(f.ID) {
		t.Errorf("hints %v", hints)
	}
}
