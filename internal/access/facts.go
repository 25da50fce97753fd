package access

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Facts are the columns that policy may know of a row, per type, as the read gate knows them. Kinds, team, distribution and
// grants are those of the client.
type Facts struct {
	Entity policy.Object
	From   string         // what stands after FROM; the tenant is $1
	Cols   policy.Columns // of which Tenant and Now are still to be given
}

const joinClient = " JOIN clients c ON c.tenant_id = t.tenant_id AND c.id = t.client_id"

// FactsOf is false for types that nobody explains.
func FactsOf(typ string) (Facts, bool) {
	client := policy.Columns{Grade: "c.grade", Important: "c.important", Suspended: "c.suspended", Client: "c.id"}
	switch typ {
	case "Client":
		client.Company, client.Department, client.Owner, client.Stage = "c.company_id", "c.department_id", "c.owner_id", "c.stage"
		return Facts{policy.OnClient, "clients c", client}, true
	case "Contract":
		client.Company, client.Department, client.Owner = "t.company_id", "t.department_id", "t.owner_id"
		client.Kind, client.State, client.Amount = "t.kind", "t.state", "t.amount_minor"
		return Facts{policy.OnContract, "contracts t" + joinClient, client}, true
	case "Staff":
		return Facts{policy.OnStaff, "staff t", policy.Columns{Company: "t.company_id", Department: "t.department_id", Staff: "t.id"}}, true
	case "Company":
		return Facts{policy.OnOrganisation, "companies t", policy.Columns{Company: "t.id"}}, true
	case "Department":
		return Facts{policy.OnOrganisation, "departments t", policy.Columns{Company: "t.company_id", Department: "t.id"}}, true
	case "Role":
		return Facts{policy.OnPolicy, "roles t", policy.Columns{Company: "t.company_id"}}, true
	case "PolicyVersion":
		return Facts{policy.OnPolicy, "policy_versions t", policy.Columns{}}, true
	}
	return governed(typ)
}

// Alias is the name of the table of the rows in From.
func (f Facts) Alias() string {
	if f.Entity == policy.OnClient {
		return "c"
	}
	return "t"
}

// Query asks for one row as it stands to the person of the rights.
func (f Facts) Query(tx *tenancy.Tx, rights *policy.Rights, id uuid.UUID) (string, []any) {
	args := []any{tx.Session().Tenant.UUID(), id}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	c := f.Cols
	alias := f.Alias()
	kinds, team, distributed, granted := "ARRAY[]::text[]", "false", "ARRAY[]::uuid[]", "0"
	if c.Client != "" {
		kinds = "ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = " + c.Client + ")"
		c.Tenant, c.Now = "$1", arg(tx.Now())+"::timestamptz"
		team, distributed, granted = rights.Facts(c, arg)
	}
	or := func(expr, none string) string {
		if expr == "" {
			return none
		}
		return "COALESCE(" + expr + ", " + none + ")"
	}
	const nobody = "'00000000-0000-0000-0000-000000000000'::uuid"
	amount := "NULL::bigint"
	if c.Amount != "" {
		amount = c.Amount
	}
	return fmt.Sprintf(`SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM %s WHERE %s.tenant_id = $1 AND %s.id = $2`,
		or(c.Company, nobody), or(c.Department, nobody), or(c.Owner, nobody), or(c.Client, nobody), or(c.Staff, nobody),
		or(c.Grade, "''"), or(c.Kind, "''"), or(c.Stage, "''"), or(c.State, "''"), or(c.Important, "false"), or(c.Suspended, "false"),
		amount, kinds, team, distributed, granted, f.From, alias, alias), args
}

// ScanRow reads the answer to Query; nil when there is no such row.
func ScanRow(id uuid.UUID, from pgx.Row) (*policy.Row, error) {
	r := &policy.Row{ID: id}
	var amount *int64
	var granted int32
	err := from.Scan(&r.Company, &r.Department, &r.Owner, &r.Client, &r.Staff, &r.Grade, &r.Kind, &r.Stage, &r.State, &r.Important, &r.ClientSuspended,
		&amount, &r.Kinds, &r.OnTeam, &r.DistributedTo, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if amount != nil {
		r.Amount, r.AmountSet = *amount, true
	}
	r.Granted = policy.ClassSet(granted)
	if err != nil {
		return nil, fmt.Errorf("access: row: %w", err)
	}
	return r, nil
}

// Row is nil when the tenant has no such row.
func (f Facts) Row(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights, id uuid.UUID) (*policy.Row, error) {
	sql, args := f.Query(tx, rights, id)
	return ScanRow(id, tx.QueryRow(ctx, sql, args...))
}
