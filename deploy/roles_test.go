//go:build deploy

package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
)

// state is everything that roles.sql and Bootstrap decide, a line each.
func state(t *testing.T, conn *pgx.Conn, database string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT format('role %s super=%s inherit=%s createrole=%s createdb=%s login=%s replication=%s bypassrls=%s limit=%s until=%s config=%s',
			rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, rolconfig)
		FROM pg_roles WHERE rolname LIKE 'clientele%'
		UNION ALL SELECT format('member %s of %s admin=%s', m.member::regrole, m.roleid::regrole, m.admin_option) FROM pg_auth_members m
			WHERE m.member::regrole::text LIKE 'clientele%' OR m.roleid::regrole::text LIKE 'clientele%'
		UNION ALL SELECT format('database owner=%s encoding=%s collate=%s ctype=%s provider=%s limit=%s template=%s connect=%s', datdba::regrole,
			pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider, datconnlimit, datistemplate, datallowconn)
			FROM pg_database WHERE datname = $1
		UNION ALL SELECT format('grant %s to %s by %s grantable=%s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END,
			a.grantor::regrole, a.is_grantable) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1
		UNION ALL SELECT format('setting %s %s', setrole::regrole, setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = $1
		ORDER BY 1`, database)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestRolesEqualBootstrap(t *testing.T) {
	t.Parallel()
	script, program := newCluster(t), newCluster(t)
	if out, err := script.roles("backup"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := migrations.Bootstrap(t.Context(), program.url("postgres", superPassword, "postgres"), "clientele"); err != nil {
		t.Fatal(err)
	}
	want := state(t, program.super("postgres"), "clientele")
	conn := script.super("postgres")
	if diff := cmp.Diff(want, state(t, conn, "clientele")); diff != "" {
		t.Fatalf("roles.sql makes something else than Bootstrap (-bootstrap +script):\n%s", diff)
	}
	if n := strings.Count(strings.Join(want, "\n"), "role clientele_"); n != 4 {
		t.Fatalf("%d roles were compared", n)
	}

	// Again, with the backup role: it is all that is added.
	if out, err := script.roles(); err != nil {
		t.Fatalf("again: %v\n%s", err, out)
	}
	var added []string
	for _, line := range state(t, conn, "clientele") {
		if strings.Contains(line, "clientele_backup") {
			added = append(added, line)
		}
	}
	wantAdded := []string{
		"grant CONNECT to clientele_backup by clientele_owner grantable=f",
		"member clientele_backup of pg_read_all_data admin=f",
		"role clientele_backup super=f inherit=t createrole=f createdb=f login=t replication=f bypassrls=t limit=-1 until= config={default_transaction_read_only=on}",
	}
	if diff := cmp.Diff(wantAdded, added); diff != "" {
		t.Fatalf("the backup role (-want +got):\n%s", diff)
	}

	// The comparison sees a difference: a drift is found, and another run of the script mends it.
	for _, drift := range []string{`ALTER ROLE clientele_app BYPASSRLS`, `GRANT TEMPORARY ON DATABASE clientele TO PUBLIC`} {
		before := state(t, conn, "clientele")
		if _, err := conn.Exec(t.Context(), drift); err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(before, state(t, conn, "clientele")) {
			t.Fatalf("%s was not seen", drift)
		}
		if out, err := script.roles(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := cmp.Diff(before, state(t, conn, "clientele")); diff != "" {
			t.Fatalf("%s was not mended:\n%s", drift, diff)
		}
	}
}

func TestRolesKeepPasswords(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if out, err := c.roles("authn"); err == nil || !strings.Contains(out, "16 characters") {
		t.Fatalf("a role without a password: %v\n%s", err, out)
	}
	if left := state(t, c.super("postgres"), "clientele"); len(left) != 0 {
		t.Fatalf("the refused run left %q", left)
	}
	out, err := c.roles()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows, err := c.super("postgres").Query(t.Context(), `SELECT rolname FROM pg_authid WHERE rolname LIKE 'clientele%' AND rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"clientele_app", "clientele_authn", "clientele_backup", "clientele_owner", "clientele_system"}; !cmp.Equal(want, stored) {
		t.Fatalf("roles with SCRAM passwords: %q", stored)
	}
	for name := range passwords() {
		conn, err := pgx.Connect(t.Context(), c.role(name))
		if err != nil {
			t.Fatalf("%s cannot sign in: %v", name, err)
		}
		_ = conn.Close(t.Context())
		if conn, err := pgx.Connect(t.Context(), c.url("clientele_"+name, "wrong-password-0123456789", "clientele")); err == nil {
			_ = conn.Close(t.Context())
			t.Fatalf("%s signs in with a wrong password", name)
		}
	}
	// Neither the script's output nor the server's log, which takes every statement here, has a password.
	log := read(t, c.logFile())
	if !strings.Contains(log, "rolpassword LIKE") {
		t.Fatal("the server's log does not take statements: the test shows nothing")
	}
	for name, password := range passwords() {
		if strings.Contains(out, password) || strings.Contains(log, password) {
			t.Fatalf("the password of %s was written", name)
		}
	}
}

func (c *cluster) logFile() string { return filepath.Join(c.folder, "log") }
