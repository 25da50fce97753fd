package product_test

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/internal/testkit/world"
)

// Refused credentials of one address are counted in one place, whichever way they came, and everybody who is held back is told
// for how long.
func TestRefusedCredentialsAreCountedTogether(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	good := sessionToken(t, x, x.Person(x.Department, "kam_manager"))
	if a := s.ask(good, "{ viewer { account { id } } }", nil); a.status != http.StatusOK { // known from now on
		t.Fatal(a)
	}
	const burst = 100
	refused := 0
	for i := 0; i < burst; i += 4 {
		for _, a := range []answered{
			s.send(http.MethodGet, "/auth/session", "nobody's", ""), s.send(http.MethodPost, "/auth/sign-out", "nobody's", ""), s.ask("nobody's", "{ __typename }", nil),
		} {
			if a.status == http.StatusUnauthorized {
				refused++
			}
		}
		var closed websocket.CloseError
		if _, _, err := s.socket("nobody's").Read(t.Context()); errors.As(err, &closed) && closed.Code == 4403 {
			refused++
		}
	}
	if refused < burst { // five a second are forgiven
		t.Errorf("%d were refused before the address was held back", refused)
	}
	for range 50 { // whatever was forgiven meanwhile
		s.send(http.MethodGet, "/auth/session", "nobody's", "")
	}
	for name, a := range map[string]answered{
		"/auth": s.send(http.MethodGet, "/auth/session", "nobody's", ""), "GraphQL": s.ask("nobody's", "{ __typename }", nil),
	} {
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests || err != nil || seconds < 1 || seconds > 60 {
			t.Errorf("%s: %d %q %s", name, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	var closed websocket.CloseError
	_, _, err := s.socket("nobody's").Read(t.Context())
	if !errors.As(err, &closed) || closed.Code != 1013 || !regexp.MustCompile(`; Retry-After: [1-9]\d?$`).MatchString(closed.Reason) {
		t.Errorf("socket: %v", err)
	}
	if a := s.ask(good, "{ viewer { account { id } } }", nil); a.status != http.StatusOK {
		t.Errorf("a good credential of the same address: %d %s", a.status, a.body)
	}
}

// Guesses at one's own password over GraphQL are RATE_LIMITED, with the header that says for how long.
func TestGuessesAtThePasswordAreLimitedOverHTTP(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	token := sessionToken(t, x, x.Person(x.Department, "kam_manager"))
	guess := func() answered {
		return s.ask(token, `mutation($key: String!) { accountChangePassword(input: {currentPassword: "a wrong one", newPassword: "another password"}, idempotencyKey: $key) { userErrors { reason } } }`,
			map[string]any{"key": x.Key()})
	}
	for range 10 {
		if a := guess(); !strings.Contains(a.body, `"userErrors":[{"reason":"WRONG_PASSWORD"}]`) || a.header.Get("Retry-After") != "" {
			t.Fatal(a)
		}
	}
	a := guess()
	var out struct {
		Errors []struct {
			Extensions struct {
				Code, Reason, Remedy string
				RetryAfter           int
			}
		}
	}
	a.into(t, &out)
	if len(out.Errors) != 1 {
		t.Fatal(a)
	}
	e := out.Errors[0].Extensions
	if e.Code != "RATE_LIMITED" || e.Reason != "WRONG_PASSWORDS" || e.Remedy == "" || e.RetryAfter < 1 || a.header.Get("Retry-After") != strconv.Itoa(e.RetryAfter) {
		t.Errorf("%+v %v", e, a.header)
	}
}
