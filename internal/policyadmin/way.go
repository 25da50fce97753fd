package policyadmin

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// lawful is the nearest lawful way to what was refused.
type lawful struct {
	Way    string // "" when there is none: allowed, denied by a rule, or no rule at all
	Chain  string // the approval chain behind Way: AC-09, AC-10; "" when there is none
	Remedy policy.Text
	Ask    uuid.UUID // whom to ask; zero when the one who asks may not see the row
}

// nearest finds the way for one refused question.
type nearest struct {
	moment
	theirs *policy.Rights
	q      Question
	row    *access.Row
	seen   bool // the one who asks sees the row
}

// way: of the rules that fail by their scope alone, one that somebody can open to the person comes before one that would need him
// or the row to move; and a chain that he may start himself before what others must think of.
func (n nearest) way(ctx context.Context, tx *tenancy.Tx, e policy.Explanation) (out lawful, err error) {
	out.Remedy = e.Remedy
	entity, _ := policy.EntityOf(n.q.Object)
	if e.Nearest == nil {
		return out, nil
	}
	switch e.Nearest.Fails {
	case policy.TestRole:
		out.Way = WayRole
	case policy.TestValidity:
		out.Way = WayValidity
	case policy.TestCondition:
		out.Way = WayCondition
	default:
		if err := n.open(ctx, tx, entity, e, &out); err != nil {
			return out, err
		}
	}
	if n.seen && out.Ask == uuid.Nil {
		out.Ask, err = whomToAsk(ctx, tx, &n.row.Row)
	}
	return out, err
}

// open is the way where a rule's scope leaves the row out. Behind a veil the lines do not say so, and no row is looked at.
func (n nearest) open(ctx context.Context, tx *tenancy.Tx, entity policy.Object, e policy.Explanation, out *lawful) error {
	fails := func(scope policy.Scope) bool {
		for i := range e.Lines {
			if l := &e.Lines[i]; l.Fails == policy.TestScope && l.Rule.Effect == policy.Allow && l.Rule.Scope == scope {
				return true
			}
		}
		return false
	}
	if fails(policy.Granted) {
		if entity != policy.OnOriginal {
			out.Way, out.Chain = WayGrant, "AC-10"
			asks, err := n.asksForAccess(ctx, tx)
			if asks {
				out.Remedy = n.accessRequest()
			}
			return err
		}
		lends, err := n.borrows(ctx, tx)
		if err != nil {
			return err
		}
		if lends {
			out.Way, out.Chain, out.Remedy = WayBorrowing, "AC-09", n.borrowing()
			if n.seen {
				out.Ask, err = custodianOf(ctx, tx, n.row.ID)
			}
			return err
		}
	}
	switch own, ok := parties(entity); {
	case fails(policy.ClientTeam):
		out.Way = WayTeam
		out.Remedy = policy.Text{ZH: "请主管部门负责人将您加入客户团队", EN: "Ask the owning department's head for a place on the client's team"}
	case fails(policy.Distributed):
		out.Way = WayDistribution
		out.Remedy = policy.Text{ZH: "请大客户部门将该客户分发给您的科室", EN: "Ask the key account department to distribute the client to your section"}
	case ok:
		out.Way, out.Remedy = WayScope, own
	default:
		out.Way = WayScope
	}
	return nil
}

// borrows tells whether the person may ask to borrow the original (G04, AC-09): he sees the client and the register, holds the act,
// and there is something to lend. About no original in particular: whether he may borrow any.
func (n nearest) borrows(ctx context.Context, tx *tenancy.Tx) (bool, error) {
	if n.q.About == nil {
		return !n.theirs.Reach(policy.OnBorrowing, policy.BorrowingRequest).None, nil
	}
	if !n.theirs.Decide(policy.OnOriginal, policy.Read, &n.row.Row).Allow {
		return false, nil
	}
	loan, seen, err := n.onClient(ctx, tx)
	if err != nil || !seen {
		return false, err
	}
	loan.FieldClass, loan.FieldClassSet = n.row.FieldClass, n.row.FieldClassSet
	if !n.theirs.Decide(policy.OnBorrowing, policy.BorrowingRequest, &loan).Allow || !n.theirs.Decide(policy.BorrowingRegister, policy.Write, &loan).Allow {
		return false, nil
	}
	var there bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM originals WHERE tenant_id = $1 AND id = $2 AND state IN ('filed', 'out') AND version_seq > 0)`,
		tx.Session().Tenant.UUID(), n.row.ID).Scan(&there)
	return there, wrap("original", err)
}

// asksForAccess tells whether the person may ask for access to the client that the row belongs to (F10, AC-10): he sees it and holds
// the act. About no row: whether he may ask for any.
func (n nearest) asksForAccess(ctx context.Context, tx *tenancy.Tx) (bool, error) {
	if n.q.About == nil {
		return !n.theirs.Reach(policy.OnAccessRequest, policy.AccessRequestRequest).None, nil
	}
	request, seen, err := n.onClient(ctx, tx)
	if err != nil || !seen {
		return false, err
	}
	return n.theirs.Decide(policy.OnAccessRequest, policy.AccessRequestRequest, &request).Allow && n.theirs.Decide(policy.AccessRequestRegister, policy.Write, &request).Allow, nil
}

// onClient is a row that the person would make on the client of the row in question: a loan or a request of his own; seen tells
// whether he sees the client.
func (n nearest) onClient(ctx context.Context, tx *tenancy.Tx) (made policy.Row, seen bool, err error) {
	if n.row.Client == uuid.Nil {
		return made, false, nil
	}
	f, _ := access.FactsOf("Client")
	client, err := n.moment.row(ctx, tx, f, n.theirs, n.row.Client)
	if err != nil || !f.Sees(n.theirs, client) {
		return made, false, err
	}
	made = client.Row
	made.ID, made.Staff, made.Stage = uuid.Nil, n.theirs.Staff(), ""
	return made, made.Staff != uuid.Nil, nil
}

// borrowing is how to borrow: who has a say depends on the class of the content.
func (n nearest) borrowing() policy.Text {
	if n.q.About != nil && n.row.FieldClassSet && n.row.FieldClass < approval.HeadFrom {
		return policy.Text{
			ZH: "请申请借阅该原始资料（borrowingRequest；审批链 AC-09：资料保管员）",
			EN: "Ask to borrow the original (borrowingRequest; chain AC-09: the custodian)",
		}
	}
	return policy.Text{
		ZH: "请申请借阅该原始资料（borrowingRequest；审批链 AC-09：资料保管员，密级 " + approval.HeadFrom.String() + " 及以上另须部门主管）",
		EN: "Ask to borrow the original (borrowingRequest; chain AC-09: the custodian, from " + approval.HeadFrom.String() + " also the department head)",
	}
}

// accessRequest is how to ask for a grant, and for which class.
func (n nearest) accessRequest() policy.Text {
	zh, en := "", ""
	if class, ok := n.theirs.ClassOf(n.q.Object); ok {
		zh, en = "，密级 "+class.String(), ", field class "+class.String()
	}
	return policy.Text{
		ZH: "请提出查阅申请（accessRequestSubmit" + zh + "；审批链 AC-10：客户所属部门负责人，再由大客户经理）",
		EN: "Ask for access to the client (accessRequestSubmit" + en + "; chain AC-10: the owning department's head, then the key account manager)",
	}
}

// parties says whose a row is that no grant and no team opens. Behind a veil it is the same for every row.
func parties(entity policy.Object) (policy.Text, bool) {
	switch entity {
	case policy.OnOriginal:
		return policy.Text{
			ZH: "原始资料须借阅（审批链 AC-09），请联系资料保管员；专项授权不包括原始资料",
			EN: "Originals are borrowed (chain AC-09): ask the custodian; a grant on the client does not open them",
		}, true
	case policy.OnBorrowing:
		return policy.Text{
			ZH: "借阅由借阅人、资料保管员与部门主管查看和办理，请联系其中一人",
			EN: "A loan is seen and handled by its borrower, the custodian and the department head: ask one of them",
		}, true
	case policy.OnAccessRequest:
		return policy.Text{
			ZH: "查阅申请由申请人、客户所属部门负责人与大客户经理查看和办理，请联系其中一人",
			EN: "An access request is seen and handled by who asked, the owning department's head and the key account manager: ask one of them",
		}, true
	case policy.OnApproval:
		return policy.Text{
			ZH: "审批步骤由申请人与有权审批的人员查看和办理，请联系部门主管",
			EN: "A step is seen by who asked and by those who may decide it: ask the department head",
		}, true
	}
	return policy.Text{}, false
}

// whomToAsk is the head of the row's department, else its owner.
func whomToAsk(ctx context.Context, tx *tenancy.Tx, row *policy.Row) (uuid.UUID, error) {
	var head uuid.UUID
	err := tx.QueryRow(ctx, `SELECT COALESCE((SELECT head_id FROM departments WHERE tenant_id = $1 AND id = $2), $3)`,
		tx.Session().Tenant.UUID(), row.Department, row.Owner).Scan(&head)
	return head, wrap("head", err)
}

// custodianOf an original.
func custodianOf(ctx context.Context, tx *tenancy.Tx, original uuid.UUID) (uuid.UUID, error) {
	var custodian uuid.UUID
	err := tx.QueryRow(ctx, `SELECT custodian_staff_id FROM originals WHERE tenant_id = $1 AND id = $2`, tx.Session().Tenant.UUID(), original).Scan(&custodian)
	return custodian, wrap("custodian", err)
}
