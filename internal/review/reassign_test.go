package review_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/review"
	"github.com/clientele/clientele/internal/tenancy"
)

func (x *tenant) reassign(t testing.TB, by identitytest.Person, item uuid.UUID, version int64, to uuid.UUID) error {
	t.Helper()
	_, err := x.reviews.AccessReviewReassign(t.Context(), by.Session, review.AccessReviewReassign{Item: item, ExpectedVersion: version, Reviewer: to, Reason: "复核人离职"}, identitytest.Key())
	return err
}

// Another reviewer is one whom the opening could have named: never the holder, never the one who names, and never somebody who has no say.
func TestAnotherReviewer(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	boss, below, other, gone := x.Person(t, "boss", "list_reader"), x.Person(t, "below", "list_reader"), x.Person(t, "other", "list_reader"), x.Person(t, "gone", "tenant_admin")
	chief, deputy := x.Person(t, "chief", "general_manager"), x.Person(t, "deputy", "general_manager")
	x.superior(t, below, boss)
	give := identity.AccessGrantGive{Grantee: below.Staff, Client: x.client(t), Classes: []int{0}, Purpose: "项目", ValidUntil: time.Now().Add(48 * time.Hour)}
	granted, err := x.Identity.AccessGrantGive(t.Context(), x.Manager.Session, give, identitytest.Key())
	must(t, err)
	opened := x.open(t)
	item, _ := x.itemOf(t, below)
	_, err = x.Identity.AccountSuspend(t.Context(), x.Admin.Session, identity.AccountSuspend{Account: gone.Account, ExpectedVersion: 1, Reason: "离职"}, identitytest.Key())
	must(t, err)
	refused := func(what string, err error, want string) {
		t.Helper()
		identitytest.Refused(t, err, want)
		var version int64
		var reviewer *uuid.UUID
		x.Scan(t, `SELECT version, reviewer_staff_id FROM access_review_items WHERE tenant_id = $1 AND id = $2`, []any{item}, &version, &reviewer)
		if version != 1 || reviewer == nil || *reviewer != boss.Staff {
			t.Errorf("%s: changed to %v at version %d", what, reviewer, version)
		}
	}
	const unsuitable = "INVALID_INPUT REVIEWER_UNSUITABLE input.reviewerId"
	refused("somebody without a say", x.reassign(t, x.Manager, item, 1, other.Staff), unsuitable)
	refused("the holder", x.reassign(t, x.Manager, item, 1, below.Staff), unsuitable)
	refused("somebody who cannot sign in", x.reassign(t, x.Manager, item, 1, gone.Staff), unsuitable)
	refused("nobody", x.reassign(t, x.Manager, item, 1, uuid.New()), "NOT_FOUND NOT_FOUND input.reviewerId")
	refused("the one there is", x.reassign(t, x.Manager, item, 1, boss.Staff), "INVALID_STATE REVIEWER_ALREADY")
	refused("himself", x.reassign(t, x.Manager, item, 1, x.Manager.Staff), "DUTY_CONFLICT OWN_REVIEW")
	refused("by the reviewer", x.reassign(t, boss, item, 1, x.Admin.Staff), "FORBIDDEN NO_ROLE")
	refused("by an administrator", x.reassign(t, x.Admin, item, 1, x.Admin.Staff), "FORBIDDEN NO_ROLE")
	refused("by somebody who sees nothing of it", x.reassign(t, other, item, 1, x.Admin.Staff), "NOT_FOUND NOT_FOUND")
	refused("stale", x.reassign(t, x.Manager, item, 2, x.Admin.Staff), "STALE_VERSION STALE_VERSION input.expectedVersion")
	own, _ := x.itemOf(t, x.Manager)
	identitytest.Refused(t, x.reassign(t, x.Manager, own, 1, chief.Staff), "DUTY_CONFLICT OWN_ACCESS")

	// Boss has left: an administrator, who may unbind, takes his place, and decides.
	must(t, x.reassign(t, x.Manager, item, 1, x.Admin.Staff))
	if who := x.reviewer(t, item); who == nil || *who != x.Admin.Staff {
		t.Fatalf("%v reviews", who)
	}
	var events, audits int
	x.Scan(t, `SELECT (SELECT count(*) FROM events WHERE tenant_id = $1 AND type = 'accessReviewItem.reassigned.v1' AND subject_id = $2 AND subject_version = 2),
		(SELECT count(*) FROM audit_records WHERE tenant_id = $1 AND act = 'review.reassign' AND object_id = $2 AND kind = 'change' AND detail::text LIKE '%复核人离职%')`, []any{item}, &events, &audits)
	if events != 1 || audits != 1 {
		t.Errorf("%d events, %d audit records", events, audits)
	}
	decide := func(by identitytest.Person, version int64) error {
		_, err := x.reviews.AccessReviewDecide(t.Context(), by.Session, review.AccessReviewDecide{Item: item, ExpectedVersion: version, Decision: "KEEP", Reason: "x"}, identitytest.Key())
		return err
	}
	identitytest.Refused(t, decide(boss, 2), "NOT_FOUND NOT_FOUND")
	must(t, decide(x.Admin, 2))
	identitytest.Refused(t, x.reassign(t, x.Manager, item, 3, boss.Staff), "INVALID_STATE ALREADY_DECIDED")

	// A grant: who gave it reviews; somebody who may revoke it, too, and nobody else.
	var grant uuid.UUID
	x.Scan(t, `SELECT id FROM access_review_items WHERE tenant_id = $1 AND grant_id = $2`, []any{granted.Subject.ID}, &grant)
	identitytest.Refused(t, x.reassign(t, chief, grant, 1, other.Staff), unsuitable)
	identitytest.Refused(t, x.reassign(t, chief, grant, 1, boss.Staff), unsuitable)
	identitytest.Refused(t, x.reassign(t, chief, grant, 1, x.Admin.Staff), unsuitable)
	must(t, x.reassign(t, chief, grant, 1, deputy.Staff))
	kept, _ := x.itemOf(t, chief)
	_, err = x.decide(t, x.Admin, kept, "KEEP") // so that he outlives the review
	must(t, err)
	x.pastDue()
	identitytest.Refused(t, x.reassign(t, chief, grant, 2, x.Manager.Staff), "INVALID_STATE REVIEW_PAST_DUE")
	x.Clock.SetOffset(0)
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE access_reviews SET state = 'closed', closed_at = $3 WHERE tenant_id = $1 AND id = $2`, x.ID.UUID(), opened, tx.Now())
		return err
	})
	identitytest.Refused(t, x.reassign(t, chief, grant, 2, x.Manager.Staff), "INVALID_STATE REVIEW_CLOSED")
}

// An opening that breaks off behind its first act is listed to its end by the sweep, without what was bound since; nothing closes before.
func TestAnOpeningThatBreaksOffIsListedLater(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	opened := x.open(t)
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error { // as if nothing had been listed
		_, err := tx.Exec(ctx, `UPDATE role_bindings SET review_due_at = NULL WHERE tenant_id = $1`, x.ID.UUID())
		return err
	})
	conn, err := pgx.Connect(t.Context(), x.Database.Superuser)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `SELECT set_config('app.tenant_id', $1, false), set_config('app.now', now()::text, false)`, x.ID.String())
	must(t, err)
	_, err = conn.Exec(t.Context(), `DELETE FROM access_review_items WHERE tenant_id = $1`, x.ID.UUID())
	must(t, err)
	x.Person(t, "later", "list_reader")
	_, err = x.reviews.AccessReviewClose(t.Context(), x.Manager.Session, review.AccessReviewClose{Review: opened, ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE REVIEW_LISTING")
	if n, err := x.reviews.List(t.Context(), x.ID); err != nil || n != 3 {
		t.Errorf("%d listed, %v", n, err)
	}
	if n, err := x.reviews.List(t.Context(), x.ID); err != nil || n != 0 {
		t.Errorf("%d listed again, %v", n, err)
	}
	var items, due int
	x.Scan(t, `SELECT (SELECT count(*) FROM access_review_items WHERE tenant_id = $1), (SELECT count(*) FROM role_bindings WHERE tenant_id = $1 AND review_due_at IS NOT NULL)`, nil, &items, &due)
	if items != 3 || due != 3 {
		t.Errorf("%d items, %d bindings with a due date", items, due)
	}
	_, err = x.reviews.AccessReviewClose(t.Context(), x.Manager.Session, review.AccessReviewClose{Review: opened, ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE REVIEW_UNDECIDED")
}
