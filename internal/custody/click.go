package custody

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Terms are on what conditions the bytes of a file leave.
type Terms struct {
	Original uuid.UUID
	Class    policy.Class
	// Borrowing is the loan that opens them; zero when a role does. What is lent carries its reader's name.
	Borrowing uuid.UUID
	Reader    string    // the actor's name
	LentAt    time.Time // when it was handed out, in the tenant's zone; zero otherwise
}

// Click decides anew whether the transaction's actor may have the bytes of the file, at the moment at which he wants them: the link that he
// follows says only who he is. Errors: NOT_FOUND, FORBIDDEN, INVALID_STATE VERSION_NOT_LENT, UNAVAILABLE.
func (s *Service) Click(ctx context.Context, tx *tenancy.Tx, file uuid.UUID) (Terms, error) {
	tenant := tx.Session().Tenant.UUID()
	rights, err := s.access.For(ctx, tx)
	if err != nil {
		return Terms{}, err
	}
	o := Original{Original: &entdb.Original{}}
	v := &entdb.OriginalVersion{}
	args := []any{tenant, file, tx.Now()}
	arg := func(a any) string {
		args = append(args, a)
		return "$" + strconv.Itoa(len(args))
	}
	cols := policy.Columns{Tenant: "$1", Now: "$3::timestamptz", Client: "c.id", Original: "o.id"}
	team, distributed, granted := rights.Facts(cols, arg)
	borrowed := rights.Borrowed(cols, arg)
	var owner *uuid.UUID
	var grade *string
	var mask int32
	about := &o.about
	err = tx.QueryRow(ctx, `SELECT o.id, o.client_id, o.field_class, v.id, c.company_id, c.department_id, c.owner_id, c.grade, c.important, c.suspended,
		ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = c.id), `+team+`, `+distributed+`, `+granted+`, `+borrowed+`
		FROM original_versions v JOIN originals o ON o.tenant_id = v.tenant_id AND o.id = v.original_id JOIN clients c ON c.tenant_id = o.tenant_id AND c.id = o.client_id
		WHERE v.tenant_id = $1 AND v.file_id = $2 AND $3::timestamptz IS NOT NULL`, args...).
		Scan(&o.ID, &o.ClientID, &o.FieldClass, &v.ID, &about.Company, &about.Department, &owner, &grade, &about.Important, &about.ClientSuspended,
			&about.Kinds, &about.OnTeam, &about.DistributedTo, &mask, &o.borrowed)
	if errors.Is(err, pgx.ErrNoRows) { // no version: nobody reads what is not filed
		return Terms{}, fault.NotFound("File")
	}
	if err != nil {
		return Terms{}, wrap("click", err)
	}
	about.Granted = policy.ClassSet(mask)
	if owner != nil {
		about.Owner = *owner
	}
	if grade != nil {
		about.Grade = *grade
	}
	row := o.row()
	if !rights.Decide(policy.OnOriginal, policy.Read, &row).Allow {
		return Terms{}, fault.NotFound("File")
	}
	loan, err := readable(ctx, tx, rights, o, v)
	if err != nil {
		return Terms{}, err
	}
	t := Terms{Original: o.ID, Class: policy.Class(o.FieldClass), Borrowing: loan}
	var zone string
	var lent *time.Time
	err = tx.QueryRow(ctx, `SELECT timezone, COALESCE((SELECT name FROM staff WHERE tenant_id = $1 AND id = $2), ''), (SELECT out_at FROM borrowings WHERE tenant_id = $1 AND id = $3)
		FROM tenants WHERE tenant_id = $1`, tenant, tx.Session().Actor.Staff, loan).Scan(&zone, &t.Reader, &lent)
	if err != nil {
		return Terms{}, wrap("reader", err)
	}
	if lent != nil {
		t.LentAt = lent.UTC()
		if place, err := time.LoadLocation(zone); err == nil {
			t.LentAt = lent.In(place)
		}
	}
	return t, nil
}
