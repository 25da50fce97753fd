package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// The tenant of the scopes: a department tree of depth 6 in which every department has three below it, so that the four subtrees
// measured have 364, 121, 13 and 1 departments, with a fifth of the clients, and as many departments again beside it. One branch
// of 121 departments sleeps, and so does a daughter company of 200 departments below one: whatever happened there happened before
// everything else.
const (
	treeDepartments = 364
	firstBranch     = 2 // 121 departments
	dormantBranch   = 4
	smallBranch     = 14 // 13 departments below the first branch's first
	leaf            = 122
	besides         = 1000 // the first of those beside the tree
	daughters       = 2000 // the first of the daughter company's, and the head of the others
	ofDaughter      = 200
)

// scope is one way to what an actor may read.
type scope struct {
	name       string
	scope      policy.Scope
	department int64
	staff      int64
	company    int64
	also       []policy.Rule // what is seen besides
}

const (
	ordinary = 1    // owns a hundred clients, is on the team of a hundred, has two hundred grants, and leads twenty people
	unknown  = 9999 // owns nothing
	busy     = 9998 // is on the team of two thousand clients, has two thousand grants, and leads three hundred people
	led      = 300
)

func scopes() []scope {
	return []scope{
		{"TENANT", policy.Tenant, 1, unknown, 1, nil},
		{"COMPANY", policy.Company, 1, unknown, 1, nil},
		{"dormant COMPANY", policy.Company, daughters, unknown, 2, nil},
		{"COMPANY_TREE", policy.CompanyTree, 1, unknown, 1, nil},
		{"DEPT_TREE of 364", policy.DeptTree, 1, unknown, 1, nil},
		{"DEPT_TREE of 121", policy.DeptTree, firstBranch, unknown, 1, nil},
		{"DEPT_TREE of 13", policy.DeptTree, smallBranch, unknown, 1, nil},
		{"DEPT_TREE of 1", policy.DeptTree, leaf, unknown, 1, nil},
		{"DEPT", policy.Dept, smallBranch, unknown, 1, nil},
		{"dormant DEPT_TREE of 121", policy.DeptTree, dormantBranch, unknown, 1, nil},
		{"dormant DEPT_TREE of 200", policy.DeptTree, daughters, unknown, 2, nil},
		{"SELF", policy.Self, 1, ordinary, 1, nil},
		{"SUBORDINATES, 20", policy.Subordinates, 1, ordinary, 1, nil},
		{"SUBORDINATES, 300", policy.Subordinates, 1, busy, 1, nil},
		{"CLIENT_TEAM of 100", policy.ClientTeam, 1, ordinary, 1, nil},
		{"CLIENT_TEAM of 2000", policy.ClientTeam, 1, busy, 1, nil},
		{"DISTRIBUTED", policy.Distributed, smallBranch, unknown, 1, nil},
		{"GRANTED, 200", policy.Granted, 1, ordinary, 1, nil},
		{"GRANTED, 2000", policy.Granted, 1, busy, 1, nil},
		{"CLIENT_TEAM or GRANTED", policy.ClientTeam, 1, ordinary, 1, []policy.Rule{{Scope: policy.Granted}}},
		{"DEPT_TREE of 13 or KEY", policy.DeptTree, smallBranch, unknown, 1, []policy.Rule{{Scope: policy.Tenant, Condition: "kind = KEY"}}},
	}
}

// parentOf numbers the tree level by level: 1 at the top, then 2 to 4, then 5 to 13 …
func parentOf(department int64) int64 { return (department-2)/3 + 1 }

// asleep tells whether a department lies in the dormant branch.
func asleep(department int64) bool {
	for department > dormantBranch {
		department = parentOf(department)
	}
	return department == dormantBranch
}

func scopeRows() []string {
	const times = `timestamptz '2026-01-01' `
	var dormant []string
	for d := int64(1); d <= treeDepartments; d++ {
		if asleep(d) {
			dormant = append(dormant, fmt.Sprint(d))
		}
	}
	return []string{
		`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) SELECT pg_temp.made_id(1, 0, 1), 'scopes', '租户', ` + times + `, ` + times,
		`INSERT INTO tenant_epochs (tenant_id) SELECT pg_temp.made_id(1, 0, 1)`,
		`INSERT INTO tenant_counters (tenant_id) SELECT pg_temp.made_id(1, 0, 1)`,
		`INSERT INTO companies (tenant_id, id, name, parent_id, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 1, c), '公司' || c, CASE c WHEN 2 THEN pg_temp.made_id(1, 1, 1) END, ` + times + `, ` + times + `, ` + times + ` FROM generate_series(1, 2) c`,
		fmt.Sprintf(`INSERT INTO departments (tenant_id, id, company_id, parent_id, kind, name, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 2, d), pg_temp.made_id(1, 1, CASE WHEN d >= %[3]d THEN 2 ELSE 1 END),
			pg_temp.made_id(1, 2, CASE WHEN d > %[3]d THEN %[3]d WHEN d BETWEEN 2 AND %[1]d THEN (d - 2) / 3 + 1 END), 'DEPARTMENT', '部门' || d, `+times+`, `+times+`, `+times+`
			FROM (SELECT generate_series(1, %[1]d) UNION ALL SELECT generate_series(%[2]d, %[2]d + %[1]d - 1) UNION ALL SELECT generate_series(%[3]d, %[3]d + %[4]d - 1)) x (d)`,
			treeDepartments, besides, daughters, ofDaughter),
		fmt.Sprintf(`CREATE TEMP TABLE placed AS SELECT i, CASE WHEN i %% 10 = 1 THEN %[3]d + i / 10 %% %[4]d WHEN i %% 5 = 0 THEN 1 + i / 5 %% %[1]d ELSE %[2]d + i %% %[1]d END AS d,
			1 + i %% (greatest({n} / 100, 2)) AS o FROM generate_series(1, {n}) i`, treeDepartments, besides, daughters, ofDaughter),
		`INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, sort_key, region, stage, grade, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 11, i), pg_temp.made_id(1, 1, CASE WHEN d >= ` + fmt.Sprint(daughters) + ` THEN 2 ELSE 1 END), pg_temp.made_id(1, 2, d), pg_temp.made_id(1, 3, o),
			'KH' || lpad(i::text, 8, '0'), '华东' || i || '工业设备有限公司', 'huadong' || lpad((i * 104729 % {n})::text, 8, '0'), '地区' || i % 10,
			(ARRAY['trading', 'prospect', 'developing', 'recognised'])[1 + i / 64 % 4], (ARRAY['VIP', 'A', 'B', 'C'])[1 + i / 256 % 4], ` + times + `,
			` + times + `+ (i * 7919 % {n}) * interval '1 second' - CASE WHEN d >= ` + fmt.Sprint(daughters) + ` OR d IN (` + strings.Join(dormant, ", ") + `) THEN interval '2 years' ELSE interval '0' END, ` + times + ` FROM placed`,
		`INSERT INTO client_kinds (tenant_id, id, client_id, kind, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 12, i), pg_temp.made_id(1, 11, i), (ARRAY['KEY', 'SUPPLIER', 'DEALER', 'SUPPLIER', 'DEALER'])[1 + i * 7 / 3 % 5], ` + times + ` FROM placed`,
		`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 13, i), pg_temp.made_id(1, 11, i), pg_temp.made_id(1, 3, o), 'OWNER', ` + times + `, ` + times + `, ` + times + `, ` + times + ` FROM placed
			UNION ALL SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 13, {n} + i), pg_temp.made_id(1, 11, i), pg_temp.made_id(1, 3, ` + fmt.Sprint(busy) + `), 'CO_OWNER', ` + times + `, ` + times + `, ` + times + `, ` + times + `
			FROM placed WHERE i % greatest({n} / 2000, 1) = 0`,
		`INSERT INTO client_distributions (tenant_id, id, client_id, department_id, valid_from, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 17, i), pg_temp.made_id(1, 11, i), pg_temp.made_id(1, 2, CASE WHEN i % 100 = 7 THEN ` + fmt.Sprint(smallBranch) + ` ELSE 1000 + i % 50 END), ` +
			times + `, ` + times + `, ` + times + `, ` + times + ` FROM placed WHERE i % 10 = 7`,
		`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id(1, 0, 1), pg_temp.made_id(1, 10, g), pg_temp.made_id(1, 3, CASE WHEN g < 4000 THEN 1 + g / 200 ELSE ` + fmt.Sprint(busy) + ` END), pg_temp.made_id(1, 11, 1 + g * 37 % {n}), 63, '合同评审', ` + times + `, timestamptz '2100-01-01', ` +
			times + `, ` + times + `, ` + times + ` FROM generate_series(0, 5999) g`,
		// terms that every client has, and those of its code
		`INSERT INTO client_search_terms (tenant_id, field_class, term, client_id)
			SELECT DISTINCT pg_temp.made_id(1, 0, 1), 0, term, pg_temp.made_id(1, 11, i) FROM placed
			CROSS JOIN LATERAL (SELECT unnest(ARRAY['华', '东', '华东', '工业', '业设', '设备', 'hua', 'uad', 'don']) UNION ALL
				SELECT substr(lpad(i::text, 8, '0'), n, 4) FROM generate_series(1, 5) n) t (term)`,
	}
}

// fixed is a source of rights that do not change.
type fixed struct {
	rights *policy.Rights
	epochs tenancy.Epochs
}

// Current implements read.RightsSource.
func (f *fixed) Current(*tenancy.Session, time.Time) (*policy.Rights, tenancy.Epochs, bool) {
	return f.rights, f.epochs, true
}

// Load implements read.RightsSource; nothing moves here.
func (f *fixed) Load(context.Context, *tenancy.Session, *tenancy.Read) (*policy.Rights, tenancy.Epochs, error) {
	return nil, tenancy.Epochs{}, errors.New("the rights have moved")
}

func organisation() (*policy.Org, error) {
	company := func(n int64) uuid.UUID { return rowID(1, ofCompany, n) }
	companies := []policy.OrgCompany{{ID: company(1)}, {ID: company(2), Parent: company(1)}}
	var departments []policy.OrgDepartment
	for d := int64(1); d <= treeDepartments; d++ {
		one := policy.OrgDepartment{ID: rowID(1, ofDepartment, d), Company: company(1)}
		if d > 1 {
			one.Parent = rowID(1, ofDepartment, parentOf(d))
		}
		departments = append(departments, one, policy.OrgDepartment{ID: rowID(1, ofDepartment, besides+d-1), Company: company(1)})
	}
	for d := int64(daughters); d < daughters+ofDaughter; d++ {
		one := policy.OrgDepartment{ID: rowID(1, ofDepartment, d), Company: company(2)}
		if d > daughters {
			one.Parent = rowID(1, ofDepartment, daughters)
		}
		departments = append(departments, one)
	}
	var employments []policy.OrgEmployment
	employ := func(s int64, superior uuid.UUID) {
		employments = append(employments, policy.OrgEmployment{Staff: rowID(1, ofStaff, s), Company: company(1), Department: rowID(1, ofDepartment, 1), Superior: superior})
	}
	for _, leader := range []struct{ staff, first, last int64 }{{ordinary, 2, 21}, {busy, 22, 21 + led}} {
		employ(leader.staff, uuid.Nil)
		for s := leader.first; s <= leader.last; s++ {
			employ(s, rowID(1, ofStaff, leader.staff))
		}
	}
	return policy.NewOrg(rowID(1, ofTenant, 1), 1, companies, departments, employments)
}

func (s *scope) rights(org *policy.Org, now time.Time) (*policy.Rights, error) {
	var rules []policy.Rule
	for _, r := range append([]policy.Rule{{Scope: s.scope}}, s.also...) {
		for _, of := range []struct {
			object policy.Object
			action policy.Action
		}{
			{policy.OnClient, policy.Read}, {policy.ClientList, policy.Reveal}, {policy.ClientStandard, policy.Reveal}, {policy.ClientList, policy.Filter}, {policy.ClientStandard, policy.Filter},
		} {
			r.Seq, r.Role, r.Object, r.Action, r.Effect = len(rules)+1, "reader", of.object, of.action, policy.Allow
			r.ID = rowID(1, ofPolicy, int64(r.Seq))
			rules = append(rules, r)
		}
	}
	table, err := policy.Compile(1, rules, nil)
	if err != nil {
		return nil, err
	}
	return table.Bind(&policy.Principal{
		Tenant: rowID(1, ofTenant, 1), Staff: rowID(1, ofStaff, s.staff), Account: rowID(1, ofAccount, s.staff), Kind: string(tenancy.StaffActor),
		Bindings: []policy.Binding{{ID: rowID(1, ofBinding, 1), Role: "reader", Company: rowID(1, ofCompany, s.company), Department: rowID(1, ofDepartment, s.department)}},
	}, org, now), nil
}

// searches are a term that every client has, one that few have, both, and one that nobody has.
func searches() []string { return []string{"华东", "7919", "华东设备 7919", "工业 华北"} }

const searchPage = `query($search: String!) { clients(first: 20, filter: {search: $search}) { totalCount { value } nodes { id code name } } }`

const filteredPage = `{ clients(first: 20, filter: {grades: [VIP], stages: [TRADING]}, orderBy: {field: NAME, direction: ASC}) { totalCount { value } nodes { id code name } } }`

const firstPage = `{ clients(first: 50) { nodes { id code name stage grade region updatedAt } pageInfo { hasNextPage } } }`

// runScopes prints the database's processor time of the first page under every scope.
func runScopes(ctx context.Context, o *options, plans bool) (err error) {
	c, err := openCluster(ctx, o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	n := slices.Max(o.sizes)
	if err := c.prepareScopes(ctx, n); err != nil {
		return err
	}
	name := scopesDatabase(n)
	super, err := pgx.Connect(ctx, c.server.DSN("postgres", name))
	if err != nil {
		return err
	}
	defer super.Close(ctx)
	seen := &statements{}
	db, err := tenancy.Open(ctx, tenancy.Config{
		AppURL: c.server.DSN(migrations.RoleApp, name), AuthnURL: c.server.DSN(migrations.RoleAuthn, name), SystemURL: c.server.DSN(migrations.RoleSystem, name), MaxConns: 1, Tracer: seen,
	}, clock.New(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer db.Close()
	org, err := organisation()
	if err != nil {
		return err
	}
	d := &driver{super: super, cluster: c}
	pages := []question{{"first page of 50", firstPage, nil}, {"filtered, ordered list of 20 with count", filteredPage, nil}}
	for _, text := range searches() {
		pages = append(pages, question{"search " + text, searchPage, map[string]any{"search": text}})
	}
	for _, q := range pages {
		fmt.Printf("\n%s of %d clients; database processor time in milliseconds, 50 requests each.\n%-28s | %6s | %6s | %s\n", q.title, n, "scope", "p50", "p99", "rows")
		doc, errs := gqlparser.LoadQueryWithRules(graph.Schema(), q.text, nil)
		if len(errs) > 0 {
			return errs
		}
		for _, s := range scopes() {
			if !strings.Contains(q.title+" / "+s.name, o.only) {
				continue
			}
			if err := s.measure(ctx, d, db, seen, org, doc, q.variables, plans); err != nil {
				return fmt.Errorf("%s: %s: %w", q.title, s.name, err)
			}
		}
	}
	return nil
}

// question is what is asked under every scope.
type question struct {
	title, text string
	variables   map[string]any
}

func (s *scope) measure(ctx context.Context, d *driver, db *tenancy.DB, seen *statements, org *policy.Org, doc *ast.QueryDocument, variables map[string]any, plans bool) error {
	rights, err := s.rights(org, time.Now())
	if err != nil {
		return err
	}
	session := &tenancy.Session{Tenant: tenancy.TenantID(rowID(1, ofTenant, 1)), Language: "en", Actor: tenancy.Actor{
		Kind: tenancy.StaffActor, Account: rowID(1, ofAccount, s.staff), Staff: rowID(1, ofStaff, s.staff), Expires: time.Now().Add(time.Hour),
	}}
	source := &fixed{rights: rights}
	err = d.super.QueryRow(ctx, `SELECT policy_version, org_version, revocation_version FROM tenant_epochs`).Scan(&source.epochs.Policy, &source.epochs.Org, &source.epochs.Revocation)
	if err != nil {
		return err
	}
	session.VerifiedAt(source.epochs.Revocation)
	gate, err := read.New(db, source, graph.Schema(), read.Config{CursorKey: make([]byte, 16), QueryTerms: archive.QueryTerms})
	if err != nil {
		return err
	}
	op := doc.Operations[0]
	roots := []*ast.Field{op.SelectionSet[0].(*ast.Field)}
	var took []time.Duration
	rows := 0
	for i := range 60 {
		before, err := d.backends(ctx)
		if err != nil {
			return err
		}
		seen.keep = i == 59
		a, err := gate.Query(ctx, session, doc, op, variables, roots)
		if err != nil {
			return err
		}
		after, err := d.backends(ctx)
		if err != nil {
			return err
		}
		rows = strings.Count(string(a.Data), `"code"`)
		if i < 10 {
			continue // prepares and plans
		}
		var used time.Duration
		for pid, t := range after {
			used += t - before[pid]
		}
		took = append(took, used)
	}
	slices.Sort(took)
	fmt.Printf("%-28s | %6.2f | %6.2f | %d\n", s.name, float64(quantile(took, 0.5).Microseconds())/1000, float64(quantile(took, 0.99).Microseconds())/1000, rows)
	if plans {
		return seen.explain(ctx, d.super, os.Stdout)
	}
	return nil
}
