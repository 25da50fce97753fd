// Package pinyin owns the romanised forms of Chinese names: the key that lists are sorted by, and the readings that searches find.
// It does not own search terms or collation; the dictionary of single characters is go-pinyin's.
package pinyin

import (
	"strings"
	"unicode"

	gopinyin "github.com/mozillazg/go-pinyin"
)

// Bounds of what is produced: the columns behind them, and the number of readings of a name of many heteronyms.
const (
	MaxKey      = 400 // characters of a sort key
	MaxReading  = 64  // letters of a reading; the rest of a longer one is cut off
	MaxReadings = 64
)

// SortKey is the sort key of a company's or other thing's name: syllables separated by spaces, Latin letters in lower
// case as they stand, other characters dropped. Each character has its commonest reading, but for the words of words().
// People correct the result where it is wrong, so it is stored, never computed in a query.
func SortKey(name string) string { return key([]rune(name), 0) }

// PersonKey is SortKey for a person's name: a surname that is read unlike its commonest reading is read as a surname.
func PersonKey(name string) string {
	runes := []rune(strings.TrimSpace(name))
	for _, n := range []int{2, 1} {
		if len(runes) > n || n == 1 && len(runes) == 1 {
			if reading, ok := surname(string(runes[:n])); ok {
				return cut(reading+rest(key(runes, n)), MaxKey)
			}
		}
	}
	return key(runes, 0)
}

func rest(k string) string {
	if k == "" {
		return ""
	}
	return " " + k
}

func key(runes []rune, from int) string {
	var parts []string
	var latin strings.Builder
	flush := func() {
		if latin.Len() > 0 {
			parts = append(parts, latin.String())
			latin.Reset()
		}
	}
	for i := from; i < len(runes); i++ {
		if n, reading := word(runes[i:]); n > 0 {
			flush()
			parts = append(parts, reading)
			i += n - 1
			continue
		}
		if r := readings(runes[i]); len(r) > 0 {
			flush()
			parts = append(parts, r[0])
			continue
		}
		if letter, ok := latinLetter(runes[i]); ok {
			latin.WriteRune(letter)
		} else {
			flush()
		}
	}
	flush()
	return cut(strings.Join(parts, " "), MaxKey)
}

// Readings lists every reading of a name, with all readings of its heteronyms, and their initials, without spaces and
// without duplicates: 曾单 gives zengshan, cengdan, zs, cd … At most MaxReadings of at most MaxReading letters; the
// commonest readings come first and are never the ones left out.
func Readings(name string) []string {
	full, initials := []string{""}, []string{""}
	for _, r := range name {
		options := readings(r)
		if len(options) == 0 {
			letter, ok := latinLetter(r)
			if !ok {
				continue
			}
			options = []string{string(letter)}
		}
		var heads []string
		for _, o := range options {
			heads = append(heads, o[:1])
		}
		full, initials = cross(full, options), cross(initials, heads)
	}
	var out []string
	seen := map[string]bool{"": true}
	add := func(s string) {
		if !seen[s] && len(out) < MaxReadings {
			seen[s] = true
			out = append(out, s)
		}
	}
	for i := range max(len(full), len(initials)) {
		if i < len(full) {
			add(full[i])
		}
		if i < len(initials) {
			add(initials[i])
		}
	}
	return out
}

// cross appends every option to every beginning, keeping the commonest combinations when there are too many.
func cross(beginnings, options []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, o := range options {
		for _, b := range beginnings {
			s := cut(b+o, MaxReading)
			if !seen[s] && len(out) < MaxReadings {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// readings of one character, the commonest first, in ASCII letters (ü is v); none for what is no Chinese character.
func readings(r rune) []string {
	if !unicode.Is(unicode.Han, r) {
		return nil
	}
	args := gopinyin.NewArgs()
	args.Heteronym = true
	var out []string
	seen := map[string]bool{}
	for _, s := range gopinyin.SinglePinyin(r, args) {
		if s != "" && s[0] < 0x80 && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// latinLetter folds letters and digits, full-width ones too.
func latinLetter(r rune) (rune, bool) {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	r = unicode.ToLower(r)
	return r, r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
}

func cut(s string, most int) string {
	if len(s) > most {
		return strings.TrimRight(s[:most], " ")
	}
	return s
}
