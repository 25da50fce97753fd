package serve_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/servetest"
)

// listener reads server-sent events.
type listener struct {
	t    *testing.T
	resp *http.Response
	r    *bufio.Reader
}

func listen(t *testing.T, s *servetest.Server, token, query string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &listener{t, resp, bufio.NewReader(resp.Body)}
}

// event gives the next event, comments left out; "" at the end of the stream.
func (l *listener) event() (name, data string) {
	l.t.Helper()
	for {
		line, err := l.r.ReadString('\n')
		if err != nil {
			return "", ""
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "event: "):
			name = line[7:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "" && name != "":
			return name, data
		}
	}
}

func (l *listener) hear(name, data string) {
	l.t.Helper()
	if n, d := l.event(); n != name || d != data {
		l.t.Fatalf("got %s %s, want %s %s", n, d, name, data)
	}
}

func TestEventStreams(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	l := listen(t, s, servetest.Token, "{ __typename }")
	if l.resp.StatusCode != 200 || l.resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || l.resp.Header.Get("X-Accel-Buffering") != "no" || l.resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%v", l.resp.Header)
	}
	l.hear("next", `{"data":{"__typename":"Query"},"extensions":{"cost":{"limit":5000,"requested":1}}}`)
	l.hear("complete", "")
	l.hear("", "")

	l = listen(t, s, servetest.Token, "subscription { diagnosticTicks(milliseconds: 1) }")
	l.hear("next", `{"data":{"diagnosticTicks":1}}`)
	l.hear("next", `{"data":{"diagnosticTicks":2}}`)

	l = listen(t, s, servetest.Token, "{ nothing }")
	if n, d := l.event(); n != "next" || !strings.HasPrefix(d, `{"errors":[`) || strings.Contains(d, `"data"`) {
		t.Fatalf("%s %s", n, d)
	}
	l.hear("complete", "")

	if l = listen(t, s, "nobody", "{ __typename }"); l.resp.StatusCode != 401 {
		t.Fatalf("%d", l.resp.StatusCode)
	}
}

func TestEventStreamsAreKeptAlive(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.KeepAlive = 10 * time.Millisecond })
	l := listen(t, s, servetest.Token, "subscription { diagnosticTicks(milliseconds: 60000) }")
	for range 3 {
		if line, err := l.r.ReadString('\n'); err != nil || line != ":\n" {
			t.Fatalf("%q %v", line, err)
		}
		if _, err := l.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEventStreamEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*servetest.Server){
		"expiry":     func(s *servetest.Server) { s.Clock.SetOffset(2 * time.Hour) },
		"revocation": func(s *servetest.Server) { s.Revoke("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, func(o *graph.Options) { o.Limits.Recheck = 20 * time.Millisecond })
			s.Sign("bob", "00000000-0000-0000-0000-00000000000b", s.Clock.Now().Add(time.Hour))
			l := listen(t, s, "bob", "subscription { diagnosticTicks(milliseconds: 60000) }")
			end(s)
			if n, d := l.event(); n != "next" || !strings.Contains(d, `"code":"UNAUTHENTICATED"`) {
				t.Fatalf("%s %s", n, d)
			}
			l.hear("complete", "")
			l.hear("", "")
		})
	}
}

func TestEventStreamsOfAPrincipalAreCountedAndEndAtShutdown(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Sockets = 1 })
	l := listen(t, s, servetest.Token, "subscription { diagnosticTicks(milliseconds: 60000) }")
	if second := listen(t, s, servetest.Token, "subscription { diagnosticTicks(milliseconds: 60000) }"); second.resp.StatusCode != 429 {
		t.Fatalf("%d", second.resp.StatusCode)
	}
	s.Handler.Shutdown()
	l.hear("", "")
}

// A reader that stops reading is dropped within the write limit.
func TestADeadListenerIsDropped(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Write, o.Limits.Sockets = 100*time.Millisecond, 1 })
	listen(t, s, servetest.Token, "subscription { diagnosticTicks(milliseconds: 0) }")
	poll(t, func() bool {
		return listen(t, s, servetest.Token, "{ __typename }").resp.StatusCode == 200
	})
}
