// Package custody owns originals with their versions and incidents, their borrowing, and requests for access to an archive.
// It does not own bytes (file), the steps that a request waits for (approval), grants (identity), or who may do what (policy).
package custody

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Service carries out the acts of custody. Every method validates its input first, asks policy for the act and for the write right on
// the groups that change, and does its work in one transaction.
//
// Errors of every method: INVALID_INPUT (all fields at once), NOT_FOUND (absent, another tenant's, or not to be seen), FORBIDDEN,
// STALE_VERSION, INVALID_STATE, DUTY_CONFLICT, CONFLICT, IDEMPOTENCY_MISMATCH.
type Service struct {
	runner *act.Runner
	db     *tenancy.DB
	access *access.Provider
	chain  approval.Chain
	files  Files
}

// New makes the service. files may be given later, by WithFiles, as the owner of bytes asks this service at every click.
func New(runner *act.Runner, db *tenancy.DB, rights *access.Provider, chain approval.Chain) *Service {
	return &Service{runner: runner, db: db, access: rights, chain: chain}
}

// WithFiles is the same service with files; without them originals are kept on paper only.
func (s *Service) WithFiles(files Files) *Service {
	with := *s
	with.files = files
	return &with
}

// Files is what custody needs of the owner of bytes, in the act's own transaction but for Verify.
type Files struct {
	// Ticket makes a file that belongs to the original and is about to be uploaded. Refusals have fields relative to the upload.
	Ticket func(ctx context.Context, w *act.Work, original uuid.UUID, want Upload) (Ticket, error)
	// Link gives the act's actor a way to the bytes for a short while; purpose comes back at the click.
	Link func(ctx context.Context, tx *tenancy.Tx, file uuid.UUID, purpose string) (Link, error)
	// Verify hashes what is stored and tells whether it is what was filed. It takes as long as the bytes take: no transaction is open meanwhile.
	Verify func(ctx context.Context, s *tenancy.Session, file uuid.UUID) (bool, error)
}

// Upload is a file that is about to be sent.
type Upload struct {
	Name      string
	MediaType string
	Size      int64  // bytes
	SHA256    string // 64 hexadecimal digits
}

// Ticket admits one upload. Secret is shown once: a replay of the act has none.
type Ticket struct {
	File   uuid.UUID
	Secret string
	Until  time.Time
}

// Link leads to the bytes of a version until it ends; policy is asked again at the click. A replay of the act has none.
type Link struct {
	Path  string // below the API's address
	Until time.Time
}

// The periods of G04: a loan is due after a week unless it says otherwise, within thirty days, and is renewed once.
const (
	defaultLoan = 7 * 24 * time.Hour
	longestLoan = 30 * 24 * time.Hour
	longestView = 366 * 24 * time.Hour // F10
)

// Clauses that refusals cite.
const (
	clauseBorrowing = "G04"
	clauseCustody   = "G05"
	clauseAccess    = "F10"
)

// GraphQL types of the subjects.
const (
	typeOriginal  = "Original"
	typeBorrowing = "Borrowing"
	typeRequest   = "AccessRequest"
	typeIncident  = "CustodyIncident"
)

// The acts; the name of each is in the audit trail. Acts that decide or end rights hold the tenant's epochs.
var (
	originalFile            = act.Spec{Name: "original.file", Object: policy.OnOriginal, Action: policy.OriginalFile, Event: "original.filed.v1"}
	originalUpload          = act.Spec{Name: "original.upload", Object: policy.OnOriginal, Action: policy.OriginalAddVersion, Event: "original.uploadTicketed.v1"}
	originalAddVersion      = act.Spec{Name: "original.addVersion", Object: policy.OnOriginal, Action: policy.OriginalAddVersion, Event: "original.versionFiled.v1"}
	originalChangeCustodian = act.Spec{Name: "original.changeCustodian", Object: policy.OnOriginal, Action: policy.OriginalChangeCustodian, Event: "original.custodianChanged.v1"}
	originalReportIncident  = act.Spec{Name: "original.reportIncident", Object: policy.OnOriginal, Action: policy.OriginalReportIncident, Event: "original.incidentReported.v1"}
	originalCloseIncident   = act.Spec{Name: "original.closeIncident", Object: policy.OnOriginal, Action: policy.OriginalCloseIncident, Event: "original.incidentClosed.v1"}
	originalOpen            = act.Spec{Name: "original.open", Object: policy.OriginalContent, Action: policy.Reveal, Event: "original.opened.v1"}

	borrowingRequest    = act.Spec{Name: "borrowing.request", Object: policy.OnBorrowing, Action: policy.BorrowingRequest, Event: "borrowing.requested.v1"}
	borrowingWithdraw   = act.Spec{Name: "borrowing.withdraw", Object: policy.OnBorrowing, Action: policy.BorrowingRequest, Event: "borrowing.withdrawn.v1"}
	borrowingEndorse    = act.Spec{Name: "borrowing.endorse", Object: policy.OnBorrowing, Action: policy.BorrowingLend, Event: "borrowing.endorsed.v1", Sensitive: true}
	borrowingApprove    = act.Spec{Name: "borrowing.approve", Object: policy.OnBorrowing, Action: policy.BorrowingApprove, Event: "borrowing.approved.v1", Sensitive: true}
	borrowingRefuse     = act.Spec{Name: "borrowing.refuse", Object: policy.OnBorrowing, Action: policy.BorrowingLend, Event: "borrowing.refused.v1", Sensitive: true}
	borrowingHandOut    = act.Spec{Name: "borrowing.handOut", Object: policy.OnBorrowing, Action: policy.BorrowingLend, Event: "borrowing.handedOut.v1", Sensitive: true}
	borrowingRenew      = act.Spec{Name: "borrowing.renew", Object: policy.OnBorrowing, Action: policy.BorrowingRenew, Event: "borrowing.renewed.v1", Sensitive: true}
	borrowingReturn     = act.Spec{Name: "borrowing.return", Object: policy.OnBorrowing, Action: policy.BorrowingLend, Event: "borrowing.returned.v1"}
	borrowingReportLost = act.Spec{Name: "borrowing.reportLost", Object: policy.OnBorrowing, Action: policy.BorrowingReportLost, Event: "borrowing.lost.v1"}
	borrowingRevoke     = act.Spec{Name: "borrowing.revoke", Object: policy.OnBorrowing, Action: policy.BorrowingRevoke, Event: "borrowing.revoked.v1", Sensitive: true}

	accessRequestSubmit   = act.Spec{Name: "accessRequest.request", Object: policy.OnAccessRequest, Action: policy.AccessRequestRequest, Event: "accessRequest.submitted.v1"}
	accessRequestWithdraw = act.Spec{Name: "accessRequest.withdraw", Object: policy.OnAccessRequest, Action: policy.AccessRequestRequest, Event: "accessRequest.withdrawn.v1"}
	accessRequestEndorse  = act.Spec{Name: "accessRequest.endorse", Object: policy.OnAccessRequest, Action: policy.AccessRequestEndorse, Event: "accessRequest.endorsed.v1", Sensitive: true}
	accessRequestApprove  = act.Spec{Name: "accessRequest.approve", Object: policy.OnAccessRequest, Action: policy.AccessRequestApprove, Event: "accessRequest.granted.v1", Sensitive: true, ChangesRights: true}
	accessRequestRefuse   = act.Spec{Name: "accessRequest.refuse", Object: policy.OnAccessRequest, Action: policy.AccessRequestEndorse, Event: "accessRequest.refused.v1", Sensitive: true}
)

// Specs lists every act of a person, for the tests that walk all acts; NoteOverdue is the system's.
func Specs() []act.Spec {
	return []act.Spec{
		originalFile, originalUpload, originalAddVersion, originalChangeCustodian, originalReportIncident, originalCloseIncident, originalOpen,
		borrowingRequest, borrowingWithdraw, borrowingEndorse, borrowingApprove, borrowingRefuse, borrowingHandOut, borrowingRenew, borrowingReturn,
		borrowingReportLost, borrowingRevoke,
		accessRequestSubmit, accessRequestWithdraw, accessRequestEndorse, accessRequestApprove, accessRequestRefuse,
	}
}

// version refuses an act on another version of the row than the caller has seen.
func version(expected, current int64) error {
	if expected != current {
		return fault.Stale(current).At("input.expectedVersion")
	}
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("custody: %s: %w", what, err)
}

func text(zh, en string) fault.Text { return fault.Text{ZH: zh, EN: en} }

func cite(e *fault.Error, clause string) *fault.Error {
	e.Clause = clause
	return e
}
