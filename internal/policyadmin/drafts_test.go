package policyadmin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
)

// writeVersions makes versions as the application may: a number each, in the state, by an author of their own.
func writeVersions(t *testing.T, x *identitytest.Tenant, from, n int, state string) (last uuid.UUID) {
	t.Helper()
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		b := &pgx.Batch{}
		for i := range n {
			last = x.IDs.New()
			b.Queue(`INSERT INTO policy_versions (tenant_id, id, number, base_number, state, reason, content_hash, author_id, created_at, updated_at)
				VALUES ($1, $2, $3, 1, $4, 'x', $5, $6, $7, $7)`, x.ID.UUID(), last, from+i, state, make([]byte, 32), x.IDs.New(), tx.Now())
		}
		return tx.SendBatch(ctx, b).Close()
	})
	return last
}

func TestOpenDraftsAreCounted(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	draft := of(service(x).PolicyDraft, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "调整", Add: []policyadmin.Rule{allow()}})
	var first uuid.UUID
	for i := range 20 {
		r, err := draft(t.Context(), x.Admin.Session, identitytest.Key())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = r.Subject.ID
		}
	}
	refused := func(reason string) {
		t.Helper()
		before := x.Footprint(t)
		_, err := draft(t.Context(), x.Admin.Session, identitytest.Key())
		identitytest.Refused(t, err, "LIMIT_EXCEEDED "+reason)
		x.Unchanged(t, before, 0)
	}
	refused("OPEN_DRAFTS_OF_AUTHOR")
	if _, err := service(x).PolicyDiscard(t.Context(), x.Admin.Session, policyadmin.PolicyDiscard{PolicyVersion: first, ExpectedVersion: 1, Reason: "作废"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	writeVersions(t, x, 100, 180, "draft") // of others: 199 with those of the administrator
	if _, err := draft(t.Context(), x.Admin.Session, identitytest.Key()); err != nil {
		t.Fatalf("the two hundredth: %v", err)
	}
	if _, err := service(x).PolicyDiscard(t.Context(), x.Admin.Session, policyadmin.PolicyDiscard{PolicyVersion: writeVersions(t, x, 400, 1, "draft"), ExpectedVersion: 1, Reason: "作废"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	var own uuid.UUID // room for one more of his, none of the tenant's
	x.Scan(t, `SELECT id FROM policy_versions WHERE tenant_id = $1 AND state = 'draft' AND author_id = $2 ORDER BY number LIMIT 1`, []any{x.Admin.Account}, &own)
	if _, err := service(x).PolicyDiscard(t.Context(), x.Admin.Session, policyadmin.PolicyDiscard{PolicyVersion: own, ExpectedVersion: 1, Reason: "作废"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	writeVersions(t, x, 500, 1, "draft")
	refused("OPEN_DRAFTS_OF_TENANT")
}

// SECURITY: whatever the program would write, the database lets the application add lines to drafts alone, and makes no draft
// of what was published.
func TestTheApplicationAddsLinesToDraftsAlone(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	insert := func(state string) error {
		return x.DB.InTx(t.Context(), tenancy.ForSystem(x.ID, tenancy.SystemSignIn), func(ctx context.Context, tx *tenancy.Tx) error {
			tag, err := tx.Exec(ctx, `INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, effect)
				SELECT $1, gen_random_uuid(), id, 5000 + number, 'list_reader', 'client', 'read', 'TENANT', 'allow' FROM policy_versions WHERE tenant_id = $1 AND state = ANY ($2)`, x.ID.UUID(), []string{state, "draft"})
			if err == nil && tag.RowsAffected() == 0 {
				t.Errorf("no version is %s", state)
			}
			return err
		})
	}
	writeVersions(t, x, 10, 1, "superseded")
	writeVersions(t, x, 11, 1, "discarded")
	writeVersions(t, x, 12, 1, "draft")
	denied := func(what string, err error) {
		t.Helper()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v", what, err)
		}
	}
	lines := func() (n int) {
		x.Scan(t, `SELECT count(*) FROM policy_rules WHERE tenant_id = $1 AND seq >= 5000`, nil, &n)
		return n
	}
	for _, state := range []string{"in_force", "superseded", "discarded"} {
		denied("a line for one that is "+state, insert(state))
		denied("back to draft from "+state, x.DB.InTx(t.Context(), tenancy.ForSystem(x.ID, tenancy.SystemSignIn), func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE policy_versions SET state = 'draft' WHERE tenant_id = $1 AND state = $2`, x.ID.UUID(), state)
			return err
		}))
	}
	if n := lines(); n != 0 {
		t.Errorf("%d lines were added", n)
	}
	if err := insert("draft"); err != nil || lines() != 1 {
		t.Errorf("a line for a draft: %v, %d lines", err, lines())
	}
}

// A refused question is audited as a refused act is, with what it was about; one that is answered, or was wrongly put, is not.
func TestRefusedQuestionsAreAudited(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	s, by := service(x), x.Nobody.Session
	draft := drafted(t, x, 1, []policyadmin.Rule{allow()})
	for name, c := range map[string]struct {
		act  string
		ask  func(*tenancy.Session) error
		want string // object type and id
	}{
		"explain": {"policy.explain", func(by *tenancy.Session) error {
			_, err := s.ExplainAccess(t.Context(), by, policyadmin.Question{Staff: &x.Manager.Staff, Object: "client", Action: "read"})
			return err
		}, "Staff " + x.Manager.Staff.String()},
		"who": {"policy.whoCanSee", func(by *tenancy.Session) error {
			_, _, err := s.WhoCanSee(t.Context(), by, policyadmin.Object{Type: "Department", ID: x.Department}, "", 10, nil)
			return err
		}, "Department " + x.Department.String()},
		"simulate": {"policy.simulate", func(by *tenancy.Session) error {
			_, err := s.PolicySimulate(t.Context(), by, draft)
			return err
		}, "PolicyVersion " + draft.String()},
		"lint": {"policy.lint", func(by *tenancy.Session) error {
			_, err := s.PolicyLint(t.Context(), by, draft)
			return err
		}, "PolicyVersion " + draft.String()},
		"compare": {"policy.compare", func(by *tenancy.Session) error {
			_, err := s.PolicyCompare(t.Context(), by, 1, 2)
			return err
		}, " "},
	} {
		recorded := func() string {
			var out string
			x.Scan(t, `SELECT COALESCE(string_agg(object_type || ' ' || COALESCE(object_id::text, '') || ' ' || reason || ' ' || actor_id || ' ' || request_id, '; '), '')
				FROM audit_records WHERE tenant_id = $1 AND kind = 'refusal' AND act = $2`, []any{c.act}, &out)
			return out
		}
		if err := c.ask(x.Admin.Session); err != nil || recorded() != "" {
			t.Errorf("%s: by the administrator: %v, recorded %q", name, err, recorded())
		}
		err := c.ask(by)
		identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
		if want := fmt.Sprintf("%s NO_ROLE %s test", c.want, by.Actor.Account); recorded() != want {
			t.Errorf("%s: recorded %q, want %q", name, recorded(), want)
		}
	}
	before := x.Footprint(t)
	if _, err := s.ExplainAccess(t.Context(), by, policyadmin.Question{Object: "client", Action: "nothing"}); err == nil {
		t.Error("an unknown permission was explained")
	}
	x.Unchanged(t, before, 0)
}
