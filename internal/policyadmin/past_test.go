package policyadmin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/served"
	"github.com/clientele/clientele/policy"
)

// What the product gave of a field to somebody who asked for it then.
const (
	absent = "ABSENT" // the row is not there, or the account is refused
	hidden = "HIDDEN"
	masked = "MASKED"
	full   = "FULL"
)

// probe is a field that always has a value: what is missing of it was withheld.
type probe struct {
	typ, prefix, field string
	entity, group      policy.Object
	masks              bool
}

func probes() []probe {
	return []probe{
		{"Client", id.Client, "code", policy.OnClient, policy.ClientList, false}, {"Client", id.Client, "phone", policy.OnClient, policy.ClientStandard, true},
		{"Client", id.Client, "policyNote", policy.OnClient, policy.ClientDealings, false}, {"Client", id.Client, "creditNote", policy.OnClient, policy.ClientCredit, false},
		{"Contact", id.Contact, "phone", policy.OnClient, policy.ClientContacts, true},
		{"Contract", id.Contract, "number", policy.OnContract, policy.ContractSummary, false}, {"Contract", id.Contract, "currentRevision", policy.OnContract, policy.ContractTerms, false},
		{"Staff", id.Staff, "number", policy.OnStaff, policy.StaffDirectory, false}, {"Staff", id.Staff, "phone", policy.OnStaff, policy.StaffPersonnel, true},
		{"Department", id.Department, "name", policy.OnOrganisation, policy.OrganisationList, false},
		{"Account", id.Account, "login", policy.OnAccount, policy.AccountAdmin, false}, {"RoleBinding", id.RoleBinding, "validFrom", policy.OnPolicy, policy.PolicyRules, false},
		{"AccessGrant", id.Grant, "purpose", policy.OnGrant, policy.GrantAdmin, false},
		{"Original", id.Original, "title", policy.OnOriginal, policy.OriginalRegister, false}, {"OriginalVersion", id.OriginalVersion, "contentHash", policy.OnOriginal, policy.OriginalContent, false},
		{"File", id.File, "sha256", policy.OnOriginal, policy.OriginalContent, false},
		{"Borrowing", id.Borrowing, "purpose", policy.OnBorrowing, policy.BorrowingRegister, false},
		{"AccessRequest", id.AccessRequest, "purpose", policy.OnAccessRequest, policy.AccessRequestRegister, false}, {"ApprovalStep", id.ApprovalStep, "key", policy.OnApproval, policy.ApprovalSteps, false},
	}
}

// answered is what the product gave somebody at an instant.
type answered struct {
	at    time.Time
	who   int
	probe probe
	row   uuid.UUID
	got   string
}

// asked is what somebody is asked to read.
type asked struct {
	who   int
	probe probe
	row   uuid.UUID
}

// era is a town that is served, and moves through a random history.
type era struct {
	*town
	t      *testing.T
	url    string
	tokens []string
	random *rand.Rand
	hot    []asked   // what the last changes were about
	last   uuid.UUID // distribution that has not been ended
	ahead  time.Duration
	acts   map[string]int
}

// do writes as the application does, at the time of the world's clock.
func (x *era) do(sql string, args ...any) (n int64) {
	x.t.Helper()
	err := x.DB.InTx(x.t.Context(), x.auditor.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		tag, err := tx.Exec(ctx, strings.ReplaceAll(sql, "now()", "current_setting('app.now')::timestamptz"), append([]any{x.ID}, args...)...)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		x.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (x *era) now() (at time.Time) {
	x.t.Helper()
	err := x.DB.InTx(x.t.Context(), x.auditor.Session, func(_ context.Context, tx *tenancy.Tx) error { at = tx.Now(); return nil })
	if err != nil {
		x.t.Fatal(err)
	}
	return at
}

func (x *era) one(of []uuid.UUID) uuid.UUID { return of[x.random.IntN(len(of))] }

// remember asks for the fields of a type of row, by somebody, at the next moments.
func (x *era) remember(who int, typ string, row uuid.UUID) {
	for _, p := range probes() {
		if p.typ == typ && row != uuid.Nil {
			x.hot = append(x.hot, asked{who, p, row})
		}
	}
	x.hot = x.hot[max(0, len(x.hot)-24):]
}

// ids are those of a statement; none is one that there is not.
func (x *era) ids(sql string, args ...any) (out []uuid.UUID) {
	for _, s := range strings.Split(x.Text(sql, args...), ";") {
		if u, err := uuid.Parse(s); err == nil {
			out = append(out, u)
		}
	}
	if len(out) == 0 {
		return []uuid.UUID{uuid.Nil}
	}
	return out
}

const stamps = `, created_at, updated_at) VALUES (`

// changes are the ways in which rights come and go.
func (x *era) changes() map[string]func() {
	someone := func() int { return x.random.IntN(len(x.people)) }
	client := func() uuid.UUID { return x.one(x.rows["Client"]) }
	soon := func() time.Time { return x.now().Add(time.Duration(20+x.random.IntN(90)) * time.Minute) }
	maybe := func(at time.Time) any {
		if x.random.IntN(2) == 0 {
			return nil
		}
		return at
	}
	return map[string]func(){
		"bind": func() {
			i := someone()
			x.do(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, valid_until, created_at, updated_at) SELECT $1, $2, $3, id, now(), $5, now(), now() FROM roles WHERE tenant_id = $1 AND key = $4`,
				x.IDs.New(), x.people[i].Account, []string{"sales_manager", "region_manager", "ka_sales_rep", "list_reader", "hr_officer", "reviewer_legal"}[x.random.IntN(6)], maybe(soon()))
			x.remember(i, "Client", client())
		},
		"unbind": func() {
			i := someone()
			x.remember(i, "Client", client())
			x.do(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND id = (SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL LIMIT 1)`, x.people[i].Account)
		},
		"review": func() { // what nobody confirms has ended when it was due
			i := someone()
			x.do(`UPDATE role_bindings SET review_due_at = $3 WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL AND review_due_at IS NULL`, x.people[i].Account, soon())
			x.do(`UPDATE access_grants SET review_due_at = $3 WHERE tenant_id = $1 AND grantee_staff_id = $2 AND revoked_at IS NULL AND review_due_at IS NULL`, x.people[i].Staff, soon())
			x.remember(i, "Client", client())
		},
		"suspend": func() {
			i := someone()
			x.do(`UPDATE accounts SET state = CASE state WHEN 'active' THEN 'suspended' ELSE 'active' END WHERE tenant_id = $1 AND id = $2`, x.people[i].Account)
			x.remember(i, "Account", x.people[i].Account)
		},
		"rules": x.newVersion,
		"grant": func() {
			i, c := []int{9, 10, 5}[x.random.IntN(3)], client() // those whose roles read by grant
			x.do(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until`+stamps+`$1, $2, $3, $4, $5, 'x', now(), $6, now(), now())`,
				x.IDs.New(), x.people[i].Staff, c, 1+x.random.IntN(255), soon())
			x.remember(i, "Client", c)
		},
		"revoke": func() {
			x.do(`UPDATE access_grants SET revoked_at = now() WHERE tenant_id = $1 AND id = (SELECT id FROM access_grants WHERE tenant_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1)`)
		},
		"departments": func() {
			x.do(`UPDATE departments SET parent_id = CASE WHEN parent_id IS NULL THEN $3::uuid ELSE NULL END WHERE tenant_id = $1 AND id = $2`, []uuid.UUID{x.Section, x.Sibling}[x.random.IntN(2)], x.Department)
			x.remember(x.random.IntN(len(x.people)), "Client", x.one(x.ids(`SELECT id FROM clients WHERE tenant_id = $1 AND department_id IN ($2, $3)`, x.Section, x.Sibling)))
			x.remember(2, "Client", x.one(x.ids(`SELECT id FROM clients WHERE tenant_id = $1 AND department_id IN ($2, $3)`, x.Section, x.Sibling)))
		},
		"companies": func() {
			x.do(`UPDATE companies SET parent_id = CASE WHEN parent_id IS NULL THEN $3::uuid END WHERE tenant_id = $1 AND id = $2`, x.OtherCompany, x.Company)
			x.remember(16, "Client", x.one(x.ids(`SELECT id FROM clients WHERE tenant_id = $1 AND company_id = $2`, x.OtherCompany)))
		},
		"inheritance": func() {
			x.do(`UPDATE roles r SET parent_id = p.id FROM roles p, roles old WHERE r.tenant_id = $1 AND r.key = 'reviewer_legal' AND old.tenant_id = $1 AND old.id = r.parent_id
				AND p.tenant_id = $1 AND p.key = CASE old.key WHEN 'staff' THEN 'sales_manager' ELSE 'staff' END`)
			x.remember(12, "Client", client())
		},
		"team": func() {
			i, c := []int{5, 8, 15}[x.random.IntN(3)], client()
			if x.do(`UPDATE client_team_members SET valid_until = now() WHERE tenant_id = $1 AND id = (SELECT id FROM client_team_members WHERE tenant_id = $1 AND staff_id = $2 AND valid_until IS NULL AND valid_from < now() LIMIT 1)`, x.people[i].Staff) == 0 {
				x.do(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from`+stamps+`$1, $2, $3, $4, 'ENGINEER', now(), now(), now()) ON CONFLICT DO NOTHING`, x.IDs.New(), c, x.people[i].Staff)
			}
			x.remember(i, "Client", c)
			x.remember(i, "Contact", x.one(x.ids(`SELECT id FROM contacts WHERE tenant_id = $1 AND client_id = $2`, c)))
		},
		"distribution": func() { // the last one ends, or there is another
			if x.last != uuid.Nil {
				x.do(`UPDATE client_distributions SET valid_until = now() WHERE tenant_id = $1 AND id = $2`, x.last)
				x.last = uuid.Nil
				return
			}
			i := 6 + x.random.IntN(2)
			c := x.one(x.ids(`SELECT id FROM clients c WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM client_distributions d WHERE d.tenant_id = $1 AND d.client_id = c.id) ORDER BY id`))
			if c == uuid.Nil {
				return
			}
			x.last = x.IDs.New()
			x.do(`INSERT INTO client_distributions (tenant_id, id, client_id, department_id, valid_from`+stamps+`$1, $2, $3, (SELECT department_id FROM employments WHERE tenant_id = $1 AND staff_id = $4), now(), now(), now())`,
				x.last, c, x.people[i].Staff)
			x.remember(i, "Client", c)
		},
		"hand out": func() {
			o, i := x.one(x.rows["Original"]), []int{9, 10, 12, 16}[x.random.IntN(4)] // who see little else of originals
			u := x.ids(`SELECT client_id FROM originals WHERE tenant_id = $1 AND id = $2`, o)[0]
			v := x.ids(`SELECT id FROM original_versions WHERE tenant_id = $1 AND original_id = $2`, o)[0]
			x.do(`UPDATE borrowing_items SET ended_at = now() WHERE tenant_id = $1 AND original_id = $2 AND valid_from IS NOT NULL AND ended_at IS NULL`, o)
			loan := x.IDs.New()
			x.do(`INSERT INTO borrowings (tenant_id, id, client_id, borrower_staff_id, purpose, state, top_class, due_at`+stamps+`$1, $2, $3, $4, '核对', 'out', 3, $5, now(), now())`, loan, u, x.people[i].Staff, soon())
			x.do(`INSERT INTO borrowing_items (tenant_id, id, borrowing_id, original_id, original_version_id, borrower_staff_id, client_id, field_class, content_hash, valid_from, valid_until`+stamps+
				`$1, $2, $3, $4, $5, $6, $7, 3, decode(repeat('00', 32), 'hex'), now(), $8, now(), now())`, x.IDs.New(), loan, o, v, x.people[i].Staff, u, soon())
			x.rows["Borrowing"] = append(x.rows["Borrowing"], loan)
			x.remember(i, "OriginalVersion", v)
			x.remember(i, "Borrowing", loan)
		},
		"return": func() {
			x.do(`UPDATE borrowing_items SET ended_at = now() WHERE tenant_id = $1 AND id = (SELECT id FROM borrowing_items WHERE tenant_id = $1 AND ended_at IS NULL AND valid_from IS NOT NULL ORDER BY created_at DESC LIMIT 1)`)
		},
		"move a client": func() {
			c := client()
			x.do(`UPDATE clients SET department_id = d.id, company_id = d.company_id, owner_id = $4, grade = $5 FROM departments d WHERE clients.tenant_id = $1 AND clients.id = $2 AND d.tenant_id = $1 AND d.id = $3`,
				c, x.one(x.rows["Department"]), x.people[someone()].Staff, []any{nil, "VIP"}[x.random.IntN(2)])
			x.remember(someone(), "Client", c)
			x.remember(10, "Client", c)
		},
		"employment": func() {
			i := someone()
			x.do(`UPDATE employments SET department_id = d.id, company_id = d.company_id FROM departments d WHERE employments.tenant_id = $1 AND staff_id = $2 AND d.tenant_id = $1 AND d.id = $3`, x.people[i].Staff, x.one(x.rows["Department"]))
			x.remember(i, "Client", client())
			x.remember(i, "Contract", x.one(x.rows["Contract"]))
		},
		"class of an original": func() {
			o := x.one(x.rows["Original"])
			x.do(`UPDATE originals SET field_class = $3 WHERE tenant_id = $1 AND id = $2`, o, x.random.IntN(8))
			x.remember(2, "OriginalVersion", x.ids(`SELECT id FROM original_versions WHERE tenant_id = $1 AND original_id = $2`, o)[0])
			x.remember(0, "OriginalVersion", x.ids(`SELECT id FROM original_versions WHERE tenant_id = $1 AND original_id = $2`, o)[0])
		},
		"time": func() { // what ends by itself, ends
			x.ahead += time.Duration(10+x.random.IntN(60)) * time.Minute
			x.Clock.SetOffset(x.ahead)
		},
	}
}

// newVersion puts another policy in force: the rules but one, another one, and perhaps another class of a group.
func (x *era) newVersion() {
	u := x.IDs.New()
	x.do(`INSERT INTO policy_versions (tenant_id, id, number, base_number, state, reason, content_hash`+stamps+`$1, $2, (SELECT max(number) + 1 FROM policy_versions WHERE tenant_id = $1), 1, 'draft', 'x', decode(repeat('00', 32), 'hex'), now(), now())`, u)
	x.do(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, effect)
		SELECT $1, gen_random_uuid(), $2, r.seq, r.role_key, r.object, r.action, r.data_scope, r.class_mask, r.condition, r.effect FROM policy_rules r JOIN policy_versions v ON v.tenant_id = r.tenant_id AND v.id = r.policy_version_id
		WHERE r.tenant_id = $1 AND v.state = 'in_force' AND (r.object NOT LIKE 'c%' OR r.seq % 97 <> $3)`, u, x.random.IntN(97))
	add := func(role, object, action, scope string, mask int, condition, effect string) {
		x.do(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, effect)
			SELECT $1, gen_random_uuid(), $2, max(seq) + 1, $3, $4, $5, $6, $7, $8, $9 FROM policy_rules WHERE tenant_id = $1 AND policy_version_id = $2`, u, role, object, action, scope, mask, condition, effect)
	}
	pick := func(of ...string) string { return of[x.random.IntN(len(of))] }
	role := pick("ka_sales_rep", "ka_developer", "tech_engineer", "vip_officer", "finance_officer", "staff", "section_head")
	add("hr_officer", "client", "read", "COMPANY_TREE", 0, "", "allow")
	add("hr_officer", "client#list", "reveal", "COMPANY_TREE", 0, "", "allow")
	add("list_reader", "client#standard", "peek", "TENANT", 0, "", "allow")
	add("list_reader", "client#contacts", "peek", "TENANT", 0, "", "allow")
	add(role, pick("client#standard", "client#contacts", "client#credit"), pick("peek", "reveal"), pick("SELF", "CLIENT_TEAM", "DEPT", "DEPT_TREE", "COMPANY", "TENANT"), 0, pick("", "grade = VIP", "suspended = true"), pick("allow", "allow", "deny"))
	add(role, pick("client", "contract"), "read", pick("SELF", "DEPT", "COMPANY_TREE", "TENANT"), 0, "", pick("allow", "allow", "allow", "deny"))
	add(role, pick("original#content", "original#register"), pick("peek", "reveal"), pick("DEPT_TREE", "CLIENT_TEAM", "TENANT"), 0, pick("", "class <= 3"), "allow")
	if x.random.IntN(2) == 0 {
		x.do(`INSERT INTO policy_classes (tenant_id, id, policy_version_id, object, field_class) VALUES ($1, $2, $3, 'client#contacts', $4)`, x.IDs.New(), u, 3+x.random.IntN(2))
	}
	x.do(`UPDATE policy_versions SET state = 'superseded' WHERE tenant_id = $1 AND state = 'in_force'`)
	x.do(`UPDATE policy_versions SET state = 'in_force' WHERE tenant_id = $1 AND id = $2`, u)
	for _, i := range []int{8, 16, x.random.IntN(len(x.people))} {
		x.remember(i, "Client", x.one(x.rows["Client"]))
	}
}

// ask lets people read over the served product, and tells what they got.
func (x *era) ask(questions []asked) []string {
	x.t.Helper()
	out := make([]string, len(questions))
	by := map[int][]int{}
	for n, q := range questions {
		by[q.who] = append(by[q.who], n)
	}
	for who, mine := range by {
		var b strings.Builder
		for _, n := range mine {
			q := questions[n]
			fmt.Fprintf(&b, "a%d: node(id: %q) { ... on %s { v: %s } } ", n, id.Encode(q.probe.prefix, q.row), q.probe.typ, q.probe.field)
		}
		body, _ := json.Marshal(map[string]string{"query": "{ " + b.String() + "}"})
		r, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url, bytes.NewReader(body))
		if err != nil {
			x.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+x.tokens[who])
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			x.t.Fatal(err)
		}
		var got struct {
			Data   map[string]*struct{ V any }
			Errors []struct {
				Message    string
				Extensions struct{ Code string }
			}
		}
		err = json.NewDecoder(answer.Body).Decode(&got)
		answer.Body.Close()
		refused := len(got.Errors) > 0 && got.Errors[0].Extensions.Code == "UNAUTHENTICATED"
		if err != nil || len(got.Errors) > 0 && !refused {
			x.t.Fatalf("%s: %v %+v", body, err, got.Errors)
		}
		for _, n := range mine {
			switch row := got.Data[fmt.Sprint("a", n)]; {
			case row == nil:
				out[n] = absent
			case row.V == nil:
				out[n] = hidden
			case strings.Contains(fmt.Sprint(row.V), "****"):
				out[n] = masked
			default:
				out[n] = full
			}
		}
	}
	return out
}

// told is what explanations as of the instant say that it would have been.
func (x *era) told(a answered) (string, error) {
	may := func(object policy.Object, action policy.Action) (bool, error) {
		e, err := x.service.ExplainAccess(x.t.Context(), x.auditor.Session, policyadmin.Question{
			Staff: &x.people[a.who].Staff, Object: object, Action: action, About: &policyadmin.Object{Type: a.probe.typ, ID: a.row}, AsOf: &a.at,
		})
		return e.Allow, err
	}
	if yes, err := may(a.probe.entity, policy.Read); err != nil || !yes {
		return absent, err
	}
	if yes, err := may(a.probe.group, policy.Reveal); err != nil || yes {
		return full, err
	}
	if yes, err := may(a.probe.group, policy.Peek); err != nil || yes && a.probe.masks {
		return masked, err
	}
	return hidden, nil
}

// differ compares what was read then with what is told of then, and stops at most differences.
func (x *era) differ(history []answered, most int) (wrong []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := worker; n < len(history); n += 4 {
				a := history[n]
				got, err := x.told(a)
				mu.Lock()
				if err != nil || got != a.got {
					wrong = append(wrong, fmt.Sprintf("%s: %s.%s of %s at %s: read %s, told %s %v", x.people[a.who].Name, a.probe.typ, a.probe.field, a.row, a.at.Format("15:04:05.000000"), a.got, got, err))
				}
				enough := len(wrong) >= most
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	wg.Wait()
	return wrong
}

func newEra(t *testing.T) *era {
	x := &era{town: newTown(t), t: t, random: rand.New(rand.NewPCG(19, 49)), acts: map[string]int{}}
	x.url = served.Start(t, x.World, x.DB)
	for _, p := range x.people {
		token, _ := served.SignIn(t, x.Tenant, p.Account)
		x.tokens = append(x.tokens, token)
	}
	x.Exec(`UPDATE clients SET phone = '13812345678', policy_note = 'x', credit_note = 'x' WHERE tenant_id = $1`)
	x.Exec(`UPDATE staff SET phone = '13912345678' WHERE tenant_id = $1`)
	x.Exec(`INSERT INTO contacts (tenant_id, id, client_id, name, phone, created_at, updated_at) SELECT $1, gen_random_uuid(), id, '联系人', '13712345678', now(), now() FROM clients WHERE tenant_id = $1`)
	x.rows["Contact"] = x.ids(`SELECT id FROM contacts WHERE tenant_id = $1`)
	x.rows["OriginalVersion"] = x.ids(`SELECT id FROM original_versions WHERE tenant_id = $1`)
	return x
}

// At every moment of a random history people read over the served product. Explanations as of these moments say exactly what each of
// them was given, by other code than that which gave it; and forgetting the history of any one table is noticed.
func TestThePastIsExplainedAsItWasRead(t *testing.T) {
	t.Parallel()
	const moments, each = 48, 32
	x := newEra(t)
	changes, all := x.changes(), probes()
	names := []string{
		"bind", "unbind", "review", "suspend", "rules", "grant", "revoke", "departments", "companies", "inheritance", "team", "distribution", "hand out", "return", "move a client", "employment", "class of an original", "time",
	}
	if len(names) != len(changes) {
		t.Fatalf("%d of %d changes are made", len(names), len(changes))
	}
	var history []answered
	counts := map[string]int{}
	for moment := range moments {
		if moment%(len(names)/3) == 0 {
			x.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		}
		for n := range 3 {
			name := names[(moment*3+n)%len(names)]
			changes[name]()
			x.acts[name]++
		}
		x.rows["Account"] = x.ids(`SELECT id FROM accounts WHERE tenant_id = $1`)
		x.rows["RoleBinding"] = x.ids(`SELECT id FROM role_bindings WHERE tenant_id = $1`)
		x.rows["AccessGrant"] = x.ids(`SELECT id FROM access_grants WHERE tenant_id = $1`)
		questions := append([]asked{}, x.hot...)
		for len(questions) < each {
			p := all[x.random.IntN(len(all))]
			questions = append(questions, asked{x.random.IntN(len(x.people)), p, x.one(x.rows[p.typ])})
		}
		before := x.now()
		got := x.ask(questions)
		at := before.Add(x.now().Sub(before) / 2) // while they read
		for n, q := range questions {
			history = append(history, answered{at, q.who, q.probe, q.row, got[n]})
			counts[got[n]]++
		}
	}
	if wrong := x.differ(history, 20); len(wrong) > 0 {
		t.Fatalf("%d answers are told otherwise:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	t.Logf("%d readings at %d moments over %v: %v; changes %v", len(history), moments, x.ahead, counts, x.acts)
	for _, kind := range []string{absent, hidden, masked, full} {
		if counts[kind] < 10 {
			t.Errorf("the run shows little: %d times %s", counts[kind], kind)
		}
	}

	// The comparison can fail: moments are not interchangeable, and no table's history can be left out.
	other := append([]answered{}, history...)
	for n := range other {
		other[n].at = history[(n+len(history)/2)%len(history)].at
	}
	if len(x.differ(other, 1)) == 0 {
		t.Error("at other moments the same would have been read")
	}
	conn, err := pgx.Connect(t.Context(), x.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, table := range []string{
		"role_bindings", "accounts", "policy_versions", "access_grants", "departments", "companies", "roles", "client_team_members", "client_distributions", "borrowing_items", "clients", "employments", "originals",
	} {
		twin := table + "_history"
		exec(`CREATE TABLE kept AS SELECT * FROM ` + twin)
		exec(`DELETE FROM ` + twin)
		wrong := x.differ(history, 1)
		if len(wrong) == 0 {
			t.Errorf("without %s nothing is noticed", twin)
		} else {
			t.Logf("without %s: %s", twin, wrong[0])
		}
		exec(`INSERT INTO ` + twin + ` SELECT * FROM kept`)
		exec(`DROP TABLE kept`)
	}
	if wrong := x.differ(history[:64], 20); len(wrong) > 0 {
		t.Errorf("the histories did not come back: %v", wrong)
	}
}
