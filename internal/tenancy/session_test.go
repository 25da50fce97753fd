package tenancy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func wantFault(t *testing.T, name string, err error, code fault.Code) {
	t.Helper()
	list, ok := fault.As(err)
	if !ok || len(list) != 1 || list[0].Code != code {
		t.Errorf("%s: %v, want %s", name, err, code)
	}
}

// begin tries both kinds of transaction and fails where one says otherwise than the other; ran says whether work was done.
func begin(t *testing.T, w *world, s *tenancy.Session) (err error, ran bool) {
	t.Helper()
	write := w.db.InTx(t.Context(), s, func(context.Context, *tenancy.Tx) error { ran = true; return nil })
	r := w.db.BeginRead(s)
	defer r.Close(t.Context())
	read := r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { return nil })
	_, probe := w.db.Probe(t.Context(), s)
	if (write == nil) != (read == nil) || (write == nil) != (probe == nil) {
		t.Errorf("InTx says %v, Read %v, Probe %v", write, read, probe)
	}
	return write, ran
}

// The list of system actors is complete: a new one is written down here and in the guide of what each may do.
func TestSystemActors(t *testing.T) {
	t.Parallel()
	want := []tenancy.SystemName{"sign-in", "operator", "audit-sealer", "files", "access-review", "custody", "rights-watcher"}
	if got := tenancy.SystemNames(); !slices.Equal(got, want) {
		t.Errorf("system actors %v, want %v", got, want)
	}
	w := newWorld(t)
	for _, name := range want {
		if err, ran := begin(t, w, tenancy.ForSystem(w.a.id, name)); err != nil || !ran {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoHasNoTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, s := range map[string]*tenancy.Session{
		"nobody":                       nil,
		"no tenant":                    {Actor: w.session(w.a).Actor},
		"no actor":                     {Tenant: w.a.id},
		"a kind of actor nobody knows": {Tenant: w.a.id, Actor: tenancy.Actor{Kind: "robot", Expires: w.clock.Now().Add(time.Hour)}},
		"a system actor nobody listed": tenancy.ForSystem(w.a.id, "everything"),
		"a system actor without name":  {Tenant: w.a.id, Actor: tenancy.Actor{Kind: tenancy.SystemActor}},
		"an operator by kind only":     {Tenant: w.a.id, Actor: tenancy.Actor{Kind: tenancy.OperatorActor}},
		"staff as the operator":        {Tenant: w.a.id, Actor: tenancy.Actor{Kind: tenancy.StaffActor, System: tenancy.SystemOperator}},
		"system as the operator":       {Tenant: w.a.id, Actor: tenancy.Actor{Kind: tenancy.SystemActor, System: tenancy.SystemOperator}},
	} {
		if err, ran := begin(t, w, s); !errors.Is(err, tenancy.ErrNoSession) || ran {
			t.Errorf("%s: %v, work was done: %t", name, err, ran)
		}
	}
	// A tenant that does not exist: only the operator, who is about to make it.
	nowhere := tenancy.TenantID(uuid.New())
	s := w.session(w.a)
	s.Tenant = nowhere
	err, ran := begin(t, w, s)
	wantFault(t, "staff of no tenant", err, fault.Unauthenticated)
	err, ran2 := begin(t, w, tenancy.ForSystem(nowhere, tenancy.SystemSignIn))
	wantFault(t, "sign-in of no tenant", err, fault.Unauthenticated)
	if ran || ran2 {
		t.Error("work was done for a tenant that does not exist")
	}
	// A's session with B's id: the credential is none of B's.
	s = w.session(w.a)
	s.Tenant = w.b.id
	err, ran = begin(t, w, s)
	wantFault(t, "A's credential in B", err, fault.Unauthenticated)
	if ran {
		t.Error("work was done with another tenant's credential")
	}
}

func TestACredentialEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"revoked session":   `UPDATE sessions SET revoked_at = $2 WHERE tenant_id = $1`,
		"shortened session": `UPDATE sessions SET expires_at = created_at + interval '1 microsecond' WHERE tenant_id = $1 AND $2::timestamptz IS NOT NULL`,
		"suspended account": `UPDATE accounts SET state = 'suspended', updated_at = $2 WHERE tenant_id = $1`,
		"revoked account":   `UPDATE accounts SET state = 'revoked', updated_at = $2 WHERE tenant_id = $1`,
	} {
		w := newWorld(t)
		s, open := w.session(w.a), w.session(w.a)
		if err, _ := begin(t, w, s); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		// A read that began before goes on with what it saw; its next transaction does not.
		r := w.db.BeginRead(open)
		if err := r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { return nil }); err != nil {
			t.Fatal(err)
		}
		w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, end, w.a.id.UUID(), tx.Now())
			return err
		})
		if err := r.Send(t.Context(), &pgx.Batch{}, func(pgx.BatchResults) error { return nil }); err != nil {
			t.Errorf("%s: a read under way: %v", name, err)
		}
		r.Close(t.Context())
		err, ran := begin(t, w, s)
		wantFault(t, name, err, fault.Unauthenticated)
		if ran {
			t.Errorf("%s: work was done", name)
		}
		if err, _ := begin(t, w, w.session(w.b)); err != nil {
			t.Errorf("%s: the other tenant: %v", name, err)
		}
	}
}

func TestExpiryIsByTheClockOfTheDatabaseAndTheOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(w.a)
	s.VerifiedAt(1) // whatever a cache says
	if err, _ := begin(t, w, s); err != nil {
		t.Fatal(err)
	}
	w.clock.SetOffset(2 * time.Hour)
	err, ran := begin(t, w, s)
	wantFault(t, "two hours later", err, fault.Unauthenticated)
	if ran {
		t.Error("work was done after the end")
	}
}

func TestAnApiTokenEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := uuid.New()
	w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, created_at, expires_at)
			VALUES ($1, $2, $3, 'x', 'x', decode(repeat('00', 32), 'hex'), $4, $5)`, w.a.id.UUID(), token, w.a.account, tx.Now(), tx.Now().Add(time.Hour))
		return err
	})
	s := w.session(w.a)
	s.Actor.CredentialKind, s.Actor.Credential = tenancy.TokenCredential, token
	if err, _ := begin(t, w, s); err != nil {
		t.Fatal(err)
	}
	w.inTx(t, w.a, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE api_tokens SET revoked_at = $2 WHERE tenant_id = $1`, w.a.id.UUID(), tx.Now())
		return err
	})
	err, _ := begin(t, w, s)
	wantFault(t, "revoked token", err, fault.Unauthenticated)
	s.Actor.CredentialKind = tenancy.NoCredential
	err, _ = begin(t, w, s)
	wantFault(t, "no kind of credential", err, fault.Unauthenticated)
}

func TestATenantThatIsNotActive(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"suspended", "closing", "closed"} {
		w := newWorld(t)
		must(t, connect(t, w.Superuser), `UPDATE tenants SET state = '`+state+`' WHERE slug = 'alpha'`)
		err, ran := begin(t, w, w.session(w.a))
		wantFault(t, state, err, fault.ForbiddenCode)
		if ran {
			t.Errorf("%s: work was done", state)
		}
		if err, _ := begin(t, w, tenancy.ForSystem(w.a.id, tenancy.SystemSealer)); err != nil {
			t.Errorf("%s: the sealer: %v", state, err)
		}
		if err, _ := begin(t, w, w.session(w.b)); err != nil {
			t.Errorf("%s: the other tenant: %v", state, err)
		}
	}
}

func TestWhatIsReadBeforeATenantIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hash := make([]byte, 32)
	_, _, _, found, err := w.db.Lookup(t.Context(), hash)
	if err != nil || found {
		t.Errorf("found %t, %v", found, err)
	}
	w.inTx(t, w.b, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'login', $3)`, w.b.id.UUID(), hash, w.b.account)
		return err
	})
	kind, id, subject, found, err := w.db.Lookup(t.Context(), hash)
	if err != nil || !found || kind != tenancy.DirectoryLogin || id != w.b.id || subject != w.b.account {
		t.Errorf("%s %s %s %t %v", kind, id, subject, found, err)
	}
	ids, err := w.db.Tenants(t.Context(), "active")
	if err != nil || len(ids) != 2 || !slices.Contains(ids, w.a.id) || !slices.Contains(ids, w.b.id) {
		t.Errorf("tenants %v, %v", ids, err)
	}
}
