//go:build deploy

package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// binary is the program under test, built once for the package.
var binary string

func TestMain(m *testing.M) {
	os.Exit(withBinary(m))
}

func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "clientele-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "clientele")
	if err := build(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(to string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", to}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/clientele")...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return nil
}

// installation is a program's settings on a database.
type installation struct {
	t      testing.TB
	folder string
	env    []string // of the serving roles; the owner's URL is not among them
	owner  string
}

// install gives the settings for serving c through port: the server's own, or a pooler's.
func (c *cluster) install(port int, more ...string) *installation {
	role := func(name string) string { return dsn("clientele_"+name, passwords()[name], port, "clientele") }
	out, err := runToEnd(nil, binary, "audit", "new-key")
	private, _, found := strings.Cut(out, "\n")
	if err != nil || !found {
		c.t.Fatalf("audit new-key: %v\n%s", err, out)
	}
	// Nothing can be written where the data folder would be: as in the image, whose file system is read-only.
	return &installation{t: c.t, folder: c.folder, owner: c.role("owner"), env: append([]string{
		"CLIENTELE_DATABASE_URL=" + role("app"), "CLIENTELE_AUTHN_URL=" + role("authn"), "CLIENTELE_SYSTEM_URL=" + role("system"),
		"CLIENTELE_CURSOR_KEY=00112233445566778899aabbccddeeff", "CLIENTELE_AUDIT_KEY=" + private, "CLIENTELE_DATA=/dev/null/data",
		"CLIENTELE_LOG_FORMAT=json", "CLIENTELE_MAX_CONNS=4",
	}, more...)}
}

// migrate runs a program's migrations as the owner.
func (in *installation) migrate(program string) {
	in.t.Helper()
	if out, err := runToEnd([]string{"CLIENTELE_OWNER_URL=" + in.owner}, program, "migrate"); err != nil {
		in.t.Fatalf("migrate: %v\n%s", err, out)
	}
}

// account is somebody who can sign in.
type account struct{ tenant, login, password string }

// createTenant makes a tenant as an operator does.
func (in *installation) createTenant(slug string) account {
	in.t.Helper()
	out, err := runToEnd(in.env, binary, "tenant", "create", slug, "--name", "客户部 "+slug, "--person", "王芳")
	found := regexp.MustCompile(`password +(\S+)`).FindStringSubmatch(out)
	if err != nil || found == nil {
		in.t.Fatalf("tenant create: %v\n%s", err, out)
	}
	return account{tenant: slug, login: "admin", password: found[1]}
}

// server is a running `clientele serve`.
type server struct {
	*process
	base, side string // URLs of the API, and of metrics and health
}

// serve starts a program as in production and waits until it says that it is ready.
func (in *installation) serve(program string, more ...string) *server {
	in.t.Helper()
	return in.start(exec.Command(program, "serve", "--production"), more...)
}

// start is serve with the caller's flags.
func (in *installation) start(cmd *exec.Cmd, more ...string) *server {
	in.t.Helper()
	api, side := address(in.t), address(in.t)
	cmd.Dir = in.folder
	cmd.Env = append(append([]string{"CLIENTELE_LISTEN=" + api, "CLIENTELE_TELEMETRY_LISTEN=" + side}, in.env...), more...)
	s := &server{base: "http://" + api, side: "http://" + side}
	s.process = run(in.t, cmd, filepath.Join(in.folder, "serve-"+strings.TrimPrefix(api, "127.0.0.1:")+".log"), syscall.SIGTERM)
	await(s.process, "clientele serve", s.ready)
	return s
}

func address(t testing.TB) string { return "127.0.0.1:" + strconv.Itoa(freePort(t)) }

// ready is the answer of /readyz, as a load balancer sees it.
func (s *server) ready() error {
	resp, err := http.Get(s.side + "/readyz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %d", resp.StatusCode)
	}
	return nil
}

// post sends a JSON body and decodes the answer.
func post(client *http.Client, url, token string, body, into any) (int, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(sent))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return resp.StatusCode, fmt.Errorf("%w: %s", err, text)
	}
	return resp.StatusCode, nil
}

// signIn opens a session and gives its bearer token.
func (s *server) signIn(a account) string {
	s.t.Helper()
	var answer struct {
		Token string          `json:"token"`
		Error json.RawMessage `json:"error"`
	}
	status, err := post(http.DefaultClient, s.base+"/auth/sign-in", "", map[string]string{"tenant": a.tenant, "login": a.login, "password": a.password}, &answer)
	if err != nil || status != http.StatusOK || answer.Token == "" {
		s.t.Fatalf("sign-in: %d %v %s", status, err, answer.Error)
	}
	return answer.Token
}

// answer is a GraphQL response.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors json.RawMessage `json:"errors"`
}

// query asks and fails the test on any error.
func (s *server) query(token, document string) string {
	s.t.Helper()
	var a answer
	status, err := post(http.DefaultClient, s.base+"/graphql", token, map[string]string{"query": document}, &a)
	if err != nil || status != http.StatusOK || a.Errors != nil {
		s.t.Fatalf("%s\n%d %v %s", document, status, err, a.Errors)
	}
	return string(a.Data)
}
