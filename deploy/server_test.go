//go:build deploy

package deploy_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// passwords of the roles, by what roles.sql calls them.
func passwords() map[string]string {
	return map[string]string{
		"owner": "owner-password-0123456789", "app": "app-password-0123456789", "authn": "authn-password-0123456789",
		"system": "system-password-0123456789", "backup": "backup-password-0123456789",
	}
}

const superPassword = "superuser-password-0123456789"

// cluster is an ordinary PostgreSQL: loopback, a password for everybody, nothing of the product in it.
type cluster struct {
	t      testing.TB
	folder string
	port   int
}

// newCluster makes and runs one; it ends with the test, or with the test's process.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, folder: traversable(t), port: freePort(t)}
	account := serverAccount(t)
	bin := binFolder(t)
	data := filepath.Join(c.folder, "data")
	secret := filepath.Join(c.folder, "superuser")
	write(t, secret, superPassword+"\n")
	give(t, account, c.folder, secret)
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C",
		"--auth=scram-sha-256", "--pwfile="+secret, "--no-instructions", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = "/", account
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(c.port),
		"-c", "unix_socket_directories="+c.folder, "-c", "fsync=off", "-c", "max_connections=100", "-c", "log_statement=all")
	server.Dir, server.SysProcAttr = "/", account
	await(run(t, server, c.logFile(), syscall.SIGINT), "PostgreSQL", func() error {
		conn, err := pgx.Connect(context.Background(), c.url("postgres", superPassword, "postgres"))
		if err != nil {
			return err
		}
		return conn.Close(context.Background())
	})
	return c
}

func (c *cluster) url(role, password, database string) string {
	return dsn(role, password, c.port, database)
}

func dsn(role, password string, port int, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// role is the URL of a role of roles.sql ("app") in the database.
func (c *cluster) role(name string) string {
	return c.url("clientele_"+name, passwords()[name], "clientele")
}

// super is a connection that looks behind the walls.
func (c *cluster) super(database string) *pgx.Conn {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.url("postgres", superPassword, database))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// environ is the environment of a client program: libpq's variables and nothing of ours but what is given.
func (c *cluster) environ(role, password, database string, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.folder, "PGHOST=127.0.0.1", "PGPORT=" + strconv.Itoa(c.port), "PGUSER=" + role,
		"PGPASSWORD=" + password, "PGDATABASE=" + database, "PGSSLMODE=disable",
	}, more...)
}

// roles runs roles.sql as the superuser; without gives roles whose password is left out.
func (c *cluster) roles(without ...string) (string, error) {
	return c.rolesFor("clientele", without...)
}

// rolesFor is roles with another name for the database.
func (c *cluster) rolesFor(database string, without ...string) (string, error) {
	env := c.environ("postgres", superPassword, "postgres", "CLIENTELE_DATABASE="+database)
	for name, password := range passwords() {
		if !slices.Contains(without, name) {
			env = append(env, "CLIENTELE_"+strings.ToUpper(name)+"_PASSWORD="+password)
		}
	}
	return runToEnd(env, "psql", "-X", "-f", "postgres/roles.sql")
}

// ready is a cluster with roles and database.
func readyCluster(t testing.TB) *cluster {
	t.Helper()
	c := newCluster(t)
	if out, err := c.roles(); err != nil {
		t.Fatalf("roles.sql: %v\n%s", err, out)
	}
	return c
}

// runToEnd runs a program from deploy/ and gives what it wrote.
func runToEnd(env []string, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// traversable is a folder that other accounts can pass through; t.TempDir is not.
func traversable(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "clientele-deploy-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// serverAccount is the account that PostgreSQL and PgBouncer run as: both refuse root.
func serverAccount(t testing.TB) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{Setpgid: true}
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, errU := strconv.ParseUint(u.Uid, 10, 32)
	gid, errG := strconv.ParseUint(u.Gid, 10, 32)
	if errU != nil || errG != nil {
		t.Fatal(errU, errG)
	}
	return &syscall.SysProcAttr{Setpgid: true, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func give(t testing.TB, account *syscall.SysProcAttr, paths ...string) {
	t.Helper()
	if account.Credential == nil {
		return
	}
	for _, path := range paths {
		if err := os.Chown(path, int(account.Credential.Uid), int(account.Credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// binFolder is where the newest installed server is.
func binFolder(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // its only error is a bad pattern
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, filepath.Dir(path))
	}
	if len(found) == 0 {
		t.Fatal("PostgreSQL's server programs are not installed")
	}
	return found[len(found)-1]
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// await asks until the answer is nil; a program that ends meanwhile fails the test at once.
func await(p *process, what string, ask func() error) {
	t := p.t
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		select {
		case <-p.exited:
			t.Fatalf("waiting for %s: it ended: %v", what, p.err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// process is a program that runs beside the test.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    string // the file that it writes to
	exited chan struct{}
	err    error
	killed bool // on purpose
}

// kill ends the program as a crash does.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// run starts a program that is sent the signal when the test ends, and killed with the test's process.
func run(t testing.TB, cmd *exec.Cmd, log string, end syscall.Signal) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, log: log, exited: make(chan struct{})}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The shell reads until our end of the pipe closes, which it does however this process ends.
	watchdog := exec.Command("/bin/sh", "-c", `trap "" INT TERM HUP; read go; [ "$go" = over ] || kill -INT "$1"`, "sh", strconv.Itoa(cmd.Process.Pid))
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := watchdog.StdinPipe()
	if err == nil {
		err = watchdog.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		fmt.Fprintln(pipe, "over")
		_ = watchdog.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		if err := p.stop(end); err != nil {
			t.Errorf("%s: %v", filepath.Base(cmd.Path), err)
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(cmd.Path), tail(read(t, log), 2000))
		}
	})
	return p
}

// stop sends the signal and waits for the end; nil when the program ended with 0.
func (p *process) stop(sig syscall.Signal) error {
	if p.killed {
		return nil
	}
	_ = p.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-p.exited:
		return p.err
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("did not end on %v", sig)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
