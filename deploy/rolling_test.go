//go:build deploy

package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// balancer is the least that stands before two processes: it asks readiness of each all the time, sends to those that are
// ready in turn, and tries another when a connection is refused, which is before a process has accepted anything.
type balancer struct {
	client  *http.Client
	turn    atomic.Uint64
	mu      sync.Mutex
	servers []*server
	refused atomic.Int64
}

func newBalancer(servers ...*server) *balancer {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	return &balancer{client: &http.Client{Transport: transport, Timeout: 30 * time.Second}, servers: servers}
}

func (b *balancer) add(s *server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = append(b.servers, s)
}

func (b *balancer) remove(s *server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = deleted(b.servers, s)
}

func deleted(all []*server, s *server) []*server {
	var kept []*server
	for _, other := range all {
		if other != s {
			kept = append(kept, other)
		}
	}
	return kept
}

// watch takes a process out when it says that it is not ready.
func (b *balancer) watch(stop <-chan struct{}) {
	for {
		b.mu.Lock()
		servers := b.servers
		b.mu.Unlock()
		for _, s := range servers {
			if s.ready() != nil {
				b.remove(s)
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// send posts one request and says which process answered.
func (b *balancer) send(token string, body, into any) (*server, int, error) {
	var last error
	for range 4 {
		b.mu.Lock()
		servers := b.servers
		b.mu.Unlock()
		if len(servers) == 0 {
			return nil, 0, errors.New("no process is ready")
		}
		s := servers[int(b.turn.Add(1))%len(servers)]
		status, err := post(b.client, s.base+"/graphql", token, body, into)
		if errors.Is(err, syscall.ECONNREFUSED) {
			b.refused.Add(1)
			last = err
			continue
		}
		return s, status, err
	}
	return nil, 0, last
}

// stream is a constant load of reads, and writes that decide no rights.
type stream struct {
	balancer          *balancer
	stop              chan struct{}
	work              sync.WaitGroup
	answered, written atomic.Int64
	by                sync.Map // *server -> *atomic.Int64
	mu                sync.Mutex
	failed            []string
}

// steady is the time between two requests of each client of a load that no limit of rates stops, however fast the machine is: six
// clients ask for 840 points a second, of 1,000 that one process lets one principal have for ever.
const steady = 50 * time.Millisecond

// load starts six clients, of whom one writes, each with so much time between its requests. Each ends with its first failure.
func (b *balancer) load(token, department string, pause time.Duration) *stream {
	l := &stream{balancer: b, stop: make(chan struct{})}
	l.work.Go(func() { b.watch(l.stop) })
	for worker := range 6 {
		l.work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				case <-time.After(pause):
				}
				s, err := l.one(token, department, worker == 0, n)
				if err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, fmt.Sprintf("request %d of client %d: %v", n, worker, err))
					l.mu.Unlock()
					return
				}
				l.answered.Add(1)
				l.count(s).Add(1)
			}
		})
	}
	return l
}

// one sends a request and compares the answer.
func (l *stream) one(token, department string, writes bool, n int) (*server, error) {
	body := map[string]any{"query": `{ tenant { slug } companies(first: 5) { nodes { name } } }`}
	want := `{"tenant":{"slug":"hengxin"},"companies":{"nodes":[{"name":"客户部 hengxin"}]}}`
	if writes {
		title := fmt.Sprintf("岗位 %d", n)
		body = map[string]any{
			"query":     `mutation($i: PositionCreateInput!, $k: String!) { positionCreate(input: $i, idempotencyKey: $k) { position { title } userErrors { code message } } }`,
			"variables": map[string]any{"k": fmt.Sprintf("rolling-key-%06d", n), "i": map[string]any{"departmentId": department, "title": title}},
		}
		want = `{"positionCreate":{"position":{"title":"` + title + `"},"userErrors":[]}}`
	}
	var got answer
	s, status, err := l.balancer.send(token, body, &got)
	switch {
	case err != nil:
		return s, err
	case status != http.StatusOK || string(got.Data) != want || got.Errors != nil:
		return s, fmt.Errorf("%d %s %s, want %s", status, got.Data, got.Errors, want)
	case writes:
		l.written.Add(1)
	}
	return s, nil
}

func (l *stream) count(s *server) *atomic.Int64 {
	n, _ := l.by.LoadOrStore(s, &atomic.Int64{})
	return n.(*atomic.Int64)
}

// failures are those until now.
func (l *stream) failures() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// through waits until the process has answered n requests more.
func (l *stream) through(s *server, n int64) {
	from := l.count(s).Load()
	await(s.process, "requests", func() error {
		if have := l.count(s).Load() - from; have < n {
			return fmt.Errorf("%d of %d requests, failures: %q", have, n, l.failures())
		}
		return nil
	})
}

// end stops the load and gives its failures.
func (l *stream) end() []string {
	close(l.stop)
	l.work.Wait()
	return l.failures()
}

// nextVersion builds the program with one migration more: a column that the program before does not know.
func nextVersion(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	migration := filepath.Join(dir, "next.sql")
	write(t, migration, `-- +goose Up
ALTER TABLE tenants ADD COLUMN rolling_note text;
-- +goose Down
SELECT 1 / 0;
`)
	place, err := filepath.Abs("../ent/migrations/9000_next.sql")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: migration}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	next := filepath.Join(dir, "clientele-next")
	if err := build(next, "-overlay", filepath.Join(dir, "overlay.json")); err != nil {
		t.Fatal(err)
	}
	return next
}

// openDepartment makes one and gives its id. Positions in it are what the test writes: they decide no rights, while a
// constant stream of changes to departments has reads answered with UNAVAILABLE, as it should.
func openDepartment(t *testing.T, s *server, token string) string {
	t.Helper()
	var companies struct {
		Companies struct{ Nodes []struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(s.query(token, `{ companies(first: 1) { nodes { id } } }`)), &companies); err != nil {
		t.Fatal(err)
	}
	var made struct {
		DepartmentOpen struct{ Department struct{ ID string } }
	}
	document := `mutation { departmentOpen(idempotencyKey: "rolling-department", input: {companyId: "` + companies.Companies.Nodes[0].ID + `", name: "大客户部"}) { department { id } userErrors { message } } }`
	if text := s.query(token, document); json.Unmarshal([]byte(text), &made) != nil || made.DepartmentOpen.Department.ID == "" {
		t.Fatal(text)
	}
	return made.DepartmentOpen.Department.ID
}

// TestRollingUpgradeLosesNoRequest: two processes of the old version under load, a migration below them, then one after
// the other is replaced by the new version. Every request that was sent is answered as it should be.
func TestRollingUpgradeLosesNoRequest(t *testing.T) {
	t.Parallel()
	next := nextVersion(t)
	c := readyCluster(t)
	in := c.install(c.port, "CLIENTELE_DRAIN=500ms")
	in.migrate(binary)
	a := in.createTenant("hengxin")

	// The new version does not serve on the old schema.
	if out, err := runToEnd(in.env, next, "serve"); err == nil {
		t.Fatalf("the new version serves on the old schema:\n%s", out)
	}

	old1, old2 := in.serve(binary), in.serve(binary)
	token := old1.signIn(a)
	b := newBalancer(old1, old2)
	load := b.load(token, openDepartment(t, old1, token), steady)
	load.through(old1, 50)
	load.through(old2, 50)
	in.migrate(next) // under load; the old version goes on
	load.through(old1, 50)
	load.through(old2, 50)
	new1 := in.serve(next)
	b.add(new1)
	load.through(new1, 50)
	if err := old1.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the first old process: %v", err)
	}
	load.through(new1, 50)
	new2 := in.serve(next)
	b.add(new2)
	load.through(new2, 50)
	if err := old2.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the second old process: %v", err)
	}
	load.through(new1, 50)
	load.through(new2, 50)
	for _, f := range load.end() {
		t.Error(f)
	}
	var positions int64
	if err := c.super("clientele").QueryRow(t.Context(), `SELECT count(*) FROM positions WHERE title LIKE '岗位 %'`).Scan(&positions); err != nil {
		t.Fatal(err)
	}
	if positions != load.written.Load() {
		t.Errorf("%d positions for %d mutations answered", positions, load.written.Load())
	}
	t.Logf("%d requests answered, %d of them mutations; %d connections refused and sent to the other process", load.answered.Load(), load.written.Load(), b.refused.Load())
	if _, err := os.Stat(filepath.Join("..", "ent", "migrations", "9000_next.sql")); err == nil {
		t.Error("the migration of the test is in the source")
	}
}

// TestLoadSeesWhatAKillLoses: the same load on a process that is killed instead of stopped has failures.
func TestLoadSeesWhatAKillLoses(t *testing.T) {
	t.Parallel()
	c := readyCluster(t)
	in := c.install(c.port)
	in.migrate(binary)
	a := in.createTenant("hengxin")
	killed, other := in.serve(binary), in.serve(binary)
	token := killed.signIn(a)
	b := newBalancer(killed, other)
	load := b.load(token, openDepartment(t, other, token), 0)
	load.through(killed, 50)
	killed.kill()
	await(other.process, "a failure", func() error {
		if len(load.failures()) == 0 {
			return errors.New("none")
		}
		return nil
	})
	if failures := load.end(); len(failures) == 0 {
		t.Fatal("a killed process loses nothing")
	}
}
