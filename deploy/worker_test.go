//go:build deploy

package deploy_test

import (
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// get is a body of the side server.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	resp, err := http.Get(s.side + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// eventually polls until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so: " + what)
		}
	}
}

// TestAPIAndWorkerAreTwoProcesses: what is done through an API process is sealed by a worker process and by nobody else; without
// one the API serves on and says that nothing is sealed.
func TestAPIAndWorkerAreTwoProcesses(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	in := c.install(c.port)
	in.migrate(binary)
	a := in.createTenant("hengxin")
	db := c.super("clientele")
	count := func(where string) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM audit_records WHERE `+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	verify := func() string {
		t.Helper()
		private := ""
		for _, e := range in.env {
			if v, ok := strings.CutPrefix(e, "CLIENTELE_AUDIT_KEY="); ok {
				private = v
			}
		}
		public := filepath.Join(t.TempDir(), "audit.key")
		write(t, public, private+"\n")
		out, err := runToEnd(append(in.env, "CLIENTELE_DATA="+filepath.Dir(public)), binary, "audit", "verify", "--tenant", a.tenant, "--language", "en")
		if err != nil {
			t.Fatalf("verify: %v\n%s", err, out)
		}
		return out
	}

	api := in.serve(binary, "CLIENTELE_ROLE=api", "CLIENTELE_AUDIT_KEY=") // one that only answers needs no signing key
	token := api.signIn(a)
	openDepartment(t, api, token)
	if n := count("seal_seq IS NOT NULL"); n != 0 {
		t.Fatalf("%d records are sealed without a worker", n)
	}
	// Records wait; it says so in readiness, metric and log, and goes on answering.
	eventually(t, "readiness tells that nobody seals", func() bool {
		status, body := api.get("/readyz")
		return status == http.StatusOK && strings.Contains(body, `"ready":true`) && strings.Contains(body, `"sealing":"unavailable"`)
	})
	if _, metrics := api.get("/metrics"); !regexp.MustCompile(`(?m)^clientele_audit_unsealed_age_seconds [1-9]`).MatchString(metrics) {
		t.Error("the metric does not tell that nobody seals")
	}
	if log := read(t, api.log); !strings.Contains(log, "audit records wait to be sealed") || !strings.Contains(log, "serve --role worker") {
		t.Error("the log does not tell that nobody seals")
	}
	waiting := count("true")
	if out := verify(); !strings.Contains(out, "0 records sound") || !strings.Contains(out, "behind them "+strconv.Itoa(waiting)+" records not sealed yet") || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("%d records wait: %s", waiting, out)
	}
	api.signIn(a)

	// A worker takes what was left and what comes.
	worker := in.start(exec.Command(binary, "serve", "--role", "worker", "--production"))
	eventually(t, "what was left is sealed", func() bool { return count("seal_seq IS NULL") == 0 })
	before := count("seal_seq IS NOT NULL")
	api.signIn(a)
	eventually(t, "what comes is sealed", func() bool { return count("seal_seq IS NOT NULL") > before })
	eventually(t, "readiness tells that records are sealed", func() bool { _, body := api.get("/readyz"); return strings.Contains(body, `"sealing":"ok"`) })
	for _, s := range []*server{api, worker} {
		if status, body := s.get("/readyz"); status != http.StatusOK || !strings.Contains(body, `"sealing":"ok"`) {
			t.Errorf("/readyz: %d %s", status, body)
		}
		if status, _ := s.get("/metrics"); status != http.StatusOK {
			t.Errorf("/metrics: %d", status)
		}
	}
	if out := verify(); strings.Contains(out, "not sealed yet") || !strings.Contains(out, strconv.Itoa(count("true"))+" records sound") {
		t.Errorf("after the worker: %s", out)
	}
	// The worker serves nothing but health and metrics.
	if resp, err := http.Get(worker.base + "/graphql"); err == nil {
		resp.Body.Close()
		t.Errorf("a worker answers the API: %d", resp.StatusCode)
	}
	if status, _ := worker.get("/graphql"); status != http.StatusNotFound {
		t.Errorf("a worker's side server answers GraphQL: %d", status)
	}

	// When it stops nothing is sealed any more, and verify names the tail; a killed worker is no different.
	if err := worker.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the worker ended with %v", err)
	}
	sealed := count("seal_seq IS NOT NULL")
	api.signIn(a)
	api.signIn(a)
	tail := count("seal_seq IS NULL")
	if tail < 2 || count("seal_seq IS NOT NULL") != sealed {
		t.Errorf("%d records wait, %d are sealed, before %d", tail, count("seal_seq IS NOT NULL"), sealed)
	}
	if out := verify(); !strings.Contains(out, strconv.Itoa(sealed)+" records sound") || !strings.Contains(out, "behind them "+strconv.Itoa(tail)+" records not sealed yet") {
		t.Errorf("%d sealed, %d wait: %s", sealed, tail, out)
	}
	if out, err := runToEnd([]string{"CLIENTELE_DATA=" + t.TempDir()}, binary, "serve", "--role", "worker"); err == nil || !strings.Contains(out, "needs a database that processes share") {
		t.Errorf("a worker on a private database: %v %s", err, out)
	}
	if err := api.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the API ended with %v", err)
	}
}
