package authn_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
)

func TestOperatorResetsALockedOutAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := w.open()
	account := w.account(db, "admin")
	token := w.token(db, account, "", time.Hour)
	w.exec(db, `UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1`)
	s := w.service(db, nil)
	rights, err := access.New(db, 8)
	if err != nil {
		t.Fatal(err)
	}
	run := act.NewRunner(db, rights, w.ids, slog.New(slog.DiscardHandler))
	hasher := credential.NewHasher(1)
	for _, c := range []struct{ slug, login string }{{"nobody", "admin"}, {"acme", "nobody"}} {
		if _, err := authn.ResetAdmin(t.Context(), db, run, hasher, c.slug, c.login); fault.CodeOf(err) != fault.NotFoundCode {
			t.Errorf("%v: %v", c, err)
		}
	}
	fresh, err := authn.ResetAdmin(t.Context(), db, run, hasher, "acme", "admin")
	if err != nil {
		t.Fatal(err)
	}
	if got := w.signIn(s, "acme", "admin", password); got.status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", got.status)
	}
	if got := w.signIn(s, "acme", "admin", fresh); got.status != http.StatusOK || got.body["mustChangePassword"] != true {
		t.Errorf("the new password: %d %s", got.status, got.text)
	}
	if _, err := s.Authenticate(t.Context(), token, request()); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("an old token lives: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM audit_records WHERE kind = 'operator' AND act = 'account.resetAdmin' AND object_id = $1`, account); n != 1 {
		t.Errorf("%d audit records", n)
	}
	if n := w.count(`SELECT count(*) FROM audit_records WHERE to_jsonb(audit_records)::text LIKE '%' || $1 || '%'`, fresh); n != 0 {
		t.Error("the password stands in the audit trail")
	}
}
