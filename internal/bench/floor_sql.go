package main

import "strings"

// queries are the statements of one role, with its rights written into them by hand. $1 is the tenant and $2 what is asked
// for; $3 is, for the roles that need it, the person or the departments.
type queries struct {
	scoped                                              bool // $3 is given
	client, contacts, contracts, obligations            string
	page, pageContacts, pageContracts, list, count, row string
}

const (
	now      = `(SELECT current_setting('app.now')::timestamptz)`
	lent     = `g.tenant_id = $1 AND g.grantee_staff_id = $3 AND g.valid_from <= ` + now + ` AND g.valid_until > ` + now + ` AND g.revoked_at IS NULL`
	member   = `m.tenant_id = $1 AND m.staff_id = $3 AND m.valid_from <= ` + now + ` AND (m.valid_until IS NULL OR m.valid_until > ` + now + `)`
	isMember = `EXISTS (SELECT FROM client_team_members m WHERE ` + member + ` AND m.client_id = `
	isLent   = `EXISTS (SELECT FROM access_grants g WHERE ` + lent + ` AND g.client_id = `
	isKey    = `EXISTS (SELECT FROM client_kinds k WHERE k.tenant_id = $1 AND k.kind = 'KEY' AND k.client_id = `
)

func allQueries() map[string]*queries {
	return map[string]*queries{
		"general_manager": newQueries(false, `TRUE`, `TRUE`, `TRUE`, ``),
		"ka_sales_rep": newQueries(true, `(`+isMember+`c.id) OR `+isLent+`c.id))`, `(`+isMember+`c.id) OR t.owner_id = $3 OR `+isLent+`c.id))`, `(t.owner_id = $3 OR `+isLent+`c.id))`,
			`c.id = ANY(ARRAY(SELECT m.client_id FROM client_team_members m WHERE `+member+` UNION SELECT g.client_id FROM access_grants g WHERE `+lent+`))`),
		"kam_manager": newQueries(true, `(c.department_id = ANY($3) OR `+isKey+`c.id))`, `(t.department_id = ANY($3) OR `+isKey+`c.id))`, `TRUE`, ``),
	}
}

// newQueries writes the statements. client, contract and terms are the conditions of seeing a client c and, of a contract t
// of the client c, the row and its amount; among finds the clients of a list where that is not by the condition itself.
func newQueries(scoped bool, client, contract, terms, among string) *queries {
	if among == "" {
		among = client
	}
	amount := func(of string) string {
		if terms == "TRUE" {
			return of + `.amount_minor, ` + of + `.currency`
		}
		return `CASE WHEN ` + terms + ` THEN ` + of + `.amount_minor END, CASE WHEN ` + terms + ` THEN ` + of + `.currency END`
	}
	const ofGrade = `c.grade = $2 AND c.stage = 'trading' AND `
	q := &queries{
		scoped: scoped,
		client: `SELECT c.id, c.code, c.name, ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = c.id ORDER BY k.kind COLLATE "C"),
			c.stage, c.grade, c.region, c.address, c.phone, c.updated_at, s.id, s.name
			FROM clients c LEFT JOIN staff s ON s.tenant_id = $1 AND s.id = c.owner_id WHERE c.tenant_id = $1 AND c.id = $2 AND ` + client,
		contacts: `SELECT p.id, p.name, p.title, p.phone, p.email, p.is_primary FROM clients c JOIN contacts p ON p.tenant_id = $1 AND p.client_id = c.id
			WHERE c.tenant_id = $1 AND c.id = $2 AND ` + client + ` ORDER BY p.is_primary DESC, p.id LIMIT 10`,
		contracts: `SELECT t.id, t.number, t.title, t.state, t.starts_on, t.ends_on, ` + amount("t") + ` FROM clients c JOIN contracts t ON t.tenant_id = $1 AND t.client_id = c.id
			WHERE c.tenant_id = $1 AND c.id = $2 AND ` + contract + ` ORDER BY t.created_at DESC, t.id DESC LIMIT 10`,
		obligations: `SELECT o.contract_id, o.id, o.title, o.due_on, o.state, ` + amount("o") + ` FROM clients c JOIN contracts t ON t.tenant_id = $1 AND t.client_id = c.id
			CROSS JOIN LATERAL (SELECT o.* FROM obligations o WHERE o.tenant_id = $1 AND o.contract_id = t.id ORDER BY o.due_on, o.id LIMIT 10) o
			WHERE c.tenant_id = $1 AND c.id = $2 AND ` + contract + ` ORDER BY o.contract_id, o.due_on, o.id`,
		page: `SELECT c.id, c.code, c.name, c.grade, c.stage, c.updated_at, s.id, s.name FROM
			(SELECT * FROM clients c WHERE c.tenant_id = $1 AND ` + shift(among) + ` ORDER BY c.updated_at DESC, c.id DESC LIMIT 51) c
			LEFT JOIN staff s ON s.tenant_id = $1 AND s.id = c.owner_id ORDER BY c.updated_at DESC, c.id DESC`,
		pageContacts: `SELECT i.o, p.id, p.name, p.phone, p.is_primary FROM unnest($2::uuid[]) WITH ORDINALITY i(id, o)
			CROSS JOIN LATERAL (SELECT * FROM contacts p WHERE p.tenant_id = $1 AND p.client_id = i.id ORDER BY p.is_primary DESC, p.id LIMIT 3) p ORDER BY i.o, p.is_primary DESC, p.id`,
		pageContracts: `SELECT i.o, t.id, t.number, t.title, t.state, ` + amount("t") + ` FROM unnest($2::uuid[]) WITH ORDINALITY i(id, o) CROSS JOIN LATERAL
			(SELECT t.*, c.id AS of FROM contracts t JOIN clients c ON c.tenant_id = $1 AND c.id = t.client_id WHERE t.tenant_id = $1 AND t.client_id = i.id AND ` + contract + `
			ORDER BY t.created_at DESC, t.id DESC LIMIT 2) t ORDER BY i.o, t.created_at DESC, t.id DESC`,
		list: `SELECT c.id, c.code, c.name, c.grade, c.stage, c.region, c.updated_at, s.id, s.name FROM
			(SELECT * FROM clients c WHERE c.tenant_id = $1 AND ` + ofGrade + among + ` ORDER BY c.sort_key, c.id LIMIT 21) c
			LEFT JOIN staff s ON s.tenant_id = $1 AND s.id = c.owner_id ORDER BY c.sort_key, c.id`,
		count: `SELECT count(*) FROM (SELECT 1 FROM clients c WHERE c.tenant_id = $1 AND ` + ofGrade + among + ` LIMIT 1001) z`,
		row:   `SELECT ` + client + ` FROM clients c WHERE c.tenant_id = $1 AND c.id = $2`,
	}
	// in the page the client's id is i.id, and nothing is asked for but the rows that were found
	q.pageContracts = strings.ReplaceAll(q.pageContracts, amount("t"), strings.ReplaceAll(amount("t"), "c.id", "t.of"))
	return q
}

// shift makes $3 the second parameter, for statements that have no $2.
func shift(condition string) string { return strings.ReplaceAll(condition, "$3", "$2") }
