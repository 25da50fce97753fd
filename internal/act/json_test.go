package act

import (
	"encoding/json"
	"testing"

	"github.com/clientele/clientele/policy"
)

func TestSnapshotsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	t.Parallel()
	text, none := "上海 <b> & \u2028 \x01 \"quoted\" \\", (*string)(nil)
	for _, s := range []map[policy.Object]map[string]any{
		nil,
		{},
		{"client#list": nil, "client#credit": {}},
		{
			"client#standard": {"z": text, "a": &text, "none": none, "nil": nil, "yes": true, "no": false, "list": []string{"B", "A"}, "empty": []string{}, "number": int64(12)},
			"client#list":     {"team": []map[string]any{{"staffId": "stf_1", "duty": "OWNER"}}, "amount": map[string]any{"currency": "CNY", "amount": "1200"}, "bad\xff": "bad\xff\xfe", "plain": "广州"},
		},
	} {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			want = []byte("{}") // a subject without a snapshot has an empty one
		}
		got, err := appendSnapshot(nil, s)
		if err != nil || string(got) != string(want) {
			t.Errorf("got  %s (%v)\nwant %s", got, err, want)
		}
	}
	if _, err := appendSnapshot(nil, map[policy.Object]map[string]any{"client#list": {"f": func() {}}}); err == nil {
		t.Error("a value that JSON does not have was written")
	}
}
