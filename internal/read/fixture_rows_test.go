package read

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// maker writes rows of one tenant.
type maker struct {
	w   *world
	m   *made
	rnd *rand.Rand
	n   int
}

func (k *maker) id() uuid.UUID {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(k.rnd.Uint32())
	}
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

func (k *maker) at() time.Time {
	k.n++
	return start.Add(time.Duration(k.n/3) * time.Minute) // three rows share an instant, so that ties are met
}

// insert writes a row; columns not given are left to the table.
func (k *maker) insert(table string, cols map[string]any) uuid.UUID {
	k.w.t.Helper()
	u, given := cols["id"].(uuid.UUID)
	if !given {
		u = k.id()
		cols["id"] = u
	}
	cols["tenant_id"] = k.m.id.UUID()
	names, holders, values := []string{}, []string{}, []any{}
	for c, v := range cols {
		names, values = append(names, c), append(values, v)
		holders = append(holders, fmt.Sprintf("$%d", len(values)))
	}
	k.exec("INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(holders, ", ")+")", values...)
	k.m.ids[table] = append(k.m.ids[table], u)
	return u
}

func (k *maker) exec(sql string, args ...any) {
	k.w.t.Helper()
	if _, err := k.w.conn.Exec(context.Background(), sql, args...); err != nil {
		k.w.t.Fatalf("%s: %v", sql, err)
	}
}

func (k *maker) clock(t time.Time) {
	k.exec(`SELECT set_config('app.now', $1, false)`, t.Format(time.RFC3339Nano))
}

func pick[T any](k *maker, xs ...T) T { return xs[k.rnd.IntN(len(xs))] }

// maybe is v or NULL.
func maybe(k *maker, v any) any {
	if k.rnd.IntN(3) == 0 {
		return nil
	}
	return v
}

func (w *world) makeTenant(seed uint64) *made {
	w.t.Helper()
	k := &maker{w: w, rnd: rand.New(rand.NewPCG(seed, 42)), m: &made{ids: map[string][]uuid.UUID{}, accountOf: map[uuid.UUID]uuid.UUID{}}}
	m := k.m
	m.id = tenancy.TenantID(k.id())
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	k.clock(start)
	k.exec(`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`, m.id.UUID(), fmt.Sprintf("tenant-%d", seed), "租户", start)
	k.exec(`INSERT INTO tenant_epochs (tenant_id) VALUES ($1)`, m.id.UUID())
	m.ids["tenants"] = []uuid.UUID{m.id.UUID()}
	stamp := func(c map[string]any) map[string]any {
		c["created_at"], c["updated_at"] = k.at(), k.at()
		return c
	}
	var companies []policy.OrgCompany
	var departments []policy.OrgDepartment
	var employments []policy.OrgEmployment
	for i := range 3 {
		var parent any
		c := policy.OrgCompany{}
		if i > 0 {
			c.Parent = m.ids["companies"][i-1]
			parent = c.Parent
		}
		c.ID = k.insert("companies", stamp(map[string]any{"name": fmt.Sprintf("公司%d \"x\"", i), "parent_id": parent, "legal_representative": maybe(k, "张三")}))
		companies = append(companies, c)
	}
	companyOf := map[uuid.UUID]uuid.UUID{}
	for i := range 8 {
		company := m.ids["companies"][i%3]
		d := policy.OrgDepartment{Company: company, Kind: "DEPARTMENT"}
		var parent any
		if i >= 3 && k.rnd.IntN(3) > 0 {
			d.Parent = m.ids["departments"][i-3]
			parent = d.Parent
		}
		d.ID = k.insert("departments", stamp(map[string]any{"company_id": company, "parent_id": parent, "kind": pick(k, "DEPARTMENT", "SECTION", "STORE"), "name": fmt.Sprintf("部门%d", i)}))
		companyOf[d.ID] = company
		departments = append(departments, d)
	}
	dept := func() uuid.UUID { return pick(k, m.ids["departments"]...) }
	for range 6 {
		k.insert("positions", stamp(map[string]any{"department_id": dept(), "title": pick(k, "经理", "专员"), "duties": "职责\n第二行", "state": pick(k, "draft", "in_force")}))
	}
	for i := range 12 {
		d := dept()
		var company, department any = companyOf[d], d
		if i == 11 {
			company, department = nil, nil
		}
		s := k.insert("staff", stamp(map[string]any{
			"number": fmt.Sprintf("N%03d", i), "name": pick(k, "王", "李", "赵", "钱") + pick(k, "伟", "芳", "娜"), "pinyin": "x",
			"phone": maybe(k, fmt.Sprintf("138%08d", i*7919)), "email": maybe(k, "a@example.com"), "hired_on": maybe(k, start.AddDate(-1, 0, i)),
			"state": pick(k, "active", "on_leave"), "company_id": company, "department_id": department,
		}))
		m.staff = append(m.staff, s)
		m.accountOf[s] = k.insert("accounts", stamp(map[string]any{"kind": "staff", "staff_id": s, "login": fmt.Sprintf("user%d", i), "display_name": "某"}))
		if department != nil {
			e := policy.OrgEmployment{Staff: s, Company: companyOf[d], Department: d, From: start.AddDate(0, 0, -9)}
			var superior any
			if i > 2 {
				e.Superior = m.staff[k.rnd.IntN(i)]
				superior = e.Superior
			}
			employments = append(employments, e)
			k.insert("employments", stamp(map[string]any{"staff_id": s, "company_id": e.Company, "department_id": d, "superior_id": superior, "valid_from": e.From, "position_id": maybe(k, m.ids["positions"][0])}))
		}
	}
	staff := func() uuid.UUID { return pick(k, m.staff...) }
	k.exec(`UPDATE departments SET head_id = $2 WHERE tenant_id = $1 AND id = $3`, m.id.UUID(), m.staff[0], m.ids["departments"][0])
	hash := make([]byte, 32)
	for i := range 14 {
		account := pick(k, m.ids["accounts"]...)
		hash = append([]byte(nil), hash...)
		hash[0], hash[1] = byte(i), byte(seed)
		k.insert("sessions", map[string]any{"account_id": account, "token_hash": hash, "user_agent": "ua", "created_at": k.at(), "last_seen_at": k.at(), "expires_at": start.AddDate(1, 0, 0)})
		k.insert("api_tokens", map[string]any{"account_id": account, "name": "t", "token_prefix": "clt_ab", "token_hash": hash, "created_at": k.at(), "expires_at": start.AddDate(1, 0, 0), "last_used_at": maybe(k, start)})
	}
	for i := range 4 {
		k.insert("roles", stamp(map[string]any{"key": fmt.Sprintf("role_%d", i), "name_zh": "角色", "name_en": "Role", "company_id": maybe(k, m.ids["companies"][0])}))
	}
	for range 15 {
		k.insert("role_bindings", stamp(map[string]any{
			"account_id": pick(k, m.ids["accounts"]...), "role_id": pick(k, m.ids["roles"]...), "company_id": maybe(k, m.ids["companies"][1]),
			"department_id": maybe(k, dept()), "valid_from": start, "review_due_at": maybe(k, start.AddDate(0, 6, 0)), "awaits_endorsement": k.rnd.IntN(4) == 0,
		}))
	}
	for i := range 3 {
		v := k.insert("policy_versions", stamp(map[string]any{"number": int64(i + 1), "state": []string{"superseded", "in_force", "draft"}[i], "reason": "r", "content_hash": hash}))
		for s := range 5 {
			k.insert("policy_rules", map[string]any{"policy_version_id": v, "seq": s + 1, "role_key": "staff", "object": "client", "action": "read", "data_scope": "TENANT", "effect": "allow"})
		}
		for s := range 3 {
			k.insert("policy_conflicts", map[string]any{"policy_version_id": v, "seq": s + 1, "key": fmt.Sprintf("key_%d", s), "action_a": "contract.submit", "action_b": "contract.return", "name_zh": "互斥", "name_en": "x"})
		}
		for _, group := range []string{"client#contacts", "client#dealings"} {
			k.insert("policy_classes", map[string]any{"policy_version_id": v, "object": group, "field_class": k.rnd.IntN(8)})
		}
		k.insert("policy_tests", stamp(map[string]any{
			"name": fmt.Sprintf("用例%d", i), "expectation": pick(k, "NEVER", "ALWAYS"), "role_key": "staff", "staff_id": maybe(k, staff()), "staff_department_id": maybe(k, dept()),
			"object": "client#credit", "action": "reveal", "row_company_id": maybe(k, m.ids["companies"][0]), "row_own": pick(k, "ANY", "OTHERS"),
		}))
	}
	k.makeArchive(stamp, companyOf, dept, staff)
	k.makeReviews(stamp, staff)
	k.makeHistory()
	var err error
	m.org, err = policy.NewOrg(m.id.UUID(), 1, companies, departments, employments)
	must(w.t, err)
	must(w.t, w.conn.QueryRow(context.Background(), `SELECT policy_version, org_version, revocation_version FROM tenant_epochs WHERE tenant_id = $1`, m.id.UUID()).
		Scan(&m.epochs.Policy, &m.epochs.Org, &m.epochs.Revocation))
	w.source.epochs[m.id] = m.epochs
	return m
}

func (k *maker) makeArchive(stamp func(map[string]any) map[string]any, companyOf map[uuid.UUID]uuid.UUID, dept, staff func() uuid.UUID) {
	m := k.m
	past, future := start.AddDate(-1, 0, 0), start.AddDate(20, 0, 0)
	for i := range 36 {
		d := dept()
		var minor, currency any
		if k.rnd.IntN(2) == 0 {
			minor, currency = int64(i)*1000, "CNY"
		}
		c := k.insert("clients", stamp(map[string]any{
			"company_id": companyOf[d], "department_id": d, "owner_id": maybe(k, staff()), "code": fmt.Sprintf("C%03d", i), "name": fmt.Sprintf("客户%d", i%7),
			"sort_key": pick(k, "kehu", "abc", ""), "region": maybe(k, pick(k, "华东", "华南")), "stage": pick(k, "prospect", "trading", "applied"), "suspended": k.rnd.IntN(4) == 0,
			"phone": maybe(k, fmt.Sprintf("010%08d", i)), "grade": maybe(k, pick(k, "VIP", "A", "B")), "important": k.rnd.IntN(3) == 0,
			"unified_credit_code": maybe(k, fmt.Sprintf("91%016d", i)), "acquisition": maybe(k, "GROUP"), "attitude": maybe(k, "好\t\"引号\""),
			"next_contact_on": maybe(k, start.AddDate(0, 0, i)), "credit_limit_minor": minor, "credit_limit_currency": currency, "credit_note": maybe(k, "n"),
		}))
		for _, kind := range []string{"KEY", "SUPPLIER", "DEALER"} {
			if k.rnd.IntN(2) == 0 {
				k.insert("client_kinds", map[string]any{"client_id": c, "kind": kind})
			}
		}
		for n := range k.rnd.IntN(3) {
			k.insert("client_former_names", map[string]any{"client_id": c, "name": fmt.Sprintf("旧名%d", n), "used_until": start})
		}
		seen := map[uuid.UUID]bool{}
		for range k.rnd.IntN(4) {
			s := staff()
			if !seen[s] {
				k.insert("client_team_members", stamp(map[string]any{"client_id": c, "staff_id": s, "duty": pick(k, "CO_OWNER", "ENGINEER"), "valid_from": past}))
			}
			seen[s] = true
		}
		if k.rnd.IntN(2) == 0 {
			k.insert("client_distributions", stamp(map[string]any{"client_id": c, "department_id": dept(), "valid_from": past}))
		}
		for n := range k.rnd.IntN(5) {
			k.insert("contacts", stamp(map[string]any{
				"client_id": c, "name": pick(k, "甲", "乙"), "title": maybe(k, "经理"), "phone": maybe(k, pick(k, "13812341234", "5551234", "110")), "email": maybe(k, "c@example.com"),
				"birthday": maybe(k, start.AddDate(-30, 0, n)), "is_primary": n == 1, "state": "active",
			}))
		}
		for range k.rnd.IntN(3) {
			k.insert("client_changes", map[string]any{
				"client_id": c, "field": "phone", "field_class": k.rnd.IntN(8), "old_value": maybe(k, "o"), "new_value": maybe(k, "n"), "source": "s",
				"reported_by": maybe(k, staff()), "recorded_at": k.at(),
			})
		}
		for _, term := range []string{"客户", "户" + fmt.Sprint(i%7), "1234"} {
			k.exec(`INSERT INTO client_search_terms (tenant_id, field_class, term, client_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, m.id.UUID(), pick(k, 0, 1, 2), term, c)
		}
		if k.rnd.IntN(2) == 0 {
			k.insert("access_grants", stamp(map[string]any{
				"grantee_staff_id": staff(), "client_id": c, "class_mask": 1 + k.rnd.IntN(255), "purpose": "p", "valid_from": past, "valid_until": pick(k, future, future, past.AddDate(0, 1, 0)),
				"review_due_at": pick[any](k, nil, nil, future, past),
			}))
		}
		k.makeCustody(c, stamp, staff)
		for range k.rnd.IntN(3) {
			d := dept()
			var minor, currency any
			if k.rnd.IntN(3) > 0 {
				minor, currency = int64(k.rnd.IntN(5))*1000, "CNY"
			}
			con := k.insert("contracts", stamp(map[string]any{
				"client_id": c, "company_id": companyOf[d], "department_id": d, "owner_id": maybe(k, staff()), "number": fmt.Sprintf("K%04d", k.n),
				"kind": pick(k, "SUPPLY", "SALES"), "title": "合同", "state": pick(k, "draft", "review", "effective"), "ends_on": maybe(k, start.AddDate(1, 0, 0)), "amount_minor": minor, "currency": currency,
			}))
			for s := range k.rnd.IntN(3) {
				k.insert("contract_revisions", map[string]any{"contract_id": con, "seq": s + 1, "terms": "条款", "content_hash": make([]byte, 32), "created_at": k.at(), "amount_minor": minor, "currency": currency})
				k.insert("contract_parties", stamp(map[string]any{"contract_id": con, "side": "THEIRS", "client_id": maybe(k, c), "name": "乙方"}))
				k.insert("obligations", stamp(map[string]any{"contract_id": con, "side": "OURS", "kind": "PAYMENT", "title": "付款", "due_on": start.AddDate(0, s%2, 0), "amount_minor": minor, "currency": currency}))
			}
		}
	}
	for i := range 20 {
		var subject any
		typ := pick(k, "Client", "Contract", "", "Nothing")
		switch typ {
		case "Client":
			subject = pick(k, m.ids["clients"]...)
		case "Contract":
			subject = pick(k, m.ids["contracts"]...)
		case "Nothing":
			subject = k.id()
		}
		k.insert("audit_records", map[string]any{
			"kind": pick(k, "change", "refusal", "sign_in"), "act": "client.open", "actor_kind": "staff", "actor_id": maybe(k, pick(k, m.ids["accounts"]...)),
			"object_type": typ, "object_id": subject, "detail": `{"a":[1,"二"]}`, "occurred_at": start.Add(time.Duration(i/2) * time.Hour),
		})
	}
}

// makeHistory changes and removes rows at later instants, so that asOf has something to tell.
func (k *maker) makeHistory() {
	t := k.m.id.UUID()
	k.m.instants = []time.Time{start.Add(-time.Hour), start}
	for i := range 4 {
		at := start.Add(time.Duration(i+1) * 24 * time.Hour)
		k.clock(at)
		for range 6 {
			k.exec(`UPDATE clients SET name = name || '+', owner_id = $3, sort_key = $4, version = version + 1 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["clients"]...), maybe(k, pick(k, k.m.staff...)), pick(k, "z", "abc"))
			k.exec(`UPDATE contacts SET phone = '13900001111', client_id = $3 WHERE tenant_id = $1 AND id = $2 AND NOT is_primary`, t, pick(k, k.m.ids["contacts"]...), pick(k, k.m.ids["clients"]...))
			k.exec(`UPDATE contracts SET state = 'expired', amount_minor = amount_minor + 1 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["contracts"]...))
			k.exec(`UPDATE originals SET title = title || '+', version_seq = version_seq + 1 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["originals"]...))
			k.exec(`UPDATE borrowings SET purpose = purpose || '+', due_at = due_at + interval '1 day' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["borrowings"]...))
			k.exec(`UPDATE borrowing_items SET condition = 'DAMAGED', version = version + 1 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["borrowing_items"]...))
			k.exec(`UPDATE approval_steps SET comment = COALESCE(comment, '') || '+', version = version + 1 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["approval_steps"]...))
			k.exec(`UPDATE access_requests SET purpose = purpose || '+', requester_staff_id = $3 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["access_requests"]...), pick(k, k.m.staff...))
			k.exec(`UPDATE files SET state = 'gone', scan_note = 'n' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["files"]...))
			k.exec(`UPDATE custody_incidents SET state = 'closed', closed_at = $3 WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["custody_incidents"]...), at)
			k.exec(`UPDATE policy_tests SET name = name || '+', state = 'retired' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["policy_tests"]...))
			k.exec(`UPDATE roles SET name_zh = name_zh || '+' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["roles"]...))
			k.exec(`UPDATE role_bindings SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL`, t, pick(k, k.m.ids["role_bindings"]...), at)
			k.exec(`UPDATE departments SET name = name || '+' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["departments"]...))
			k.exec(`UPDATE employments SET is_primary = NOT is_primary WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["employments"]...))
			k.exec(`DELETE FROM client_kinds WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.ids["client_kinds"]...))
			k.exec(`UPDATE staff SET name = name || '某' WHERE tenant_id = $1 AND id = $2`, t, pick(k, k.m.staff...))
		}
		k.m.instants = append(k.m.instants, at, at.Add(time.Hour))
	}
	k.clock(time.Now())
}
