// Package archive owns the client archive: clients with their kinds, names, team, distribution, contacts, change records and search terms.
// It does not own who may do what (policy), the frame of an act (act), or reading for show (read).
package archive

import (
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
)

// Service carries out the acts on the archive. Every method validates its input first, asks policy for the act and for the
// write right on every field group that changes, on the values before and after, and does its work in one transaction.
//
// Errors of every method: INVALID_INPUT (all fields at once), NOT_FOUND (absent, another tenant's, or not to be seen),
// FORBIDDEN, STALE_VERSION, INVALID_STATE, CONFLICT, IDEMPOTENCY_MISMATCH.
type Service struct{ runner *act.Runner }

// New makes the service.
func New(runner *act.Runner) *Service { return &Service{runner: runner} }

// version refuses an act on another version of the row than the caller has seen.
func version(expected, current int64) error {
	if expected != current {
		return fault.Stale(current).At("input.expectedVersion")
	}
	return nil
}
