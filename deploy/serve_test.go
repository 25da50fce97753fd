//go:build deploy

package deploy_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// smoke is what an installation must answer, whatever stands between it and the server.
func smoke(t *testing.T, s *server, a account) {
	t.Helper()
	token := s.signIn(a)
	want := `{"tenant":{"slug":"` + a.tenant + `","name":"客户部 ` + a.tenant + `"}}`
	if got := s.query(token, `{ tenant { slug name } }`); got != want {
		t.Fatalf("tenant: %s, want %s", got, want)
	}
	want = `{"companies":{"nodes":[{"name":"客户部 ` + a.tenant + `"}]},"staffMembers":{"nodes":[{"name":"王芳"}]},"clients":{"nodes":[]}}`
	const all = `{ companies(first: 5) { nodes { name } } staffMembers(first: 5) { nodes { name } } clients(first: 5) { nodes { id } } }`
	if got := s.query(token, all); got != want {
		t.Fatalf("lists: %s, want %s", got, want)
	}
}

func TestServesAfterRolesAndMigrations(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	in := c.install(c.port)

	// Not migrated, it refuses to serve and says what to do.
	if out, err := runToEnd(in.env, binary, "serve"); err == nil || !strings.Contains(out, "clientele migrate") {
		t.Fatalf("serve before migrate: %v\n%s", err, out)
	}
	in.migrate(binary)
	in.migrate(binary) // again is nothing
	first, second := in.createTenant("hengxin"), in.createTenant("boyuan")
	s := in.serve(binary)
	smoke(t, s, first)
	smoke(t, s, second)

	// The owner's URL in the application's place is refused: it has no wall.
	wrong := append([]string{}, in.env...)
	wrong[0] = "CLIENTELE_DATABASE_URL=" + in.owner
	if out, err := runToEnd(wrong, binary, "serve"); err == nil || !strings.Contains(out, "owns objects") {
		t.Fatalf("serve as the owner: %v\n%s", err, out)
	}
	// So is the backup role's, which bypasses row-level security.
	wrong[0] = "CLIENTELE_DATABASE_URL=" + c.role("backup")
	if out, err := runToEnd(wrong, binary, "serve"); err == nil || !strings.Contains(out, "BYPASSRLS") {
		t.Fatalf("serve as the backup role: %v\n%s", err, out)
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the program ended with %v", err)
	}
}

// pooler runs PgBouncer with the shipped settings before the cluster and gives its port.
func (c *cluster) pooler(settings ...string) int {
	c.t.Helper()
	folder := filepath.Join(c.folder, "pgbouncer")
	if err := os.Mkdir(folder, 0o700); err != nil {
		c.t.Fatal(err)
	}
	port := freePort(c.t)
	list, ini := filepath.Join(folder, "userlist.txt"), filepath.Join(folder, "pgbouncer.ini")
	if out, err := runToEnd(c.environ("postgres", superPassword, "postgres"), "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "pgbouncer/userlist.sql", "-o", list); err != nil {
		c.t.Fatalf("userlist.sql: %v\n%s", err, out)
	}
	// The owner too, whom the shipped list leaves out: a test shows what becomes of his migrations.
	var owner string
	if err := c.super("postgres").QueryRow(c.t.Context(), `SELECT format('"%s" "%s"', rolname, rolpassword) FROM pg_authid WHERE rolname = 'clientele_owner'`).Scan(&owner); err != nil {
		c.t.Fatal(err)
	}
	write(c.t, list, strings.TrimSpace(read(c.t, list))+"\n"+owner+"\n")
	// Addresses, files and sizes are the test's, all else is as shipped.
	text := read(c.t, "pgbouncer/pgbouncer.ini")
	server := "host=127.0.0.1 port=" + strconv.Itoa(c.port)
	// Any other database of the server is led to as well: tests have their own.
	databases := "clientele = " + server + " dbname=clientele\n* = " + server
	for _, setting := range append(settings, databases, "listen_port = "+strconv.Itoa(port), "auth_file = "+list) {
		name, _, _ := strings.Cut(setting, " ")
		line := regexp.MustCompile(`(?m)^` + name + ` = .*$`)
		if n := len(line.FindAllString(text, -1)); n != 1 {
			c.t.Fatalf("%s stands %d times in pgbouncer.ini", name, n)
		}
		text = line.ReplaceAllLiteralString(text, setting)
	}
	write(c.t, ini, text+"unix_socket_dir =\n")
	account := serverAccount(c.t)
	give(c.t, account, folder, list, ini)
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	cmd := exec.Command(program, ini)
	cmd.Dir, cmd.SysProcAttr = "/", account
	pooler := run(c.t, cmd, c.poolerLog(), syscall.SIGINT)
	await(pooler, "PgBouncer", func() error {
		conn, err := pgx.Connect(c.t.Context(), dsn("clientele_app", passwords()["app"], port, "clientele"))
		if err != nil {
			return err
		}
		return conn.Close(c.t.Context())
	})
	return port
}

func (c *cluster) poolerLog() string { return filepath.Join(c.folder, "pgbouncer.log") }

func TestServesThroughPgBouncer(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	direct := c.install(c.port)
	direct.migrate(binary)
	accounts := []account{direct.createTenant("hengxin"), direct.createTenant("boyuan")}

	// Two server connections for everything that the application does: every transaction changes hands.
	port := c.pooler("default_pool_size = 2", "min_pool_size = 0", "reserve_pool_size = 0")
	in := c.install(port, "CLIENTELE_POOLER=true", "CLIENTELE_MAX_CONNS=16")
	s := in.serve(binary)
	for _, a := range accounts {
		smoke(t, s, a)
	}

	// Both tenants at once on the two connections: each sees itself and nothing else.
	tokens := map[string]string{}
	for _, a := range accounts {
		tokens[a.tenant] = s.signIn(a)
		openDepartment(t, s, tokens[a.tenant]) // mutations go through as well
	}
	var all sync.WaitGroup
	failed := make(chan string, 16)
	for worker := range 16 {
		a := accounts[worker%2]
		want := `{"tenant":{"slug":"` + a.tenant + `"},"companies":{"nodes":[{"name":"客户部 ` + a.tenant + `"}]}}`
		all.Go(func() {
			for range 40 {
				var got answer
				status, err := post(http.DefaultClient, s.base+"/graphql", tokens[a.tenant],
					map[string]string{"query": `{ tenant { slug } companies(first: 5) { nodes { name } } }`}, &got)
				if err != nil || status != http.StatusOK || string(got.Data) != want {
					failed <- fmt.Sprintf("%d %v %s %s, want %s", status, err, got.Data, got.Errors, want)
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	for f := range failed {
		t.Error(f)
	}

	// The server saw no more connections of the application than the pool has, and no tenant stayed on one.
	var connections int
	if err := c.super("clientele").QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE usename = 'clientele_app'`).Scan(&connections); err != nil {
		t.Fatal(err)
	}
	if connections == 0 || connections > 2 {
		t.Fatalf("%d connections of the application", connections)
	}
	conn, err := pgx.Connect(t.Context(), dsn("clientele_app", passwords()["app"], port, "clientele")+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for range 8 {
		var left string
		if err := conn.QueryRow(t.Context(), `SELECT COALESCE(current_setting('app.tenant_id', true), '')`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left != "" {
			t.Fatalf("a tenant stayed on a pooled connection: %s", left)
		}
	}
	var kept int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_prepared_statements WHERE name <> ''`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if kept != 0 {
		t.Fatalf("%d prepared statements are kept behind the pooler", kept)
	}
}

// TestPoolerSettingMatters: without CLIENTELE_POOLER the same installation fails, so that the test above shows something.
func TestPoolerSettingMatters(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	direct := c.install(c.port)
	direct.migrate(binary)
	a := direct.createTenant("hengxin")
	port := c.pooler("default_pool_size = 2", "min_pool_size = 0", "reserve_pool_size = 0")
	s := c.install(port, "CLIENTELE_MAX_CONNS=16").serve(binary)
	token := s.signIn(a)
	var all sync.WaitGroup
	var broken sync.Map
	for worker := range 16 {
		all.Go(func() {
			for range 20 {
				var got answer
				status, err := post(http.DefaultClient, s.base+"/graphql", token, map[string]string{"query": `{ tenant { slug } }`}, &got)
				if err != nil || status != http.StatusOK || got.Errors != nil {
					broken.Store(worker, true)
				}
			}
		})
	}
	all.Wait()
	if !strings.Contains(read(t, s.log)+read(t, c.logFile()), "prepared statement") {
		t.Fatal("prepared statements through the pooler did no harm: the setting is not tested")
	}
	found := false
	broken.Range(func(any, any) bool { found = true; return false })
	t.Logf("requests failed without the setting: %v", found)
}
