package custody_test

import (
	"testing"
	"time"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/testkit/world"
)

const asked = `SELECT state, version, grant_id IS NOT NULL, ended_at IS NOT NULL FROM access_requests WHERE tenant_id = $1 AND id = $2`

func (f *fixture) ask(p world.Person, classes ...int) custody.AccessRequestTarget {
	f.t.Helper()
	return requestTarget(f.ok(f.AccessRequestSubmit(f.t.Context(), p.Session, custody.AccessRequestSubmit{ClientID: f.client, Classes: classes, Purpose: "项目支持", WantedUntil: f.now().AddDate(0, 1, 0)}, f.Key())))
}

func requestTarget(r act.Result) custody.AccessRequestTarget {
	return custody.AccessRequestTarget{AccessRequestID: r.Subject.ID, ExpectedVersion: r.Subject.Version}
}

func TestAnAccessRequestBecomesAGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.ask(f.reader, 0, 1, 3)
	f.is("department_head|active;key_account_manager|waiting", `SELECT key, state FROM approval_steps WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq`, r.AccessRequestID)
	approve := func(p world.Person, r custody.AccessRequestTarget) (act.Result, error) {
		return f.AccessRequestApprove(t.Context(), p.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())
	}
	endorse := func(p world.Person, r custody.AccessRequestTarget) (act.Result, error) {
		return f.AccessRequestEndorse(t.Context(), p.Session, custody.AccessRequestDecision{AccessRequestTarget: r, Comment: ptr("同意")}, f.Key())
	}
	f.refused("the last step first", "INVALID_STATE STEP_NOT_ACTIVE", func() error { _, err := approve(f.kam, r); return err })
	f.refused("endorsed by who asks", "FORBIDDEN NO_ROLE", func() error { _, err := endorse(f.reader, r); return err })
	f.refused("endorsed by another seller", "NOT_FOUND NOT_FOUND", func() error { _, err := endorse(f.rep, r); return err })
	r = requestTarget(f.ok(endorse(f.head, r)))
	f.is("requested|2|false|false", asked, r.AccessRequestID)
	f.refused("approved by the department's head", "FORBIDDEN NO_ROLE", func() error { _, err := approve(f.head, r); return err })
	f.refused("endorsed again", "INVALID_STATE STEP_NOT_ACTIVE", func() error { _, err := endorse(f.kam, r); return err })
	r = requestTarget(f.ok(approve(f.kam, r)))
	f.is("granted|3|true|true", asked, r.AccessRequestID)
	f.is(f.reader.Staff.String()+"|11|项目支持|true|true", `SELECT g.grantee_staff_id, g.class_mask, g.purpose, g.granted_by = $2, g.valid_until = r.wanted_until
		FROM access_grants g JOIN access_requests r ON r.tenant_id = g.tenant_id AND r.grant_id = g.id WHERE g.tenant_id = $1`, f.kam.Staff)
	f.refused("approved again", "INVALID_STATE REQUEST_STATE", func() error { _, err := approve(f.boss, r); return err })
	f.is("accessRequest.submitted.v1;accessRequest.endorsed.v1;accessRequest.granted.v1", `SELECT type FROM events WHERE tenant_id = $1 AND type LIKE 'accessRequest.%' ORDER BY seq`)
}

// Nobody gives more than he may read himself, whatever was asked for and endorsed.
func TestTheCeilingHoldsAtTheLastStep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.ask(f.reader, 4, 7)
	r = requestTarget(f.ok(f.AccessRequestEndorse(t.Context(), f.head.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())))
	f.refused("a class that nobody holds", "FORBIDDEN CLASS_BEYOND_OWN", func() error {
		_, err := f.AccessRequestApprove(t.Context(), f.kam.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())
		return err
	})
	f.is("requested|2|false|false", asked, r.AccessRequestID)
}

func TestAccessRequestDuties(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mine := f.ask(f.kam, 1)
	f.refused("his own", "DUTY_CONFLICT OWN_REQUEST", func() error {
		_, err := f.AccessRequestEndorse(t.Context(), f.kam.Session, custody.AccessRequestDecision{AccessRequestTarget: mine}, f.Key())
		return err
	})
	r := f.ask(f.reader, 1)
	r = requestTarget(f.ok(f.AccessRequestEndorse(t.Context(), f.kam.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())))
	f.refused("both steps by one", "DUTY_CONFLICT DECIDED_BEFORE", func() error {
		_, err := f.AccessRequestApprove(t.Context(), f.kam.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())
		return err
	})
	f.ok(f.AccessRequestRefuse(t.Context(), f.boss.Session, custody.AccessRequestReason{AccessRequestTarget: r, Reason: "无必要"}, f.Key()))
	f.is("refused|3|false|true", asked, r.AccessRequestID)
	withdraw := func(p world.Person, r custody.AccessRequestTarget) func() error {
		return func() error {
			_, err := f.AccessRequestWithdraw(t.Context(), p.Session, custody.AccessRequestReason{AccessRequestTarget: r, Reason: "不用了"}, f.Key())
			return err
		}
	}
	f.refused("withdrawn by another", "FORBIDDEN OUT_OF_SCOPE", withdraw(f.boss, mine))
	f.ok(f.AccessRequestWithdraw(t.Context(), f.kam.Session, custody.AccessRequestReason{AccessRequestTarget: mine, Reason: "不用了"}, f.Key()))
	f.refused("twice", "INVALID_STATE REQUEST_STATE", func() error { mine.ExpectedVersion++; return withdraw(f.kam, mine)() })
}

func TestAccessRequestRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := f.now()
	ask := func(p world.Person, change func(*custody.AccessRequestSubmit)) func() error {
		return func() error {
			in := custody.AccessRequestSubmit{ClientID: f.client, Classes: []int{1}, Purpose: "x", WantedUntil: now.AddDate(0, 1, 0)}
			change(&in)
			_, err := f.AccessRequestSubmit(t.Context(), p.Session, in, f.Key())
			return err
		}
	}
	none := func(*custody.AccessRequestSubmit) {}
	f.refused("who does not see the client", "NOT_FOUND NOT_FOUND", ask(f.stranger, none))
	f.refused("another tenant", "NOT_FOUND NOT_FOUND", ask(f.foreign, none))
	f.refused("all fields", "INVALID_INPUT input.classes.0 CLASS_UNKNOWN; INVALID_INPUT input.purpose REQUIRED", ask(f.reader, func(in *custody.AccessRequestSubmit) { in.Classes, in.Purpose = []int{8}, "" }))
	f.refused("no class", "INVALID_INPUT input.classes REQUIRED", ask(f.reader, func(in *custody.AccessRequestSubmit) { in.Classes = nil }))
	for _, until := range []time.Time{now, now.AddDate(2, 0, 0)} {
		f.refused("end", "INVALID_INPUT input.wantedUntil EXPIRY", ask(f.reader, func(in *custody.AccessRequestSubmit) { in.WantedUntil = until }))
	}
	r := f.ask(f.reader, 1)
	r = requestTarget(f.ok(f.AccessRequestEndorse(t.Context(), f.head.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())))
	f.Clock.SetOffset(32 * 24 * time.Hour)
	f.refused("past its end", "INVALID_STATE REQUEST_EXPIRED", func() error {
		_, err := f.AccessRequestApprove(t.Context(), f.kam.Session, custody.AccessRequestDecision{AccessRequestTarget: r}, f.Key())
		return err
	})
}
