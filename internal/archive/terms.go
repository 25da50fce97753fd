package archive

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/clientele/clientele/internal/pinyin"
)

// Search is by terms that are looked up exactly, all of which a hit must have. They are short pieces of what a client is
// called: single Chinese characters and pairs, and of Latin letters, digits, pinyin and initials every three in a row (the
// first one and two also). A query is cut into the same pieces, so a part of a name finds it wherever the part stands.

// Term is one entry of the term table. Class is the field class of what it was made of.
type Term struct {
	Class int16
	Term  string
}

// Named is what a client can be found by.
type Named struct {
	Code, Name, SortKey string   // L0
	FormerNames         []string // L1
	CreditCode, Phone   string   // L1
}

const (
	maxTermPieces = 4000 // of one client
	maxQueryTerms = 48   // more add nothing but work
	digitPiece    = 4    // of digits alone, so that telephone numbers are not found by two or three digits
	classList     = 0
	classStandard = 1
	maxQueryRunes = 256
)

// Terms lists the entries of a client, sorted and without duplicates.
func Terms(n Named) []Term {
	b := termSet{}
	b.name(classList, n.Name)
	b.code(classList, n.Code)
	b.latin(classList, withoutSpokenForm([]rune(join(normal(n.SortKey)))))
	for _, former := range n.FormerNames {
		b.name(classStandard, former)
	}
	b.code(classStandard, n.CreditCode)
	b.digits(classStandard, onlyDigits(n.Phone))
	out := make([]Term, 0, len(b))
	for t := range b {
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y Term) int {
		if x.Class != y.Class {
			return int(x.Class) - int(y.Class)
		}
		return strings.Compare(x.Term, y.Term)
	})
	return out
}

// QueryTerms cuts what a person typed into terms; a client is found when it has every one of them in a class that the person
// may see. None means that nothing can be looked for. Spaces part words that may stand anywhere; a legal form at the end of a
// Chinese name is left out, as people remember names without it or with another one.
func QueryTerms(s string) []string {
	var out []string
	add := func(t string) {
		if t != "" && !slices.Contains(out, t) && len(out) < maxQueryTerms {
			out = append(out, t)
		}
	}
	text := []rune(normal(s))
	if len(text) > maxQueryRunes {
		text = text[:maxQueryRunes]
	}
	for _, word := range strings.Fields(string(text)) {
		for _, run := range runs(word) {
			switch {
			case isHan(run[0]):
				run = withoutLegalForm(run)
				if len(run) == 1 {
					add(string(run))
				}
				eachPiece(run, 2, add)
			case len(run) >= digitPiece && allDigits(run):
				eachPiece(run, digitPiece, add)
			case len(run) <= 2:
				add(string(run))
			default:
				eachPiece(withoutSpokenForm(run), 3, add)
			}
		}
	}
	return out
}

type termSet map[Term]struct{}

func (b termSet) add(class int16, s string) {
	if s != "" && len(b) < maxTermPieces {
		b[Term{class, s}] = struct{}{}
	}
}

// name enters a name as it is written and as it is spoken. Spaces and punctuation do not part it.
func (b termSet) name(class int16, name string) {
	units := slices.Concat(runs(join(normal(name)))...)
	for i, r := range units {
		if !isHan(r) {
			continue
		}
		b.add(class, string(r))
		if i+1 < len(units) && isHan(units[i+1]) {
			b.add(class, string(units[i:i+2]))
		}
	}
	// Three in a row of what is spoken lie within three characters, whichever of their readings are meant. How a legal form is
	// spoken is not entered: nearly every name ends with one, and nobody is told from another by it.
	units = withoutLegalForm(units)
	for i := range units {
		for _, reading := range pinyin.Readings(string(units[i])) {
			b.add(class, reading[:1])
			b.add(class, reading[:min(2, len(reading))])
		}
		if i+2 <= len(units) {
			for _, reading := range pinyin.Readings(string(units[i : i+2])) {
				if len(reading) == 2 {
					b.add(class, reading)
				}
			}
		}
		for _, reading := range pinyin.Readings(string(units[i:min(i+3, len(units))])) {
			eachPiece([]rune(reading), 3, func(s string) { b.add(class, s) })
		}
	}
	for _, run := range runs(join(normal(name))) {
		if !isHan(run[0]) {
			b.latin(class, run)
		}
	}
}

// code enters letters and digits that are read as they stand.
func (b termSet) code(class int16, code string) {
	run := []rune(join(normal(code)))
	run = slices.DeleteFunc(run, func(r rune) bool { return !isLatin(r) })
	b.latin(class, run)
}

func (b termSet) latin(class int16, run []rune) {
	b.add(class, string(run[:min(1, len(run))]))
	b.add(class, string(run[:min(2, len(run))]))
	eachPiece(run, 3, func(s string) { b.add(class, s) })
	b.digits(class, run)
}

func (b termSet) digits(class int16, run []rune) {
	eachPiece(run, digitPiece, func(s string) {
		if allDigits([]rune(s)) {
			b.add(class, s)
		}
	})
}

func eachPiece(run []rune, n int, do func(string)) {
	for i := 0; i+n <= len(run); i++ {
		do(string(run[i : i+n]))
	}
}

// normal folds width, composition and case, so that what looks the same is the same.
func normal(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// join drops what parts words.
func join(s string) string {
	return strings.Map(func(r rune) rune {
		if isHan(r) || isLatin(r) {
			return r
		}
		return -1
	}, s)
}

// runs parts a word where Chinese meets Latin; other characters are dropped.
func runs(word string) [][]rune {
	var out [][]rune
	for _, r := range word {
		if !isHan(r) && !isLatin(r) {
			continue
		}
		if n := len(out); n > 0 && isHan(out[n-1][0]) == isHan(r) {
			out[n-1] = append(out[n-1], r)
			continue
		}
		out = append(out, []rune{r})
	}
	return out
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func isLatin(r rune) bool { return !isHan(r) && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func allDigits(run []rune) bool {
	return !slices.ContainsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
}

func onlyDigits(s string) []rune {
	return slices.DeleteFunc([]rune(normal(s)), func(r rune) bool { return r < '0' || r > '9' })
}

// withoutSpokenForm is withoutLegalForm for pinyin and initials.
func withoutSpokenForm(run []rune) []rune {
	for _, form := range []string{"gufenyouxiangongsi", "youxianzerengongsi", "youxiangongsi", "gfyxgs", "yxzrgs", "yxgs"} {
		if len(run) >= len(form)+2 && string(run[len(run)-len(form):]) == form {
			return run[:len(run)-len(form)]
		}
	}
	return run
}

// withoutLegalForm needs two characters to remain: 有限公司 alone is what somebody is looking for.
func withoutLegalForm(run []rune) []rune {
	for _, form := range []string{"股份有限公司", "有限责任公司", "有限公司"} {
		if f := []rune(form); len(run) >= len(f)+2 && string(run[len(run)-len(f):]) == form {
			return run[:len(run)-len(f)]
		}
	}
	return run
}
