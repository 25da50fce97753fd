package custody

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// custodian is the name of somebody who may be given the original to keep: he stays, and he may lend it (G02, G04). INVALID_INPUT:
// STAFF_LEAVING, CUSTODIAN_CANNOT_LEND; NOT_FOUND. Once named he is only a name: whoever may lend on the client lends, also when the
// custodian no longer may.
func custodian(ctx context.Context, w *act.Work, o Original, staff uuid.UUID) (string, error) {
	const field = "input.custodianId"
	name, err := activeStaff(ctx, w, field, staff)
	if err != nil {
		return "", err
	}
	may, err := lends(ctx, w, o, staff)
	if err != nil {
		return "", err
	}
	if !may {
		return "", cite(fault.Invalid(field, "CUSTODIAN_CANNOT_LEND", text(name+" 没有在该客户处出借资料的权限，不能担任保管人", name+" may not lend originals of this client and cannot keep them"),
			text("请选择资料保管员等有出借权限的员工，或先为其授予相应角色", "choose somebody who lends, such as an archive custodian, or have the role bound first")), clauseBorrowing)
	}
	return name, nil
}

// lends asks policy about somebody else: would he take part in a loan of the original as its lender?
func lends(ctx context.Context, w *act.Work, o Original, staff uuid.UUID) (bool, error) {
	holders, err := access.Holders(ctx, w.Tx, &staff)
	if err != nil {
		return false, err
	}
	for i := range holders {
		if holders[i].Suspended {
			continue
		}
		rights := w.Rights.Other(&holders[i].Principal, w.Now())
		row, err := asSeenBy(ctx, w, o, rights)
		if err != nil {
			return false, err
		}
		if rights.Decide(policy.OnBorrowing, policy.Read, &row).Allow && rights.Decide(policy.OnBorrowing, policy.BorrowingLend, &row).Allow &&
			rights.Decide(policy.BorrowingRegister, policy.Write, &row).Allow {
			return true, nil
		}
	}
	return false, nil
}

// asSeenBy is a loan of the original to nobody in particular, with what stands between its client and the person of the rights.
func asSeenBy(ctx context.Context, w *act.Work, o Original, rights *policy.Rights) (policy.Row, error) {
	args := []any{w.Tenant(), o.ClientID, w.Now()}
	team, distributed, granted := rights.Facts(policy.Columns{Tenant: "$1", Client: "$2::uuid", Now: "$3::timestamptz"}, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	row := o.row()
	row.ID, row.Borrowed = uuid.Nil, false
	var mask int32
	err := w.QueryRow(ctx, `SELECT `+team+`, `+distributed+`, `+granted+` WHERE $1::uuid IS NOT NULL AND $2::uuid IS NOT NULL AND $3::timestamptz IS NOT NULL`, args...).
		Scan(&row.OnTeam, &row.DistributedTo, &mask)
	row.Granted = policy.ClassSet(mask)
	return row, wrap("custodian", err)
}
