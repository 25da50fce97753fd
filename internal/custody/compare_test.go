package custody_test

import (
	"testing"

	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/testkit/world"
)

// While the bytes of a loan are hashed nobody waits: no row is locked and no transaction is open. What changes meanwhile refuses the return.
func TestNothingIsLockedWhileBytesAreHashed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	b := f.lend(f.rep, nil, o)
	back := func(p world.Person) error {
		_, err := f.BorrowingReturn(t.Context(), p.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{OriginalID: o, Condition: custody.Intact}}}, f.Key())
		return err
	}
	hash := func(during func()) {
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		f.store.hashing = during
	}
	hash(func() {
		f.is("0", `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user AND xact_start IS NOT NULL AND $1::uuid IS NOT NULL`)
		// Somebody renews the loan in the meantime: he is not kept waiting, and the return is told that the loan is another one.
		f.ok(f.BorrowingRenew(t.Context(), f.second.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key()))
		hash(nil)
	})
	if got := reason(back(f.keeper)); got != "STALE_VERSION input.expectedVersion STALE_VERSION" {
		t.Error(got)
	}
	f.is("out|4|true|false|true", loan, b.BorrowingID)
	f.is("0", `SELECT count(*) FROM custody_incidents WHERE tenant_id = $1`)
	hashed := func() int {
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		n := f.store.hashed
		f.store.hashed = 0
		return n
	}
	hashed()
	for what, do := range map[string]func() error{
		"another version":       func() error { return back(f.keeper) },
		"the borrower":          func() error { return back(f.rep) },
		"who only sees it":      func() error { return back(f.head) },
		"who sees nothing":      func() error { return back(f.stranger) },
		"another tenant's head": func() error { return back(f.foreign) },
	} {
		if err := do(); err == nil || hashed() != 0 {
			t.Errorf("%s makes the store read: %v", what, err)
		}
	}
	b.ExpectedVersion++
	f.store.mu.Lock()
	f.store.changed[file] = true
	f.store.mu.Unlock()
	if err := back(f.keeper); err != nil || hashed() != 1 {
		t.Fatal(err)
	}
	f.is("HASH_MISMATCH", `SELECT kind FROM custody_incidents WHERE tenant_id = $1 AND original_id = $2`, o)
	if err := back(f.keeper); err == nil || hashed() != 0 {
		t.Errorf("hashed again: %v", err)
	}
}
