package isolation

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/readside"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// object says of which kind and prefix an id is.
type object struct{ kind, prefix string }

// objects are the kinds of ids of the API, one at least for each prefix (TestObjectsAreThoseOfTheSchema): node takes every one.
func objects() []object {
	return []object{
		{"company", id.Company},
		{"department", id.Department},
		{"position", id.Position},
		{"staff", id.Staff},
		{"owner", id.Staff},
		{"grantee", id.Staff},
		{"account", id.Account},
		{"session", id.Session},
		{"token", id.APIToken},
		{"binding", id.RoleBinding},
		{"grant", id.Grant},
		{"client", id.Client},
		{"team member", id.ClientTeamMember},
		{"distribution", id.ClientDistribution},
		{"contact", id.Contact},
		{"client change", id.ClientChange},
		{"contract", id.Contract},
		{"contract revision", id.Revision},
		{"contract party 0", id.Party},
		{"obligation", id.Obligation},
		{"role", id.Role},
		{"policy version", id.PolicyVersion},
		{"policy rule", id.PolicyRule},
		{"policy class", id.PolicyClass},
		{"policy test", id.PolicyTest},
		{"policy conflict", id.PolicyConflict},
		{"waiting binding", id.RoleBinding},
		{"employment", id.Employment},
		{"audit record", id.AuditRecord},
		{"tenant", id.Tenant},
		{"suspended client", id.Client},
		{"contract under review", id.Contract},
		{"contract in force", id.Contract},
		{"staff without account", id.Staff},
		{"app account", id.Account},
		{"suspended account", id.Account},
		{"company without anything", id.Company},
		{"department without anything", id.Department},
		{"draft of somebody else", id.PolicyVersion},
		{"role without holder", id.Role},
		{"original", id.Original},
		{"original version", id.OriginalVersion},
		{"incident", id.Incident},
		{"file", id.File},
		{"loan", id.Borrowing},
		{"loan item", id.BorrowingItem},
		{"request", id.AccessRequest},
		{"step", id.ApprovalStep},
		{"original out", id.Original},
		{"loan endorsed", id.Borrowing},
		{"loan approved", id.Borrowing},
		{"loan out", id.Borrowing},
		{"loan of mine", id.Borrowing},
		{"request endorsed", id.AccessRequest},
		{"request of mine", id.AccessRequest},
		{"review", id.AccessReview},
		{"review item", id.AccessReviewItem},
		{"keeper", id.Staff},
	}
}

// idArguments says of what the ids in arguments and filters of queries are, by "field.argument" or the argument alone.
func idArguments() map[string]string {
	return map[string]string{
		"client.id": "client", "contract.id": "contract", "company.id": "company", "department.id": "department", "staffMember.id": "staff", "account.id": "account",
		"companyId": "company", "companyIds": "company", "departmentId": "department", "departmentIds": "department", "accountId": "account", "actorIds": "account",
		"roleId": "role", "policyVersionId": "draft of somebody else", "explainAccess.staffId": "staff", "reachPreview.staffId": "staff", "explainAccess.objectId": "client", "whoCanSee.objectId": "client", "clientId": "client", "clientIds": "client", "granteeId": "grantee", "ownerIds": "owner", "objectIds": "suspended client",
		"original.id": "original", "borrowing.id": "loan", "accessRequest.id": "request", "custodianIds": "owner", "borrowerIds": "owner", "requesterIds": "owner",
		"reviewId": "review", "reviewerId": "owner",
		"policyTestRun.staffId": "owner", "staffDepartmentId": "department", "rowCompanyId": "company", "rowDepartmentId": "department", "policyTestRun.objectId": "client",
	}
}

// besides are the fields that an input of a query needs besides the one with the id.
func (a *asker) besides(input string) map[string]string {
	switch input {
	case "PolicyTestAddInput":
		return map[string]string{"name": `"x"`, "expectation": "NEVER", "object": `"client"`, "action": `"read"`, "roleKey": `"list_reader"`}
	case "PolicyCaseInput":
		return map[string]string{"name": `"x"`, "object": `"client"`, "action": `"read"`, "allow": "true", "staffId": `"` + a.self + `"`}
	}
	return nil
}

type asker struct {
	t      *testing.T
	gate   *read.Gate
	schema *ast.Schema
	self   string // the staff id of whoever asks, where a question needs one besides the id that is exchanged
}

func newAsker(t *testing.T, w *world.World) *asker {
	t.Helper()
	provider, err := access.New(w.DB, 10)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := read.New(w.DB, provider, graph.Schema(), read.Config{CursorKey: make([]byte, 32), Now: w.Clock.Now, QueryTerms: archive.QueryTerms})
	if err != nil {
		t.Fatal(err)
	}
	return &asker{t: t, gate: gate, schema: graph.Schema()}
}

// ask answers with data, faults and masked fields as one text.
func (a *asker) ask(s *tenancy.Session, query string) string {
	a.t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(a.schema, query, nil)
	if errs != nil {
		a.t.Fatalf("%s: %v", query, errs)
	}
	var roots []*ast.Field
	for _, sel := range doc.Operations[0].SelectionSet {
		roots = append(roots, sel.(*ast.Field))
	}
	answer, err := a.gate.Query(context.Background(), s, doc, doc.Operations[0], map[string]any{}, roots)
	return fmt.Sprintf("%s %v %v %v", answer.Data, answer.Errors, answer.Masked, err)
}

// selection asks for everything that can be reached in so many steps.
func (a *asker) selection(typ string, depth int) string {
	def := a.schema.Types[typ]
	if def.Kind == ast.Interface || def.Kind == ast.Union {
		var parts []string
		for _, p := range a.schema.GetPossibleTypes(def) {
			parts = append(parts, "... on "+p.Name+" { __typename }")
		}
		return "{ __typename " + strings.Join(parts, " ") + " }"
	}
	var parts []string
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		needs := false
		for _, arg := range f.Arguments {
			needs = needs || arg.Type.NonNull && arg.DefaultValue == nil
		}
		if needs {
			continue
		}
		of := a.schema.Types[f.Type.Name()]
		switch {
		case of.Kind == ast.Scalar || of.Kind == ast.Enum:
			parts = append(parts, f.Name)
		case f.Name == "edges" || f.Name == "node" || f.Name == "pageInfo" || of.Name == "Count" || of.Name == "Money":
			parts = append(parts, f.Name+" "+a.selection(of.Name, depth))
		case depth > 0:
			if s := a.selection(of.Name, depth-1); s != "" {
				parts = append(parts, f.Name+" "+s)
			}
		}
	}
	if len(parts) == 0 {
		return "{ __typename }"
	}
	return "{ " + strings.Join(parts, " ") + " }"
}

// nodeSelection asks for every scalar of every type; what types give the same name and different types is named apart.
func (a *asker) nodeSelection() string {
	types := a.schema.GetPossibleTypes(a.schema.Types["Node"])
	as := map[string]map[string]bool{}
	for _, p := range types {
		for _, f := range p.Fields {
			if as[f.Name] == nil {
				as[f.Name] = map[string]bool{}
			}
			as[f.Name][f.Type.String()] = true
		}
	}
	var parts []string
	for _, p := range types {
		var fields []string
		for _, f := range p.Fields {
			if of := a.schema.Types[f.Type.Name()]; of.Kind != ast.Scalar && of.Kind != ast.Enum {
				continue
			}
			if len(as[f.Name]) > 1 {
				fields = append(fields, strings.ToLower(p.Name)+"_"+f.Name+": "+f.Name)
			} else {
				fields = append(fields, f.Name)
			}
		}
		parts = append(parts, "... on "+p.Name+" { "+strings.Join(fields, " ")+" }")
	}
	return "{ __typename id " + strings.Join(parts, " ") + " }"
}

// site is one place of a query where an id stands; query writes it there.
type site struct {
	name, kind string
	query      func(encoded string) string
}

// sites are all places of ids in the arguments of one root, filters included.
func (a *asker) sites(root *ast.FieldDefinition, sel string) (sites []site) {
	var walk func(path, name string, typ *ast.Type, wrap func(string) string, depth int)
	walk = func(path, name string, typ *ast.Type, wrap func(string) string, depth int) {
		def := a.schema.Types[typ.Name()]
		if typ.Elem != nil {
			inner := wrap
			wrap = func(v string) string { return inner("[" + v + "]") }
		}
		switch {
		case typ.Name() == "ID":
			kind, ok := pick(idArguments(), root.Name, name)
			if !ok {
				a.t.Errorf("no rule says what the id %s is of", path)
				return
			}
			sites = append(sites, site{path, kind, func(v string) string { return "{ " + root.Name + wrap(`"`+v+`"`) + " " + sel + " }" }})
		case def.Kind == ast.InputObject && depth > 0:
			for _, f := range def.Fields {
				more := ""
				for name, value := range a.besides(def.Name) {
					if name != f.Name {
						more += name + ": " + value + ", "
					}
				}
				walk(path+"."+f.Name, f.Name, f.Type, func(v string) string { return wrap("{" + more + f.Name + ": " + v + "}") }, depth-1)
			}
		}
	}
	for _, arg := range root.Arguments {
		walk(root.Name+"."+arg.Name, arg.Name, arg.Type, func(v string) string { return "(" + arg.Name + ": " + v + ")" }, 3)
	}
	return sites
}

func (s *side) fillForQueries() {
	one := func(kind, sql string) { s.ids[kind] = uuid.MustParse(s.Text(sql)) }
	one("role", `SELECT id FROM roles WHERE tenant_id = $1 AND key = 'general_manager'`)
	one("policy version", `SELECT id FROM policy_versions WHERE tenant_id = $1 AND number = 1`)
	s.Exec(`INSERT INTO policy_classes (tenant_id, id, policy_version_id, object, field_class) SELECT $1, gen_random_uuid(), id, 'client#dealings', 2 FROM policy_versions WHERE tenant_id = $1 AND number = 1`)
	one("policy class", `SELECT id FROM policy_classes WHERE tenant_id = $1`)
	one("policy rule", `SELECT id FROM policy_rules WHERE tenant_id = $1 ORDER BY seq LIMIT 1`)
	one("policy conflict", `SELECT id FROM policy_conflicts WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1`)
	one("employment", `SELECT id FROM employments WHERE tenant_id = $1 ORDER BY id LIMIT 1`)
	s.add("audit record", `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, object_type, object_id, reason, occurred_at) VALUES ($1, $2, 'change', 'MARK', 'staff', $4, 'MARK', 'Client', $3, 'MARK', now())`, s.ids["suspended client"], s.ids["account"])
	s.ids["tenant"], s.ids["owner"] = s.ID, s.person.Staff
}

func prefixOf(t *testing.T, kind string) string {
	t.Helper()
	for _, o := range objects() {
		if o.kind == kind {
			return o.prefix
		}
	}
	t.Fatalf("no prefix of %s", kind)
	return ""
}

func queryRun(t *testing.T, w *world.World, a, b *side, aside func(func())) {
	t.Helper()
	q := newAsker(t, w)
	before := b.everything()
	clean := func(query, answer string) {
		t.Helper()
		found := strings.Contains(answer, b.mark)
		for _, u := range b.ids {
			found = found || strings.Contains(answer, strings.TrimPrefix(id.Encode("x", u), "x_"))
		}
		if found {
			t.Errorf("%s: the answer has something of the other tenant: %s", query, answer)
		}
	}
	tried, shown := 0, 0
	try := func(s site) {
		prefix := prefixOf(t, s.kind)
		foreign, nobody := s.query(id.Encode(prefix, b.ids[s.kind])), s.query(id.Encode(prefix, w.IDs.New()))
		x, y := q.ask(a.person.Session, foreign), q.ask(a.person.Session, nobody)
		if x != y {
			t.Errorf("%s: another tenant's %s is answered %s, an id of nobody %s", s.name, s.kind, x, y)
		}
		clean(foreign, x)
		if mine := q.ask(a.person.Session, s.query(id.Encode(prefix, a.ids[s.kind]))); mine != y {
			shown++
		} else {
			t.Logf("%s: one's own %s is answered as one of nobody: %.150s", s.name, s.kind, mine)
		}
		tried++
	}
	for _, root := range q.schema.Query.Fields {
		if strings.HasPrefix(root.Name, "__") {
			continue
		}
		if readside.IsServiceRoot(root.Name) {
			continue // a service's answer: the run over HTTP asks for it
		}
		if !q.gate.Serves(root.Name) {
			t.Errorf("Query.%s is not served by the gate: the run has to learn how to ask it", root.Name)
			continue
		}
		if root.Name == "node" || root.Name == "nodes" {
			for _, o := range objects() {
				try(site{root.Name + " of a " + o.kind, o.kind, func(v string) string {
					if root.Name == "nodes" {
						return `{ nodes(ids: ["` + v + `"]) ` + q.nodeSelection() + ` }`
					}
					return `{ node(id: "` + v + `") ` + q.nodeSelection() + ` }`
				}})
			}
			continue
		}
		sel := q.selection(root.Type.Name(), 1)
		required := false
		for _, arg := range root.Arguments {
			required = required || arg.Type.NonNull
		}
		if !required {
			query := "{ " + root.Name + " " + sel + " }"
			answer := q.ask(a.person.Session, query)
			clean(query, answer)
			if !strings.Contains(answer, `"`) || strings.Contains(answer, "INTERNAL") {
				t.Errorf("%s: %s", query, answer)
			}
			// the other tenant's cursor
			if strings.HasSuffix(root.Type.Name(), "Connection") {
				theirs := ""
				aside(func() { theirs = q.ask(b.person.Session, "{ "+root.Name+" { edges { cursor } } }") })
				if _, rest, ok := strings.Cut(theirs, `"cursor":"`); ok {
					cursor, _, _ := strings.Cut(rest, `"`)
					query := "{ " + root.Name + `(first: 5, after: "` + cursor + `") ` + sel + " }"
					clean(query, q.ask(a.person.Session, query))
				}
			}
		}
		for _, s := range q.sites(root, sel) {
			try(s)
		}
	}
	if after := b.everything(); after != before {
		t.Error("a query changed something of the other tenant")
	}
	t.Logf("%d places of ids tried, %d of them answer differently for one's own", tried, shown)
	if tried < 50 || shown < tried*2/3 {
		t.Error("the run shows little")
	}
}

func TestEveryQueryWithAnotherTenantsIds(t *testing.T) {
	t.Parallel()
	rec := &recorder{sent: map[string][][]any{}}
	w := world.New(t, func(c *tenancy.Config) { c.Tracer = rec })
	a, b := newSide(w, "alpha"), newSide(w, foreignMark)
	a.fillForQueries()
	b.fillForQueries()
	rec.watch(b)
	rec.tenants.Store(a.ID, true)
	queryRun(t, w, a, b, rec.aside)
	rec.replay(t, w, b)
}

func TestEveryQueryBehindPredicatesAlone(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a, b := newSide(w, "alpha"), newSide(w, foreignMark)
	a.fillForQueries()
	b.fillForQueries()
	openWalls(t, w)
	queryRun(t, w, a, b, func(ask func()) { ask() })
}
