package custody_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/testkit/world"
)

func contained(text, part string) bool { return strings.Contains(text, part) }

// Only somebody who may lend on that client is given originals to keep, at the filing and later; the refusal says whom to choose.
func TestACustodianMayLend(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ended, elsewhere, suspended := f.Person(f.Sibling, "archive_custodian"), f.Person(f.OtherDepartment, "kam_manager"), f.Person(f.Sibling, "archive_custodian")
	f.Exec(`UPDATE role_bindings SET valid_until = now() - interval '1 hour' WHERE tenant_id = $1 AND account_id = $2`, ended.Account)
	f.Exec(`UPDATE accounts SET state = 'suspended' WHERE tenant_id = $1 AND id = $2`, suspended.Account)
	f.Exec(`UPDATE client_kinds SET kind = 'DEALER' WHERE tenant_id = $1 AND client_id = $2`, f.client) // no key client: key account managers lend within their own department
	file := func(p world.Person, keeper *uuid.UUID) func() error {
		return func() error {
			_, _, err := f.OriginalFile(t.Context(), p.Session, custody.OriginalFile{
				ClientID: f.client, Kind: "CREDIT", Title: "x", FieldClass: 4, Provenance: "x", Paper: ptr("p"), CustodianID: keeper,
			}, f.Key())
			return err
		}
	}
	const want = "INVALID_INPUT input.custodianId CUSTODIAN_CANNOT_LEND"
	o := f.paper("原件", 4)
	move := func(keeper uuid.UUID) func() error {
		return func() error {
			_, err := f.OriginalChangeCustodian(t.Context(), f.keeper.Session, custody.OriginalChangeCustodian{OriginalID: o, ExpectedVersion: 1, CustodianID: keeper, Reason: "交接"}, f.Key())
			return err
		}
	}
	for what, p := range map[string]world.Person{"a seller": f.rep, "who sees the list": f.reader, "who files and does not lend": f.boss, "whose role has ended": ended, "who lends elsewhere": elsewhere, "suspended": suspended} {
		f.refused("filed with "+what, want, file(f.keeper, &p.Staff))
		f.refused("given to "+what, want, move(p.Staff))
	}
	f.refused("the one who files, himself", want, file(f.boss, nil))
	list, _ := fault.As(file(f.boss, nil)())
	if len(list) != 1 || !strings.Contains(list[0].Remedy.ZH, "资料保管员") || list[0].Remedy.EN == "" || list[0].Clause != "G04" {
		t.Errorf("%+v", list)
	}
	for _, p := range []world.Person{f.second, f.kam} {
		if err := file(f.boss, &p.Staff)(); err != nil {
			t.Error(p.Name, err)
		}
	}
	if err := move(f.kam.Staff)(); err != nil {
		t.Error(err)
	}
	f.is(f.kam.Staff.String()+"|2", `SELECT custodian_staff_id, version FROM originals WHERE tenant_id = $1 AND id = $2`, o)
}

// A custodian who no longer lends stays in the register by name, and does nothing any more; whoever may lend on the client does.
func TestACustodianWhoNoLongerLends(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one, two := f.paper("甲", 3), f.paper("乙", 3)
	out := f.lend(f.rep, nil, one)
	asked := f.request(f.rep, nil, two)
	f.Exec(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND account_id = $2`, f.keeper.Account)
	f.refused("consents", "NOT_FOUND NOT_FOUND", func() error {
		_, err := f.BorrowingEndorse(t.Context(), f.keeper.Session, custody.BorrowingDecision{BorrowingTarget: asked}, f.Key())
		return err
	})
	back := custody.BorrowingReturn{BorrowingTarget: out, Items: []custody.ReturnedItem{{OriginalID: one, Condition: custody.Intact}}}
	f.refused("takes back", "NOT_FOUND NOT_FOUND", func() error {
		_, err := f.BorrowingReturn(t.Context(), f.keeper.Session, back, f.Key())
		return err
	})
	f.is("2", `SELECT count(*) FROM originals WHERE tenant_id = $1 AND custodian_staff_id = $2`, f.keeper.Staff)
	f.handOut(f.kam, f.endorse(f.second, asked))
	f.ok(f.BorrowingReturn(t.Context(), f.second.Session, back, f.Key()))
	f.ok(f.OriginalChangeCustodian(t.Context(), f.second.Session, custody.OriginalChangeCustodian{OriginalID: one, ExpectedVersion: 3, CustodianID: f.second.Staff, Reason: "离岗"}, f.Key()))
	f.is(f.second.Staff.String()+"|filed", `SELECT custodian_staff_id, state FROM originals WHERE tenant_id = $1 AND id = $2`, one)
}
