package policy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/policy"
)

// Three judges and one answer: the compiled table, casbin, and PostgreSQL with the rendered predicate. Rows carry NULLs
// in every column; kinds, teams, distributions and grants live in the product's own tables, with decoys of another
// tenant and of other times.

var thingColumns = policy.Columns{
	Tenant: "t.tenant_id", Now: "$1::timestamptz", Company: "t.company_id", Department: "t.department_id", Owner: "t.owner_id", Staff: "t.staff_id",
	Client: "t.id", Grade: "t.grade", Kind: "t.kind", Stage: "t.stage", State: "t.state", Important: "t.important", Suspended: "t.suspended", Amount: "t.amount", Original: "t.id", FieldClass: "t.field_class",
}

const things = 150

func TestSQLAgreesWithTableAndCasbin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := connect(t, testkit.NewDatabase(t).Superuser)
	makeThings(t, conn)
	known := readRawFacts(t, conn)
	org := worldOrg(t)
	decisions, allowed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rules, inherits := drawPolicy(t)
		table := mustCompile(t, rules, inherits)
		judge, err := table.Enforcer(tenantA)
		if err != nil {
			t.Fatal(err)
		}
		p := drawPrincipal(t, rules)
		rights := table.Bind(p, org, noon)
		rows := readThings(t, ctx, conn, rights, known)
		for _, q := range questionsOf(rules) {
			reach := rights.Reach(q.obj, q.act)
			sql, found := ask(t, ctx, conn, reach)
			for _, row := range rows {
				decision := rights.Decide(q.obj, q.act, row)
				reference, err := judge.Enforce(p, org, noon, q.obj, q.act, row)
				if err != nil {
					t.Fatal(err)
				}
				if decision.Allow != reference || decision.Allow != found[row.ID] {
					t.Fatalf("%s %s of %+v\ntable %v, casbin %v, SQL %v\n%s", q.act, q.obj, row, decision, reference, found[row.ID], sql)
				}
				if (reach.All && !decision.Allow) || (reach.None && decision.Allow) {
					t.Fatalf("%s %s: the reach says all=%v none=%v, the table %v", q.act, q.obj, reach.All, reach.None, decision)
				}
				decisions++
				if decision.Allow {
					allowed++
				}
			}
		}
	})
	if allowed == 0 || allowed == decisions {
		t.Fatalf("the generator is one-sided: %d of %d allowed", allowed, decisions)
	}
	t.Logf("%d decisions agree three ways, %d of them allowed", decisions, allowed)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

// makeThings fills the tables. A superuser in replica mode writes without parents and triggers: only the facts matter.
func makeThings(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(`SET session_replication_role = replica`)
	exec(`CREATE TABLE things (tenant_id uuid NOT NULL, id uuid PRIMARY KEY, company_id uuid, department_id uuid, owner_id uuid, staff_id uuid,
		grade text, kind text, stage text, state text, important boolean, suspended boolean, amount bigint, field_class smallint)`)
	rng := rand.New(rand.NewPCG(1, 2))
	id := func(ids []uuid.UUID) any {
		if rng.IntN(4) == 0 {
			return nil
		}
		return ids[rng.IntN(len(ids))]
	}
	one := func(values ...any) any { return values[rng.IntN(len(values))] }
	spans := [][2]any{{-1, nil}, {-2, 1}, {-2, 0}, {0, 1}, {1, nil}, {-3, -1}} // minutes from noon; the first, second and fourth hold
	span := func() (from, until any) {
		s := spans[rng.IntN(len(spans))]
		if s[1] != nil {
			until = noon.Add(time.Duration(s[1].(int)) * time.Minute)
		}
		return noon.Add(time.Duration(s[0].(int)) * time.Minute), until
	}
	for n := range things {
		x := uid('x', n+1)
		exec(`INSERT INTO things VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)`, tenantA, x, id(companyIDs), id(departmentIDs), id(staffIDs), id(staffIDs),
			one(nil, "VIP", "A"), one(nil, "SALES", "NDA"), one(nil, "trading", "prospect"), one(nil, "review", "draft"), one(nil, true, false), one(nil, true, false),
			one(nil, int64(-1), int64(100), int64(5000), int64(5001)), one(nil, 0, 3, 4, 7))
		for _, tenant := range []uuid.UUID{tenantA, tenantB} {
			for _, kind := range []string{"KEY", "DEALER", "SUPPLIER"} {
				if rng.IntN(3) == 0 {
					exec(`INSERT INTO client_kinds (tenant_id, id, client_id, kind, recorded_from) VALUES ($1,$2,$3,$4,$5)`, tenant, uuid.New(), x, kind, noon)
				}
			}
			for range rng.IntN(3) {
				from, until := span()
				exec(`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, valid_until, created_at, updated_at, recorded_from)
					VALUES ($1,$2,$3,$4,'SERVICE',$5,$6,$7,$7,$7) ON CONFLICT DO NOTHING`, tenant, uuid.New(), x, staffIDs[rng.IntN(len(staffIDs))], from, until, noon)
				from, until = span()
				exec(`INSERT INTO client_distributions (tenant_id, id, client_id, department_id, valid_from, valid_until, created_at, updated_at, recorded_from)
					VALUES ($1,$2,$3,$4,$5,$6,$7,$7,$7) ON CONFLICT DO NOTHING`, tenant, uuid.New(), x, departmentIDs[rng.IntN(len(departmentIDs))], from, until, noon)
			}
			for range rng.IntN(4) {
				from, until := span()
				if until == nil {
					until = noon.Add(time.Hour + time.Minute)
				}
				exec(`INSERT INTO borrowing_items (tenant_id, id, borrowing_id, original_id, original_version_id, borrower_staff_id, client_id, field_class, content_hash,
					valid_from, valid_until, ended_at, created_at, updated_at, recorded_from) VALUES ($1,$2,$2,$3,$2,$4,$3,3,$5,$6,$7,$8,$9,$9,$9) ON CONFLICT DO NOTHING`,
					tenant, uuid.New(), x, staffIDs[rng.IntN(len(staffIDs))], make([]byte, 32), one(nil, from, from, from), until, one(nil, nil, noon), noon)
			}
			for range rng.IntN(6) {
				from, until := span()
				if until == nil {
					until = noon.Add(time.Hour + time.Minute)
				}
				exec(`INSERT INTO access_grants (tenant_id, id, grantee_staff_id, client_id, class_mask, purpose, valid_from, valid_until, revoked_at, created_at, updated_at, recorded_from)
					VALUES ($1,$2,$3,$4,$5,'test',$6,$7,$8,$9,$9,$9)`, tenant, uuid.New(), staffIDs[rng.IntN(len(staffIDs))], x, 1+rng.IntN(255), from, until, one(nil, nil, noon), noon)
			}
		}
	}
}

// parameters collects them behind $1, the time.
type parameters struct{ values []any }

func (p *parameters) add(v any) string {
	p.values = append(p.values, v)
	return fmt.Sprintf("$%d", len(p.values))
}

// readThings loads every row as a service would: columns, kinds, and the facts about the asking person.
func readThings(t failer, ctx context.Context, conn *pgx.Conn, rights *policy.Rights, known *rawFacts) (out []*policy.Row) {
	args := &parameters{values: []any{noon}}
	team, distributed, granted := rights.Facts(thingColumns, args.add)
	borrowed := rights.Borrowed(thingColumns, args.add)
	sql := `SELECT id, company_id, department_id, owner_id, staff_id, coalesce(grade,''), coalesce(kind,''), coalesce(stage,''), coalesce(state,''),
		coalesce(important, false), coalesce(suspended, false), amount, ARRAY(SELECT k.kind FROM client_kinds k WHERE k.tenant_id = t.tenant_id AND k.client_id = t.id),
		` + team + `, ` + distributed + `, ` + granted + `, ` + borrowed + `, field_class FROM things t WHERE t.tenant_id = ` + args.add(tenantA)
	rows, err := conn.Query(ctx, sql, args.values...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r policy.Row
		var company, department, owner, staff *uuid.UUID
		var amount *int64
		var class *int16
		if err := rows.Scan(&r.ID, &company, &department, &owner, &staff, &r.Grade, &r.Kind, &r.Stage, &r.State, &r.Important, &r.ClientSuspended,
			&amount, &r.Kinds, &r.OnTeam, &r.DistributedTo, &r.Granted, &r.Borrowed, &class); err != nil {
			t.Fatal(err)
		}
		r.Client = r.ID
		for _, f := range []struct{ to, from *uuid.UUID }{{&r.Company, company}, {&r.Department, department}, {&r.Owner, owner}, {&r.Staff, staff}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if amount != nil {
			r.Amount, r.AmountSet = *amount, true
		}
		if class != nil {
			r.FieldClass, r.FieldClassSet = policy.Class(*class), true
		}
		onTeam, distributedTo, granted, borrowed := known.about(r.ID, rights.Staff())
		if r.OnTeam != onTeam || r.Granted != granted || r.Borrowed != borrowed || !slices.Equal(sorted(r.DistributedTo), sorted(distributedTo)) {
			t.Fatalf("facts of %s: read %v %v %v, written %v %v %v", r.ID, r.OnTeam, r.DistributedTo, r.Granted, onTeam, distributedTo, granted)
		}
		out = append(out, &r)
	}
	if rows.Err() != nil || len(out) != things {
		t.Fatalf("%d rows: %v", len(out), rows.Err())
	}
	return out
}

// failer is what *testing.T and *rapid.T have in common here.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// rawFacts are the rows of teams, distributions, grants and borrowings as they were written, to judge Rights.Facts by.
type rawFacts struct{ team, distributions, grants, borrowings []rawFact }

type rawFact struct {
	Tenant, Client, Who uuid.UUID
	From                time.Time
	Until, Revoked      *time.Time
	Mask                policy.ClassSet
}

func readRawFacts(t *testing.T, conn *pgx.Conn) *rawFacts {
	t.Helper()
	read := func(sql string) []rawFact {
		rows, err := conn.Query(context.Background(), sql)
		if err != nil {
			t.Fatal(err)
		}
		out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rawFact])
		if err != nil || len(out) < things {
			t.Fatalf("%d facts: %v", len(out), err)
		}
		return out
	}
	return &rawFacts{
		read(`SELECT tenant_id, client_id, staff_id, valid_from, valid_until, NULL::timestamptz, 0::int FROM client_team_members`),
		read(`SELECT tenant_id, client_id, department_id, valid_from, valid_until, NULL::timestamptz, 0::int FROM client_distributions`),
		read(`SELECT tenant_id, client_id, grantee_staff_id, valid_from, valid_until, revoked_at, class_mask::int FROM access_grants`),
		read(`SELECT tenant_id, original_id, borrower_staff_id, COALESCE(valid_from, '9999-01-01'), valid_until, ended_at, 0::int FROM borrowing_items`),
	}
}

func (f *rawFacts) about(client, me uuid.UUID) (onTeam bool, distributedTo []uuid.UUID, granted policy.ClassSet, borrowed bool) {
	holds := func(r rawFact) bool {
		return r.Tenant == tenantA && r.Client == client && !noon.Before(r.From) && (r.Until == nil || noon.Before(*r.Until)) && r.Revoked == nil
	}
	for _, r := range f.team {
		onTeam = onTeam || (holds(r) && r.Who == me)
	}
	for _, r := range f.distributions {
		if holds(r) {
			distributedTo = append(distributedTo, r.Who)
		}
	}
	for _, r := range f.grants {
		if holds(r) && r.Who == me {
			granted |= r.Mask
		}
	}
	for _, r := range f.borrowings {
		borrowed = borrowed || (holds(r) && r.Who == me)
	}
	return onTeam, distributedTo, granted, borrowed
}

func sorted(ids []uuid.UUID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	slices.Sort(out)
	return out
}

// Every cell there is: each entity, scope, effect and comparison alone, for a person and for an anchored binding.
func TestEveryCellAgrees(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := connect(t, testkit.NewDatabase(t).Superuser)
	makeThings(t, conn)
	known, org := readRawFacts(t, conn), worldOrg(t)
	me := person(staffIDs[1], "r1")
	anchored := person(staffIDs[1], "r1")
	anchored.Bindings[0].Department = departmentIDs[4]
	var rows []*policy.Row
	cells, met := 0, 0
	for _, e := range catalogue[len(catalogue)-8:] {
		for _, condition := range everyComparison(e) {
			for _, scope := range e.Scopes {
				for _, effect := range []policy.Effect{policy.Allow, policy.Deny} {
					if effect == policy.Deny && scope == policy.Partnership {
						continue
					}
					rules := []policy.Rule{{Seq: 1, Role: "r1", Object: e.Object, Action: policy.Read, Scope: scope, Condition: condition, Effect: effect}}
					if effect == policy.Deny {
						rules = append(rules, policy.Rule{Seq: 2, Role: "r1", Object: e.Object, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow})
					}
					table := mustCompile(t, rules, nil)
					judge, err := table.Enforcer(tenantA)
					if err != nil {
						t.Fatal(err)
					}
					p := me
					if cells%2 == 1 && condition == "" {
						p = anchored
					}
					rights := table.Bind(p, org, noon)
					if rows == nil {
						rows = readThings(t, ctx, conn, rights, known) // the same person throughout
					}
					sql, found := ask(t, ctx, conn, rights.Reach(e.Object, policy.Read))
					for _, row := range rows {
						d := rights.Decide(e.Object, policy.Read, row)
						ok, err := judge.Enforce(p, org, noon, e.Object, policy.Read, row)
						if err != nil || ok != d.Allow || found[row.ID] != d.Allow {
							t.Fatalf("%+v of %+v\ntable %v, casbin %v %v, SQL %v\n%s", rules[0], row, d, ok, err, found[row.ID], sql)
						}
						if r := d.Rule(); r != nil && r.Seq == 1 {
							met++
						}
					}
					cells++
				}
			}
		}
	}
	t.Logf("%d cells of %d rows agree three ways; the rule in question was met %d times", cells, len(rows), met)
	if met == 0 {
		t.Error("no rule was ever met")
	}
}

func everyComparison(e policy.Entity) []string {
	out := []string{""}
	for _, f := range e.Fields {
		ops, constants := []string{"=", "!="}, f.Values
		switch f.Kind {
		case policy.MoneyField:
			ops, constants = append(ops, "<", "<=", ">", ">="), []string{"5000"}
		case policy.NumberField:
			ops, constants = append(ops, "<", "<=", ">", ">="), []string{"3", "4"}
		case policy.BoolField:
			constants = []string{"true", "false"}
		}
		for _, op := range ops {
			for _, c := range constants[:min(2, len(constants))] {
				out = append(out, f.Name+" "+op+" "+c)
			}
		}
	}
	return out
}

// ask runs the predicate, in WHERE and as a selected value: both must give the same rows.
func ask(t failer, ctx context.Context, conn *pgx.Conn, reach policy.Reach) (string, map[uuid.UUID]bool) {
	args := &parameters{values: []any{noon}}
	predicate := policy.SQL(reach, thingColumns, args.add)
	sql := `SELECT id, (` + predicate + `) IS TRUE, id IN (SELECT t.id FROM things t WHERE ` + predicate + `) FROM things t WHERE $1::timestamptz IS NOT NULL`
	rows, err := conn.Query(ctx, sql, args.values...)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	defer rows.Close()
	out := map[uuid.UUID]bool{}
	for rows.Next() {
		var id uuid.UUID
		var selected, where bool
		if err := rows.Scan(&id, &selected, &where); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		if selected != where {
			t.Fatalf("selected %v, but in WHERE %v:\n%s", selected, where, sql)
		}
		out[id] = where
	}
	if rows.Err() != nil {
		t.Fatalf("%v\n%s", rows.Err(), sql)
	}
	return sql, out
}

// The operators that compare columns of the row must be leakproof, or row-level security makes their indexes useless.
func TestPredicateOperatorsAreLeakproof(t *testing.T) {
	t.Parallel()
	conn := connect(t, testkit.NewEmptyDatabase(t).Superuser)
	rows, err := conn.Query(context.Background(), `SELECT o.oprname || ' ' || o.oprleft::regtype || ' ' || p.proleakproof FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
		WHERE o.oprleft = o.oprright AND (o.oprleft = ANY('{uuid,text}'::regtype[]) AND o.oprname = '='
		OR o.oprleft = 'bigint'::regtype AND o.oprname IN ('=', '<', '<=', '>', '>=') OR o.oprleft = 'timestamptz'::regtype AND o.oprname IN ('<', '<=', '>'))`)
	if err != nil {
		t.Fatal(err)
	}
	operators, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(operators) != 10 {
		t.Fatalf("%d operators, %v", len(operators), err)
	}
	for _, o := range operators {
		if !strings.HasSuffix(o, "true") {
			t.Errorf("not leakproof: %s", o)
		}
	}
}

// The exact text of one predicate of every kind, so that a change is seen and judged.
func TestSQLText(t *testing.T) {
	t.Parallel()
	rules := []policy.Rule{
		{Role: "r1", Object: policy.OnContract, Action: policy.Read, Scope: policy.Self, Effect: policy.Allow},
		{Role: "r1", Object: policy.OnContract, Action: policy.Read, Scope: policy.DeptTree, Condition: "amount <= 5000 & clientKind = KEY", Effect: policy.Allow},
		{Role: "r1", Object: policy.OnContract, Action: policy.Read, Scope: policy.Granted, Classes: policy.Class(5).Set(), Effect: policy.Allow},
		{Role: "r1", Object: policy.OnContract, Action: policy.Read, Scope: policy.Tenant, Condition: "amount > 9000 & state != draft", Effect: policy.Deny},
	}
	rights := mustCompile(t, rules, nil).Bind(person(staffIDs[6], "r1"), worldOrg(t), noon.Add(100*time.Hour))
	args := &parameters{values: []any{"tenant", "now"}}
	got := policy.SQL(rights.Reach(policy.OnContract, policy.Read), policy.Columns{
		Tenant: "$1", Now: "$2", Owner: "t.owner_id", Department: "t.department_id",
		Client: "t.client_id", State: "t.state", Amount: "t.amount_minor",
	}, args.add)
	want := `(t.owner_id = $3 OR (t.department_id = ANY($4) AND t.amount_minor <= $5 AND EXISTS (SELECT 1 FROM client_kinds k WHERE k.tenant_id = $1 AND k.client_id = t.client_id AND k.kind = $6))` +
		` OR EXISTS (SELECT 1 FROM access_grants g WHERE g.tenant_id = $1 AND g.grantee_staff_id = $7 AND g.client_id = t.client_id AND g.valid_from <= $2 AND g.valid_until > $2 AND g.revoked_at IS NULL AND (g.review_due_at IS NULL OR g.review_due_at > $2) AND g.class_mask & $8 <> 0))` +
		` AND (((t.amount_minor > $9) IS NOT FALSE AND t.state IS DISTINCT FROM $10)) IS NOT TRUE`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(args.values) != 10 || args.values[7] != int32(32) || args.values[8] != int64(9000) {
		t.Errorf("parameters %v", args.values)
	}
}

// A grant, a place on a team and a distribution end at their instant, by the time that the statement is given: a microsecond
// before they hold, at the instant and after it they do not; they begin in the same way. No job is involved.
func TestWhatIsGrantedEndsAtItsInstant(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := connect(t, testkit.NewDatabase(t).Superuser)
	client, me := uid('x', 1), staffIDs[1]
	begin, end := noon.Add(-time.Hour), noon.Add(time.Hour)
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`CREATE TABLE things AS SELECT '` + tenantA.String() + `'::uuid AS tenant_id, '` + client.String() + `'::uuid AS id`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for table, columns := range map[string]string{
		"access_grants": "grantee_staff_id, class_mask, purpose", "client_team_members": "staff_id, duty", "client_distributions": "department_id",
	} {
		values := map[string]string{"access_grants": "$3, 255, 'x'", "client_team_members": "$3, 'SERVICE'", "client_distributions": "$3"}[table]
		who := me
		if table == "client_distributions" {
			who = departmentIDs[1] // where the person works
		}
		if _, err := conn.Exec(ctx, `INSERT INTO `+table+` (tenant_id, id, client_id, `+columns+`, valid_from, valid_until, created_at, updated_at, recorded_from)
			VALUES ($1, gen_random_uuid(), $2, `+values+`, $4, $5, $4, $4, $4)`, tenantA, client, who, begin, end); err != nil {
			t.Fatal(err)
		}
	}
	for _, scope := range []policy.Scope{policy.Granted, policy.ClientTeam, policy.Distributed} {
		table := mustCompile(t, []policy.Rule{{Seq: 1, Role: "r1", Object: policy.OnClient, Action: policy.Read, Scope: scope, Effect: policy.Allow}}, nil)
		rights := table.Bind(person(me, "r1"), worldOrg(t), noon)
		for _, tt := range []struct {
			name string
			at   time.Time
			want bool
		}{
			{"1 µs before it begins", begin.Add(-time.Microsecond), false},
			{"as it begins", begin, true},
			{"1 µs before its end", end.Add(-time.Microsecond), true},
			{"at its end", end, false},
			{"1 µs after", end.Add(time.Microsecond), false},
		} {
			columns := policy.Columns{Tenant: "t.tenant_id", Client: "t.id", Now: "$1::timestamptz"}
			args := &parameters{values: []any{tt.at}}
			predicate := policy.SQL(rights.Reach(policy.OnClient, policy.Read), columns, args.add)
			team, distributed, granted := rights.Facts(columns, args.add)
			var listed bool
			row := policy.Row{ID: client, Client: client}
			if err := conn.QueryRow(ctx, `SELECT (`+predicate+`) IS TRUE, `+team+`, `+distributed+`, `+granted+` FROM things t WHERE $1::timestamptz IS NOT NULL`, args.values...).
				Scan(&listed, &row.OnTeam, &row.DistributedTo, &row.Granted); err != nil {
				t.Fatal(err)
			}
			if d := rights.Decide(policy.OnClient, policy.Read, &row); listed != tt.want || d.Allow != tt.want {
				t.Errorf("%s, %s: listed %v, decided %v, want %v", scope, tt.name, listed, d.Allow, tt.want)
			}
		}
	}
}
