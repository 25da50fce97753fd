package identity_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// reads tells whether somebody may read the client list by a transaction that begins now.
func reads(t *testing.T, x *identitytest.Tenant, p identitytest.Person) (may bool) {
	t.Helper()
	err := x.DB.InTx(t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := x.Access.For(ctx, tx)
		may = rights.Decide(policy.OnClient, policy.Read, &policy.Row{}).Allow
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return may
}

func waits(t *testing.T, x *identitytest.Tenant, binding uuid.UUID) (w bool) {
	t.Helper()
	x.Scan(t, `SELECT awaits_endorsement FROM role_bindings WHERE tenant_id = $1 AND id = $2`, []any{binding}, &w)
	return w
}

// What a binding gives beyond its giver begins with the endorsement of a third person, and not before.
func TestABindingBeyondItsGiverWaits(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	p := x.Person(t, "clerk")
	bound := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: p.Account, RoleKey: "list_reader"}))
	if !waits(t, x, bound) || reads(t, x, p) {
		t.Error("the administrator gives the client list, which she does not see")
	}
	endorse := of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: bound, ExpectedVersion: 1})
	refused(t, x, x.Admin.Session, endorse, 1, "FORBIDDEN NO_ROLE")
	refused(t, x, x.Nobody.Session, endorse, 1, "NOT_FOUND NOT_FOUND")
	refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: bound, ExpectedVersion: 2}), 0, "STALE_VERSION STALE_VERSION input.expectedVersion")
	// held while it waits, so that two conflicting ones do not come into force one after the other
	refused(t, x, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: p.Account, RoleKey: "list_reader"}), 0, "CONFLICT ALREADY_BOUND input.roleKey")
	succeed(t, x.Manager.Session, endorse)
	var by uuid.UUID
	var late bool
	x.Scan(t, `SELECT endorsed_by, valid_from = endorsed_at FROM role_bindings WHERE tenant_id = $1 AND id = $2`, []any{bound}, &by, &late)
	if by != x.Manager.Staff || !late || waits(t, x, bound) || !reads(t, x, p) {
		t.Error("endorsed, and not in force from then on by the one who endorsed it")
	}
	refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: bound, ExpectedVersion: 2}), 0, "INVALID_STATE NOT_WAITING")

	// what the administrator holds herself is in force at once
	if r := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: p.Account, RoleKey: "tenant_admin"})); waits(t, x, r) {
		t.Error("what its giver holds waits")
	}
	// nobody endorses what he is given, nor what he gave
	second := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Manager.Account, RoleKey: "sales_manager"}))
	refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: second, ExpectedVersion: 1}), 1, "DUTY_CONFLICT HOLDER_ENDORSES")
	x.Scan(t, `WITH u AS (UPDATE role_bindings SET granted_by = $3, account_id = $4 WHERE tenant_id = $1 AND id = $2 RETURNING id) SELECT id::text FROM u`,
		[]any{second, x.Manager.Staff, p.Account}, new(string))
	refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: second, ExpectedVersion: 1}), 1, "DUTY_CONFLICT GIVER_ENDORSES")
	// unbinding what waits is giving it up
	succeed(t, x.Admin.Session, of(x.Identity.RoleUnbind, identity.RoleUnbind{Binding: second, ExpectedVersion: 1, Reason: "不用了"}))
	refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: second, ExpectedVersion: 2}), 0, "INVALID_STATE ALREADY_ENDED")
}

// The tenant's first holder of role.endorse needs nobody's endorsement, and the audit says so; the second one does.
func TestTheFirstWhoEndorses(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home") // its general manager was the first
	said := func() (out string) {
		x.Scan(t, `SELECT string_agg(c->>'new', ' ' ORDER BY a.occurred_at, a.id) FROM audit_records a, jsonb_array_elements(a.detail->'changes') c
			WHERE a.tenant_id = $1 AND a.act = 'role.bind' AND c->>'field' = 'endorsement'`, nil, &out)
		return out
	}
	if got := said(); got != "FIRST_HOLDER WAITS" {
		t.Errorf("audited as %q", got)
	}
	second := x.Person(t, "second")
	bound := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: second.Account, RoleKey: "general_manager"}))
	if !waits(t, x, bound) {
		t.Error("a second general manager did not wait")
	}
	// also when the first is no longer there
	var first uuid.UUID
	x.Scan(t, `SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $2`, []any{x.Manager.Account}, &first)
	succeed(t, x.Admin.Session, of(x.Identity.RoleUnbind, identity.RoleUnbind{Binding: first, ExpectedVersion: 1, Reason: "离任"}))
	third := x.Person(t, "third")
	if r := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: third.Account, RoleKey: "general_manager"})); !waits(t, x, r) {
		t.Error("the constitution was used twice")
	}
}

// What giver and endorser together do not hold is refused with the rules: here the giver holds nothing any more.
func TestWhatTwoDoNotHoldTheyDoNotGive(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	conn, err := pgx.Connect(t.Context(), x.Database.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	// a personnel officer who also reads the client list: the administrator holds the one, the general manager the other
	b := &pgx.Batch{}
	b.Queue(`SELECT set_config('app.tenant_id', $1, false), set_config('app.now', now()::text, false)`, x.ID.UUID().String())
	b.Queue(`INSERT INTO roles (tenant_id, id, key, name_zh, name_en, parent_id, created_at, updated_at) SELECT $1, $2, 'hr_lists', '人事', 'HR', id, now(), now() FROM roles WHERE tenant_id = $1 AND key = 'hr_officer'`, x.ID.UUID(), x.IDs.New())
	b.Queue(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT $1, $2, id, 5000, 'hr_lists', 'client', 'read', 'TENANT', 'allow' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`, x.ID.UUID(), x.IDs.New())
	if err := conn.SendBatch(t.Context(), b).Close(); err != nil {
		t.Fatal(err)
	}
	second := x.Person(t, "second", "tenant_admin")
	var bindings []uuid.UUID
	for _, login := range []string{"one", "two"} {
		p := x.Person(t, login)
		bindings = append(bindings, succeed(t, second.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: p.Account, RoleKey: "hr_lists"})))
		if !waits(t, x, bindings[len(bindings)-1]) {
			t.Error("the administrator gives the client list, which she does not see")
		}
	}
	endorse := func(binding uuid.UUID) call {
		return of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: binding, ExpectedVersion: 1})
	}
	succeed(t, x.Manager.Session, endorse(bindings[0]))
	succeed(t, x.Admin.Session, suspend(x, second.Account, 1))
	before := x.Footprint(t)
	_, err = endorse(bindings[1])(t.Context(), x.Manager.Session, identitytest.Key())
	list, _ := fault.As(err)
	if len(list) == 0 || list[0].Code != fault.ForbiddenCode || list[0].Reason != "BEYOND_CEILING" || list[0].Remedy.ZH == "" {
		t.Fatalf("%v", err)
	}
	if !slices.ContainsFunc(list, func(e *fault.Error) bool { return strings.Contains(e.Message.EN, "Hire") }) {
		t.Errorf("the rules are not named: %v", err)
	}
	x.Unchanged(t, before, 1)
}

// A conflict that arose while two bindings waited is held against each of them: the other one does not make it look old.
func TestOneThatWaitsDoesNotExcuseAnother(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	var waiting []uuid.UUID
	for _, at := range []*uuid.UUID{nil, &x.Company} {
		b := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "policy_auditor", Company: at}))
		if !waits(t, x, b) {
			t.Fatal("the binding does not wait: the case shows nothing")
		}
		waiting = append(waiting, b)
	}
	conn, err := pgx.Connect(t.Context(), x.Database.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	// no act would let it arise: past every act, who reads the list drafts policy, too
	b := &pgx.Batch{}
	b.Queue(`SELECT set_config('app.tenant_id', $1, false), set_config('app.now', now()::text, false)`, x.ID.UUID().String())
	b.Queue(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT $1, $2, id, 5000, 'list_reader', 'policy', 'policy.write', 'TENANT', 'allow' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`, x.ID.UUID(), x.IDs.New())
	if err := conn.SendBatch(t.Context(), b).Close(); err != nil {
		t.Fatal(err)
	}
	for _, binding := range waiting {
		refused(t, x, x.Manager.Session, of(x.Identity.RoleEndorse, identity.RoleEndorse{Binding: binding, ExpectedVersion: 1}), 1, "DUTY_CONFLICT DUTIES_IN_ONE_HAND")
	}
}

// Two bindings whose duties conflict, made at once: one of them stands.
func TestConflictingBindingsAtOnce(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	for range 5 {
		p := x.Person(t, "both"+strings.ToLower(identitytest.Key()[:6]))
		var wg sync.WaitGroup
		var mu sync.Mutex
		won, lost := 0, 0
		for _, role := range []string{"tenant_admin", "policy_auditor"} { // drafting and publishing policy
			wg.Go(func() {
				_, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: p.Account, RoleKey: role}, identitytest.Key())
				mu.Lock()
				defer mu.Unlock()
				if list, _ := fault.As(err); err == nil {
					won++
				} else if len(list) == 1 && list[0].Code == fault.DutyConflict && strings.Contains(list[0].Message.EN, "tenant_admin → policy.write") {
					lost++
				} else {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 || lost != 1 {
			t.Errorf("%d bound, %d refused", won, lost)
		}
	}
}
