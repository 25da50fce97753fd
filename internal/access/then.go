package access

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Then is what decided rights at an instant of the past: the policy version in force, the roles and the organisation, as the
// history tables have them. Nothing of it is cached.
type Then struct {
	At    time.Time
	Table *policy.Table
	Org   *policy.Org

	now   time.Time
	twins map[string]string // table with a history twin -> its columns
}

const selectTwins = `SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
	AND EXISTS (SELECT FROM pg_class h WHERE h.relnamespace = c.relnamespace AND h.relname = c.relname || '_history') GROUP BY c.relname`

// AsOf reads the state of an instant that has passed. INVALID_INPUT AS_OF_AHEAD for one that has not, AS_OF_BEFORE_POLICY when
// no policy version was in force then.
func AsOf(ctx context.Context, tx *tenancy.Tx, at time.Time) (*Then, error) {
	if at.After(tx.Now()) {
		return nil, fault.Invalid("asOf", "AS_OF_AHEAD", fault.Text{ZH: "须为过去的时间", EN: "an instant that has passed"}, fault.Text{})
	}
	t := &Then{At: at, now: tx.Now(), twins: map[string]string{}}
	rows, err := tx.Query(ctx, selectTwins)
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	var table, columns string
	if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error { t.twins[table] = columns; return nil }); err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	tenant := tx.Session().Tenant
	b := &pgx.Batch{}
	for _, sql := range []string{selectRules, selectInherits, selectClasses, selectCompanies, selectDepartments, selectEmployments} {
		sql, args := t.Statement(sql, []any{tenant.UUID()})
		b.Queue(sql, args...)
	}
	br := tx.SendBatch(ctx, b)
	t.Table, err = readTable(br)
	if err == nil {
		t.Org, err = readOrg(br, tenant, tx.Epochs().Org)
	}
	if e := br.Close(); err == nil {
		err = e
	}
	if err != nil && t.Table == nil {
		return nil, fault.Invalid("asOf", "AS_OF_BEFORE_POLICY", fault.Text{ZH: "当时没有生效的策略", EN: "no policy was in force then"}, fault.Text{}).Because(err)
	}
	if err != nil {
		return nil, fault.Down("POLICY_UNREADABLE", err)
	}
	return t, nil
}

var tableOf = regexp.MustCompile(`\b(?:FROM|JOIN)\s+\(?([a-z_]+)\b`)

// Statement is a statement about the state of now, turned to the instant: every table that keeps its history is read as it
// was, and the transaction's time among the arguments is the instant. The tenant is $1.
func (t *Then) Statement(sql string, args []any) (string, []any) {
	args = slices.Clone(args)
	for i, a := range args {
		if now, ok := a.(time.Time); ok && now.Equal(t.now) {
			args[i] = t.At
		}
	}
	args = append(args, t.At)
	at := "$" + strconv.Itoa(len(args)) + "::timestamptz"
	var past []string
	seen := map[string]bool{}
	for _, m := range tableOf.FindAllStringSubmatch(sql, -1) {
		table := m[1]
		columns, kept := t.twins[table]
		if !kept || seen[table] {
			continue
		}
		seen[table] = true
		// Inside its own definition the name is still the table's.
		past = append(past, table+" AS NOT MATERIALIZED (SELECT "+columns+" FROM "+table+" WHERE tenant_id = $1 AND recorded_from <= "+at+
			" UNION ALL SELECT "+columns+" FROM "+table+"_history WHERE tenant_id = $1 AND recorded_from <= "+at+" AND recorded_to > "+at+")")
	}
	if len(past) == 0 {
		return sql, args[:len(args)-1]
	}
	return "WITH " + strings.Join(past, ", ") + " " + sql, args
}

// Holders are the accounts of then with their bindings, or those of one staff member.
func (t *Then) Holders(ctx context.Context, tx *tenancy.Tx, staff *uuid.UUID) ([]Holder, error) {
	sql, args := t.Statement(selectHolders, []any{tx.Session().Tenant.UUID(), staff, nil})
	return holders(ctx, tx, sql, args)
}
