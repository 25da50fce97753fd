// Package world owns tenants with an organisation, people and roles in a test's database, and sessions of these people.
// It does not own what services make: it writes the rows that services need to find, as a superuser.
package world

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/policy"
)

// World is one database with the frame of acts above it.
type World struct {
	*testkit.Database
	DB     *tenancy.DB
	Runner *act.Runner
	IDs    *id.Source
	Clock  *clock.Clock

	t    testing.TB
	mu   sync.Mutex
	conn *pgx.Conn
}

// New gives the test a world without tenants; configure changes how the database is opened.
func New(t testing.TB, configure ...func(*tenancy.Config)) *World {
	t.Helper()
	d := testkit.NewDatabase(t)
	clk := clock.New()
	log := slog.New(slog.DiscardHandler)
	cfg := tenancy.Config{AppURL: d.App, AuthnURL: d.Authn, SystemURL: d.System, MaxConns: 12, TransactionPooler: d.Pooler}
	for _, c := range configure {
		c(&cfg)
	}
	db, err := tenancy.Open(t.Context(), cfg, clk, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	provider, err := access.New(db, 10)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), d.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	ids := id.NewSource(clk.Now, rand.Reader)
	return &World{Database: d, DB: db, Runner: act.NewRunner(db, provider, ids, log), IDs: ids, Clock: clk, t: t, conn: conn}
}

// Tenant is a tenant of the world: one company with a key-account department and a section below it, and a second company.
type Tenant struct {
	*World
	ID                                     uuid.UUID
	Company, Department, Section, Sibling  uuid.UUID // Sibling is a department beside Department
	OtherCompany, OtherDepartment, Nowhere uuid.UUID // Nowhere is the id of nothing
	policy                                 uuid.UUID
	roles                                  map[string]uuid.UUID
	people                                 int
}

// Person is a staff member with an account.
type Person struct {
	Staff, Account uuid.UUID
	Name           string
	Session        *tenancy.Session
}

// Tenant makes a tenant with the shipped roles and rules in force.
func (w *World) Tenant(slug string) *Tenant {
	w.t.Helper()
	x := &Tenant{World: w, ID: w.IDs.New(), roles: map[string]uuid.UUID{}}
	for _, u := range []*uuid.UUID{&x.Company, &x.Department, &x.Section, &x.Sibling, &x.OtherCompany, &x.OtherDepartment, &x.Nowhere, &x.policy} {
		*u = w.IDs.New()
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) VALUES ($1, $2, $2, now(), now())`, x.ID, slug)
	b.Queue(`INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, x.ID)
	b.Queue(`INSERT INTO tenant_counters (tenant_id) VALUES ($1)`, x.ID)
	for _, c := range []struct {
		id   uuid.UUID
		name string
	}{{x.Company, slug + "总公司"}, {x.OtherCompany, slug + "子公司"}} {
		b.Queue(`INSERT INTO companies (tenant_id, id, name, created_at, updated_at) VALUES ($1, $2, $3, now(), now())`, x.ID, c.id, c.name)
	}
	dept := func(deptID, company uuid.UUID, parent *uuid.UUID, kind, name string) {
		b.Queue(`INSERT INTO departments (tenant_id, id, company_id, parent_id, kind, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, now(), now())`,
			x.ID, deptID, company, parent, kind, name)
	}
	dept(x.Department, x.Company, nil, "DEPARTMENT", "大客户部")
	dept(x.Section, x.Company, &x.Department, "SECTION", "开发科")
	dept(x.Sibling, x.Company, nil, "DEPARTMENT", "市场部")
	dept(x.OtherDepartment, x.OtherCompany, nil, "DEPARTMENT", "子公司大客户部")
	x.queueRoles(b)
	x.queueRules(b)
	x.send(b)
	return x
}

func (x *Tenant) queueRoles(b *pgx.Batch) {
	parents := map[string]string{}
	for _, p := range policy.ShippedInherits() {
		parents[p[0]] = p[1]
	}
	for _, r := range policy.ShippedRoles() {
		x.roles[r.Key] = x.IDs.New()
	}
	for _, r := range policy.ShippedRoles() { // a base role stands before those that inherit from it
		var parent *uuid.UUID
		if p, ok := parents[r.Key]; ok {
			u := x.roles[p]
			parent = &u
		}
		b.Queue(`INSERT INTO roles (tenant_id, id, key, name_zh, name_en, parent_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, now(), now())`,
			x.ID, x.roles[r.Key], r.Key, r.Name.ZH, r.Name.EN, parent)
	}
}

func (x *Tenant) queueRules(b *pgx.Batch) {
	hash := sha256.Sum256(nil)
	b.Queue(`INSERT INTO policy_versions (tenant_id, id, number, state, reason, content_hash, created_at, updated_at) VALUES ($1, $2, 1, 'in_force', 'test', $3, now(), now())`,
		x.ID, x.policy, hash[:])
	for i, r := range policy.ShippedRules() {
		x.queueRule(b, i+1, r)
	}
	for i, c := range policy.ShippedDutyConflicts() {
		b.Queue(`INSERT INTO policy_conflicts (tenant_id, id, policy_version_id, seq, key, action_a, action_b, name_zh, name_en, clause) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			x.ID, x.IDs.New(), x.policy, i+1, c.Key, string(c.A), string(c.B), c.Label.ZH, c.Label.EN, c.Source)
	}
}

func (x *Tenant) queueRule(b *pgx.Batch, seq int, r policy.Rule) {
	b.Queue(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, effect, clause, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, x.ID, x.IDs.New(), x.policy, seq, r.Role, r.Object, r.Action, r.Scope.String(),
		int16(r.Classes), r.Condition, r.Effect.String(), r.Clause, r.Note)
}

// Person makes a staff member of the department with an account, a session and the roles.
func (x *Tenant) Person(department uuid.UUID, roles ...string) Person {
	x.t.Helper()
	x.people++
	p := Person{Staff: x.IDs.New(), Account: x.IDs.New(), Name: fmt.Sprintf("员工%d", x.people)}
	company := x.Company
	if department == x.OtherDepartment {
		company = x.OtherCompany
	}
	credential := x.IDs.New()
	hash := sha256.Sum256(credential[:])
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO staff (tenant_id, id, number, name, company_id, department_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, now(), now())`,
		x.ID, p.Staff, fmt.Sprint(x.people), p.Name, company, department)
	b.Queue(`INSERT INTO employments (tenant_id, id, staff_id, company_id, department_id, valid_from, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, now() - interval '1 day', now(), now())`, x.ID, x.IDs.New(), p.Staff, company, department)
	b.Queue(`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, now(), now())`,
		x.ID, p.Account, p.Staff, fmt.Sprintf("user%d", x.people), p.Name)
	b.Queue(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, now(), now(), now() + interval '10 years')`,
		x.ID, credential, p.Account, hash[:])
	for _, r := range roles {
		b.Queue(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, now() - interval '1 day', now(), now())`,
			x.ID, x.IDs.New(), p.Account, x.roles[r])
	}
	x.send(b)
	p.Session = &tenancy.Session{
		Tenant: tenancy.TenantID(x.ID), RequestID: "test", Language: "zh-CN",
		Actor: tenancy.Actor{
			Kind: tenancy.StaffActor, Account: p.Account, Staff: p.Staff, Name: p.Name, Credential: credential,
			CredentialKind: tenancy.SessionCredential, Expires: time.Now().AddDate(5, 0, 0),
		},
	}
	return p
}

// Exec runs a statement behind the walls with $1 bound to the tenant.
func (x *Tenant) Exec(sql string, args ...any) {
	x.t.Helper()
	b := &pgx.Batch{}
	b.Queue(sql, append([]any{x.ID}, args...)...)
	x.send(b)
}

// send runs statements in one transaction with the settings that triggers read.
func (x *Tenant) send(b *pgx.Batch) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	all := &pgx.Batch{}
	all.Queue("begin")
	all.Queue(`SELECT set_config('app.tenant_id', $1, true), set_config('app.now', now()::text, true)`, x.ID.String())
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	all.Queue("commit")
	if err := x.conn.SendBatch(context.Background(), all).Close(); err != nil {
		x.t.Fatal(err)
	}
}

// Text is one value of a query behind the walls, with $1 bound to the tenant: its columns as text, joined by "|", rows by ";".
// NULL is "-".
func (x *Tenant) Text(sql string, args ...any) string {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	rows, err := x.conn.Query(context.Background(), sql, append([]any{x.ID}, args...)...)
	if err != nil {
		x.t.Fatalf("%s: %v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		parts := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
				parts[i] = "-"
			case [16]byte:
				parts[i] = uuid.UUID(v).String()
			case time.Time:
				parts[i] = v.Format(time.DateOnly)
			default:
				parts[i] = fmt.Sprint(v)
			}
		}
		return strings.Join(parts, "|"), err
	})
	if err != nil {
		x.t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, ";")
}

// Fingerprint tells whether anything but the audit trail of refusals changed: the counts and versions of every row that acts write.
func (x *Tenant) Fingerprint() string {
	x.t.Helper()
	var parts []string
	for _, table := range []string{
		"clients", "client_kinds", "client_former_names", "client_team_members", "client_distributions", "contacts", "client_changes",
		"client_search_terms", "contracts", "contract_revisions", "contract_parties", "obligations", "events", "tenant_counters", "idempotency_keys",
	} {
		parts = append(parts, table+" "+x.Text(`SELECT md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM `+table+` r WHERE tenant_id = $1`))
	}
	return strings.Join(parts, "\n")
}

// Key is a fresh idempotency key.
func (w *World) Key() string { return w.IDs.New().String() }

// Allow adds a rule to the version in force, for rights that no shipped role has. The tenant's policy version moves with it.
func (x *Tenant) Allow(role string, object policy.Object, action policy.Action, scope policy.Scope) {
	x.t.Helper()
	x.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT $1, gen_random_uuid(), $2, max(seq) + 1, $3, $4, $5, $6, 'allow' FROM policy_rules WHERE tenant_id = $1`,
		x.policy, role, string(object), string(action), scope.String())
	x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
}
