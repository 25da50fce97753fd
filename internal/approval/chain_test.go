package approval

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// The fixed chains: AC-09 for borrowings, with a second step from class L4 on and where the class is not known; AC-10 for access requests.
func TestTheFixedChains(t *testing.T) {
	t.Parallel()
	for class := range policy.NumClasses {
		want := "[custodian]"
		if class >= HeadFrom {
			want = "[custodian department_head]"
		}
		s := Subject{Type: Borrowing, Row: &policy.Row{FieldClass: policy.Class(class), FieldClassSet: true}}
		if got := fmt.Sprint(Fixed{}.keys(s)); got != want {
			t.Errorf("borrowing of class L%d: %s, want %s", class, got, want)
		}
	}
	for want, s := range map[string]Subject{
		"[custodian department_head]":           {Type: Borrowing, Row: &policy.Row{}},
		"[department_head key_account_manager]": {Type: AccessRequest, Row: &policy.Row{FieldClass: 1, FieldClassSet: true}},
		"[]":                                    {Type: "SOMETHING", Row: &policy.Row{}},
	} {
		if got := fmt.Sprint(Fixed{}.keys(s)); got != want {
			t.Errorf("%s: %s, want %s", s.Type, got, want)
		}
	}
}

// Every step of every chain is decided by exactly one act that policy knows, and no act decides a step that no chain has.
func TestEveryStepHasItsQuestion(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	for _, q := range Questions() {
		asked[fmt.Sprint(q.Type, q.Key)]++
		if !policy.Known(q.Object, q.Action) {
			t.Errorf("%+v", q)
		}
		if got, ok := questionOf(q.Type, q.Key); !ok || got != q {
			t.Errorf("%+v: %+v", q, got)
		}
	}
	steps := 0
	for _, typ := range []Type{Borrowing, AccessRequest} {
		for _, key := range (Fixed{}).keys(Subject{Type: typ, Row: &policy.Row{}}) {
			steps++
			if asked[fmt.Sprint(typ, key)] != 1 {
				t.Errorf("%s %s: asked %d times", typ, key, asked[fmt.Sprint(typ, key)])
			}
		}
	}
	if steps != len(Questions()) {
		t.Errorf("%d steps, %d questions", steps, len(Questions()))
	}
	if _, ok := questionOf(Borrowing, KeyAccountManager); ok {
		t.Error("an act decides a step that the chain does not have")
	}
}

// What would leave steps that nobody can decide, or that bind no content, does not begin.
func TestIncompleteSubjectsDoNotStart(t *testing.T) {
	t.Parallel()
	whole := Subject{Subject: act.Subject{Type: "Borrowing", ID: uuid.New()}, Type: Borrowing, Requester: uuid.New(), Hash: make([]byte, 32), Row: &policy.Row{}}
	for what, change := range map[string]func(*Subject){
		"type":      func(s *Subject) { s.Type = "SOMETHING" },
		"requester": func(s *Subject) { s.Requester = uuid.Nil },
		"hash":      func(s *Subject) { s.Hash = s.Hash[:31] },
	} {
		s := whole
		change(&s)
		if err := (Fixed{}).Start(t.Context(), nil, s); err == nil {
			t.Errorf("started without a %s", what)
		}
	}
}
