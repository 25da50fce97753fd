package matrix

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/served"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// placed is one row that can be asked for: what decides about it, and whose own it is.
type placed struct {
	typ   string
	facts *facts
	own   uuid.UUID // the account or staff member who sees it whatever the policy says; zero: nobody
	class policy.Class
	// of steps and what they are of: what decides the step that is active, and who has decided another
	waits    question
	deciders []uuid.UUID
}

// town is a tenant in which every scope of the language is met and missed by somebody of every shipped role.
type town struct {
	*world.Tenant
	t        testing.TB
	url      string
	people   []*person
	observer *person // sees everything: his answers are the truth
	rows     map[string]*placed
	ids      map[string][]string // by type
	uuids    map[string]uuid.UUID
	then     time.Time

	third, thirdDept uuid.UUID // a company beside the others
	junior           uuid.UUID // everybody's subordinate, working elsewhere
	clients          map[string]uuid.UUID
	contracts        map[string]uuid.UUID
	grants           map[string]uuid.UUID // given to the observer, by where the client stands
	clientFacts      map[uuid.UUID]*facts
	contractFacts    map[uuid.UUID]*facts
	marks            int
	mu               sync.Mutex // of the clock

	// for acts
	app, juniorAccount    uuid.UUID
	contacts, obligations map[uuid.UUID]uuid.UUID // by client, by contract

	custodial

	remembers  bool // answers are kept, to be judged again by other sheets
	remembered sync.Map
}

// mark is a text that stands nowhere else. What comes out of the product is searched for them.
func (x *town) mark() string {
	x.marks++
	return fmt.Sprintf("zq%dx", x.marks)
}

func (x *town) phone() string {
	x.marks++
	return fmt.Sprintf("138%08d", x.marks)
}

// column values that stand in most tables.
type values map[string]any

// add writes one row and notes what decides about it.
func (x *town) add(typ, table string, f *facts, v values) uuid.UUID {
	x.t.Helper()
	u := x.IDs.New()
	names, places, args := []string{"tenant_id", "id"}, []string{"$1", "$2"}, []any{u}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		names = append(names, name)
		args = append(args, v[name])
		places = append(places, fmt.Sprintf("$%d", len(args)+1))
	}
	for _, name := range []string{"created_at", "updated_at"} {
		if !slices.Contains(withoutTimes(name), table) {
			names, places = append(names, name), append(places, "now()")
		}
	}
	x.Exec("INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(places, ", ")+")", args...)
	if typ != "" {
		x.note(typ, u, f, uuid.Nil)
	}
	return u
}

// withoutTimes are the tables that have no such column.
func withoutTimes(column string) []string {
	both := []string{"policy_conflicts", "policy_classes", "client_kinds", "client_former_names", "client_changes", "audit_records", "original_versions"}
	if column == "updated_at" {
		return append(both, "contract_revisions", "sessions", "api_tokens")
	}
	return both
}

func (x *town) note(typ string, u uuid.UUID, f *facts, own uuid.UUID) {
	if f == nil {
		f = &facts{}
	}
	gid := id.Encode(prefixes()[typ], u)
	x.rows[gid] = &placed{typ: typ, facts: f, own: own}
	x.ids[typ] = append(x.ids[typ], gid)
	x.uuids[gid] = u
}

func newTown(t testing.TB) *town {
	t.Helper()
	w := world.New(t)
	x := &town{
		Tenant: w.Tenant("town"), t: t, rows: map[string]*placed{}, ids: map[string][]string{}, uuids: map[string]uuid.UUID{},
		clients: map[string]uuid.UUID{}, grants: map[string]uuid.UUID{}, contracts: map[string]uuid.UUID{}, clientFacts: map[uuid.UUID]*facts{}, contractFacts: map[uuid.UUID]*facts{},
	}
	x.url = served.Start(t, w, w.DB, func(s *product.Services) {
		s.Rights.Shadowed(1, func(_ tenancy.TenantID, d policy.Disagreement) { // casbin judges every decision of the run
			t.Errorf("the compiled policy and casbin disagree: %+v", d)
		})
	})
	x.places()
	x.population()
	x.archive()
	x.custody()
	x.records()
	x.reviews()
	x.then = time.Now().UTC().Truncate(time.Microsecond)
	x.later()
	x.analyse(w)
	return x
}

// analyse does once what the server does by itself where the product runs: without statistics of rows just written, the plan of a list of
// then inside an object goes through all rows for each of them.
func (x *town) analyse(w *world.World) {
	x.t.Helper()
	conn, err := pgx.Connect(x.t.Context(), w.Superuser)
	if err != nil {
		x.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(x.t.Context()))
	if _, err := conn.Exec(x.t.Context(), `ANALYZE`); err != nil {
		x.t.Fatal(err)
	}
}

func (x *town) places() {
	x.Exec(`UPDATE companies SET parent_id = $3, unified_credit_code = '000000000000000009', legal_representative = $4 WHERE tenant_id = $1 AND id = $2`,
		x.OtherCompany, x.Company, x.mark())
	x.note("Company", x.Company, nil, uuid.Nil)
	x.note("Company", x.OtherCompany, nil, uuid.Nil)
	for _, d := range []uuid.UUID{x.Department, x.Section, x.Sibling, x.OtherDepartment} {
		x.note("Department", d, nil, uuid.Nil)
	}
	x.third = x.add("Company", "companies", nil, values{"name": x.mark()})
	x.thirdDept = x.add("Department", "departments", nil, values{"company_id": x.third, "kind": "DEPARTMENT", "name": x.mark()})
	x.add("Position", "positions", nil, values{"department_id": x.Department, "title": x.mark(), "duties": x.mark()})
	x.note("Tenant", x.ID, nil, uuid.Nil)
}

// live is a person of the world as one who asks.
func (x *town) live(role string, p world.Person, department, company uuid.UUID) *person {
	token, _ := served.SignIn(x.t, x.Tenant, p.Account)
	return &person{role: role, token: token, staff: p.Staff, account: p.Account, department: department, company: company}
}

func (x *town) population() {
	var objects, actions []string
	allow := func(o policy.Object, all ...policy.Action) {
		for _, a := range all {
			objects, actions = append(objects, string(o)), append(actions, string(a))
		}
	}
	for _, e := range policy.Catalogue() {
		allow(e.Object, policy.Read)
		for _, g := range e.Groups {
			allow(g.Object, policy.Reveal, policy.Filter)
		}
	}
	allow(policy.OnPolicy, policy.PolicyRead)
	role := x.add("Role", "roles", nil, values{"key": "observer", "name_zh": "见证", "name_en": "Observer", "template": "staff", "company_id": x.Company})
	x.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect, valid_from, valid_until, clause, note)
		SELECT $1, gen_random_uuid(), v.id, 10000 + n, 'observer', o, a, 'TENANT', 'allow', now() - interval '1 day', now() + interval '10 years', 'A', 'B'
		FROM policy_versions v, unnest($2::text[], $3::text[]) WITH ORDINALITY x (o, a, n) WHERE v.tenant_id = $1`, objects, actions)
	junior := x.Person(x.Section)
	x.junior = junior.Staff
	moved := x.thirdDept
	x.Exec(`UPDATE staff SET company_id = $3, department_id = $4 WHERE tenant_id = $1 AND id = $2`, junior.Staff, x.third, moved)
	x.Exec(`UPDATE employments SET company_id = $3, department_id = $4 WHERE tenant_id = $1 AND staff_id = $2`, junior.Staff, x.third, moved)
	tree := []uuid.UUID{x.Department, x.Section}
	for _, r := range policy.ShippedRoles() {
		p := x.live(r.Key, x.Person(x.Department, r.Key), x.Department, x.Company)
		p.subordinates, p.departmentTree, p.companyTree = []uuid.UUID{junior.Staff}, tree, []uuid.UUID{x.Company, x.OtherCompany}
		x.people = append(x.people, p)
		x.Exec(`INSERT INTO employments (tenant_id, id, staff_id, company_id, department_id, superior_id, is_primary, valid_from, valid_until, position_id, created_at, updated_at)
			SELECT $1, $2, $3, $4, $5, $6, false, now() - interval '1 day', now() + interval '20 years', (SELECT id FROM positions WHERE tenant_id = $1), now(), now()`,
			x.IDs.New(), junior.Staff, x.third, x.thirdDept, p.staff)
	}
	watcher := x.Person(x.Department)
	x.observer = x.live("observer", watcher, x.Department, x.Company)
	x.Exec(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, company_id, department_id, valid_from, valid_until, revoked_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, NULL, NULL, now() - interval '1 day', now() + interval '10 years', NULL, now(), now())`, x.IDs.New(), watcher.Account, role)
	x.Exec(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, company_id, department_id, valid_from, valid_until, revoked_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, now() - interval '1 day', now() + interval '10 years', now(), now(), now())`, x.IDs.New(), watcher.Account, role, x.third, x.thirdDept)
	x.Exec(`UPDATE role_bindings SET review_due_at = now() + interval '10 years', endorsed_at = now(), endorsed_by = (SELECT id FROM staff WHERE tenant_id = $1 LIMIT 1) WHERE tenant_id = $1 AND revoked_at IS NOT NULL`)
	x.Exec(`UPDATE departments SET head_id = $2, parent_id = parent_id WHERE tenant_id = $1`, junior.Staff)
	x.staffOf(watcher)
	x.staffOf(junior)
	for _, p := range x.people {
		x.staffOf(world.Person{Staff: p.staff, Account: p.account})
	}
}

// staffOf fills in a staff member, and notes what hangs on him.
func (x *town) staffOf(p world.Person) {
	x.Exec(`UPDATE staff SET name = $3, pinyin = $4, phone = $5, email = $6, hired_on = '2020-01-02', left_on = '2030-01-02' WHERE tenant_id = $1 AND id = $2`,
		p.Staff, x.mark(), x.mark(), x.phone(), x.mark())
	f := &facts{
		person: p.Staff, company: uuid.MustParse(x.Text(`SELECT company_id FROM staff WHERE tenant_id = $1 AND id = $2`, p.Staff)),
		department: uuid.MustParse(x.Text(`SELECT department_id FROM staff WHERE tenant_id = $1 AND id = $2`, p.Staff)),
	}
	x.note("Staff", p.Staff, f, uuid.Nil)
	x.Exec(`UPDATE accounts SET display_name = $3 WHERE tenant_id = $1 AND id = $2`, p.Account, x.mark())
	x.note("Account", p.Account, f, p.Account)
	hash := sha256.Sum256([]byte(x.mark()))
	token := x.add("ApiToken", "api_tokens", f, values{
		"account_id": p.Account, "name": x.mark(), "token_prefix": x.mark(), "token_hash": hash[:], "scopes": "read",
		"expires_at": time.Now().AddDate(1, 0, 0), "last_used_at": time.Now(), "revoked_at": time.Now(),
	})
	x.rows[id.Encode(id.APIToken, token)].own = p.Account
	x.Exec(`UPDATE sessions SET user_agent = $3, address = $4 WHERE tenant_id = $1 AND account_id = $2`, p.Account, x.mark(), x.mark())
	hash = sha256.Sum256([]byte(x.mark()))
	ended := x.IDs.New()
	x.Exec(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, now(), now(), now() + interval '1 day', now())`,
		ended, p.Account, hash[:])
	each := func(typ, sql string, own uuid.UUID) {
		for _, u := range strings.Split(x.Text(sql, p.Staff, p.Account), ";") {
			if u != "" {
				x.note(typ, uuid.MustParse(u), f, own)
			}
		}
	}
	each("Session", `SELECT id FROM sessions WHERE tenant_id = $1 AND account_id = $3 AND $2::uuid IS NOT NULL ORDER BY id`, p.Account)
	each("RoleBinding", `SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $3 AND $2::uuid IS NOT NULL ORDER BY id`, p.Account)
	each("Employment", `SELECT id FROM employments WHERE tenant_id = $1 AND staff_id = $2 AND $3::uuid IS NOT NULL ORDER BY id`, uuid.Nil)
}

// spot is where a client is put.
type spot struct {
	name                string
	company, department uuid.UUID
	owner               uuid.UUID
	grade               string
	kind                string
	distributed         uuid.UUID
	team                bool
	classes             policy.ClassSet // granted to everybody
	over                bool            // team, distribution and grants have ended
}

func (x *town) spots() []spot {
	elsewhere := func(s spot) spot { s.company, s.department = x.third, x.thirdDept; return s }
	own := func(s spot) spot { s.company, s.department = x.Company, x.Sibling; return s }
	out := []spot{
		{name: "department", company: x.Company, department: x.Department},
		{name: "section below", company: x.Company, department: x.Section},
		own(spot{name: "company"}), own(spot{name: "company VIP", grade: "VIP"}), own(spot{name: "company KEY", kind: "KEY"}),
		{name: "company below", company: x.OtherCompany, department: x.OtherDepartment},
		elsewhere(spot{name: "elsewhere"}), elsewhere(spot{name: "elsewhere VIP", grade: "VIP"}), elsewhere(spot{name: "elsewhere KEY", kind: "KEY"}),
		elsewhere(spot{name: "junior", owner: x.junior}),
		elsewhere(spot{name: "distributed", distributed: x.Department}), elsewhere(spot{name: "distributed below", distributed: x.Section}),
		elsewhere(spot{name: "distributed once", distributed: x.Department, over: true}),
		elsewhere(spot{name: "team", team: true}), elsewhere(spot{name: "team once", team: true, over: true}),
		elsewhere(spot{name: "grant once", classes: policy.AllClasses, over: true}),
		{name: "moved away", company: x.Company, department: x.Department},
		elsewhere(spot{name: "moved here"}), // see later
	}
	for c := policy.Class(0); c < policy.NumClasses; c++ {
		out = append(out, elsewhere(spot{name: "granted " + c.String(), classes: c.Set()}))
	}
	for _, p := range x.people {
		out = append(out, elsewhere(spot{name: "own of " + p.role, owner: p.staff}))
	}
	return out
}

// archive puts a client with everything that belongs to it at every spot, and a contract of its kind beside it.
func (x *town) archive() {
	for n, s := range x.spots() {
		x.client(n, s)
	}
	for _, at := range []string{"department", "elsewhere KEY", "elsewhere"} {
		f := *x.clientFacts[x.clients[at]]
		f.person = x.observer.staff
		x.grants[at] = x.add("AccessGrant", "access_grants", &f, values{
			"client_id": x.clients[at], "grantee_staff_id": x.observer.staff, "class_mask": 1, "purpose": x.mark(), "valid_from": time.Now(), "valid_until": time.Now().AddDate(10, 0, 0),
			"review_due_at": time.Now().AddDate(10, 0, 0),
		})
		x.rows[id.Encode(id.Grant, x.grants[at])].own = x.observer.staff
	}
	for _, state := range []string{"review", "approved", "signing", "effective", "amending"} {
		x.contract("company "+state, "company", x.Company, x.Sibling, uuid.Nil, state)
		x.contract("elsewhere "+state, "elsewhere", x.third, x.thirdDept, uuid.Nil, state)
	}
	// what the contract says of itself differs from what its client says
	x.contract("department, client elsewhere", "elsewhere", x.Company, x.Department, uuid.Nil, "draft")
	x.contract("elsewhere, client in department", "department", x.third, x.thirdDept, uuid.Nil, "draft")
	x.contract("junior, client elsewhere", "elsewhere", x.third, x.thirdDept, x.junior, "draft")
}

func (x *town) client(n int, s spot) {
	f := &facts{company: s.company, department: s.department, person: s.owner, grade: "A", kinds: []string{"DEALER", "SPECIAL"}, granted: map[uuid.UUID]policy.ClassSet{}}
	if s.grade != "" {
		f.grade = s.grade
	}
	if s.kind != "" {
		f.kinds = []string{s.kind, "SPECIAL"}
	}
	name, code, former, phone, credit := x.mark(), x.mark(), "former", x.phone(), fmt.Sprintf("%018d", n+100)
	owner := s.owner
	if owner == uuid.Nil {
		owner = x.observer.staff
		f.person = owner
	}
	client := x.add("Client", "clients", f, values{
		"company_id": s.company, "department_id": s.department, "owner_id": owner, "code": code, "name": name, "sort_key": x.mark(),
		"region": "north", "stage": "trading", "suspended": true, "unified_credit_code": credit, "legal_representative": x.mark(), "address": x.mark(),
		"postcode": x.mark(), "phone": phone, "fax": x.mark(), "business_scope": x.mark(), "registered_capital_minor": 10_000 + n, "registered_capital_currency": "CNY",
		"special_type": "BANK", "acquisition": "GROUP", "grade": f.grade, "important": true, "policy_note": x.mark(), "attitude": x.mark(),
		"next_contact_on": "2026-05-06", "credit_limit_minor": 20_000 + n, "credit_limit_currency": "CNY", "credit_note": x.mark(),
	})
	x.clients[s.name], x.clientFacts[client] = client, f
	for _, k := range f.kinds {
		x.add("", "client_kinds", nil, values{"client_id": client, "kind": k})
	}
	x.add("", "client_former_names", nil, values{"client_id": client, "name": former, "used_until": time.Now()})
	for _, term := range archive.Terms(archive.Named{Code: code, Name: name, FormerNames: []string{former}, CreditCode: credit, Phone: phone}) {
		x.Exec(`INSERT INTO client_search_terms (tenant_id, field_class, term, client_id) VALUES ($1, $2, $3, $4)`, term.Class, term.Term, client)
	}
	x.add("Contact", "contacts", f, values{
		"client_id": client, "name": x.mark(), "title": x.mark(), "phone": x.phone(), "email": x.mark(), "birthday": "1980-02-03",
		"is_primary": true, "refuses_calls": true, "refuses_mail": true,
	})
	for _, class := range []policy.Class{0, 1, 3, 4}[n%2*2:][:2] {
		u := x.add("ClientChange", "client_changes", f, values{
			"client_id": client, "field": "address", "field_class": int(class), "old_value": x.mark(), "new_value": x.mark(), "source": x.mark(),
			"reported_by": x.junior, "recorded_at": time.Now(),
		})
		x.rows[id.Encode(id.ClientChange, u)].class = class
	}
	x.tie(client, f, s)
	x.contract(s.name, s.name, s.company, s.department, owner, "draft")
}

// tie makes team, distribution and grants.
func (x *town) tie(client uuid.UUID, f *facts, s spot) {
	from, until := time.Now().Add(-48*time.Hour), any(time.Now().AddDate(10, 0, 0))
	if s.over {
		until = time.Now().Add(-24 * time.Hour)
	}
	for _, p := range x.people {
		if s.team {
			x.add("ClientTeamMember", "client_team_members", f, values{"client_id": client, "staff_id": p.staff, "duty": "SERVICE", "valid_from": from, "valid_until": until})
		}
		if s.classes != 0 {
			v := values{"client_id": client, "grantee_staff_id": p.staff, "class_mask": int(s.classes), "purpose": x.mark(), "valid_from": from, "valid_until": until}
			if s.over && len(p.role)%2 == 0 {
				v["valid_until"], v["revoked_at"] = time.Now().AddDate(10, 0, 0), time.Now()
			}
			g := *f
			g.person = p.staff
			u := x.add("AccessGrant", "access_grants", &g, v)
			x.rows[id.Encode(id.Grant, u)].own = p.staff
		}
		if !s.over {
			if s.team {
				f.team = append(f.team, p.staff)
			}
			if s.classes != 0 {
				f.granted[p.staff] |= s.classes
			}
		}
	}
	if s.distributed != uuid.Nil {
		x.add("ClientDistribution", "client_distributions", f, values{"client_id": client, "department_id": s.distributed, "valid_from": from, "valid_until": until})
		if !s.over {
			f.distributed = append(f.distributed, s.distributed)
		}
	}
}

func (x *town) contract(name, client string, company, department, owner uuid.UUID, state string) {
	of := x.clientFacts[x.clients[client]]
	f := &facts{}
	*f = *of
	f.company, f.department, f.person, f.state, f.kind = company, department, owner, state, "SALES"
	if owner == uuid.Nil {
		owner = x.observer.staff
		f.person = owner
	}
	money := 30_000 + len(x.contracts)
	contract := x.add("Contract", "contracts", f, values{
		"client_id": x.clients[client], "company_id": company, "department_id": department, "owner_id": owner, "number": x.mark(), "kind": "SALES", "title": x.mark(), "state": state,
		"starts_on": "2026-01-01", "ends_on": "2027-01-01", "signed_on": "2026-01-01", "paper_reference": x.mark(), "closing_note": x.mark(), "amount_minor": money, "currency": "CNY",
	})
	x.contracts[name], x.contractFacts[contract] = contract, f
	hash := sha256.Sum256([]byte(x.mark()))
	x.add("ContractRevision", "contract_revisions", f, values{"contract_id": contract, "seq": 1, "terms": x.mark(), "amount_minor": money, "currency": "CNY", "content_hash": hash[:], "change_note": x.mark()})
	x.add("ContractParty", "contract_parties", f, values{"contract_id": contract, "side": "OURS", "company_id": company, "name": x.mark(), "signatory": x.mark(), "capacity": "ATTORNEY", "signed_on": "2026-01-01"})
	x.add("ContractParty", "contract_parties", f, values{"contract_id": contract, "side": "THEIRS", "client_id": x.clients[client], "name": x.mark(), "signatory": x.mark()})
	x.add("Obligation", "obligations", f, values{
		"contract_id": contract, "side": "OURS", "kind": "DELIVERY", "title": x.mark(), "due_on": "2026-03-01", "amount_minor": money, "currency": "CNY",
		"settled_on": "2026-02-01", "settle_note": x.mark(),
	})
}
