package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/id"
)

// record is a client as its event tells of it, by field group.
type record struct {
	version  int64
	List     recordList     `json:"client#list"`
	Standard recordStandard `json:"client#standard"`
	Dealings recordDealings `json:"client#dealings"`
	Credit   recordCredit   `json:"client#credit"`
}

type recordList struct {
	ID, Code, Name, SortKey string
	Kinds                   []string
	Region                  *string
	Stage                   string
	Suspended               bool
	Company, Department     uuid.UUID
	Owner                   *uuid.UUID
}

type recordStandard struct {
	FormerNames                                                           []string
	CreditCode, LegalRepresentative, Address, Postcode, Phone, Fax, Scope *string
	Capital                                                               *int64
	CapitalCurrency, SpecialType, Acquisition, Grade                      *string
	Important                                                             bool
}

type recordDealings struct {
	PolicyNote, Attitude *string
	NextContactOn        *time.Time
}

type recordCredit struct {
	Limit          *int64
	Currency, Note *string
}

const (
	claimKey   = `INSERT INTO idempotency_keys (tenant_id, account_id, key, act, input_hash, created_at) VALUES ($1, $2, $3, 'client.changeProfile', $4, transaction_timestamp()) ON CONFLICT DO NOTHING`
	lockClient = `SELECT 1 FROM clients WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE`
	readClient = `SELECT c.version, c.code, c.name, c.sort_key, ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = c.id ORDER BY k.kind), c.region, c.stage, c.suspended,
		c.company_id, c.department_id, c.owner_id, ARRAY(SELECT n.name FROM client_former_names n WHERE n.tenant_id = $1 AND n.client_id = c.id ORDER BY n.used_until DESC),
		c.unified_credit_code, c.legal_representative, c.address, c.postcode, c.phone, c.fax, c.business_scope, c.registered_capital_minor, c.registered_capital_currency,
		c.special_type, c.acquisition, c.grade, c.important, c.policy_note, c.attitude, c.next_contact_on, c.credit_limit_minor, c.credit_limit_currency, c.credit_note
		FROM clients c WHERE c.tenant_id = $1 AND c.id = $2`
	writeClient = `UPDATE clients SET address = $4, version = version + 1, updated_at = $5, updated_by = $6 WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING version`
	writeChange = `INSERT INTO client_changes (tenant_id, id, client_id, field, field_class, old_value, new_value, source, reported_by, recorded_at) VALUES ($1, $2, $3, 'address', 1, $4, $5, '来访', $6, $7)`
	writeAudit  = `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type, object_id, object_version, detail, occurred_at)
		VALUES ($1, $2, 'change', 'client.changeProfile', 'staff', $3, $4, $5, 'Client', $6, $7, $8, $9)`
	writeOutcome = `UPDATE idempotency_keys SET outcome = $4 WHERE tenant_id = $1 AND account_id = $2 AND key = $3`
	writeEvent   = `WITH n AS (UPDATE tenant_counters SET event_seq = event_seq + 1 WHERE tenant_id = $1 RETURNING event_seq)
		INSERT INTO events (tenant_id, seq, id, type, subject_type, subject_id, subject_version, actor_kind, actor_id, occurred_at, snapshot, hash)
		VALUES ($1, (SELECT event_seq FROM n), $2, 'client.profileChanged.v1', 'Client', $3, $4, 'staff', $5, $6, $7, $8)`
)

// change answers in two round trips: key, lock, facts; then everything that is written, with COMMIT.
func (f *floor) change(t *transaction, q *queries, c *call, out []byte) ([]byte, error) {
	client, err := id.Parse(id.Client, c.Variables.Client)
	if err != nil {
		return out, err
	}
	expected, err := strconv.ParseInt(c.Variables.Version, 10, 64)
	if err != nil || t.actor.role == "general_manager" {
		return out, errAbsent
	}
	a := t.actor
	input, err := json.Marshal(c.Variables)
	if err != nil {
		return out, err
	}
	hash := sha256.Sum256(input)
	var r record
	b := t.begin(beginWrite)
	b.Queue(claimKey, a.tenant, a.account, c.Variables.Key, hash[:])
	b.Queue(lockClient, a.tenant, client)
	b.Queue(q.row, q.with(a, client)...)
	b.Queue(readClient, a.tenant, client)
	err = t.send(b, func(br pgx.BatchResults) error {
		tag, err := br.Exec()
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errors.New("the key was used before") // the rounds use none twice
		}
		if _, err := br.Exec(); err != nil {
			return err
		}
		var may bool
		if err := br.QueryRow().Scan(&may); err != nil || !may {
			return errors.Join(errAbsent, err)
		}
		l, s, d, e := &r.List, &r.Standard, &r.Dealings, &r.Credit
		return br.QueryRow().Scan(&r.version, &l.Code, &l.Name, &l.SortKey, &l.Kinds, &l.Region, &l.Stage, &l.Suspended, &l.Company, &l.Department, &l.Owner, &s.FormerNames,
			&s.CreditCode, &s.LegalRepresentative, &s.Address, &s.Postcode, &s.Phone, &s.Fax, &s.Scope, &s.Capital, &s.CapitalCurrency,
			&s.SpecialType, &s.Acquisition, &s.Grade, &s.Important, &d.PolicyNote, &d.Attitude, &d.NextContactOn, &e.Limit, &e.Currency, &e.Note)
	})
	if err != nil {
		return out, err
	}
	if r.version != expected {
		return out, errStale
	}
	before, after := r.Standard.Address, c.Variables.Address
	r.version++
	r.List.ID, r.Standard.Address = c.Variables.Client, &after
	if err := f.write(t, client, &r, before, c.Variables.Key); err != nil {
		return out, err
	}
	out = append(out, `{"data":{"clientChangeProfile":{"client":{`...)
	out = textIn(textIn(idIn(out, id.Client, client), "name", r.List.Name), "address", after)
	out = timeIn(textIn(out, "version", strconv.FormatInt(r.version, 10)), "updatedAt", t.now)
	return append(out, `},"userErrors":[]}}}`...), nil
}

func (f *floor) write(t *transaction, client uuid.UUID, r *record, before *string, idempotency string) error {
	a := t.actor
	snapshot, err := json.Marshal(r)
	if err != nil {
		return err
	}
	event, err := uuid.NewV7()
	if err != nil {
		return err
	}
	sealed := append(append([]byte(nil), event[:]...), snapshot...)
	hash := sha256.Sum256(sealed)
	outcome := `{"type":"Client","id":"` + client.String() + `","version":` + strconv.FormatInt(r.version, 10) + `}`
	change, err1 := uuid.NewV7()
	audit, err2 := uuid.NewV7()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(writeClient, a.tenant, client, r.version-1, r.Standard.Address, t.now, a.staff)
	b.Queue(writeChange, a.tenant, change, client, before, r.Standard.Address, a.staff, t.now)
	b.Queue(writeAudit, a.tenant, audit, a.account, a.name, a.credential, client, r.version, `{"changes":[{"field":"address"}]}`, t.now)
	b.Queue(writeOutcome, a.tenant, a.account, idempotency, outcome)
	b.Queue(writeEvent, a.tenant, event, client, r.version, a.account, t.now, snapshot, hash[:])
	b.Queue("commit")
	return t.send(b, func(br pgx.BatchResults) error {
		var version int64
		return br.QueryRow().Scan(&version)
	})
}
