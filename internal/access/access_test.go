package access_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

type fixture struct {
	*world.Tenant
	t      *testing.T
	rights *access.Provider
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	x := &fixture{Tenant: world.New(t).Tenant("alpha"), t: t}
	x.rights = x.provider(10)
	return x
}

func (x *fixture) provider(tenants int) *access.Provider {
	x.t.Helper()
	p, err := access.New(x.DB, tenants)
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

// may tells whether rights let a company of the tenant be changed.
func (x *fixture) may(r *policy.Rights) bool {
	return r.Decide(policy.OnOrganisation, "company.change", &policy.Row{ID: x.Company, Company: x.Company}).Allow
}

// now asks in a transaction of its own.
func (x *fixture) now(p *access.Provider, s *tenancy.Session) (may bool, err error) {
	err = x.DB.InTx(context.Background(), s, func(ctx context.Context, tx *tenancy.Tx) error {
		r, err := p.For(ctx, tx)
		if err == nil {
			may = x.may(r)
		}
		return err
	})
	return may, err
}

func (x *fixture) wants(what string, p *access.Provider, s *tenancy.Session, want bool) {
	x.t.Helper()
	if may, err := x.now(p, s); err != nil || may != want {
		x.t.Errorf("%s: %v %v, want %v", what, may, err, want)
	}
}

func (x *fixture) unbind(p world.Person) {
	x.t.Helper()
	x.Exec(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND account_id = $2`, p.Account)
}

// super runs a statement as the superuser.
func (x *fixture) super(sql string) {
	x.t.Helper()
	conn, err := pgx.Connect(x.t.Context(), x.Superuser)
	if err != nil {
		x.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(x.t.Context(), sql); err != nil {
		x.t.Fatal(err)
	}
}

// Whatever decides rights, a change of it decides the next transaction, in every process, however warm its memory is.
func TestTheNextTransactionHasTheRightsOfNow(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	other := x.provider(10) // of another process
	admin := x.Person(x.Department, "tenant_admin")
	for what, c := range map[string]struct{ take, give string }{
		"rules": {
			`UPDATE policy_rules SET effect = 'deny' WHERE tenant_id = $1 AND action = 'company.change'`,
			`UPDATE policy_rules SET effect = 'allow' WHERE tenant_id = $1 AND action = 'company.change'`,
		},
		"bindings": {`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1`, `UPDATE role_bindings SET revoked_at = NULL WHERE tenant_id = $1`},
		"roles":    {`UPDATE roles SET state = 'retired' WHERE tenant_id = $1 AND key = 'tenant_admin'`, `UPDATE roles SET state = 'active' WHERE tenant_id = $1 AND key = 'tenant_admin'`},
	} {
		for range 2 {
			for _, p := range []*access.Provider{x.rights, other} {
				x.wants(what+" before", p, admin.Session, true)
			}
			x.Exec(c.take)
			for _, p := range []*access.Provider{x.rights, other} {
				x.wants(what+" taken", p, admin.Session, false)
			}
			x.Exec(c.give)
		}
	}
	x.Exec(`UPDATE accounts SET display_name = display_name || '改' WHERE tenant_id = $1`) // moves the revocation version alone
	x.wants("after a change of an account", x.rights, admin.Session, true)
	x.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1`)
	if _, err := x.now(x.rights, admin.Session); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("suspended: %v", err)
	}
}

// Rights that move between the begin of a transaction and its question are loaded anew: what the transaction gets is whole and
// of now, and what it leaves in memory is what the next one may use.
func TestEpochsThatMoveInTheMiddle(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	admin, clerk := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "list_reader")
	for what, warm := range map[string]bool{"with an empty memory": false, "with a memory of before": true} {
		p := x.provider(10)
		if warm {
			x.wants(what, p, clerk.Session, false) // tenant and policy are known, the administrator is not
		}
		x.Exec(`UPDATE role_bindings SET revoked_at = NULL WHERE tenant_id = $1 AND account_id = $2`, admin.Account)
		err := x.DB.InTx(t.Context(), admin.Session, func(ctx context.Context, tx *tenancy.Tx) error {
			x.unbind(admin)
			r, err := p.For(ctx, tx)
			if err == nil && x.may(r) {
				t.Errorf("%s: the binding that is gone decides", what)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		x.wants(what+", afterwards", p, admin.Session, false)
	}
	// while they move all the time, a transaction has an answer, or says that it has none; never one of two states mixed
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				x.Exec(`UPDATE companies SET name = name WHERE tenant_id = $1`)
			}
		}
	})
	for range 30 {
		if _, err := x.now(x.provider(10), clerk.Session); err != nil && fault.CodeOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
	close(stop)
	moving.Wait()
}

// A read has the rights of its own snapshot, and Current tells for which epochs it answers.
func TestAReadHasTheRightsOfItsSnapshot(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	admin := x.Person(x.Department, "tenant_admin")
	if _, _, ok := x.rights.Current(admin.Session, time.Now()); ok {
		t.Error("rights are known before anything was read")
	}
	r := x.DB.BeginRead(admin.Session)
	defer r.Close(t.Context())
	if err := r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { return nil }); err != nil {
		t.Fatal(err)
	}
	x.unbind(admin)
	rights, epochs, err := x.rights.Load(t.Context(), admin.Session, r)
	if err != nil || !x.may(rights) || epochs != r.Epochs() {
		t.Errorf("within the snapshot: %v %v, the read's are %v", err, epochs, r.Epochs())
	}
	if again, known, ok := x.rights.Current(admin.Session, r.Now()); !ok || known != r.Epochs() || again != rights {
		t.Errorf("known: %v %v", known, ok)
	}
	x.wants("the next transaction", x.rights, admin.Session, false)
	if _, known, _ := x.rights.Current(admin.Session, r.Now()); known == r.Epochs() {
		t.Error("the old epochs are still the known ones")
	}
}

// What cannot be read is UNAVAILABLE, with the old answer in memory too; and when it can be read again it is read.
func TestWhatCannotBeReadIsUnavailable(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	admin := x.Person(x.Department, "tenant_admin")
	for what, c := range map[string]struct{ breaks, moves, mends string }{
		"rules that may not be read": {`REVOKE SELECT ON policy_rules FROM clientele_app`, `UPDATE policy_versions SET version = version + 1 WHERE tenant_id = $1`, `GRANT SELECT ON policy_rules TO clientele_app`},
		"bindings that may not be read": {
			`REVOKE SELECT ON role_bindings FROM clientele_app`, `UPDATE companies SET version = version + 1 WHERE tenant_id = $1`, `GRANT SELECT ON role_bindings TO clientele_app`,
		},
		"an organisation that may not be read": {
			`REVOKE SELECT ON employments FROM clientele_app`, `UPDATE companies SET version = version + 1 WHERE tenant_id = $1`, `GRANT SELECT ON employments TO clientele_app`,
		},
		"no version in force":          {`UPDATE policy_versions SET state = state`, `UPDATE policy_versions SET state = 'superseded' WHERE tenant_id = $1`, `UPDATE policy_versions SET state = 'in_force'`},
		"a rule that does not compile": {`SELECT 1`, `UPDATE policy_rules SET condition = 'no condition at all' WHERE tenant_id = $1 AND seq = 1`, `UPDATE policy_rules SET condition = '' WHERE seq = 1`},
	} {
		x.wants(what+": before", x.rights, admin.Session, true)
		settings := fmt.Sprintf(`SELECT set_config('app.tenant_id', '%s', false), set_config('app.now', now()::text, false); `, x.ID)
		x.super(settings + c.breaks)
		x.Exec(c.moves)
		for range 2 {
			if may, err := x.now(x.rights, admin.Session); fault.CodeOf(err) != fault.Unavailable || may {
				t.Errorf("%s: %v %v", what, may, err)
			}
		}
		r := x.DB.BeginRead(admin.Session)
		if rights, _, err := x.rights.Load(t.Context(), admin.Session, r); fault.CodeOf(err) != fault.Unavailable || rights != nil {
			t.Errorf("%s, by a read: %v", what, err)
		}
		r.Close(t.Context())
		x.super(settings + c.mends)
		x.wants(what+": mended", x.rights, admin.Session, true)
	}
}

// With memory for fewer tenants than there are, each still has its own rights and nobody else's.
func TestTenantsPushEachOtherOut(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	p := x.provider(1)
	type one struct {
		tenant world.Tenant
		person world.Person
		may    bool
	}
	var all []one
	for i := range 6 {
		tenant := x.World.Tenant(fmt.Sprint("tenant", i))
		role := map[bool]string{true: "tenant_admin", false: "list_reader"}[i%2 == 0]
		all = append(all, one{*tenant, tenant.Person(tenant.Department, role), i%2 == 0})
	}
	var group sync.WaitGroup
	for worker := range 6 {
		group.Go(func() {
			for i := range 40 {
				c := all[(worker+i)%len(all)]
				err := x.DB.InTx(t.Context(), c.person.Session, func(ctx context.Context, tx *tenancy.Tx) error {
					r, err := p.For(ctx, tx)
					if err != nil {
						return err
					}
					if got := r.Decide(policy.OnOrganisation, "company.change", &policy.Row{ID: c.tenant.Company, Company: c.tenant.Company}).Allow; got != c.may {
						t.Errorf("tenant %d: %v", (worker+i)%len(all), got)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// Time and scopes are part of what is known: a binding that ends is not remembered over its end, and a token's narrow rights are
// not those of the session beside it.
func TestRightsAreKnownForTheirTimeAndScopes(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	admin := x.Person(x.Department, "tenant_admin")
	x.Exec(`UPDATE role_bindings SET valid_until = now() + interval '1 hour' WHERE tenant_id = $1`)
	x.wants("within its time", x.rights, admin.Session, true)
	narrow := &tenancy.Session{Tenant: admin.Session.Tenant, Actor: admin.Session.Actor, RequestID: "test", Language: "en"}
	for scopes, want := range map[string]bool{"read": false, "write": true, "company.change": true, "client.open": false} {
		narrow.Actor.Scopes = []string{scopes}
		x.wants("scope "+scopes, x.rights, narrow, want)
		x.wants("without scopes", x.rights, admin.Session, true)
	}
	if _, _, ok := x.rights.Current(admin.Session, time.Now()); !ok {
		t.Error("nothing is known")
	}
	if _, _, ok := x.rights.Current(admin.Session, time.Now().Add(2*time.Hour)); ok {
		t.Error("known over the end of a binding")
	}
	x.Clock.SetOffset(2 * time.Hour)
	x.wants("after its time", x.rights, admin.Session, false)
	nobody := &tenancy.Session{Tenant: admin.Session.Tenant, Actor: admin.Session.Actor}
	nobody.Actor.Account = uuid.New()
	if _, _, ok := x.rights.Current(nobody, time.Now()); ok {
		t.Error("rights of somebody unknown are known")
	}
}
