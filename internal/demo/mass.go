package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/pinyin"
	"github.com/clientele/clientele/internal/tenancy"
)

// batch is how many clients one transaction loads.
const batch = 1000

// load fills the archive with n clients that no service made: they have owner, kinds, a contact and search terms, as if they
// had been taken over from an older system when the year began, but no events. Row-level security stands, so rows come by
// INSERT from arrays (the server refuses COPY there).
func (s *scene) load(ctx context.Context) error {
	var sellers []*person
	for _, p := range s.order {
		if p.sells {
			sellers = append(sellers, p)
		}
	}
	s.pass(time.Hour)
	for left := s.plan.mass; left > 0; left -= batch {
		rows := s.rows(min(left, batch), sellers)
		err := s.DB.InTx(ctx, tenancy.ForSystem(s.tenantID, tenancy.SystemOperator), rows.insert)
		if err != nil {
			return fmt.Errorf("demo: load: %w", err)
		}
		s.progress.add(len(rows.client))
	}
	return nil
}

// mass is a batch of clients by column.
type mass struct {
	client, company, department, owner, kindID, memberID, contactID []uuid.UUID
	name, sortKey, region, stage, kind, grade, code                 []string
	representative, address, phone, person, mobile                  []string
	capital                                                         []int64
}

func (s *scene) rows(n int, sellers []*person) *mass {
	m := &mass{}
	for i := range n {
		owner := sellers[i%len(sellers)]
		place := s.units[owner.department]
		name := s.names.company()
		m.client = append(m.client, s.IDs.New())
		m.kindID, m.memberID, m.contactID = append(m.kindID, s.IDs.New()), append(m.memberID, s.IDs.New()), append(m.contactID, s.IDs.New())
		m.company, m.department, m.owner = append(m.company, place.company), append(m.department, place.id), append(m.owner, owner.staff)
		m.name, m.sortKey = append(m.name, name), append(m.sortKey, pinyin.SortKey(name))
		m.region, m.stage = append(m.region, pick(s.random, places())), append(m.stage, pick(s.random, stages()))
		m.kind, m.grade = append(m.kind, pick(s.random, s.plan.kinds)), append(m.grade, pick(s.random, []string{"A", "B", "B", "C", "C", "C"}))
		m.code = append(m.code, s.names.creditCode())
		m.representative, m.address = append(m.representative, s.names.person()), append(m.address, s.names.address())
		m.phone, m.mobile = append(m.phone, s.names.mobile()), append(m.mobile, s.names.mobile())
		m.person = append(m.person, s.names.person())
		m.capital = append(m.capital, int64(1+s.random.IntN(500))*1_000_000_00)
	}
	return m
}

const (
	massCodes   = `UPDATE tenant_counters SET client_code = client_code + $2 WHERE tenant_id = $1 RETURNING client_code - $2`
	massClients = `INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, sort_key, region, stage, unified_credit_code, legal_representative,
		address, phone, business_scope, registered_capital_minor, registered_capital_currency, grade, created_at, updated_at, recorded_from)
		SELECT $1, r.id, r.company, r.department, r.owner, r.code, r.name, r.sort_key, r.region, r.stage, r.credit, r.representative, r.address, r.phone,
			'演示数据：经营范围为虚构。', r.capital, 'CNY', r.grade, $2, $2, $2
		FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[])
		AS r (id, company, department, owner, code, name, sort_key, region, stage, credit, representative, address, phone, capital, grade)`
	massKinds = `INSERT INTO client_kinds (tenant_id, id, client_id, kind, recorded_from)
		SELECT $1, r.id, r.client, r.kind, $2 FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS r (id, client, kind)`
	massTeam = `INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at, recorded_from)
		SELECT $1, r.id, r.client, r.staff, 'OWNER', $2, $2, $2, $2 FROM unnest($3::uuid[], $4::uuid[], $5::uuid[]) AS r (id, client, staff)`
	massContacts = `INSERT INTO contacts (tenant_id, id, client_id, name, title, phone, is_primary, created_at, updated_at, recorded_from)
		SELECT $1, r.id, r.client, r.name, '采购经理', r.phone, true, $2, $2, $2 FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS r (id, client, name, phone)`
	massTerms = `INSERT INTO client_search_terms (tenant_id, field_class, term, client_id)
		SELECT $1, r.class, r.term, r.client FROM unnest($2::smallint[], $3::text[], $4::uuid[]) AS r (class, term, client) ORDER BY 2, 3`
)

func (m *mass) insert(ctx context.Context, tx *tenancy.Tx) error {
	t, now := tx.Session().Tenant.UUID(), tx.Now()
	var before int64
	if err := tx.QueryRow(ctx, massCodes, t, len(m.client)).Scan(&before); err != nil {
		return err
	}
	codes := make([]string, len(m.client))
	for i := range codes {
		codes[i] = fmt.Sprintf("KA-%06d", before+int64(i)+1)
	}
	classes, terms, of := m.terms(codes)
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{massClients, []any{t, now, m.client, m.company, m.department, m.owner, codes, m.name, m.sortKey, m.region, m.stage, m.code, m.representative, m.address, m.phone, m.capital, m.grade}},
		{massKinds, []any{t, now, m.kindID, m.client, m.kind}},
		{massTeam, []any{t, now, m.memberID, m.client, m.owner}},
		{massContacts, []any{t, now, m.contactID, m.client, m.person, m.mobile}},
		{massTerms, []any{t, classes, terms, of}},
	} {
		if _, err := tx.Exec(ctx, statement.sql, statement.args...); err != nil {
			return err
		}
	}
	return nil
}

// terms are those that the archive's service would have written.
func (m *mass) terms(codes []string) (classes []int16, terms []string, of []uuid.UUID) {
	for i := range m.client {
		for _, term := range archive.Terms(archive.Named{Code: codes[i], Name: m.name[i], SortKey: m.sortKey[i], CreditCode: m.code[i], Phone: m.phone[i]}) {
			classes, terms, of = append(classes, term.Class), append(terms, term.Term), append(of, m.client[i])
		}
	}
	return classes, terms, of
}
