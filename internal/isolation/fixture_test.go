package isolation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// side is one tenant with a row of every kind. Every text of its rows carries its mark.
type side struct {
	*world.Tenant
	mark   string
	person world.Person
	ids    map[string]uuid.UUID // of one row of each kind
	query  string
}

// foreignMark is the mark of the tenant whose things must not be seen. No id spells it by chance: its letters o, u and l are
// none of Crockford's.
const foreignMark = "ouloubeta"

// newSide makes a tenant in which one person may do everything there is to do.
func newSide(w *world.World, mark string) *side {
	s := &side{Tenant: w.Tenant(mark), mark: mark, ids: map[string]uuid.UUID{}}
	var objects, actions []string
	allow := func(o policy.Object, a policy.Action) {
		objects, actions = append(objects, string(o)), append(actions, string(a))
	}
	for _, e := range policy.Catalogue() {
		allow(e.Object, policy.Read)
		allow(e.Object, policy.Count)
		for _, g := range e.Groups {
			for _, a := range []policy.Action{policy.Peek, policy.Reveal, policy.Write, policy.Filter} {
				allow(g.Object, a)
			}
		}
		for _, a := range e.Acts {
			allow(e.Object, a.Action)
		}
	}
	s.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT $1, gen_random_uuid(), v.id, 10000 + n, 'general_manager', o, a, 'TENANT', 'allow'
		FROM policy_versions v, unnest($2::text[], $3::text[]) WITH ORDINALITY x (o, a, n) WHERE v.tenant_id = $1`, objects, actions)
	s.person = s.Person(s.Department, "general_manager")
	s.fill()
	return s
}

// add writes one row; $1 is the tenant, $2 the row's id, the rest follow. MARK stands for the mark.
func (s *side) add(kind, sql string, args ...any) uuid.UUID {
	id := s.IDs.New()
	s.Exec(strings.ReplaceAll(sql, "MARK", s.mark), append([]any{id}, args...)...)
	s.ids[kind] = id
	return id
}

func (s *side) fill() {
	const made, at = `created_at, updated_at)`, `now(), now())`
	s.ids["staff"], s.ids["department"], s.ids["company"] = s.Person(s.Department, "sales_manager").Staff, s.Department, s.Company
	s.Exec(`UPDATE staff SET phone = '139` + s.mark + `', email = '` + s.mark + `@example.com' WHERE tenant_id = $1`)
	s.add("staff without account", `INSERT INTO staff (tenant_id, id, number, name, company_id, department_id, `+made+` VALUES ($1, $2, 'MARK', 'MARK', $3, $4, `+at, s.Company, s.Department)
	s.add("company without anything", `INSERT INTO companies (tenant_id, id, name, `+made+` VALUES ($1, $2, 'MARK empty', `+at)
	s.add("department without anything", `INSERT INTO departments (tenant_id, id, company_id, kind, name, `+made+` VALUES ($1, $2, $3, 'SECTION', 'MARK empty', `+at, s.Company)
	s.add("position", `INSERT INTO positions (tenant_id, id, department_id, title, duties, `+made+` VALUES ($1, $2, $3, 'MARK', 'MARK', `+at, s.Department)
	client := s.add("client", `INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, region, address, phone, attitude, credit_note, credit_limit_minor, credit_limit_currency, `+made+`
		VALUES ($1, $2, $3, $4, $5, 'MARK', 'MARK', 'MARK', 'MARK', 'MARK', 'MARK', 'MARK', 424242, 'CNY', `+at, s.Company, s.Department, s.person.Staff)
	s.add("suspended client", `INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, suspended, `+made+`
		VALUES ($1, $2, $3, $4, $5, 'MARK2', 'MARK2', true, `+at, s.Company, s.Department, s.person.Staff)
	s.add("client kind", `INSERT INTO client_kinds (tenant_id, id, client_id, kind) VALUES ($1, $2, $3, 'KEY')`, client)
	s.add("team member", `INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, `+made+` VALUES ($1, $2, $3, $4, 'OWNER', now(), `+at, client, s.person.Staff)
	s.add("distribution", `INSERT INTO client_distributions (tenant_id, id, client_id, department_id, valid_from, `+made+` VALUES ($1, $2, $3, $4, now(), `+at, client, s.Section)
	s.add("contact", `INSERT INTO contacts (tenant_id, id, client_id, name, title, phone, email, `+made+` VALUES ($1, $2, $3, 'MARK', 'MARK', 'MARK', 'MARK', `+at, client)
	s.add("client change", `INSERT INTO client_changes (tenant_id, id, client_id, field, field_class, old_value, new_value, source, recorded_at) VALUES ($1, $2, $3, 'name', 0, 'MARK', 'MARK', 'MARK', now())`, client)
	contract := func(kind, state, number string) uuid.UUID {
		id := s.add(kind, `INSERT INTO contracts (tenant_id, id, client_id, company_id, department_id, owner_id, number, kind, title, state, starts_on, `+made+`
			VALUES ($1, $2, $3, $4, $5, $6, 'MARK' || $8, 'SALES', 'MARK', $7, '2026-01-01', `+at, client, s.Company, s.Department, s.person.Staff, state, number)
		s.add(kind+" revision", `INSERT INTO contract_revisions (tenant_id, id, contract_id, seq, terms, content_hash, change_note, created_at) VALUES ($1, $2, $3, 1, 'MARK', $4, 'MARK', now())`, id, hash(number))
		for i, party := range []string{"OURS", "THEIRS"} {
			s.add(fmt.Sprintf("%s party %d", kind, i), `INSERT INTO contract_parties (tenant_id, id, contract_id, side, company_id, client_id, name, `+made+`
				VALUES ($1, $2, $3, $4, CASE $4 WHEN 'OURS' THEN $5::uuid END, CASE $4 WHEN 'THEIRS' THEN $6::uuid END, 'MARK', `+at, id, party, s.Company, client)
		}
		return id
	}
	contract("contract", "draft", "1")
	contract("contract under review", "review", "2")
	contract("contract in force", "effective", "3")
	effective := contract("contract with obligation", "effective", "4")
	s.add("obligation", `INSERT INTO obligations (tenant_id, id, contract_id, side, kind, title, due_on, `+made+` VALUES ($1, $2, $3, 'OURS', 'DELIVERY', 'MARK', '2026-02-01', `+at, effective)
	other := s.Person(s.Section, "ka_sales_rep")
	account := s.add("app account", `INSERT INTO accounts (tenant_id, id, kind, login, display_name, `+made+` VALUES ($1, $2, 'app', 'app', 'MARK', `+at)
	s.ids["account"], s.ids["session"] = other.Account, other.Session.Actor.Credential
	s.add("suspended account", `INSERT INTO accounts (tenant_id, id, kind, login, display_name, state, `+made+` VALUES ($1, $2, 'app', 'app2', 'MARK', 'suspended', `+at)
	s.add("token", `INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, created_at, expires_at) VALUES ($1, $2, $3, 'MARK', 'x', $4, now(), now() + interval '1 day')`, account, hash("token"))
	s.add("binding", `INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, `+made+` SELECT $1, $2, $3, id, now() - interval '1 hour', now(), now() FROM roles WHERE tenant_id = $1 AND key = 'list_reader'`, other.Account)
	s.add("waiting binding", `INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, awaits_endorsement, `+made+` SELECT $1, $2, $3, id, now() - interval '1 hour', true, now(), now() FROM roles WHERE tenant_id = $1 AND key = 'vip_officer'`, other.Account)
	s.add("policy test", `INSERT INTO policy_tests (tenant_id, id, name, expectation, role_key, object, action, `+made+` VALUES ($1, $2, 'MARK', 'NEVER', 'branch_reporter', 'policy', 'policy.publish', `+at)
	s.Exec(`INSERT INTO policy_conflicts (tenant_id, id, policy_version_id, seq, key, action_a, action_b, name_zh, name_en)
		SELECT $1, $2, id, 100, 'marked', 'contract.terminate', 'price.request', '`+s.mark+`', '`+s.mark+`' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`, s.IDs.New())
	s.add("grant", `INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, `+made+` VALUES ($1, $2, $3, $4, 1, 'MARK', now(), now() + interval '1 day', `+at, other.Staff, client)
	s.ids["grantee"] = other.Staff
	review := s.add("review", `INSERT INTO access_reviews (tenant_id, id, period, due_at, `+made+` VALUES ($1, $2, '2030-H1', now() + interval '30 days', `+at)
	s.add("review item", `INSERT INTO access_review_items (tenant_id, id, review_id, kind, binding_id, holder_account_id, holder_staff_id, reviewer_staff_id, `+made+`
		VALUES ($1, $2, $3, 'BINDING', $4, $5, $6, $7, `+at, review, s.ids["binding"], other.Account, other.Staff, s.person.Staff)
	s.fillCustody(client)
	s.add("role without holder", `INSERT INTO roles (tenant_id, id, key, name_zh, name_en, `+made+` VALUES ($1, $2, 'without_holder', 'MARK', 'MARK', `+at)
	s.addVersion("draft of somebody else", 2, "draft", other.Account)
	s.addVersion("older version", 3, "superseded", other.Account)
	for _, names := range []string{"staff SET name", "departments SET name", "accounts SET display_name"} {
		s.Exec(`UPDATE ` + names + ` = '` + s.mark + ` one' WHERE tenant_id = $1`)
	}
}

// prepare takes out of the way what stands against one act because another needs it.
func (s *side) prepare(act string) {
	switch strings.ToLower(act) {
	case "accessreviewopen":
		s.Exec(`UPDATE access_reviews SET state = 'closed' WHERE tenant_id = $1`)
	case "accessreviewdecide", "accessreviewreassign": // whoever may open reviews stands in, while the review runs
		s.Exec(`UPDATE access_reviews SET state = 'closed', closed_at = now() WHERE tenant_id = $1 AND id <> $2`, s.ids["review"])
		s.Exec(`UPDATE access_reviews SET state = 'open', closed_at = NULL WHERE tenant_id = $1 AND id = $2`, s.ids["review"])
		s.Exec(`UPDATE access_review_items SET reviewer_staff_id = NULL, decision = NULL, decided_at = NULL, decided_by = NULL WHERE tenant_id = $1`)
	case "accessreviewclose":
		s.Exec(`UPDATE access_review_items SET decision = 'LAPSED', decided_at = now() WHERE tenant_id = $1`)
		s.Exec(`UPDATE access_reviews SET created_at = now() - interval '1 year' WHERE tenant_id = $1`) // when none of the bindings were there
	}
}

// addVersion adds a policy version with the shipped rules and what nobody may be left without.
func (s *side) addVersion(kind string, number int, state string, author uuid.UUID) {
	rules := policy.ShippedRules()
	for _, a := range []policy.Action{policy.PolicyWrite, policy.RoleBind} {
		rules = append(rules, policy.Rule{Seq: len(rules) + 1, Role: "general_manager", Object: policy.OnPolicy, Action: a, Scope: policy.Tenant, Effect: policy.Allow})
	}
	version := s.add(kind, `INSERT INTO policy_versions (tenant_id, id, number, base_number, state, reason, content_hash, author_id, created_at, updated_at)
		VALUES ($1, $2, $3, 1, $4, 'MARK', $5, $6, now(), now())`, number, state, identity.VersionHash(rules, nil), author)
	columns := make([][]string, 7)
	for _, r := range rules {
		for i, v := range []string{r.Role, string(r.Object), string(r.Action), r.Scope.String(), fmt.Sprint(uint16(r.Classes)), r.Condition, r.Clause} {
			columns[i] = append(columns[i], v)
		}
	}
	s.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, clause, effect)
		SELECT $1, gen_random_uuid(), $2, n, r, o, a, s, c::int, w, l, 'allow'
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) WITH ORDINALITY x (r, o, a, s, c, w, l, n)`,
		version, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6])
}

func hash(text string) []byte {
	h := sha256.Sum256([]byte(text))
	return h[:]
}

// everything is a hash over all rows of the tenant in all tables.
func (s *side) everything() string { return s.Text(s.hashes()) }

// everythingIn is the same as seen in a transaction that has not ended.
func (s *side) everythingIn(tx pgx.Tx) string {
	rows, err := tx.Query(context.Background(), s.hashes(), s.ID)
	if err != nil {
		return err.Error()
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines, ";")
}

func (s *side) hashes() string {
	if s.query == "" {
		tables := s.Text(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version' AND $1::uuid IS NOT NULL ORDER BY 1`)
		var parts []string
		for _, table := range strings.Split(tables, ";") {
			parts = append(parts, `SELECT '`+table+` ' || count(*) || ' ' || md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM `+table+` r WHERE tenant_id = $1`)
		}
		s.query = strings.Join(parts, " UNION ALL ") + " ORDER BY 1"
	}
	return s.query
}
