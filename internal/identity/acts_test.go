package identity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
)

type call = identitytest.Call

// of fixes the input of a service method.
func of[In any](method func(context.Context, *tenancy.Session, In, string) (act.Result, error), in In) call {
	return func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error) {
		return method(ctx, s, in, key)
	}
}

// issuing is APITokenIssue as a call; a replay that gives a secret fails the test.
func issuing(t testing.TB, x *identitytest.Tenant, in identity.APITokenIssue) call {
	return func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error) {
		r, secret, err := x.Identity.APITokenIssue(ctx, s, in, key)
		if err == nil && r.Replayed == (secret != "") {
			t.Errorf("replayed %v with secret %q", r.Replayed, secret)
		}
		return r, err
	}
}

func specNamed(t testing.TB, name string) act.Spec {
	t.Helper()
	for _, s := range identity.Specs() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no act %s", name)
	return act.Spec{}
}

// hired is somebody without an account.
func hired(t testing.TB, x *identitytest.Tenant, number string) uuid.UUID {
	t.Helper()
	r, err := x.Organisation.StaffHire(t.Context(), x.Admin.Session, organisation.StaffHire{Number: number, Name: "新人", Department: x.Department}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}

// client puts a client into the first department, past the archive's own service.
func client(t testing.TB, x *identitytest.Tenant) uuid.UUID {
	t.Helper()
	id := x.IDs.New()
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, '客户', $6, $6)`,
			x.ID.UUID(), id, x.Company, x.Department, "C"+id.String()[24:], tx.Now())
		return err
	})
	return id
}

func manager(x *identitytest.Tenant) *tenancy.Session { return x.Manager.Session }
func nobody(x *identitytest.Tenant) *tenancy.Session  { return x.Nobody.Session }

func grant(t testing.TB, x *identitytest.Tenant) identity.AccessGrantGive {
	return identity.AccessGrantGive{Grantee: x.Nobody.Staff, Client: client(t, x), Classes: []int{0, 1}, Purpose: "审计", ValidUntil: time.Now().Add(24 * time.Hour)}
}

func TestEveryAct(t *testing.T) {
	t.Parallel()
	specs := slices.DeleteFunc(identity.Specs(), func(s act.Spec) bool { return s.Name == "tenant.create" }) // the operator's: tenant_test.go
	password, second := "another password", "a second password"
	identitytest.EveryAct(t, specs, []identitytest.Case{
		{Spec: specNamed(t, "account.create"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			staff := hired(t, x, "N1")
			in := identity.AccountCreate{Staff: &staff, Login: "new.one", Password: &password}
			other := in
			other.Password = &second
			return of(x.Identity.AccountCreate, in), of(x.Identity.AccountCreate, other)
		}},
		{Spec: specNamed(t, "account.suspend"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := identity.AccountSuspend{Account: x.Person(t, "leaver").Account, ExpectedVersion: 1, Reason: "离职"}
			other := in
			other.Reason = "停职"
			return of(x.Identity.AccountSuspend, in), of(x.Identity.AccountSuspend, other)
		}},
		{Spec: specNamed(t, "account.reinstate"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			p := x.Person(t, "returner")
			_, err := x.Identity.AccountSuspend(t.Context(), x.Admin.Session, identity.AccountSuspend{Account: p.Account, ExpectedVersion: 1, Reason: "休假"}, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			in := identity.AccountReinstate{Account: p.Account, ExpectedVersion: 2, Reason: "返岗"}
			other := in
			other.ExpectedVersion = 3
			return of(x.Identity.AccountReinstate, in), of(x.Identity.AccountReinstate, other)
		}},
		{Spec: specNamed(t, "account.changePassword"), Own: true, By: nobody, Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			current := identitytest.Password
			return of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &current, New: password}),
				of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &current, New: second})
		}},
		{Spec: specNamed(t, "account.resetPassword"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			account := x.Person(t, "forgetful").Account
			return of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Account: &account, New: password}),
				of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Account: &account, New: second})
		}},
		{Spec: specNamed(t, "session.revoke"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			return of(x.Identity.SessionRevoke, identity.SessionRevoke{Session: x.SignIn(t, x.Manager.Account, x.Manager.Staff).Actor.Credential}),
				of(x.Identity.SessionRevoke, identity.SessionRevoke{Session: x.Manager.Session.Actor.Credential})
		}},
		{Spec: specNamed(t, "token.issue"), Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			app := app(t, x)
			in := identity.APITokenIssue{Account: &app, Name: "同步", Scopes: []string{"read"}, ExpiresAt: time.Now().Add(time.Hour)}
			other := in
			other.Scopes = nil
			return issuing(t, x, in), issuing(t, x, other)
		}},
		{Spec: specNamed(t, "token.revoke"), Revocation: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			r, _, err := x.Identity.APITokenIssue(t.Context(), x.Manager.Session, identity.APITokenIssue{Name: "我的", ExpiresAt: time.Now().Add(time.Hour)}, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			return of(x.Identity.APITokenRevoke, identity.APITokenRevoke{Token: r.Subject.ID}), of(x.Identity.APITokenRevoke, identity.APITokenRevoke{Token: uuid.New()})
		}},
		{Spec: specNamed(t, "role.bind"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := identity.RoleBind{Account: x.Nobody.Account, RoleKey: "ka_sales_rep", Department: &x.Department}
			other := in
			other.Department = nil
			return of(x.Identity.RoleBind, in), of(x.Identity.RoleBind, other)
		}},
		{Spec: specNamed(t, "role.endorse"), By: manager, Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			r, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "ka_sales_rep"}, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			in := identity.RoleEndorse{Binding: r.Subject.ID, ExpectedVersion: 1}
			other := in
			other.ExpectedVersion = 2
			return of(x.Identity.RoleEndorse, in), of(x.Identity.RoleEndorse, other)
		}},
		{Spec: specNamed(t, "role.unbind"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			r, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: x.Manager.Account, RoleKey: "sales_manager"}, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			in := identity.RoleUnbind{Binding: r.Subject.ID, ExpectedVersion: 1, Reason: "调岗"}
			other := in
			other.Reason = "误授"
			return of(x.Identity.RoleUnbind, in), of(x.Identity.RoleUnbind, other)
		}},
		{Spec: specNamed(t, "grant.give"), By: manager, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := grant(t, x)
			other := in
			other.Classes = []int{0}
			return of(x.Identity.AccessGrantGive, in), of(x.Identity.AccessGrantGive, other)
		}},
		{Spec: specNamed(t, "grant.revoke"), By: manager, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := grant(t, x)
			in.Grantee = x.Admin.Staff
			r, err := x.Identity.AccessGrantGive(t.Context(), x.Manager.Session, in, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			revoke := identity.AccessGrantRevoke{Grant: r.Subject.ID, ExpectedVersion: 1, Reason: "完成"}
			other := revoke
			other.Reason = "误授"
			return of(x.Identity.AccessGrantRevoke, revoke), of(x.Identity.AccessGrantRevoke, other)
		}},
	})
}

func app(t testing.TB, x *identitytest.Tenant) uuid.UUID {
	t.Helper()
	name := "合作应用"
	r, err := x.Identity.AccountCreate(t.Context(), x.Admin.Session, identity.AccountCreate{DisplayName: &name, Login: "partner"}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}
