package policyfile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/policyfile"
	"github.com/clientele/clientele/policy"
)

func shipped() (p policyfile.Policy) {
	for i, r := range policy.ShippedRules() {
		r.Seq = i + 1
		p.Rules = append(p.Rules, policyfile.Rule{Rule: r})
	}
	return p
}

func TestTheShippedPolicyComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	version := shipped()
	version.Classes = policy.Classes{policy.ClientContacts: 4}
	version.Rules[3].Effect, version.Rules[3].ValidUntil = policy.Deny, time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	version.Rules[4].Note = "冒号: 引号 \" # 不是注释\n第二行"
	text, err := policyfile.Write(version, "policy")
	if err != nil {
		t.Fatal(err)
	}
	var files policyfile.Policy
	if bad := policyfile.Parse("p.yaml", text, &files); len(bad) > 0 {
		t.Fatal(bad)
	}
	if d := policyfile.Compare(version, files); !d.Empty() || len(files.Rules) != len(version.Rules) {
		t.Errorf("%+v", d)
	}
	if bad := policyfile.Lint(files); slices.ContainsFunc(bad, func(p policyfile.Problem) bool { return !p.Warning }) {
		t.Error(bad)
	}
	again, err := policyfile.Write(files, "policy")
	if err != nil || string(again) != string(text) {
		t.Error("written twice it differs")
	}
	// Comments, another order and another layout change nothing.
	lines := strings.Split(string(text), "\n")
	edited := strings.Replace(string(text), lines[len(lines)-2], "# 最后一条\n"+lines[len(lines)-2]+" # 说明", 1)
	files = policyfile.Policy{}
	if bad := policyfile.Parse("p.yaml", []byte(edited), &files); len(bad) > 0 || !policyfile.Compare(version, files).Empty() {
		t.Errorf("%v", bad)
	}
	slices.Reverse(files.Rules)
	if !policyfile.Compare(version, files).Empty() {
		t.Error("the order counts")
	}
	// And every change is one.
	files.Rules[0].Note += "x"
	files.Classes = nil
	if d := policyfile.Compare(version, files); len(d.Add) != 1 || len(d.Remove) != 1 || d.Remove[0].Seq != len(version.Rules) || d.Classes[policy.ClientContacts] != 2 {
		t.Errorf("%+v", d)
	}
}

func TestProblemsNameTheirLines(t *testing.T) {
	t.Parallel()
	const text = `# a file
classes:
  client#contacts: 9
  client#nothing: 2
rules:
  - {role: sales_manager, object: client, action: read, scope: COMPANY}
  - {role: sales_manager, object: client, action: raed, scope: COMPANY}
  - role: sales_manager
    object: client
    action: read
    scope: NOWHERE
    colour: red
  - {role: sales_manager, object: client, action: read, scope: COMPANY, clause: F16}
  - {role: our_own, object: client, action: reveal, scope: TENANT, classes: [1, 8], effect: maybe}
  - {object: client, action: read, scope: TENANT}
tests:
  - {name: x, staff: stf_1, object: client, action: read, expect: perhaps}
`
	var p policyfile.Policy
	var got []string
	for _, x := range policyfile.Parse("f.yaml", []byte(text), &p) {
		got = append(got, fmt.Sprint(x.Line, " ", x.Code))
	}
	want := []string{"3 CLASS_UNKNOWN", "4 UNKNOWN_KEY", "11 SCOPE_UNKNOWN", "12 UNKNOWN_KEY", "14 CLASS_UNKNOWN", "14 EFFECT_UNKNOWN", "15 REQUIRED", "17 EXPECT_UNKNOWN"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	got = nil
	for _, x := range policyfile.Lint(p) {
		got = append(got, fmt.Sprint(x.Line, " ", x.Code))
	}
	want = []string{"6 CONFLICTS_NOT_GIVEN", "7 ACTION_UNKNOWN", "8 SCOPE_NOT_APPLICABLE", "13 DUPLICATE", "14 ROLE_NOT_SHIPPED", "14 EFFECT_UNKNOWN"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if bad := policyfile.Parse("f.yaml", []byte("rules:\n  - {a: b\n"), &p); len(bad) != 1 || bad[0].Code != "NOT_YAML" {
		t.Errorf("%+v", bad)
	}
}
