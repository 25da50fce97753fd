package matrix

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/policy"
)

// trial says how a mutation is tried without changing what later answers depend on: its input passes every check but one that
// comes after the decision – mostly a version that never was. The input's ID stands for the row; D for a department's id,
// C for a company's, P for a person's.
type trial struct {
	on    string // what the row is: client, contact, contract, obligation, grant, account, app, session, token, staff, binding, role, version, company, department, place, tenant
	input string
	// passed is how one is answered who may: "CODE REASON", or "done".
	passed string
}

const neverWas = `expectedVersion: "999999"`

// trials of every mutation.
func trials() map[string]trial {
	stale := func(on, key, rest string) trial {
		return trial{on, key + ": ID, " + neverWas + ", " + rest, "STALE_VERSION"}
	}
	because := `reason: "a trial"`
	return map[string]trial{
		"clientOpen":           {"place", `name: "试行", kinds: [KEY], grade: VIP, departmentId: ID, ownerId: P, source: "x"`, "done"},
		"clientChangeProfile":  stale("client", "clientId", `profile: {address: "1"}, source: "x"`),
		"clientChangeList":     stale("client", "clientId", `region: "x", source: "x"`),
		"clientChangeDealings": stale("client", "clientId", `attitude: "x", source: "x"`),
		"clientChangeCredit":   stale("client", "clientId", `creditNote: "x", source: "x"`),
		"clientSuspend":        stale("client", "clientId", because), "clientLift": stale("client", "clientId", because),
		"clientMove":         stale("client", "clientId", `departmentId: D, `+because),
		"clientAssignTeam":   stale("client", "clientId", `members: [{staffId: P, duty: OWNER}]`),
		"clientDistribute":   stale("client", "clientId", `departmentId: D`),
		"clientRecordChange": {"client", `clientId: ID, field: "address", newValue: "x", source: "x"`, "done"},
		"contactAdd":         {"client", `clientId: ID, name: "x"`, "done"},
		"contactChange":      stale("contact", "contactId", `title: "x"`), "contactLeave": stale("contact", "contactId", ""),

		"contractDraft":    {"client of contract", `clientId: ID, companyId: C, kind: SALES, title: "x", terms: "x"`, "INVALID_STATE"}, // dealings are suspended
		"contractRegister": {"client of contract", `clientId: ID, companyId: C, kind: SALES, title: "x", terms: "x", signedOn: "2999-01-01", startsOn: "2999-01-01", paperReference: "x"`, "INVALID_INPUT"},
		"contractRevise":   stale("contract", "contractId", `title: "x", changeNote: "x"`), "contractSubmit": stale("contract", "contractId", ""),
		"contractReturn": stale("contract", "contractId", because), "contractWithdraw": stale("contract", "contractId", because),
		"contractComplete": stale("contract", "contractId", `note: "x"`), "contractTerminate": stale("contract", "contractId", because),
		"obligationAdd":    {"contract", `contractId: ID, side: OURS, kind: OTHER, title: "x", dueOn: "2026-01-01"`, "done"},
		"obligationSettle": stale("obligation", "obligationId", `outcome: MET`),

		"accountCreate":  {"staff", `staffId: ID, login: "somebody.new", password: "correct horse battery 9"`, "CONFLICT"},
		"accountSuspend": stale("account", "accountId", because), "accountReinstate": stale("account", "accountId", because),
		"accountChangePassword": {"account", `accountId: ID, newPassword: "correct horse battery 9"`, "done"},
		"sessionRevoke":         {"session", `sessionId: ID`, "INVALID_STATE ALREADY_ENDED"},
		"apiTokenIssue":         {"app", `accountId: ID, name: "x", expiresAt: "SOON"`, "done"},
		"apiTokenRevoke":        {"token", `apiTokenId: ID`, "INVALID_STATE ALREADY_ENDED"},
		"roleBind":              {"account", `accountId: ID, roleKey: "no_such_role"`, "INVALID_INPUT input.roleKey"},
		"roleUnbind":            stale("binding", "roleBindingId", because), "roleEndorse": stale("binding", "roleBindingId", ""),
		"policyTestAdd": {"tenant", `name: "x", expectation: NEVER, roleKey: "general_manager", object: "client", action: "read"`, "INVALID_STATE POLICY_TEST_FAILED"}, "policyTestRetire": stale("assertion", "policyTestId", because),
		"accessGrantGive":   {"client of grant", `granteeId: P, clientId: ID, classes: [7], purpose: "x", validUntil: "SOON"`, "FORBIDDEN CLASS_BEYOND_OWN"},
		"accessGrantRevoke": stale("grant", "accessGrantId", because),

		"companyOpen": {"tenant", `name: "新公司"`, "done"}, "companyChange": stale("company", "companyId", `name: "x"`), "companyDissolve": stale("company", "companyId", because),
		"departmentOpen": {"company", `companyId: ID, name: "新部门"`, "done"}, "departmentChange": stale("department", "departmentId", `name: "x"`),
		"departmentClose": stale("department", "departmentId", because), "positionCreate": {"department", `departmentId: ID, title: "x"`, "done"},
		"staffHire":     {"department", `number: "1", name: "x", departmentId: ID`, "CONFLICT"},
		"staffTransfer": stale("staff", "staffId", `departmentId: D`), "staffChangeSuperior": stale("staff", "staffId", ""),

		"accessReviewOpen": {"tenant", `period: "` + reviewPeriod + `", dueAt: "SOON"`, "CONFLICT"}, "accessReviewClose": stale("review", "accessReviewId", ""),
		"accessReviewReassign": stale("review item", "accessReviewItemId", `reviewerId: P, `+because),
		"policyDraft":          {"tenant", `baseNumber: "999", reason: "x", remove: [1]`, "INVALID_INPUT input.baseNumber"},
		"policyDiscard":        stale("version", "policyVersionId", because), "policyPublish": stale("version", "policyVersionId", ""),
		"policyRollback": {"tenant", `toNumber: "999", reason: "x"`, "INVALID_INPUT input.toNumber"},
		"roleCreate":     {"tenant", `key: "staff", nameZh: "x", nameEn: "x"`, "CONFLICT"}, "roleRetire": stale("role", "roleId", because),
	}
}

// withoutMutation are the acts that no mutation carries out: at the command line, not yet, or read by a query.
func withoutMutation() []policy.Action {
	return []policy.Action{policy.TenantSuspend, policy.PositionChange, policy.AuditRead, policy.PolicyRead}
}

// target is a row that an act is tried on.
type target struct {
	name  string
	gid   string
	facts *facts
	seen  *placed // absent for who does not see it; nil: it is only about to be made
	owner uuid.UUID
}

var permission = regexp.MustCompile(`ermission:? ([a-z]+[A-Za-z]*\.[A-Za-z]+)`)

// actOf is the question that a mutation's description names.
func actOf(def *ast.FieldDefinition) (question, bool) {
	m := permission.FindStringSubmatch(def.Description)
	if m == nil {
		return question{}, false
	}
	for _, e := range policy.Catalogue() {
		for _, a := range e.Acts {
			if string(a.Action) == m[1] {
				return question{e.Object, a.Action}, true
			}
		}
	}
	return question{}, false
}

// spotsFor are the places where an act is tried: everywhere for those who may do it somewhere; for the others on rows that
// every scope of theirs reaches.
func (x *town) spotsFor(p *person, may bool) []string {
	all := []string{"own of " + p.role, "department", "team", "distributed", "granted L5", "elsewhere KEY"}
	if may {
		all = append(all, "section below", "company", "company VIP", "company KEY", "company below", "elsewhere", "elsewhere VIP", "junior", "distributed below", "team once", "distributed once", "moved here")
	}
	return all
}

func (x *town) targets(t trial, p *person, may bool) (out []target) {
	row := func(name, gid string) {
		r := x.rows[gid]
		if r == nil {
			x.t.Errorf("no row %s %s", name, gid)
			return
		}
		out = append(out, target{name: name, gid: gid, facts: r.facts, seen: r})
	}
	some := func(gids ...string) {
		for _, gid := range gids {
			row(gid, gid)
		}
	}
	switch t.on {
	case "client", "client of contract", "client of grant":
		for _, s := range x.spotsFor(p, may) {
			row(s, x.gid("Client", x.clients[s]))
		}
	case "contact":
		for _, s := range x.spotsFor(p, may) {
			row(s, x.gid("Contact", x.contacts[x.clients[s]]))
		}
	case "contract", "obligation":
		spots := x.spotsFor(p, may)
		if may {
			spots = append(spots, "company review", "company effective", "elsewhere review", "department, client elsewhere", "elsewhere, client in department", "junior, client elsewhere")
		}
		for _, s := range spots {
			if t.on == "contract" {
				row(s, x.gid("Contract", x.contracts[s]))
			} else {
				row(s, x.gid("Obligation", x.obligations[x.contracts[s]]))
			}
		}
	case "place":
		for name, d := range map[string][2]uuid.UUID{"department": {x.Department, x.Company}, "section": {x.Section, x.Company}, "sibling": {x.Sibling, x.Company}, "third": {x.thirdDept, x.third}} {
			for _, owner := range []uuid.UUID{p.staff, x.junior, x.observer.staff} {
				f := &facts{department: d[0], company: d[1], person: owner, kinds: []string{"KEY"}, grade: "VIP", team: []uuid.UUID{owner}}
				out = append(out, target{name: name, gid: x.gid("Department", d[0]), facts: f, seen: x.rows[x.gid("Department", d[0])], owner: owner})
			}
		}
	case "grant":
		some(x.gid("AccessGrant", x.grants["department"]), x.gid("AccessGrant", x.grants["elsewhere KEY"]), x.gid("AccessGrant", x.grants["elsewhere"]))
	case "account":
		some(x.gid("Account", x.juniorAccount))
	case "app":
		out = append(out, target{name: "app", gid: x.gid("Account", x.app), facts: &facts{}, seen: &placed{typ: "Account", facts: &facts{}}})
	case "session":
		some(x.endedOf(x.junior, "Session"))
		if x.hasSelf(p) {
			some(x.endedOf(p.staff, "Session"))
		}
	case "token":
		some(x.endedOf(x.junior, "ApiToken"))
		if x.hasSelf(p) {
			some(x.endedOf(p.staff, "ApiToken"))
		}
	case "staff":
		some(x.gid("Staff", x.junior))
	case "binding":
		some(x.endedOf(x.observer.staff, "RoleBinding"))
	case "role":
		some(x.roleOf("list_reader"))
	case "version":
		some(x.ids["PolicyVersion"][0])
	case "assertion":
		some(x.ids["PolicyTest"][0])
	case "review":
		some(x.ids["AccessReview"][0])
	case "review item":
		some(x.ids["AccessReviewItem"][0])
	case "company":
		some(x.gid("Company", x.third))
	case "department":
		some(x.gid("Department", x.thirdDept))
	case "tenant":
		out = append(out, target{name: "tenant", facts: &facts{}})
	default:
		x.t.Errorf("nobody knows rows of the kind %q", t.on)
	}
	return out
}

// hasSelf tells who inherits the base of the staff.
func (x *town) hasSelf(p *person) bool {
	i := slices.IndexFunc(policy.ShippedRoles(), func(r policy.ShippedRole) bool { return r.Key == p.role })
	return policy.ShippedRoles()[i].Holder == "STAFF"
}

// endedOf is the row of a type that a staff member has, and that nothing depends on any more.
func (x *town) endedOf(staff uuid.UUID, typ string) string {
	sql := map[string]string{
		"Session":     `SELECT s.id FROM sessions s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 AND s.revoked_at IS NOT NULL LIMIT 1`,
		"ApiToken":    `SELECT s.id FROM api_tokens s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 LIMIT 1`,
		"RoleBinding": `SELECT s.id FROM role_bindings s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 AND s.revoked_at IS NOT NULL LIMIT 1`,
	}[typ]
	return x.gid(typ, uuid.MustParse(x.Text(sql, staff)))
}

// expected is how an act is answered by the sheets: absent, forbidden, or passed on to the check that stops everybody.
func (j *judge) expected(q question, t trial, at target) []string {
	absent := []string{"NOT_FOUND", "INVALID_INPUT NOT_FOUND"}
	if at.seen != nil && !j.sees(at.seen) {
		if t.on == "place" || at.gid == "" {
			return append(absent, "FORBIDDEN")
		}
		return absent
	}
	if j.sheet.may(q, j.who, at.facts) {
		return []string{t.passed}
	}
	return append(absent[1:], "FORBIDDEN")
}

// send tries an act on some rows in one request, and gives what each was answered.
func (j *judge) send(mutation string, t trial, rows []target) ([]string, error) {
	var b strings.Builder
	for i, at := range rows {
		owner := j.junior
		if at.owner != uuid.Nil {
			owner = at.owner
		}
		company := at.facts.company
		if company == uuid.Nil {
			company = j.Company
		}
		in := strings.NewReplacer("ID", fmt.Sprintf("%q", at.gid), ": D", fmt.Sprintf(": %q", j.gid("Department", j.Sibling)), ": C,", fmt.Sprintf(": %q,", j.gid("Company", company)),
			": P", fmt.Sprintf(": %q", j.gid("Staff", owner)), "SOON", j.Clock.Now().AddDate(0, 0, 30).Format("2006-01-02T15:04:05Z")).Replace(t.input)
		fmt.Fprintf(&b, "m%d: %s(input: {%s}, idempotencyKey: %q) { userErrors { code reason field message } } ", i, mutation, in, j.Key())
	}
	a, err := j.ask(j.who, "mutation { "+b.String()+"}", nil)
	if err != nil {
		return nil, err
	}
	if len(a.errors) > 0 {
		return nil, fmt.Errorf("%s: %.300s", mutation, a.text)
	}
	var out []string
	for i := range rows {
		errs := a.data[fmt.Sprintf("m%d", i)].(map[string]any)["userErrors"].([]any)
		if len(errs) == 0 {
			out = append(out, "done")
			continue
		}
		e := errs[0].(map[string]any)
		out = append(out, fmt.Sprintf("%v %v %v", e["code"], e["reason"], e["field"]))
	}
	return out, nil
}

// agrees tells whether an answer is one of those expected: every word of it stands in the answer.
func agrees(got string, want []string) bool {
	return slices.ContainsFunc(want, func(w string) bool {
		if w == "FORBIDDEN" && strings.Contains(got, "CLASS_BEYOND_OWN") {
			return false
		}
		return !slices.ContainsFunc(strings.Fields(w), func(word string) bool { return !slices.Contains(strings.Fields(got), word) })
	})
}

// act tries every mutation as one person.
func (j *judge) act(counts map[string]int) {
	for _, def := range j.schema.Mutation.Fields {
		if actsElsewhere()[def.Name] != "" || changesUnplaced(j.schema, def) {
			continue
		}
		t, known := trials()[def.Name]
		q, named := actOf(def)
		if !known || !named {
			j.fail("acts_test.go does not say how %s is tried (or its description names no permission)", def.Name)
			continue
		}
		rows := j.targets(t, j.who, j.sheet.ever(q, j.who))
		for part := range slices.Chunk(rows, 10) {
			answers, err := j.send(def.Name, t, part)
			if err != nil {
				j.fail("%s %s: %v", j.who.role, def.Name, err)
				continue
			}
			for i, got := range answers {
				want := j.expected(q, t, part[i])
				// Who passes the decision is told so by the check after it, whatever else that says.
				if !agrees(got, want) || want[0] != t.passed && agrees(got, []string{t.passed}) {
					j.fail("%s %s on %s: answered %q, want %q", j.who.role, def.Name, part[i].name, got, want)
				}
				if want[0] == t.passed {
					counts["passed"]++
				} else {
					counts["refused"]++
				}
			}
		}
	}
}

// changesUnplaced tells mutations that answer with an object of a noun that is not observed yet.
func changesUnplaced(s *ast.Schema, def *ast.FieldDefinition) bool {
	return slices.ContainsFunc(s.Types[def.Type.Name()].Fields, func(f *ast.FieldDefinition) bool { return unplaced(s, f.Type.Name()) })
}

// TestEveryRoleDoesWhatTheSheetsSay tries every act there is as somebody of every shipped role, on rows within and without.
func TestEveryRoleDoesWhatTheSheetsSay(t *testing.T) {
	t.Parallel()
	x, s := newTown(t), readSheet(t)
	x.moreForActs()
	everyActIsTried(t)
	x.payloads(t, s)
	counts, faults := map[string]int{}, []string(nil)
	queue := make(chan *person)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for p := range queue {
				j, n := x.judge(s, p), map[string]int{}
				j.act(n)
				mu.Lock()
				faults = append(faults, j.faults...)
				for k, v := range n {
					counts[k] += v
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range x.people {
		queue <- p
	}
	close(queue)
	wg.Wait()
	report(t, faults)
	t.Logf("%d mutations by %d roles: %v", len(graph.Schema().Mutation.Fields), len(x.people), counts)
	if counts["passed"] < 500 || counts["refused"] < 1000 {
		t.Error("the run shows little")
	}
	x.snapshots(t)
	actTooMany(t, x, s)
}

// everyActIsTried holds the acts of the catalogue to the mutations of the SDL.
func everyActIsTried(t *testing.T) {
	t.Helper()
	tried := map[policy.Action]bool{}
	for _, def := range graph.Schema().Mutation.Fields {
		if q, ok := actOf(def); ok {
			tried[q.verb] = true
		}
	}
	for _, e := range policy.Catalogue() {
		if notYet(e.Object) {
			continue
		}
		for _, a := range e.Acts {
			if without := slices.Contains(withoutMutation(), a.Action); tried[a.Action] == without {
				t.Errorf("%s: tried by a mutation %v, listed as without one %v", a.Action, tried[a.Action], without)
			}
		}
	}
	for name := range trials() {
		if graph.Schema().Mutation.Fields.ForName(name) == nil {
			t.Errorf("there is no mutation %s any more", name)
		}
	}
}

// actTooMany exchanges rules and sees the run notice it.
func actTooMany(t *testing.T, x *town, s sheet) {
	t.Helper()
	who := func(role string) *person {
		return x.people[slices.IndexFunc(x.people, func(p *person) bool { return p.role == role })]
	}
	x.Allow("store_manager", policy.OnClient, policy.ClientSuspend, policy.Dept)
	x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'finance_officer' AND action = 'obligation.settle'`)
	x.Exec(`UPDATE policy_rules SET data_scope = 'DEPT' WHERE tenant_id = $1 AND role_key = 'region_manager' AND action = 'client.assignTeam'`)
	for _, role := range []string{"store_manager", "finance_officer", "region_manager"} {
		x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
		j := x.judge(s, who(role))
		j.act(map[string]int{})
		if len(j.faults) == 0 {
			t.Errorf("%s: a changed rule is not noticed", role)
		} else {
			t.Logf("%s: noticed: %.160s", role, j.faults[0])
		}
	}
}

// moreForActs adds what only acts need, and finds the rows that belong to clients and contracts.
func (x *town) moreForActs() {
	x.app = x.add("", "accounts", nil, values{"kind": "app", "login": "an.app", "display_name": "app"})
	x.contacts, x.obligations = map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]uuid.UUID{}
	for into, sql := range map[*map[uuid.UUID]uuid.UUID]string{
		&x.contacts:    `SELECT client_id, id FROM contacts WHERE tenant_id = $1`,
		&x.obligations: `SELECT contract_id, id FROM obligations WHERE tenant_id = $1`,
	} {
		for _, line := range strings.Split(x.Text(sql), ";") {
			of, row, _ := strings.Cut(line, "|")
			(*into)[uuid.MustParse(of)] = uuid.MustParse(row)
		}
	}
	x.juniorAccount = uuid.MustParse(x.Text(`SELECT id FROM accounts WHERE tenant_id = $1 AND staff_id = $2`, x.junior))
}

// payloads changes some rows for good, as everybody who may, and holds what comes back with the act to what may be seen of it.
func (x *town) payloads(t *testing.T, s sheet) {
	t.Helper()
	compared, nothing := 0, 0
	for _, m := range []struct{ name, object, typ, table, input string }{
		{"clientChangeProfile", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", profile: {address: "%s"}, source: "x"`},
		{"clientChangeList", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", region: "%s", source: "x"`},
		{"clientChangeCredit", "client", "Client", "clients", `clientId: %q, expectedVersion: "%s", creditNote: "%s", source: "x"`},
		{"clientRecordChange", "clientChange", "ClientChange", "", `clientId: %q, field: "address", newValue: "%s%s", source: "x"`},
		{"contactChange", "contact", "Contact", "contacts", `contactId: %q, expectedVersion: "%s", title: "%s"`},
		{"contractRevise", "contract", "Contract", "contracts", `contractId: %q, expectedVersion: "%s", title: "%s", changeNote: "x"`},
	} {
		q, _ := actOf(graph.Schema().Mutation.Fields.ForName(m.name))
		for _, p := range x.people {
			if !s.ever(q, p) {
				continue
			}
			j := x.judge(s, p)
			for _, spot := range x.spotsFor(p, true) {
				client := x.clients[spot]
				row, gid := client, x.gid("Client", client)
				switch m.typ {
				case "Contact":
					row, gid = x.contacts[client], x.gid("Contact", x.contacts[client])
				case "Contract":
					row, gid = x.contracts[spot], x.gid("Contract", x.contracts[spot])
				}
				if !j.sees(x.rows[gid]) || !s.may(q, p, x.rows[gid].facts) {
					continue
				}
				version := ""
				if m.table != "" {
					version = x.Text(`SELECT version FROM `+m.table+` WHERE tenant_id = $1 AND id = $2`, row)
				}
				query := fmt.Sprintf("mutation { m: %s(input: {"+m.input+"}, idempotencyKey: %q) { %s { %s } userErrors { code reason field } } }",
					m.name, gid, version, x.mark(), x.Key(), m.object, whole(j.schema, m.typ))
				got, err := x.ask(p, query, nil)
				if err != nil || got.data == nil || len(got.data["m"].(map[string]any)["userErrors"].([]any)) > 0 {
					t.Errorf("%s %s at %s: %v %.300s", p.role, m.name, spot, err, got.text)
					continue
				}
				payload := got.data["m"].(map[string]any)[m.object]
				if m.typ == "ClientChange" { // a row that nobody placed: seen or not
					want := s.may(question{policy.OnClient, policy.Read}, p, x.clientFacts[client]) && j.level(policy.ClientDealings, &placed{facts: x.clientFacts[client]}) > hidden
					if (payload != nil) != want {
						t.Errorf("%s %s at %s: the record is shown %v, the sheets say %v", p.role, m.name, spot, payload != nil, want)
					}
					nothing++
					break
				}
				truth, err := x.ask(x.observer, "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on "+m.typ+" { "+whole(j.schema, m.typ)+" } } }", map[string]any{"ids": []string{gid}})
				if err != nil {
					t.Fatal(err)
				}
				x.noteNew()
				want := j.expect(truth.data["nodes"].([]any)[0], nil)
				if d := difference(m.name, canonical(payload), canonical(want)); d != "" {
					t.Errorf("%s at %s: %s", p.role, spot, d)
				}
				compared++
				break // one row each
			}
			for _, f := range j.faults {
				t.Error(f)
			}
		}
	}
	t.Logf("%d payloads compared, %d records shown or not", compared, nothing)
	if compared < 30 || nothing < 2 {
		t.Error("that shows little")
	}
}

// noteNew places the rows that acts have written below clients and contracts since.
func (x *town) noteNew() {
	for typ, sql := range map[string]string{
		"ClientChange": `SELECT id, client_id, field_class FROM client_changes WHERE tenant_id = $1`, "Contact": `SELECT id, client_id, 0 FROM contacts WHERE tenant_id = $1`,
		"ContractRevision": `SELECT id, contract_id, 0 FROM contract_revisions WHERE tenant_id = $1`, "Obligation": `SELECT id, contract_id, 0 FROM obligations WHERE tenant_id = $1`,
	} {
		for _, line := range strings.Split(x.Text(sql), ";") {
			parts := strings.Split(line, "|")
			of := uuid.MustParse(parts[1])
			f := x.clientFacts[of]
			if f == nil {
				f = x.contractFacts[of]
			}
			x.rows[x.gid(typ, uuid.MustParse(parts[0]))] = &placed{typ: typ, facts: f, class: policy.Class(parts[2][0] - '0')}
		}
	}
}
