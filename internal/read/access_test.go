package read

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/tenancy"
)

// TestPolicyTakesEffectWithTheNextQuery reads through the product's own source of rights while the policy changes.
func TestPolicyTakesEffectWithTheNextQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	provider, err := access.New(w.db, 10)
	must(t, err)
	gate, err := New(w.db, provider, publicSchema(t), Config{CursorKey: []byte("a key that only tests ever use")})
	must(t, err)
	k := &maker{w: w, m: m, rnd: nil}
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	k.clock(time.Now())
	account := m.accountOf[m.staff[0]]
	role := uuid.New()
	k.insert("roles", map[string]any{"id": role, "key": "staff", "name_zh": "员工", "name_en": "Staff", "created_at": start, "updated_at": start})
	k.insert("role_bindings", map[string]any{"id": uuid.New(), "account_id": account, "role_id": role, "valid_from": start, "created_at": start, "updated_at": start})
	s := w.session(m, 0, everything()) // these rights are not asked for here
	s.VerifiedAt(0)
	hash := make([]byte, 32)
	hash[5] = 9
	session := uuid.New()
	k.insert("sessions", map[string]any{"id": session, "account_id": account, "token_hash": hash, "created_at": time.Now(), "last_seen_at": time.Now(), "expires_at": time.Now().Add(time.Hour)})
	s.Actor.Credential, s.Actor.CredentialKind = session, tenancy.SessionCredential

	d := w.parse(`{ clients(first: 1) { nodes { id name } } viewer { account { login } } }`, nil)
	ask := func() (Answer, error) {
		return gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots)
	}
	a, err := ask()
	must(t, err)
	if get(t, a, "clients", "nodes", 0, "id") == nil || get(t, a, "clients", "nodes", 0, "name") != nil || len(a.Masked) != 1 {
		t.Fatalf("the rows alone: %s %v", a.Data, a.Masked)
	}
	if get(t, a, "viewer", "account", "login") != "user0" {
		t.Errorf("one's own account: %s", a.Data)
	}
	k.exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
		SELECT tenant_id, gen_random_uuid(), id, 99, 'staff', 'client#list', 'reveal', 'TENANT', 'allow' FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`, m.id.UUID())
	k.exec(`UPDATE policy_versions SET reason = 'names are shown' WHERE tenant_id = $1 AND state = 'in_force'`, m.id.UUID())
	if a, err = ask(); err != nil || get(t, a, "clients", "nodes", 0, "name") == nil || len(a.Masked) != 0 {
		t.Fatalf("after the change: %v %s %v", err, a.Data, a.Masked)
	}
	k.exec(`UPDATE role_bindings SET revoked_at = $2 WHERE tenant_id = $1 AND role_id = $3`, m.id.UUID(), time.Now(), role)
	if a, err = ask(); err != nil || get(t, a, "clients", "nodes", 0) != nil {
		t.Fatalf("after the binding has ended: %v %s", err, a.Data)
	}
	k.exec(`UPDATE sessions SET revoked_at = $2 WHERE tenant_id = $1 AND id = $3`, m.id.UUID(), time.Now(), session)
	if a, err = ask(); err == nil || a.Data != nil {
		t.Fatalf("after the session has ended: %s", a.Data)
	}
}

// TestReadsGoOnWhileRightsChange: a stream of changes makes every snapshot of rights old, and no reader fails for it.
func TestReadsGoOnWhileRightsChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	provider, err := access.New(w.db, 10)
	must(t, err)
	gate, err := New(w.db, provider, publicSchema(t), Config{CursorKey: []byte("a key that only tests ever use")})
	must(t, err)
	k := &maker{w: w, m: m, rnd: nil}
	k.exec(`SELECT set_config('app.tenant_id', $1, false)`, m.id.String())
	k.clock(time.Now())
	s := w.session(m, 0, everything())
	d := w.parse(`{ viewer { account { login } } }`, nil)
	stop := make(chan struct{})
	failed := make(chan error, 1)
	answers := 0
	go func() {
		defer close(failed)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := gate.Query(context.Background(), s, d.doc, d.op, d.vars, d.roots); err != nil {
				failed <- err
				return
			}
			answers++
		}
	}()
	for range 300 {
		k.exec(`UPDATE tenant_epochs SET policy_version = policy_version + 1, org_version = org_version + 1 WHERE tenant_id = $1`, m.id.UUID())
	}
	close(stop)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if answers == 0 {
		t.Fatal("nothing was read meanwhile")
	}
}
