package identitytest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
)

// judged records what a check says instead of failing the test.
type judged struct {
	testing.TB
	said []string
}

func (*judged) Helper() {}
func (j *judged) Errorf(format string, args ...any) {
	j.said = append(j.said, fmt.Sprintf(format, args...))
}

func TestRefusedFindsEveryDifference(t *testing.T) {
	t.Parallel()
	err := fault.List{fault.Stale(2), fault.NotFound("Client")}
	for want, bad := range map[string]struct {
		err  error
		want []string
	}{
		"exact":         {err, []string{"STALE_VERSION STALE_VERSION input.expectedVersion", "NOT_FOUND NOT_FOUND"}},
		"no fault":      {errors.New("x"), []string{"NOT_FOUND NOT_FOUND"}},
		"nil":           {nil, []string{"NOT_FOUND NOT_FOUND"}},
		"fewer":         {err, []string{"STALE_VERSION STALE_VERSION input.expectedVersion"}},
		"another field": {err, []string{"STALE_VERSION STALE_VERSION", "NOT_FOUND NOT_FOUND"}},
		"one language":  {&fault.Error{Code: fault.Conflict, Reason: "R", Message: fault.Text{EN: "x"}}, []string{"CONFLICT R"}},
	} {
		j := &judged{TB: t}
		identitytest.Refused(j, bad.err, bad.want...)
		if (len(j.said) == 0) != (want == "exact") {
			t.Errorf("%s: said %q", want, j.said)
		}
	}
}

func TestUnchangedFindsEveryTrace(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	before := x.Footprint(t)
	j := &judged{TB: t}
	x.Unchanged(j, before, 0)
	if len(j.said) != 0 {
		t.Errorf("nothing happened, and it said %q", j.said)
	}
	x.Unchanged(j, before, 1)
	if len(j.said) != 1 {
		t.Errorf("no refusal was audited, and it said %q", j.said)
	}
	x.InTx(t, func(ctx context.Context, tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE companies SET name = name WHERE tenant_id = $1`, x.ID.UUID())
		return err
	})
	j.said = nil
	x.Unchanged(j, before, 0)
	if len(j.said) != 4 { // companies, companies_history, tenant_epochs, the epochs themselves
		t.Errorf("a row was written over with itself, and it said %q", j.said)
	}
}
