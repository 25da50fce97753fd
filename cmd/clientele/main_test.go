package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/clientele/clientele/internal/testkit"
)

// output is what a running program has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// running is a program started with the same Main as the binary.
type running struct {
	t              *testing.T
	stdout, stderr output
	stop           context.CancelFunc
	code           chan int
}

func start(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, stop: stop, code: make(chan int, 1)}
	go func() { r.code <- Main(ctx, args, &r.stdout, &r.stderr, environ) }()
	t.Cleanup(stop)
	return r
}

// await waits until the pattern stands in the program's output and gives its first group.
func (r *running) await(pattern string) string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); <-tick.C {
		if m := re.FindStringSubmatch(r.stdout.String() + r.stderr.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case code := <-r.code:
			r.t.Fatalf("ended with %d before %q:\n%s\n%s", code, pattern, r.stdout.String(), r.stderr.String())
		default:
		}
	}
	r.t.Fatalf("no %q:\n%s\n%s", pattern, r.stdout.String(), r.stderr.String())
	return ""
}

func (r *running) end() int {
	r.t.Helper()
	r.stop()
	return <-r.code
}

// run runs a command to its end.
func run(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs output
	code = Main(t.Context(), args, &out, &errs, environ)
	return code, out.String(), errs.String()
}

func TestHelpNamesEveryCommandAndSetting(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{}, {"serve"}, {"demo"}, {"migrate"}, {"tenant", "create"}, {"tenant", "list"}, {"tenant", "reset-admin"}, {"policy", "export"}, {"policy", "lint"}, {"policy", "apply"}, {"policy", "compare"}, {"policy", "test"}} {
		code, out, errs := run(t, nil, append(command, "--help")...)
		if code != exitOK || errs != "" || !strings.Contains(out, "Usage: clientele") || !strings.Contains(out, " · ") {
			t.Errorf("%v: %d %s %s", command, code, out, errs)
		}
	}
	_, out, _ := run(t, nil, "serve", "--help")
	for _, name := range []string{"CLIENTELE_DATABASE_URL", "CLIENTELE_AUTHN_URL", "CLIENTELE_SYSTEM_URL", "CLIENTELE_OWNER_URL", "CLIENTELE_LISTEN"} {
		if !strings.Contains(out, "[$"+name+"]") {
			t.Errorf("%s is not in the help", name)
		}
	}
	if code, out, _ := run(t, nil, "version"); code != exitOK || !strings.HasPrefix(out, "clientele ") {
		t.Errorf("version: %d %s", code, out)
	}
}

// What goes wrong is said in both languages, with what to do about it.
func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range []struct {
		what    string
		environ []string
		args    []string
		code    int
		says    []string
	}{
		{"an unknown command", nil, []string{"nonsense"}, exitUsage, []string{"命令行有误", "clientele --help"}},
		{"one URL of three", []string{"CLIENTELE_DATABASE_URL=" + d.App}, []string{"serve"}, exitFailed, []string{"CLIENTELE_AUTHN_URL", "docs/operators.md"}},
		{"a role without walls", []string{"CLIENTELE_DATABASE_URL=" + d.Superuser, "CLIENTELE_AUTHN_URL=" + d.Authn, "CLIENTELE_SYSTEM_URL=" + d.System}, []string{"serve", "--data", dir}, exitFailed, []string{"superuser", "超级用户"}},
		{"migrating without the owner", []string{"CLIENTELE_DATABASE_URL=" + d.App}, []string{"migrate"}, exitFailed, []string{"CLIENTELE_OWNER_URL", "办法"}},
		{"a folder that is a file", nil, []string{"serve", "--data", file}, exitFailed, []string{"--data", "办法"}},
		{"a proxy that is no network", []string{"CLIENTELE_DATABASE_URL=" + d.App, "CLIENTELE_AUTHN_URL=" + d.Authn, "CLIENTELE_SYSTEM_URL=" + d.System}, []string{"serve", "--data", dir, "--trusted-proxy", "x"}, exitFailed, []string{"not a network"}},
	} {
		code, out, errs := run(t, c.environ, c.args...)
		if code != c.code || out != "" {
			t.Errorf("%s: %d %s", c.what, code, out)
		}
		for _, s := range append(c.says, "错误：", "error:", "remedy:") {
			if !strings.Contains(errs, s) {
				t.Errorf("%s: %q is missing: %s", c.what, s, errs)
			}
		}
	}
}

// An operator makes a tenant on a server of his own, gives the administrator a new password, and serves.
func TestOperatorOnAServerOfOnesOwn(t *testing.T) {
	t.Parallel()
	d := testkit.NewEmptyDatabase(t)
	environ := []string{
		"CLIENTELE_OWNER_URL=" + d.Owner, "CLIENTELE_DATABASE_URL=" + d.App, "CLIENTELE_AUTHN_URL=" + d.Authn, "CLIENTELE_SYSTEM_URL=" + d.System,
		"CLIENTELE_LISTEN=127.0.0.1:0", "CLIENTELE_TELEMETRY_LISTEN=127.0.0.1:0", "CLIENTELE_DATA=" + t.TempDir(), "CLIENTELE_LOG_FORMAT=json",
	}
	if code, _, errs := run(t, environ, "serve"); code != exitFailed || !strings.Contains(errs, "clientele migrate") {
		t.Fatalf("an empty database is served: %d %s", code, errs)
	}
	if code, out, errs := run(t, environ, "migrate"); code != exitOK || !strings.Contains(out, "schema version") {
		t.Fatalf("migrate: %d %s", code, errs)
	}
	code, out, errs := run(t, environ, "tenant", "create", "acme", "--name", "测试公司", "--person", "张三")
	if code != exitOK {
		t.Fatalf("tenant create: %d %s", code, errs)
	}
	password := regexp.MustCompile(`password\s+(\S+)`).FindStringSubmatch(out)[1]
	if code, out, errs = run(t, environ, "tenant", "list"); code != exitOK || !strings.Contains(out, "acme") || !strings.Contains(out, "测试公司") {
		t.Fatalf("tenant list: %d %s %s", code, out, errs)
	}
	if code, out, errs = run(t, environ, "tenant", "reset-admin", "acme"); code != exitOK || !strings.Contains(out, "password") {
		t.Fatalf("tenant reset-admin: %d %s %s", code, out, errs)
	}
	if code, _, errs = run(t, environ, "tenant", "reset-admin", "nobody"); code != exitFailed || !strings.Contains(errs, "Tenant not found") {
		t.Fatalf("tenant reset-admin of nobody: %d %s", code, errs)
	}
	fresh := regexp.MustCompile(`password\s+(\S+)`).FindStringSubmatch(out)[1]
	p := start(t, environ, "serve")
	api, side := "http://"+p.await(`"msg":"serving","address":"([^"]+)"`), "http://"+p.await(`"msg":"metrics and health","address":"([^"]+)"`)
	for url, want := range map[string]int{api + "/healthz": 200, api + "/readyz": 200, side + "/readyz": 200, side + "/metrics": 200, api + "/": 200, api + "/console/page/bar.js": 200, api + "/auth/session": 401, api + "/nothing": 404} {
		if got := status(t, url); got != want {
			t.Errorf("%s: %d, want %d", url, got, want)
		}
	}
	for pass, want := range map[string]int{password: http.StatusUnauthorized, fresh: http.StatusOK} {
		body := `{"tenant":"acme","login":"admin","password":"` + pass + `"}`
		r, err := http.Post(api+"/auth/sign-in", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var in struct{ Token string }
		_ = json.NewDecoder(r.Body).Decode(&in) // a refusal has none
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("sign-in: %d, want %d", r.StatusCode, want)
		}
		if in.Token != "" {
			mustChange(t, api+"/graphql", in.Token, fresh)
		}
	}
	if code := p.end(); code != exitOK {
		t.Errorf("ended with %d: %s", code, p.stderr.String())
	}
	if log := p.stderr.String(); strings.Contains(log, fresh) || strings.Contains(log, "张三") {
		t.Errorf("the log holds personal data: %s", log)
	}
}

// mustChange: with a password that somebody else set, a session changes it and does nothing else; the same token then has all
// rights.
func mustChange(t *testing.T, url, token, password string) {
	t.Helper()
	if a := ask(t, url, token, `{ viewer { account { login } } }`); !strings.Contains(a, `"login":"admin"`) {
		t.Errorf("who am I: %s", a)
	}
	const companies = `{ companies(first: 1) { nodes { name } } }`
	if a := ask(t, url, token, companies); strings.Contains(a, "测试公司") {
		t.Errorf("before the change: %s", a)
	}
	if a := ask(t, url, token, `mutation { companyOpen(input: {name: "x"}, idempotencyKey: "must-change-1") { userErrors { code } } }`); !strings.Contains(a, "FORBIDDEN") {
		t.Errorf("before the change: %s", a)
	}
	change := `mutation { accountChangePassword(input: {currentPassword: "` + password + `", newPassword: "another horse 电池"}, idempotencyKey: "must-change-2") { userErrors { code reason } } }`
	if a := ask(t, url, token, change); !strings.Contains(a, `"userErrors":[]`) {
		t.Errorf("the change: %s", a)
	}
	if a := ask(t, url, token, companies); !strings.Contains(a, "测试公司") {
		t.Errorf("after the change: %s", a)
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// The demo makes its data once, answers queries and mutations, ends sockets with 1001, and finds everything again.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"demo", "--data", dir, "--listen", "127.0.0.1:0", "--telemetry-listen", "off", "--clients", "12", "--log-level", "warn"}
	p := start(t, nil, args...)
	url := p.await(`GraphQL +(http://\S+)`)
	p.await(`Ctrl\+C`)
	info, err := os.Stat(filepath.Join(dir, "demo.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("demo.json: %v %v", info, err)
	}
	made, err := readDemo(filepath.Join(dir, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	for _, a := range made.Tenants[0].Actors {
		if a.Login == "kam" {
			token = a.Token
		}
	}
	answer := ask(t, url, token, `{ viewer { account { login } } clients(first: 3) { totalCount { value } nodes { id code version } } }`)
	if !strings.Contains(answer, `"login":"kam"`) || !strings.Contains(answer, `"value":12`) {
		t.Fatal(answer)
	}
	if a := ask(t, url, token, `mutation { companyOpen(input: {name: "x"}, idempotencyKey: "demo-test-1") { company { id } userErrors { code } } }`); !strings.Contains(a, "FORBIDDEN") {
		t.Errorf("a key account manager opens companies: %s", a)
	}
	if a := ask(t, url, made.Tenants[1].Actors[0].Token, `{ tenant { slug } }`); !strings.Contains(a, made.Tenants[1].Slug) {
		t.Errorf("the other tenant: %s", a)
	}

	conn, _, err := websocket.Dial(t.Context(), made.WebSocket, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var ack map[string]any
	if err := wsjson.Write(t.Context(), conn, map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + token}}); err != nil {
		t.Fatal(err)
	}
	if err := wsjson.Read(t.Context(), conn, &ack); err != nil || ack["type"] != "connection_ack" {
		t.Fatalf("%v %v", ack, err)
	}
	p.stop()
	for err == nil {
		_, _, err = conn.Read(t.Context())
	}
	if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
		t.Errorf("the socket ended with %d: %v", got, err)
	}
	if code := <-p.code; code != exitOK {
		t.Errorf("ended with %d: %s", code, p.stderr.String())
	}

	again := start(t, nil, args...)
	url = again.await(`GraphQL +(http://\S+)`)
	if a := ask(t, url, token, `{ clients(first: 1) { totalCount { value } } }`); !strings.Contains(a, `"value":12`) {
		t.Errorf("after a restart: %s", a)
	}
	if strings.Contains(again.stdout.String(), "Making demo data") {
		t.Error("the data was made again")
	}
	if code := again.end(); code != exitOK {
		t.Errorf("ended with %d: %s", code, again.stderr.String())
	}
}

func ask(t *testing.T, url, token, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
