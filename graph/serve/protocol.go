package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/fault"
)

// protocol is the state machine of graphql-transport-ws for one socket. Only the reading goroutine uses it.
type protocol struct {
	s      *socket
	inited bool
}

type message struct {
	ID      *string         `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// receive handles one message; false: the socket is being closed.
func (p *protocol) receive(kind websocket.MessageType, data []byte) bool {
	var m message
	if kind != websocket.MessageText || !utf8.Valid(data) || json.Unmarshal(data, &m) != nil || !absentOrObject(m.Payload, m.Type != "subscribe") {
		return p.close(closeInvalid, "Invalid message received")
	}
	switch m.Type {
	case "connection_init":
		if p.inited {
			return p.close(closeTooManyInits, "Too many initialisation requests")
		}
		p.inited = true
		return p.init(m.Payload)
	case "ping":
		p.s.send(marshal(message{Type: "pong", Payload: m.Payload}))
		return true
	case "pong":
		return true
	case "subscribe":
		return p.subscribe(m)
	case "complete":
		if m.ID == nil || *m.ID == "" {
			return p.close(closeInvalid, "Invalid message received")
		}
		p.s.finish(*m.ID, nil)
		return true
	}
	return p.close(closeInvalid, "Invalid message received")
}

func (p *protocol) close(code websocket.StatusCode, reason string) bool {
	p.s.end(code, reason)
	return false
}

// init authenticates: the payload's authorization entry, or the handshake's own header for clients that can set one.
func (p *protocol) init(payload json.RawMessage) bool {
	s := p.s
	var fields map[string]any
	if len(payload) > 0 && json.Unmarshal(payload, &fields) != nil {
		return p.close(closeInvalid, "Invalid message received")
	}
	header := s.r.Header.Get("Authorization")
	for _, name := range []string{"authorization", "Authorization"} {
		if v, ok := fields[name].(string); ok {
			header = v
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.h.Limits.Init)
	defer cancel()
	session, err := s.h.session(ctx, bearer(header), s.r)
	switch code := fault.CodeOf(err); {
	case err == nil:
	case code == fault.RateLimited: // a close frame has no headers; its reason says what Retry-After would
		return p.close(closeTryLater, "Too many refused credentials; Retry-After: "+strconv.Itoa(retryAfter(err)))
	case code == fault.Unavailable || code == fault.Internal:
		s.h.present(ctx, []error{err}, language("")) // logs what is foreign
		return p.close(closeTryLater, "Try again later")
	default:
		return p.close(closeForbidden, "Forbidden")
	}
	if lang, ok := fields["acceptLanguage"].(string); ok { // browsers cannot set headers of a handshake
		session.Language = language(lang)
	}
	if !s.h.live.claim(principalOf(session)) {
		return p.close(closeTryLater, "Too many connections")
	}
	s.mu.Lock()
	s.session = session
	s.mu.Unlock()
	s.signedIn <- session // there is room: a second init closes the socket
	s.send(marshal(message{Type: "connection_ack"}))
	return true
}

func (p *protocol) subscribe(m message) bool {
	s := p.s
	if s.session == nil {
		return p.close(closeUnauthorized, "Unauthorized")
	}
	var req params
	if m.ID == nil || *m.ID == "" || len(*m.ID) > s.h.Limits.OpIDLength || len(m.Payload) == 0 || json.Unmarshal(m.Payload, &req) != nil || (req.Query == nil && req.id() == "") {
		return p.close(closeInvalid, "Invalid message received")
	}
	id := *m.ID
	if halved(m.Payload) { // half an emoji in a form must not cost the other operations their socket
		s.send(s.failure(s.ctx, id, halvedCharacter()))
		return true
	}
	ctx, cancel := context.WithCancel(s.ctx)
	op := &liveOp{cancel: cancel}
	s.mu.Lock()
	_, twin := s.ops[id]
	full := len(s.ops) >= s.h.Limits.OpsASocket
	if !twin && !full && !s.closing {
		s.ops[id] = op
	}
	s.mu.Unlock()
	switch {
	case twin:
		cancel()
		return p.close(closeSubscriberTwin, "Subscriber for "+clip(id)+" already exists")
	case full:
		cancel()
		f := fault.Limit("SOCKET_OPERATIONS", fault.Text{ZH: "一个连接上的操作过多", EN: "too many operations on one socket"}).With("limit", s.h.Limits.OpsASocket)
		s.send(s.failure(ctx, id, f))
		return true
	}
	s.work.Go(func() {
		defer cancel()
		s.execute(ctx, id, op, &req)
	})
	return true
}

// execute runs one operation and says how it ended: `complete`, or `error` in its place, never both.
func (s *socket) execute(ctx context.Context, id string, op *liveOp, req *params) {
	o, _, refusal := s.h.prepare(ctx, s.session, req)
	if refusal != nil {
		s.conclude(ctx, id, op, s.failure(ctx, id, refusal.errs...))
		return
	}
	err := s.h.each(ctx, s.session, o, "ws", func(b []byte) error {
		return s.emit(ctx, envelope("next", id, b))
	})
	switch {
	case ctx.Err() != nil: // completed by the client, or the socket is closing
	case o.op.Operation == ast.Subscription && fault.CodeOf(err) == fault.Unauthenticated:
		// SECURITY: what a stream has found out of the credential ends the socket at once, as the next look at it would.
		s.end(closeForbidden, "Forbidden")
	case err != nil:
		s.conclude(ctx, id, op, s.failure(ctx, id, err))
	default:
		s.conclude(ctx, id, op, marshal(message{ID: &id, Type: "complete"}))
	}
}

// conclude sends an operation's last message, unless the client ended it meanwhile.
func (s *socket) conclude(ctx context.Context, id string, op *liveOp, last []byte) {
	if s.finish(id, op) {
		_ = s.emit(context.WithoutCancel(ctx), last)
	}
}

// finish forgets an operation; op is nil when the client ends it. It reports whether it was still there.
func (s *socket) finish(id string, op *liveOp) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.ops[id]
	if found == nil || (op != nil && found != op) {
		return false
	}
	delete(s.ops, id)
	if op == nil {
		found.cancel()
	}
	return true
}

func (s *socket) failure(ctx context.Context, id string, errs ...error) []byte {
	b, err := json.Marshal(s.h.present(ctx, errs, s.session.Language))
	if err != nil {
		b = []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
	}
	return envelope("error", id, b)
}

// envelope puts a payload into a message without encoding it again.
func envelope(kind, id string, payload []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(payload) + len(id) + 48)
	key, _ := json.Marshal(id)
	b.WriteString(`{"id":`)
	b.Write(key)
	b.WriteString(`,"type":"` + kind + `","payload":`)
	b.Write(payload)
	b.WriteByte('}')
	return b.Bytes()
}

func marshal(m message) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		return []byte(`{"type":"pong"}`) // only payloads that were JSON before come here
	}
	return b
}

// absentOrObject: payloads are objects; where it is optional, null and nothing are allowed too.
func absentOrObject(b json.RawMessage, optional bool) bool {
	t := bytes.TrimSpace(b)
	if len(t) == 0 || string(t) == "null" {
		return optional
	}
	return t[0] == '{'
}

// clip keeps a close reason within its 123 bytes.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
