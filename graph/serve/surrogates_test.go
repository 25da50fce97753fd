package serve_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/clientele/clientele/graph/servetest"
)

// texts with escapes, and whether half a character is among them.
func escapes() map[string]bool {
	return map[string]bool{
		`plain`: false, `\u4e2d`: false, `\ud83d\ude00`: false, `a\ud83d\ude00b\uD83D\uDE00`: false, `\\ud800`: false, `\\\\udc00 \\`: false, `\uffff`: false, `x\\\ud83d\ude00`: false,
		`\ud800`: true, `\udc00`: true, `\ude00\ud83d`: true, `\ud83d\ud83d\ude00`: true, `\ud83d x`: true, `\ud83dA`: true, `\\\ud800`: true, `\uDBFF\u0041`: true, `\ud83d\\ude00`: true, `\ud83d\n`: true,
	}
}

// Half a character is refused in variables and literals, by POST, GET and socket; a whole one arrives as it was sent.
func TestHalvedCharactersAreRefused(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, nil)
	sock := acknowledged(t, s, servetest.Token)
	n := 0
	for text, half := range escapes() {
		variables := `{"s":"` + text + `"}`
		quoted, err := json.Marshal(`{ clients(filter: {search: "` + text + `"}) { nodes { id } } }`)
		if err != nil {
			t.Fatal(err)
		}
		const query = `query($s: String) { clients(filter: {search: $s}) { nodes { id } } }`
		inVariable := `{"query":"` + query + `","variables":` + variables + `}`
		inLiteral := `{"query":` + string(quoted) + `}`
		for where, r := range map[string]*reply{
			"variable": do(t, "POST", s.URL, inVariable, nil), "literal": do(t, "POST", s.URL, inLiteral, nil),
			"variable by GET": do(t, "GET", s.URL+"?"+url.Values{"query": {query}, "variables": {variables}}.Encode(), "", nil),
		} {
			if refused := r.code() == "INVALID_INPUT" && r.reason() == "HALVED_CHARACTER" && strings.TrimSpace(string(r.json.Data)) == ""; refused != half || !half && len(r.json.Errors) > 0 {
				t.Errorf("%s %s: %d %s", text, where, r.status, r.body)
			}
		}
		for _, payload := range []string{inVariable, inLiteral} {
			n++
			id := string(rune('a' + n%26))
			sock.say(`{"id":"` + id + `","type":"subscribe","payload":` + payload + `}`)
			got := sock.next()
			if half != (strings.Contains(got, `"type":"error"`) && strings.Contains(got, "HALVED_CHARACTER")) {
				t.Errorf("%s by socket: %s", text, got)
			}
			if !half {
				sock.hear(`{"id":"` + id + `","type":"complete"}`)
			}
		}
	}
}
