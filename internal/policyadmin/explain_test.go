package policyadmin_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// town is a tenant with people of every kind, and clients and contracts of every kind.
type town struct {
	*world.Tenant
	auditor world.Person
	people  []world.Person
	rows    map[string][]uuid.UUID
	rights  *access.Provider
	service *policyadmin.Service
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := world.New(t)
	x := &town{Tenant: w.Tenant("town"), rows: map[string][]uuid.UUID{}}
	var err error
	if x.rights, err = access.New(w.DB, 10); err != nil {
		t.Fatal(err)
	}
	x.service = policyadmin.New(w.Runner, w.DB, x.rights)
	x.auditor = x.Person(x.Department, "policy_auditor")
	places := []uuid.UUID{x.Department, x.Section, x.Sibling, x.OtherDepartment}
	for i, roles := range [][]string{
		{"general_manager"},
		{"sales_manager"},
		{"kam_manager"},
		{"ka_sales_supervisor"},
		{"ka_service_supervisor"},
		{"ka_sales_rep"},
		{"ka_developer"},
		{"section_head"},
		{"ka_service_specialist", "list_reader"},
		{"tech_engineer"},
		{"vip_officer"},
		{"finance_officer"},
		{"reviewer_legal"},
		{"legal_representative"},
		{"archive_custodian"},
		{"region_manager", "ka_sales_rep"},
		{"hr_officer"},
		{},
	} {
		x.people = append(x.people, x.Person(places[i%len(places)], roles...))
	}
	random := rand.New(rand.NewPCG(7, 7))
	staff := func() any {
		if random.IntN(4) == 0 {
			return nil
		}
		return x.people[random.IntN(len(x.people))].Staff
	}
	pick := func(of ...any) any { return of[random.IntN(len(of))] }
	const at = `created_at, updated_at) VALUES (`
	for i := range 40 {
		client := x.IDs.New()
		d := places[random.IntN(len(places))]
		x.rows["Client"] = append(x.rows["Client"], client)
		x.Exec(`INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, grade, stage, important, suspended, `+at+`$1, $2, (SELECT company_id FROM departments WHERE tenant_id = $1 AND id = $3), $3, $4, $5, $5, $6, $7, $8, $9, now(), now())`,
			client, d, staff(), fmt.Sprint("C", i), pick(nil, "VIP", "A"), pick("prospect", "trading"), random.IntN(2) == 0, random.IntN(2) == 0)
		if random.IntN(2) == 0 {
			x.Exec(`INSERT INTO client_kinds (tenant_id, id, client_id, kind) VALUES ($1, $2, $3, $4)`, x.IDs.New(), client, pick("KEY", "DEALER"))
		}
		if s := staff(); s != nil {
			x.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, valid_until, `+at+`$1, $2, $3, $4, 'ENGINEER', now() - interval '2 days', now() + $5::int * interval '1 day', now(), now())`,
				x.IDs.New(), client, s, pick(-1, 1))
		}
		if random.IntN(2) == 0 {
			x.Exec(`INSERT INTO client_distributions (tenant_id, id, client_id, department_id, valid_from, `+at+`$1, $2, $3, $4, now() - interval '1 day', now(), now())`, x.IDs.New(), client, places[random.IntN(len(places))])
		}
		if s := staff(); s != nil {
			x.Exec(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, `+at+`$1, $2, $3, $4, $5, 'x', now() - interval '2 days', now() + $6::int * interval '1 day', now(), now())`,
				x.IDs.New(), s, client, 1+random.IntN(255), pick(-1, 1))
		}
		contract := x.IDs.New()
		x.rows["Contract"] = append(x.rows["Contract"], contract)
		x.Exec(`INSERT INTO contracts (tenant_id, id, client_id, company_id, department_id, owner_id, number, kind, title, state, starts_on, amount_minor, currency, `+at+`$1, $2, $3, (SELECT company_id FROM departments WHERE tenant_id = $1 AND id = $4), $4, $5, $6, 'SALES', 'x', $7, '2026-01-01', $8, CASE WHEN $8::bigint IS NULL THEN NULL ELSE 'CNY' END, now(), now())`,
			contract, client, places[random.IntN(len(places))], staff(), fmt.Sprint("N", i), pick("draft", "review", "approved", "effective"), pick(nil, int64(100), int64(9_000_000)))
	}
	for _, client := range x.rows["Client"][:24] { // no list of them is longer than a page
		x.holdings(random, client)
	}
	for _, p := range x.people {
		x.rows["Staff"] = append(x.rows["Staff"], p.Staff)
	}
	x.rows["Department"] = places
	return x
}

type kind struct {
	typ, from, id string
	cols          policy.Columns
	object        policy.Object
	action        policy.Action
}

func kinds() (out []kind) {
	client := policy.Columns{Company: "t.company_id", Department: "t.department_id", Owner: "t.owner_id", Client: "t.id", Grade: "t.grade", Stage: "t.stage", Important: "t.important", Suspended: "t.suspended"}
	of := func(column string) string {
		return "(SELECT c." + column + " FROM clients c WHERE c.tenant_id = $1 AND c.id = t.client_id)"
	}
	contract := policy.Columns{
		Company: "t.company_id", Department: "t.department_id", Owner: "t.owner_id", Client: "t.client_id", Kind: "t.kind", State: "t.state", Amount: "t.amount_minor",
		Grade: of("grade"), Important: of("important"), Suspended: of("suspended"),
	}
	add := func(typ, table string, cols policy.Columns, object policy.Object, actions ...policy.Action) {
		for _, a := range actions {
			out = append(out, kind{typ, table + " t", "t.id", cols, object, a})
		}
	}
	add("Client", "clients", client, policy.OnClient, policy.Read, policy.ClientChangeProfile, policy.ClientSuspend)
	for _, g := range []policy.Object{policy.ClientStandard, policy.ClientContacts, policy.ClientCredit} {
		add("Client", "clients", client, g, policy.Peek, policy.Reveal, policy.Write)
	}
	add("Contract", "contracts", contract, policy.OnContract, policy.Read, policy.ContractRevise, policy.ContractReturn)
	add("Contract", "contracts", contract, policy.ContractTerms, policy.Peek, policy.Reveal)
	add("Staff", "staff", policy.Columns{Company: "t.company_id", Department: "t.department_id", Staff: "t.id"}, policy.StaffPersonnel, policy.Reveal)
	add("Department", "departments", policy.Columns{Company: "t.company_id", Department: "t.id"}, policy.OnOrganisation, policy.Read, policy.DepartmentChange)
	return out
}

// shown are the questions that are about what somebody sees of a row, which needs the row.
func (k kind) shown() bool { return k.action == policy.Peek || k.action == policy.Reveal }

// read is the question whether the row is seen.
func (k kind) read() kind {
	k.object, _ = policy.EntityOf(k.object)
	k.action = policy.Read
	return k
}

// reached are the rows that the person's own rights reach by the predicate that reads use.
func (x *town) reached(t *testing.T, p world.Person, k kind) map[uuid.UUID]bool {
	t.Helper()
	out := map[uuid.UUID]bool{}
	err := x.DB.InTx(t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := x.rights.For(ctx, tx)
		if err != nil {
			return err
		}
		args := []any{x.ID, tx.Now()}
		cols := k.cols
		cols.Tenant, cols.Now = "t.tenant_id", "$2::timestamptz"
		where := policy.SQL(rights.Reach(k.object, k.action), cols, func(v any) string {
			args = append(args, v)
			return fmt.Sprintf("$%d", len(args))
		})
		rows, err := tx.Query(ctx, `SELECT `+k.id+` FROM `+k.from+` WHERE t.tenant_id = $1 AND $2::timestamptz IS NOT NULL AND `+where, args...)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, u := range ids {
			out[u] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Twenty thousand times somebody, something to do and a row: the explanation says what the predicate of reads and acts says.
func TestExplanationsAgreeWithThePredicates(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	all := append(kinds(), custodyKinds()...)
	truth := map[string]map[uuid.UUID]bool{}
	for i, p := range x.people {
		for n, k := range all {
			reached := x.reached(t, p, k)
			if k.shown() {
				rows := x.reached(t, p, k.read())
				maps.DeleteFunc(reached, func(row uuid.UUID, _ bool) bool { return !rows[row] })
			}
			truth[fmt.Sprint(i, " ", n)] = reached
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	allowed, ways, custody := 0, map[string]int{}, map[string]int{}
	for worker := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 5000 {
				i, n := random.IntN(len(x.people)), random.IntN(len(all))
				p, k := x.people[i], all[n]
				row := x.rows[k.typ][random.IntN(len(x.rows[k.typ]))]
				e, err := x.service.ExplainAccess(t.Context(), x.auditor.Session, policyadmin.Question{Staff: &p.Staff, Object: k.object, Action: k.action, About: &policyadmin.Object{Type: k.typ, ID: row}})
				if err != nil {
					t.Error(err)
					return
				}
				if want := truth[fmt.Sprint(i, " ", n)][row]; e.Allow != want {
					t.Errorf("%s: %s %s on %s: explained %v %s, the predicate says %v", p.Name, k.object, k.action, row, e.Allow, e.Reason, want)
				}
				if e.Allow && (e.Rule == nil || e.Binding == uuid.Nil || e.Sentence.ZH == "") || !e.Allow && e.Remedy.ZH == "" || e.Version != 1 {
					t.Errorf("an explanation without its parts: %+v", e)
				}
				mu.Lock()
				if ways[e.Way]++; e.Allow {
					allowed++
				}
				if n >= len(all)-len(custodyKinds()) {
					custody[fmt.Sprint(describe(k), e.Allow)]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("20000 triples, %d allowed; ways %v; of custody %v (allowed and refused)", allowed, ways, custody)
	if allowed < 2000 || allowed > 18000 || len(ways) < 6 || len(custody) != len(custodyKinds())*2 {
		t.Error("the run shows little")
	}
}

// The lists that people get from the API hold exactly the rows whose reading is explained as allowed, and whoCanSee names
// exactly those people.
func TestExplanationsAgreeWithTheGate(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	gate, err := read.New(x.DB, x.rights, graph.Schema(), read.Config{CursorKey: make([]byte, 32), Now: x.Clock.Now, QueryTerms: archive.QueryTerms})
	if err != nil {
		t.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(graph.Schema(), `{ clients(first: 100) { nodes { id creditNote } } contracts(first: 100) { nodes { id } }
		originals(first: 100) { nodes { id versions { nodes { file { id } } } } } borrowings(first: 100) { nodes { id } } accessRequests(first: 100) { nodes { id } } approvalSteps(first: 100) { nodes { id } } }`, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	var roots []*ast.Field
	for _, s := range doc.Operations[0].SelectionSet {
		roots = append(roots, s.(*ast.Field))
	}
	seen := map[string]string{}
	for _, p := range x.people {
		a, err := gate.Query(t.Context(), p.Session, doc, doc.Operations[0], nil, roots)
		if err != nil {
			t.Fatal(err)
		}
		seen[p.Staff.String()] = string(a.Data)
	}
	for typ, prefix := range map[string]string{
		"Client": id.Client, "Contract": id.Contract, "Original": id.Original, "File": id.File, "Borrowing": id.Borrowing, "AccessRequest": id.AccessRequest, "ApprovalStep": id.ApprovalStep,
	} {
		for _, u := range x.rows[typ] {
			paths, more, err := x.service.WhoCanSee(t.Context(), x.auditor.Session, policyadmin.Object{Type: typ, ID: u}, "", 100, nil)
			if err != nil || more {
				t.Fatal(err, more)
			}
			can := map[uuid.UUID]bool{}
			for _, p := range paths {
				can[p.Staff] = true
				if p.Binding == uuid.Nil || p.Sentence.EN == "" || p.Access != "ROW" {
					t.Errorf("%+v", p)
				}
			}
			for _, p := range x.people {
				if listed := strings.Contains(seen[p.Staff.String()], `"`+id.Encode(prefix, u)+`"`); listed != can[p.Staff] {
					t.Errorf("%s %s: listed for %s %v, named %v", typ, u, p.Name, listed, can[p.Staff])
				}
			}
		}
	}
	some, more, err := x.service.WhoCanSee(t.Context(), x.auditor.Session, policyadmin.Object{Type: "Client", ID: x.rows["Client"][0]}, policy.ClientStandard, 1, nil)
	if err != nil || len(some) != 1 || !more || some[0].Access != "FULL" {
		t.Errorf("%+v %v %v", some, more, err)
	}
}

func TestWhomExplanationsAreFor(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	outsider := x.Person(x.Sibling, "tech_engineer")
	lister := x.Person(x.Sibling, "list_reader", "tech_engineer")
	client := policyadmin.Object{Type: "Client", ID: x.rows["Client"][0]}
	ask := func(p world.Person, q policyadmin.Question) (policyadmin.Explanation, error) {
		return x.service.ExplainAccess(t.Context(), p.Session, q)
	}
	credit := policyadmin.Question{Object: policy.ClientStandard, Action: policy.Reveal, About: &client}
	about := credit
	about.Staff = &x.people[0].Staff
	_, err := ask(outsider, about)
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	_, err = ask(outsider, credit) // his own, about a row that he cannot read: as if it were not there
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	_, err = ask(outsider, policyadmin.Question{Object: policy.OnClient, Action: policy.Read, About: &policyadmin.Object{Type: "Client", ID: uuid.New()}})
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	_, _, err = x.service.WhoCanSee(t.Context(), lister.Session, client, "", 10, nil)
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	unknown := uuid.New()
	_, err = ask(x.auditor, policyadmin.Question{Staff: &unknown, Object: policy.OnClient, Action: policy.Read})
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
	_, err = ask(lister, policyadmin.Question{Object: policy.OnContract, Action: policy.Read, About: &client})
	identitytest.Refused(t, err, "INVALID_INPUT OBJECT_OF_ANOTHER_KIND objectId")
	_, err = ask(lister, policyadmin.Question{Object: policy.OnClient, Action: "reed"})
	identitytest.Refused(t, err, "INVALID_INPUT UNKNOWN_PERMISSION action")

	// his own, about a row that he sees: the way, whom to ask, and no line of the policy; and the way leads there
	e, err := ask(lister, credit)
	if err != nil || e.Allow || e.Way != policyadmin.WayGrant || e.RulesShown || len(e.Lines) != 0 || e.Sentence.ZH != "" {
		t.Fatalf("%+v %v", e, err)
	}
	x.Exec(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 2, 'x', now() - interval '1 minute', now() + interval '1 day', now(), now())`, x.IDs.New(), lister.Staff, client.ID)
	if e, err = ask(lister, credit); err != nil || !e.Allow || e.Role != "tech_engineer" {
		t.Fatalf("the way that was named did not lead there: %+v %v", e, err)
	}
	actor := lister.Session.Actor
	actor.Scopes = []string{"write"}
	narrow := &tenancy.Session{Tenant: lister.Session.Tenant, RequestID: "test", Language: "en", Actor: actor}
	if e, err = x.service.ExplainAccess(t.Context(), narrow, policyadmin.Question{Object: policy.OnClient, Action: policy.Read}); err != nil || e.Allow || e.Reason != policy.ReasonToken {
		t.Fatalf("a token without the right to read: %+v %v", e, err)
	}
	x.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, lister.Account)
	about.Staff = &lister.Staff
	if e, err = ask(x.auditor, about); err != nil || e.Allow || e.Reason != policy.ReasonSuspended || !e.RulesShown {
		t.Fatalf("%+v %v", e, err)
	}
}
