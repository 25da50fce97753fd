package custody

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	entborrowing "github.com/clientele/clientele/ent/db/borrowing"
	"github.com/clientele/clientele/ent/db/borrowingitem"
	entoriginal "github.com/clientele/clientele/ent/db/original"
	"github.com/clientele/clientele/ent/db/originalversion"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// Original is an original as a service works with it.
type Original struct {
	*entdb.Original
	about    policy.Row // what is known of the asking person and the client
	borrowed bool       // the asking person holds it
}

func (o Original) subject() act.Subject {
	return act.Subject{Type: typeOriginal, ID: o.ID, Version: o.Version}
}

// row gives the facts that policy may know.
func (o Original) row() policy.Row {
	r := o.about
	r.ID, r.Client, r.Staff = o.ID, o.ClientID, uuid.Nil
	r.Kind, r.Stage, r.State = "", "", ""
	r.FieldClass, r.FieldClassSet, r.Borrowed = policy.Class(o.FieldClass), true, o.borrowed
	return r
}

// Locks of rows: for change, or to rely on.
const (
	forChange = " FOR NO KEY UPDATE"
	forUse    = " FOR SHARE"
)

// clientOf an object, before anything is locked: the client is locked first in every act.
func clientOf(ctx context.Context, w *act.Work, table, typ string, object uuid.UUID) (uuid.UUID, error) {
	var client uuid.UUID
	err := w.QueryRow(ctx, `SELECT client_id FROM `+table+` WHERE tenant_id = $1 AND id = $2`, w.Tenant(), object).Scan(&client)
	if errors.Is(err, pgx.ErrNoRows) {
		return client, w.Absent(typ, object)
	}
	return client, wrap("find "+typ, err)
}

// loadOriginal locks an original and reads it with what policy may know of it. It does not decide whether the actor may see it.
func loadOriginal(ctx context.Context, w *act.Work, original uuid.UUID, lock string) (Original, error) {
	client, err := clientOf(ctx, w, "originals", typeOriginal, original)
	if err != nil {
		return Original{}, err
	}
	_, about, err := archive.LoadRow(ctx, w, client, archive.ForUse)
	if err != nil {
		return Original{}, err
	}
	list, err := lockOriginals(ctx, w, about, []uuid.UUID{original}, lock)
	if err != nil {
		return Original{}, err
	}
	return list[0], nil
}

// lockOriginals locks originals of one client, in the order of their ids as every act does, and gives them in the order asked for.
// One that there is not is NOT_FOUND.
func lockOriginals(ctx context.Context, w *act.Work, about policy.Row, ids []uuid.UUID, lock string) ([]Original, error) {
	if _, err := w.Exec(ctx, `SELECT 1 FROM originals WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id`+lock, w.Tenant(), ids); err != nil {
		return nil, wrap("lock originals", err)
	}
	rows, err := w.Ent().Original.Query().Where(entoriginal.TenantID(w.Tenant()), entoriginal.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, wrap("originals", err)
	}
	mine, err := held(ctx, w, ids)
	if err != nil {
		return nil, err
	}
	list := make([]Original, len(ids))
	for i, u := range ids {
		at := slices.IndexFunc(rows, func(o *entdb.Original) bool { return o.ID == u })
		if at < 0 {
			return nil, w.Absent(typeOriginal, u)
		}
		list[i] = Original{rows[at], about, slices.Contains(mine, u)}
	}
	return list, nil
}

// held tells which of the originals the actor holds now.
func held(ctx context.Context, w *act.Work, ids []uuid.UUID) ([]uuid.UUID, error) {
	if w.Rights == nil {
		return nil, nil
	}
	args := []any{w.Tenant(), ids, w.Now()}
	borrowed := w.Rights.Borrowed(policy.Columns{Tenant: "$1", Original: "o.id", Now: "$3::timestamptz"}, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	rows, err := w.Query(ctx, `SELECT o.id FROM originals o WHERE o.tenant_id = $1 AND o.id = ANY($2) AND $3::timestamptz IS NOT NULL AND `+borrowed, args...)
	if err != nil {
		return nil, wrap("held", err)
	}
	mine, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return mine, wrap("held", err)
}

// require asks for the act and for the write right on each group.
func require(w *act.Work, subject act.Subject, row policy.Row, groups ...policy.Object) error {
	if err := w.Require(subject, &row); err != nil {
		return err
	}
	for _, g := range groups {
		if err := w.RequireFor(subject, g, policy.Write, &row); err != nil {
			return err
		}
	}
	return nil
}

// originalFor is loadOriginal for change, the decision on the act, and the version.
func originalFor(ctx context.Context, w *act.Work, original uuid.UUID, expected int64, groups ...policy.Object) (Original, error) {
	o, err := loadOriginal(ctx, w, original, forChange)
	if err != nil {
		return o, err
	}
	if err := require(w, o.subject(), o.row(), groups...); err != nil {
		return o, err
	}
	return o, version(expected, o.Version)
}

// Borrowing is a loan as a service works with it, with its items in the order of their originals.
type Borrowing struct {
	*entdb.Borrowing
	items []*entdb.BorrowingItem
	about policy.Row
}

func (b Borrowing) subject() act.Subject {
	return act.Subject{Type: typeBorrowing, ID: b.ID, Version: b.Version}
}

func (b Borrowing) row() policy.Row {
	r := b.about
	r.ID, r.Client, r.Staff = b.ID, b.ClientID, b.BorrowerStaffID
	r.Kind, r.Stage, r.State = "", "", ""
	r.FieldClass, r.FieldClassSet = policy.Class(b.TopClass), true
	return r
}

func (b Borrowing) originals() []uuid.UUID {
	ids := make([]uuid.UUID, len(b.items))
	for i, item := range b.items {
		ids[i] = item.OriginalID
	}
	return ids
}

// loadBorrowing locks a borrowing for change and reads it with what policy may know of it.
func loadBorrowing(ctx context.Context, w *act.Work, borrowing uuid.UUID) (Borrowing, error) {
	client, err := clientOf(ctx, w, "borrowings", typeBorrowing, borrowing)
	if err != nil {
		return Borrowing{}, err
	}
	_, about, err := archive.LoadRow(ctx, w, client, archive.ForUse)
	if err != nil {
		return Borrowing{}, err
	}
	if _, err := w.Exec(ctx, `SELECT 1 FROM borrowings WHERE tenant_id = $1 AND id = $2`+forChange, w.Tenant(), borrowing); err != nil {
		return Borrowing{}, wrap("lock borrowing", err)
	}
	row, err := w.Ent().Borrowing.Query().Where(entborrowing.TenantID(w.Tenant()), entborrowing.ID(borrowing)).Only(ctx)
	if err != nil {
		return Borrowing{}, wrap("borrowing", err)
	}
	items, err := w.Ent().BorrowingItem.Query().Where(borrowingitem.TenantID(w.Tenant()), borrowingitem.BorrowingID(borrowing)).
		Order(borrowingitem.ByOriginalID()).All(ctx)
	if err != nil {
		return Borrowing{}, wrap("items", err)
	}
	return Borrowing{row, items, about}, nil
}

// borrowingFor is loadBorrowing, the decision on the act with the write right, and the version.
func borrowingFor(ctx context.Context, w *act.Work, t BorrowingTarget) (Borrowing, error) {
	b, err := loadBorrowing(ctx, w, t.BorrowingID)
	if err != nil {
		return b, err
	}
	if err := require(w, b.subject(), b.row(), policy.BorrowingRegister); err != nil {
		return b, err
	}
	return b, version(t.ExpectedVersion, b.Version)
}

// versionOf an original; nil when there is none of that number.
func versionOf(ctx context.Context, w *act.Work, original uuid.UUID, seq int32) (*entdb.OriginalVersion, error) {
	v, err := w.Ent().OriginalVersion.Query().
		Where(originalversion.TenantID(w.Tenant()), originalversion.OriginalID(original), originalversion.Seq(seq)).Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, nil
	}
	return v, wrap("version", err)
}

// activeStaff is somebody who stays, by name. Another tenant's and one that may not be seen look absent.
func activeStaff(ctx context.Context, w *act.Work, field string, staff uuid.UUID) (string, error) {
	var name, state string
	var company, department *uuid.UUID
	err := w.QueryRow(ctx, `SELECT name, state, company_id, department_id FROM staff WHERE tenant_id = $1 AND id = $2 FOR SHARE`, w.Tenant(), staff).
		Scan(&name, &state, &company, &department)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fault.NotFound("Staff").At(field)
	}
	if err != nil {
		return "", wrap("staff", err)
	}
	row := policy.Row{ID: staff, Staff: staff}
	if company != nil {
		row.Company = *company
	}
	if department != nil {
		row.Department = *department
	}
	// SECURITY: an id must not be an oracle for rows that the actor may not read.
	if w.Rights != nil && !w.Rights.Decide(policy.OnStaff, policy.Read, &row).Allow {
		return "", fault.NotFound("Staff").At(field)
	}
	if state == "left" || state == "leaving" {
		return "", fault.Invalid(field, "STAFF_LEAVING", text("该员工已离职或正在离职", "the staff member has left or is leaving"), text("请选择在职员工", "choose somebody who stays"))
	}
	return name, nil
}

// acting is the staff member who acts: nobody else borrows, asks or keeps.
func acting(w *act.Work) (uuid.UUID, error) {
	if staff := w.Session().Actor.Staff; staff != uuid.Nil {
		return staff, nil
	}
	return uuid.Nil, fault.Forbidden("STAFF_ONLY", text("只有员工可以办理", "only a member of staff does this"), clauseBorrowing, text("", ""))
}
