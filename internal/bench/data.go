package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/policy"
)

// Kinds of rows; they stand in the made ids.
const (
	ofTenant = iota
	ofCompany
	ofDepartment
	ofStaff
	ofEmployment
	ofAccount
	ofRole
	ofPolicy
	ofBinding
	ofSession
	ofGrant
	ofClient
	ofKind
	ofTeam
	ofContact
	ofContract
	ofObligation
)

// rowID is the id of a made row; made_id in SQL gives the same.
func rowID(tenant, kind int, n int64) (u uuid.UUID) {
	binary.BigEndian.PutUint32(u[0:], uint32(tenant))
	binary.BigEndian.PutUint16(u[4:], uint16(kind))
	binary.BigEndian.PutUint64(u[8:], uint64(n)&0xffffffffffff|0x8000<<48)
	u[6] = 0x70
	return u
}

const madeID = `CREATE FUNCTION pg_temp.made_id(tenant int, kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
	$$ SELECT (lpad(to_hex(tenant), 8, '0') || lpad(to_hex(kind), 4, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid $$`

// The organisation: department 1 is the key-account department, 2 to 9 are sections below it, 10 to 25 stand beside it.
const (
	departments = 25
	sections    = 8
	perOwner    = 100 // clients of one owner; a second member is on the team of every other one
)

// role is one of the actors that requests are sent as.
type role struct {
	key   string // of the shipped role
	title string
	staff int64 // beyond the owners when it owns nothing
	token string
}

func roles(clients int) []role {
	owners := ownersOf(clients)
	out := []role{
		{key: "general_manager", title: "general_manager, whole tenant", staff: owners + 1},
		{key: "ka_sales_rep", title: "ka_sales_rep, client team", staff: 1},
		{key: "kam_manager", title: "kam_manager, subtree and KEY", staff: owners + 2},
	}
	source := rand.NewChaCha8(sha256.Sum256([]byte("bench tokens")))
	for i := range out {
		out[i].token, _, _, _ = credential.New(credential.Session, source) // the source cannot fail
	}
	return out
}

func ownersOf(clients int) int64 { return int64(max(clients/perOwner, 2)) }

const madeAt = `timestamptz '2026-01-01' `

// dept is the department of an owner.
func dept(staff string) string {
	return `pg_temp.made_id({t}, 2, 1 + ` + staff + ` % ` + fmt.Sprint(departments) + `)`
}

// peopleRows are the tenant, its organisation and its people, by one statement each: {t} is the tenant's number, {o} owners.
func peopleRows() []string {
	return []string{
		`INSERT INTO tenants (tenant_id, slug, name, created_at, updated_at) SELECT pg_temp.made_id({t}, 0, 1), 'bench-' || {t}, '租户' || {t}, ` + madeAt + `, ` + madeAt + ``,
		`INSERT INTO tenant_epochs (tenant_id) SELECT pg_temp.made_id({t}, 0, 1)`,
		`INSERT INTO tenant_counters (tenant_id) SELECT pg_temp.made_id({t}, 0, 1)`,
		`INSERT INTO companies (tenant_id, id, name, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 1, 1), '总公司', ` + madeAt + `, ` + madeAt + `, ` + madeAt + ``,
		`INSERT INTO departments (tenant_id, id, company_id, parent_id, kind, name, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 2, d), pg_temp.made_id({t}, 1, 1), CASE WHEN d BETWEEN 2 AND ` + fmt.Sprint(1+sections) + ` THEN pg_temp.made_id({t}, 2, 1) END,
			CASE WHEN d BETWEEN 2 AND ` + fmt.Sprint(1+sections) + ` THEN 'SECTION' ELSE 'DEPARTMENT' END, '部门' || d, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `
			FROM generate_series(1, ` + fmt.Sprint(departments) + `) d`,
		// the two beyond the owners sit in the key-account department
		`INSERT INTO staff (tenant_id, id, number, name, company_id, department_id, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 3, s), 'S' || s, '员工' || s, pg_temp.made_id({t}, 1, 1),
			CASE WHEN s > {o} THEN pg_temp.made_id({t}, 2, 1) ELSE ` + dept("s") + ` END, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `
			FROM generate_series(1, {o} + 2) s`,
		`INSERT INTO employments (tenant_id, id, staff_id, company_id, department_id, valid_from, created_at, updated_at, recorded_from)
			SELECT tenant_id, pg_temp.made_id({t}, 4, ('x' || right(id::text, 12))::bit(48)::bigint), id, company_id, department_id, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `
			FROM staff WHERE tenant_id = pg_temp.made_id({t}, 0, 1)`,
	}
}

// archiveRows are its clients with all that belongs to them: {n} of them. i numbers clients from 1; h scatters.
func archiveRows() []string {
	const (
		h     = `(i * 2654435761 % 4294967296)`
		owner = `(1 + i % {o})`
	)
	return []string{
		`INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, sort_key, region, stage, legal_representative, address, postcode, phone,
			business_scope, registered_capital_minor, registered_capital_currency, grade, important, policy_note, attitude, credit_limit_minor, credit_limit_currency,
			created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 11, i), pg_temp.made_id({t}, 1, 1), ` + dept(owner) + `, pg_temp.made_id({t}, 3, ` + owner + `),
			'KH' || lpad(i::text, 8, '0'), '华东' || i || '工业设备有限公司', 'huadong' || lpad((i * 104729 % {n})::text, 8, '0') || 'gongyeshebei', '地区' || i % 10,
			(ARRAY['trading', 'prospect', 'developing', 'recognised'])[1 + ` + h + ` / 4096 % 4], '法人' || i, '上海市浦东新区张江路' || i || '号', '200000',
			'021' || lpad((i % 100000000)::text, 8, '0'), '工业设备、仪器仪表的销售与服务', i * 100000, 'CNY',
			(ARRAY['VIP', 'A', 'B', 'C'])[1 + ` + h + ` / 256 % 4], i % 7 = 0, '按季度回访', '合作意愿强', i * 1000, 'CNY',
			` + madeAt + `+ i * interval '1 second', ` + madeAt + `+ (i * 7919 % {n}) * interval '1 second', ` + madeAt + ` FROM generate_series(1, {n}) i`,
		`INSERT INTO client_kinds (tenant_id, id, client_id, kind, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 12, i), pg_temp.made_id({t}, 11, i), (ARRAY['KEY', 'SUPPLIER', 'DEALER', 'SUPPLIER', 'DEALER'])[1 + ` + h + ` / 65536 % 5], ` + madeAt + `
			FROM generate_series(1, {n}) i`,
		`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 13, i * 2 + k), pg_temp.made_id({t}, 11, i), pg_temp.made_id({t}, 3, 1 + (i + k) % {o}),
			CASE k WHEN 0 THEN 'OWNER' ELSE 'CO_OWNER' END, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `, ` + madeAt + `
			FROM generate_series(1, {n}) i, generate_series(0, 1) k WHERE k = 0 OR ` + h + ` / 1048576 % 2 = 0`,
		`INSERT INTO contacts (tenant_id, id, client_id, name, title, phone, email, is_primary, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 14, i * 3 + k), pg_temp.made_id({t}, 11, i), '联系人' || i || '-' || k, '采购经理', '138' || lpad((i * 3 % 100000000)::text, 8, '0'),
			'contact' || i || '@example.cn', k = 0, ` + madeAt + `, ` + madeAt + `, ` + madeAt + ` FROM generate_series(1, {n}) i, generate_series(0, 2) k`,
		`INSERT INTO contracts (tenant_id, id, client_id, company_id, department_id, owner_id, number, kind, title, state, starts_on, ends_on, amount_minor, currency, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 15, i * 2 + k), pg_temp.made_id({t}, 11, i), pg_temp.made_id({t}, 1, 1), ` + dept(owner) + `, pg_temp.made_id({t}, 3, 1 + (i + k) % {o}),
			'HT' || lpad((i * 2 + k)::text, 9, '0'), 'SALES', '设备销售合同' || i || '-' || k, 'effective', date '2026-01-01', date '2026-12-31', i * 1000 + k, 'CNY',
			` + madeAt + `+ (i * 2 + k) * interval '1 second', ` + madeAt + `+ (i * 2 + k) * interval '1 second', ` + madeAt + ` FROM generate_series(1, {n}) i, generate_series(0, 1) k`,
		`INSERT INTO obligations (tenant_id, id, contract_id, side, kind, title, due_on, amount_minor, currency, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 16, c * 3 + k), pg_temp.made_id({t}, 15, c), 'THEIRS', 'PAYMENT', '第' || k + 1 || '期付款', date '2026-02-01' + (k * 30)::int, c * 100, 'CNY', ` +
			madeAt + `, ` + madeAt + `, ` + madeAt + ` FROM generate_series(2, {n} * 2 + 1) c, generate_series(0, 2) k`,
		// the sales representative has borrowed twenty archives of others; others have borrowed as well
		`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, created_at, updated_at, recorded_from)
			SELECT pg_temp.made_id({t}, 0, 1), pg_temp.made_id({t}, 10, g), pg_temp.made_id({t}, 3, 1 + g / 20), pg_temp.made_id({t}, 11, 1 + g * 37 % {n}), 63, '合同评审', ` + madeAt + `, timestamptz '2100-01-01', ` +
			madeAt + `, ` + madeAt + `, ` + madeAt + ` FROM generate_series(0, least(1000, {o} * 20) - 1) g`,
	}
}

// fill makes tenant number of n clients, with the shipped roles and rules and, in the first one, the people that requests are
// sent as. It is for a superuser: triggers and foreign keys are off while it loads.
func fill(ctx context.Context, dsn string, number, n int) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range []string{madeID, `SET session_replication_role = replica`, `SET synchronous_commit = off`, `SET work_mem = '128MB'`} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	numbers := strings.NewReplacer("{t}", strconv.Itoa(number), "{n}", strconv.Itoa(n)+"::bigint", "{o}", strconv.FormatInt(ownersOf(n), 10)+"::bigint")
	for _, s := range append(peopleRows(), archiveRows()...) {
		if _, err := conn.Exec(ctx, numbers.Replace(s)); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	b := &pgx.Batch{}
	queuePolicy(b, number)
	queuePeople(b, number, n)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return nil
}

func queuePolicy(b *pgx.Batch, number int) {
	tenant, version := rowID(number, ofTenant, 1), rowID(number, ofPolicy, 1)
	index := map[string]int64{}
	for i, r := range policy.ShippedRoles() {
		index[r.Key] = int64(i + 1)
	}
	parents := map[string]*uuid.UUID{}
	for _, p := range policy.ShippedInherits() {
		u := rowID(number, ofRole, index[p[1]])
		parents[p[0]] = &u
	}
	for _, r := range policy.ShippedRoles() {
		b.Queue(`INSERT INTO roles (tenant_id, id, key, name_zh, name_en, parent_id, created_at, updated_at, recorded_from) VALUES ($1, $2, $3, $4, $5, $6, '2026-01-01', '2026-01-01', '2026-01-01')`,
			tenant, rowID(number, ofRole, index[r.Key]), r.Key, r.Name.ZH, r.Name.EN, parents[r.Key])
	}
	hash := sha256.Sum256(nil)
	b.Queue(`INSERT INTO policy_versions (tenant_id, id, number, state, reason, content_hash, created_at, updated_at, recorded_from) VALUES ($1, $2, 1, 'in_force', 'bench', $3, '2026-01-01', '2026-01-01', '2026-01-01')`,
		tenant, version, hash[:])
	for i, r := range policy.ShippedRules() {
		b.Queue(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, effect) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			tenant, rowID(number, ofPolicy, int64(i+2)), version, i+1, r.Role, string(r.Object), string(r.Action), r.Scope.String(), int16(r.Classes), r.Condition, r.Effect.String())
	}
}

func queuePeople(b *pgx.Batch, number, n int) {
	tenant := rowID(number, ofTenant, 1)
	for i, r := range roles(n) {
		at := int64(i + 1)
		account, session := rowID(number, ofAccount, at), rowID(number, ofSession, at)
		b.Queue(`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at, recorded_from) VALUES ($1, $2, $3, $4, $5, '2026-01-01', '2026-01-01', '2026-01-01')`,
			tenant, account, rowID(number, ofStaff, r.staff), fmt.Sprintf("user%d", at), r.key)
		for j, shipped := range policy.ShippedRoles() {
			if shipped.Key == r.key {
				b.Queue(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at, recorded_from) VALUES ($1, $2, $3, $4, '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01')`,
					tenant, rowID(number, ofBinding, at), account, rowID(number, ofRole, int64(j+1)))
			}
		}
		if number != 1 {
			continue // nobody signs in there: its rows are what the wall keeps out
		}
		hash := credential.TokenHash(r.token)
		b.Queue(`INSERT INTO sessions (tenant_id, id, account_id, token_hash, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, '2026-01-01', '2026-01-01', '2100-01-01')`, tenant, session, account, hash)
		b.Queue(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`, tenant, hash, session)
	}
}
