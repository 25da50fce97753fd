package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/clientrecord"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Lock says what else may happen to the client until the transaction ends.
type Lock string

// Locks: ForChange is for acts that change the client or what belongs to it; ForUse is for those that rely on its facts.
const (
	ForChange Lock = "FOR NO KEY UPDATE"
	ForUse    Lock = "FOR SHARE"
)

// LoadRow locks a client and reads it with what policy may know of it, in one round trip. NOT_FOUND: no such client in the
// tenant. It does not decide whether the actor may see it: Require does, with the returned row.
func LoadRow(ctx context.Context, w *act.Work, clientID uuid.UUID, lock Lock) (Client, policy.Row, error) {
	l := &loading{id: clientID, lock: lock, session: w.Session()}
	b := &pgx.Batch{}
	l.queue(b)
	br := w.SendBatch(ctx, b)
	err := l.read(br)
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return Client{}, policy.Row{}, err
	}
	return l.loaded(w)
}

// loading is a client on its way from the database.
type loading struct {
	id      uuid.UUID
	lock    Lock
	session *tenancy.Session
	record  entdb.ClientRecord
	texts   [16]pgtype.Text // of the record's columns that may be NULL: read into a *string, each would take the driver three allocations
	client  Client
	about   policy.Row
	found   bool
}

// ahead is for acts whose client is known before they begin.
func (l *loading) ahead() act.Ahead { return act.Ahead{Queue: l.queue, Read: l.read} }

func (l *loading) queue(b *pgx.Batch) {
	b.Queue(selectRecord+string(l.lock), l.session.Tenant.UUID(), l.id)
	// SECURITY: facts come from a statement after the lock's, so they are those of after the wait for it.
	b.Queue(selectFacts, l.session.Tenant.UUID(), l.id, l.session.Actor.Staff)
}

func (l *loading) read(br pgx.BatchResults) error {
	err := br.QueryRow().Scan(l.columns()...)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("archive: load client: %w", err)
	}
	l.found = err == nil
	l.taken()
	var granted int32
	if err := br.QueryRow().Scan(&l.client.Kinds, &l.client.FormerNames, &l.about.OnTeam, &l.about.DistributedTo, &granted); err != nil {
		return fmt.Errorf("archive: load client: %w", err)
	}
	l.about.Granted = policy.ClassSet(granted)
	return nil
}

func (l *loading) loaded(w *act.Work) (Client, policy.Row, error) {
	if !l.found {
		return Client{}, policy.Row{}, w.Absent("Client", l.id)
	}
	l.client.ClientRecord = &l.record
	return l.client, l.client.row(l.about), nil
}

var (
	selectRecord = "SELECT " + strings.Join(clientrecord.Columns, ", ") + " FROM " + clientrecord.Table + " WHERE tenant_id = $1 AND id = $2 "
	// A client's kinds and former names and what stands between it and the asking person.
	selectFacts = factsOfClient()
)

func factsOfClient() string {
	team, distributed, granted := policy.FactsOf(policy.Columns{Tenant: "$1", Client: "$2", Now: "(SELECT current_setting('app.now')::timestamptz)"}, "$3")
	return `SELECT ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = $2 ORDER BY k.kind),
		ARRAY(SELECT n.name FROM client_former_names n WHERE n.tenant_id = $1 AND n.client_id = $2 ORDER BY n.used_until, n.id), ` +
		team + `, ` + distributed + `, ` + granted
}

// columns is where the columns go, in the order of clientrecord.Columns.
func (l *loading) columns() []any {
	r, t := &l.record, &l.texts
	return []any{
		(*[16]byte)(&r.ID), (*[16]byte)(&r.TenantID), &r.CreatedAt, &r.CreatedBy, &r.UpdatedAt, &r.UpdatedBy, &r.Version,
		(*[16]byte)(&r.CompanyID), (*[16]byte)(&r.DepartmentID), &r.OwnerID, &r.Code, &r.Name, &r.SortKey, &t[0], &r.Stage, &r.Suspended,
		&t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7],
		&r.RegisteredCapitalMinor, &t[8], &t[9], &t[10], &t[11], &r.Important,
		&t[12], &t[13], &r.NextContactOn, &r.CreditLimitMinor, &t[14], &t[15],
	}
}

// taken puts the texts into their fields.
func (l *loading) taken() {
	r := &l.record
	for i, to := range [...]**string{
		&r.Region, &r.UnifiedCreditCode, &r.LegalRepresentative, &r.Address, &r.Postcode, &r.Phone, &r.Fax, &r.BusinessScope,
		&r.RegisteredCapitalCurrency, &r.SpecialType, &r.Acquisition, &r.Grade, &r.PolicyNote, &r.Attitude, &r.CreditLimitCurrency, &r.CreditNote,
	} {
		if t := &l.texts[i]; t.Valid {
			*to = &t.String
		}
	}
}

// contact loads a contact with its client, both locked for change: the client first, as every act does.
func (s *Service) contact(ctx context.Context, w *act.Work, contactID uuid.UUID) (*entdb.Contact, Client, policy.Row, error) {
	subject := act.Subject{Type: "Contact", ID: contactID}
	var clientID uuid.UUID
	err := w.QueryRow(ctx, `SELECT client_id FROM contacts WHERE tenant_id = $1 AND id = $2`, w.Tenant(), contactID).Scan(&clientID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, Client{}, policy.Row{}, w.Absent(subject.Type, contactID)
	}
	if err != nil {
		return nil, Client{}, policy.Row{}, fmt.Errorf("archive: load contact: %w", err)
	}
	c, row, err := LoadRow(ctx, w, clientID, ForChange)
	if err != nil {
		return nil, Client{}, policy.Row{}, err
	}
	contact, err := lockedContact(ctx, w, contactID)
	return contact, c, row, err
}

// requireGroups asks for the act itself and for the write right on each group, on every given state of the row. The first
// row is the present one: when the actor may not see it, the client is absent. What it would become is refused openly.
func requireGroups(w *act.Work, subject act.Subject, groups []policy.Object, rows ...policy.Row) error {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for i := range rows {
		if i > 0 {
			subject.ID = uuid.Nil
		}
		if err := w.Require(subject, &rows[i]); err != nil {
			return err
		}
		for _, g := range groups {
			if err := w.RequireFor(subject, g, policy.Write, &rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
