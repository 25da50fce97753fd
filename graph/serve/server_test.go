package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/graph/servetest"
)

// Nothing that a test opened may be left: sockets, streams, operations, dead peers.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// trickle sends what it is given and reports what came back until the server closed.
func trickle(t *testing.T, s *servetest.Server, text string) string {
	t.Helper()
	addr := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/graphql")
	c, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(deadline))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(bufio.NewReader(c))
	if err != nil {
		t.Fatalf("the server did not close: %v", err)
	}
	return string(b)
}

func TestSlowSendersAreCutOff(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.ReadHeader, o.Limits.Read = 50*time.Millisecond, 100*time.Millisecond })
	if got := trickle(t, s, "POST /graphql HTTP/1.1\r\nHost: x\r\n"); strings.Contains(got, "200 OK") {
		t.Errorf("half a header: %s", got)
	}
	got := trickle(t, s, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "MALFORMED_REQUEST") {
		t.Errorf("half a body: %s", got)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	r := do(t, "GET", s.URL+"?query={__typename}", "", map[string]string{"X-Long": strings.Repeat("x", 40<<10)})
	if r.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("%d", r.status)
	}
}

// An operation may take longer than a request may take to arrive.
func TestALongOperationOutlivesTheReadLimit(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.ReadHeader, o.Limits.Read = 50*time.Millisecond, 50*time.Millisecond })
	if r := post(t, s, "{ diagnosticSlow(milliseconds: 200) }", nil, nil); string(r.json.Data) != `{"diagnosticSlow":true}` {
		t.Fatalf("%s", r.body)
	}
}

func TestOperationsAreObserved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []serve.Observation
	s := servetest.Start(t, func(o *graph.Options) {
		o.Observe = func(_ context.Context, ob serve.Observation) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, ob)
		}
	})
	post(t, s, "query Good { tenant { id } }", nil, nil)
	post(t, s, "{ diagnosticError }", nil, nil)
	l := listen(t, s, servetest.Token, "subscription Two { diagnosticTicks(milliseconds: 0, count: 2) }")
	for name, _ := l.event(); name != "complete"; name, _ = l.event() {
		if name == "" {
			t.Fatal("the stream ended without complete")
		}
	}
	want := []serve.Observation{
		{Name: "Good", Kind: "query", Via: "http", Cost: 1},
		{Kind: "query", Via: "http", Cost: 1, Errors: []string{"INTERNAL"}},
		{Name: "Two", Kind: "subscription", Via: "sse", Cost: 5},
	}
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff(want, seen, cmpopts.IgnoreFields(serve.Observation{}, "Duration")); d != "" {
		t.Fatal(d)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*graph.Options){
		"no authenticator": func(o *graph.Options) { o.Auth = nil },
		"no liveness":      func(o *graph.Options) { o.Live = nil },
		"no reader":        func(o *graph.Options) { o.Reader = nil },
		"bad origin":       func(o *graph.Options) { o.Origins = []string{"app.example.com"} },
		"any origin":       func(o *graph.Options) { o.Origins = []string{"*"} },
	} {
		if s, err := servetest.New("127.0.0.1:0", change); err == nil {
			s.Close()
			t.Errorf("%s was accepted", name)
		}
	}
}
