package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/clientrecord"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// Lock says what else may happen to the client until the transaction ends.
type Lock string

// Locks: ForChange is for acts that change the client or what belongs to it; ForUse is for those that rely on its facts.
const (
	ForChange Lock = "FOR NO KEY UPDATE"
	ForUse    Lock = "FOR SHARE"
)

// LoadRow locks a client and reads it with what policy may know of it. NOT_FOUND: no such client in the tenant. It does
// not decide whether the actor may see it: Require does, with the returned row.
func LoadRow(ctx context.Context, w *act.Work, clientID uuid.UUID, lock Lock) (Client, policy.Row, error) {
	var c Client
	var about policy.Row
	var found bool
	b := &pgx.Batch{}
	b.Queue(`SELECT 1 FROM clients WHERE tenant_id = $1 AND id = $2 `+string(lock), w.Tenant(), clientID)
	// SECURITY: facts come from a statement after the lock's, so they are those of after the wait for it.
	queueFacts(b, w, clientID)
	br := w.SendBatch(ctx, b)
	err := func() error {
		tag, err := br.Exec()
		if err != nil {
			return err
		}
		found = tag.RowsAffected() == 1
		c.Kinds, c.FormerNames, about, err = readFacts(br.QueryRow())
		return err
	}()
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil {
		return Client{}, policy.Row{}, fmt.Errorf("archive: load client: %w", err)
	}
	if !found {
		return Client{}, policy.Row{}, w.Absent("Client", clientID)
	}
	c.ClientRecord, err = w.Ent().ClientRecord.Query().Where(clientrecord.TenantID(w.Tenant()), clientrecord.ID(clientID)).Only(ctx)
	if entdb.IsNotFound(err) {
		return Client{}, policy.Row{}, w.Absent("Client", clientID)
	}
	if err != nil {
		return Client{}, policy.Row{}, fmt.Errorf("archive: load client: %w", err)
	}
	return c, c.row(about), nil
}

// queueFacts asks for a client's kinds and former names and for what stands between it and the asking person.
func queueFacts(b *pgx.Batch, w *act.Work, clientID uuid.UUID) {
	args := []any{w.Tenant(), clientID}
	team, distributed, granted := "false", "ARRAY[]::uuid[]", "0"
	if w.Rights != nil {
		arg := func(v any) string {
			args = append(args, v)
			return "$" + strconv.Itoa(len(args))
		}
		now := arg(w.Now())
		team, distributed, granted = w.Rights.Facts(policy.Columns{Tenant: "$1", Client: "$2", Now: now}, arg)
	}
	b.Queue(`SELECT ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = $2 ORDER BY k.kind),
		ARRAY(SELECT n.name FROM client_former_names n WHERE n.tenant_id = $1 AND n.client_id = $2 ORDER BY n.used_until, n.id), `+
		team+`, `+distributed+`, `+granted, args...)
}

func readFacts(row pgx.Row) (kinds, former []string, about policy.Row, err error) {
	var granted int32
	err = row.Scan(&kinds, &former, &about.OnTeam, &about.DistributedTo, &granted)
	about.Granted = policy.ClassSet(granted)
	return kinds, former, about, err
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
