package identitytest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// Call is one call of a service method with its input fixed.
type Call func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error)

// Case is one act: how to get a tenant to the point where it can be done, the call, and the same call with another input.
type Case struct {
	Spec act.Spec
	// By is who may do it; nil: the administrator.
	By func(*Tenant) *tenancy.Session
	// Other is nil where another input is not possible to give.
	Make func(t testing.TB, x *Tenant) (do, other Call)
	// Epochs moved by the act.
	Policy, Org, Revocation bool
	// Own acts need no right but being oneself: nobody else has the input to try them.
	Own bool
}

// EveryAct runs the rules that hold for all acts over the cases, and fails when a spec has no case.
func EveryAct(t *testing.T, specs []act.Spec, cases []Case) {
	for _, spec := range specs {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Spec.Name == spec.Name }) {
			t.Errorf("no case for the act %s", spec.Name)
		}
	}
	for _, c := range cases {
		t.Run(c.Spec.Name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			x, foreign := w.Tenant(t, "home"), w.Tenant(t, "foreign")
			by := x.Admin.Session
			if c.By != nil {
				by = c.By(x)
			}
			do, other := c.Make(t, x)
			if !c.Own {
				refusedToOthers(t, x, foreign, do, c)
			}
			key := Key()
			result := onceOnly(t, x, by, key, do, c)
			recorded(t, x, c.Spec, result)
			if other != nil {
				before := x.Footprint(t)
				_, err := other(t.Context(), by, key)
				Refused(t, err, "IDEMPOTENCY_MISMATCH IDEMPOTENCY_KEY_REUSED idempotencyKey")
				x.Unchanged(t, before, 0)
			}
		})
	}
}

// refusedToOthers: somebody without the right, and everybody of another tenant, leaves nothing but a refusal.
func refusedToOthers(t *testing.T, x, foreign *Tenant, do Call, c Case) {
	t.Helper()
	before := x.Footprint(t)
	_, err := do(t.Context(), x.Nobody.Session, Key())
	list, _ := fault.As(err)
	if len(list) == 0 || list[0].Code != fault.ForbiddenCode && list[0].Code != fault.NotFoundCode && list[0].Reason != "NOT_FOUND" {
		t.Errorf("somebody without the right got %v", err)
	}
	refusals := int64(1)
	if fault.CodeOf(err) == fault.InvalidInput {
		refusals = 0 // an id inside an input is the input's fault
	}
	x.Unchanged(t, before, refusals)

	by := foreign.Admin.Session
	if c.By != nil {
		by = c.By(foreign)
	}
	before, theirs := x.Footprint(t), foreign.Footprint(t)
	_, err = do(t.Context(), by, Key())
	list, _ = fault.As(err)
	if len(list) == 0 || list[0].Code != fault.NotFoundCode && list[0].Reason != "NOT_FOUND" {
		t.Errorf("another tenant got %v", err)
	}
	x.Unchanged(t, before, 0)
	refusals = 0
	if fault.CodeOf(err) == fault.NotFoundCode {
		refusals = 1
	}
	foreign.Unchanged(t, theirs, refusals)
}

// onceOnly calls fifty times at once under one key: one act happens, and all get its outcome.
func onceOnly(t *testing.T, x *Tenant, by *tenancy.Session, key string, do Call, c Case) act.Result {
	t.Helper()
	before := x.Footprint(t)
	var mu sync.Mutex
	var done []act.Result
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			r, err := do(t.Context(), by, key)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%v", err)
				return
			}
			done = append(done, r)
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	executed := slices.DeleteFunc(slices.Clone(done), func(r act.Result) bool { return r.Replayed })
	if len(executed) != 1 {
		t.Fatalf("executed %d times", len(executed))
	}
	for _, r := range done {
		if r.Subject != executed[0].Subject {
			t.Errorf("a replay says %v, the act %v", r.Subject, executed[0].Subject)
		}
	}
	after := x.Footprint(t)
	if after.Events-before.Events != 1 || after.Changes-before.Changes != 1 || after.Refusals != before.Refusals {
		t.Errorf("%d events, %d changes, %d refusals", after.Events-before.Events, after.Changes-before.Changes, after.Refusals-before.Refusals)
	}
	moved := [3]bool{after.Epochs.Policy > before.Epochs.Policy, after.Epochs.Org > before.Epochs.Org, after.Epochs.Revocation > before.Epochs.Revocation}
	if want := [3]bool{c.Policy, c.Org, c.Revocation}; moved != want {
		t.Errorf("epochs moved (policy, org, revocation): %v, want %v", moved, want)
	}
	// What moves the policy or the organisation changes rights: the assertions about the policy have to run.
	if (moved[0] || moved[1]) && !c.Spec.ChangesRights {
		t.Errorf("%s moves what decides rights, and does not say that it changes them", c.Spec.Name)
	}
	return executed[0]
}

// recorded: the last event and its audit record speak of this act and subject.
func recorded(t *testing.T, x *Tenant, spec act.Spec, r act.Result) {
	t.Helper()
	var event, subjectType, name string
	var version, dense int64
	var groups int
	x.Scan(t, `SELECT type, subject_type, subject_version, (SELECT count(*) FROM jsonb_object_keys(snapshot)), seq - (SELECT count(*) FROM events WHERE tenant_id = $1)
		FROM events WHERE tenant_id = $1 AND subject_id = $2 ORDER BY seq DESC LIMIT 1`, []any{r.Subject.ID}, &event, &subjectType, &version, &groups, &dense)
	if event != spec.Event || subjectType != r.Subject.Type || version != r.Subject.Version || groups == 0 || dense != 0 {
		t.Errorf("event %s of %s at %d with %d groups, %d off the dense count; want %s of %v", event, subjectType, version, groups, dense, spec.Event, r.Subject)
	}
	x.Scan(t, `SELECT act FROM audit_records WHERE tenant_id = $1 AND object_id = $2 AND kind IN ('change', 'operator') ORDER BY occurred_at DESC, id DESC LIMIT 1`, []any{r.Subject.ID}, &name)
	if name != spec.Name {
		t.Errorf("audited as %s, want %s", name, spec.Name)
	}
}
