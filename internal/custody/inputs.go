package custody

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// Limits in characters, those of the columns.
const (
	maxTitle, maxProvenance, maxLocation, maxNote = 200, 400, 200, 1000
	maxItems                                      = 30 // of one borrowing
)

// Kinds of originals.
func kinds() []string {
	return []string{"ORGANISATION", "CONTENT", "CREDIT", "RELATION", "CONTRACT", "CORRESPONDENCE", "SURVEY", "OTHER"}
}

// OriginalFile enters an original in the register: with what is written down about the paper, which files its first version, or with a
// file to be uploaded, whose version is filed when it came out clean (OriginalAddVersion).
type OriginalFile struct {
	ClientID    uuid.UUID
	Kind        string
	Title       string
	FieldClass  int // of the content, 0 to 7
	Provenance  string
	CustodianID *uuid.UUID // the actor when nil
	Location    *string
	Paper       *string
	File        *Upload
}

// Validate trims and reports every field at once; so do all the Validates here.
func (in *OriginalFile) Validate() error {
	var c input.Checks
	c.OneOf("input.kind", in.Kind, kinds()...)
	in.Title = c.Line("input.title", in.Title, maxTitle)
	checkClass(&c, "input.fieldClass", in.FieldClass)
	in.Provenance = c.Line("input.provenance", in.Provenance, maxProvenance)
	in.Location = c.OptionalLine("input.location", in.Location, maxLocation)
	in.Paper = c.OptionalLines("input.paper", in.Paper, maxNote)
	if (in.Paper == nil) == (in.File == nil) {
		c.Refuse("input.paper", "PAPER_OR_FILE", "请填写纸质资料说明或上传文件，二者择一", "either what is written down about the paper, or a file")
	}
	return c.Err()
}

func checkClass(c *input.Checks, field string, class int) {
	if class < 0 || class >= int(policy.NumClasses) {
		c.Refuse(field, "CLASS_UNKNOWN", "字段密级为 0 至 7", "field classes are 0 to 7")
	}
}

// OriginalUpload asks for a ticket for the file of a further version.
type OriginalUpload struct {
	OriginalID uuid.UUID
	File       Upload
}

// OriginalAddVersion files a version: of a file that came out clean, or of paper.
type OriginalAddVersion struct {
	OriginalID      uuid.UUID
	ExpectedVersion int64
	FileID          *uuid.UUID
	Paper           *string
	Note            *string
}

// Validate checks the input.
func (in *OriginalAddVersion) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Paper = c.OptionalLines("input.paper", in.Paper, maxNote)
	in.Note = c.OptionalLines("input.note", in.Note, maxNote)
	if (in.Paper == nil) == (in.FileID == nil) {
		c.Refuse("input.paper", "PAPER_OR_FILE", "请填写纸质资料说明或文件，二者择一", "either what is written down about the paper, or a file")
	}
	if in.Paper != nil && in.Note != nil {
		c.Refuse("input.note", "PAPER_IS_THE_NOTE", "纸质资料的说明即为备注", "what is written down about paper is its note")
	}
	return c.Err()
}

// OriginalChangeCustodian gives an original into other hands; its place may change with it.
type OriginalChangeCustodian struct {
	OriginalID      uuid.UUID
	ExpectedVersion int64
	CustodianID     uuid.UUID
	Location        *string // stays as it is when nil
	Reason          string
}

// Validate checks the input.
func (in *OriginalChangeCustodian) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Location = c.OptionalLine("input.location", in.Location, maxLocation)
	in.Reason = c.Lines("input.reason", in.Reason, maxNote)
	return c.Err()
}

// Kinds of incidents.
const (
	HashMismatch = "HASH_MISMATCH"
	Damaged      = "DAMAGED"
	Lost         = "LOST"
	Contaminated = "CONTAMINATED"
	Overdue      = "OVERDUE" // written by time, reported by nobody
)

// OriginalReportIncident reports what happened to an original in the custodian's hands.
type OriginalReportIncident struct {
	OriginalID      uuid.UUID
	ExpectedVersion int64
	Kind            string
	Note            string
}

// Validate checks the input.
func (in *OriginalReportIncident) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	c.OneOf("input.kind", in.Kind, HashMismatch, Damaged, Lost, Contaminated)
	in.Note = c.Lines("input.note", in.Note, maxNote)
	return c.Err()
}

// OriginalCloseIncident closes an incident. Found brings a lost original back into the register.
type OriginalCloseIncident struct {
	IncidentID      uuid.UUID
	ExpectedVersion int64
	Resolution      string
	Found           bool
}

// Validate checks the input.
func (in *OriginalCloseIncident) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Resolution = c.Lines("input.resolution", in.Resolution, maxNote)
	return c.Err()
}

// OriginalOpen opens the content of a version; the current one when Seq is nil.
type OriginalOpen struct {
	OriginalID uuid.UUID
	VersionSeq *int32
}

// BorrowingRequest asks to borrow originals of one client.
type BorrowingRequest struct {
	ClientID    uuid.UUID
	OriginalIDs []uuid.UUID
	Purpose     string
	DueAt       *time.Time // seven days from now when nil; thirty at most
}

// Validate checks the input.
func (in *BorrowingRequest) Validate() error {
	var c input.Checks
	if len(in.OriginalIDs) == 0 {
		c.Refuse("input.originalIds", "REQUIRED", "至少选择一份资料", "at least one original is needed")
	}
	if len(in.OriginalIDs) > maxItems {
		c.Refuse("input.originalIds", "TOO_MANY", fmt.Sprintf("一次最多借阅 %d 份", maxItems), fmt.Sprintf("at most %d originals at once", maxItems))
	}
	seen := map[uuid.UUID]bool{}
	for i, u := range in.OriginalIDs {
		if seen[u] {
			c.Refuse(fmt.Sprintf("input.originalIds.%d", i), "TWICE", "同一份资料只能列一次", "an original is listed once")
		}
		seen[u] = true
	}
	in.Purpose = c.Lines("input.purpose", in.Purpose, maxNote)
	in.DueAt = micro(in.DueAt)
	return c.Err()
}

// BorrowingTarget names a borrowing and the version that the caller has seen.
type BorrowingTarget struct {
	BorrowingID     uuid.UUID
	ExpectedVersion int64
}

// BorrowingDecision is a step's approval, with a comment.
type BorrowingDecision struct {
	BorrowingTarget
	Comment *string
}

// Validate checks the input.
func (in *BorrowingDecision) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Comment = c.OptionalLines("input.comment", in.Comment, maxNote)
	return c.Err()
}

// BorrowingReason is for acts that need a reason: refuse, withdraw, report a loss, revoke.
type BorrowingReason struct {
	BorrowingTarget
	Reason string
}

// Validate checks the input.
func (in *BorrowingReason) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxNote)
	return c.Err()
}

// BorrowingHandOut hands the originals to the borrower.
type BorrowingHandOut struct{ BorrowingTarget }

// Validate checks the input.
func (in *BorrowingHandOut) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	return c.Err()
}

// BorrowingRenew moves the due date, once.
type BorrowingRenew struct {
	BorrowingTarget
	DueAt *time.Time // seven days after the present one when nil
}

// Validate checks the input.
func (in *BorrowingRenew) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.DueAt = micro(in.DueAt)
	return c.Err()
}

// Conditions of what comes back.
const (
	Intact  = "INTACT"
	Missing = "MISSING" // and Damaged
)

// ReturnedItem is one original that comes back, or does not.
type ReturnedItem struct {
	OriginalID uuid.UUID
	Condition  string // INTACT DAMAGED MISSING
}

// BorrowingReturn takes the originals back; every one of the loan is listed.
type BorrowingReturn struct {
	BorrowingTarget
	Items []ReturnedItem
	Note  *string
}

// Validate checks the input.
func (in *BorrowingReturn) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	if len(in.Items) == 0 || len(in.Items) > maxItems {
		c.Refuse("input.items", "REQUIRED", "请逐一登记归还的资料", "every original of the loan is listed")
	}
	for i, item := range in.Items {
		c.OneOf(fmt.Sprintf("input.items.%d.condition", i), item.Condition, Intact, Damaged, Missing)
	}
	in.Note = c.OptionalLines("input.note", in.Note, maxNote)
	return c.Err()
}

// AccessRequestSubmit asks for field classes of one archive until an end.
type AccessRequestSubmit struct {
	ClientID    uuid.UUID
	Classes     []int // 0 to 7
	Purpose     string
	WantedFrom  *time.Time // now when nil
	WantedUntil time.Time
}

// Validate checks the input.
func (in *AccessRequestSubmit) Validate() error {
	var c input.Checks
	if len(in.Classes) == 0 {
		c.Refuse("input.classes", "REQUIRED", "至少选择一个字段密级", "at least one field class is needed")
	}
	if len(in.Classes) > int(policy.NumClasses) {
		c.Refuse("input.classes", "TOO_MANY", "字段密级过多", "there are only eight field classes")
	}
	for i, class := range in.Classes {
		checkClass(&c, fmt.Sprintf("input.classes.%d", i), class)
	}
	in.Purpose = c.Lines("input.purpose", in.Purpose, maxNote)
	in.WantedFrom, in.WantedUntil = micro(in.WantedFrom), *micro(&in.WantedUntil)
	return c.Err()
}

// AccessRequestTarget names a request and the version that the caller has seen.
type AccessRequestTarget struct {
	AccessRequestID uuid.UUID
	ExpectedVersion int64
}

// AccessRequestDecision is a step's approval, with a comment.
type AccessRequestDecision struct {
	AccessRequestTarget
	Comment *string
}

// Validate checks the input.
func (in *AccessRequestDecision) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Comment = c.OptionalLines("input.comment", in.Comment, maxNote)
	return c.Err()
}

// AccessRequestReason is for acts that need a reason: refuse and withdraw.
type AccessRequestReason struct {
	AccessRequestTarget
	Reason string
}

// Validate checks the input.
func (in *AccessRequestReason) Validate() error {
	var c input.Checks
	c.Version("input.expectedVersion", in.ExpectedVersion)
	in.Reason = c.Lines("input.reason", in.Reason, maxNote)
	return c.Err()
}

// micro is the instant as the database keeps it.
func micro(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}
