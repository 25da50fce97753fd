package review

import (
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
)

// AccessReviewOpen starts the review of a half year.
type AccessReviewOpen struct {
	Period string    // 2026-H2
	DueAt  time.Time // whatever is not confirmed before has ended then
}

var halfYear = regexp.MustCompile(`^[0-9]{4}-H[12]$`)

// Validate reports all field errors at once.
func (in *AccessReviewOpen) Validate() error {
	var c input.Checks
	if !halfYear.MatchString(in.Period) {
		c.Refuse("input.period", "PERIOD_MALFORMED", "复核期的格式为 2026-H1 或 2026-H2", "a period reads 2026-H1 or 2026-H2")
	}
	in.DueAt = in.DueAt.UTC().Truncate(time.Microsecond)
	return c.Err()
}

// AccessReviewDecide confirms or ends one binding or grant.
type AccessReviewDecide struct {
	Item            uuid.UUID
	ExpectedVersion int64
	Decision        string // KEEP, REVOKE
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *AccessReviewDecide) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	c.OneOf("input.decision", in.Decision, keep, revoke)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// AccessReviewReassign gives an item to another reviewer.
type AccessReviewReassign struct {
	Item            uuid.UUID
	ExpectedVersion int64
	Reviewer        uuid.UUID // a staff member
	Reason          string
}

// Validate trims texts and reports all field errors at once.
func (in *AccessReviewReassign) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxReason)
	return c.Err()
}

// AccessReviewClose ends a review in which nothing is undecided.
type AccessReviewClose struct {
	Review          uuid.UUID
	ExpectedVersion int64
}

// Validate reports all field errors at once.
func (in *AccessReviewClose) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}
