package matrix

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/policy"
)

// expected is how an act is answered by the sheets: absent, forbidden, or passed on to the check that stops everybody.
func (j *judge) expected(acts []question, either bool, t trial, at target) []string {
	absent := []string{"NOT_FOUND", "INVALID_INPUT NOT_FOUND"}
	if at.seen != nil && !j.sees(at.seen) {
		if t.on == "place" || at.gid == "" {
			return append(absent, "FORBIDDEN")
		}
		return absent
	}
	if at.also != nil && !j.sees(at.also) {
		return absent[:1]
	}
	if either {
		acts = []question{at.seen.waits}
	}
	if slices.ContainsFunc(acts, func(q question) bool { return !j.sheet.may(q, j.who, at.facts) }) {
		return append(absent[1:], "FORBIDDEN")
	}
	switch {
	case either && at.facts.person == j.who.staff:
		return []string{"DUTY_CONFLICT OWN_REQUEST"}
	case either && slices.Contains(at.seen.deciders, j.who.staff):
		return []string{"DUTY_CONFLICT DECIDED_BEFORE"}
	}
	return []string{t.passed}
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
			": P", fmt.Sprintf(": %q", j.gid("Staff", owner)), "BESIDE", fmt.Sprintf("%q", at.other), "KEEPER", fmt.Sprintf("%q", j.gid("Staff", j.keeper())), "CURRENT", fmt.Sprintf("%q", at.version), "SOON", j.Clock.Now().AddDate(0, 0, 30).Format("2006-01-02T15:04:05Z")).Replace(t.input)
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
		if actsElsewhere()[def.Name] != "" {
			continue
		}
		t, known := trials()[def.Name]
		acts, either := actsOf(def)
		if !known || len(acts) == 0 {
			j.fail("acts_test.go does not say how %s is tried (or its description names no permission)", def.Name)
			continue
		}
		rows := j.targets(t, j.who, slices.ContainsFunc(acts, func(q question) bool { return j.sheet.ever(q, j.who) }))
		for part := range slices.Chunk(rows, 10) {
			answers, err := j.send(def.Name, t, part)
			if err != nil {
				j.fail("%s %s: %v", j.who.role, def.Name, err)
				continue
			}
			for i, got := range answers {
				want := j.expected(acts, either, t, part[i])
				// Who passes the decision is told so by the check after it, whatever else that says.
				if !agrees(got, want) || want[0] != t.passed && agrees(got, []string{t.passed}) {
					j.fail("%s %s on %s: answered %q, want %q", j.who.role, def.Name, part[i].name, got, want)
				}
				switch {
				case want[0] == t.passed:
					counts["passed"]++
				case strings.HasPrefix(want[0], "DUTY_CONFLICT"):
					counts["own or decided before"]++
				default:
					counts["refused"]++
				}
			}
		}
	}
}

// TestEveryRoleDoesWhatTheSheetsSay tries every act there is as somebody of every shipped role, on rows within and without.
func TestEveryRoleDoesWhatTheSheetsSay(t *testing.T) {
	t.Parallel()
	x, s := newTown(t), readSheet(t)
	x.moreForActs()
	everyActIsTried(t)
	x.payloads(t, s)
	x.custodyPayloads(t, s)
	x.bytesAreOfTheSheets(t, s)
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
	if counts["passed"] < 500 || counts["refused"] < 1000 || counts["own or decided before"] == 0 {
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
		acts, _ := actsOf(def)
		for _, q := range acts {
			tried[q.verb] = true
		}
	}
	for _, e := range policy.Catalogue() {
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
	x.Allow("store_manager", policy.OnClient, policy.ClientSuspend, policy.Dept)
	x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'finance_officer' AND action = 'obligation.settle'`)
	x.Exec(`UPDATE policy_rules SET data_scope = 'DEPT' WHERE tenant_id = $1 AND role_key = 'region_manager' AND action = 'client.assignTeam'`)
	x.Allow("store_manager", policy.OnBorrowing, policy.BorrowingRevoke, policy.Self)
	x.Exec(`UPDATE policy_rules SET data_scope = 'DEPT' WHERE tenant_id = $1 AND role_key = 'region_manager' AND action = 'accessRequest.endorse'`)
	x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1 AND role_key = 'archive_custodian' AND action = 'original.closeIncident'`)
	for role, changed := range map[string][]string{
		"store_manager": {"clientSuspend", "borrowingRevoke"}, "finance_officer": {"obligationSettle"}, "region_manager": {"clientAssignTeam", "accessRequestEndorse"},
		"archive_custodian": {"originalCloseIncident"},
	} {
		x.Exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1 WHERE tenant_id = $1`)
		j := x.judge(s, x.somebody(role))
		j.act(map[string]int{})
		for _, name := range changed {
			i := slices.IndexFunc(j.faults, func(f string) bool { return strings.HasPrefix(f, role+" "+name+" on ") })
			if i < 0 {
				t.Errorf("%s: a changed rule of %s is not noticed", role, name)
				continue
			}
			t.Logf("%s: noticed: %.160s", role, j.faults[i])
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
