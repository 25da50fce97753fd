package custody_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit"
	"github.com/clientele/clientele/internal/testkit/world"
)

// together starts all at once and counts the answers.
func together(acts ...func() error) map[string]int {
	out := map[string]int{}
	for _, err := range testkit.Together(acts...) {
		out[reason(err)]++
	}
	return out
}

func TestOneHolderWhoeverIsFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for round := range 5 {
		o := f.paper(fmt.Sprint("件", round), 1)
		var acts []func() error
		for _, p := range []world.Person{f.rep, f.mate, f.boss} {
			b := f.endorse(f.keeper, f.request(p, nil, o))
			acts = append(acts, func() error {
				_, err := f.BorrowingHandOut(t.Context(), f.keeper.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
				return err
			})
		}
		if got := together(acts...); got["<nil>"] != 1 || got["CONFLICT ORIGINAL_LENT"] != 2 {
			t.Errorf("%v", got)
		}
		f.is("1", `SELECT count(*) FROM borrowing_items WHERE tenant_id = $1 AND original_id = $2 AND valid_from IS NOT NULL AND ended_at IS NULL`, o)
	}
}

func TestOneDecisionAndOneOfRenewalAndReturn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for round := range 5 {
		o := f.paper(fmt.Sprint("件", round), 1)
		b := f.request(f.rep, nil, o)
		endorse := func(p world.Person) func() error {
			return func() error {
				_, err := f.BorrowingEndorse(t.Context(), p.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
				return err
			}
		}
		if got := together(endorse(f.keeper), endorse(f.second), endorse(f.kam)); got["<nil>"] != 1 || got["STALE_VERSION input.expectedVersion STALE_VERSION"] != 2 {
			t.Errorf("%v", got)
		}
		b.ExpectedVersion++
		b = f.handOut(f.keeper, b)
		got := together(func() error {
			_, err := f.BorrowingRenew(t.Context(), f.keeper.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key())
			return err
		}, func() error {
			_, err := f.BorrowingReturn(t.Context(), f.second.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: []custody.ReturnedItem{{OriginalID: o, Condition: custody.Intact}}}, f.Key())
			return err
		})
		if got["<nil>"] != 1 || got["STALE_VERSION input.expectedVersion STALE_VERSION"] != 1 {
			t.Errorf("%v", got)
		}
	}
}

// The tenth tenant lends as the first does, and what is lent there opens nothing here.
func TestTheTenthTenant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o, file := f.file("合同", 3)
	f.lend(f.rep, nil, o)
	for n := range 9 {
		x := f.World.Tenant(fmt.Sprint("tenant", n))
		p := x.Person(x.Department, "ka_sales_rep", "kam_manager")
		f.refused("another tenant", "NOT_FOUND NOT_FOUND", func() error { return f.open(p, o, nil) })
		err := f.DB.InTx(t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
			_, err := f.Click(ctx, tx, file)
			return err
		})
		if reason(err) != "NOT_FOUND NOT_FOUND" {
			t.Error(err)
		}
	}
	if _, err := f.click(f.rep, file); err != nil {
		t.Error(err)
	}
}

// Whatever people do, in whatever order: an original has one holder at most and is out exactly while it has one; what has ended gives nothing;
// what gives something was approved by others than the borrower, of that very content.
func TestRandomSequencesKeepTheInvariants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rights, err := access.New(f.DB, 10)
	if err != nil {
		t.Fatal(err)
	}
	f.Service = custody.New(f.Runner, f.DB, rights, approval.Fixed{}).WithFiles(f.store.files(f.DB))
	files := map[uuid.UUID]uuid.UUID{}
	var originals []uuid.UUID
	for n := range 4 {
		o, file := f.file(fmt.Sprint("件", n), []int{1, 3, 4, 6}[n])
		originals, files[o] = append(originals, o), file
	}
	people := []world.Person{f.kam, f.keeper, f.second, f.rep, f.mate, f.boss, f.head, f.reader}
	keepers := []world.Person{f.keeper, f.second, f.kam}
	suits := map[string][]world.Person{
		"request": {f.rep, f.mate, f.boss}, "endorse": keepers, "approve": {f.kam, f.boss}, "handOut": keepers, "renew": keepers, "return": keepers, "revoke": keepers,
		"withdraw": {f.rep, f.mate, f.boss}, "lost": {f.rep, f.mate, f.boss}, "refuse": {f.kam},
	}
	done := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 7))
		pick := func() world.Person { return people[dice.IntN(len(people))] }
		for range 12 {
			acts := []string{"request", "request", "endorse", "endorse", "endorse", "approve", "approve", "handOut", "handOut", "handOut", "renew", "lost", "return", "return", "refuse", "withdraw", "revoke", "found", "found"}
			act := acts[dice.IntN(len(acts))]
			p, ctx := pick(), t.Context()
			if suited := suits[act]; len(suited) > 0 && dice.IntN(4) > 0 { // mostly by who may
				p = suited[dice.IntN(len(suited))]
			}
			states := map[string]string{"endorse": "requested", "approve": "requested", "refuse": "requested", "handOut": "approved", "renew": "out", "return": "out", "lost": "out"}[act]
			if states == "" || dice.IntN(6) == 0 {
				states = "requested approved out"
			}
			var b custody.BorrowingTarget
			if rows := f.Text(`SELECT id, version FROM borrowings WHERE tenant_id = $1 AND state = ANY(string_to_array($2, ' ')) ORDER BY id`, states); rows != "" {
				lines := strings.Split(rows, ";")
				id, version, _ := strings.Cut(lines[dice.IntN(len(lines))], "|")
				b.BorrowingID = uuid.MustParse(id)
				fmt.Sscan(version, &b.ExpectedVersion)
			}
			why := custody.BorrowingReason{BorrowingTarget: b, Reason: "x"}
			var err error
			switch act {
			case "request":
				some := slices.Clone(originals)
				dice.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				_, err = f.BorrowingRequest(ctx, p.Session, custody.BorrowingRequest{ClientID: f.client, OriginalIDs: some[:1+dice.IntN(3)], Purpose: "x"}, f.Key())
			case "endorse":
				_, err = f.BorrowingEndorse(ctx, p.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
			case "approve":
				_, err = f.BorrowingApprove(ctx, p.Session, custody.BorrowingDecision{BorrowingTarget: b}, f.Key())
			case "handOut":
				_, err = f.BorrowingHandOut(ctx, p.Session, custody.BorrowingHandOut{BorrowingTarget: b}, f.Key())
			case "return":
				var items []custody.ReturnedItem
				for _, o := range strings.Split(f.Text(`SELECT original_id FROM borrowing_items WHERE tenant_id = $1 AND borrowing_id = $2`, b.BorrowingID), ";") {
					if o != "" {
						items = append(items, custody.ReturnedItem{OriginalID: uuid.MustParse(o), Condition: []string{custody.Intact, custody.Intact, custody.Damaged, custody.Missing}[dice.IntN(4)]})
					}
				}
				if len(items) > 0 {
					_, err = f.BorrowingReturn(ctx, p.Session, custody.BorrowingReturn{BorrowingTarget: b, Items: items}, f.Key())
				}
			case "renew":
				_, err = f.BorrowingRenew(ctx, p.Session, custody.BorrowingRenew{BorrowingTarget: b}, f.Key())
			case "refuse":
				_, err = f.BorrowingRefuse(ctx, p.Session, why, f.Key())
			case "withdraw":
				_, err = f.BorrowingWithdraw(ctx, p.Session, why, f.Key())
			case "lost":
				_, err = f.BorrowingReportLost(ctx, p.Session, why, f.Key())
			case "revoke":
				_, err = f.BorrowingRevoke(ctx, p.Session, why, f.Key())
			case "found":
				for _, line := range strings.Split(f.Text(`SELECT id, version FROM custody_incidents WHERE tenant_id = $1 AND kind = 'LOST' AND state = 'open'`), ";") {
					id, version, ok := strings.Cut(line, "|")
					if ok {
						in := custody.OriginalCloseIncident{IncidentID: uuid.MustParse(id), Resolution: "x", Found: true}
						fmt.Sscan(version, &in.ExpectedVersion)
						_, err = f.OriginalCloseIncident(ctx, f.keeper.Session, in, f.Key())
					}
				}
			}
			if err != nil && strings.Contains(reason(err), "INTERNAL") || err != nil && !strings.Contains("FORBIDDEN NOT_FOUND DUTY_CONFLICT INVALID_STATE INVALID_INPUT CONFLICT STALE_VERSION", strings.Fields(reason(err))[0]) {
				rt.Fatalf("%s: %v", act, err)
			}
			if err == nil {
				done[act]++
			}
			f.invariants(rt)
		}
		o := originals[dice.IntN(len(originals))]
		for _, p := range []world.Person{f.rep, f.mate, f.keeper} {
			_, err := f.click(p, files[o])
			holds := f.Text(`SELECT count(*) FROM borrowing_items WHERE tenant_id = $1 AND original_id = $2 AND borrower_staff_id = $3 AND valid_from IS NOT NULL AND ended_at IS NULL`, o, p.Staff) == "1"
			if (err == nil) != holds {
				rt.Fatalf("%s holds it %v, and reads: %v", p.Name, holds, err)
			}
		}
	})
	t.Log(done)
	for _, act := range []string{"request", "endorse", "approve", "handOut", "return", "renew", "refuse", "withdraw", "revoke", "found", "found"} {
		if done[act] == 0 {
			t.Errorf("%s never succeeded", act)
		}
	}
}

func (f *fixture) invariants(t *rapid.T) {
	for what, sql := range map[string]string{
		"two holders":                  `SELECT original_id FROM borrowing_items WHERE tenant_id = $1 AND valid_from IS NOT NULL AND ended_at IS NULL GROUP BY 1 HAVING count(*) > 1`,
		"state of an original":         `SELECT o.id, o.state FROM originals o WHERE tenant_id = $1 AND (o.state = 'out') <> EXISTS (SELECT 1 FROM borrowing_items i WHERE i.tenant_id = o.tenant_id AND i.original_id = o.id AND i.valid_from IS NOT NULL AND i.ended_at IS NULL)`,
		"item against loan":            `SELECT i.id FROM borrowing_items i JOIN borrowings b ON b.tenant_id = i.tenant_id AND b.id = i.borrowing_id WHERE i.tenant_id = $1 AND ((i.valid_from IS NOT NULL AND i.ended_at IS NULL) <> (b.state = 'out') OR (b.ended_at IS NOT NULL) <> (b.state NOT IN ('requested', 'approved', 'out')) OR i.valid_until <> b.due_at)`,
		"lent without approval":        `SELECT b.id FROM borrowings b WHERE b.tenant_id = $1 AND b.out_at IS NOT NULL AND EXISTS (SELECT 1 FROM approval_steps s WHERE s.tenant_id = b.tenant_id AND s.subject_id = b.id AND (s.state <> 'approved' OR s.decided_by = b.borrower_staff_id))`,
		"two steps by one":             `SELECT subject_id FROM approval_steps WHERE tenant_id = $1 AND decided_by IS NOT NULL GROUP BY subject_id, decided_by HAVING count(*) > 1`,
		"L4 without the second step":   `SELECT b.id FROM borrowings b WHERE b.tenant_id = $1 AND b.top_class >= 4 AND b.out_at IS NOT NULL AND (SELECT count(*) FROM approval_steps s WHERE s.tenant_id = b.tenant_id AND s.subject_id = b.id) <> 2`,
		"missing without its incident": `SELECT o.id FROM originals o WHERE o.tenant_id = $1 AND o.state = 'missing' AND NOT EXISTS (SELECT 1 FROM custody_incidents i WHERE i.tenant_id = o.tenant_id AND i.original_id = o.id AND i.kind = 'LOST' AND i.state = 'open')`,
		"waiting for what has ended":   `SELECT s.id FROM approval_steps s JOIN borrowings b ON b.tenant_id = s.tenant_id AND b.id = s.subject_id WHERE s.tenant_id = $1 AND s.state IN ('active', 'waiting') AND b.state <> 'requested'`,
	} {
		if got := f.Text(sql); got != "" {
			t.Fatalf("%s: %s", what, got)
		}
	}
}
