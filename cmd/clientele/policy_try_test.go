package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/id"
)

// Before anything is drafted, the files say which row would leak, to whom, and by which of their lines.
func TestAssertionsAreTriedOnTheDraftOfTheFiles(t *testing.T) {
	t.Parallel()
	x := newGoverned(t)
	rep, client := x.Person(x.Sibling, "ka_sales_rep"), x.IDs.New()
	x.Exec(`INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, 'C1', '长安汽车', now(), now())`, client, x.Company, x.Department)
	dir := t.TempDir()
	policy, tests := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "tests.yaml")
	do := func(want int, environ []string, args ...string) string {
		t.Helper()
		code, out, errs := run(t, environ, append([]string{"policy"}, args...)...)
		if code != want {
			t.Fatalf("%v: %d\n%s\n%s", args, code, out, errs)
		}
		return out + errs
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says := func(out string, lines ...string) {
		t.Helper()
		for _, l := range lines {
			if !regexp.MustCompile(l).MatchString(out) {
				t.Errorf("it does not say %q:\n%s", l, out)
			}
		}
	}
	do(exitOK, x.environ, "export", "--output", policy)
	write(tests, `tests:
  - {name: 市场部不看大客户部, expect: NEVER, role: ka_sales_rep, staffDepartment: `+id.Encode(id.Department, x.Sibling)+`, object: client, action: read, rowDepartment: `+id.Encode(id.Department, x.Department)+`}
  - {name: 代表不看此客户, expect: deny, staff: `+id.Encode(id.Staff, rep.Staff)+`, object: client, action: read, about: `+id.Encode(id.Client, client)+`}
  - {name: 管理员起草, expect: allow, staff: `+id.Encode(id.Staff, x.admin.Staff)+`, object: policy, action: policy.write}
`)
	says(do(exitOK, x.environ, "test", policy, tests), "trying version 1", "ok   市场部不看大客户部", "ok   代表不看此客户", "ok   管理员起草", "3 assertions, 0 do not hold")

	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	write(policy, strings.Replace(string(text), "rules:\n", "rules:\n    - {role: ka_sales_rep, object: client, action: read, scope: COMPANY}\n", 1))
	line := regexp.QuoteMeta(policy) + `:\d+`
	out := do(exitDiffers, x.environ, "test", policy, tests)
	says(out, "trying the draft that the files make of version 1", `FAIL `+regexp.QuoteMeta(tests)+`:2 市场部不看大客户部: .*客户 1 个.* ← `+line, `FAIL `+regexp.QuoteMeta(tests)+`:3 代表不看此客户: .* ← `+line, "3 assertions, 2 do not hold")
	if x.Text(`SELECT count(*) FROM policy_versions WHERE tenant_id = $1`) != "1" {
		t.Error("something was drafted")
	}

	// saved, it is tried by its number; who sees the row is told which it is
	do(exitOK, x.environ, "apply", policy, "--reason", "放宽")
	manager := append(x.environ[:1:1], "CLIENTELE_TOKEN="+x.token(t, x.Person(x.Department, "general_manager")))
	says(do(exitDiffers, manager, "test", tests, "--version", "2"), "trying version 2", "客户 长安汽车（cli_[0-9a-z]{26}）")
	says(do(exitOK, manager, "test", tests, "--version", "1"), "trying version 1", "0 do not hold")
	says(do(exitFailed, manager, "test", policy, tests), "FORBIDDEN")

	// the tenant's own assertions run, too
	x.Exec(`INSERT INTO policy_tests (tenant_id, id, name, expectation, role_key, object, action, row_department_id, created_at, updated_at) VALUES ($1, $2, '留存用例', 'NEVER', 'ka_sales_rep', 'client', 'read', $3, now(), now())`, x.IDs.New(), x.Department)
	says(do(exitDiffers, x.environ, "test", policy), "FAIL policyTests 留存用例: .* ← "+line)

	// what is wrong is said at its line: offline where the catalogue knows it, by the server where only it does
	write(tests, `tests:
  - {name: a, expect: NEVER, object: client, action: read}
  - {name: b, expect: deny, object: client, action: read, rowOwn: OTHERS}
  - {name: c, expect: ALWAYS, role: ka_sales_rep, object: client, action: read, about: cli_1, rowOwn: SOME, rowCondition: colour = red}
`)
	says(do(exitFailed, x.environ, "lint", tests), ":2: error: REQUIRED", ":3: error: REQUIRED", ":3: error: KEY_NOT_APPLICABLE", ":4: error: KEY_NOT_APPLICABLE", ":4: error: VALUE_UNKNOWN", ":4: error: CONDITION_INVALID")
	write(tests, "tests:\n  - {name: a, expect: NEVER, role: ka_sales_rep, object: client, action: read}\n  - {name: b, expect: NEVER, role: nobody_made_it, object: client, action: read}\n  - {name: c, expect: deny, staff: stf_1, object: client, action: read}\n")
	says(do(exitFailed, x.environ, "test", tests), regexp.QuoteMeta(tests)+":4: ID_MALFORMED")
	write(tests, "tests:\n  - {name: b, expect: NEVER, role: nobody_made_it, object: client, action: read}\n")
	says(do(exitFailed, x.environ, "test", tests), regexp.QuoteMeta(tests)+":2: NOT_FOUND")
}
