package policyfile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/policyfile"
	"github.com/clientele/clientele/policy"
)

func governed() policyfile.Policy {
	p := shipped()
	p.Governs = true
	for _, c := range policy.ShippedDutyConflicts() {
		p.Conflicts = append(p.Conflicts, policyfile.Conflict{DutyConflict: c})
	}
	return p
}

func parsed(t *testing.T, text []byte) (p policyfile.Policy) {
	t.Helper()
	if bad := policyfile.Parse("p.yaml", text, &p); len(bad) > 0 {
		t.Fatal(bad)
	}
	return p
}

func TestDutyConflictsComeBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	version := governed()
	version.Conflicts[0].Label = policy.Text{ZH: "冒号: 引号 \" # 不是注释", EN: "a: \"b\" #c"}
	version.Conflicts[1].Source = ""
	text, err := policyfile.Write(version, "policy")
	if err != nil {
		t.Fatal(err)
	}
	files := parsed(t, text)
	if d := policyfile.Compare(version, files); !d.Empty() || !files.Governs || len(files.Conflicts) != len(version.Conflicts) {
		t.Errorf("%+v", d)
	}
	if bad := policyfile.Lint(files); slices.ContainsFunc(bad, func(p policyfile.Problem) bool { return !p.Warning || p.Code == "CONFLICTS_NOT_GIVEN" }) {
		t.Error(bad)
	}
	if again, err := policyfile.Write(files, "policy"); err != nil || string(again) != string(text) {
		t.Error("written twice it differs")
	}
	slices.Reverse(files.Conflicts)
	if !policyfile.Compare(version, files).Empty() {
		t.Error("the order counts")
	}

	// every change is one, and one of a kind is taken out and put in
	for what, change := range map[string]func(c *policy.DutyConflict){
		"act": func(c *policy.DutyConflict) { c.B = policy.PolicyRead }, "name": func(c *policy.DutyConflict) { c.Label.EN += "x" }, "clause": func(c *policy.DutyConflict) { c.Source += "x" },
	} {
		files := parsed(t, text)
		change(&files.Conflicts[4].DutyConflict)
		if d := policyfile.Compare(version, files); len(d.AddConflicts) != 1 || len(d.RemoveConflicts) != 1 || d.RemoveConflicts[0].Key != "policy" || len(d.Add)+len(d.Remove) != 0 {
			t.Errorf("%s: %+v", what, d)
		}
	}
	// none are none; files that do not speak of them leave them
	none := parsed(t, text)
	none.Conflicts = nil
	written, err := policyfile.Write(none, "policy")
	if err != nil || !strings.Contains(string(written), "conflicts: []") {
		t.Errorf("%v %s", err, written[:200])
	}
	if d := policyfile.Compare(version, parsed(t, written)); len(d.RemoveConflicts) != len(version.Conflicts) {
		t.Errorf("%+v", d)
	}
	none.Governs = false
	if written, err = policyfile.Write(none, "policy"); err != nil || strings.Contains(string(written), "conflicts") {
		t.Errorf("%v %s", err, written[:200])
	}
	silent := parsed(t, written)
	if !policyfile.Compare(version, silent).Empty() || !slices.ContainsFunc(policyfile.Lint(silent), func(p policyfile.Problem) bool { return p.Warning && p.Code == "CONFLICTS_NOT_GIVEN" }) {
		t.Error("files without conflicts do not leave them alone, or do not say so")
	}
}

func TestProblemsOfDutyConflictsNameTheirLines(t *testing.T) {
	t.Parallel()
	const text = `conflicts:
  - {key: price, actionA: price.request, actionB: price.approve, nameZh: 特价, nameEn: price}
  - {key: Ours, actionA: client.open, actionB: client.suspend, nameZh: 开户, nameEn: open}
  - {key: price, actionA: client.open, actionB: client.opne, nameZh: 开户, nameEn: open}
  - {key: same, actionA: client.open, actionB: client.open, nameZh: 开户, nameEn: open}
  - {key: names, actionA: client.open, actionB: client.suspend}
  - {key: more, actionA: client.open, actionB: client.suspend, nameZh: 开户, nameEn: open, colour: red}
`
	var p policyfile.Policy
	var got []string
	bad := policyfile.Parse("f.yaml", []byte(text), &p)
	for _, x := range append(bad, policyfile.Lint(p)...) {
		got = append(got, fmt.Sprint(x.Line, " ", x.Code))
		if x.Message.ZH == "" || x.Message.EN == "" {
			t.Errorf("%s is said in one language", x.Code)
		}
	}
	want := []string{"6 REQUIRED", "6 REQUIRED", "7 UNKNOWN_KEY", "3 KEY_MALFORMED", "4 CONFLICT_KEY_TAKEN", "4 ACTION_UNKNOWN", "5 SAME_ACTION"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
