package identity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// Wrong current passwords of one account: as many at once, and as many in the long run, as sign-in forgives a login. They are
// counted in the audit trail, where each stands, so the limit holds for all processes together and over a restart.
const (
	mostGuesses  = 10
	guessesSpell = 5 * time.Minute
)

const recentGuesses = `SELECT count(*), COALESCE(min(occurred_at), $3) FROM (
	SELECT occurred_at FROM audit_records WHERE tenant_id = $1 AND actor_id = $2 AND occurred_at > $3
		AND kind = 'refusal' AND act = $4 AND reason = 'WRONG_PASSWORD' ORDER BY occurred_at DESC LIMIT $5) g`

// guesses refuses to look at another password of an account of which too many were wrong lately.
//
// SECURITY: whoever holds somebody's session must not find the password out with it.
func guesses(ctx context.Context, tx *tenancy.Tx, account uuid.UUID) error {
	var n int
	var oldest time.Time
	err := tx.QueryRow(ctx, recentGuesses, tx.Session().Tenant.UUID(), account, tx.Now().Add(-guessesSpell), accountChangePassword().Name, mostGuesses).Scan(&n, &oldest)
	if err != nil {
		return fmt.Errorf("identity: recent guesses: %w", err)
	}
	if n < mostGuesses {
		return nil
	}
	wait := oldest.Add(guessesSpell).Sub(tx.Now())
	f := fault.Busy("WRONG_PASSWORDS", fault.Text{ZH: "当前密码输错次数过多，请稍后再试", EN: "the current password was wrong too often, try again later"}).
		With("retryAfter", max(1, int((wait+time.Second-1)/time.Second))).At("input.currentPassword")
	f.Remedy = fault.Text{ZH: "请稍后再试；忘记密码时请联系租户管理员重设", EN: "wait; if the password is forgotten, the tenant's administrator can set another one"}
	return f
}

// turns lets one call at a time through for each account, so that guesses sent side by side are counted one after the other.
type turns struct {
	mu      sync.Mutex
	waiting map[accountKey]*turn
}

type accountKey struct {
	tenant  tenancy.TenantID
	account uuid.UUID
}

type turn struct {
	free chan struct{} // holds one token while nobody has the turn
	n    int           // who has it or waits for it
}

// take waits for the account's turn; leave gives it on.
func (t *turns) take(ctx context.Context, key accountKey) (leave func(), err error) {
	t.mu.Lock()
	x := t.waiting[key]
	if x == nil {
		x = &turn{free: make(chan struct{}, 1)}
		x.free <- struct{}{}
		t.waiting[key] = x
	}
	x.n++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.n--; x.n == 0 {
			delete(t.waiting, key)
		}
	}
	select {
	case <-x.free:
		return func() { x.free <- struct{}{}; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}
