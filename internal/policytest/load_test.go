package policytest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// crowd is a tenant of 40 departments with people, roles and clients, written past the services.
func crowd(t testing.TB, staff, clients int) *identitytest.Tenant {
	t.Helper()
	x := identitytest.New(t).Tenant(t, "crowd")
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		for _, sql := range []string{
			`INSERT INTO departments (tenant_id, id, company_id, kind, name, created_at, updated_at) SELECT $1, gen_random_uuid(), c.id, 'DEPARTMENT', 'd' || n, $2, $2 FROM companies c, generate_series(1, 40) n WHERE c.tenant_id = $1`,
			`INSERT INTO staff (tenant_id, id, number, name, company_id, department_id, created_at, updated_at)
				SELECT $1, gen_random_uuid(), 's' || n, 's' || n, d.company_id, d.id, $2, $2 FROM generate_series(1, ` + fmt.Sprint(staff) + `) n
				JOIN LATERAL (SELECT * FROM departments WHERE tenant_id = $1 AND name = 'd' || (1 + n % 40)) d ON true`,
			`INSERT INTO employments (tenant_id, id, staff_id, company_id, department_id, valid_from, created_at, updated_at)
				SELECT $1, gen_random_uuid(), id, company_id, department_id, $2::timestamptz - interval '1 day', $2, $2 FROM staff WHERE tenant_id = $1 AND number LIKE 's%'`,
			`INSERT INTO accounts (tenant_id, id, staff_id, login, display_name, created_at, updated_at) SELECT $1, gen_random_uuid(), id, number, name, $2, $2 FROM staff WHERE tenant_id = $1 AND number LIKE 's%'`,
			`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at)
				SELECT $1, gen_random_uuid(), a.id, r.id, $2::timestamptz - interval '1 day', $2, $2 FROM accounts a JOIN roles r ON r.tenant_id = $1
				AND r.key = (ARRAY['ka_sales_rep', 'ka_sales_supervisor', 'dept_manager', 'section_head', 'ka_service_specialist'])[1 + substr(a.login, 2)::int % 5]
				WHERE a.tenant_id = $1 AND a.login ~ '^s[0-9]+$'`,
			`INSERT INTO clients (tenant_id, id, company_id, department_id, owner_id, code, name, created_at, updated_at)
				SELECT $1, gen_random_uuid(), d.company_id, d.id, (SELECT id FROM staff WHERE tenant_id = $1 AND department_id = d.id ORDER BY id LIMIT 1), 'C' || n, 'C' || n, $2, $2
				FROM generate_series(1, ` + fmt.Sprint(clients) + `) n JOIN LATERAL (SELECT * FROM departments WHERE tenant_id = $1 AND name = 'd' || (1 + n % 40)) d ON true`,
			`INSERT INTO client_team_members (tenant_id, id, client_id, staff_id, duty, valid_from, created_at, updated_at)
				SELECT $1, gen_random_uuid(), id, owner_id, 'OWNER', $2::timestamptz - interval '1 day', $2, $2 FROM clients WHERE tenant_id = $1 AND owner_id IS NOT NULL`,
		} {
			if _, err := tx.Exec(ctx, sql, x.ID.UUID(), tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	return x
}

// assertions are a mixture of what administrators write down.
func assertions(t testing.TB, x *identitytest.Tenant, n int) (out []policytest.Test) {
	t.Helper()
	var departments []uuid.UUID
	x.Scan(t, `SELECT ARRAY(SELECT id FROM departments WHERE tenant_id = $1 AND name LIKE 'd%' ORDER BY name)`, nil, &departments)
	for i := range n {
		test := policytest.Test{ID: x.IDs.New(), Name: fmt.Sprint("t", i), Expectation: policytest.Never, Object: policy.ClientCredit, Action: policy.Reveal, RowOwn: policytest.AnyRows}
		switch i % 5 {
		case 0: // representatives of one department, clients of another
			test.RoleKey, test.StaffDepartment, test.RowDepartment = "ka_sales_rep", departments[i%40], departments[(i+7)%40]
		case 1: // managers see no credit at all
			test.RoleKey = "dept_manager"
		case 2: // nobody changes clients of other departments
			test.RoleKey, test.Object, test.Action, test.RowOwn = "dept_manager", policy.OnClient, policy.ClientChangeProfile, policytest.Others
		case 3: // managers always see the list of their own department
			test.RoleKey, test.Expectation, test.Object, test.Action, test.RowOwn = "dept_manager", policytest.Always, policy.OnClient, policy.Read, policytest.Own
		case 4: // people who sell do not publish
			test.RoleKey, test.Object, test.Action = "ka_sales_supervisor", policy.OnPolicy, policy.PolicyPublish
		}
		out = append(out, test)
	}
	return out
}

// What runs in every act that changes rights, with many people and assertions: all of them hold, and how long it takes is told.
func TestManyAssertionsAndPeople(t *testing.T) {
	t.Parallel()
	x := crowd(t, 1000, 4000)
	tests := assertions(t, x, 50)
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		for _, n := range []int{1, 50, 50} {
			start := time.Now()
			broken, err := policytest.Run(ctx, tx, nil, tests[:n])
			if err != nil {
				return err
			}
			t.Logf("%d assertions, 1,000 people, 4,000 clients: %v", n, time.Since(start))
			for _, b := range broken {
				t.Errorf("%s is broken: %+v", b.Test.Name, b)
			}
		}
		bad := policytest.Test{ID: x.IDs.New(), Name: "bad", Expectation: policytest.Never, RoleKey: "ka_sales_supervisor", Object: policy.OnClient, Action: policy.Read, RowOwn: policytest.Own}
		broken, err := policytest.Run(ctx, tx, nil, append(tests, bad))
		if err != nil || len(broken) != 1 || broken[0].Test.ID != bad.ID || broken[0].Rule == nil || broken[0].Rule.Scope != policy.Subordinates || broken[0].Staff == uuid.Nil || broken[0].Rows == 0 {
			t.Errorf("one of fifty-one is broken: %+v %v", broken, err)
		}
		return nil
	})
}
