package serve

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/internal/fault"
)

// halved finds an escape of half a character: a surrogate (`\ud83d`) without its other half. It is no character, and decoders
// put U+FFFD in its place without a word: what would be stored is not what was sent. It reads text with the escapes of JSON, which
// are those of GraphQL's strings.
func halved(text []byte) bool {
	for i := bytes.IndexByte(text, '\\'); i >= 0 && i+1 < len(text); {
		next := i + 2
		if unit, ok := escaped(text[i:]); ok && unit >= 0xD800 && unit <= 0xDFFF {
			low, paired := escaped(text[i+6:])
			if unit >= 0xDC00 || !paired || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			next = i + 12
		}
		step := bytes.IndexByte(text[min(next, len(text)):], '\\')
		if step < 0 {
			return false
		}
		i = next + step
	}
	return false
}

// escaped reads \uXXXX at the beginning of text.
func escaped(text []byte) (uint64, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 32)
	return unit, err == nil
}

// halvedCharacter is the refusal of such a text.
func halvedCharacter() *fault.Error {
	f := malformed("", `含有不成对的代理字符转义（如 \ud83d）`, `an escape of half a character, a surrogate without its other half, such as \ud83d`)
	f.Reason = "HALVED_CHARACTER"
	return f
}

// halvedLiteral refuses a string of the document for the same reason.
func halvedLiteral(v *ast.Value) *gqlerror.Error {
	if v.Kind != ast.StringValue || v.Position == nil || v.Position.Src == nil || !strings.Contains(v.Position.Src.Input, `\u`) {
		return nil
	}
	all := []rune(v.Position.Src.Input)
	if !halved([]byte(string(all[max(v.Position.Start, 0):min(v.Position.End, len(all))]))) {
		return nil
	}
	return &gqlerror.Error{Message: halvedCharacter().Message.EN, Extensions: map[string]any{"code": string(fault.InvalidInput), "reason": "HALVED_CHARACTER"}}
}
