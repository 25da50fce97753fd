package access

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Facts are the columns that policy may know of a row, per type, as the read gate knows them. Kinds, team, distribution and
// grants are those of the client; what is borrowed is the original itself. A row of a child type is judged by its anchor's row.
type Facts struct {
	Entity policy.Object
	Cover  policy.Object  // a field group without which rows of a child type are not seen; "" elsewhere
	From   string         // what stands after FROM; the tenant is $1
	Cols   policy.Columns // of which Tenant and Now are still to be given

	Own Own

	alias string // of the row
}

// FactsOf is false for types that nobody explains.
func FactsOf(typ string) (Facts, bool) {
	k, ok := kindNamed(typ)
	if !ok {
		return Facts{}, false
	}
	const row, child = "t", "x"
	f := Facts{Entity: k.entity, Cover: k.cover, From: k.table + " " + row, alias: row, Own: k.own}
	decides := k
	if k.anchor != "" {
		decides, _ = kindNamed(k.anchor)
		f.Entity, f.alias = decides.entity, child
		f.From = k.table + " " + child + " JOIN " + decides.table + " " + row + " ON " + row + ".tenant_id = " + child + ".tenant_id AND " + row + ".id = " + child + "." + k.key
	}
	f.Cols = decides.facts
	c := &f.Cols
	for _, expr := range []*string{
		&c.Company, &c.Department, &c.Owner, &c.Staff, &c.Client, &c.Original, &c.Grade, &c.Kind, &c.Stage, &c.State, &c.Important, &c.Suspended, &c.Amount, &c.FieldClass,
	} {
		*expr = strings.ReplaceAll(*expr, "{}", row)
	}
	return f, true
}

// Alias is the name of the table of the rows in From.
func (f Facts) Alias() string { return f.alias }

// Sees tells whether somebody with the rights sees the row: it may be read, and shows what it covers, or it is his own.
func (f Facts) Sees(rights *policy.Rights, r *Row) bool {
	if r == nil {
		return false
	}
	if r.Own {
		return true
	}
	if !rights.Decide(f.Entity, policy.Read, &r.Row).Allow {
		return false
	}
	if f.Cover == "" {
		return true
	}
	level, _ := rights.Field(f.Cover, &r.Row)
	return level != policy.Hidden
}

// Row is what policy may know of a row, as it stands to one person. Its id is that of the row that decides.
type Row struct {
	policy.Row
	Own bool // it is about that person, who sees it whatever the policy says
}

// Query asks for one row as it stands to the person of the rights.
func (f Facts) Query(tx *tenancy.Tx, rights *policy.Rights, id uuid.UUID) (string, []any) {
	args := []any{tx.Session().Tenant.UUID(), id}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	c := f.Cols
	kinds, team, distributed, granted, borrowed := "ARRAY[]::text[]", "false", "ARRAY[]::uuid[]", "0", "false"
	if c.Client != "" {
		kinds = "ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = " + c.Client + ")"
		c.Tenant, c.Now = "$1", arg(tx.Now())+"::timestamptz"
		team, distributed, granted = rights.Facts(c, arg)
	}
	if c.Original != "" {
		borrowed = rights.Borrowed(c, arg)
	}
	or := func(expr, none string) string {
		if expr == "" {
			return none
		}
		return "COALESCE(" + expr + ", " + none + ")"
	}
	const nobody = "'00000000-0000-0000-0000-000000000000'::uuid"
	maybe := func(expr, null string) string {
		if expr == "" {
			return null
		}
		return expr
	}
	return fmt.Sprintf(`SELECT t.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM %s WHERE %s.tenant_id = $1 AND %s.id = $2`,
		or(c.Company, nobody), or(c.Department, nobody), or(c.Owner, nobody), or(c.Client, nobody), or(c.Staff, nobody),
		or(c.Grade, "''"), or(c.Kind, "''"), or(c.Stage, "''"), or(c.State, "''"), or(c.Important, "false"), or(c.Suspended, "false"),
		maybe(c.Amount, "NULL::bigint"), maybe(c.FieldClass, "NULL::smallint"), kinds, team, distributed, granted, borrowed, f.owned(rights, arg), f.From, f.alias, f.alias), args
}

// owned is the condition that makes the row the person's own.
func (f Facts) owned(rights *policy.Rights, arg func(any) string) string {
	column := f.alias + "." + f.Own.Column
	switch {
	case f.Own.Column == "" || rights.Staff() == uuid.Nil:
		return "false"
	case f.Own.Staff:
		return "COALESCE(" + column + " = " + arg(rights.Staff()) + ", false)"
	default:
		return "EXISTS (SELECT 1 FROM accounts o_of WHERE o_of.tenant_id = $1 AND o_of.id = " + column + " AND o_of.staff_id = " + arg(rights.Staff()) + ")"
	}
}

// ScanRow reads the answer to Query; nil when there is no such row.
func ScanRow(from pgx.Row) (*Row, error) {
	r := &Row{}
	var amount *int64
	var class *int16
	var granted int32
	err := from.Scan(&r.ID, &r.Company, &r.Department, &r.Owner, &r.Client, &r.Staff, &r.Grade, &r.Kind, &r.Stage, &r.State, &r.Important, &r.ClientSuspended,
		&amount, &class, &r.Kinds, &r.OnTeam, &r.DistributedTo, &granted, &r.Borrowed, &r.Own)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if amount != nil {
		r.Amount, r.AmountSet = *amount, true
	}
	if class != nil {
		r.FieldClass, r.FieldClassSet = policy.Class(*class), true
	}
	r.Granted = policy.ClassSet(granted)
	if err != nil {
		return nil, fmt.Errorf("access: row: %w", err)
	}
	return r, nil
}

// Row is nil when the tenant has no such row.
func (f Facts) Row(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, id uuid.UUID) (*Row, error) {
	sql, args := f.Query(tx, rights, id)
	return ScanRow(tx.QueryRow(ctx, sql, args...))
}
