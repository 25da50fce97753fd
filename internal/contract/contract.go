// Package contract owns contracts with their revisions, parties and obligations, and the table of a contract's states.
// It does not own clients (archive), who may do what (policy), the frame of an act (act), or reading for show (read).
package contract

import (
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/policy"
)

// Service carries out the acts on contracts. Every method validates its input first, asks policy for the act and for the write
// right on the groups that change, and does its work in one transaction.
//
// Errors of every method: INVALID_INPUT (all fields at once), NOT_FOUND (absent, another tenant's, or not to be seen),
// FORBIDDEN, STALE_VERSION, INVALID_STATE, IDEMPOTENCY_MISMATCH.
type Service struct{ runner *act.Runner }

// New makes the service.
func New(runner *act.Runner) *Service { return &Service{runner: runner} }

// The acts on contracts; the name of each is its action in policy and in the audit trail.
var (
	contractDraft     = onContract(policy.ContractDraft, "contract.drafted.v1")
	contractRevise    = onContract(policy.ContractRevise, "contract.revised.v1")
	contractSubmit    = onContract(policy.ContractSubmit, "contract.submitted.v1")
	contractReturn    = onContract(policy.ContractReturn, "contract.returned.v1")
	contractWithdraw  = onContract(policy.ContractWithdraw, "contract.withdrawn.v1")
	contractRegister  = onContract(policy.ContractRegister, "contract.registered.v1")
	contractComplete  = onContract(policy.ContractComplete, "contract.completed.v1")
	contractTerminate = onContract(policy.ContractTerminate, "contract.terminated.v1")
	obligationAdd     = onContract(policy.ObligationAdd, "obligation.added.v1")
	obligationSettle  = onContract(policy.ObligationSettle, "obligation.settled.v1")
)

func onContract(action policy.Action, event string) act.Spec {
	return act.Spec{Name: string(action), Object: policy.OnContract, Action: action, Event: event}
}

// Specs lists the acts of this package, for the tests that walk all acts.
func Specs() []act.Spec {
	return []act.Spec{
		contractDraft, contractRevise, contractSubmit, contractReturn, contractWithdraw, contractRegister, contractComplete,
		contractTerminate, obligationAdd, obligationSettle,
	}
}

// version refuses an act on another version of the row than the caller has seen.
func version(expected, current int64) error {
	if expected != current {
		return fault.Stale(current).At("input.expectedVersion")
	}
	return nil
}
