package contract

import (
	"slices"

	"github.com/clientele/clientele/internal/fault"
)

// State of a contract.
type State string

// The states, in the order of a contract's life.
const (
	Draft      State = "draft"
	Review     State = "review"
	Approved   State = "approved"
	Signing    State = "signing"
	Effective  State = "effective"
	Amending   State = "amending"
	Expired    State = "expired"
	Terminated State = "terminated"
	Completed  State = "completed"
	Withdrawn  State = "withdrawn"
	Void       State = "void"
)

// States lists them all.
func States() []State {
	return []State{Draft, Review, Approved, Signing, Effective, Amending, Expired, Terminated, Completed, Withdrawn, Void}
}

// Trigger is what people do to a contract.
type Trigger string

// The triggers. Drafting and registering make a contract: in draft, and in effective or (its term being over) in expired.
const (
	Revise    Trigger = "revise"    // new terms
	Submit    Trigger = "submit"    // to review
	Return    Trigger = "return"    // from review to the drafter
	Withdraw  Trigger = "withdraw"  // by the drafter's side, before it is in force
	Complete  Trigger = "complete"  // everything owed is done
	Terminate Trigger = "terminate" // ended before its time
	AddDuty   Trigger = "addDuty"   // an obligation
	Settle    Trigger = "settle"    // an obligation
)

// Triggers lists them all.
func Triggers() []Trigger {
	return []Trigger{Revise, Submit, Return, Withdraw, Complete, Terminate, AddDuty, Settle}
}

// table says from which states a trigger may be pulled, and to which state it leads ("" = the state stays). Approval, signing,
// amendment and voiding come with approval chains and have no trigger of their own yet.
func table() map[Trigger]struct {
	From []State
	To   State
} {
	type line = struct {
		From []State
		To   State
	}
	return map[Trigger]line{
		Revise:    {[]State{Draft}, ""},
		Submit:    {[]State{Draft}, Review},
		Return:    {[]State{Review}, Draft},
		Withdraw:  {[]State{Draft, Review, Approved, Signing}, Withdrawn},
		Complete:  {[]State{Effective}, Completed},
		Terminate: {[]State{Effective}, Terminated},
		AddDuty:   {[]State{Draft, Review, Effective}, ""},
		Settle:    {[]State{Effective, Amending, Expired, Terminated}, ""},
	}
}

// Next is the state after the trigger. INVALID_STATE CONTRACT_STATE: the table has no such line.
func Next(from State, by Trigger) (State, error) {
	line, known := table()[by]
	if !known || !slices.Contains(line.From, from) {
		return from, fault.State("CONTRACT_STATE",
			fault.Text{ZH: "合同处于 " + string(from) + " 状态，不能进行此操作", EN: "a contract in state " + string(from) + " does not allow this act (" + string(by) + ")"},
			fault.Text{ZH: "请刷新后查看合同当前状态", EN: "read the contract's present state"})
	}
	if line.To == "" {
		return from, nil
	}
	return line.To, nil
}
