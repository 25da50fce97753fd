package archive_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/archive"
)

// What is told of a field may be as long as the field itself.
func TestRecordedChangesHaveTheLimitOfTheirField(t *testing.T) {
	t.Parallel()
	for field, most := range map[string]int{
		"name": 200, "sortKey": 400, "kinds": 100, "region": 100, "stage": 100, "suspended": 100, "unifiedCreditCode": 18, "legalRepresentative": 100,
		"address": 400, "postcode": 12, "phone": 40, "fax": 40, "businessScope": 10000, "registeredCapital": 100, "specialType": 100, "acquisition": 100,
		"grade": 100, "important": 100, "policyNote": 4000, "attitude": 4000, "nextContactOn": 100, "creditLimit": 100, "creditNote": 4000,
	} {
		told := func(text string) error {
			in := archive.ClientRecordChange{ClientID: uuid.New(), Field: field, NewValue: text, Source: "展会"}
			return in.Validate()
		}
		if err := told(strings.Repeat("长", most)); err != nil {
			t.Errorf("%s: %d characters: %v", field, most, err)
		}
		if got := reason(told(strings.Repeat("长", most+1))); got != "INVALID_INPUT input.newValue TOO_LONG" {
			t.Errorf("%s: %d characters: %s", field, most+1, got)
		}
		want := "INVALID_INPUT input.newValue CONTROL_CHARACTERS"
		if most >= 4000 {
			want = "<nil>"
		}
		if got := reason(told("一\n二")); got != want {
			t.Errorf("%s: two lines: %s", field, got)
		}
	}
}
