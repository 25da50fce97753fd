package creditcode_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/creditcode"
	"github.com/clientele/clientele/internal/fault"
)

func TestPublishedCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"91350100M000100Y43", "9144030071526726XG", "914403001922038216"} {
		if err := creditcode.Validate("input.unifiedCreditCode", code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const good = "91350100M000100Y43"
	for code, reason := range map[string]string{
		"":                          creditcode.ReasonLength,
		good[:17]:                   creditcode.ReasonLength,
		good + "0":                  creditcode.ReasonLength,
		" " + good[1:]:              creditcode.ReasonCharacters,
		strings.ToLower(good):       creditcode.ReasonCharacters,
		"9135010OM000100Y43":        creditcode.ReasonCharacters, // a letter among the division digits
		"91350100I000100Y43":        creditcode.ReasonCharacters,
		good[:17] + "Z":             creditcode.ReasonCharacters,
		good[:17] + "4":             creditcode.ReasonCheckDigit,
		"91350100M000100４3"[:18]:    creditcode.ReasonCharacters, // full-width digit, cut by bytes
		"19350100M000100Y43":        creditcode.ReasonCheckDigit, // two neighbours swapped
		"９１３５０１":                    creditcode.ReasonCharacters, // 18 bytes, 6 characters
		"913501\x0000M000100Y"[:17]: creditcode.ReasonLength,
	} {
		err := creditcode.Validate("input.code", code)
		if err == nil || err.Reason != reason || err.Code != fault.InvalidInput || err.Field != "input.code" {
			t.Errorf("%q: %v, want %s", code, err, reason)
		}
	}
}

func TestEverySingleMistakeIsFound(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.StringMatching(`[0-9A-H][0-9A-H][0-9]{6}[0-9A-H]{9}`).Draw(t, "first")
		digit, ok := creditcode.CheckDigit(first)
		if !ok {
			t.Fatalf("%s refused", first)
		}
		code := []byte(first + string(digit))
		if err := creditcode.Validate("f", string(code)); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		at := rapid.IntRange(0, 17).Draw(t, "at")
		other := alphabet[rapid.IntRange(0, 30).Draw(t, "other")]
		if other == code[at] {
			return
		}
		code[at] = other
		if creditcode.Validate("f", string(code)) == nil {
			t.Fatalf("%s has another character at %d and was accepted", code, at)
		}
	})
}
