// Package approval owns the steps that a subject waits for: which there are, who may decide the one that is active, and the decision.
// It does not own subjects (custody), nor rules of who may (policy): a step names the act that decides it.
package approval

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// Chain is what subjects know of approval. Fixed implements it; every method works in the caller's act, which has locked the subject.
type Chain interface {
	// Start writes the steps that the subject needs; the first of them is active.
	Start(ctx context.Context, w *act.Work, s Subject) error
	// Decide records the actor's verdict on the active step, which must have the key. Done: no step is left, all are approved.
	// Errors: NOT_FOUND and FORBIDDEN as policy says, INVALID_STATE (STEP_NOT_ACTIVE, CONTENT_CHANGED), DUTY_CONFLICT
	// (OWN_REQUEST, DECIDED_BEFORE).
	Decide(ctx context.Context, w *act.Work, s Subject, key Key, v Verdict) (done bool, err error)
	// Void ends the steps that nobody has decided, when the subject ends otherwise.
	Void(ctx context.Context, w *act.Work, s Subject) error
	// Active is the key of the step that waits; empty when none does.
	Active(ctx context.Context, w *act.Work, s Subject) (Key, error)
	// Approved tells whether every step was approved of the very content that the subject has now.
	Approved(ctx context.Context, w *act.Work, s Subject) (bool, error)
}

// Key names a step; the values are those of the column.
type Key string

// The steps there are.
const (
	Custodian         Key = "custodian"
	DepartmentHead    Key = "department_head"
	KeyAccountManager Key = "key_account_manager"
)

// Type is what kind of subject waits; the values are those of the column.
type Type string

// The subjects there are.
const (
	Borrowing     Type = "BORROWING"
	AccessRequest Type = "ACCESS_REQUEST"
)

// Subject is what waits for approval, as its owner knows it.
type Subject struct {
	act.Subject
	Type      Type
	Client    uuid.UUID
	Requester uuid.UUID // a staff member; decides none of the steps
	Hash      []byte    // SHA-256 of what is approved
	Row       *policy.Row
}

// Verdict is a decision with its words.
type Verdict struct {
	Approve bool
	Comment *string
}

// Question is what policy is asked about a step.
type Question struct {
	Type   Type
	Key    Key
	Object policy.Object
	Action policy.Action
}

// Questions lists which act decides which step. It is the one list: services, the read gate's "mine" and the tests read it.
func Questions() []Question {
	return []Question{
		{Borrowing, Custodian, policy.OnBorrowing, policy.BorrowingLend},
		{Borrowing, DepartmentHead, policy.OnBorrowing, policy.BorrowingApprove},
		{AccessRequest, DepartmentHead, policy.OnAccessRequest, policy.AccessRequestEndorse},
		{AccessRequest, KeyAccountManager, policy.OnAccessRequest, policy.AccessRequestApprove},
	}
}

// questionOf a step; false when no act decides it.
func questionOf(t Type, k Key) (Question, bool) {
	for _, q := range Questions() {
		if q.Type == t && q.Key == k {
			return q, true
		}
	}
	return Question{}, false
}
