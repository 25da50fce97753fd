package custody

import (
	"slices"

	"github.com/clientele/clientele/internal/fault"
)

// State of a borrowing. Overdue is none: it is out with its due date past.
type State string

// The states of a borrowing, in the order of its life.
const (
	Requested   State = "requested"
	Approved    State = "approved"
	Out         State = "out"
	Returned    State = "returned"
	LostState   State = "lost"
	Refused     State = "refused"
	Withdrawn   State = "withdrawn"
	RevokedLoan State = "revoked"
)

// States lists them all.
func States() []State {
	return []State{Requested, Approved, Out, Returned, LostState, Refused, Withdrawn, RevokedLoan}
}

// Trigger is what people do to a borrowing.
type Trigger string

// The triggers. Asking makes a borrowing: requested.
const (
	Consent  Trigger = "consent" // a step but the last is approved
	Approve  Trigger = "approve" // the last step is approved
	Refuse   Trigger = "refuse"
	Withdraw Trigger = "withdraw" // by the borrower, before it is out
	HandOut  Trigger = "handOut"
	Renew    Trigger = "renew"
	Return   Trigger = "return"
	Lose     Trigger = "lose"
	Revoke   Trigger = "revoke"
	TakeBack Trigger = "takeBack" // what is still out after the borrower's account ended
)

// Triggers lists them all.
func Triggers() []Trigger {
	return []Trigger{Consent, Approve, Refuse, Withdraw, HandOut, Renew, Return, Lose, Revoke, TakeBack}
}

type line struct {
	From []State
	To   State // "": the state stays
}

func table() map[Trigger]line {
	return map[Trigger]line{
		Consent:  {[]State{Requested}, ""},
		Approve:  {[]State{Requested}, Approved},
		Refuse:   {[]State{Requested}, Refused},
		Withdraw: {[]State{Requested, Approved}, Withdrawn},
		HandOut:  {[]State{Approved}, Out},
		Renew:    {[]State{Out}, ""},
		Return:   {[]State{Out}, Returned},
		Lose:     {[]State{Out}, LostState},
		Revoke:   {[]State{Approved, Out}, RevokedLoan},
		TakeBack: {[]State{RevokedLoan}, ""},
	}
}

// Next is the state after the trigger. INVALID_STATE BORROWING_STATE: the table has no such line.
func Next(from State, by Trigger) (State, error) {
	l, known := table()[by]
	if !known || !slices.Contains(l.From, from) {
		return from, cite(fault.State("BORROWING_STATE",
			text("借阅处于 "+string(from)+" 状态，不能进行此操作", "a borrowing in state "+string(from)+" does not allow this act ("+string(by)+")"),
			text("请刷新后查看借阅当前状态", "read the borrowing's present state")), clauseBorrowing)
	}
	if l.To == "" {
		return from, nil
	}
	return l.To, nil
}

// States of an original: it is out exactly while somebody holds it.
const (
	filed    = "filed"
	out      = "out"
	missing  = "missing"
	disposed = "disposed"
)

// present refuses an act on an original that is not where the act needs it.
func present(o Original, allowed ...string) error {
	if slices.Contains(allowed, o.State) {
		return nil
	}
	why := map[string]fault.Text{
		out:      text("该资料已借出", "the original is lent"),
		missing:  text("该资料已遗失", "the original is missing"),
		disposed: text("该资料已处理", "the original was disposed of"),
		filed:    text("该资料在库", "the original is filed"),
	}[o.State]
	return cite(fault.State("ORIGINAL_STATE", why, text("请刷新后查看资料当前状态", "read the original's present state")), clauseCustody)
}
