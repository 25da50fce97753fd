package authn_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func request() *http.Request { return httptest.NewRequest(http.MethodPost, "/graphql", nil) }

func nothing(context.Context, *tenancy.Tx) error { return nil }

func TestSignInSessionSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	account := w.account(db, "li")
	s := w.service(db, nil)

	in := w.signIn(s, " Acme ", "LI", password)
	if in.status != http.StatusOK || in.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("sign-in: %d %s", in.status, in.text)
	}
	token, _ := in.body["token"].(string)
	if kind, _, err := credential.Parse(token); err != nil || kind != credential.Session {
		t.Fatalf("token %q: %v", token, err)
	}
	session := w.call(s, http.MethodGet, "/auth/session", token, "")
	delete(in.body, "token")
	if diff := cmp.Diff(in.body, session.body); session.status != http.StatusOK || diff != "" {
		t.Fatalf("session: %d %s", session.status, diff)
	}
	if out := w.call(s, http.MethodPost, "/auth/sign-out", token, ""); out.status != http.StatusNoContent {
		t.Fatalf("sign-out: %d %s", out.status, out.text)
	}
	if again := w.call(s, http.MethodGet, "/auth/session", token, ""); again.status != http.StatusUnauthorized {
		t.Fatalf("after sign-out: %d %s", again.status, again.text)
	}
	if n := w.count(`SELECT count(*) FROM audit_records WHERE kind = 'sign_in' AND actor_id = $1 AND act IN ('signIn', 'signOut') AND reason = ''`, account); n != 2 {
		t.Errorf("%d audit records", n)
	}
	if n := w.count(`SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL AND revoked_by = $1 AND expires_at - created_at = interval '12 hours'`, account); n != 1 {
		t.Errorf("%d sessions revoked", n)
	}
}

// Every failing sign-in looks the same, asks the directory and hashes a password; only the audit trail of a tenant knows more.
func TestSignInIsNoOracle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	w.account(db, "li")
	w.account(db, "gone")
	w.exec(db, `UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND login = 'gone'`)
	w.account(db, "bare")
	w.exec(db, `UPDATE accounts SET password_hash = NULL WHERE tenant_id = $1 AND login = 'bare'`)
	s := w.service(db, nil)
	var want *reply
	for _, c := range []struct{ what, tenant, login, password string }{
		{"unknown tenant", "nobody", "li", password},
		{"unknown login", "acme", "nobody", password},
		{"wrong password", "acme", "li", "wrong horse 电池"},
		{"suspended account", "acme", "gone", password},
		{"account without password", "acme", "bare", password},
	} {
		got := w.signIn(s, c.tenant, c.login, c.password)
		if want == nil {
			want = &got
		}
		if got.status != http.StatusUnauthorized || got.reason() != "SIGN_IN_REFUSED" || got.text != want.text || !cmp.Equal(got.header, want.header) {
			t.Errorf("%s: %d %s %v", c.what, got.status, got.text, got.header)
		}
	}
	if n := w.count(`SELECT count(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions", n)
	}
	if n := w.count(`SELECT count(*) FROM audit_records WHERE kind = 'sign_in' AND reason = 'SIGN_IN_REFUSED'`); n != 4 {
		t.Errorf("%d refusals audited, want those of the tenant that exists", n)
	}
	if n := w.count(`SELECT count(*) FROM audit_records WHERE to_jsonb(audit_records)::text LIKE '%horse%'`); n != 0 {
		t.Error("a password stands in the audit trail")
	}
	if text := w.log.String(); strings.Contains(text, "horse") || strings.Contains(text, "nobody") {
		t.Errorf("the log tells what was typed: %s", text)
	}
}

func TestSignInRefusesMalformedBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service(w.open(), nil)
	for _, c := range []struct {
		body   string
		status int
		reason string
	}{
		{`{"tenant":"acme","login":"li","password":"x","admin":true}`, 400, "MALFORMED_REQUEST"},
		{`{"tenant":"acme","login":"li","password":"x"}{}`, 400, "MALFORMED_REQUEST"},
		{`["acme","li","x"]`, 400, "MALFORMED_REQUEST"},
		{`{"tenant":"acme","login":"","password":"x"}`, 400, "REQUIRED"},
		{`{"tenant":"acme","login":"li","password":"` + strings.Repeat("x", 2000) + `"}`, 400, "TOO_LONG"},
		{`{"tenant":"acme","login":"li","password":"` + strings.Repeat("x", 17_000) + `"}`, 413, "BODY_SIZE"},
	} {
		if got := w.call(s, http.MethodPost, "/auth/sign-in", "", c.body); got.status != c.status || got.reason() != c.reason {
			t.Errorf("%.40s: %d %s", c.body, got.status, got.text)
		}
	}
}

// A login that fails often is held back whether it exists or not, and so is an address; success gives the attempt back.
func TestSignInRates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	w.account(db, "li")
	s := w.service(db, func(c *authn.Config) {
		c.Limits.AccountAttempts, c.Limits.AddressAttempts = 2, 6
		c.Limits.AccountLeak, c.Limits.AddressLeak = 0.0001, 0.0001
	})
	for range 3 {
		if got := w.signIn(s, "acme", "li", password); got.status != http.StatusOK {
			t.Fatalf("a success was counted: %s", got.text)
		}
	}
	var held []string
	for _, login := range []string{"li", "nobody"} {
		for range 2 {
			if got := w.signIn(s, "acme", login, "wrong"); got.status != http.StatusUnauthorized {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		got := w.signIn(s, "acme", login, password)
		if got.status != http.StatusTooManyRequests || got.reason() != "SIGN_IN_ACCOUNT" || got.header.Get("Retry-After") == "" {
			t.Fatalf("%d %s", got.status, got.text)
		}
		held = append(held, got.text)
		if login == "nobody" {
			break
		}
	}
	if held[0] != held[1] {
		t.Errorf("an existing login is held back otherwise: %v", held)
	}
	if got := w.signIn(s, "acme", "third", "wrong"); got.status != http.StatusTooManyRequests || got.reason() != "SIGN_IN_ADDRESS" {
		t.Errorf("the address: %d %s", got.status, got.text)
	}
}

// Forty sign-ins at once: a bounded number is let in, the rest is told when to come back, and nobody else is harmed.
func TestFortySignInsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	w.account(db, "li")
	s := w.service(db, func(c *authn.Config) {
		c.Limits.Pending, c.Limits.AccountAttempts, c.Limits.AddressAttempts = 8, 100, 100
	})
	var in, held atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 40 {
		wg.Go(func() {
			<-start
			_, err := s.SignIn(context.Background(), authn.SignIn{Tenant: "acme", Login: "li", Password: password, Address: "127.0.0.1"})
			var f *fault.Error
			switch {
			case err == nil:
				in.Add(1)
			case errors.As(err, &f) && f.Code == fault.RateLimited && f.Reason == "SIGN_IN_BUSY" && f.Current["retryAfter"] == 1:
				held.Add(1)
			default:
				t.Errorf("%v", err)
			}
		})
	}
	close(start)
	wg.Wait()
	if in.Load()+held.Load() != 40 || in.Load() < 8 || held.Load() == 0 {
		t.Errorf("%d in, %d held back", in.Load(), held.Load())
	}
	if n := w.count(`SELECT count(*) FROM sessions`); n != int(in.Load()) {
		t.Errorf("%d sessions for %d sign-ins", n, in.Load())
	}
	if got := w.signIn(s, "acme", "li", password); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.text)
	}
}

// A credential revoked through one pair of handles does nothing more through another, though that one has it in memory.
func TestRevokedCredentialStopsAtOnceElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.open(), w.open()
	account := w.account(one, "li")
	here, there := w.service(one, nil), w.service(two, nil)
	for _, c := range []struct {
		what, revoke string
		open         func() string
	}{
		{"session", `UPDATE sessions SET revoked_at = created_at WHERE tenant_id = $1 AND revoked_at IS NULL`, func() string {
			token, _ := w.signIn(here, "acme", "li", password).body["token"].(string)
			return token
		}},
		{"token", `UPDATE api_tokens SET revoked_at = created_at WHERE tenant_id = $1 AND revoked_at IS NULL`, func() string { return w.token(one, account, "", time.Hour) }},
		{"account", `UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1`, func() string { return w.token(one, account, "", time.Hour) }},
	} {
		token := c.open()
		for range 2 {
			session, err := there.Authenticate(t.Context(), token, request())
			if err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			w.in(two, session, nothing)
		}
		session, err := there.Authenticate(t.Context(), token, request())
		if err != nil || !there.Live(t.Context(), session) {
			t.Fatalf("%s: not live: %v", c.what, err)
		}
		w.exec(one, c.revoke)
		fresh, err := there.Authenticate(t.Context(), token, request())
		ran := false
		if err == nil {
			err = two.InTx(t.Context(), fresh, func(context.Context, *tenancy.Tx) error { ran = true; return nil })
		}
		if fault.CodeOf(err) != fault.Unauthenticated || ran {
			t.Errorf("%s: after the revocation: %v, ran %v", c.what, err, ran)
		}
		w.clock.SetOffset(w.clock.Offset() + time.Second) // past what sockets share
		if there.Live(t.Context(), session) {
			t.Errorf("%s: an open socket lives on", c.what)
		}
	}
}

// One revocation costs another living credential of the tenant one query, not one a request.
func TestRevocationOfOneIsVerifiedOnceByOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	account := w.account(db, "li")
	s := w.service(db, nil)
	token := w.token(db, account, "", time.Hour)
	first, err := s.Authenticate(t.Context(), token, request())
	if err != nil {
		t.Fatal(err)
	}
	before := first.Verified()
	w.account(db, "wang") // accounts decide rights: the version moves
	w.in(db, first, nothing)
	second, err := s.Authenticate(t.Context(), token, request())
	if err != nil || second.Verified() != first.Verified() || second.Verified() <= before {
		t.Errorf("verified at %d, then %d, then %d: %v", before, first.Verified(), second.Verified(), err)
	}
}

func TestBadTokensAreHeldBackBeforeTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	account := w.account(db, "li")
	s := w.service(db, func(c *authn.Config) { c.Limits.BadTokens, c.Limits.BadTokensLeak = 3, 0.0001 })
	good := w.token(db, account, "read write", time.Hour)
	late := w.token(db, account, "", -time.Minute)
	foreign := func() string {
		token, _, _, err := credential.New(credential.APIToken, strings.NewReader(strings.Repeat("x", 32)))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}()
	typo := good[:20] + "!" + good[21:]
	for _, token := range []string{late, foreign, typo} { // no look-up for a typing error, but it counts
		if _, err := s.Authenticate(t.Context(), token, request()); fault.CodeOf(err) != fault.Unauthenticated {
			t.Fatalf("%v", err)
		}
	}
	_, err := s.Authenticate(t.Context(), good, request())
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.RateLimited || f.Current["retryAfter"] == nil {
		t.Fatalf("the address is not held back: %v", err)
	}
	if _, err := s.Authenticate(t.Context(), typo, request()); fault.CodeOf(err) != fault.RateLimited {
		t.Errorf("a malformed token of an address that is held back: %v", err)
	}
	elsewhere := request()
	elsewhere.RemoteAddr = "198.51.100.7:1"
	session, err := s.Authenticate(t.Context(), good, elsewhere)
	if err != nil || !cmp.Equal(session.Actor.Scopes, []string{"read", "write"}) || session.Actor.Kind != tenancy.AppActor {
		t.Fatalf("another address: %v %+v", err, session)
	}
	if again, err := s.Authenticate(t.Context(), good, request()); err != nil || again == session {
		t.Errorf("a known token is not asked for again, and each request has its own session: %v", err)
	}
}

func TestUseOfATokenIsRecordedOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	account := w.account(db, "li")
	token := w.token(db, account, "", time.Hour)
	s := w.service(db, nil)
	for range 20 {
		if _, err := s.Authenticate(t.Context(), token, request()); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if n := w.count(`SELECT count(*) FROM api_tokens WHERE last_used_at IS NOT NULL`); n != 1 {
		t.Error("the use was not recorded")
	}
	if n := w.count(`SELECT revocation_version FROM tenant_epochs`); n != 2 {
		t.Errorf("recording a use moved the revocation version: %d", n)
	}
}

func TestPasswordThatMustChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	w.account(db, "li")
	w.exec(db, `UPDATE accounts SET must_change_password = true WHERE tenant_id = $1`)
	s := w.service(db, nil)
	in := w.signIn(s, "acme", "li", password)
	token, _ := in.body["token"].(string)
	if in.body["mustChangePassword"] != true {
		t.Fatal(in.text)
	}
	session, err := s.Authenticate(t.Context(), token, request())
	if err != nil || !cmp.Equal(session.Actor.Scopes, []string{authn.PasswordScope}) {
		t.Fatalf("%v %+v", err, session)
	}
	w.exec(db, `UPDATE accounts SET must_change_password = false WHERE tenant_id = $1`)
	if session, err = s.Authenticate(t.Context(), token, request()); err != nil || len(session.Actor.Scopes) > 0 {
		t.Fatalf("still narrowed: %v %+v", err, session)
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		remote, forwarded, want string
		proxies                 []netip.Prefix
	}{
		{"192.0.2.1:5", "203.0.113.9", "192.0.2.1", nil},
		{"192.0.2.1:5", "203.0.113.9", "192.0.2.1", proxies},
		{"10.0.0.1:5", "203.0.113.9", "203.0.113.9", proxies},
		{"10.0.0.1:5", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9", proxies},
		{"10.0.0.1:5", "garbage", "10.0.0.1", proxies},
		{"10.0.0.1:5", "", "10.0.0.1", proxies},
		{"[2001:db8:1:2:3:4:5:6]:5", "", "2001:db8:1:2::", nil},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1", nil},
	} {
		r := request()
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := authn.ClientAddress(c.proxies)(r); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
