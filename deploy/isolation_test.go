//go:build deploy

package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// fromTop runs go at the top of the module with more in its environment, and gives what it wrote.
func fromTop(t *testing.T, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// template is a second database of the server, set up as the first one is, of which every test of a run gets a clone.
const template = "isolation"

// testServer is the environment by which tests use the cluster (internal/testkit, given.go), serving through port.
func (c *cluster) testServer(port int) []string {
	role := func(name string, port int) string {
		return dsn("clientele_"+name, passwords()[name], port, template)
	}
	return []string{
		"CLIENTELE_TEST_SUPERUSER_URL=" + c.url("postgres", superPassword, "postgres"), "CLIENTELE_TEST_OWNER_URL=" + role("owner", c.port),
		"CLIENTELE_TEST_APP_URL=" + role("app", port), "CLIENTELE_TEST_AUTHN_URL=" + role("authn", port), "CLIENTELE_TEST_SYSTEM_URL=" + role("system", port),
		"CLIENTELE_TEST_POOLER=" + strconv.FormatBool(port != c.port),
	}
}

var (
	listed     = regexp.MustCompile(`(?m)^(Test\w+)$`)
	passed     = regexp.MustCompile(`(?m)^--- PASS: (Test\w+) `)
	nodePassed = regexp.MustCompile(`(?m)^ℹ pass (\d+)$`)
	nodeFailed = regexp.MustCompile(`(?m)^ℹ fail (\d+)$`)
)

func names(found [][]string) []string {
	var out []string
	for _, f := range found {
		out = append(out, f[1])
	}
	slices.Sort(out)
	return out
}

// isolated runs internal/isolation with its databases on the cluster: every test of it has to pass, and to have been here.
func (c *cluster) isolated(t *testing.T, port int) {
	t.Helper()
	list, err := fromTop(t, nil, "test", "-list", ".", "./internal/isolation")
	if err != nil {
		t.Fatalf("%v\n%s", err, list)
	}
	want := names(listed.FindAllStringSubmatch(list, -1))
	made := regexp.MustCompile(`(?m)statement: CREATE DATABASE test_\w+ TEMPLATE "` + template + `"`)
	before := len(made.FindAllString(read(t, c.logFile()), -1))
	out, err := fromTop(t, c.testServer(port), "test", "-count=1", "-v", "-timeout", "20m", "./internal/isolation")
	if got := names(passed.FindAllStringSubmatch(out, -1)); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%v\npassed: %q\nwant:   %q\n%s", err, got, want, tail(out, 20000))
	}
	clones := len(made.FindAllString(read(t, c.logFile()), -1)) - before
	if !slices.Contains(want, "TestEveryMutationOfTheAPIWithAnotherTenantsIds") || !slices.Contains(want, "TestEveryQueryOfTheAPIWithAnotherTenantsIds") || clones == 0 {
		t.Fatalf("%d databases were made for %q: the run shows nothing of this server", clones, want)
	}
	t.Logf("internal/isolation: %d tests passed in %d databases of this server", len(want), clones)
}

// audited runs the public audits and the client libraries against the server.
func audited(t *testing.T, s *server, a account) {
	t.Helper()
	out, err := fromTop(t, []string{"TOKEN=" + s.signIn(a)}, "run", "./internal/clienttest", "-url", s.base+"/graphql")
	ok, bad := nodePassed.FindStringSubmatch(out), nodeFailed.FindStringSubmatch(out)
	if err != nil || ok == nil || bad == nil || bad[1] != "0" {
		t.Fatalf("%v\n%s", err, tail(out, 20000))
	}
	if n, err := strconv.Atoi(ok[1]); err != nil || n < 60 { // the audit alone has more
		t.Fatalf("%s tests passed: the audit did not run\n%s", ok[1], out)
	}
	t.Logf("internal/clienttest: %s tests passed", ok[1])
}

// TestIsolationAndAuditsAsDeployed: what other tests show on a server of their own holds on one that roles.sql alone set up,
// that the owner migrated, and that the three roles serve with their passwords; directly, and through PgBouncer.
func TestIsolationAndAuditsAsDeployed(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	if out, err := c.rolesFor(template); err != nil {
		t.Fatalf("roles.sql for a second database: %v\n%s", err, out)
	}
	direct := c.install(c.port)
	direct.migrate(binary)
	if out, err := runToEnd([]string{"CLIENTELE_OWNER_URL=" + c.url("clientele_owner", passwords()["owner"], template)}, binary, "migrate"); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	a := direct.createTenant("hengxin")

	// Half of the environment is refused before anything runs: a run that fell back on another server would show nothing.
	if out, err := fromTop(t, c.testServer(c.port)[:5], "test", "-count=1", "-run", "^TestTheRunsSee$", "./internal/isolation"); err == nil || !strings.Contains(out, "given by half: CLIENTELE_TEST_POOLER not set") {
		t.Fatalf("a server given by half: %v\n%s", err, out)
	}

	// Two server connections for a database and role: every transaction changes hands.
	port := c.pooler("default_pool_size = 2", "min_pool_size = 0", "reserve_pool_size = 0")
	pooled := c.install(port, "CLIENTELE_POOLER=true", "CLIENTELE_MAX_CONNS=16")
	signedIn := regexp.MustCompile(`/clientele_(app|authn|system)@\S+ login attempt: db=test_`)
	for _, way := range []struct {
		name string
		in   *installation
		port int
	}{{"direct", direct, c.port}, {"PgBouncer", pooled, port}} {
		t.Run(way.name, func(t *testing.T) {
			way.in.t = t
			s := way.in.serve(binary)
			smoke(t, s, a)
			audited(t, s, a)
			if err := s.stop(syscall.SIGTERM); err != nil {
				t.Fatalf("the program ended with %v", err)
			}
			before := len(signedIn.FindAllString(read(t, c.poolerLog()), -1))
			c.isolated(t, way.port)
			through := len(signedIn.FindAllString(read(t, c.poolerLog()), -1)) - before
			if (through > 0) != (way.port == port) {
				t.Fatalf("%d connections of the tests came through PgBouncer", through)
			}
			t.Logf("%d connections of the tests came through PgBouncer", through)
		})
	}
}
