package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// governed is a served tenant and the surroundings of a program that has an administrator's token.
type governed struct {
	*world.Tenant
	environ []string
	server  string
	admin   world.Person
}

func newGoverned(t *testing.T) *governed {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := world.New(t)
	x := &governed{Tenant: w.Tenant("home")}
	tel, err := telemetry.Start(t.Context(), telemetry.Config{LogFormat: "text", LogLevel: slog.LevelWarn, LogTo: t.Output()})
	must(err)
	s, err := product.NewServices(w.DB, w.Clock, w.Clock.Now, rand.Reader, tel.Log, tel.Tracer(), nil)
	must(err)
	key, err := audit.LoadOrCreateKey(filepath.Join(t.TempDir(), "audit.key"))
	must(err)
	trail, err := product.StartTrail(s, key, tel.Log)
	must(err)
	api, err := product.NewAPI(s, product.Settings{CursorKey: bytes.Repeat([]byte{7}, 32)}, tel, telemetry.NewHealth(w.DB.Ready), trail)
	must(err)
	server := httptest.NewServer(api)
	t.Cleanup(func() {
		api.Shutdown()
		server.Close()
		api.Close()
		trail.Close()
	})
	x.server, x.admin = server.URL, x.Person(x.Department, "tenant_admin")
	x.environ = []string{"CLIENTELE_SERVER=" + server.URL, "CLIENTELE_TOKEN=" + x.token(t, x.admin)}
	return x
}

func (x *governed) token(t *testing.T, p world.Person) string {
	t.Helper()
	token, hash, _, err := credential.New(credential.APIToken, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	u := x.IDs.New()
	x.Exec(`INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, created_at, expires_at) VALUES ($1, $2, $3, 'x', 'x', $4, now(), now() + interval '1 day')`, u, p.Account, hash)
	x.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'token', $3)`, hash, u)
	return token
}

// A tenant that is older than what the program ships finds out what it lacks, and takes it over.
func TestShippedPolicyIsComparedWithATenants(t *testing.T) {
	t.Parallel()
	x := newGoverned(t)
	do := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := run(t, x.environ, append([]string{"policy"}, args...)...)
		if code != want {
			t.Fatalf("%v: %d\n%s\n%s", args, code, out, errs)
		}
		return out
	}
	shipped, older := filepath.Join(t.TempDir(), "shipped.yaml"), filepath.Join(t.TempDir(), "older.yaml")
	if code, out, errs := run(t, nil, "policy", "shipped", "--output", shipped); code != exitOK { // without a server
		t.Fatalf("%d\n%s\n%s", code, out, errs)
	}
	do(exitOK, "lint", shipped)
	do(exitOK, "compare", shipped)
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	gone := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "object: borrowing,") || strings.Contains(line, "{key: borrowing,") {
			gone++
			continue
		}
		left = append(left, line)
	}
	if err := os.WriteFile(older, []byte(strings.Join(left, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	do(exitOK, "apply", older, "--reason", "如旧版")
	lacks := do(exitDiffers, "compare", shipped, "--version", "2")
	if n := strings.Count(lacks, "\n+ ") + strings.Count(lacks[:2], "+ "); gone < 10 || n != gone || strings.Contains(lacks, "\n- ") {
		t.Errorf("%d lines are lacking, told are %d:\n%s", gone, n, lacks)
	}
}

func TestPolicyAsFiles(t *testing.T) {
	t.Parallel()
	x := newGoverned(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	do := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := run(t, x.environ, append([]string{"policy"}, args...)...)
		if code != want {
			t.Fatalf("%v: %d\n%s\n%s", args, code, out, errs)
		}
		return out, errs
	}
	const drafts = `SELECT count(*) FROM policy_versions WHERE tenant_id = $1`
	do(exitOK, "export", "--output", file)
	do(exitOK, "lint", file)
	do(exitOK, "compare", file)
	if out, _ := do(exitOK, "apply", file, "--reason", "x"); !strings.Contains(out, "nothing is drafted") || x.Text(drafts) != "1" {
		t.Errorf("an unchanged policy was drafted: %s", out)
	}
	if _, errs := do(exitFailed, "export", "--output", file); !strings.Contains(errs, "exists") {
		t.Errorf("a file was written over: %s", errs)
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(from, to string) {
		t.Helper()
		changed := strings.Replace(string(text), from, to, 1)
		if changed == string(text) {
			t.Fatalf("no %q in the file", from)
		}
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	added := "rules:\n    # 我们自己的规则\n    - {role: list_reader, object: client, action: reveal, scope: DEPT, classes: [1], note: 说明} # 说明\n"
	edit("rules:\n", "classes:\n    client#contacts: 4 # 更严\n"+added)
	out, _ := do(exitDiffers, "compare", file)
	if !strings.Contains(out, "+ "+file+":") || !strings.Contains(out, "~ client#contacts: L2 → L4") || strings.Contains(out, "\n- ") {
		t.Errorf("compare: %s", out)
	}
	if out, _ = do(exitOK, "apply", file, "--reason", "x", "--dry-run"); !strings.Contains(out, "would be made") || x.Text(drafts) != "1" {
		t.Errorf("dry run: %s", out)
	}
	if out, _ = do(exitOK, "apply", file, "--reason", "收紧联系人"); !strings.Contains(out, "version 2 is drafted (pol_") || x.Text(drafts) != "2" {
		t.Errorf("apply: %s", out)
	}
	if out, _ = do(exitOK, "compare", file, "--version", "2"); !strings.Contains(out, "the same as version 2") {
		t.Errorf("the draft is not what the file says: %s", out)
	}
	if got := x.Text(`SELECT state, author_id = $2 FROM policy_versions WHERE tenant_id = $1 AND number = 2`, x.admin.Account); got != "draft|true" {
		t.Errorf("the draft: %s", got)
	}

	// Duty conflicts travel with the rules: one goes, one comes, one means something else.
	const price, ours = "    - {key: price, ", "    - {key: opening, actionA: client.open, actionB: client.suspend, nameZh: 建档与中止, nameEn: opening and suspending, clause: E11}\n"
	if strings.Count(string(text), "actionA:") != len(policy.ShippedDutyConflicts()) {
		t.Fatalf("the export has not the duty conflicts of the version:\n%s", text[:600])
	}
	edit("conflicts:\n", "conflicts:\n"+ours)
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	edit("nameEn: borrowing and lending", "nameEn: borrowing or lending")
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), price)
	edit(string(text[at:at+strings.Index(string(text[at:]), "\n")+1]), "")
	out, _ = do(exitDiffers, "compare", file)
	for _, line := range []string{"- price price.request ≠ price.approve", "- borrowing borrowing.request", "+ " + file + ":"} {
		if !strings.Contains(out, line) {
			t.Errorf("compare does not say %q: %s", line, out)
		}
	}
	do(exitOK, "apply", file, "--reason", "职责互斥")
	do(exitOK, "compare", file, "--version", "3")
	if got := x.Text(`SELECT string_agg(k.key || ' ' || k.action_a || ' ' || k.clause, ', ' ORDER BY k.key) FROM policy_conflicts k JOIN policy_versions v ON v.tenant_id = k.tenant_id AND v.id = k.policy_version_id
		WHERE k.tenant_id = $1 AND v.number = 3 AND (k.key IN ('opening', 'price') OR k.name_en = 'borrowing or lending')`); got != "borrowing borrowing.request G04, opening client.open E11" {
		t.Errorf("the draft's duty conflicts: %s", got)
	}
	second := filepath.Join(t.TempDir(), "second.yaml")
	do(exitOK, "export", "--version", "3", "--output", second)
	do(exitOK, "compare", second, "--version", "3")
	if text, err = os.ReadFile(second); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(second, []byte(strings.Replace(string(text), "actionA: policy.write", "actionA: policy.wriet", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := do(exitFailed, "lint", second); !regexp.MustCompile(regexp.QuoteMeta(second) + `:\d+: error: ACTION_UNKNOWN`).MatchString(out) {
		t.Errorf("lint: %s", out)
	}

	// What the server refuses is said at the line of the file, and nothing is drafted.
	edit("rules:\n", "rules:\n    - {role: list_reader, object: client, action: reveal, scope: DEPT, classes: [1]}\n    - {role: nobody_has_made_it, object: client, action: read, scope: DEPT}\n")
	_, errs := do(exitFailed, "apply", file, "--reason", "x")
	if !regexp.MustCompile(regexp.QuoteMeta(file)+`:\d+: ROLE_UNKNOWN`).MatchString(errs) || !strings.Contains(errs, "nothing was drafted") || x.Text(drafts) != "3" {
		t.Errorf("refused: %s", errs)
	}
	edit("rules:\n", "rules:\n    - {role: list_reader, object: clinet, action: reveal, scope: DEPT, classes: [1]}\n")
	if out, _ := do(exitFailed, "lint", file); !strings.Contains(out, "error: OBJECT_UNKNOWN") {
		t.Errorf("lint: %s", out)
	}
}

func TestWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	x := newGoverned(t)
	dir := t.TempDir()
	mine, open := filepath.Join(dir, "mine"), filepath.Join(dir, "open")
	token := strings.TrimPrefix(x.environ[1], "CLIENTELE_TOKEN=")
	for path, mode := range map[string]os.FileMode{mine: 0o600, open: 0o644} {
		if err := os.WriteFile(path, []byte(token+"\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	reader := x.token(t, x.Person(x.Department, "list_reader"))
	for _, c := range []struct {
		what    string
		environ []string
		args    []string
		code    int
		says    string
	}{
		{"a file of one's own", x.environ[:1], []string{"--token-file", mine}, exitOK, ""},
		{"a file that others read", x.environ[:1], []string{"--token-file", open}, exitFailed, "chmod 600"},
		{"no token", x.environ[:1], nil, exitFailed, "CLIENTELE_TOKEN"},
		{"a token of nobody", append(x.environ[:1:1], "CLIENTELE_TOKEN=clt_nothing"), nil, exitFailed, "UNAUTHENTICATED"},
		{"somebody without sight of policy", append(x.environ[:1:1], "CLIENTELE_TOKEN="+reader), nil, exitFailed, "policy.read"},
		{"plain http to another machine", x.environ[1:], []string{"--server", "http://192.0.2.1"}, exitFailed, "https"},
		{"no address", x.environ[1:], []string{"--server", "nowhere"}, exitUsage, "nowhere"},
		{"a token as an argument", x.environ, []string{"--token", token}, exitUsage, "--token"},
	} {
		code, out, errs := run(t, c.environ, append([]string{"policy", "export"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.says) || c.code != exitOK && out != "" || strings.Contains(out+errs, token) {
			t.Errorf("%s: %d %s", c.what, code, errs)
		}
	}
}

// The example of the guide does what the guide says.
func TestTheGuidesExampleRuns(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/tenant-admins.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("the guide has no example")
	}
	x, dir, ran := newGoverned(t), t.TempDir(), 0
	for line := range strings.Lines(string(block[1])) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		args := strings.Fields(line)
		if len(args) == 0 || args[0] != "clientele" {
			continue
		}
		for i := range args {
			args[i] = strings.Trim(args[i], "'")
			if strings.HasSuffix(args[i], ".yaml") {
				args[i] = filepath.Join(dir, args[i])
			}
		}
		if code, out, errs := run(t, x.environ, args[1:]...); code != exitOK {
			t.Errorf("%s: %d\n%s\n%s", line, code, out, errs)
		}
		ran++
	}
	if ran != 7 {
		t.Errorf("%d commands", ran)
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(guide)
	if example == nil {
		t.Fatal("the guide has no example of a file")
	}
	file := filepath.Join(dir, "example.yaml")
	if err := os.WriteFile(file, example[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, x.environ, "policy", "lint", file); code != exitOK || !strings.Contains(out, "1 rules, 1 duty conflicts, 2 assertions") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
}
