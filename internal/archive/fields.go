package archive

import (
	"slices"
	"strings"
	"time"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/policy"
)

// field is one fact of the archive: its name in the API, the group it belongs to, how many characters it has at most, and how a
// person reads it.
type field struct {
	name  string
	group policy.Object
	most  int
	text  func(Client) *string
}

// maxTold is the limit of what is told of a fact that is no text: a number, a day, one of a list of words.
const maxTold = 100

// lines tells whether the field's text may have several.
func (f field) lines() bool { return f.most >= maxNote }

// fields is the one list of what acts may change and change records may speak of.
func fields() []field {
	return []field{
		{"name", policy.ClientList, maxName, func(c Client) *string { return &c.Name }},
		{"sortKey", policy.ClientList, maxSortKey, func(c Client) *string { return &c.SortKey }},
		{"kinds", policy.ClientList, maxTold, func(c Client) *string { return list(c.Kinds) }},
		{"region", policy.ClientList, maxRegion, func(c Client) *string { return c.Region }},
		{"stage", policy.ClientList, maxTold, func(c Client) *string { return upper(c.Stage) }},
		{"suspended", policy.ClientList, maxTold, func(c Client) *string { return yes(c.Suspended) }},
		{"unifiedCreditCode", policy.ClientStandard, maxCreditCode, func(c Client) *string { return c.UnifiedCreditCode }},
		{"legalRepresentative", policy.ClientStandard, maxPerson, func(c Client) *string { return c.LegalRepresentative }},
		{"address", policy.ClientStandard, maxAddress, func(c Client) *string { return c.Address }},
		{"postcode", policy.ClientStandard, maxPostcode, func(c Client) *string { return c.Postcode }},
		{"phone", policy.ClientStandard, maxPhone, func(c Client) *string { return c.Phone }},
		{"fax", policy.ClientStandard, maxPhone, func(c Client) *string { return c.Fax }},
		{"businessScope", policy.ClientStandard, maxScope, func(c Client) *string { return c.BusinessScope }},
		{"registeredCapital", policy.ClientStandard, maxTold, func(c Client) *string { return money(c.registeredCapital()) }},
		{"specialType", policy.ClientStandard, maxTold, func(c Client) *string { return c.SpecialType }},
		{"acquisition", policy.ClientStandard, maxTold, func(c Client) *string { return c.Acquisition }},
		{"grade", policy.ClientStandard, maxTold, func(c Client) *string { return c.Grade }},
		{"important", policy.ClientStandard, maxTold, func(c Client) *string { return yes(c.Important) }},
		{"policyNote", policy.ClientDealings, maxNote, func(c Client) *string { return c.PolicyNote }},
		{"attitude", policy.ClientDealings, maxNote, func(c Client) *string { return c.Attitude }},
		{"nextContactOn", policy.ClientDealings, maxTold, func(c Client) *string { return day(c.NextContactOn) }},
		{"creditLimit", policy.ClientCredit, maxTold, func(c Client) *string { return money(c.creditLimit()) }},
		{"creditNote", policy.ClientCredit, maxNote, func(c Client) *string { return c.CreditNote }},
	}
}

func fieldNamed(name string) (field, bool) {
	all := fields()
	i := slices.IndexFunc(all, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return all[i], true
}

// diff is one changed fact.
type diff struct {
	field    string
	group    policy.Object
	old, new *string
}

// compare lists what differs, in the order of fields; equal facts make no difference.
func compare(before, after Client) []diff {
	var out []diff
	for _, f := range fields() {
		if o, n := f.text(before), f.text(after); !same(o, n) {
			out = append(out, diff{f.name, f.group, o, n})
		}
	}
	return out
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func groupsOf(diffs []diff) []policy.Object {
	var out []policy.Object
	for _, d := range diffs {
		out = append(out, d.group)
	}
	return out
}

// toChanges is for the audit trail, whose readers need not be readers of the archive.
//
// SECURITY: values stand there only for fields of the list; of the others it says that they changed. The archive's own change
// records and history have the values, under the archive's own rights.
func toChanges(diffs []diff) []act.Change {
	out := make([]act.Change, len(diffs))
	for i, d := range diffs {
		out[i].Field = d.field
		if class, _ := policy.ClassOf(d.group); class == 0 {
			out[i].Old, out[i].New = plain(d.old), plain(d.new)
		}
	}
	return out
}

func plain(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func list(s []string) *string {
	joined := strings.Join(s, ",")
	return &joined
}

func upper(s string) *string {
	s = strings.ToUpper(s)
	return &s
}

func yes(b bool) *string {
	s := "false"
	if b {
		s = "true"
	}
	return &s
}

func money(m *input.Money) *string {
	if m == nil {
		return nil
	}
	s := m.String()
	return &s
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.Format(time.DateOnly)
	return &s
}
