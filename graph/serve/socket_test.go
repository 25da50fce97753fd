package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/servetest"
)

const deadline = 10 * time.Second

// peer is a client of graphql-transport-ws that says exactly what it is told to.
type peer struct {
	t *testing.T
	c *websocket.Conn
}

func dial(t *testing.T, s *servetest.Server, protocols []string, header http.Header) (*peer, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1), &websocket.DialOptions{Subprotocols: protocols, HTTPHeader: header})
	if err != nil {
		return nil, resp, err
	}
	c.SetReadLimit(1 << 22)
	t.Cleanup(func() { _ = c.CloseNow() })
	return &peer{t, c}, resp, nil
}

func connect(t *testing.T, s *servetest.Server) *peer {
	t.Helper()
	p, _, err := dial(t, s, []string{"graphql-transport-ws"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// acknowledged is a peer past its connection_ack.
func acknowledged(t *testing.T, s *servetest.Server, token string) *peer {
	t.Helper()
	p := connect(t, s)
	p.say(`{"type":"connection_init","payload":{"authorization":"Bearer ` + token + `"}}`)
	p.hear(`{"type":"connection_ack"}`)
	return p
}

func (p *peer) say(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	if err := p.c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatalf("say %.100s: %v", text, err)
	}
}

func (p *peer) subscribe(id, query string) {
	p.t.Helper()
	b, _ := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	p.say(string(b))
}

func (p *peer) next() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	_, b, err := p.c.Read(ctx)
	if err != nil {
		p.t.Fatalf("hear: %v", err)
	}
	return string(b)
}

func (p *peer) hear(want string) {
	p.t.Helper()
	if got := p.next(); got != want {
		p.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// closed reads to the end and gives the close code.
func (p *peer) closed() int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	for {
		if _, _, err := p.c.Read(ctx); err != nil {
			var ce websocket.CloseError
			if errors.As(err, &ce) {
				return int(ce.Code)
			}
			p.t.Fatalf("no close frame: %v", err)
		}
	}
}

const initAlice = `{"type":"connection_init","payload":{"authorization":"Bearer alice"}}`

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	endless := `{"id":"1","type":"subscribe","payload":{"query":"subscription { diagnosticTicks(milliseconds: 60000) }"}}`
	for name, c := range map[string]struct {
		say  []string
		code int
	}{
		"no JSON":                    {[]string{"{"}, 4400},
		"no type":                    {[]string{"{}"}, 4400},
		"unknown type":               {[]string{`{"type":"start"}`}, 4400},
		"array":                      {[]string{`[]`}, 4400},
		"type is a number":           {[]string{`{"type":1}`}, 4400},
		"two values":                 {[]string{`{"type":"ping"}{"type":"ping"}`}, 4400},
		"init payload is an array":   {[]string{`{"type":"connection_init","payload":[]}`}, 4400},
		"ping payload is a string":   {[]string{`{"type":"ping","payload":"x"}`}, 4400},
		"init twice":                 {[]string{initAlice, initAlice}, 4429},
		"no credential":              {[]string{`{"type":"connection_init"}`}, 4403},
		"bad credential":             {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer x"}}`}, 4403},
		"expired credential":         {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer late"}}`}, 4403},
		"subscribe before ack":       {[]string{`{"id":"1","type":"subscribe","payload":{"query":"{__typename}"}}`}, 4401},
		"subscribe without id":       {[]string{initAlice, `{"type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"subscribe with empty id":    {[]string{initAlice, `{"id":"","type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"subscribe with a number id": {[]string{initAlice, `{"id":1,"type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"id of 129 bytes":            {[]string{initAlice, `{"id":"` + strings.Repeat("x", 129) + `","type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"subscribe without payload":  {[]string{initAlice, `{"id":"1","type":"subscribe"}`}, 4400},
		"subscribe without query":    {[]string{initAlice, `{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"complete without id":        {[]string{initAlice, `{"type":"complete"}`}, 4400},
		"id used twice":              {[]string{initAlice, endless, endless}, 4409},
		"message of 2 MiB":           {[]string{`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, nil)
			s.Sign("late", "00000000-0000-0000-0000-00000000000a", s.Clock.Now().Add(-time.Second))
			p := connect(t, s)
			for _, text := range c.say {
				p.say(text)
			}
			if got := p.closed(); got != c.code {
				t.Fatalf("closed with %d, want %d", got, c.code)
			}
		})
	}
}

func TestSubprotocolAndOrigin(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Origins = []string{"https://app.example.com"} })
	for _, protocols := range [][]string{nil, {"graphql-ws"}} {
		p, _, err := dial(t, s, protocols, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.closed(); got != 4406 {
			t.Errorf("%v: closed with %d", protocols, got)
		}
	}
	p, _, err := dial(t, s, []string{"graphql-ws", "graphql-transport-ws"}, http.Header{"Origin": {"https://app.example.com"}})
	if err != nil || p.c.Subprotocol() != "graphql-transport-ws" {
		t.Fatalf("%v", err)
	}
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.com.evil.example"} {
		if _, resp, err := dial(t, s, []string{"graphql-transport-ws"}, http.Header{"Origin": {origin}}); err == nil || resp.StatusCode != 403 {
			t.Errorf("%s was let in", origin)
		}
	}
}

func TestInitHasItsTime(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Init = 50 * time.Millisecond })
	if got := connect(t, s).closed(); got != 4408 {
		t.Fatalf("closed with %d", got)
	}
}

func TestOperationsOverASocket(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	p := connect(t, s)
	p.say(`{"type":"ping","payload":{"a":1}}`)
	p.hear(`{"type":"pong","payload":{"a":1}}`)
	p.say(`{"type":"pong"}`)
	p.say(initAlice)
	p.hear(`{"type":"connection_ack"}`)

	p.subscribe("q", "{ __typename }")
	p.hear(`{"id":"q","type":"next","payload":{"data":{"__typename":"Query"},"extensions":{"cost":{"limit":5000,"requested":1}}}}`)
	p.hear(`{"id":"q","type":"complete"}`)

	p.subscribe("q", "{ nothing }") // the id is free again; a request error is `error`, and no `complete` follows
	if got := p.next(); !strings.HasPrefix(got, `{"id":"q","type":"error","payload":[{"message":`) {
		t.Fatalf("got %s", got)
	}
	p.say(`{"id":"unknown","type":"complete"}`)

	p.subscribe("s", "subscription { diagnosticTicks(milliseconds: 1) }")
	p.hear(`{"id":"s","type":"next","payload":{"data":{"diagnosticTicks":1}}}`)
	p.hear(`{"id":"s","type":"next","payload":{"data":{"diagnosticTicks":2}}}`)
	p.say(`{"id":"s","type":"complete"}`)
	p.say(`{"type":"ping"}`)
	for got := p.next(); got != `{"type":"pong"}`; got = p.next() {
		if !strings.Contains(got, `"id":"s","type":"next"`) {
			t.Fatalf("got %s", got)
		}
	}
	p.subscribe("s", `{ diagnosticPanic }`)
	for got := p.next(); ; got = p.next() {
		if strings.Contains(got, "internal error") || strings.Contains(got, "内部错误") {
			break
		}
	}
	p.hear(`{"id":"s","type":"complete"}`)
}

func TestOperationsASocketAreCounted(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.OpsASocket = 2 })
	p := acknowledged(t, s, servetest.Token)
	for i := range 3 {
		p.subscribe(fmt.Sprint(i), "subscription { diagnosticTicks(milliseconds: 60000) }")
	}
	if got := p.next(); !strings.HasPrefix(got, `{"id":"2","type":"error"`) || !strings.Contains(got, "SOCKET_OPERATIONS") {
		t.Fatalf("got %s", got)
	}
	p.say(`{"id":"0","type":"complete"}`)
	p.subscribe("3", "{ __typename }")
	if got := p.next(); !strings.HasPrefix(got, `{"id":"3","type":"next"`) {
		t.Fatalf("got %s", got)
	}
}

func TestASocketThatIsHeldBackIsToldForHowLong(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Auth = holding{o.Auth} })
	for token, want := range map[string]websocket.CloseError{
		"y": {Code: 4403, Reason: "Forbidden"},
		"x": {Code: 1013, Reason: "Too many refused credentials; Retry-After: 7"},
	} {
		p := connect(t, s)
		p.say(`{"type":"connection_init","payload":{"authorization":"Bearer ` + token + `"}}`)
		_, _, err := p.c.Read(t.Context())
		var got websocket.CloseError
		if !errors.As(err, &got) || got != want {
			t.Errorf("%s: closed with %v, want %v", token, err, want)
		}
	}
	acknowledged(t, s, servetest.Token)
}

func TestSocketsOfAPrincipalAreCounted(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Sockets = 1 })
	first := acknowledged(t, s, servetest.Token)
	second := connect(t, s)
	second.say(initAlice)
	if got := second.closed(); got != 1013 {
		t.Fatalf("closed with %d", got)
	}
	_ = first.c.Close(1000, "")
	poll(t, func() bool {
		p := connect(t, s)
		p.say(initAlice)
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		_, b, err := p.c.Read(ctx)
		return err == nil && strings.Contains(string(b), "connection_ack")
	})
}

func TestASocketEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*servetest.Server){
		"expiry":     func(s *servetest.Server) { s.Clock.SetOffset(2 * time.Hour) },
		"revocation": func(s *servetest.Server) { s.Revoke("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servetest.Start(t, func(o *graph.Options) { o.Limits.Recheck = 20 * time.Millisecond })
			s.Sign("bob", "00000000-0000-0000-0000-00000000000b", s.Clock.Now().Add(time.Hour))
			p, other := acknowledged(t, s, "bob"), acknowledged(t, s, servetest.Token)
			p.subscribe("1", "subscription { diagnosticTicks(milliseconds: 60000) }")
			end(s)
			if got := p.closed(); got != 4403 {
				t.Fatalf("closed with %d", got)
			}
			other.say(`{"type":"ping"}`)
			other.hear(`{"type":"pong"}`)
		})
	}
}

func TestShutdownSaysGoodbye(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	p := acknowledged(t, s, servetest.Token)
	p.subscribe("1", "subscription { diagnosticTicks(milliseconds: 60000) }")
	done := make(chan struct{})
	go func() { s.Handler.Shutdown(); close(done) }()
	if got := p.closed(); got != 1001 {
		t.Fatalf("closed with %d", got)
	}
	<-done
	if got := connect(t, s).closed(); got != 1001 {
		t.Fatalf("a new socket closed with %d", got)
	}
}

// A peer that stops reading is closed within the write limit, and nobody else notices it.
func TestADeadPeerHarmsNobody(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.Write, o.Limits.Queue, o.Limits.Sockets = 100*time.Millisecond, 8, 1 })
	s.Sign("dead", "00000000-0000-0000-0000-00000000000a", time.Time{})
	var raw net.Conn
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4096)
		}
		raw = c
		return c, err
	}}
	c, _, err := websocket.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1), &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	dead := &peer{t, c}
	defer raw.Close()
	dead.say(`{"type":"connection_init","payload":{"authorization":"Bearer dead"}}`)
	for i := range 50 {
		dead.subscribe(fmt.Sprint(i), "subscription { diagnosticTicks(milliseconds: 0) }")
	}
	alive := acknowledged(t, s, servetest.Token)
	alive.subscribe("a", "subscription { diagnosticTicks(milliseconds: 1) }")
	for i := range 100 {
		alive.hear(fmt.Sprintf(`{"id":"a","type":"next","payload":{"data":{"diagnosticTicks":%d}}}`, i+1))
	}
	// its place is free again only when its socket is gone
	poll(t, func() bool {
		p := connect(t, s)
		p.say(`{"type":"connection_init","payload":{"authorization":"Bearer dead"}}`)
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		_, b, err := p.c.Read(ctx)
		return err == nil && strings.Contains(string(b), "connection_ack")
	})
}

// A peer whose machine is gone answers no ping.
func TestASilentPeerIsFound(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.KeepAlive, o.Limits.Sockets = 30*time.Millisecond, 1 })
	p := acknowledged(t, s, servetest.Token)
	_ = p // it does not read, so it answers no ping
	poll(t, func() bool {
		q := connect(t, s)
		q.say(initAlice)
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		_, b, err := q.c.Read(ctx)
		return err == nil && strings.Contains(string(b), "connection_ack")
	})
}

// poll waits for a condition, with a deadline.
func poll(t *testing.T, ok func() bool) {
	t.Helper()
	end := time.After(deadline)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come to pass")
		}
	}
}

func TestPointsAreCountedOverSocketsToo(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, func(o *graph.Options) { o.Limits.PrincipalPoints, o.Limits.PrincipalLeak = 30, 0.001 })
	p := acknowledged(t, s, servetest.Token)
	p.subscribe("1", "{ clients(first: 20) { nodes { id } } }")
	if got := p.next(); !strings.HasPrefix(got, `{"id":"1","type":"next"`) {
		t.Fatalf("got %s", got)
	}
	p.hear(`{"id":"1","type":"complete"}`)
	p.subscribe("1", "{ clients(first: 20) { nodes { id } } }")
	if got := p.next(); !strings.HasPrefix(got, `{"id":"1","type":"error"`) || !strings.Contains(got, `"code":"RATE_LIMITED"`) || !strings.Contains(got, `"retryAfter":`) {
		t.Fatalf("got %s", got)
	}
}

func TestNoCredentialInTheURLOfASocket(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	s.URL += "?token=alice"
	if _, resp, err := dial(t, s, []string{"graphql-transport-ws"}, nil); err == nil || resp.StatusCode != 400 {
		t.Fatalf("%v", err)
	}
}
