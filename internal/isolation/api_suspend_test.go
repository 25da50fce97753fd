package isolation

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/testkit/world"
)

// Somebody with every kind of access is suspended: nothing is left of it, and nothing comes back with the account.
func TestASuspendedAccountReachesNothing(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a := newSide(w, "alpha")
	e := serveOn(t, w, w.DB)
	admin := a.caller(t)
	p := a.Person(a.Department, "ka_sales_rep", "sales_manager")
	const made, at = `created_at, updated_at)`, `now(), now())`
	client := func(kind, owner string, dept any) string {
		return id.Encode(id.Client, a.add(kind, `INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, `+made+`
			SELECT $1, $2, d.company_id, d.id, `+owner+`, '`+kind+`', '`+kind+`', now(), now() FROM departments d WHERE d.tenant_id = $1 AND d.id = $4 AND ($3::uuid IS NOT NULL)`, p.Staff, dept))
	}
	own, teamed, granted := client("own", "$3", a.Department), client("teamed", "NULL", a.OtherDepartment), client("granted", "NULL", a.OtherDepartment)
	a.Exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, `+made+` VALUES ($1, gen_random_uuid(), $2, $3, 'CO_OWNER', now(), `+at, a.ids["teamed"], p.Staff)
	grant := a.add("his grant", `INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, `+made+`
		VALUES ($1, $2, $3, $4, 63, 'MARK', now(), now() + interval '9 days', `+at, p.Staff, a.ids["granted"])
	original := a.add("his original", `INSERT INTO originals (tenant_id, id, client_id, kind, title, field_class, provenance, custodian_staff_id, state, version_seq, `+made+`
		VALUES ($1, $2, $3, 'CREDIT', 'MARK', 4, 'MARK', $4, 'out', 1, `+at, a.ids["granted"], a.person.Staff)
	version := a.add("its version", `INSERT INTO original_versions (tenant_id, id, original_id, seq, content_hash, filed_at) VALUES ($1, $2, $3, 1, $4, now())`, original, hash("x"))
	borrowing := a.add("his borrowing", `INSERT INTO borrowings (tenant_id, id, client_id, borrower_staff_id, purpose, state, top_class, due_at, out_at, `+made+`
		VALUES ($1, $2, $3, $4, 'MARK', 'out', 4, now() + interval '9 days', now(), `+at, a.ids["granted"], p.Staff)
	a.add("its item", `INSERT INTO borrowing_items (tenant_id, id, borrowing_id, original_id, original_version_id, borrower_staff_id, client_id, field_class, content_hash, valid_from, valid_until, `+made+`
		VALUES ($1, $2, $3, $4, $5, $6, $7, 4, $8, now(), now() + interval '9 days', `+at, borrowing, original, version, p.Staff, a.ids["granted"], hash("x"))
	request := a.add("his request", `INSERT INTO access_requests (tenant_id, id, requester_staff_id, client_id, class_mask, purpose, wanted_from, wanted_until, `+made+`
		VALUES ($1, $2, $3, $4, 16, 'MARK', now(), now() + interval '9 days', `+at, p.Staff, a.ids["granted"])
	a.Exec(`INSERT INTO approval_steps (tenant_id, id, subject_type, subject_id, client_id, seq, key, state, requester_staff_id, `+made+`
		VALUES ($1, gen_random_uuid(), 'ACCESS_REQUEST', $2, $3, 1, 'department_head', 'active', $4, `+at, request, a.ids["granted"], p.Staff)

	session, _ := a.signIn(t, p.Account)
	token, tokenHash, _, err := credential.New(credential.APIToken, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokenID := a.add("his token", `INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, created_at, expires_at) VALUES ($1, $2, $3, 'MARK', 'x', $4, now(), now() + interval '1 day')`, p.Account, tokenHash)
	a.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'token', $3)`, tokenHash, tokenID)
	read := func(bearer, client string) bool {
		return strings.Contains(e.ask(bearer, `query ($id: ID!) { client(id: $id) { id name } }`, map[string]any{"id": client}).body, `"name"`)
	}
	for _, bearer := range []string{session, token} {
		for _, c := range []string{own, teamed, granted} {
			if !read(bearer, c) {
				t.Fatalf("%s is not readable before", c)
			}
		}
	}
	conn := e.socket(session)
	opened := mutation(t, w, "clientOpen", a)
	const open = `mutation ($input: ClientOpenInput!, $key: String!) { clientOpen(input: $input, idempotencyKey: $key) { client { id } userErrors { code field reason message } } }`
	act := map[string]any{"input": opened.input(), "key": "a-key-that-is-used-again"}
	if r := e.ask(session, open, act); !strings.Contains(r.body, `"userErrors":[]`) {
		t.Fatal(r)
	}
	staff := id.Encode(id.Staff, p.Staff)
	const preview = `query ($id: ID!) { reachPreview(staffId: $id) { rows counts { type object action rows } } }`
	if r := e.ask(admin, preview, map[string]any{"id": staff}); !strings.Contains(r.body, `"type":"Client","object":"client","action":"read","rows":"`) {
		t.Errorf("preview before: %s", r)
	}
	if r := e.ask(session, preview, map[string]any{"id": staff}); !strings.Contains(r.body, `"code":"FORBIDDEN"`) {
		t.Errorf("preview by somebody without the right: %s", r)
	}

	const suspend = `mutation ($input: AccountSuspendInput!, $key: String!) { accountSuspend(input: $input, idempotencyKey: $key) { account { state } reachableRows userErrors { code } } }`
	in := map[string]any{"input": map[string]any{"accountId": id.Encode(id.Account, p.Account), "expectedVersion": "1", "reason": "离职"}, "key": w.Key()}
	for range 2 { // a replay says so too
		if r := e.ask(admin, suspend, in); !strings.Contains(r.body, `"reachableRows":"0","userErrors":[]`) {
			t.Fatal(r)
		}
	}
	if code := closed(t, conn); code != 4403 {
		t.Errorf("the socket ended with %d", code)
	}
	refused := func(when string, bearers ...string) {
		t.Helper()
		for _, bearer := range bearers {
			for _, r := range []reply{e.ask(bearer, `{ viewer { account { id } } }`, nil), e.ask(bearer, open, act)} {
				if !strings.Contains(r.body, `"code":"UNAUTHENTICATED"`) {
					t.Errorf("%s: %s", when, r)
				}
			}
		}
	}
	refused("suspended", session, token)
	if r := e.ask(admin, preview, map[string]any{"id": staff}); !strings.Contains(r.body, `"rows":"0","counts":[]`) {
		t.Errorf("preview after: %s", r)
	}
	const left = `SELECT (SELECT count(*) FROM sessions WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL), (SELECT count(*) FROM api_tokens WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL),
		(SELECT revoked_at IS NULL FROM access_grants WHERE tenant_id = $1 AND id = $4), (SELECT state FROM borrowings WHERE tenant_id = $1 AND id = $5),
		(SELECT count(*) FROM borrowing_items WHERE tenant_id = $1 AND borrower_staff_id = $3 AND ended_at IS NULL), (SELECT state FROM access_requests WHERE tenant_id = $1 AND id = $6),
		(SELECT state FROM approval_steps WHERE tenant_id = $1 AND subject_id = $6)`
	const nothing = "0|0|false|revoked|0|withdrawn|void"
	if got := a.Text(left, p.Account, p.Staff, grant, borrowing, request); got != nothing {
		t.Errorf("left: %s", got)
	}
	if got := a.Text(`SELECT detail->'changes' @> '[{"field": "reachableRows", "new": 0}]' AND detail->'changes' @> '[{"field": "borrowings"}]' FROM audit_records WHERE tenant_id = $1 AND act = 'account.suspend' AND object_id = $2`, p.Account); got != "true" {
		t.Errorf("audited: %s", got)
	}

	const reinstate = `mutation ($input: AccountReinstateInput!, $key: String!) { accountReinstate(input: $input, idempotencyKey: $key) { userErrors { code } } }`
	in = map[string]any{"input": map[string]any{"accountId": id.Encode(id.Account, p.Account), "expectedVersion": "2", "reason": "返岗"}, "key": w.Key()}
	if r := e.ask(admin, reinstate, in); !strings.Contains(r.body, `"userErrors":[]`) {
		t.Fatal(r)
	}
	refused("reinstated", session, token)
	if got := a.Text(left, p.Account, p.Staff, grant, borrowing, request); got != nothing {
		t.Errorf("came back: %s", got)
	}
	again, _ := a.signIn(t, p.Account)
	if !read(again, own) || !read(again, teamed) || read(again, granted) {
		t.Error("after a reinstatement he reads his own and his team's, and not what was granted")
	}
}
