package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
)

// elsewhere is the service of another process on the same database.
func elsewhere(t *testing.T, x *identitytest.Tenant) *identity.Service {
	t.Helper()
	db, err := tenancy.Open(t.Context(), tenancy.Config{AppURL: x.Database.App, AuthnURL: x.Database.Authn, SystemURL: x.Database.System, MaxConns: 8}, x.Clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	rights, err := access.New(db, 10)
	if err != nil {
		t.Fatal(err)
	}
	return identity.New(act.NewRunner(db, rights, x.IDs, slog.New(slog.DiscardHandler)), db, credential.NewHasher(2), rand.Reader)
}

// Whoever holds a session has ten guesses at its password, however many he sends at once and to however many processes.
func TestTheCurrentPasswordIsNotGuessed(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	services := []*identity.Service{x.Identity, elsewhere(t, x)}
	second := x.SignIn(t, x.Nobody.Account, x.Nobody.Staff)
	change := func(s *identity.Service, session *tenancy.Session, current string) error {
		_, err := s.AccountChangePassword(t.Context(), session, identity.AccountChangePassword{Current: &current, New: "another password"}, identitytest.Key())
		return err
	}
	guess := func(n int) (wrong, limited int) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				session := x.Nobody.Session
				if i%3 == 0 {
					session = second
				}
				err := change(services[i%2], session, "not the password")
				mu.Lock()
				defer mu.Unlock()
				switch f := (*fault.Error)(nil); {
				case errors.As(err, &f) && f.Reason == "WRONG_PASSWORD":
					wrong++
				case errors.As(err, &f) && f.Code == fault.RateLimited && f.Reason == "WRONG_PASSWORDS" && f.Remedy.EN != "" && f.Remedy.ZH != "":
					if n, ok := f.Current["retryAfter"].(int); !ok || n < 1 || n > 300 {
						t.Errorf("after %v", f.Current)
					}
					limited++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		return wrong, limited
	}
	// each process has one guess under way at a time, so the last of all may be one too many
	if wrong, limited := guess(40); wrong < 10 || wrong > 11 || wrong+limited != 40 {
		t.Errorf("%d guesses, %d refused", wrong, limited)
	}
	var before string
	x.Scan(t, `SELECT password_hash FROM accounts WHERE tenant_id = $1 AND id = $2`, []any{x.Nobody.Account}, &before)
	for _, s := range append(services, elsewhere(t, x)) { // the third is a process started anew
		if err := change(s, x.Nobody.Session, identitytest.Password); fault.CodeOf(err) != fault.RateLimited {
			t.Errorf("the right password, while guesses are held back: %v", err)
		}
	}
	var after string
	x.Scan(t, `SELECT password_hash FROM accounts WHERE tenant_id = $1 AND id = $2`, []any{x.Nobody.Account}, &after)
	if before != after {
		t.Error("the password was changed")
	}
	// nobody else is held back
	if err := change(x.Identity, x.Manager.Session, identitytest.Password); err != nil {
		t.Error(err)
	}
	x.Clock.SetOffset(6 * time.Minute)
	if err := change(x.Identity, x.Nobody.Session, identitytest.Password); err != nil {
		t.Errorf("after a while: %v", err)
	}
}

// A caller who goes away while he waits for his turn leaves nothing behind.
func TestWhoGoesAwayLosesHisTurn(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wrong := "not the password"
	for range 3 {
		if _, err := x.Identity.AccountChangePassword(ctx, x.Nobody.Session, identity.AccountChangePassword{Current: &wrong, New: "another password"}, identitytest.Key()); err == nil {
			t.Fatal("done without a caller")
		}
	}
	current := identitytest.Password
	succeed(t, x.Nobody.Session, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &current, New: "another password"}))
}
