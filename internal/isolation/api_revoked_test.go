package isolation

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// socket opens a WebSocket, acknowledged and idle.
func (e *endpoint) socket(token string) *websocket.Conn {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 20*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(e.url, "http", "ws", 1), &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = conn.CloseNow() })
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init","payload":{"authorization":"Bearer `+token+`"}}`)); err != nil {
		e.t.Fatal(err)
	}
	if _, text, err := conn.Read(ctx); err != nil || !strings.Contains(string(text), "connection_ack") {
		e.t.Fatalf("%s %v", text, err)
	}
	return conn
}

// closed waits for the socket's end and gives its code.
func closed(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, text, err := conn.Read(ctx)
		var end websocket.CloseError
		switch {
		case errors.As(err, &end):
			return end.Code
		case err != nil:
			t.Fatal(err)
		case !strings.Contains(string(text), `"ping"`) && !strings.Contains(string(text), `"pong"`):
			t.Errorf("the socket says %s", text)
		}
	}
}

// A credential that ends is refused by the next request, on every process, and ends its sockets; others go on.
func TestEndedCredentialsAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a := newSide(w, "alpha")
	db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: w.App, AuthnURL: w.Authn, SystemURL: w.System, MaxConns: 6, TransactionPooler: w.Pooler}, w.Clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	one, two := serveOn(t, w, w.DB), serveOn(t, w, db)
	admin := a.caller(t)
	const viewer = `{ viewer { account { id } } }`
	for what, c := range map[string]func(account, session uuid.UUID) *form{
		"a revoked session": func(_, session uuid.UUID) *form {
			x := mutation(t, w, "sessionRevoke", a)
			x.input()["sessionId"] = id.Encode(id.Session, session)
			return x
		},
		"a suspended account": func(account, _ uuid.UUID) *form {
			x := mutation(t, w, "accountSuspend", a)
			x.input()["accountId"] = id.Encode(id.Account, account)
			return x
		},
		"a password that somebody else changed": func(account, _ uuid.UUID) *form {
			x := mutation(t, w, "accountChangePassword", a)
			x.input()["accountId"] = id.Encode(id.Account, account)
			return x
		},
	} {
		person, bystander := a.Person(a.Department, "general_manager"), a.caller(t)
		token, session := a.signIn(t, person.Account)
		for i, e := range []*endpoint{one, two, one, two} { // both know the token now, and have it in memory
			if r := e.ask(token, viewer, nil); r.status != 200 || !strings.Contains(r.body, id.Encode(id.Account, person.Account)) {
				t.Fatalf("%s, request %d before: %s", what, i, r)
			}
		}
		sockets := []*websocket.Conn{one.socket(token), two.socket(token)}
		still := two.socket(bystander)
		if r := c(person.Account, session).send(one, admin); !strings.Contains(r.body, `"userErrors":[]`) {
			t.Fatalf("%s: %s", what, r)
		}
		begin, before := time.Now(), a.state(true)
		open := mutation(t, w, "clientOpen", a)
		for i, e := range []*endpoint{two, one} {
			for _, r := range []reply{e.ask(token, viewer, nil), open.send(e, token)} {
				if !strings.Contains(r.body, `"code":"UNAUTHENTICATED"`) || strings.Contains(r.body, a.mark) || strings.Contains(r.body, id.Encode(id.Account, person.Account)) {
					t.Errorf("%s, handler %d: %s", what, i, r)
				}
			}
		}
		for _, conn := range sockets {
			if code := closed(t, conn); code != 4403 {
				t.Errorf("%s: the socket ended with %d", what, code)
			}
		}
		t.Logf("%s: both sockets were closed after %s", what, time.Since(begin).Round(time.Millisecond))
		if after := a.state(true); after != before {
			t.Errorf("%s: something was done: %s", what, changed(before, after))
		}
		if r := two.ask(bystander, viewer, nil); r.status != 200 {
			t.Errorf("%s: somebody else is refused too: %s", what, r)
		}
		if err := still.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
			t.Errorf("%s: somebody else's socket: %v", what, err)
		}
		if _, text, err := still.Read(t.Context()); err != nil || !strings.Contains(string(text), "pong") {
			t.Errorf("%s: somebody else's socket: %s %v", what, text, err)
		}
	}
}
