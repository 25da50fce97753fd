//go:build deploy

package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// counts are the rows of every table, seen by the superuser.
func (c *cluster) counts() map[string]int64 {
	c.t.Helper()
	conn := c.super("clientele")
	rows, err := conn.Query(c.t.Context(), `SELECT n.nspname || '.' || c.relname,
		(xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', n.nspname, c.relname), false, true, '')))[1]::text::bigint
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`)
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]int64{}
	var table string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { out[table] = n; return nil }); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// walls are what keeps tenants apart: row-level security, policies and rights, a line each.
func (c *cluster) walls() []string {
	c.t.Helper()
	rows, err := c.super("clientele").Query(c.t.Context(), `
		SELECT format('%s %s owner=%s security=%s forced=%s rights=%s', c.relkind, c.oid::regclass, c.relowner::regrole, relrowsecurity, relforcerowsecurity,
			(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname IN ('public', 'guard') AND c.relkind IN ('r', 'v', 'S', 'p')
		UNION ALL SELECT format('policy %s %s %s %s %s %s', tablename, policyname, permissive, roles, qual, with_check) FROM pg_policies
		UNION ALL SELECT format('schema %s %s', nspname, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a)) FROM pg_namespace WHERE nspname IN ('public', 'guard')
		UNION ALL SELECT format('function %s %s', p.oid::regprocedure, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'guard')
		UNION ALL SELECT format('default %s %s', defaclobjtype, defaclacl) FROM pg_default_acl
		UNION ALL SELECT format('constraint %s %s valid=%s', conrelid::regclass, conname, convalidated) FROM pg_constraint WHERE conrelid <> 0
		UNION ALL SELECT format('trigger %s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
		ORDER BY 1`)
	if err != nil {
		c.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		c.t.Fatal(err)
	}
	return lines
}

// passfile writes libpq's password file for the roles of c.
func (c *cluster) passfile() string {
	var lines strings.Builder
	for name, password := range passwords() {
		lines.WriteString("*:*:*:clientele_" + name + ":" + password + "\n")
	}
	path := filepath.Join(c.folder, "pgpass")
	write(c.t, path, lines.String())
	return path
}

// script runs one of deploy/backup with a password file and no password in the environment.
func (c *cluster) script(user, name string, args ...string) (string, error) {
	var env []string
	for _, e := range c.environ(user, "", "clientele", "PGPASSFILE="+c.passfile()) {
		if !strings.HasPrefix(e, "PGPASSWORD=") {
			env = append(env, e)
		}
	}
	return runToEnd(env, "backup/"+name, args...)
}

func TestBackupIsRestoredElsewhere(t *testing.T) {
	t.Parallel()
	from, to := readyCluster(t), readyCluster(t)
	in := from.install(from.port)
	in.migrate(binary)
	accounts := []account{in.createTenant("hengxin"), in.createTenant("boyuan")}
	first := in.serve(binary)
	smoke(t, first, accounts[0]) // and with it a session in the backup
	// Stopped: background work, the sealing of the audit, would go on between the backup and the count here.
	if err := first.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	shelf := filepath.Join(from.folder, "shelf")
	out, err := from.script("clientele_backup", "backup.sh", shelf)
	if err != nil {
		t.Fatalf("backup.sh: %v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(out))
	made, err := filepath.Glob(shelf + "/clientele-*")
	if err != nil || len(made) != 1 {
		t.Fatalf("%q %v", made, err)
	}
	want := from.counts()
	if want["public.tenants"] != 2 || want["public.staff"] != 2 || want["public.sessions"] != 1 || want["public.policy_rules"] == 0 {
		t.Fatalf("the rows of the installation: %v", want)
	}

	out, err = to.script("", "restore.sh", made[0])
	if err != nil {
		t.Fatalf("restore.sh: %v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(out))
	if diff := cmp.Diff(want, to.counts()); diff != "" {
		t.Fatalf("rows (-backed up +restored):\n%s", diff)
	}
	if diff := cmp.Diff(from.walls(), to.walls()); diff != "" {
		t.Fatalf("walls (-backed up +restored):\n%s", diff)
	}
	restored := to.install(to.port)
	restored.migrate(binary) // nothing is left to do
	s := restored.serve(binary)
	for _, a := range accounts {
		smoke(t, s, a)
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	// What is there is not written over.
	before := to.counts()
	if out, err := to.script("", "restore.sh", made[0]); exitCode(err) != 2 || !strings.Contains(out, "not empty") {
		t.Fatalf("restore into a full database: %v\n%s", err, out)
	}
	if diff := cmp.Diff(before, to.counts()); diff != "" {
		t.Fatalf("the refused restore changed rows:\n%s", diff)
	}
}

// TestBackupRefusesRolesThatSeeNoRows: row-level security is forced on the owner too.
func TestBackupRefusesRolesThatSeeNoRows(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	in := c.install(c.port)
	in.migrate(binary)
	in.createTenant("hengxin")
	shelf := filepath.Join(c.folder, "shelf")
	for _, role := range []string{"clientele_owner", "clientele_app"} {
		if out, err := c.script(role, "backup.sh", shelf); exitCode(err) != 2 || !strings.Contains(out, "row-level security binds this role") {
			t.Fatalf("backup as %s: %v\n%s", role, err, out)
		}
	}
	if left, err := os.ReadDir(shelf); err == nil && len(left) != 0 {
		t.Fatalf("the refused backups left %v", left)
	}
	// pg_dump itself refuses the owner, and with its option for row security fails on the tenant that is not set.
	env := c.environ("clientele_owner", passwords()["owner"], "clientele")
	for _, option := range []string{"--no-owner", "--enable-row-security"} {
		if out, err := runToEnd(env, "pg_dump", option, "--data-only", "--table=tenants"); err == nil {
			t.Fatalf("pg_dump %s as the owner:\n%s", option, out)
		}
	}
	// The backup role writes nothing, although it passes row-level security.
	conn, err := pgx.Connect(t.Context(), c.role("backup"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	before := c.counts()
	for _, statement := range []string{`DELETE FROM tenants`, `SET default_transaction_read_only = off; UPDATE tenants SET name = 'x'`} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Fatalf("the backup role may: %s", statement)
		}
	}
	if diff := cmp.Diff(before, c.counts()); diff != "" {
		t.Fatalf("rows changed:\n%s", diff)
	}
}

func TestBackupSeesDamage(t *testing.T) {
	t.Parallel()
	from, to := readyCluster(t), readyCluster(t)
	in := from.install(from.port)
	in.migrate(binary)
	in.createTenant("hengxin")
	shelf := filepath.Join(from.folder, "shelf")
	if out, err := from.script("clientele_backup", "backup.sh", shelf); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := filepath.Glob(shelf + "/clientele-*")
	if err != nil || len(made) != 1 {
		t.Fatalf("%q %v", made, err)
	}
	counts := filepath.Join(made[0], "counts.tsv")
	whole := read(t, counts)
	write(t, counts, strings.Replace(whole, "public.tenants\t1", "public.tenants\t2", 1))
	if out, err := to.script("", "restore.sh", made[0]); exitCode(err) != 1 || !strings.Contains(out, "damaged") {
		t.Fatalf("a changed file: %v\n%s", err, out)
	}
	if n := len(to.counts()); n != 0 {
		t.Fatalf("the refused restore made %d tables", n)
	}
	// With sums that fit it is the count of rows that tells.
	if out, err := exec.Command("sh", "-c", `cd "$1" && sha256sum data.dump counts.tsv > SHA256SUMS`, "sh", made[0]).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := to.script("", "restore.sh", made[0]); exitCode(err) != 1 || !strings.Contains(out, "rows restored differ") {
		t.Fatalf("a missing row: %v\n%s", err, out)
	}
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return 0
}
