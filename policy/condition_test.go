package policy_test

import (
	"testing"

	"github.com/clientele/clientele/policy"
)

func TestConditions(t *testing.T) {
	t.Parallel()
	amount := func(n int64) policy.Row { return policy.Row{Amount: n, AmountSet: true} }
	tests := []struct {
		on        policy.Object
		condition string
		row       policy.Row
		allow     bool // an Allow rule with the condition applies
		deny      bool // a Deny rule with the condition applies
	}{
		{policy.OnClient, "", policy.Row{}, true, true},
		{policy.OnClient, "grade = VIP", policy.Row{Grade: "VIP"}, true, true},
		{policy.OnClient, "grade = VIP", policy.Row{Grade: "A"}, false, false},
		{policy.OnClient, "grade = VIP", policy.Row{}, false, false},
		{policy.OnClient, "grade != VIP", policy.Row{}, true, true},
		{policy.OnClient, "kind = KEY", policy.Row{Kinds: []string{"DEALER", "KEY"}}, true, true},
		{policy.OnClient, "kind != KEY", policy.Row{Kinds: []string{"DEALER", "KEY"}}, false, false},
		{policy.OnClient, "kind != KEY", policy.Row{}, true, true},
		{policy.OnClient, "important=true&stage!=trading", policy.Row{Important: true, Stage: "prospect"}, true, true},
		{policy.OnClient, "important = false", policy.Row{}, true, true},
		{policy.OnClient, "suspended != true", policy.Row{ClientSuspended: true}, false, false},
		{policy.OnContract, "amount <= 5000", amount(5000), true, true},
		{policy.OnContract, "amount <= 5000", amount(5001), false, false},
		{policy.OnContract, "amount > 5000", policy.Row{}, false, true}, // cannot be answered
		{policy.OnContract, "amount = 5000", policy.Row{}, false, false},
		{policy.OnContract, "amount != 5000", policy.Row{}, true, true},
		{policy.OnContract, "kind = NDA & clientGrade = A", policy.Row{Kind: "NDA", Grade: "A"}, true, true},
	}
	org := worldOrg(t)
	for _, tt := range tests {
		rule := policy.Rule{Role: "r1", Object: tt.on, Action: policy.Read, Scope: policy.Tenant, Condition: tt.condition, Effect: policy.Allow}
		all := policy.Rule{Role: "r1", Object: tt.on, Action: policy.Read, Scope: policy.Tenant, Effect: policy.Allow}
		denying := rule
		denying.Effect = policy.Deny
		if d := mustCompile(t, []policy.Rule{rule}, nil).Bind(person(staffIDs[0], "r1"), org, noon).Decide(tt.on, policy.Read, &tt.row); d.Allow != tt.allow {
			t.Errorf("allow if %q of %+v: %+v", tt.condition, tt.row, d)
		}
		if d := mustCompile(t, []policy.Rule{all, denying}, nil).Bind(person(staffIDs[0], "r1"), org, noon).Decide(tt.on, policy.Read, &tt.row); d.Allow == tt.deny {
			t.Errorf("deny if %q of %+v: %+v", tt.condition, tt.row, d)
		}
	}
}

func TestConditionsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"grade", "= VIP", "grade =", "grade == VIP", "grade < VIP", "grade = VIP OR 1=1", "grade = 'VIP'", "grade = VIP;", "amount <= 5",
		"kind = key", "kind = KEYS", "important = yes", "important < true", "grade = VIP &", "& grade = VIP", "colour = RED", "grade = Ä B",
		"grade=A&grade=A&grade=A&grade=A&grade=A&grade=A&grade=A&grade=A&grade=A",
	} {
		if got, err := policy.ParseCondition(policy.OnClient, bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
	for _, bad := range []string{"amount <= 1.5", "amount <= 99999999999999999999", "amount <= ", "amount => 5", "stage = trading"} {
		if got, err := policy.ParseCondition(policy.OnContract, bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestConditionSentences(t *testing.T) {
	t.Parallel()
	cond, err := policy.ParseCondition(policy.OnContract, "amount<=5000000 & clientKind=KEY & clientImportant!=false & state != draft")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Text{
		ZH: "合同金额(分)不超过5000000且客户类别包括KEY且重要客户不为否且合同状态不为draft",
		EN: "contract amount (minor units) is at most 5000000 and client kind includes KEY and important client is not no and contract state is not draft",
	}
	if got := policy.Sentence(cond); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := cond[0].String(); got != "amount <= 5000000" {
		t.Errorf("canonical form %q", got)
	}
}
