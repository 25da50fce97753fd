// Package identitytest owns what tests of services start from: a database, tenants made as the operator makes them, and people who are signed in.
// It does not own the database server (testkit), and no product code imports it.
package identitytest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
)

// Password of everybody that this package signs in.
const Password = "a password for tests"

// World is a product without its edge, on a database of the test's own.
type World struct {
	Database     *testkit.Database
	DB           *tenancy.DB
	Clock        *clock.Clock
	IDs          *id.Source
	Access       *access.Provider
	Runner       *act.Runner
	Identity     *identity.Service
	Organisation *organisation.Service
}

// New makes a world; it ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{Database: testkit.NewDatabase(t), Clock: clock.New(), IDs: id.NewSource(time.Now, rand.Reader)}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	w.DB, err = tenancy.Open(t.Context(), tenancy.Config{AppURL: w.Database.App, AuthnURL: w.Database.Authn, SystemURL: w.Database.System, MaxConns: 8}, w.Clock, log)
	must(t, err)
	t.Cleanup(w.DB.Close)
	w.Access, err = access.New(w.DB, 10)
	must(t, err)
	w.Runner = act.NewRunner(w.DB, w.Access, w.IDs, log)
	w.Identity = identity.New(w.Runner, w.DB, credential.NewHasher(2), rand.Reader)
	w.Organisation = organisation.New(w.Runner)
	return w
}

// Person is a staff member with an account and a session.
type Person struct {
	Staff, Account uuid.UUID
	Session        *tenancy.Session
}

// Tenant is a tenant with an administrator (tenant_admin), a general manager and somebody who may do nothing in particular
// (list_reader), all in one department.
type Tenant struct {
	*World
	ID                     tenancy.TenantID
	Slug                   string
	Company, Department    uuid.UUID
	Admin, Manager, Nobody Person
}

// Tenant makes a tenant; its slug must not be used yet.
func (w *World) Tenant(t testing.TB, slug string) *Tenant {
	t.Helper()
	made, err := w.Identity.CreateTenant(t.Context(), w.IDs, identity.TenantCreate{
		Slug: slug, Name: "租户 " + slug, AdminName: "王管理", AdminLogin: "admin", AdminPassword: Password,
	})
	must(t, err)
	tenant := &Tenant{World: w, ID: made.Tenant, Slug: slug, Company: made.Company, Department: made.Department}
	tenant.Admin = Person{made.Staff, made.Account, tenant.SignIn(t, made.Account, made.Staff)}
	tenant.Manager = tenant.Person(t, "manager", "general_manager")
	tenant.Nobody = tenant.Person(t, "nobody", "list_reader")
	return tenant
}

// Person hires somebody into the first department, with an account, roles and a session.
func (x *Tenant) Person(t testing.TB, login string, roles ...string) Person {
	t.Helper()
	var p Person
	hired, err := x.Organisation.StaffHire(t.Context(), x.Admin.Session, organisation.StaffHire{Number: login, Name: "员工 " + login, Department: x.Department}, Key())
	must(t, err)
	p.Staff = hired.Subject.ID
	password := Password
	created, err := x.Identity.AccountCreate(t.Context(), x.Admin.Session, identity.AccountCreate{Staff: &p.Staff, Login: login, Password: &password}, Key())
	must(t, err)
	p.Account = created.Subject.ID
	for _, role := range roles {
		x.Bind(t, identity.RoleBind{Account: p.Account, RoleKey: role})
	}
	p.Session = x.SignIn(t, p.Account, p.Staff)
	return p
}

// Bind binds a role as the administrator, and has the general manager endorse what awaits it.
func (x *Tenant) Bind(t testing.TB, in identity.RoleBind) act.Subject {
	t.Helper()
	bound, err := x.Identity.RoleBind(t.Context(), x.Admin.Session, in, Key())
	must(t, err)
	return x.Endorse(t, bound.Subject)
}

// Endorse has the general manager endorse a binding that awaits it.
func (x *Tenant) Endorse(t testing.TB, binding act.Subject) act.Subject {
	t.Helper()
	var waits bool
	x.Scan(t, `SELECT awaits_endorsement FROM role_bindings WHERE tenant_id = $1 AND id = $2`, []any{binding.ID}, &waits)
	if !waits {
		return binding
	}
	endorsed, err := x.Identity.RoleEndorse(t.Context(), x.Manager.Session, identity.RoleEndorse{Binding: binding.ID, ExpectedVersion: binding.Version}, Key())
	must(t, err)
	return endorsed.Subject
}

// SignIn gives an account a session of an hour, as sign-in would. staff is zero for an app.
func (x *Tenant) SignIn(t testing.TB, account, staff uuid.UUID) *tenancy.Session {
	t.Helper()
	_, hash, _, err := credential.New(credential.Session, rand.Reader)
	must(t, err)
	s := &tenancy.Session{Tenant: x.ID, RequestID: "test", Language: "zh-CN", Actor: tenancy.Actor{
		Kind: tenancy.StaffActor, Account: account, Staff: staff, Name: "tester", Credential: x.IDs.New(), CredentialKind: tenancy.SessionCredential,
	}}
	if staff == uuid.Nil {
		s.Actor.Kind = tenancy.AppActor
	}
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		s.Actor.Expires = tx.Now().Add(time.Hour)
		_, err := tx.Exec(ctx, `INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $5, $6)`,
			x.ID.UUID(), s.Actor.Credential, account, hash, tx.Now(), s.Actor.Expires)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`, x.ID.UUID(), hash, s.Actor.Credential)
		return err
	})
	return s
}

// InTx runs fn as the application in the tenant, past every service.
func (x *Tenant) InTx(t testing.TB, fn func(ctx context.Context, tx *tenancy.Tx) error) {
	t.Helper()
	must(t, x.DB.InTx(t.Context(), tenancy.ForSystem(x.ID, tenancy.SystemSignIn), fn))
}

// Allow adds lines to the policy in force, behind the walls: the application adds them to drafts alone. Each pair is object and
// action, for the role in the scope.
func (x *Tenant) Allow(t testing.TB, role, scope string, pairs ...[2]string) {
	t.Helper()
	b := &pgx.Batch{}
	for i, p := range pairs {
		b.Queue(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
			SELECT $1, $2, id, $3, $4, $5, $6, $7, 'allow' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`,
			x.ID.UUID(), x.IDs.New(), 9000+i, role, p[0], p[1], scope)
	}
	must(t, x.Database.Behind(t.Context(), x.ID.UUID(), b))
}

// Scan reads one row; sql has the tenant as $1.
func (x *Tenant) Scan(t testing.TB, sql string, args []any, into ...any) {
	t.Helper()
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		return tx.QueryRow(ctx, sql, append([]any{x.ID.UUID()}, args...)...).Scan(into...)
	})
}

// Key is a fresh idempotency key.
func Key() string { return uuid.NewString() }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
