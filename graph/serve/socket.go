package serve

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/internal/tenancy"
)

// Close codes of the graphql-transport-ws protocol, and those of WebSocket itself that are used here.
const (
	closeGoingAway      = websocket.StatusCode(1001)
	closeTryLater       = websocket.StatusCode(1013)
	closeInvalid        = websocket.StatusCode(4400)
	closeUnauthorized   = websocket.StatusCode(4401) // subscribe before the acknowledgement
	closeForbidden      = websocket.StatusCode(4403) // a bad, expired or revoked credential; clients try again with a new one
	closeSubprotocol    = websocket.StatusCode(4406)
	closeInitTimeout    = websocket.StatusCode(4408)
	closeSubscriberTwin = websocket.StatusCode(4409)
	closeTooManyInits   = websocket.StatusCode(4429)
)

const subprotocol = "graphql-transport-ws"

// upgrade takes a WebSocket handshake.
func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Method != http.MethodGet {
		w.Header().Set("Upgrade", "websocket")
		h.problem(w, r, onlyWebSocket)
		return
	}
	// SECURITY: browsers send no preflight for sockets; the origin is all there is.
	if !h.originAllowed(r) {
		h.problem(w, r, crossOrigin)
		return
	}
	if r.URL.RawQuery != "" && credentialInURL(r.URL.Query()) {
		h.problem(w, r, tokenInURL)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // the origin was checked above
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return // answered
	}
	h.serveSocket(conn, r)
}

// originAllowed: no origin (no browser), the server's own, or one of the list.
func (h *Handler) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(h.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// socket is one connection: one goroutine reads and keeps the protocol's state, one writes, one tends time limits,
// and one each executes an operation. Nobody waits for the peer but its own goroutines, and each wait has an end.
type socket struct {
	h    *Handler
	conn *websocket.Conn
	r    *http.Request

	ctx    context.Context
	cancel context.CancelFunc
	out    chan []byte
	work   sync.WaitGroup

	ending sync.Once
	ended  chan struct{} // closed when the closing handshake is over

	signedIn chan *tenancy.Session // the session, once

	mu      sync.Mutex
	closing bool
	session *tenancy.Session // nil until acknowledged
	ops     map[string]*liveOp
}

type liveOp struct{ cancel context.CancelFunc }

func (h *Handler) serveSocket(conn *websocket.Conn, r *http.Request) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s := &socket{
		h: h, conn: conn, r: r, ctx: ctx, cancel: cancel,
		out: make(chan []byte, h.Limits.Queue), ended: make(chan struct{}), signedIn: make(chan *tenancy.Session, 1), ops: map[string]*liveOp{},
	}
	conn.SetReadLimit(h.Limits.Message)
	n, open := h.live.open(func() { s.end(closeGoingAway, "Going away") })
	defer func() {
		s.end(websocket.StatusNormalClosure, "")
		cancel()
		<-s.ended
		s.work.Wait()
		if open {
			h.live.close(n)
		}
		if s.session != nil {
			h.live.release(principalOf(s.session))
		}
	}()
	switch {
	case !open:
		s.end(closeGoingAway, "Going away")
		return
	case conn.Subprotocol() != subprotocol:
		s.end(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	s.work.Go(s.write)
	s.work.Go(s.keep)
	late := time.AfterFunc(h.Limits.Init, func() {
		s.mu.Lock()
		acknowledged := s.session != nil
		s.mu.Unlock()
		if !acknowledged {
			s.end(closeInitTimeout, "Connection initialisation timeout")
		}
	})
	defer late.Stop()
	p := protocol{s: s}
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if !p.receive(kind, data) {
			<-s.ended
			return
		}
	}
}

// end closes once, with the first code given, and ends all operations. It does not wait.
func (s *socket) end(code websocket.StatusCode, reason string) {
	s.ending.Do(func() {
		s.mu.Lock()
		s.closing = true
		for _, op := range s.ops {
			op.cancel()
		}
		s.mu.Unlock()
		go func() {
			defer close(s.ended)
			hard := time.AfterFunc(s.h.Limits.Write, func() { _ = s.conn.CloseNow() })
			defer hard.Stop()
			_ = s.conn.Close(code, reason)
			s.cancel()
		}()
	})
}

// send queues a message of the protocol's own; a peer that lets the queue run full is closed.
func (s *socket) send(b []byte) {
	select {
	case s.out <- b:
	case <-s.ctx.Done():
	default:
		s.end(closeTryLater, "Slow consumer")
	}
}

// emit queues an operation's message and waits for room, which the writer's time limit bounds.
func (s *socket) emit(ctx context.Context, b []byte) error {
	select {
	case s.out <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *socket) write() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case b := <-s.out:
			ctx, cancel := context.WithTimeout(s.ctx, s.h.Limits.Write)
			err := s.conn.Write(ctx, websocket.MessageText, b)
			cancel()
			if err != nil {
				s.end(closeTryLater, "Slow consumer")
				_ = s.conn.CloseNow()
				return
			}
		}
	}
}

// keep finds dead peers by pings, bad credentials by asking, and the end of a credential's time at its instant.
func (s *socket) keep() {
	ping := time.NewTicker(s.h.Limits.KeepAlive)
	defer ping.Stop()
	check := time.NewTicker(s.h.Limits.Recheck)
	defer check.Stop()
	var expiry <-chan time.Time
	for {
		select {
		case <-s.ctx.Done():
			return
		case session := <-s.signedIn:
			over, stop := lifetime(session, s.h.Now())
			defer stop() // once: a socket signs in once
			expiry = over
		case <-expiry:
			s.end(closeForbidden, "Forbidden")
			return
		case <-ping.C:
			s.work.Go(func() {
				ctx, cancel := context.WithTimeout(s.ctx, s.h.Limits.KeepAlive)
				defer cancel()
				if s.conn.Ping(ctx) != nil && s.ctx.Err() == nil {
					s.end(closeTryLater, "No pong")
					_ = s.conn.CloseNow()
				}
			})
		case <-check.C:
			s.mu.Lock()
			session := s.session
			s.mu.Unlock()
			// SECURITY: a socket must not outlive the credential that opened it.
			if session != nil && (expired(session, s.h.Now()) || !s.h.Live.Live(s.ctx, session)) {
				s.end(closeForbidden, "Forbidden")
				return
			}
		}
	}
}
